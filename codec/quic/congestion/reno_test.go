package congestion

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// appendixB is the pseudocode of RFC 9002 appendix B, in the RFC's names and in floating point.
type appendixB struct {
	congestionWindow, ssthresh, bytesInFlight float64
	recoveryStart                             codec.Time
	maxDatagramSize, minimumWindow            float64
}

func (p *appendixB) inCongestionRecovery(sent codec.Time) bool { return sent <= p.recoveryStart }

func (p *appendixB) onPacketAcked(size float64, sent codec.Time, limited bool) {
	p.bytesInFlight -= size
	if limited || p.inCongestionRecovery(sent) {
		return
	}
	if p.congestionWindow < p.ssthresh {
		p.congestionWindow += size
	} else {
		p.congestionWindow += p.maxDatagramSize * size / p.congestionWindow
	}
}

func (p *appendixB) onCongestionEvent(now, sent codec.Time) {
	if p.inCongestionRecovery(sent) {
		return
	}
	p.recoveryStart = now
	p.ssthresh = p.congestionWindow * 0.5
	p.congestionWindow = math.Max(p.ssthresh, p.minimumWindow)
}

func (p *appendixB) onPacketsLost(now codec.Time, size float64, last codec.Time, persistent bool) {
	p.bytesInFlight -= size
	p.onCongestionEvent(now, last)
	if persistent {
		p.congestionWindow, p.recoveryStart = p.minimumWindow, 0
	}
}

type flight struct {
	sent codec.Time
	size int
}

// TestRenoPseudocode drives the controller and the pseudocode of appendix B with the same 40 random histories, and compares their windows
// after every step. They may differ by what integers leave over.
func TestRenoPseudocode(t *testing.T) {
	var events, steps uint64
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		size := 1200 + r.IntN(300)
		c := make2(t, Reno, Config{DatagramSize: size, NoHyStart: true, MaxWindow: -1})
		p := appendixB{
			congestionWindow: float64(InitialWindow(size)), ssthresh: math.Inf(1),
			maxDatagramSize: float64(size), minimumWindow: float64(MinWindow(size)),
		}
		lossy, seen := 1<<(4+r.IntN(6)), uint64(0)
		var out []flight
		for now := codec.Time(1); now < 3000; now++ {
			for c.Available() >= int64(size) && r.IntN(50) != 0 {
				n := size - r.IntN(100)
				c.OnSent(now, n)
				p.bytesInFlight += float64(n)
				out = append(out, flight{now, n})
			}
			for len(out) > 0 && r.IntN(4) != 0 {
				i := r.IntN(min(len(out), 3)) // reordering
				f := out[i]
				out = append(out[:i], out[i+1:]...)
				switch r.IntN(lossy) {
				case 0:
					persistent := r.IntN(8) == 0
					c.OnLost(now, Loss{Octets: int64(f.size), SentAt: f.sent, Persistent: persistent})
					p.onPacketsLost(now, float64(f.size), f.sent, persistent)
				case 1:
					c.OnCongestion(now, f.sent, CE)
					p.onCongestionEvent(now, f.sent)
					fallthrough
				default:
					limited := r.IntN(20) == 0
					c.OnAcked(now, Ack{Octets: int64(f.size), SentAt: f.sent, AppLimited: limited})
					p.onPacketAcked(float64(f.size), f.sent, limited)
				}
				steps++
				require.Equal(t, int64(p.bytesInFlight), c.InFlight())
				require.InDelta(t, p.congestionWindow, float64(c.Window()), 3, "seed %d at %d", seed, now)
				if s := state(c); s.Events != seen {
					seen = s.Events
					// Halves of octets are dropped, or the two could leave slow start at different packets later.
					require.InDelta(t, math.Max(p.ssthresh, p.minimumWindow), float64(s.Threshold), 3)
					p.ssthresh = float64(s.Threshold)
				}
			}
		}
		events += state(c).Events
	}
	require.Greater(t, events, uint64(5000))
	t.Logf("%d steps, %d congestion events", steps, events)
}

// TestRenoOneDatagramPerWindow: 9002-7.3.3-2: "limit the increase to the congestion window to at most one maximum datagram size for each congestion
// window that is acknowledged." It is not much less either.
func TestRenoOneDatagramPerWindow(t *testing.T) {
	c := make2(t, Reno, Config{InitialWindow: 100_000})
	c.OnSent(1, 1200)
	c.OnLost(2, Loss{Octets: 1200, SentAt: 1})
	require.Equal(t, Recovery, state(c).Phase)
	now := codec.Time(3)
	for range 100 {
		before, acked := c.Window(), int64(0)
		for acked < before {
			n := min(1100, before-acked)
			c.OnSent(now, int(n))
			c.OnAcked(now+1, Ack{Octets: n, SentAt: now})
			acked += n
			now++
		}
		got := c.Window() - before
		require.LessOrEqual(t, got, int64(1200))
		require.GreaterOrEqual(t, got, int64(1160))
		require.Equal(t, CongestionAvoidance, state(c).Phase)
	}
}

