package congestion

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// exactCubic is figure 1 of RFC 9438 with rational numbers, in octets: C*(t-K)^3*datagram + W_max.
func exactCubic(wMax int64, t, k time.Duration, datagram int64) *big.Rat {
	d := big.NewInt(int64(t - k))
	d.Exp(d, big.NewInt(3), nil).Mul(d, big.NewInt(2*datagram))
	den := new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)
	den.Mul(den, big.NewInt(5))
	w := new(big.Rat).SetFrac(d, den)
	return w.Add(w, new(big.Rat).SetInt64(wMax))
}

// TestCubicFunction compares W_cubic(t) with the formula in rational numbers: it is the exact value rounded towards W_max, less than one octet
// off; a hundredth of an octet is for the two roundings inside.
func TestCubicFunction(t *testing.T) {
	limit := big.NewRat(101, 100)
	check := func(wMax int64, at, k time.Duration, datagram int64) {
		t.Helper()
		got := new(big.Rat).SetInt64(wCubic(wMax, at, k, datagram))
		diff := got.Sub(got, exactCubic(wMax, at, k, datagram))
		require.Negative(t, diff.Abs(diff).Cmp(limit), "W_max %d, t %v, K %v, datagram %d: off by %v", wMax, at, k, datagram, diff.FloatString(3))
	}
	for _, datagram := range []int64{1200, 1452, 9000, 65527} {
		for _, k := range []time.Duration{0, 1, time.Millisecond, 4216863326, 10 * time.Second, time.Minute} {
			for _, at := range []time.Duration{0, 1, 999, time.Millisecond, time.Second - 1, time.Second, 3 * time.Second, 20 * time.Second, 2 * time.Minute} {
				check(1_000_000, at, k, datagram)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		check(r.Int64N(MaxWindow), time.Duration(r.Int64N(1<<r.IntN(38)+1)), time.Duration(r.Int64N(1<<r.IntN(38)+1)), 1200+r.Int64N(9000))
	}
	// Beyond that it saturates, above every window, and never overflows.
	for _, d := range []time.Duration{longest - 1, longest, longest + 1, infinite} {
		require.Greater(t, wCubic(MaxWindow, d, 0, 65527), 2*MaxWindow)
		require.Less(t, wCubic(0, 0, d, 65527), -MaxWindow)
	}
}

// TestCubicFigures has values of figures 1 and 2 worked out by hand, with C = 0.4 and segments of 1200 octets.
func TestCubicFigures(t *testing.T) {
	const seg = 1200
	// W_max 100 segments, cwnd_epoch 70: K = cbrt(30/0.4) = 4.217163326508746 s.
	k := root(30*seg, seg)
	require.InDelta(t, 4.217163326508746e9, float64(k), 1)
	for _, c := range []struct {
		at   time.Duration
		segs float64
	}{
		{0, 70}, {time.Second, 100 - 13.319}, {2 * time.Second, 100 - 4.360}, {4 * time.Second, 100 - 0.0041}, {k, 100},
		{6 * time.Second, 100 + 2.2668}, {10 * time.Second, 100 + 77.3478},
	} {
		require.InDelta(t, c.segs, float64(wCubic(100*seg, c.at, k, seg))/seg, 0.01, "%v", c.at)
	}
}

// TestCubicRoot: K is the longest duration whose cube does not exceed the difference, and W_cubic(0) is cwnd_epoch again.
func TestCubicRoot(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		octets, datagram := r.Int64N(1<<(1+r.IntN(31))), 1200+r.Int64N(9000)
		k := root(octets, datagram)
		want := math.Cbrt(float64(octets) / (0.4 * float64(datagram)))
		require.InDelta(t, want, k.Seconds(), 1e-6*math.Max(want, 1), "%d octets of %d", octets, datagram)
		require.InDelta(t, 0, float64(wCubic(octets, 0, k, datagram)), 1.01)
	}
	require.Zero(t, root(0, 1200))
	require.Zero(t, root(-5, 1200))
}

// steady brings a controller into congestion avoidance with the given window and without anything in flight: slow start, then loss.
func steady(t testing.TB, cfg Config, window int64) (Controller, codec.Time) {
	t.Helper()
	cfg.InitialWindow = window
	c := make2(t, CUBIC, cfg)
	now := codec.Time(time.Second)
	c.OnSent(now, 1200)
	now += codec.Time(100 * time.Millisecond)
	c.OnLost(now, Loss{Octets: 1200, SentAt: now - 1})
	return c, now + 1 // what is sent now was sent after the event
}

// ack sends and acknowledges one window in pieces.
func ack(c Controller, now codec.Time, rtt time.Duration) codec.Time {
	c.OnSent(now, 1200)
	now += codec.Time(rtt)
	c.OnAcked(now, Ack{Octets: 1200, SentAt: now - codec.Time(rtt), RTT: RTT{Smoothed: rtt}})
	return now
}

// TestCubicFastConvergence: section 4.7. The window of the second event is below W_max.
func TestCubicFastConvergence(t *testing.T) {
	for _, off := range []bool{false, true} {
		c, now := steady(t, Config{NoFastConvergence: off}, 100_000)
		s := state(c)
		require.Equal(t, [4]int64{70_000, 70_000, 100_000, 100_000}, [4]int64{s.Window, s.Threshold, s.WMax, s.Prior})
		c.OnSent(now+1, 1200)
		c.OnLost(now+2, Loss{Octets: 1200, SentAt: now + 1})
		s = state(c)
		require.Equal(t, [3]int64{49_000, 49_000, 70_000}, [3]int64{s.Window, s.Threshold, s.Prior})
		if off {
			require.Equal(t, int64(70_000), s.WMax)
		} else {
			require.Equal(t, int64(59_500), s.WMax, "0.85 of the window")
		}
	}
}

// TestCubicAlpha: section 4.3. W_est grows by 9/17 of a segment per window, and by one once it has reached cwnd_prior.
func TestCubicAlpha(t *testing.T) {
	c, now := steady(t, Config{}, 20_000)
	now = ack(c, now, 10*time.Microsecond)
	for range 3000 {
		before := state(c)
		acked := int64(0)
		for acked < before.Window {
			now = ack(c, now, 10*time.Microsecond) // so short that the cubic function does not count
			acked += 1200
		}
		after := state(c)
		require.True(t, after.RenoFriendly)
		require.Equal(t, after.Window, after.WEst)
		want := 1200.0 * 9 / 17
		if before.WEst >= before.Prior {
			want = 1200
		} else if after.WEst >= before.Prior {
			continue // it changes in between
		}
		// The last packet is up to a segment beyond the window, which grows itself.
		require.InDelta(t, want*float64(acked)/float64(before.Window), float64(after.WEst-before.WEst), want*want/float64(before.Window)+2)
		if after.Window > 100_000 {
			return
		}
	}
	t.Fatal("never reached 100,000")
}

// TestCubicApplicationLimited: 9438-4.2: "The elapsed time t in Figure 1 MUST NOT include periods during which cwnd has not been updated due to
// application-limited behavior". An hour of idling, or of sending next to nothing, does not move the curve; its twin, an hour of sending, does.
func TestCubicApplicationLimited(t *testing.T) {
	const rtt = 100 * time.Millisecond
	run := func(pause func(c Controller, now codec.Time) codec.Time) (State, codec.Time) {
		c, now := steady(t, Config{}, 1_000_000)
		for range 20 {
			now = ack(c, now, rtt)
		}
		now = pause(c, now)
		now = ack(c, now, rtt)
		return state(c), now
	}
	without, at := run(func(_ Controller, now codec.Time) codec.Time { return now })
	elapsed := at.Sub(without.Epoch)
	for name, pause := range map[string]func(c Controller, now codec.Time) codec.Time{
		"idle": func(_ Controller, now codec.Time) codec.Time { return now.Add(time.Hour) },
		"limited": func(c Controller, now codec.Time) codec.Time {
			for range 3600 {
				now = now.Add(time.Second)
				c.OnSent(now, 1200)
				c.OnAcked(now.Add(rtt), Ack{Octets: 1200, SentAt: now, AppLimited: true, RTT: RTT{Smoothed: rtt}})
			}
			return now
		},
		"limited, then idle": func(c Controller, now codec.Time) codec.Time {
			c.OnSent(now, 1200)
			c.OnAcked(now.Add(rtt), Ack{Octets: 1200, SentAt: now, AppLimited: true, RTT: RTT{Smoothed: rtt}})
			return now.Add(time.Hour)
		},
	} {
		s, at := run(pause)
		require.InDelta(t, float64(elapsed), float64(at.Sub(s.Epoch)), float64(rtt), name)
		require.InDelta(t, float64(without.Window), float64(s.Window), 1200, name)
	}
	sending, _ := run(func(c Controller, now codec.Time) codec.Time {
		for range 600 {
			now = ack(c, now, rtt)
		}
		return now
	})
	require.Greater(t, sending.Window, without.Window+100_000, "the twin")
}

// TestCubicSpurious: section 4.9.2. Everything comes back when all of the loss was a mistake, nothing does when a part was not.
func TestCubicSpurious(t *testing.T) {
	const rtt = 50 * time.Millisecond
	c, now := steady(t, Config{}, 100_000)
	for range 30 {
		now = ack(c, now, rtt)
	}
	before := state(c)
	lose := func(n int) codec.Time {
		sent := now + 1 // after the event before
		for range n {
			c.OnSent(sent, 1200)
		}
		now = sent.Add(rtt)
		for range n {
			c.OnLost(now, Loss{Octets: 1200, SentAt: sent})
		}
		return sent
	}
	sent := lose(3)
	reduced := state(c)
	require.Equal(t, before.Window*7/10, reduced.Window)
	c.OnSpurious(now, sent, 1200)
	c.OnSpurious(now, sent, 1200)
	require.Equal(t, reduced, state(c), "one of three is still lost")
	c.OnSpurious(now, sent, 1200)
	after := state(c)
	require.Equal(t, uint64(1), after.Undone)
	before.Undone, before.Events = after.Undone, after.Events
	before.Epoch++ // nothing was in flight for a nanosecond
	require.Equal(t, before, after)
	c.OnSpurious(now, sent, 1200)
	require.Equal(t, after, state(c), "undone once")

	// A loss of before, acknowledged now, says nothing about this event.
	sent = lose(1)
	first := state(c)
	require.Less(t, first.Window, after.Window)
	c.OnSpurious(now, after.RecoveryStart, 1200)
	c.OnSpurious(now, now+1, 1200)
	require.Equal(t, first, state(c))

	// CE marks are congestion, whatever was lost with them.
	c.OnCongestion(now, sent, CE)
	c.OnSpurious(now, sent, 1200)
	require.Equal(t, first, state(c))

	// A window that has outgrown the one before stays.
	sent = lose(1)
	small := state(c)
	for state(c).Window <= small.Prior {
		now = ack(c, now, rtt)
	}
	grown := state(c)
	c.OnSpurious(now, sent, 1200)
	require.Equal(t, grown, state(c))

	// So does what persistent congestion left.
	sent = lose(1)
	c.OnPersistentCongestion(now)
	c.OnSpurious(now, sent, 1200)
	require.Equal(t, int64(2400), c.Window())
}

// TestRenoSpurious: NewReno undoes the same way; slow start goes on as it was.
func TestRenoSpurious(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{})
		c.OnSent(5, 1200)
		before := state(c)
		c.OnLost(9, Loss{Octets: 1200, SentAt: 5})
		require.Equal(t, Recovery, state(c).Phase)
		c.OnSpurious(10, 5, 1200)
		after := state(c)
		require.Equal(t, before.Window, after.Window)
		require.Equal(t, SlowStart, after.Phase)
		require.Equal(t, NoThreshold, after.Threshold)
		require.Zero(t, after.RecoveryStart)
	}
}

