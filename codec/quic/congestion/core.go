package congestion

import "github.com/purewire/purewire/codec"

// core is what the controllers share: octets in flight, the window, slow start, recovery periods and undoing them. What differs is
// how much a congestion event takes and how congestion avoidance gives.
type core struct {
	inFlight  int64
	window    int64
	threshold int64      // of slow start (ssthresh)
	datagram  int64      // max_datagram_size
	initial   int64      // initial window
	limit     int64      // of the window
	prior     int64      // window before the last congestion event (cwnd_prior)
	carry     int64      // what divisions left over: window growth smaller than an octet
	start     codec.Time // of the recovery period (congestion_recovery_start_time)

	fixedInitial bool // the initial window does not depend on the datagram size
	recovering   bool // nothing sent after start has been acknowledged
	oneMore      bool // a packet may be sent beyond the window, to speed up recovery

	hystart hystart
	undo    undo
	count   counters
}

type counters struct{ events, ce, undone, persistent uint64 }

// undo is what a congestion event changed, and how much of what it was about turned out not to be lost.
type undo struct {
	valid             bool
	lost, spurious    int64 // octets
	window, threshold int64
	prior             int64
	start             codec.Time
}

func (c *core) Window() int64   { return c.window }
func (c *core) InFlight() int64 { return c.inFlight }
func (c *core) SlowStart() bool { return c.window < c.threshold }

// Available: 9002-7-7: "An endpoint MUST NOT send a packet if it would cause bytes_in_flight (see Appendix B.2) to be larger than the
// congestion window, unless the packet is sent on a PTO timer expiration (see Section 6.2) or when entering recovery".
func (c *core) Available() int64 {
	room := max(c.window-c.inFlight, 0)
	if c.oneMore {
		return max(room, c.datagram)
	}
	return room
}

func (c *core) minimum() int64 { return minDatagrams * c.datagram }

// sent counts a packet.
func (c *core) sent(size int) {
	c.inFlight += int64(max(size, 0))
	c.oneMore = false
}

// leave takes octets out of flight and returns how many there were.
func (c *core) leave(octets int64) int64 {
	octets = min(max(octets, 0), c.inFlight)
	c.inFlight -= octets
	return octets
}

// acked takes acknowledged octets out of flight and returns how many of them may open the window.
func (c *core) acked(now codec.Time, a *Ack) int64 {
	octets := c.leave(a.Octets)
	if c.threshold == NoThreshold {
		c.hystart.onAck(now, a)
		if c.hystart.ended() {
			// 9406-4.2: "If CSS_ROUNDS rounds are complete, enter the congestion avoidance phase by setting the ssthresh to the
			// current cwnd."
			c.threshold, c.prior = c.window, c.window
		}
	}
	// Packets sent before the congestion event say nothing about the smaller window (RFC 9002 section 7.3.2).
	if a.SentAt <= c.start {
		return 0
	}
	c.recovering = false
	// 9002-7.8-1: "When this occurs, the congestion window SHOULD NOT be increased in either slow start or congestion avoidance."
	if a.AppLimited {
		return 0
	}
	return octets
}

// grow opens the window, up to its limit.
func (c *core) grow(octets int64) { c.window = min(c.window+octets, c.limit) }

// slowStart opens the window in slow start.
//
// 9002-7.3.1-2: "While a sender is in slow start, the congestion window increases by the number of bytes acknowledged when each
// acknowledgment is processed."
func (c *core) slowStart(octets int64) {
	if c.threshold == NoThreshold {
		octets = c.hystart.growth(octets, c.datagram)
	}
	c.grow(octets)
}

// share opens the window by its share of step: step octets for each window of acknowledged octets. What an octet is too coarse
// for is carried over.
func (c *core) share(step, octets int64) {
	c.carry += step * octets
	add := c.carry / c.window
	c.carry -= add * c.window
	c.grow(add)
}