// TestRenoStates walks through figure 1 of RFC 9002.
func TestRenoStates(t *testing.T) {
	c := make2(t, Reno, Config{})
	phase := func(want Phase, window int64) {
		t.Helper()
		require.Equal(t, want, state(c).Phase)
		require.Equal(t, window, c.Window())
	}
	phase(SlowStart, 12000)
	for range 10 {
		c.OnSent(10, 1200)
	}
	require.Zero(t, c.Available())
	// 9002-7.3.1-2: the window grows by what is acknowledged.
	c.OnAcked(20, Ack{Octets: 1200, SentAt: 10})
	phase(SlowStart, 13200)
	// 9002-7.3.1-3: "The sender MUST exit slow start and enter a recovery period when a packet is lost".
	c.OnLost(20, Loss{Octets: 1200, SentAt: 10})
	phase(Recovery, 6600)
	require.Equal(t, int64(1200), c.Available(), "one packet more to speed up recovery")
	c.OnSent(21, 1200)
	require.Zero(t, c.Available(), "only one")
	// 9002-7.3.2-4: "during a recovery period, the congestion window does not change in response to new losses or increases in the
	// ECN-CE count."
	c.OnLost(22, Loss{Octets: 2400, SentAt: 10})
	c.OnCongestion(22, 20, CE)
	c.OnAcked(23, Ack{Octets: 1200, SentAt: 10})
	phase(Recovery, 6600)
	// 9002-7.3.2-5: "A recovery period ends and the sender enters congestion avoidance when a packet sent during the recovery period is
	// acknowledged."
	c.OnAcked(24, Ack{Octets: 1200, SentAt: 21})
	phase(CongestionAvoidance, 6600+1200*1200/6600)
	c.OnSent(30, 1200)
	c.OnCongestion(31, 30, CE)
	phase(Recovery, (6600+1200*1200/6600)/2)
	require.Equal(t, uint64(1), state(c).CEEvents)
	require.Equal(t, uint64(2), state(c).Events)
	// 9002-7.6.2-6
	c.OnPersistentCongestion(32)
	phase(SlowStart, 2400)
	require.Equal(t, int64((6600+1200*1200/6600)/2), state(c).Threshold)
	require.Equal(t, uint64(1), state(c).Persistent)
}

// TestMinimumWindow: 9002-7.2-4: the minimum is what loss, CE and persistent congestion leave.
func TestMinimumWindow(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{})
		for i := range codec.Time(50) {
			c.OnSent(10*i+1, 1200)
			if i%2 == 0 {
				c.OnLost(10*i+2, Loss{Octets: 1200, SentAt: 10*i + 1})
			} else {
				c.OnCongestion(10*i+2, 10*i+1, CE)
			}
		}
		require.Equal(t, int64(2400), c.Window())
		require.Equal(t, int64(2400), state(c).Threshold)
		require.Equal(t, uint64(50), state(c).Events)
		require.Equal(t, uint64(25), state(c).CEEvents)
	}
}

// TestAppLimited: 9002-7.8-1: "When this occurs, the congestion window SHOULD NOT be increased in either slow start or congestion avoidance."
// Its twin, a sender that is not limited, does grow.
func TestAppLimited(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		for _, lost := range []bool{false, true} {
			for _, limited := range []bool{true, false} {
				c := make2(t, a, Config{InitialWindow: 60000})
				now := codec.Time(time.Second)
				if lost {
					c.OnSent(now, 1200)
					c.OnLost(now+1, Loss{Octets: 1200, SentAt: now})
				}
				before := c.Window()
				for range 100 {
					now += codec.Time(50 * time.Millisecond)
					c.OnSent(now, 1200)
					c.OnAcked(now+1, Ack{Octets: 1200, SentAt: now, AppLimited: limited, RTT: RTT{Smoothed: 50 * time.Millisecond}})
				}
				require.Equal(t, limited, c.Window() == before, "%v, after loss: %v, limited: %v", a, lost, limited)
			}
		}
	}
}

// TestIgnoredLoss: a Loss without a time is no congestion event (RFC 9002 section 7.4), nor is what is discarded (section 6.4).
func TestIgnoredLoss(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{})
		for range 5 {
			c.OnSent(1, 1200)
		}
		c.OnLost(2, Loss{Octets: 1200})
		c.OnDiscarded(3, 2400)
		require.Equal(t, int64(2400), c.InFlight())
		require.Equal(t, int64(12000), c.Window())
		require.Zero(t, state(c).Events)
		c.OnDiscarded(3, 1<<40)
		require.Zero(t, c.InFlight())
	}
}

// TestDatagramSize: RFC 9002 section 7.2, second paragraph.
func TestDatagramSize(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{})
		c.SetDatagramSize(1, 1400, false)
		require.Equal(t, int64(14000), c.Window(), "still the initial window")
		c.OnSent(1, 1400)
		c.OnAcked(2, Ack{Octets: 1400, SentAt: 1})
		c.SetDatagramSize(3, 1450, false)
		require.Equal(t, int64(15400), c.Window(), "not the initial window any more")
		c.SetDatagramSize(4, 1200, true)
		require.Equal(t, int64(12000), c.Window(), "decreased to complete the handshake")
		c.SetDatagramSize(5, 9000, true)
		require.Equal(t, int64(18000), c.Window(), "the initial window grows with the size")
		require.Equal(t, int64(9000), state(c).DatagramSize)
		c.SetDatagramSize(6, 10, false)
		require.Equal(t, int64(1200), state(c).DatagramSize, "never below 1200")

		c = make2(t, a, Config{MaxWindow: 20000})
		c.SetDatagramSize(1, 60000, false)
		require.Equal(t, int64(120000), c.Window(), "the minimum goes before the limit")

		c = make2(t, a, Config{InitialWindow: 30000})
		c.SetDatagramSize(1, 1400, false)
		require.Equal(t, int64(30000), c.Window(), "configured, whatever the size")
	}
}
