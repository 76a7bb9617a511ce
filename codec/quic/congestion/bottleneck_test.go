//go:build !race

// Millions of packets without a goroutine: the race detector would only make it slow.

package congestion

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic/internal/netsim"
	"github.com/stretchr/testify/require"
)

// bottleneck is 10 Mbit/s with the given RTT and a queue of so many octets.
func bottleneck(rtt time.Duration, queue int64) netsim.Path {
	return netsim.Path{Rate: 1_250_000, Delay: rtt / 2, Queue: queue}
}

func bdp(rtt time.Duration) int64 { return int64(1_250_000 * rtt.Seconds()) }

// TestUtilisation: one flow fills a bottleneck with a queue of one bandwidth-delay product, and most of it with a quarter of that; with ECN it does so
// without a single lost packet.
func TestUtilisation(t *testing.T) {
	const rtt = 40 * ms
	for _, c := range []struct {
		name string
		path netsim.Path
		ecn  bool
		full float64
	}{
		{"queue of 1 BDP", bottleneck(rtt, bdp(rtt)), false, 0.98},
		{"queue of 1/4 BDP", bottleneck(rtt, bdp(rtt)/4), false, 0.80},
		{"queue of 4 BDP", bottleneck(rtt, 4*bdp(rtt)), false, 0.98},
		{"marked from 1 BDP on", func() netsim.Path {
			p := bottleneck(rtt, 4*bdp(rtt))
			p.Mark = bdp(rtt)
			return p
		}(), true, 0.98},
	} {
		for _, a := range []Algorithm{CUBIC, Reno} {
			m := newModel(1, c.path)
			f := m.add(t, a, Config{}, rtt/2)
			f.ect = c.ecn
			begin := m.sim.Now()
			m.run(begin.Add(2 * time.Second))
			f.acked, f.peak = 0, 0
			m.run(begin.Add(32 * time.Second))
			full := float64(f.acked) / (30 * 1_250_000)
			s := state(f.c)
			t.Logf("%-5v %-20s utilisation %.3f, RTT up to %3d ms, %4d of %5d packets dropped, %2d marked, %2d events, of HyStart++ %d",
				a, c.name, full, f.peak.Milliseconds(), m.down.Dropped, m.down.Sent, m.down.Marked, s.Events, s.DelayExits)
			require.GreaterOrEqual(t, full, c.full)
			require.Less(t, float64(m.down.Dropped), 0.01*float64(m.down.Sent))
			require.Zero(t, f.timeouts)
			if c.ecn {
				require.Zero(t, m.down.Dropped)
				require.Equal(t, s.Events, s.CEEvents)
			}
		}
	}
}

// TestHyStartOvershoot: HyStart++ leaves slow start before the queue overflows; without it a good part of a window is lost.
func TestHyStartOvershoot(t *testing.T) {
	const rtt = 80 * ms // and five times that with the queue
	dropped := map[bool]uint64{}
	for _, off := range []bool{true, false} {
		m := newModel(1, bottleneck(rtt, 4*bdp(rtt)))
		f := m.add(t, CUBIC, Config{NoHyStart: off}, rtt/2)
		m.run(m.sim.Now().Add(5 * time.Second))
		dropped[off] = m.down.Dropped
		t.Logf("HyStart++ %v: %d packets dropped in 5 s, %d octets acknowledged", !off, m.down.Dropped, f.acked)
		require.Greater(t, float64(f.acked), 0.75*5*1_250_000)
	}
	require.Less(t, dropped[false]*4, dropped[true])
}

