package congestion

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// The constants of RFC 9438: beta_cubic is 7/10 (section 4.6), C is 2/5 of a segment per cubic second (section 5.1), alpha_cubic is
// 3*(1-beta)/(1+beta) = 9/17 (section 4.3).
const (
	betaNum, betaDen   = 7, 10
	cNum, cDen         = 2, 5
	alphaNum, alphaDen = 9, 17
)

// cubic is CUBIC (RFC 9438).
type cubic struct {
	core
	curve           curve
	before          curve // the last congestion event, for undoing it
	slowConvergence bool
}

// curve are CUBIC's own variables.
type curve struct {
	wMax      int64         // W_max in octets, 0 before it is known
	origin    int64         // cwnd_epoch in octets
	wEst      int64         // W_est in octets
	estCarry  int64         // what is too small for wEst, in octets*octets*alphaDen
	k         time.Duration // K
	epoch     codec.Time    // t_epoch, moved on by the periods that do not count
	updated   codec.Time    // when the window was last updated
	idleSince codec.Time    // when nothing was in flight any more; Never while something is
	running   bool          // a congestion avoidance stage has begun
	paused    bool          // the application has limited what was sent since updated
	friendly  bool          // the Reno-friendly region
}

func (c *cubic) OnSent(now codec.Time, size int) {
	if v := &c.curve; c.inFlight == 0 && v.idleSince != codec.Never {
		// 9438-4.2: "The elapsed time t in Figure 1 MUST NOT include periods during which cwnd has not been updated due to
		// application-limited behavior". Nothing was in flight.
		if v.running && !v.paused {
			v.epoch += max(now-v.idleSince, 0)
			v.updated = now
		}
		v.idleSince = codec.Never
	}
	c.sent(size)
}

func (c *cubic) OnAcked(now codec.Time, a Ack) {
	octets := c.acked(now, &a)
	switch {
	case octets == 0:
		c.curve.paused = c.curve.paused || a.AppLimited
	case c.SlowStart():
		c.slowStart(octets)
	default:
		c.avoid(now, octets, a.RTT.Smoothed)
	}
	c.emptied(now)
}

// emptied notes since when nothing is in flight.
func (c *cubic) emptied(now codec.Time) {
	if c.inFlight == 0 && c.curve.idleSince == codec.Never {
		c.curve.idleSince = now
	}
}

// begin starts a congestion avoidance stage.
func (c *cubic) begin(now codec.Time) {
	v := &c.curve
	v.running, v.paused, v.friendly = true, false, false
	v.epoch, v.updated, v.idleSince = now, now, codec.Never
	v.origin, v.wEst, v.estCarry = c.window, c.window, 0
	// After slow start that no congestion ended (section 4.10), after persistent congestion (section 4.8), and where the minimum window has
	// kept the window at W_max: K is 0, and W_max is the window as it is.
	v.wMax = max(v.wMax, c.window)
	v.k = root(v.wMax-v.origin, c.datagram)
}

// avoid opens the window in congestion avoidance.
func (c *cubic) avoid(now codec.Time, octets int64, rtt time.Duration) {
	v := &c.curve
	if !v.running {
		c.begin(now)
	}
	if v.paused {
		v.epoch += max(now-v.updated, 0)
		v.paused = false
	}
	v.updated = now
	t := max(now.Sub(v.epoch), 0)

	// W_est = W_est + alpha_cubic * segments_acked / cwnd (section 4.3), with alpha 1 once it has reached cwnd_prior.
	alpha := int64(alphaNum)
	if v.wEst >= c.prior {
		alpha = alphaDen
	}
	v.estCarry += alpha * c.datagram * octets
	if per := alphaDen * c.window; v.estCarry >= per {
		v.wEst += v.estCarry / per
		v.estCarry %= per
	}

	if wCubic(v.wMax, t, v.k, c.datagram) < v.wEst {
		// 9438-4.3: "If so, CUBIC is in the Reno-friendly region and cwnd SHOULD be set to W_est at each reception of a new ACK."
		v.friendly = true
		c.window = min(max(c.window, v.wEst), c.limit)
		return
	}
	v.friendly = false
	// 9438-4.4, 4.5: "In this region, cwnd MUST be incremented by (target - cwnd) / cwnd for each received new ACK, where target is
	// calculated as described in Section 4.2."
	target := wCubic(v.wMax, t+max(rtt, 0), v.k, c.datagram)
	target = min(max(target, c.window), c.window+c.window/2)
	c.share(target-c.window, octets)
}

func (c *cubic) OnLost(now codec.Time, l Loss) {
	octets := c.leave(l.Octets)
	if l.SentAt != 0 {
		c.congestion(now, l.SentAt, Lost, octets)
	}
	if l.Persistent {
		c.OnPersistentCongestion(now)
	}
	c.emptied(now)
}

func (c *cubic) OnCongestion(now, sentAt codec.Time, cause Cause) {
	c.congestion(now, sentAt, cause, 0)
}

func (c *cubic) congestion(now, sentAt codec.Time, cause Cause, lost int64) {
	if !c.event(now, sentAt, cause, lost) {
		return
	}
	c.before = c.curve
	v := &c.curve
	// Fast convergence (section 4.7): a window that has not come back to W_max gives way to whoever took its share.
	if c.window < v.wMax && !c.slowConvergence {
		v.wMax = c.window * (betaNum + betaDen) / (2 * betaDen)
	} else {
		v.wMax = c.window
	}
	v.running = false
	// 9438-4.6: "In case of packet loss, the sender MUST reduce cwnd and ssthresh immediately upon entering loss recovery".
	c.reduce(c.window * betaNum / betaDen)
}

func (c *cubic) OnPersistentCongestion(codec.Time) {
	c.collapse()
	c.curve.wMax, c.curve.running = 0, false // section 4.8: the next stage begins with K = 0
}

func (c *cubic) OnSpurious(_, sentAt codec.Time, size int) {
	if c.spurious(sentAt, size) {
		idle := c.curve.idleSince
		c.curve = c.before
		c.curve.idleSince = idle
		c.rescale() // the datagram size may have changed since the event
	}
}

func (c *cubic) OnDiscarded(now codec.Time, octets int64) {
	c.leave(octets)
	c.emptied(now)
}

func (c *cubic) SetDatagramSize(_ codec.Time, size int, handshake bool) {
	c.resize(size, handshake)
	c.curve.estCarry = 0
	c.rescale()
}

// rescale makes the curve one of the present datagram size. It still leaves from cwnd_epoch.
func (c *cubic) rescale() {
	if v := &c.curve; v.running {
		v.k = root(v.wMax-v.origin, c.datagram)
	}
}

func (c *cubic) ReadState(s *State) {
	*s = c.state(CUBIC)
	v := &c.curve
	s.WMax, s.WEst, s.K, s.Epoch, s.RenoFriendly = v.wMax, v.wEst, v.k, v.epoch, v.friendly
}
