package stdnet

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// run calls the machine until nothing more can be done without waiting, and sends what came of it in as few writes as
// possible. mu is held, w.turn is fresh.
func (c *conn) run(w *worker) {
	if c.dead {
		return
	}
	calls := c.calls
	c.turn(w)
	c.settle()
	if c.calls != calls {
		c.moved.Broadcast()
	}
}

func (c *conn) turn(w *worker) {
	defer c.contain()
	late := false
	for !c.dead {
		progress := c.attend(w)
		if c.dead {
			return
		}
		if !late && !c.lingering && c.m.Deadline().Reached(w.turn.Now) {
			late, progress = true, true // once a turn: a machine that forgets to move its deadline must not spin
			c.advance(w)
		}
		if c.lingering {
			if c.eof || c.lingerAt.Reached(w.turn.Now) || c.srv.lingered(c.discarded) {
				c.fail(nil)
				return
			}
		} else {
			progress = c.feed(w) || progress
			progress = c.produce(w) || progress
		}
		if !progress {
			break
		}
	}
}

// attend does what was asked for from outside.
func (c *conn) attend(w *worker) bool {
	if c.state.Load()&pending == 0 {
		return false
	}
	got := c.state.And(^pending)
	if got&fTick != 0 {
		c.timerAt = codec.Never
	}
	if got&fPost != 0 {
		c.due = c.post.take()
		for len(c.due) > 0 && !c.dead { // if one panics, the others are told before Closed
			fn := c.due[0]
			c.due = c.due[1:]
			c.stuck = false
			c.runPost(w, fn, nil)
		}
	}
	if got&fWake != 0 && !c.dead {
		c.advance(w)
	}
	if got&fDrain != 0 {
		c.draining = true
		c.drain(w)
	}
	return got&(fPost|fWake|fDrain) != 0
}

func (c *conn) runPost(w *worker, fn func(*drivers.Turn, error), err error) {
	defer c.contain()
	c.calls++
	fn(&w.turn, err)
}

func (c *conn) advance(w *worker) {
	c.calls++
	c.stuck = false
	c.m.Advance(&w.turn)
}

func (c *conn) drain(w *worker) {
	if d, ok := c.m.(drivers.Drainer); ok && !c.dead {
		c.calls++
		c.stuck = false
		d.Drain(&w.turn)
	}
}

// feed presents input. It reports whether the machine was called.
func (c *conn) feed(w *worker) (progress bool) {
	for !c.dead {
		st := c.m.Status()
		switch {
		case st&drivers.Abort != 0:
			c.fail(errAborted)
			return true
		case st&drivers.Closing != 0:
			c.in, c.fresh = nil, false
			return progress
		case st&drivers.Switch != 0:
			if st&(drivers.WantOutput|drivers.HasPayload) != 0 {
				return progress
			}
			c.succeed(w)
			progress = true
			continue
		}
		if st&drivers.WantInput == 0 || c.stuck || len(c.in) == 0 {
			break
		}
		c.receive(w)
		progress = true
	}
	if c.eof && !c.eofTold && !c.fresh && !c.dead {
		c.eofTold, c.stuck = true, false
		c.calls++
		c.m.PeerClosed(&w.turn)
		return true
	}
	return progress
}

func (c *conn) receive(w *worker) {
	dst := c.dst(w)
	c.room(w)
	c.calls++
	c.fresh = false
	n, out := c.m.Receive(&w.turn, c.in[:len(c.in):len(c.in)], dst)
	if n < 0 || n > len(c.in) || len(out) < len(dst) {
		c.fail(errMachine)
		return
	}
	c.setDst(w, out)
	c.in = c.in[n:]
	if c.unsent(w) > c.srv.cfg.HighWater {
		c.flush(w, nil)
	}
	if c.overflow(w); c.dead || n > 0 || len(c.in) == 0 {
		return
	}
	if c.m.Status()&drivers.WantInput != 0 {
		c.stuck, c.cramped = true, w.turn.Max < c.srv.cfg.HighWater
		if k := c.srv.cfg.MaxTail; k > 0 && len(c.in) > k {
			c.fail(drivers.ErrTail)
		}
	}
}

// overflow ends a connection whose machine ignores Turn.Max while the peer takes nothing.
func (c *conn) overflow(w *worker) {
	if k := c.srv.cfg.KillWater; k > 0 && c.unsent(w) > k {
		c.fail(drivers.ErrKillWater)
	}
}

