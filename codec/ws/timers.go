package ws

import "github.com/purewire/purewire/codec"

// Advance tells the time. Call it when bytes have come in, before Next, and at Deadline. It arms the timers, refills the
// budget of fruitless frames, and owes a Ping when the peer was silent for Config.PingInterval. It returns the connection's
// error, sticky: also when the peer did not answer that Ping or our Close frame in time. Such a connection is to be dropped,
// nothing is owed to it.
func (c *Conn) Advance(now codec.Time) error {
	if c.in == atFailed {
		return &c.fail
	}
	if t := uint32(now >> 26); t != c.ticks {
		c.refund(int64(t - c.ticks))
		c.ticks = t
	}
	f := c.flags
	switch {
	case f&closeSent != 0:
		if f&(timing|closing) != timing|closing {
			c.flags = f | timing | closing
			if c.due = codec.Never; f&closeGot == 0 && c.cfg.CloseTimeout >= 0 {
				c.due = now.Add(c.cfg.closeTimeout())
			}
		} else if c.due.Reached(now) && f&closeGot == 0 {
			_, err := c.failed(rCloseTimeout, 0, 0)
			return err
		}
	case c.cfg.PingInterval <= 0 || f&closeGot != 0:
		c.due = codec.Never
	case f&(timing|heard) != timing:
		c.flags = f&^(heard|pinged|owesPing) | timing
		c.due = now.Add(c.cfg.PingInterval)
	case !c.due.Reached(now):
	case f&pinged != 0:
		_, err := c.failed(rPongTimeout, 0, 0)
		return err
	default:
		c.flags = f | pinged | owesPing
		c.due = now.Add(c.cfg.pongTimeout())
	}
	return nil
}

// Deadline returns when Advance wants to be called, codec.Never for not at all. It is a time long past when a timer waits to
// be armed: behind Init, and behind the sending of a Close frame.
func (c *Conn) Deadline() codec.Time {
	const atOnce = 1
	f := c.flags
	switch {
	case c.in == atFailed || f&closeGot != 0:
		return codec.Never
	case f&closeSent != 0:
		if f&closing == 0 {
			if c.cfg.CloseTimeout < 0 {
				return codec.Never
			}
			return atOnce
		}
	case c.cfg.PingInterval <= 0:
		return codec.Never
	case f&timing == 0:
		return atOnce
	}
	return c.due
}
