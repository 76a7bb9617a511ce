// Package stream is what a QUIC connection needs for its streams (RFC 9000 sections 2 to 4) and its handshake messages: reassembly, send
// buffers, stream states, final sizes, flow control and stream limits. Each part is a small machine of its own, without a connection:
// frames go in and come out as structs of package quic, time is told, nothing is sent.
//
//	part                        does                                                           RFC 9000
//	Reassembler                 data out of order in, the stream out                           2.2
//	SendBuffer                  data not sent, in flight, lost, acknowledged                   13.3
//	SendState, RecvState        the state machines as tables                                   3.1, 3.2
//	RecvWindow, SendWindow      flow control credit given and taken, both levels               4.1, 4.2
//	PeerStreams, LocalStreams   stream limits without state for streams                        4.6
//	RecvStream, SendStream      one direction of a stream, made of the parts above             3, 4.5
//	CryptoRecv, CryptoSend      the handshake messages of an encryption level                  7.5, 19.6
//	Streams                     which stream a frame of the peer may name, and who opens it    3.2, 4.6, 19
//
// # Receiving
//
//	fresh, err := streams.Touch(f.Kind, f.StreamID) // limits, direction; fresh: create state
//	lent, err := recv.Receive(&f, true)             // a STREAM frame; lent is next in the stream
//	use(lent)
//	for b := recv.Peek(); len(b) > 0; b = recv.Peek() {
//		use(b)
//		recv.Consume(len(b))
//	}
//	if recv.State() == stream.RecvDataRead { the end }
//	for recv.NextFrame(now, rtt, &f) { send f }     // MAX_STREAM_DATA, STOP_SENDING
//
// With lend true, data in order is handed through as a part of the packet, without a copy: use it before the packet goes away. An
// application that does not want it now says lend false; then it is stored, and read by Peek or Read.
//
// # Sending
//
//	send.Write(p)
//	packet, piece, ok := send.AppendStream(packet, room, false) // keep piece with the packet
//	send.Acked(piece) or send.Lost(piece)
//	for send.NextFrame(&f) { send f }                           // RESET_STREAM, STREAM_DATA_BLOCKED
//
// # Overlapping data
//
// The first copy of an octet wins. While it is stored and not read, another copy is compared with it, and a difference is PROTOCOL_VIOLATION. What
// was read, lent, or thrown away is not compared.
//
// # Errors
//
// Every error is a *quic.Error, with Scope ScopeConn and the code for CONNECTION_CLOSE, or ScopeMisuse for the caller's mistakes, which
// frames of a peer never cause. It is returned without allocation, and nothing has changed with it. These machines do not remember an error: the
// connection does.
//
// # Memory
//
// Data that waits is in chunks of ChunkLen bytes, at places given by its offset: however it is cut, a stream holds at most one chunk for each
// ChunkLen octets of its window, and one more. Since the connection's window bounds the sum of the offsets, all streams together hold at most the
// connection's window and one chunk each. Lists of pieces have 16 bytes for each piece, up to Limits.Pieces. Limits.Memory is the sum. Streams
// that were opened without being mentioned take 16 bytes for each range of them.
//
// Nothing is allocated in steady state: chunks come back to the Store, lists keep their memory.
//
// # Cost
//
// A frame costs its length, a binary search in the list of pieces, and, if it is not behind all others, moving the pieces above it: 16 bytes for each of at
// most Limits.Pieces.
//
// # Not here
//
// Which stream is sent next, packets, timers, retransmission decisions, and tables of streams belong to the connection.
package stream