// succeed replaces the machine. Output appended so far keeps its place in the queue.
func (c *conn) succeed(w *worker) {
	c.calls++
	s, ok := c.m.(drivers.Successor)
	if !ok {
		c.fail(errMachine)
		return
	}
	m := s.Successor(&w.turn)
	if m == nil {
		c.fail(errMachine)
		return
	}
	c.m = m
	c.stuck, c.fresh = false, len(c.in) > 0
	c.eofTold = false
	if c.draining {
		c.drain(w)
	}
}

const (
	// largePayload is the length from which on a payload gets a head start: the output in front of it goes out with only headStart
	// bytes of it. The peer wakes up at these, and reads while the rest is still being copied into the kernel, instead of being
	// woken again for each segment of one large write. On loopback that halves the cost of 1 MiB.
	largePayload = 64 << 10
	headStart    = 4 << 10
)

// produce asks for output and sends it. It reports whether the machine was called.
func (c *conn) produce(w *worker) (progress bool) {
	stuck := c.stuck
	for !c.dead {
		st := c.m.Status()
		switch {
		case st&drivers.Abort != 0:
			c.fail(errAborted)
			return true
		case st&drivers.HasPayload != 0:
			if c.writing {
				return progress
			}
			p, ok := c.m.(drivers.Payloader)
			if !ok {
				c.fail(errMachine)
				return true
			}
			b := p.Payload()
			if len(b) == 0 {
				c.flush(w, nil)
				return progress
			}
			if c.unsent(w) > 0 && len(b) > largePayload {
				b = b[:headStart]
			}
			n := c.flush(w, b)
			if n == 0 || c.dead {
				return progress
			}
			c.calls++
			p.PayloadSent(&w.turn, n)
			progress = true
			continue
		case st&drivers.WantOutput != 0 && c.unsent(w) < c.srv.cfg.HighWater:
			dst := c.dst(w)
			c.room(w)
			c.calls++
			out := c.m.Transmit(&w.turn, dst)
			if len(out) < len(dst) {
				c.fail(errMachine)
				return true
			}
			c.setDst(w, out)
			if len(out) == len(dst) && c.m.Status() == st {
				break // promised and not given
			}
			progress = true
			if c.unsent(w) >= c.srv.cfg.HighWater {
				c.flush(w, nil)
				c.overflow(w)
			}
			continue
		}
		break
	}
	if c.dead {
		return progress
	}
	c.flush(w, nil)
	if !c.dead && !c.writing && !c.lingering {
		st := c.m.Status()
		if st&drivers.Closing != 0 && st&(drivers.WantOutput|drivers.HasPayload) == 0 && c.unsent(w) == 0 {
			c.linger(w)
			return true
		}
	}
	return progress || (stuck && !c.stuck)
}

// linger shuts down the sending side and goes on reading for a while, so that the peer can read what was sent before a
// reset caused by its own unread bytes could destroy it (RFC 9112 section 9.6).
func (c *conn) linger(w *worker) {
	h, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || c.eof || c.srv.cfg.LingerTime < 0 || c.m.Status()&drivers.Complete != 0 || h.CloseWrite() != nil {
		c.fail(nil)
		return
	}
	c.lingering = true
	c.lingerAt = w.turn.Now.Add(c.srv.cfg.LingerTime)
	c.in, c.tail = nil, nil
	if c.inFn {
		c.watch()
	}
}

// room tells the machine how much it may append.
func (c *conn) room(w *worker) { w.turn.Max = max(0, c.srv.cfg.HighWater-c.unsent(w)) }

// dst is where output goes: behind unsent bytes if there are some.
func (c *conn) dst(w *worker) []byte {
	if len(c.out) > 0 || c.writing {
		return c.out
	}
	return w.out
}

func (c *conn) setDst(w *worker, out []byte) {
	if len(c.out) > 0 || c.writing {
		c.out = out
		c.left.Store(int64(len(out) + c.flight))
	} else {
		w.out = out
	}
}

func (c *conn) unsent(w *worker) int { return len(c.out) + len(w.out) + c.flight }

// settle moves unread bytes out of the worker's buffer, which the next connection is going to use.
func (c *conn) settle() {
	switch {
	case len(c.in) == 0:
		c.in, c.lent = nil, false
		if cap(c.tail) > 0 {
			c.tail = nil
		}
	case c.lent:
		c.tail = append(c.tail[:0], c.in...)
		c.in, c.lent = c.tail, false
	}
}
