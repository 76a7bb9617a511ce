package congestion

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec/quic/internal/netsim"
	"github.com/stretchr/testify/require"
)

// impairments are ways with everything that a network does to packets.
var impairments = []struct {
	name string
	path netsim.Path
}{
	{"perfect", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000}},
	{"short queue", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 5000}},
	{"loss 1%", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, Loss: 0.01}},
	{"loss 10%", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, Loss: 0.1}},
	{"loss 40%", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, Loss: 0.4}},
	{"reordering", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, Reorder: 0.05, ReorderBy: 8 * ms}},
	{"duplication", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, Duplicate: 0.2}},
	{"ECN", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 200_000, Mark: 30_000}},
	{"ECN at random", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 200_000, MarkAt: 0.02}},
	{"bleached ECN", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000, MarkAt: 0.1, Bleach: true}},
	{"all of it", netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 60_000, Jitter: 2 * ms, Loss: 0.03, Reorder: 0.03, ReorderBy: 10 * ms, Duplicate: 0.03, Mark: 40_000, MarkAt: 0.005}},
	{"slow and long", netsim.Path{Rate: 20_000, Delay: 600 * ms, Queue: 20_000, Loss: 0.02}},
}

// TestNoDeadlock: a transfer in both directions arrives whole through every impairment, in both directions of it, with both controllers, over
// 20 seeds; and afterwards nothing is in flight and no timer is set. All of it is real but the network: acknowledgments on the wire, skipped packet
// numbers, probes, ECN validation.
func TestNoDeadlock(t *testing.T) {
	for _, c := range impairments {
		for _, a := range []Algorithm{CUBIC, Reno} {
			var sum struct {
				probes, persistent, spurious, duplicates, acks int
				events, ce, undone, lost, packets              uint64
				took, longest                                  time.Duration
			}
			for seed := range uint64(20) {
				p := connect(t, seed, a, Config{}, c.path, c.path, [2]int{150, 40})
				begin := p.sim.Now()
				p.run(begin.Add(24 * time.Hour))
				p.complete(t)
				for i, e := range p.ends {
					var s State
					e.c.ReadState(&s)
					sum.probes, sum.persistent, sum.spurious = sum.probes+e.probes, sum.persistent+e.persistent, sum.spurious+e.spurious
					sum.duplicates, sum.acks = sum.duplicates+e.duplicates, sum.acks+e.acks
					sum.events, sum.ce, sum.undone = sum.events+s.Events, sum.ce+s.CEEvents, sum.undone+s.Undone
					sum.lost, sum.packets = sum.lost+e.out.Lost+e.out.Dropped, sum.packets+e.out.Sent
					if i == 0 {
						took := e.finished.Sub(begin)
						sum.took, sum.longest = sum.took+took/20, max(sum.longest, took)
					}
				}
			}
			t.Logf("%-5v %-13s %5.2f s (at most %6.2f s): %6d packets, %5d lost, %4d duplicates, %5d ACKs, %4d probes, %3d events, %3d by CE, %3d spurious, %2d undone, %d persistent",
				a, c.name, sum.took.Seconds(), sum.longest.Seconds(), sum.packets, sum.lost, sum.duplicates, sum.acks, sum.probes, sum.events, sum.ce, sum.spurious, sum.undone, sum.persistent)
			switch c.name {
			case "perfect":
				require.Zero(t, sum.lost+sum.events)
			case "ECN", "ECN at random":
				require.NotZero(t, sum.ce)
				require.Zero(t, sum.lost)
			case "bleached ECN":
				require.Zero(t, sum.ce)
			case "reordering":
				require.NotZero(t, sum.undone)
			case "loss 40%":
				require.NotZero(t, sum.persistent)
			}
		}
	}
}

// TestBlackout: the network is gone for a while, in the middle of a transfer. It goes on afterwards, from the minimum window if congestion was persistent.
func TestBlackout(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, gone := range []time.Duration{50 * ms, 500 * ms, 5 * time.Second, time.Minute} {
			path := netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 100_000}
			p := connect(t, 1, a, Config{}, path, path, [2]int{2000, 0})
			begin := p.sim.Now()
			p.run(begin.Add(500 * ms))
			for _, e := range p.ends {
				e.out.Loss = 1
			}
			p.run(begin.Add(500*ms + gone))
			for _, e := range p.ends {
				e.out.Loss = 0
			}
			p.run(begin.Add(24 * time.Hour))
			p.complete(t)
			e := p.ends[0]
			t.Logf("%-5v gone for %5v: complete after %6.2f s, %d probes, %d times persistent congestion", a, gone, e.finished.Sub(begin).Seconds(), e.probes, e.persistent)
			require.Equal(t, gone >= 5*time.Second, e.persistent > 0)
			// Probes double their distance: the pause is found to be over after as long again at most.
			require.Less(t, e.finished.Sub(begin), 3*time.Second+2*gone+gone/2)
		}
	}
}

// TestRealUtilisation: real recovery with delayed acknowledgments fills a bottleneck as the model does, with and without ECN.
func TestRealUtilisation(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, mark := range []int64{0, 50_000} {
			path := netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 50_000 + 3*mark, Mark: mark}
			p := connect(t, 1, a, Config{}, path, netsim.Path{Delay: 20 * ms}, [2]int{1 << 20, 0})
			begin := p.sim.Now()
			p.run(begin.Add(2 * time.Second))
			before := p.ends[0].missing
			p.run(begin.Add(22 * time.Second))
			e := p.ends[0]
			full := float64(before-e.missing) * datagram / (20 * 1_250_000)
			var s State
			e.c.ReadState(&s)
			t.Logf("%-5v marked from %5d octets on: utilisation %.3f, %d dropped, %d marked, %d events, %d by CE, %d ACK frames for %d packets",
				a, mark, full, e.out.Dropped, e.out.Marked, s.Events, s.CEEvents, p.ends[1].acks, e.out.Sent)
			require.Greater(t, full, 0.97)
			require.Zero(t, e.probes)
			if mark > 0 {
				require.Zero(t, e.out.Dropped)
				require.Equal(t, s.Events, s.CEEvents)
				require.NotZero(t, s.CEEvents)
			}
		}
	}
}
