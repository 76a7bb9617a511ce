package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Discard ends the Initial or Handshake space because its keys were discarded (RFC 9002 section 6.4), and fills b with its packets. Nothing
// can be sent there afterwards. The error, misuse, is for Application.
func (s *Sender) Discard(now codec.Time, space Space, b *Batch) error {
	b.reset()
	if space >= Application {
		return errSpace
	}
	s.tick(now)
	sp := &s.spaces[space]
	if sp.discarded {
		return nil
	}
	// 9002-6.4-1: "The sender MUST discard all recovery state associated with those packets and MUST remove them from the count of bytes in
	// flight."
	s.drop(space, b)
	sp.ring, sp.discarded = nil, true
	// 9002-6.2.2-3: "When Initial or Handshake keys are discarded, the PTO and loss detection timers MUST be reset"
	s.backoff = 0
	s.setTimer()
	return nil
}

// RejectZeroRTT tells that the server did not accept 0-RTT: all packets of Application are as if they had not been sent, and fill b. Packet
// numbers go on (RFC 9002 section 6.4-3).
func (s *Sender) RejectZeroRTT(now codec.Time, b *Batch) {
	b.reset()
	s.tick(now)
	s.drop(Application, b)
	s.setTimer()
}

// Retry tells that a client was answered with a Retry packet: loss recovery begins anew, packet numbers go on. All that was sent fills b and is
// to be sent again. sample is the time from sending the first Initial packet to the Retry, which may be used as the initial RTT; 0 keeps the
// initial one (RFC 9002 section 6.3).
func (s *Sender) Retry(now codec.Time, sample time.Duration, b *Batch) {
	b.reset()
	s.tick(now)
	s.drop(Initial, b)
	s.drop(Application, b)
	if sample > 0 {
		s.rtt.Init(sample)
	}
	s.backoff = 0
	s.setTimer()
}

// drop reports and forgets all packets of the space.
func (s *Sender) drop(space Space, b *Batch) {
	sp := &s.spaces[space]
	for ; sp.base < sp.next; sp.pop() {
		s.steps++
		p := sp.at(sp.base)
		switch p.state {
		case waiting:
			octets := s.leave(sp, p, sp.base)
			if p.is(marked) && sp.base >= sp.path {
				s.ecn.onDiscarded()
			}
			if p.is(inFlight) {
				b.add(p, sp.base, space, octets, Discarded)
			}
		case lost:
			b.add(p, sp.base, space, sp.suspect(p, sp.base), Forgotten)
		}
	}
	sp.last, sp.lossTime, sp.probes = codec.Never, codec.Never, 0
	sp.overtaken, sp.popped = sp.next, sp.newest
	sp.run = lossRun{}
}

// NewPath tells that what is sent from now on goes over another path (RFC 9000 section 9.4): the estimates of the round-trip time and the
// validation of ECN begin anew. What is in flight on the earlier path is still acknowledged or lost, but counts 0 octets and gives no samples;
// b.DiscardedOctets has what it counted. initial is as Config.InitialRTT.
func (s *Sender) NewPath(now codec.Time, initial time.Duration, b *Batch) {
	b.reset()
	s.tick(now)
	b.DiscardedOctets = s.flight
	s.flight = 0
	for i := range s.spaces {
		s.spaces[i].path = s.spaces[i].next
		s.spaces[i].run = lossRun{}
	}
	s.rtt.Init(initial)
	s.ecn.restart()
	s.backoff = 0
	s.setTimer()
}

// Compact gives memory back that is not in use: for a connection that is idle.
func (s *Sender) Compact() {
	for i := range s.spaces {
		if sp := &s.spaces[i]; sp.base == sp.next {
			sp.ring = nil
		}
	}
}