// TestCubicPersistent: section 4.8. Slow start to 0.7 of the window, then a stage with K = 0 and W_max the window it begins with.
func TestCubicPersistent(t *testing.T) {
	c := make2(t, CUBIC, Config{InitialWindow: 100_000})
	c.OnSent(1, 1200)
	c.OnLost(9, Loss{Octets: 1200, SentAt: 1, Persistent: true})
	s := state(c)
	require.Equal(t, [2]int64{2400, 70_000}, [2]int64{s.Window, s.Threshold})
	require.Equal(t, SlowStart, s.Phase)
	now := codec.Time(10)
	for c.SlowStart() {
		now = ack(c, now, 10*time.Millisecond)
	}
	require.Equal(t, int64(70_800), c.Window())
	ack(c, now, 10*time.Millisecond)
	s = state(c)
	require.Equal(t, CongestionAvoidance, s.Phase)
	require.Zero(t, s.K)
	require.Equal(t, int64(70_800), s.WMax)
}

// TestCubicAfterHyStart: section 4.10. HyStart++ ends the first slow start without a loss: K = 0, W_max = cwnd_prior = cwnd.
func TestCubicAfterHyStart(t *testing.T) {
	c := make2(t, CUBIC, Config{})
	r := rounds{t: t, c: c, now: codec.Time(time.Second)}
	for _, rtt := range []time.Duration{100, 100, 120, 120, 120, 120, 120, 120} {
		r.run(10, rtt*time.Millisecond)
	}
	s := state(c)
	require.NotEqual(t, NoThreshold, s.Threshold)
	require.Equal(t, s.Threshold, s.Prior)
	require.Zero(t, s.K)
	require.Equal(t, s.Threshold, s.WMax)
	require.Zero(t, s.Events)
}

