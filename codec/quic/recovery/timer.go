package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Deadline returns when Advance is to be called, Never if there is nothing to wait for. It may be in the past: call Advance then, before anything
// else is sent.
func (s *Sender) Deadline() codec.Time {
	if s.deadline != codec.Never {
		return s.deadline
	}
	for i := range s.spaces { // a lost packet in front of many that are not in flight: nothing else would make room
		if sp := &s.spaces[i]; sp.crowded() && sp.at(sp.base).state == lost {
			return s.now
		}
	}
	return codec.Never
}

// Advance is called at the Deadline, or at any other time, which does no harm. It fills b: with packets that are lost because of their age, or
// with Probe. Then Probes tells how many packets are owed; the oldest packets are given up as lost if there would be no room for these.
func (s *Sender) Advance(now codec.Time, b *Batch) {
	b.reset()
	s.tick(now)
	if s.deadline.Reached(s.now) {
		s.expire(b)
	}
	for i := range s.spaces {
		s.forget(&s.spaces[i], Space(i), b)
	}
}

// expire does what the loss detection timer is for (RFC 9002 appendix A.9).
func (s *Sender) expire(b *Batch) {
	if at, space := s.earliestLoss(); at != codec.Never {
		s.detectLost(space, b)
		s.setTimer()
		return
	}
	// 9002-6.2-3: "A PTO timer expiration event does not indicate packet loss and MUST NOT cause prior unacknowledged packets to be marked as
	// lost."
	_, space, alone := s.earliestProbe()
	b.Probe = true
	if alone {
		s.spaces[space].probes = max(s.spaces[space].probes, 1)
	} else {
		// 9002-6.2.4-1: "When a PTO timer expires, a sender MUST send at least one ack-eliciting packet in the packet number space as a
		// probe. An endpoint MAY send up to two full-sized datagrams"
		s.spaces[space].probes = 2
		for i := range s.spaces {
			if sp := &s.spaces[i]; sp.eliciting > 0 {
				sp.probes = max(sp.probes, 1)
			}
		}
	}
	for i := range s.spaces {
		if s.spaces[i].probes > 0 {
			s.makeRoom(Space(i), b)
		}
	}
	// 9002-6.2.1-9: "When a PTO timer expires, the PTO backoff MUST be increased, resulting in the PTO period being set to twice its current
	// value."
	s.backoff++
	s.ecn.onTimeout()
	s.setTimer()
}

// Probes returns how many packets that elicit an acknowledgment are owed in the space: a probe timeout has expired. They are to be sent whatever the
// congestion controller says (RFC 9002 section 7.5), with new data, with what Oldest returns, or with PING, in datagrams of 1200 bytes at most: where a path does not
// carry larger ones any more, nothing else would be acknowledged, and so nothing be found lost. What is owed in the other spaces beside the
// one whose timer expired should go into the same datagrams. A client's datagrams with Initial packets are padded to 1200 bytes
// as always. Each such packet that is sent counts; an acknowledgment ends the debt.
func (s *Sender) Probes(space Space) int {
	if space >= Spaces || s.spaces[space].discarded {
		return 0
	}
	return s.spaces[space].probes
}

// earliestLoss returns the earliest time at which a packet is lost because of its age (GetLossTimeAndSpace).
func (s *Sender) earliestLoss() (at codec.Time, space Space) {
	for i := range s.spaces {
		if t := s.spaces[i].lossTime; t != codec.Never && (at == codec.Never || t < at) {
			at, space = t, Space(i)
		}
	}
	return at, space
}

// earliestProbe returns when the probe timeout of which space expires first (GetPtoTimeAndSpace), Never if none does. alone says that nothing is in flight that
// it could be for: a client makes sure that the server can go on.
func (s *Sender) earliestProbe() (at codec.Time, space Space, alone bool) {
	factor := time.Duration(1) << min(s.backoff, s.limits.Backoff)
	timeout := scale(s.rtt.Timeout(), factor)
	for i := range s.spaces {
		sp := &s.spaces[i]
		if sp.eliciting == 0 {
			continue
		}
		d := timeout
		if Space(i) == Application {
			// 9002-6.2.1-7: "An endpoint MUST NOT set its PTO timer for the Application Data packet number space until the handshake is
			// confirmed."
			if !s.confirmed {
				continue
			}
			d = scale(s.ProbeTimeout(), factor)
		}
		// 9002-6.2.1-6: "When ack-eliciting packets in multiple packet number spaces are in flight, the timer MUST be set to the earlier value
		// of the Initial and Handshake packet number spaces."
		if t := sp.last.Add(d); at == codec.Never || t < at {
			at, space = t, Space(i)
		}
	}
	if at != codec.Never || s.validated {
		return at, space, false
	}
	// 9002-6.2.2.1-3: "the client MUST set the PTO timer if the client has not received an acknowledgment for any of its Handshake packets and
	// the handshake is not confirmed [...], even if there are no packets in flight. When the PTO fires, the client MUST send a Handshake packet if it
	// has Handshake keys, otherwise it MUST send an Initial packet in a UDP datagram with a payload of at least 1200 bytes."
	if s.keys || s.spaces[Initial].discarded {
		return s.now.Add(timeout), Handshake, true
	}
	return s.now.Add(timeout), Initial, true
}

// ProbeTimeout returns the probe timeout (PTO) of Application without backoff: the round-trip time, four times its deviation, and the peer's max_ack_delay (RFC
// 9002 section 6.2.1). It is what closing, path validation, migration, key updates and the idle timeout are measured with.
func (s *Sender) ProbeTimeout() time.Duration { return s.rtt.Timeout() + s.maxAckDelay }

// scale multiplies, up to what there is.
func scale(d, factor time.Duration) time.Duration {
	const most = 1<<63 - 1
	if d > most/factor {
		return most
	}
	return d * factor
}

// setTimer sets the deadline (SetLossDetectionTimer).
func (s *Sender) setTimer() {
	// 9002-6.2.1-12: "The PTO timer MUST NOT be set if a timer is set for time threshold loss detection"
	if at, _ := s.earliestLoss(); at != codec.Never {
		s.deadline = at
		return
	}
	// 9002-6.2.2.1-1: "If no additional data can be sent, the server's PTO timer MUST NOT be armed until datagrams have been received from the
	// client"
	if s.limited {
		s.deadline = codec.Never
		return
	}
	s.deadline, _, _ = s.earliestProbe()
}

// SetLimited tells whether a server has sent three times what it has received from an address that is not validated, and so must not send. When
// a datagram has changed that, the deadline may be in the past (RFC 9002 section 6.2.2.1). It does nothing at a client.
func (s *Sender) SetLimited(now codec.Time, limited bool) {
	s.tick(now)
	if s.role == quic.Server && s.limited != limited {
		s.limited = limited
		s.setTimer()
	}
}

// HandshakeKeys tells that Handshake packets can be sent from now on.
func (s *Sender) HandshakeKeys(now codec.Time) {
	s.tick(now)
	s.keys = true
}

// HandshakeConfirmed tells that the handshake is confirmed (RFC 9001 section 4.1.2).
func (s *Sender) HandshakeConfirmed(now codec.Time) {
	s.tick(now)
	if !s.confirmed {
		s.confirmed, s.validated = true, true
		s.setTimer()
	}
}
