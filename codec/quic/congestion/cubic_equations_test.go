package congestion

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// rfc9438 is a second CUBIC: the equations of RFC 9438 sections 4.2 to 4.10 in floating point, in segments and seconds.
type rfc9438 struct {
	cwnd, ssthresh, prior, wMax, wEst, k float64
	epoch, start                         float64
	avoiding, fast                       bool
}

func (c *rfc9438) ack(now, sent, segments, rtt float64) {
	if sent <= c.start {
		return
	}
	if c.cwnd < c.ssthresh {
		c.cwnd += segments
		return
	}
	if !c.avoiding {
		c.avoiding, c.epoch, c.wEst = true, now, c.cwnd
		c.wMax = math.Max(c.wMax, c.cwnd)
		c.k = math.Cbrt((c.wMax - c.cwnd) / 0.4)
	}
	w := func(t float64) float64 { return 0.4*math.Pow(t-c.k, 3) + c.wMax }
	alpha := 3 * (1 - 0.7) / (1 + 0.7)
	if c.wEst >= c.prior {
		alpha = 1
	}
	c.wEst += alpha * segments / c.cwnd
	t := now - c.epoch
	if w(t) < c.wEst {
		c.cwnd = math.Max(c.cwnd, c.wEst)
		return
	}
	target := math.Min(math.Max(w(t+rtt), c.cwnd), 1.5*c.cwnd)
	c.cwnd += (target - c.cwnd) / c.cwnd * segments
}

func (c *rfc9438) loss(now, sent float64) {
	if sent <= c.start {
		return
	}
	c.start = now
	c.prior = c.cwnd
	if c.cwnd < c.wMax && c.fast {
		c.wMax = c.cwnd * (1 + 0.7) / 2
	} else {
		c.wMax = c.cwnd
	}
	c.ssthresh = math.Max(c.cwnd*0.7, 2)
	c.cwnd = c.ssthresh
	c.avoiding = false
}

// TestCubicEquations drives the controller and rfc9438 with the same histories of acknowledgments and losses at round-trip times from a
// millisecond to half a second. Each single step from the same state must end within 2 octets; left to themselves for thousands of packets
// the two may be a fiftieth apart (where W_cubic and W_est differ by a fraction of an octet, they can be in different regions).
func TestCubicEquations(t *testing.T) {
	friendly, concave, convex, steps := 0, 0, 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		const seg = 1200
		c := make2(t, CUBIC, Config{NoHyStart: true, NoFastConvergence: seed%2 == 0, MaxWindow: -1})
		ref := rfc9438{cwnd: 10, ssthresh: math.Inf(1), fast: seed%2 == 1}
		rtt := time.Duration(1+r.IntN(500)) * time.Millisecond
		lossy := 1 << (6 + r.IntN(6))
		now := codec.Time(time.Second)
		seconds := func(t codec.Time) float64 { return float64(t) / 1e9 }
		for range 6000 {
			gap := codec.Time(int64(rtt) * seg / c.Window())
			sent, was := now, state(c)
			c.OnSent(sent, seg)
			now += max(gap, 1)
			if r.IntN(lossy) == 0 {
				c.OnLost(now, Loss{Octets: seg, SentAt: sent})
				ref.loss(seconds(now), seconds(sent))
				now += codec.Time(rtt)
			} else {
				c.OnAcked(now, Ack{Octets: seg, SentAt: sent, RTT: RTT{Smoothed: rtt}})
				ref.ack(seconds(now), seconds(sent), 1, rtt.Seconds())
				step := ref
				step.cwnd, step.wEst, step.wMax, step.k = float64(was.Window)/seg, float64(was.WEst)/seg, float64(was.WMax)/seg, was.K.Seconds()
				step.prior, step.ssthresh, step.avoiding = float64(was.Prior)/seg, float64(was.Threshold)/seg, was.Epoch == state(c).Epoch
				step.ack(seconds(now), seconds(sent), 1, rtt.Seconds())
				if w := 0.4*math.Pow(seconds(now)-step.epoch-step.k, 3) + step.wMax; math.Abs(w-step.wEst)*seg > 2 {
					require.InDelta(t, step.cwnd*seg, float64(c.Window()), 2, "seed %d, RTT %v", seed, rtt)
					steps++
				}
				switch s := state(c); {
				case s.Phase != CongestionAvoidance:
				case s.RenoFriendly:
					friendly++
				case s.Window < s.WMax:
					concave++
				default:
					convex++
				}
			}
			require.InDelta(t, ref.cwnd*seg, float64(c.Window()), 4+ref.cwnd*seg/50, "seed %d, RTT %v", seed, rtt)
		}
	}
	require.Greater(t, min(friendly, concave, convex), 10_000, "every region")
	require.Greater(t, steps, 200_000)
	t.Logf("%d steps; acknowledgments in the Reno-friendly, concave and convex region: %d, %d, %d", steps, friendly, concave, convex)
}
