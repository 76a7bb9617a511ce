package congestion

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// rounds drives a controller round by round: a flight of packets, and then their acknowledgments, one round trip later.
type rounds struct {
	t   testing.TB
	c   Controller
	now codec.Time
}

// run sends n packets of 1200 octets and acknowledges each a microsecond after the one before, with the given RTT. It returns by how
// much the window grew.
func (r *rounds) run(n int, rtt time.Duration) int64 {
	before := r.c.Window()
	sent := r.now
	for i := range n {
		r.c.OnSent(sent.Add(time.Duration(i)*time.Microsecond), 1200)
	}
	for i := range n {
		at := sent.Add(time.Duration(i) * time.Microsecond)
		r.now = at.Add(rtt)
		r.c.OnAcked(r.now, Ack{Octets: 1200, SentAt: at, RTT: RTT{Latest: rtt, Smoothed: rtt, Min: rtt}})
	}
	r.now++
	return r.c.Window() - before
}

func newRounds(t testing.TB, a Algorithm, cfg Config) *rounds {
	return &rounds{t: t, c: make2(t, a, cfg), now: codec.Time(time.Second)}
}

const ms = time.Millisecond

// TestHyStartThreshold: RFC 9406 section 4.2: RttThresh = max(MIN_RTT_THRESH, min(lastRoundMinRTT / MIN_RTT_DIVISOR, MAX_RTT_THRESH)). A delay one
// nanosecond less does not count.
func TestHyStartThreshold(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, c := range []struct{ rtt, thresh time.Duration }{
			{ms, 4 * ms}, {32 * ms, 4 * ms}, {40 * ms, 5 * ms}, {100 * ms, 12500 * time.Microsecond}, {128 * ms, 16 * ms}, {time.Second, 16 * ms},
		} {
			for _, less := range []time.Duration{0, 1} {
				r := newRounds(t, a, Config{})
				r.run(10, c.rtt)
				r.run(10, c.rtt+c.thresh-less)
				want := uint64(1)
				if less > 0 {
					want = 0
				}
				require.Equal(t, want, state(r.c).DelayExits, "%v after %v", c.rtt+c.thresh-less, c.rtt)
			}
		}
	}
}

// TestHyStartSamples: N_RTT_SAMPLE is 8. Seven samples in a round say nothing.
func TestHyStartSamples(t *testing.T) {
	for _, n := range []int{7, 8} {
		r := newRounds(t, Reno, Config{})
		r.run(10, 100*ms)
		r.run(n, 200*ms)
		require.Equal(t, n == 8, state(r.c).Phase == ConservativeSlowStart)
	}
	// One sample as before in the round is its minimum.
	r := newRounds(t, Reno, Config{})
	r.run(10, 100*ms)
	sent := r.now
	r.c.OnSent(sent, 1200)
	r.c.OnAcked(sent.Add(100*ms), Ack{Octets: 1200, SentAt: sent, RTT: RTT{Latest: 100 * ms}})
	for range 20 {
		r.c.OnSent(sent, 1200)
		r.c.OnAcked(sent.Add(300*ms), Ack{Octets: 1200, SentAt: sent, RTT: RTT{Latest: 300 * ms}})
	}
	require.Zero(t, state(r.c).DelayExits)
	// Acknowledgments without a sample do not count as samples.
	r = newRounds(t, Reno, Config{})
	r.run(10, 100*ms)
	for range 20 {
		r.c.OnSent(r.now, 1200)
		r.c.OnAcked(r.now.Add(300*ms), Ack{Octets: 1200, SentAt: r.now})
	}
	require.Zero(t, state(r.c).DelayExits)
}

// TestHyStartConservative: in CSS the window grows by a quarter of what is acknowledged, for CSS_ROUNDS rounds of which the one in which it
// began is the first; then the threshold is the window.
func TestHyStartConservative(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		r := newRounds(t, a, Config{})
		require.Equal(t, int64(12_000), r.run(10, 100*ms), "slow start")
		// The eighth sample brings CSS, and the packet that brings it grows by a quarter already.
		require.Equal(t, int64(7*1200+3*300), r.run(10, 120*ms))
		require.Equal(t, ConservativeSlowStart, state(r.c).Phase)
		for range 4 {
			require.Equal(t, ConservativeSlowStart, state(r.c).Phase)
			require.True(t, r.c.SlowStart())
			require.Equal(t, int64(10*300), r.run(10, 120*ms))
		}
		before := r.c.Window()
		r.run(1, 120*ms)
		s := state(r.c)
		require.Equal(t, CongestionAvoidance, s.Phase)
		require.Equal(t, before, s.Threshold, "ssthresh is the window when the rounds were complete")
		require.Equal(t, uint64(1), s.DelayExits)
	}
}

