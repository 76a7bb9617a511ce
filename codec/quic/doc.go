// Package quic is the stateless wire layer of QUIC versions 1 and 2 (RFC 8999, RFC 9000, RFC 9001, RFC 9221, RFC 9287,
// RFC 9368, RFC 9369): variable-length integers, packet numbers, connection IDs, packet headers, frames, transport
// parameters, stateless resets and packet protection. There is no connection in it yet: no streams, no acknowledgments that are
// kept, no loss recovery, no handshake.
//
// # From a datagram to frames
//
//	it := opts.Packets(datagram)                        // coalesced packets
//	for {
//		packet, err := it.Next(&h)                      // what is not protected; an error drops the rest
//		if packet == nil { break }
//		o, err := quic.Unmask(packet, h.NumberAt, largest, keys)
//		payload, err := o.Open(packet, keys)            // decrypted in place
//		frames.Init(quic.Server, h.Type, len(payload))
//		for !frames.Ended() {
//			n, err := frames.Next(payload, &f)          // one frame; an error ends the connection
//			payload = payload[n:]
//		}
//	}
//
// Retry, Version Negotiation and unknown versions have no protected payload: look at h.Type first.
//
// # From frames to a datagram
//
// AppendLongHeader or AppendShortHeader, then AppendFrame, AppendAck or AppendStreamHeader, then Protect. FrameLen tells beforehand how long a
// frame is.
//
// # Cryptography
//
// Package quic imports none. It uses what implements Protection; package protect does, for the three ciphers of
// crypto/tls, and makes keys from TLS's secrets.
//
// # Errors
//
// Every failure is an *Error. With Scope zero the packet is to be dropped and nothing else happens: all of ParseHeader, Packets, Unmask, and packets that
// are not authentic. With ScopeConn the connection ends with Code: frames, reserved bits, transport parameters. What a builder
// refuses is ScopeMisuse. FrameDecoder is the one stateful part: its error is sticky and has the offset in the payload.
//
// Stricter than the RFC must be: a frame type in more bytes than needed, frames in 0-RTT packets that cannot be sent there, and
// repeated transport parameters are errors (the RFC allows it, 9000-12.4-18, 9000-12.5-3, 9000-7.4-7).
//
// # Memory
//
// Nothing here keeps bytes of the input or allocates, but ConnectionID.String. A FrameDecoder has about 100 bytes, a Frame about 250. An ACK
// frame is validated whole before it is reported; its ranges stay in the packet and are stepped through by AckRanges. The longest tail that
// FrameDecoder leaves is one frame, at most the payload of a packet. Presented byte by byte, an ACK frame is looked at from its start each time;
// a packet is there as a whole normally.
//
// # Not here
//
// Whether acknowledged packets were sent, flow control, final sizes, stream states beyond what the ID tells, comparison of connection IDs with
// transport parameters (RFC 9000 section 7.3), 1200-byte Initial datagrams, tokens, and version negotiation as a procedure belong
// to the connection. Its parts are the packages below this one, each a machine of its own: recovery, congestion, stream, path, keyphase.
// The program examples/quicparts puts all of them together.
package quic