// TestCubicIdle: the curve stands still while nothing is in flight, however that came about: acknowledged, lost, discarded, found to be received after all.
func TestCubicIdle(t *testing.T) {
	const rtt = 100 * time.Millisecond
	for name, empty := range map[string]func(c Controller, now codec.Time){
		"acknowledged": func(c Controller, now codec.Time) {
			c.OnAcked(now, Ack{Octets: 1200, SentAt: now - 1, RTT: RTT{Smoothed: rtt}})
		},
		"lost":      func(c Controller, now codec.Time) { c.OnLost(now, Loss{Octets: 1200}) },
		"discarded": func(c Controller, now codec.Time) { c.OnDiscarded(now, 1200) },
		"late": func(c Controller, now codec.Time) {
			c.OnLost(now, Loss{Octets: 1200, SentAt: now - 1})
			c.OnSpurious(now, now-1, 1200)
		},
	} {
		c, now := steady(t, Config{}, 1_000_000)
		now = ack(c, now, rtt)
		now = ack(c, now, rtt)
		c.OnSent(now, 1200)
		elapsed := now.Sub(state(c).Epoch)
		require.Equal(t, rtt, elapsed)
		empty(c, now+1)
		now = ack(c, now.Add(time.Hour), rtt)
		require.InDelta(t, float64(elapsed+rtt), float64(now.Sub(state(c).Epoch)), 1, name)
	}
	// Sent and sent again: an earlier idle period does not count twice when an event is undone.
	c, now := steady(t, Config{}, 1_000_000)
	now = ack(c, now, rtt)
	c.OnSent(now, 1200)
	c.OnLost(now+1, Loss{Octets: 1200, SentAt: now}) // idle, and no stage has begun
	c.OnSent(now+2, 1200)
	c.OnSpurious(now+3, now, 1200)
	epoch := state(c).Epoch
	later := now.Add(time.Minute)
	c.OnAcked(later, Ack{Octets: 1200, SentAt: now + 2, RTT: RTT{Smoothed: rtt}})
	ack(c, later, rtt)
	require.Equal(t, epoch, state(c).Epoch)
}

