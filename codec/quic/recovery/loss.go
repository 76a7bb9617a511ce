package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// detectLost declares packets of the space lost (RFC 9002 section 6.1 and appendix A.10): those in flight that were sent PacketThreshold packets before
// the largest acknowledged one, or the loss delay ago. Packets that are not in flight are passed over without a word.
//
// Packets are sent in the order of their numbers, so those that are lost come first: overtaken moves up and never back.
func (s *Sender) detectLost(space Space, b *Batch) {
	sp := &s.spaces[space]
	sp.lossTime = codec.Never
	delay := s.rtt.LossDelay()
	until := sp.threshold()
	first := max(sp.overtaken, sp.base)
	follow := true // overtaken moves on
	for n := first; n <= sp.largest; n++ {
		s.steps++
		p := sp.at(n)
		switch {
		case p.state == acked:
			if follow {
				sp.run.acked(p.at)
			}
		case p.state != waiting:
		case n <= until || s.now.Sub(p.at) >= delay:
			s.lose(space, p, n, b)
		case !p.is(inFlight):
			follow = false // and so is nothing behind it lost: it was sent later
		default:
			sp.lossTime = p.at.Add(delay)
			if follow {
				sp.overtaken = n
			}
			return
		}
		if follow {
			sp.overtaken = n + 1
		}
	}
}

// threshold returns the highest number that PacketThreshold packets were sent after, up to the largest acknowledged one. Numbers that were skipped
// are no packets.
func (sp *sendSpace) threshold() int64 {
	n := sp.largest
	for left := PacketThreshold; n >= sp.base; n-- {
		if sp.at(n).state == skipped {
			continue
		}
		if left == 0 {
			break
		}
		left--
	}
	return n
}

// lose declares the record p of number n lost.
func (s *Sender) lose(space Space, p *sent, n int64, b *Batch) {
	sp := &s.spaces[space]
	if p.is(marked) && n >= sp.path {
		s.ecn.onLost()
	}
	if !p.is(inFlight) {
		p.state, p.aux = gone, n
		return
	}
	octets := s.leave(sp, p, n)
	p.state, p.aux = lost, int64(s.now)
	b.add(p, n, space, octets, Lost)
	if octets > 0 && p.is(eliciting) && !p.is(mtuProbe) && s.establishes(space, p.at) {
		b.Persistent = true
		s.rtt.Restart()
	}
}

// probeRoom is how many records a probe timeout finds free at least: for two probes, a skipped number, and an ACK.
const probeRoom = 4

// makeRoom declares the oldest packets of a space lost that has no room left for probes, as RFC 9002 section 6.2.4 allows. forget drops them.
func (s *Sender) makeRoom(space Space, b *Batch) {
	sp := &s.spaces[space]
	for n := sp.base; n < sp.next && n < sp.base+probeRoom-int64(sp.limit-sp.len()); n++ {
		p := sp.at(n)
		if p.state != waiting {
			continue
		}
		counts := p.is(marked) && n >= sp.path
		if !p.is(inFlight) {
			if counts {
				s.ecn.onDiscarded()
			}
			p.state, p.aux = gone, n
			continue
		}
		if counts {
			s.ecn.onLost()
		}
		octets := s.leave(sp, p, n)
		p.state, p.aux = lost, int64(s.now)
		b.add(p, n, space, octets, Lost)
	}
}

// forget drops what needs no longer be known. Packets that were lost are known for a probe timeout, in which they can be acknowledged late
// (RFC 9000 section 13.3), or until the space is crowded.
func (s *Sender) forget(sp *sendSpace, space Space, b *Batch) {
	keep := s.ProbeTimeout()
	for sp.shrink(); sp.base < sp.next; sp.shrink() {
		p := sp.at(sp.base)
		if p.state != lost || s.now.Sub(codec.Time(p.aux)) < keep && !sp.crowded() {
			return
		}
		s.steps++
		b.add(p, sp.base, space, sp.suspect(p, sp.base), Forgotten)
		p.state = gone
	}
}

// crowded tells whether more than three quarters of the records are in use, or so many that probes would have no room.
func (sp *sendSpace) crowded() bool { return sp.len() > min(sp.limit/4*3, sp.limit-probeRoom) }

// lossRun is packets that were lost, sent one after the other with none between them that was acknowledged.
type lossRun struct {
	from codec.Time // when the first of them that counts was sent, Never for none
}

// acked ends the run if a packet sent at that time falls into it or behind it.
func (r *lossRun) acked(at codec.Time) {
	if r.from != codec.Never && at >= r.from {
		r.from = codec.Never
	}
}

// establishes is told of a lost packet that elicits an acknowledgment, sent at that time. It tells whether persistent congestion is established with it (RFC 9002
// section 7.6.2): another such packet was sent the persistent congestion duration before it, after the first RTT sample, and none that was sent
// between them, in any space, was acknowledged.
func (s *Sender) establishes(space Space, at codec.Time) bool {
	// 9002-7.6.2-4: "The persistent congestion period SHOULD NOT start until there is at least one RTT sample."
	if s.rtt.first == codec.Never || at <= s.rtt.first {
		return false
	}
	r := &s.spaces[space].run
	for i := range s.spaces {
		if Space(i) != space && r.from != codec.Never && s.spaces[i].ackedBetween(r.from, at) {
			r.from = codec.Never
		}
	}
	if r.from == codec.Never {
		r.from = at
		return false
	}
	if at.Sub(r.from) <= s.persistent() {
		return false
	}
	r.from = at
	return true
}

// persistent returns the persistent congestion duration (RFC 9002 section 7.6.1).
func (s *Sender) persistent() time.Duration {
	return PersistentThreshold * s.ProbeTimeout()
}

// ackedBetween tells whether a packet that was sent from from to to was acknowledged. Where that is no longer known, the answer is yes.
func (sp *sendSpace) ackedBetween(from, to codec.Time) bool {
	switch {
	case sp.newest < from:
		return false
	case sp.newest <= to, sp.popped >= from:
		return true
	}
	for n := sp.base; n < sp.next; n++ {
		if p := sp.at(n); p.state == acked && p.at >= from && p.at <= to {
			return true
		}
	}
	return false
}
