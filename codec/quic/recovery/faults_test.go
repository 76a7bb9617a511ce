package recovery

import (
	"testing"

	"github.com/purewire/purewire/codec"
)

// faults are errors that a Sender could have, each brought about from outside of it.
var faults = []fault{
	{name: "skipped numbers count for the packet threshold", before: func(s *Sender) {
		sp := &s.spaces[Application]
		for n := sp.base; n < sp.next; n++ {
			if p := sp.at(n); p.state == skipped {
				p.state = gone
			}
		}
	}},
	{name: "no timer for losses by age", after: func(s *Sender, _ *Batch) {
		for i := range s.spaces {
			s.spaces[i].lossTime = codec.Never
		}
		s.setTimer()
	}},
	{name: "backoff is not reset", after: func(s *Sender, b *Batch) {
		if b.AckedOctets > 0 && s.validated {
			s.backoff = 1
		}
	}},
	{name: "a client resets its backoff with any acknowledgment", before: func(s *Sender) { s.validated = true }},
	{name: "probes for Application before the handshake is confirmed", before: func(s *Sender) { s.confirmed = true }},
	{name: "max_ack_delay is left out", before: func(s *Sender) { s.maxAckDelay = 0 }},
	{name: "a blocked server sets its timer", before: func(s *Sender) { s.limited = false }},
	{name: "acknowledgment delays are not taken off", before: func(s *Sender) { s.exponent = 0 }},
	{name: "no least round-trip time", after: func(s *Sender, _ *Batch) { s.rtt.min = 0 }},
	{name: "persistent congestion before the first sample", after: func(s *Sender, _ *Batch) {
		if s.rtt.first != codec.Never {
			s.rtt.first = 1
		}
	}},
	{name: "persistent congestion across acknowledged packets", before: func() func(s *Sender) {
		first := map[*Sender]codec.Time{}
		return func(s *Sender) {
			run := &s.spaces[Application].run
			if run.from == codec.Never && first[s] != codec.Never {
				run.from = first[s]
			}
			first[s] = run.from
		}
	}()},
	{name: "lost packets stay in flight", after: func(s *Sender, b *Batch) { s.flight += b.LostOctets }},
	{name: "late acknowledgments take octets out of flight again", after: func(s *Sender, b *Batch) { s.flight -= b.SpuriousOctets }},
	{name: "late acknowledgments are not noticed", after: func(_ *Sender, b *Batch) {
		kept := b.Outcomes[:0]
		for _, o := range b.Outcomes {
			if o.Fate != LateAcked {
				kept = append(kept, o)
			}
		}
		b.Outcomes = kept
	}},
	{name: "ECN is never found to fail", after: func(s *Sender, _ *Batch) {
		if s.ecn.state == ecnFailed {
			s.ecn.state = ecnCapable
		}
	}},
	{name: "ECN counts are taken from reordered acknowledgments", before: func(s *Sender) {
		s.spaces[Application].largest = min(s.spaces[Application].largest, 0)
	}},
	{name: "the timer is set from the oldest packet", sent: func(s *Sender) {
		for i := range s.spaces {
			sp := &s.spaces[i]
			for n := sp.base; n < sp.next; n++ {
				if p := sp.at(n); p.state == waiting && p.is(eliciting) {
					sp.last = p.at
					break
				}
			}
		}
		s.setTimer()
	}},
	{name: "the timer of discarded keys goes on", after: func(s *Sender, b *Batch) {
		if b.DiscardedOctets > 0 {
			s.deadline = s.now.Add(s.rtt.Timeout())
		}
	}},
}

// TestFaults shows that the comparison of TestDifferential is not blind: it finds each of the faults within 60 runs.
func TestFaults(t *testing.T) {
	for i := range faults {
		f := &faults[i]
		t.Run(f.name, func(t *testing.T) {
			for seed := range uint64(60) {
				if diff := newWorld(seed, f).run(); diff != "" {
					t.Logf("seed %d: %s", seed, diff)
					return
				}
			}
			t.Error("not found")
		})
	}
}