// TestCubicTarget: section 4.2. The target is at most 1.5 windows, so that a window of acknowledgments opens it by half at most. (That it
// never closes is in FuzzController.)
func TestCubicTarget(t *testing.T) {
	c, now := steady(t, Config{}, 20_000)
	now = ack(c, now, time.Millisecond)
	for range 100 {
		before := c.Window()
		now = ack(c, now, 10*time.Minute) // W_cubic is beyond everything
		require.InDelta(t, 600, float64(c.Window()-before), 1)
	}
}

// TestMaxWindow: the limit holds in slow start and in each way of congestion avoidance.
func TestMaxWindow(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, rtt := range []time.Duration{time.Microsecond, time.Second} { // Reno-friendly, cubic
			for _, lost := range []bool{false, true} {
				c := make2(t, a, Config{InitialWindow: 20_000, MaxWindow: 20_500})
				now := codec.Time(time.Second)
				if lost {
					c.OnSent(now, 1200)
					c.OnLost(now+1, Loss{Octets: 1200, SentAt: now})
					now += 2
				}
				for range 10_000 {
					now = ack(c, now, rtt)
					require.LessOrEqual(t, c.Window(), int64(20_500))
				}
				require.Equal(t, int64(20_500), c.Window())
			}
		}
	}
}

