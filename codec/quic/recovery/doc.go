// Package recovery is loss recovery of QUIC (RFC 9002), the acknowledgments that it needs (RFC 9000 section 13.2) and ECN validation (section
// 13.4): which packets were received and when an acknowledgment is owed (Receiver), which of the packets that were sent arrived or were
// lost, and when to probe (Sender). There is one of each per connection, for all three packet number spaces.
//
// It knows packets, not what is in them: each packet carries a Token of the caller, and comes back with it. Sending again what was lost is the
// caller's. So is the congestion window: a Batch says what a congestion controller must be told.
//
// # The loop
//
//	// a datagram arrived
//	...decrypt
//	if !r.Seen(space, number) {
//		...for each ACK frame
//		err := s.Ack(now, space, &frame.Ack, &batch)      // an error closes the connection
//		handle(&batch)
//		...the other frames
//		r.Received(now, space, number, eliciting, mark)
//	}
//
//	// a packet is to be sent
//	if r.Owed(now, space) || r.Worth(space) {
//		out, largest, err = r.AppendAck(out, now, space, size)
//	}
//	...frames, with probes (s.Probes) whatever the congestion window says
//	err := s.Sent(now, space, recovery.Packet{Number: s.Next(space), ...})
//	r.AckSent(space, eliciting)
//
//	// a timer: the earlier one of s.Deadline() and r.Deadline()
//	s.Advance(now, &batch)
//	handle(&batch)
//
// where handle looks at batch.Outcomes for what to send again, gives batch.AckedAck to Receiver.AckAcked, and tells the
// congestion controller: AckedOctets or each Outcome, LostOctets with LostSentAt and Persistent, CE with CESentAt, SpuriousOctets, DiscardedOctets.
//
// # What it follows, and where it goes further
//
// RFC 9002 appendix A, and of appendix B what is not the window itself. Where text and pseudocode differ, the text is followed: packets that
// are not in flight set no timer, and a client has a probe timer as long as the server may wait for it, even if only 0-RTT packets are in flight.
//
//   - Packet numbers are skipped at random, and an ACK of such a number, or of one that was never sent, is PROTOCOL_VIOLATION (RFC 9000
//     section 21.4). Skipped numbers do not count for the packet threshold.
//   - Lost packets are remembered for a probe timeout and reported as LateAcked when the loss was spurious. The thresholds are not adapted to it.
//   - A probe timeout that finds the limit of tracked packets reached gives the oldest ones up as lost (section 6.2.4 allows it), so that there is
//     always room for probes.
//   - The probe timeout doubles 6 times at most (Limits.Backoff), where RFC 9002 leaves the end to the idle timeout.
//   - The acknowledgment delay in Initial packets is ignored, and in Handshake packets decoded with the default exponent.
//   - Persistent congestion is looked for across all packet number spaces and all acknowledgments, not within one.
//
// # Before the handshake is confirmed
//
// 0-RTT and 1-RTT packets have no probe timeout then (RFC 9002 section 6.2.1). If they fill the congestion window while what is lost of the handshake waits
// for room in it, neither side has a timer that helps: both wait for ever. The caller must therefore send Initial and Handshake data whatever the
// window says, or keep room for it.
//
// # Errors
//
// They are *quic.Error. With ScopeConn the peer has acknowledged what was not sent: Sender.Ack only. Everything else is ScopeMisuse and has changed
// nothing. No bytes from a peer cause misuse if Seen is asked first.
//
// # Limits and memory
//
// A Sender tracks Limits.Packets packet numbers of Application and twice Limits.HandshakePackets, 32 bytes each, rounded up to powers of two:
// 272 KiB with the defaults when all are in use; 512 bytes are what a few packets take. Discard and Compact give it back. Packets that
// are not in flight (only ACK frames) are remembered 64 at a time if nothing in flight was sent before them. The Sender itself has below 1 KiB.
// A Receiver has below 1 KiB, and up to 64 ranges of 16 bytes per space: below 7 KiB in all. An ACK frame has 32 ranges at most by default.
// The caller's Batch grows to 40 bytes for each packet that one call reports. Nothing is allocated once these have grown.
//
// The work for an ACK frame is proportional to its ranges and to the packets whose fate it decides, counted by Sender.Steps.
//
// # Time
//
// All times are the caller's and positive; Never is not a time. A Receiver is told when the datagram arrived.
//
// # Not here
//
// The congestion window and pacing, what is in packets, sending again, the count of octets that the anti-amplification limit is about
// (Sender.SetLimited is told the result), key updates, path validation, the idle timer.
package recovery