// jain is the fairness index: 1 if all have the same, 1/n if one has everything.
func jain(shares ...int64) float64 {
	sum, squares := 0.0, 0.0
	for _, s := range shares {
		sum += float64(s)
		squares += float64(s) * float64(s)
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// TestFairness: two flows share a bottleneck, the second comes when the first one has had it alone for 5 seconds. Shares are those of the last
// minute of 80 seconds, and of five seeds together. Acknowledgments jitter by up to four packets' time, or the flows run in step with the queue and
// what one sends is always dropped.
func TestFairness(t *testing.T) {
	for _, c := range []struct {
		first, second Algorithm
		rtt, rtt2     time.Duration
		fair          float64
	}{
		{CUBIC, CUBIC, 40 * ms, 40 * ms, 0.98},
		{Reno, Reno, 40 * ms, 40 * ms, 0.98},
		{CUBIC, Reno, 20 * ms, 20 * ms, 0.98}, // the Reno-friendly region
		{Reno, CUBIC, 20 * ms, 20 * ms, 0.98},
		{CUBIC, Reno, 100 * ms, 100 * ms, 0.85},
		{CUBIC, CUBIC, 40 * ms, 80 * ms, 0.9}, // the longer way gets less (RFC 9438 section 5.7)
	} {
		var one, two int64
		var dropped, sent uint64
		for seed := range uint64(5) {
			path := bottleneck(0, bdp(c.rtt))
			m := newModel(seed, path)
			m.jitter = 4 * time.Millisecond
			a := m.add(t, c.first, Config{}, c.rtt)
			begin := m.sim.Now()
			m.run(begin.Add(5 * time.Second))
			b := m.add(t, c.second, Config{}, c.rtt2)
			m.run(begin.Add(20 * time.Second))
			a.acked, b.acked = 0, 0
			m.run(begin.Add(80 * time.Second))
			one, two = one+a.acked, two+b.acked
			dropped, sent = dropped+m.down.Dropped, sent+m.down.Sent
		}
		used := float64(one+two) / (5 * 60 * 1_250_000)
		index := jain(one, two)
		t.Logf("%-5v %3d ms and %-5v %3d ms: shares %.3f and %.3f, index %.3f, utilisation %.3f, %d of %d packets dropped",
			c.first, c.rtt.Milliseconds(), c.second, c.rtt2.Milliseconds(),
			float64(one)/float64(one+two), float64(two)/float64(one+two), index, used, dropped, sent)
		require.GreaterOrEqual(t, index, c.fair)
		require.GreaterOrEqual(t, used, 0.95)
	}
}

// TestReordering: with two packets in a thousand late by more than the packet threshold allows, spurious congestion events are undone, and the
// bandwidth is far above that without undoing them.
func TestReordering(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		got := map[bool]int64{}
		for _, deaf := range []bool{true, false} {
			path := netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: bdp(40 * ms), Reorder: 0.002, ReorderBy: 6 * ms}
			m := newModel(3, path)
			f := m.add(t, a, Config{}, 20*ms)
			if deaf {
				f.c = notUndone{f.c}
			}
			m.run(m.sim.Now().Add(30 * time.Second))
			s := state(f.c)
			got[deaf] = f.acked + f.late
			t.Logf("%-5v undoing %-5v: utilisation %.3f, %d events, %d undone, %d packets late", a, !deaf, float64(got[deaf])/(30*1_250_000), s.Events, s.Undone, f.late/datagram)
			require.Greater(t, f.late, int64(10*datagram))
		}
		require.Greater(t, got[false], got[true])
		require.Greater(t, float64(got[false]), 0.9*30*1_250_000)
	}
}

type notUndone struct{ Controller }

func (notUndone) OnSpurious(_, _ codec.Time, _ int) {}

// TestPacedBursts: with the pacer the queue in front of the bottleneck holds far less of a slow start than without.
func TestPacedBursts(t *testing.T) {
	peak := map[bool]time.Duration{}
	for _, unpaced := range []bool{true, false} {
		// So large a rate that the queue is only what comes in at once; the window is bounded so that it stays so.
		m := newModel(1, netsim.Path{Rate: 12_500_000, Delay: 50 * ms})
		f := m.add(t, CUBIC, Config{InitialWindow: 120_000, MaxWindow: 600_000}, 50*ms)
		if unpaced {
			f.p = Pacer{}
		} else {
			f.smoothed, f.least = 100*ms, 100*ms
			f.p.SetRate(m.sim.Now(), f.c.Window(), f.smoothed, true)
		}
		m.run(m.sim.Now().Add(3 * time.Second))
		peak[unpaced] = f.peak - 100*ms
		t.Logf("paced %v: %v of queue at most, utilisation %.3f", !unpaced, peak[unpaced], float64(f.acked)/(3*12_500_000))
	}
	require.Less(t, peak[false], 2*ms)
	require.Greater(t, peak[true], 9*ms)
}
