package netsim

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

const second = codec.Time(time.Second)

func collect(s *Sim[int], until codec.Time) (all []Event[int]) {
	s.Run(until, func(e Event[int]) { all = append(all, e) })
	return all
}

// TestRateAndDelay: 1000 octets at 1,000,000 a second take a millisecond each, one after the other, and then the delay.
func TestRateAndDelay(t *testing.T) {
	s := New[int](1)
	l := s.Link(3, Path{Rate: 1_000_000, Delay: 20 * time.Millisecond, Queue: 3500})
	for i := range 5 {
		l.Send(1000, false, i)
	}
	require.Equal(t, int64(3000), l.Waiting())
	got := collect(s, 1<<60)
	require.Len(t, got, 3, "the queue has room for three")
	for i, e := range got {
		require.Equal(t, Event[int]{Now: second + codec.Time((21+i)*1e6), Node: 3, Size: 1000, Packet: i}, e)
	}
	require.Equal(t, uint64(2), l.Dropped)
	require.Zero(t, l.Waiting())
	require.Equal(t, uint64(3000), l.SentOctets)
}

// TestOrder: packets that arrive at the same time do so in the order in which they were sent; timers come after them.
func TestOrder(t *testing.T) {
	s := New[int](1)
	l := s.Link(0, Path{Delay: time.Second})
	for i := range 100 {
		l.Send(1, false, i)
	}
	s.SetTimer(1, 2*second)
	s.SetTimer(2, 2*second-1)
	got := collect(s, 2*second)
	require.Len(t, got, 102)
	require.Equal(t, Event[int]{Now: 2*second - 1, Node: 2, Timer: true}, got[0])
	for i, e := range got[1:101] {
		require.Equal(t, i, e.Packet)
	}
	require.Equal(t, Event[int]{Now: 2 * second, Node: 1, Timer: true}, got[101])
	require.Equal(t, uint64(102), s.Events())
}

// TestTimer: a node has one timer, which can be moved and stopped; a time that has passed is now. Run ends at until.
func TestTimer(t *testing.T) {
	s := New[int](1)
	s.SetTimer(0, 5*second)
	s.SetTimer(0, 3*second)
	s.SetTimer(1, 2*second)
	s.SetTimer(1, codec.Never)
	s.SetTimer(2, 9*second)
	got := collect(s, 8*second)
	require.Equal(t, []Event[int]{{Now: 3 * second, Node: 0, Timer: true}}, got)
	s.SetTimer(0, 1)
	require.Equal(t, []Event[int]{{Now: 3 * second, Node: 0, Timer: true}}, collect(s, 8*second))
	s.Link(0, Path{Delay: 100 * time.Second}).Send(1, false, 0)
	require.Empty(t, collect(s, 8*second))
	require.Equal(t, 3*second, s.Now())
	require.Len(t, collect(s, 1000*second), 2)
	require.Equal(t, 103*second, s.Now())
}

// TestImpairments: each happens about as often as was asked for, and is counted.
func TestImpairments(t *testing.T) {
	const n = 20_000
	s := New[int](7)
	l := s.Link(0, Path{Loss: 0.1, Reorder: 0.05, ReorderBy: time.Millisecond, Duplicate: 0.02, MarkAt: 0.01})
	for i := range n {
		l.Send(1, true, i)
	}
	got := collect(s, 1<<60)
	require.InDelta(t, 0.1*n, float64(l.Lost), 0.01*n)
	require.InDelta(t, 0.05*0.9*n, float64(l.Reordered), 0.01*n)
	require.InDelta(t, 0.02*0.9*n, float64(l.Duplicated), 0.005*n)
	require.InDelta(t, 0.01*0.9*n, float64(l.Marked), 0.003*n)
	require.Equal(t, n-int(l.Lost)+int(l.Duplicated), len(got))
	late, marked := 0, 0
	for _, e := range got {
		if e.Now > second {
			late++
		}
		if e.CE {
			marked++
		}
	}
	require.GreaterOrEqual(t, late, int(l.Reordered))
	require.GreaterOrEqual(t, marked, int(l.Marked))
}

// TestEvery: every n-th packet is lost, whatever the phase.
func TestEvery(t *testing.T) {
	for seed := range uint64(20) {
		s := New[int](seed)
		l := s.Link(0, Path{Every: 10})
		for i := range 1000 {
			l.Send(1, false, i)
		}
		require.Equal(t, uint64(100), l.Lost)
		got := collect(s, 1<<60)
		for i, e := range got[1:] {
			gap := e.Packet - got[i].Packet
			require.True(t, gap == 1 || gap == 2)
		}
	}
}

// TestJitter: packets are late by a part of the jitter, and keep their order.
func TestJitter(t *testing.T) {
	s := New[int](3)
	l := s.Link(0, Path{Delay: time.Millisecond, Jitter: time.Millisecond})
	for i := range 1000 {
		l.Send(1, false, i)
	}
	got := collect(s, 1<<60)
	for i, e := range got {
		require.Equal(t, i, e.Packet)
		require.GreaterOrEqual(t, e.Now, second+1e6)
		require.Less(t, e.Now, second+2e6)
	}
	require.Less(t, got[0].Now, got[999].Now)
}

// TestMark: packets are marked from a threshold on, if they can be and the network does not bleach them.
func TestMark(t *testing.T) {
	for _, bleach := range []bool{false, true} {
		s := New[int](1)
		l := s.Link(0, Path{Rate: 1000, Mark: 2000, Bleach: bleach})
		for i := range 4 {
			l.Send(1000, true, i)
		}
		l.Send(1000, false, 4)
		got := collect(s, 1<<60)
		for i, e := range got {
			require.Equal(t, (i == 2 || i == 3) && !bleach, e.CE, "%d", i)
		}
		require.Equal(t, uint64(2), l.Marked)
	}
}

// TestRepeats: the same seed gives the same run, another one another.
func TestRepeats(t *testing.T) {
	run := func(seed uint64) []Event[int] {
		s := New[int](seed)
		l := s.Link(0, Path{Rate: 1_000_000, Delay: time.Millisecond, Queue: 10_000, Loss: 0.2, Reorder: 0.3, ReorderBy: time.Millisecond, Duplicate: 0.1})
		for i := range 1000 {
			l.Send(1+s.Rand.Intn(100), false, i)
		}
		return collect(s, 1<<60)
	}
	require.Equal(t, run(5), run(5))
	require.NotEqual(t, run(5), run(6))
}

// TestRand: the generator gives the published sequence of splitmix64 with seed 1234567.
func TestRand(t *testing.T) {
	r := NewRand(1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		require.Equal(t, want, r.Uint64())
	}
	require.Zero(t, r.Intn(0))
	for range 1000 {
		f := r.Float64()
		require.True(t, f >= 0 && f < 1)
	}
}

func BenchmarkPacket(b *testing.B) {
	s := New[int](1)
	l := s.Link(0, Path{Rate: 1 << 30, Delay: time.Millisecond, Loss: 0.01})
	b.ReportAllocs()
	for b.Loop() {
		l.Send(1200, false, 1)
		if len(s.queue) > 100 {
			s.Run(s.now+1e9, func(Event[int]) {})
		}
	}
}
