package recovery_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/congestion"
	"github.com/purewire/purewire/codec/quic/recovery"
)

// tell gives a batch to a congestion controller: the whole of what there is to tell.
func tell(now codec.Time, c congestion.Controller, s *recovery.Sender, b *recovery.Batch) {
	rtt := congestion.RTT{Smoothed: s.RTT().Smoothed(), Min: s.RTT().Min()}
	if b.Sampled {
		rtt.Latest = b.Sample
	}
	for _, o := range b.Outcomes {
		switch o.Fate {
		case recovery.Acked:
			c.OnAcked(now, congestion.Ack{Octets: o.Octets, SentAt: o.SentAt, RTT: rtt})
			rtt.Latest = 0 // one sample
		case recovery.LateAcked:
			c.OnSpurious(now, o.SentAt, int(o.Octets))
		}
	}
	if b.LostOctets > 0 {
		c.OnLost(now, congestion.Loss{Octets: b.LostOctets, SentAt: b.LostSentAt, Persistent: b.Persistent})
	}
	if b.CE > 0 {
		c.OnCongestion(now, b.CESentAt, congestion.CE)
	}
	c.OnDiscarded(now, b.DiscardedOctets)
}

// TestCongestion has a congestion controller behind a Sender: they agree on what is in flight after every call, and the window moves.
func TestCongestion(t *testing.T) {
	var events, undone, persistent uint64
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		c, err := congestion.New(congestion.CUBIC, congestion.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var s recovery.Sender
		if err := s.Init(recovery.Config{Role: quic.Server, Rand: rng.Uint64}); err != nil {
			t.Fatal(err)
		}
		now := codec.Time(time.Second)
		s.HandshakeConfirmed(now)
		var b recovery.Batch
		var arrived []int64
		check := func() {
			if s.InFlight() != c.InFlight() {
				t.Fatalf("seed %d: %d octets in flight, the controller has %d", seed, s.InFlight(), c.InFlight())
			}
		}
		down := false
		for round := range 400 {
			if round%80 == 79 {
				down = !down
			}
			for s.Probes(recovery.Application) > 0 || c.Available() >= 1200 && s.Room(recovery.Application) > 0 {
				now += 1000
				n := s.Next(recovery.Application)
				if err := s.Sent(now, recovery.Application, recovery.Packet{Number: n, Octets: 1200, Eliciting: true}); err != nil {
					t.Fatal(err)
				}
				c.OnSent(now, 1200)
				check()
				if !down && rng.IntN(50) > 0 {
					arrived = append(arrived, n)
				}
			}
			now += codec.Time(20 * time.Millisecond)
			if len(arrived) > 4 {
				i := rng.IntN(4)
				arrived[i], arrived[i+rng.IntN(len(arrived)-i)] = arrived[len(arrived)-1], arrived[i]
			}
			for _, n := range arrived {
				if err := s.Ack(now, recovery.Application, &quic.AckInfo{Largest: uint64(n)}, &b); err != nil {
					t.Fatal(err)
				}
				tell(now, c, &s, &b)
				check()
			}
			arrived = arrived[:0]
			if s.Deadline().Reached(now) || down && s.Deadline() != codec.Never {
				now = max(now, s.Deadline())
				s.Advance(now, &b)
				tell(now, c, &s, &b)
				check()
			}
		}
		var state congestion.State
		c.ReadState(&state)
		events, undone, persistent = events+state.Events, undone+state.Undone, persistent+state.Persistent
	}
	t.Log(events, undone, persistent)
	if events == 0 || undone == 0 || persistent == 0 {
		t.Errorf("%d congestion events, %d undone, %d persistent", events, undone, persistent)
	}
}
