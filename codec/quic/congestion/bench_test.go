package congestion

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// BenchmarkOnAcked is a packet sent and acknowledged, the whole cost of congestion control without the pacer, in each phase.
func BenchmarkOnAcked(b *testing.B) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, slow := range []bool{true, false} {
			name := a.String() + "/avoidance"
			if slow {
				name = a.String() + "/slow-start"
			}
			b.Run(name, func(b *testing.B) {
				c := make2(b, a, Config{InitialWindow: 1_000_000, MaxWindow: -1})
				now := codec.Time(time.Second)
				if !slow {
					c.OnSent(now, 1200)
					c.OnLost(now+1, Loss{Octets: 1200, SentAt: now})
				}
				ack := Ack{Octets: 1200, RTT: RTT{Latest: 50 * time.Millisecond, Smoothed: 50 * time.Millisecond, Min: 50 * time.Millisecond}}
				b.ReportAllocs()
				for b.Loop() {
					now += 2
					c.OnSent(now, 1200)
					ack.SentAt = now
					c.OnAcked(now+1, ack)
				}
			})
		}
	}
}

// BenchmarkEvent is a congestion event and the beginning of the next stage, with the computation of K.
func BenchmarkEvent(b *testing.B) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		b.Run(a.String(), func(b *testing.B) {
			c := make2(b, a, Config{InitialWindow: 1_000_000})
			now := codec.Time(time.Second)
			b.ReportAllocs()
			for b.Loop() {
				now += 10
				c.OnSent(now, 1200)
				c.OnSent(now, 1200)
				c.OnLost(now+1, Loss{Octets: 1200, SentAt: now})
				c.OnAcked(now+3, Ack{Octets: 1200, SentAt: now + 2, RTT: RTT{Smoothed: 50 * time.Millisecond}})
			}
		})
	}
}

// BenchmarkPacer is all that the pacer does for a packet and its acknowledgment.
func BenchmarkPacer(b *testing.B) {
	var p Pacer
	if err := p.Init(PacerConfig{}); err != nil {
		b.Fatal(err)
	}
	now := codec.Time(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		now += 100_000
		p.SetRate(now, 1_000_000, 50*time.Millisecond, false)
		if p.Ready(now, 1200) {
			p.OnSent(now, 1200)
		}
		p.Next(now, 1200)
	}
}
