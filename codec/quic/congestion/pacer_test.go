package congestion

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

func makePacer(t testing.TB, cfg PacerConfig) *Pacer {
	t.Helper()
	p := new(Pacer)
	require.NoError(t, p.Init(cfg))
	return p
}

// TestPacerRate: 9002-7.7-6: rate = N * congestion_window / smoothed_rtt, with N 1.25, and 2 in slow start.
func TestPacerRate(t *testing.T) {
	p := makePacer(t, PacerConfig{})
	require.Zero(t, p.Rate(), "not known yet")
	p.SetRate(1, 120_000, 0, true)
	require.Zero(t, p.Rate(), "no RTT")
	for _, c := range []struct {
		window int64
		rtt    time.Duration
		slow   bool
		rate   int64
	}{
		{120_000, 100 * ms, false, 1_500_000},
		{120_000, 100 * ms, true, 2_400_000},
		{2400, time.Second, false, 3000},
		{MaxWindow, time.Nanosecond, true, maxRate},
		{1, time.Hour, false, 1},
		{2400, infinite, false, 1},
		{MaxWindow, 100 * ms, false, 26843545600},
	} {
		p.SetRate(1, c.window, c.rtt, c.slow)
		require.Equal(t, c.rate, p.Rate(), "%+v", c)
	}
	// The fixed rate is never exceeded, and applies while the RTT is not known.
	p = makePacer(t, PacerConfig{MaxRate: 1_000_000})
	require.Equal(t, int64(1_000_000), p.Rate())
	p.SetRate(1, 120_000, 100*ms, false)
	require.Equal(t, int64(1_000_000), p.Rate())
	p.SetRate(1, 12_000, 100*ms, false)
	require.Equal(t, int64(150_000), p.Rate())
	p.SetRate(1, 12_000, 0, false)
	require.Equal(t, int64(1_000_000), p.Rate())
}

// TestPacerBurst: 9002-7.7-2: "Senders SHOULD limit bursts to the initial congestion window". After any pause ten datagrams go out at once, the
// eleventh waits for what it lacks.
func TestPacerBurst(t *testing.T) {
	p := makePacer(t, PacerConfig{Granularity: -1})
	now := codec.Time(time.Second)
	p.SetRate(now, 120_000, 100*ms, false) // 1.5 octets a microsecond: a datagram every 800 µs
	for _, pause := range []time.Duration{0, time.Hour, 1 << 60} {
		now = now.Add(pause)
		for range 10 {
			require.Equal(t, codec.Never, p.Next(now, 1200))
			require.True(t, p.Ready(now, 1200))
			p.OnSent(now, 1200)
		}
		require.False(t, p.Ready(now, 1200))
		require.Equal(t, now.Add(800*time.Microsecond), p.Next(now, 1200))
		require.Equal(t, now.Add(400*time.Microsecond), p.Next(now, 600))
		require.False(t, p.Ready(now+800_000-1, 1200))
		require.Equal(t, now+800_000, p.Next(now+800_000-1, 1200), "the same time whenever asked")
		require.True(t, p.Ready(now+800_000, 1200))
		require.Equal(t, int64(1200), p.Budget(now+800_000))
	}
}

// TestPacerGranularity: a caller that looks every two milliseconds only still sends at the rate, and Next does not wake it for every packet.
func TestPacerGranularity(t *testing.T) {
	p := makePacer(t, PacerConfig{})
	now := codec.Time(time.Second)
	p.SetRate(now, 10_000_000, 100*ms, false) // 125 octets a microsecond
	sent, bursts := int64(0), 0
	for until := now.Add(time.Second); now < until; {
		for p.Ready(now, 1200) {
			p.OnSent(now, 1200)
			sent += 1200
		}
		next := p.Next(now, 1200)
		require.GreaterOrEqual(t, next.Sub(now), time.Millisecond)
		now = next.Add(time.Millisecond) // the timer is late
		bursts++
	}
	require.InDelta(t, 125_000_000, float64(sent), 300_000)
	require.LessOrEqual(t, bursts, 501)
}

// TestPacerDebt: probes are not held back but counted; what they take must come in before the next packet, but never more than a bucket.
func TestPacerDebt(t *testing.T) {
	p := makePacer(t, PacerConfig{Granularity: -1})
	now := codec.Time(time.Second)
	p.SetRate(now, 120_000, 100*ms, false)
	for range 12 {
		p.OnSent(now, 1200)
	}
	require.Zero(t, p.Budget(now))
	require.Equal(t, now.Add(3*800*time.Microsecond), p.Next(now, 1200))
	for range 1000 {
		p.OnSent(now, 1200)
	}
	require.Equal(t, now.Add(11*800*time.Microsecond), p.Next(now, 1200))
}

