package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// pull appends what the handler has ready, and ends the exchange when that was all.
func (c *conn) pull(t *drivers.Turn, l *local, dst []byte) []byte {
	x := c.x
	x.g.mu.Lock()
	room := t.Max
	if room <= 0 {
		room = highWater
	}
	if n := x.pending(); n > 0 && !x.abort {
		ob := x.ob
		if ob.date >= 0 {
			copy(ob.out[ob.date:ob.date+http1.DateLen], l.dates.Bytes(t.Unix))
			ob.date = -1
		}
		n = min(n, room)
		dst = append(dst, ob.out[x.outOff:x.outOff+n]...)
		x.outOff += n
		if x.outOff == len(ob.out) {
			ob.out, x.outOff = ob.out[:0], 0
		}
		x.g.changed()
	}
	x.woken = false
	c.look(t, x)
	return dst
}

// look ends the exchange if it is complete. mu is held, and released.
func (c *conn) look(t *drivers.Turn, x *exchange) {
	switch {
	case x.abort:
		c.st = stAbort
	case x.pending() > 0 || len(x.payload) > 0:
	case x.hijack != nil || x.next != nil:
		c.st = stSwitch
	case x.done && !x.g.running:
		if x.closeConn {
			c.flags |= fClose
		}
		x.dead = ErrAnswered
		x.recycle()
		x.g.mu.Unlock()
		c.x = nil
		if x.info != nil {
			x.info.Duration = t.Now.Sub(x.began)
			c.srv.onReply(x.info)
		}
		c.answered(t)
		return
	}
	x.g.mu.Unlock()
}

// lent and lentSent are the payload by reference.
func (x *exchange) lent() []byte {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.payload
}

func (x *exchange) lentSent(n int) {
	x.g.mu.Lock()
	x.payload = x.payload[n:]
	if len(x.payload) == 0 {
		x.payload = nil
		x.g.changed()
	}
	x.g.mu.Unlock()
}

// advanceHandler looks at a running handler's deadlines and at what it brought.
func (c *conn) advanceHandler(t *drivers.Turn) {
	x := c.x
	x.g.mu.Lock()
	x.woken = false
	if x.readSet {
		x.readSet = false
		x.readAt = codec.Never
		if x.readBy != never {
			x.readAt = t.Now.Add(x.readBy)
		}
	}
	if x.writeSet {
		x.writeSet = false
		x.writeAt = codec.Never
		if x.writeBy != never {
			x.writeAt = t.Now.Add(x.writeBy)
		}
		c.writeBy = codec.Never
	}
	if x.readAt.Reached(t.Now) {
		x.readAt = codec.Never
		x.readExpired = true
		if !x.inEOF {
			x.closeConn = true // else nothing is left to be read that would be taken for a request
		}
		x.g.changed()
	}
	if x.writeAt.Reached(t.Now) {
		x.writeAt = codec.Never
		if x.dead == nil {
			x.dead = errWriteDeadline
		}
		x.abort = true
		x.g.changed()
	}
	if x.done || x.abort || x.hijack != nil || x.next != nil {
		c.look(t, x)
		return
	}
	if c.has(fPaused) && !x.inFull {
		c.resumeBody(t)
	}
	committed := x.committed
	x.g.mu.Unlock()
	if c.bodyDeadline().Reached(t.Now) {
		c.flags &^= fBodyOpen
		c.flags |= fBroken | fClose
		c.srv.onError(x.info, ErrTimeout)
		x.bodyFailed(ErrTimeout)
		if !x.reading() && !committed {
			c.takeOver(t, x, http.StatusRequestTimeout)
		}
		return
	}
	if !committed && !x.expiryDone && codec.Earliest(x.handlerBy, x.requestBy).Reached(t.Now) {
		x.expiryDone = true
		c.srv.onError(x.info, ErrTimeout)
		c.takeOver(t, x, http.StatusServiceUnavailable)
	}
}

// reading reports whether the handler waits for its body now, and so learns of the failure itself.
func (x *exchange) reading() bool {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.g.waiters > 0 || x.g.pumping || !x.bodyClosed
}

// takeOver answers in a handler's place when it was too slow. The handler's writes fail from now on.
func (c *conn) takeOver(t *drivers.Turn, x *exchange, status int) {
	x.g.mu.Lock()
	if x.committed || x.hijack != nil || x.next != nil {
		x.g.mu.Unlock()
		return
	}
	x.taken = true
	x.g.changed()
	x.g.mu.Unlock()
	x.ctx.end(ErrTimeout)
	c.owe(t, status)
	c.nat.xc = x.info
	if x.info != nil {
		x.info.Status = status
	}
	c.nat.begin = x.began
}

// settleHandler computes the wishes of a connection whose handler runs.
func (c *conn) settleHandler(t *drivers.Turn) (s drivers.Status) {
	x := c.x
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	by := codec.Earliest(x.readAt, x.writeAt)
	if !x.committed && !x.expiryDone {
		by = codec.Earliest(by, codec.Earliest(x.handlerBy, x.requestBy))
	}
	c.deadline = codec.Earliest(by, c.bodyDeadline())
	switch {
	case x.abort:
		c.st = stAbort
		return drivers.Abort
	case x.pending() > 0:
		s = drivers.WantOutput
	case len(x.payload) > 0:
		s = drivers.HasPayload
	case x.hijack != nil || x.next != nil:
		c.st = stSwitch
		return drivers.Switch
	case x.done && !x.g.running:
		s = drivers.WantOutput
	}
	switch {
	case c.has(fBodyOpen):
		if !x.inFull {
			s |= drivers.WantInput
		}
	case c.tail == 0 && !c.has(fPeerClosed):
		s |= drivers.WantInput // to learn of the peer's leaving
	}
	return s
}