// event begins a recovery period. It tells whether there is one to begin: 9002-7.3.2-1: "A sender that is already in a recovery period
// stays in it and does not reenter it." The caller has then to reduce the window.
func (c *core) event(now, sentAt codec.Time, cause Cause, lost int64) bool {
	if sentAt <= c.start {
		c.undo.lost += lost
		if cause == CE {
			c.undo.valid = false
		}
		return false
	}
	c.undo = undo{
		valid: cause == Lost, lost: lost,
		window: c.window, threshold: c.threshold, prior: c.prior, start: c.start,
	}
	c.start, c.recovering, c.oneMore = now, true, true
	c.prior, c.carry = c.window, 0
	c.count.events++
	if cause == CE {
		c.count.ce++
	}
	return true
}

// reduce sets threshold and window.
//
// 9002-7.3.2-2: "On entering a recovery period, a sender MUST set the slow start threshold to half the value of the congestion window
// when loss is detected." (CUBIC: another share.) The window is reduced at once.
func (c *core) reduce(threshold int64) {
	c.threshold = max(threshold, c.minimum())
	c.window = c.threshold
}

// collapse is persistent congestion.
//
// 9002-7.6.2-6: "When persistent congestion is declared, the sender's congestion window MUST be reduced to the minimum congestion
// window (kMinimumWindow), similar to a TCP sender's response on an RTO".
func (c *core) collapse() {
	c.window, c.start, c.carry = c.minimum(), 0, 0 // without a start there is nothing to undo either
	c.recovering = false
	c.count.persistent++
}

// spurious tells whether the last congestion event was about nothing, and then undoes it unless the window has outgrown it.
// All octets lost by the event must have been acknowledged late: one real loss is congestion.
func (c *core) spurious(sentAt codec.Time, size int) bool {
	u := &c.undo
	if !u.valid || sentAt > c.start || sentAt <= u.start {
		return false
	}
	u.spurious += int64(max(size, 0))
	if u.spurious < u.lost {
		return false
	}
	u.valid = false
	if c.window >= c.prior {
		return false // 9438-4.9.2: "CUBIC SHOULD continue to use the current and the most recent values of these variables."
	}
	// The datagram size, and with it the minimum, may have grown since the event.
	c.window, c.threshold = max(u.window, c.minimum()), max(u.threshold, c.minimum())
	c.prior, c.start = u.prior, u.start
	c.recovering, c.oneMore, c.carry = false, false, 0
	c.count.undone++
	return true
}

// resize changes the datagram size.
func (c *core) resize(size int, handshake bool) {
	old := c.datagram
	c.datagram = int64(min(max(size, MinDatagramSize), maxDatagramSize))
	untouched := c.window == c.initial && c.count.events == 0
	if !c.fixedInitial {
		c.initial = InitialWindow(int(c.datagram))
	}
	c.initial = min(max(c.initial, c.minimum()), max(c.limit, c.minimum()))
	// 9002-7.2-2: "If the maximum datagram size changes during the connection, the initial congestion window SHOULD be recalculated
	// with the new size. If the maximum datagram size is decreased in order to complete the handshake, the congestion window SHOULD
	// be set to the new initial congestion window."
	if untouched || handshake && c.datagram < old {
		c.window = c.initial
	}
	c.limit = max(c.limit, c.minimum())
	c.window = max(c.window, c.minimum())
	c.threshold = max(c.threshold, c.minimum())
	c.carry = 0
}

func (c *core) phase() Phase {
	switch {
	case c.recovering:
		return Recovery
	case !c.SlowStart():
		return CongestionAvoidance
	case c.threshold == NoThreshold && c.hystart.conservative():
		return ConservativeSlowStart
	}
	return SlowStart
}

func (c *core) state(a Algorithm) State {
	return State{
		Algorithm: a, Phase: c.phase(), Window: c.window, InFlight: c.inFlight, Threshold: c.threshold, DatagramSize: c.datagram,
		RecoveryStart: c.start, Prior: c.prior,
		Events: c.count.events, CEEvents: c.count.ce, Undone: c.count.undone, Persistent: c.count.persistent,
		DelayExits: c.hystart.exits, DelayResumed: c.hystart.resumed,
	}
}
