package recovery

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Ack takes an ACK frame of the space, which quic.FrameDecoder has validated, and fills b. An ACK for a space whose keys were discarded does
// nothing. With an error nothing has changed, and b is empty: the connection is to be closed with it.
//
// The cost is that of the ranges, of the packets that are newly acknowledged or lost, and of at most PacketThreshold others.
func (s *Sender) Ack(now codec.Time, space Space, a *quic.AckInfo, b *Batch) error {
	b.reset()
	if space >= Spaces {
		return errSpace
	}
	sp := &s.spaces[space]
	if sp.discarded {
		return nil
	}
	// 9000-13.1-3: "An endpoint SHOULD treat receipt of an acknowledgment for a packet it did not send as a connection error of type
	// PROTOCOL_VIOLATION, if it is able to detect the condition."
	if a.Largest >= uint64(sp.next) {
		return errUnsent
	}
	if space == Application && s.skips.covered(a) {
		return errSkipped
	}
	s.tick(now)
	largest := int64(a.Largest)
	grown := largest > sp.largest
	sp.largest = max(sp.largest, largest)

	found := s.detectAcked(space, a, b)
	if found.fresh == 0 {
		if grown {
			// Late ones count for the validation of ECN, although nothing else happens (RFC 9000 section 13.4.2.1).
			s.ackECN(space, a, found, b)
		}
		s.forget(sp, space, b)
		return nil
	}
	if space == Handshake {
		s.validated = true // "has received Handshake ACK"
	}
	// 9002-5.1-7: "An RTT sample MUST NOT be generated on receiving an ACK frame that does not newly acknowledge at least one ack-eliciting
	// packet."
	if found.largestAt != codec.Never && found.eliciting && largest >= sp.path {
		b.Sample, b.Sampled = s.now.Sub(found.largestAt), true
		delay := DecodeAckDelay(a.Delay, DefaultAckDelayExponent)
		switch {
		case space == Application:
			delay = DecodeAckDelay(a.Delay, s.exponent)
		case space == Initial:
			// 9002-5.3-7.1: "MAY ignore the acknowledgment delay for Initial packets"
			delay = 0
		}
		if s.confirmed {
			// 9002-5.3-7.3: "MUST use the lesser of the acknowledgment delay and the peer's max_ack_delay after the handshake is confirmed"
			delay = min(delay, s.maxAckDelay)
		}
		s.rtt.Update(s.now, b.Sample, delay)
	}
	if grown {
		s.ackECN(space, a, found, b)
	}
	s.detectLost(space, b)
	// 9002-6.2.1-9: "the PTO backoff is not reset at a client that is not yet certain that the server has finished validating the client's
	// address."
	if s.validated {
		s.backoff = 0
		for i := range s.spaces {
			s.spaces[i].probes = 0
		}
	}
	s.forget(sp, space, b)
	s.setTimer()
	return nil
}

// ackECN gives the counts of an ACK frame that increased the largest acknowledged packet number to the validation.
func (s *Sender) ackECN(space Space, a *quic.AckInfo, f found, b *Batch) {
	if b.CE = s.ecn.onAck(space, a, f.marked); b.CE > 0 {
		b.CESentAt = f.topAt
	}
}

// found is what an ACK frame acknowledges newly.
type found struct {
	fresh     int        // packets that were waiting
	eliciting bool       // one of them elicits an acknowledgment
	largestAt codec.Time // when the frame's largest packet was sent, if it was waiting
	topAt     codec.Time // the same, if it was waiting or lost
	marked    uint64     // packets with ECT(0) that were waiting or lost
}

// detectAcked marks what the frame acknowledges.
func (s *Sender) detectAcked(space Space, a *quic.AckInfo, b *Batch) (f found) {
	sp := &s.spaces[space]
	it := a.Ranges()
	for r, ok := it.Next(); ok; r, ok = it.Next() {
		s.steps++
		n, low := int64(r.Largest), max(int64(r.Smallest), sp.base)
		if n < sp.base {
			break // what follows is lower still
		}
		for n >= low {
			s.steps++
			p := sp.at(n)
			below := n - 1
			switch p.state {
			case waiting:
				f.fresh++
				f.eliciting = f.eliciting || p.is(eliciting)
				if n == int64(a.Largest) {
					f.largestAt, f.topAt = p.at, p.at
				}
				b.AckedAck = max(b.AckedAck, p.aux-1)
				s.ackOne(sp, space, p, n, Acked, b)
			case lost:
				if n == int64(a.Largest) {
					f.topAt = p.at
				}
				s.ackOne(sp, space, p, n, LateAcked, b)
			default:
				below = p.aux - 1
				p.aux = min(p.aux, low)
				n = below
				continue
			}
			if p.is(marked) && n >= sp.path {
				f.marked++
			}
			p.state = acked
			p.aux = low // everything down to there is acknowledged now
			n = below
		}
	}
	return f
}

// ackOne reports the record p of number n as acknowledged.
func (s *Sender) ackOne(sp *sendSpace, space Space, p *sent, n int64, fate Fate, b *Batch) {
	octets := sp.suspect(p, n)
	if fate == Acked {
		octets = s.leave(sp, p, n)
	} else {
		sp.run.acked(p.at)
	}
	sp.newest = max(sp.newest, p.at)
	if p.is(inFlight) {
		b.add(p, n, space, octets, fate)
	}
}

// Oldest appends the packets of the space that are in flight and elicit an acknowledgment, the oldest first, as many as n: what probes may
// carry again. Their Fate is none. Its cost is proportional to the records up to the last one it appends.
func (s *Sender) Oldest(dst []Outcome, space Space, n int) []Outcome {
	if space >= Spaces {
		return dst
	}
	sp := &s.spaces[space]
	for i := max(sp.base, sp.overtaken); i < sp.next && n > 0; i++ {
		if p := sp.at(i); p.state == waiting && p.is(eliciting) {
			dst = append(dst, Outcome{Token: p.token, Number: i, SentAt: p.at, Octets: sp.counted(p, i), Space: space})
			n--
		}
	}
	return dst
}