// TestHyStartCarry: quarters of an octet are not lost in CSS.
func TestHyStartCarry(t *testing.T) {
	r := newRounds(t, Reno, Config{})
	r.run(10, 100*ms)
	r.run(10, 120*ms)
	before := r.c.Window()
	for range 400 {
		r.c.OnSent(r.now-2, 1)
		r.c.OnAcked(r.now, Ack{Octets: 1, SentAt: r.now - 2})
	}
	require.Equal(t, before+100, r.c.Window())
}

// TestHyStartResumes: a round in CSS with less delay than the baseline: slow start goes on, HyStart++ included.
func TestHyStartResumes(t *testing.T) {
	r := newRounds(t, CUBIC, Config{})
	r.run(10, 100*ms)
	r.run(10, 120*ms)
	r.run(10, 120*ms)
	require.Equal(t, ConservativeSlowStart, state(r.c).Phase, "as much as the baseline is not less")
	require.Equal(t, int64(7*300+3*1200), r.run(10, 119*ms))
	s := state(r.c)
	require.Equal(t, SlowStart, s.Phase)
	require.Equal(t, uint64(1), s.DelayResumed)
	// And it can be left again, for another five rounds.
	r.run(10, 140*ms)
	require.Equal(t, ConservativeSlowStart, state(r.c).Phase)
	for range 4 {
		r.run(10, 140*ms)
		require.Equal(t, ConservativeSlowStart, state(r.c).Phase)
	}
	r.run(1, 140*ms)
	require.Equal(t, CongestionAvoidance, state(r.c).Phase)
	require.Equal(t, uint64(2), state(r.c).DelayExits)
}

// TestHyStartLoss: loss or CE in either kind of slow start ends it at once, by the controller's own reduction.
func TestHyStartLoss(t *testing.T) {
	for _, css := range []bool{false, true} {
		for _, a := range []Algorithm{CUBIC, Reno} {
			r := newRounds(t, a, Config{})
			r.run(10, 100*ms)
			if css {
				r.run(10, 120*ms)
			}
			before := r.c.Window()
			r.c.OnCongestion(r.now, r.now-1, CE)
			want := before / 2
			if a == CUBIC {
				want = before * 7 / 10
			}
			require.Equal(t, want, r.c.Window())
			require.Equal(t, want, state(r.c).Threshold)
			require.False(t, r.c.SlowStart())
		}
	}
}

// TestHyStartFirstOnly: RFC 9406 section 4.3: "An implementation SHOULD use HyStart++ only for the initial slow start". After persistent congestion slow start is the
// classic one.
func TestHyStartFirstOnly(t *testing.T) {
	r := newRounds(t, Reno, Config{InitialWindow: 1_000_000})
	r.c.OnSent(r.now, 1200)
	r.c.OnLost(r.now+1, Loss{Octets: 1200, SentAt: r.now, Persistent: true})
	r.now += 2
	r.run(10, 100*ms)
	require.Equal(t, int64(12_000), r.run(10, 300*ms))
	require.Zero(t, state(r.c).DelayExits)
}

// TestHyStartOff: Config.NoHyStart, the classic slow start.
func TestHyStartOff(t *testing.T) {
	r := newRounds(t, Reno, Config{NoHyStart: true})
	for i := range time.Duration(10) {
		require.Equal(t, int64(12_000), r.run(10, (100+50*i)*ms))
	}
	require.Zero(t, state(r.c).DelayExits)
}

// TestHyStartLimit: RFC 9406 section 4.3: L is 8 without pacing, infinite with it.
func TestHyStartLimit(t *testing.T) {
	for _, unpaced := range []bool{false, true} {
		c := make2(t, Reno, Config{Unpaced: unpaced, InitialWindow: 30_000})
		for range 20 {
			c.OnSent(1, 1200)
		}
		c.OnAcked(2, Ack{Octets: 20 * 1200, SentAt: 1})
		want := int64(54_000)
		if unpaced {
			want = 30_000 + 8*1200
		}
		require.Equal(t, want, c.Window())
	}
}