// TestCubicPersistentLater: persistent congestion in the middle of a stage ends that stage, too.
func TestCubicPersistentLater(t *testing.T) {
	const rtt = 10 * time.Millisecond
	c, now := steady(t, Config{}, 100_000)
	for range 50 {
		now = ack(c, now, rtt)
	}
	c.OnPersistentCongestion(now)
	begin := now
	for c.SlowStart() {
		now = ack(c, now, rtt)
	}
	ack(c, now, rtt)
	s := state(c)
	require.Equal(t, CongestionAvoidance, s.Phase)
	require.Greater(t, s.Epoch, begin)
	require.Zero(t, s.K)
	require.GreaterOrEqual(t, s.WMax, int64(70_000))
	require.Less(t, s.WMax, int64(72_000))
}

// TestCubicResize: the curve still leaves from cwnd_epoch and arrives at W_max with another datagram size.
func TestCubicResize(t *testing.T) {
	c, now := steady(t, Config{}, 1_000_000)
	now = ack(c, now, 10*time.Millisecond)
	before := state(c)
	c.SetDatagramSize(now, 9000, false)
	after := state(c)
	require.Equal(t, before.Window, after.Window)
	require.Greater(t, before.K, time.Second)
	require.InDelta(t, before.K.Seconds()/math.Cbrt(7.5), after.K.Seconds(), 1e-6)
}

// An event that is undone after the datagram size has grown leaves a window and a threshold of that size, and CUBIC's curve in segments of it.
func TestSpuriousAfterResize(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{InitialWindow: 2400})
		c.OnSent(10, 2400)
		c.OnLost(20, Loss{Octets: 1200, SentAt: 10}) // the threshold is 2400, and so is the window
		for now := codec.Time(30); c.Window() < 6000; now++ {
			c.OnSent(now, 2400)
			c.OnAcked(now, Ack{Octets: 2400, SentAt: now})
		}
		c.OnSent(100, 2400)
		c.OnLost(110, Loss{Octets: 1200, SentAt: 100})
		c.SetDatagramSize(120, 2700, false)
		c.OnSpurious(130, 100, 1200)
		require.EqualValues(t, 1, state(c).Undone, a)
		require.EqualValues(t, 5400, state(c).Threshold, a)
		require.GreaterOrEqual(t, c.Window(), int64(6000), a)
	}

	run := func(resizeFirst bool) State {
		c := make2(t, CUBIC, Config{InitialWindow: 120_000, NoHyStart: true})
		rtt := RTT{Smoothed: time.Millisecond}
		c.OnSent(10, 60_000)
		c.OnLost(20, Loss{Octets: 1200, SentAt: 10})
		c.OnAcked(30, Ack{Octets: 1200, SentAt: 10, RTT: rtt})
		c.OnSent(40, 60_000)
		c.OnAcked(50, Ack{Octets: 1200, SentAt: 40, RTT: rtt}) // the congestion avoidance stage begins
		require.NotZero(t, state(c).K)
		if resizeFirst {
			c.SetDatagramSize(55, 1500, false)
		}
		c.OnLost(60, Loss{Octets: 1200, SentAt: 55})
		if !resizeFirst {
			c.SetDatagramSize(65, 1500, false)
		}
		c.OnSpurious(70, 55, 1200)
		require.EqualValues(t, 1, state(c).Undone)
		return state(c)
	}
	require.Equal(t, run(true).K, run(false).K)
}
