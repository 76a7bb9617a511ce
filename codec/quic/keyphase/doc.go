// Package keyphase decides which keys of 1-RTT packets are in use (RFC 9001 section 6): when to update them, which ones a received packet is to be
// opened with, when old ones are to be forgotten, and whether the peer's updates are lawful. It has no keys: it counts packets. Package protect makes
// keys, and has the limits in Suite.Limits.
//
// # The loop
//
//	// a packet is sent
//	if s.Due(now) {
//		err := s.Update(now)                  // keys of both directions become the next ones
//	}
//	err := s.Sent(number)                     // an error: the connection is at its end
//	...protect with s.Phase() in the header
//	if it has an ACK frame { s.AckSent(largest) }
//
//	// a 1-RTT packet was received, its header is unmasked
//	which := s.Choose(phase, number)
//	if opening with these keys fails { err = s.Failed(); drop the packet }
//	err = s.Opened(now, pto, which, number)   // which == Next: the peer has updated, keys of both directions become the next ones
//	for each ACK frame { err = s.Acked(now, pto, which, largest) }
//
//	// at s.Deadline()
//	if s.Advance(now) { forget the previous keys for receiving }
//
// pto is the probe timeout (RFC 9002 section 6.2.1). Make the next keys beforehand, so that a packet with another key phase takes as long as any
// other (RFC 9001 section 6.3).
//
// # Errors
//
// They are *quic.Error: KEY_UPDATE_ERROR and AEAD_LIMIT_REACHED with ScopeConn, and ScopeMisuse for an update that must not be made and a configuration without
// limits. Stricter than the RFC must be: two consecutive updates and acknowledgments with old keys of packets with new ones are
// errors (the RFC allows it, 9001-6.2-3 and 9001-6.2-4).
//
// A State has less than 128 bytes. Nothing is allocated, and every call takes constant time. It is not safe for concurrent use.
package keyphase
