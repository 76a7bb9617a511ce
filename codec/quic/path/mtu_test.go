package path

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// simulate runs the search over a path that carries size bytes.
func simulate(m *MTU, now codec.Time, size int) (probes int) {
	for {
		n := m.Probe(now)
		if n == 0 {
			return probes
		}
		probes++
		m.Sent(n)
		if n <= size {
			m.Acked(now, n)
		} else {
			m.Lost(now, n)
		}
		if probes > 100 {
			return probes
		}
	}
}

func TestMTUSearch(t *testing.T) {
	var zero MTU
	require.Equal(t, 1200, zero.Size())
	require.Zero(t, zero.Probe(1))
	zero.Lost(1, 0)
	zero.Acked(1, 1452)
	require.Equal(t, 1200, zero.Size())
	for _, most := range []int{0, 1200, 1210, 1452, 8952, 65527} {
		for size := 1200; size <= 10000; size += 37 {
			var m MTU
			m.Start(most)
			probes := simulate(&m, 1, size)
			require.LessOrEqual(t, m.Size(), max(size, 1200))
			require.LessOrEqual(t, m.Size(), max(most, 1200))
			require.Greater(t, m.Size()+mtuStep, min(size, max(most, 1200)), "most %d, path %d", most, size)
			require.LessOrEqual(t, probes, 1+3*13)
			if size >= most && most > 1220 {
				require.Equal(t, 1, probes, "the largest at once")
				require.Equal(t, codec.Never, m.Deadline())
			}
		}
	}
}

func TestMTUChanges(t *testing.T) {
	var m MTU
	m.Start(1452)
	simulate(&m, 1, 1300)
	size := m.Size()
	require.InDelta(t, 1300, size, mtuStep)
	// RFC 8899 section 5.1.1: ten minutes later the path may carry more.
	require.Equal(t, codec.Time(1).Add(mtuRaise), m.Deadline())
	require.Zero(t, m.Probe(m.Deadline()-1))
	simulate(&m, m.Deadline(), 1500)
	require.Equal(t, 1452, m.Size())
	require.Equal(t, codec.Never, m.Deadline())

	// A path that becomes smaller: six are lost, and nothing that was sent later and is not small arrives.
	for n := range int64(5) {
		require.False(t, m.PacketLost(5, 10+n, 1400))
		require.False(t, m.PacketLost(5, 10+n, 1200))
	}
	m.PacketAcked(20, 1200)
	m.PacketAcked(21, 1300) // the twin: loss without a black hole
	for n := range int64(5) {
		require.False(t, m.PacketLost(5, 22+n, 1400))
	}
	m.PacketAcked(19, 1300) // sent before them
	require.Equal(t, 1452, m.Size())
	require.True(t, m.PacketLost(5, 27, 1400))
	require.Equal(t, 1200, m.Size())
	require.False(t, m.PacketLost(5, 28, 1400))
	simulate(&m, 5, 1300)
	require.InDelta(t, 1300, m.Size(), mtuStep)

	// Congestion: any number of packets one behind the other is lost, and those behind them arrive. Their acknowledgment comes first.
	for n := int64(100); n < 1000; n += 100 {
		m.PacketAcked(n+50, 1300)
		for k := range int64(50) {
			require.False(t, m.PacketLost(5, n+k, 1300))
		}
	}

	// ICMP: only what is between what arrives and what does not.
	m.Start(9000)
	m.TooBig(5, 1199)
	m.TooBig(5, 9000)
	require.Equal(t, 9000, m.Probe(5))
	m.Sent(9000)
	m.TooBig(5, 1400)
	m.Lost(5, 9000) // a probe that is forgotten
	require.Equal(t, 1200, m.Size())
	simulate(&m, 5, 1400)
	require.InDelta(t, 1400, m.Size(), mtuStep)
	before := m.Size()
	m.TooBig(5, 1250)
	require.Equal(t, before, m.Size())
	// A loss of a probe is not the end of its size: three are.
	m.Start(9000)
	m.Sent(m.Probe(5))
	m.Lost(5, 9000)
	n := m.Probe(5)
	for range 2 {
		m.Sent(m.Probe(5))
		m.Lost(5, n)
		require.Equal(t, n, m.Probe(5))
	}
	m.Sent(n)
	require.Zero(t, m.Probe(5), "one at a time")
	require.Equal(t, codec.Never, m.Deadline())
	m.Acked(5, n)
	require.Equal(t, n, m.Size())
}

// A probe that was taken for lost is acknowledged after all, while another size is being tried: it is that size which arrives, and the other is still open.
func TestMTULate(t *testing.T) {
	var m MTU
	m.Start(1500)
	m.Sent(m.Probe(1))
	m.Lost(1, 1500)
	n := m.Probe(1)
	m.Sent(n)
	m.Lost(1, 1500) // once more says nothing
	require.Zero(t, m.Probe(1))
	m.Acked(1, 1500)
	require.Equal(t, 1500, m.Size())
	m.Lost(1, n)
	require.Equal(t, 1500, m.Size())
	require.Zero(t, m.Probe(1), "there is nothing left to find")
	require.Equal(t, codec.Never, m.Deadline())

	m.Start(1500)
	simulate(&m, 1, 1300)
	require.NotEqual(t, codec.Never, m.Deadline())
	m.Acked(2, 1500) // after the end of the search
	require.Equal(t, 1500, m.Size())
	require.Equal(t, codec.Never, m.Deadline())
	require.Zero(t, m.Probe(codec.Time(1).Add(mtuRaise)))

	m.Start(1500)
	m.Acked(1, 1501) // of an earlier search, that went farther
	require.Equal(t, 1200, m.Size())
}