// TestPacerLargePacket: a packet larger than the bucket waits for a full one, not forever.
func TestPacerLargePacket(t *testing.T) {
	p := makePacer(t, PacerConfig{Burst: 1200, Granularity: -1})
	now := codec.Time(time.Second)
	p.SetRate(now, 120_000, 100*ms, false)
	require.True(t, p.Ready(now, 9000))
	p.OnSent(now, 9000)
	require.Equal(t, now.Add(800*time.Microsecond), p.Next(now, 9000))
	require.True(t, p.Ready(now.Add(800*time.Microsecond), 9000))
}

// TestPacerSlower: what a fast path was allowed at once is not kept for a slow one.
func TestPacerSlower(t *testing.T) {
	p := makePacer(t, PacerConfig{})
	p.SetRate(1, 10_000_000, 10*ms, false)
	require.Equal(t, int64(12_000), p.Budget(1))
	require.Equal(t, int64(2_501_200), p.Budget(1e9), "2 ms at 1250 octets a microsecond, and a packet")
	p.SetRate(1e9, 12_000, 10*ms, false)
	require.Equal(t, int64(12_000), p.Budget(1e9))
}

// TestPacerZero: the zero Pacer is unlimited.
func TestPacerZero(t *testing.T) {
	var p Pacer
	p.OnSent(1, 1<<30)
	p.SetRate(2, 2400, time.Second, false)
	require.True(t, p.Ready(3, 1<<30))
	require.Equal(t, codec.Never, p.Next(3, 1<<30))
	require.Equal(t, MaxWindow, p.Budget(3))
}

// TestPacerLaw: over any interval, what Ready let through is at most a bucket and what the rate gives; and following Next loses less than a
// packet of that.
func TestPacerLaw(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		p := makePacer(t, PacerConfig{Granularity: -1})
		now := codec.Time(1 + r.Int64N(1e12))
		window, rtt := 2400+r.Int64N(1<<(12+r.IntN(16))), time.Duration(1+r.Int64N(int64(time.Second)))
		p.SetRate(now, window, rtt, false)
		begin, sent := now, int64(0)
		for range 2000 {
			size := 1 + r.IntN(1200)
			next := p.Next(now, size)
			require.Equal(t, next == codec.Never, p.Ready(now, size))
			if next != codec.Never {
				require.Greater(t, next, now)
				require.False(t, p.Ready(next-1, size))
				now = next
				require.True(t, p.Ready(now, size))
			}
			p.OnSent(now, size)
			sent += int64(size)
			given := 12_000 + float64(p.Rate())*now.Sub(begin).Seconds()
			require.LessOrEqual(t, float64(sent), given+1, "seed %d", seed)
		}
		if now > begin {
			require.InEpsilon(t, float64(p.Rate())*now.Sub(begin).Seconds()+12_000, float64(sent), 0.01)
		}
	}
}

// A larger datagram size makes the burst the initial window of that size; a burst that was asked for stays, but is never less than a datagram.
func TestPacerDatagramSize(t *testing.T) {
	burst := func(p *Pacer, now codec.Time, size int) (n int) {
		for ; p.Ready(now, size); n++ {
			p.OnSent(now, size)
		}
		return n
	}
	p := makePacer(t, PacerConfig{Granularity: -1})
	now := codec.Time(time.Second)
	p.SetRate(now, 120_000, 100*ms, false)
	require.Equal(t, 10, burst(p, now, 1200))
	p.SetDatagramSize(now, 1472)
	require.Zero(t, p.Budget(now), "nothing is given for it")
	now += codec.Time(time.Second)
	require.Equal(t, 10, burst(p, now, 1472))
	p.SetDatagramSize(now, 0)
	now += codec.Time(time.Second)
	require.Equal(t, 10, burst(p, now, 1200))
	require.Less(t, p.Budget(now), int64(1200))

	p = makePacer(t, PacerConfig{Burst: 2400, Granularity: -1})
	p.SetRate(now, 120_000, 100*ms, false)
	p.SetDatagramSize(now, 1472)
	require.Equal(t, int64(2400), p.Budget(now))
	p.SetDatagramSize(now, 1<<20)
	require.Equal(t, int64(2400), p.Budget(now))
	require.Equal(t, 1, burst(p, now+codec.Time(time.Second), maxDatagramSize))

	var zero Pacer
	zero.SetDatagramSize(now, 1472)
	zero.SetRate(now, 12_000, 100*ms, false)
	require.Zero(t, zero.Rate(), "it does not pace before Init")
}
