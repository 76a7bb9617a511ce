package websocket

import (
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
)

// machine is a Conn as its driver sees it.
type machine Conn

var (
	_ drivers.Machine   = (*machine)(nil)
	_ drivers.Payloader = (*machine)(nil)
	_ drivers.Drainer   = (*machine)(nil)
)

// attach makes c the machine of a connection whose opening handshake is done. It runs on the owner.
func (c *Conn) attach(t *drivers.Turn, l drivers.Link) drivers.Machine {
	done := false
	defer func() {
		if done {
			return
		}
		// OnOpen has panicked. The driver has not seen this machine yet, so it will not tell it of the end.
		c.back()
		c.flags |= fGone
		c.err = &CloseError{Code: ws.CloseAbnormal, Err: drivers.ErrClosed}
		c.changed()
		c.mu.Unlock()
	}()
	c.mu.Lock()
	c.link = l
	c.flags = c.flags&^fWoken | fOpened
	_ = c.ws.Advance(t.Now) // arms the timers; nothing can be wrong yet
	if c.h != nil && c.h.OnOpen != nil {
		c.away()
		c.h.OnOpen(c)
		c.back()
	}
	c.settle(t)
	done = true
	c.mu.Unlock()
	return (*machine)(c)
}

// serve begins a call that may append to dst.
func (c *Conn) serve(t *drivers.Turn, dst []byte) {
	c.dst, c.most = dst, len(dst)+t.Max
	c.flags |= fServed
}

// served ends it.
func (c *Conn) served() []byte {
	dst := c.dst
	c.dst = nil
	c.flags &^= fServed
	return dst
}

// panicked sees to it that nobody touches the driver's output after a callback has panicked.
func (c *Conn) panicked(done *bool) {
	if *done {
		return
	}
	if c.outside {
		c.back()
	}
	c.dst = nil
	c.flags = c.flags&^fServed | fAbort
	c.status.Store(uint32(drivers.Abort))
	c.mu.Unlock()
}

// Receive reads frames until it needs more, or enough output or messages wait.
func (m *machine) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	c := (*Conn)(m)
	done := false
	defer c.panicked(&done)
	c.mu.Lock()
	c.serve(t, dst)
	if err := c.ws.Advance(t.Now); err != nil && !c.has(fFailed) {
		c.late(err)
	}
	var ev ws.Event
loop:
	for c.reads() {
		k, err := c.ws.Next(src[n:], &ev)
		n += k
		switch {
		case err != nil:
			c.failed(err)
		case ev.Kind == ws.Data:
			c.message(&ev)
		case ev.Kind == ws.Control:
			c.control(&ev)
		default:
			break loop
		}
	}
	if c.flags&(fFailed|fAbort|fGone) != 0 {
		n = len(src)
	}
	c.tail = uint32(min(len(src)-n, 1<<30))
	if c.has(fFIN) && c.reads() {
		c.finish() // what is left is no frame
	}
	c.settle(t)
	out = c.served()
	done = true
	c.mu.Unlock()
	return n, out
}

// reads reports whether the next frame may be read. mu is held.
func (c *Conn) reads() bool {
	if c.flags&(fFailed|fAbort|fGone) != 0 {
		return false
	}
	if c.stuffed(c.o.high, c.o.ahead) {
		c.flags |= fPaused
	}
	return !c.has(fPaused)
}

// stuffed reports whether as much waits as given: messages for a reader, or output on a server's connection with a Handler,
// where it is mostly answers. Others are read however much output waits: if both sides stopped reading because the other
// does, nothing would ever move again. mu is held.
func (c *Conn) stuffed(out, in int) bool {
	switch {
	case c.in != nil:
		return c.in.full(in)
	case c.ws.Role() == ws.Server:
		return c.waiting() >= out
	}
	return false
}

// resume goes on reading when enough of what waited is gone. mu is held.
func (c *Conn) resume() {
	if c.has(fPaused) && !c.stuffed(c.o.low+1, c.o.ahead/2) {
		c.flags &^= fPaused
	}
}

// failed ends the connection after a violation by the peer. mu is held.
func (c *Conn) failed(err error) {
	c.flags |= fFailed
	e := &CloseError{Code: ws.CloseAbnormal, Err: err}
	var w *ws.Error
	if errors.As(err, &w) {
		e.Code = w.Code
	}
	c.ending(e)
}

// late ends a connection whose peer did not answer in time. mu is held.
func (c *Conn) late(err error) {
	c.flags |= fAbort
	c.ending(&CloseError{Code: ws.CloseAbnormal, Err: err})
}

// Transmit gives what waits, small pieces copied together.
func (m *machine) Transmit(t *drivers.Turn, dst []byte) []byte {
	c := (*Conn)(m)
	done := false
	defer c.panicked(&done)
	c.mu.Lock()
	from := len(dst)
	var free []func()
	for q := c.q; q != nil && q.n > 0; {
		p := q.front()
		if len(p) >= refMin {
			break
		}
		if t.Max > 0 {
			p = p[:min(len(p), t.Max-(len(dst)-from))]
		}
		if len(p) == 0 && len(dst) > from {
			break
		}
		dst = append(dst, p...)
		if f := q.sent(len(p)); f != nil {
			free = append(free, f)
		}
	}
	c.emptied()
	c.serve(t, dst)
	c.most = from + t.Max
	c.drained(free)
	c.settle(t)
	dst = c.served()
	done = true
	c.mu.Unlock()
	return dst
}

// drained looks at what it means that output is gone. mu is held, and released during callbacks.
func (c *Conn) drained(free []func()) {
	if c.waiting() <= c.o.low {
		if c.has(fRefused) && c.err == nil {
			c.flags &^= fRefused
			if c.h != nil && c.h.OnDrain != nil {
				c.away()
				c.h.OnDrain(c)
				c.back()
			}
		}
		c.changed()
	}
	c.resume()
	if len(free) > 0 {
		c.away()
		for _, f := range free {
			f()
		}
		c.back()
	}
}

// Payload returns what goes out by reference.
func (m *machine) Payload() []byte {
	c := (*Conn)(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.q == nil || c.q.n == 0 {
		return nil
	}
	return c.q.front()
}

// PayloadSent accounts for it.
func (m *machine) PayloadSent(t *drivers.Turn, n int) {
	c := (*Conn)(m)
	done := false
	defer c.panicked(&done)
	c.mu.Lock()
	var free []func()
	if f := c.q.sent(n); f != nil {
		free = append(free, f)
	}
	c.emptied()
	c.drained(free)
	c.settle(t)
	done = true
	c.mu.Unlock()
}

// PeerClosed notes the end of the transport's input.
func (m *machine) PeerClosed(t *drivers.Turn) {
	c := (*Conn)(m)
	done := false
	defer c.panicked(&done)
	c.mu.Lock()
	c.flags |= fFIN
	if c.tail == 0 || !c.has(fPaused) {
		c.finish()
	}
	c.settle(t)
	done = true
	c.mu.Unlock()
}

// finish tells the codec of the end. mu is held.
func (c *Conn) finish() {
	if c.flags&(fFailed|fGone|fAbort) != 0 {
		return
	}
	if err := c.ws.Finish(); err != nil {
		c.failed(err)
	}
}

// Advance looks at the clock and at what other goroutines have brought.
func (m *machine) Advance(t *drivers.Turn) {
	c := (*Conn)(m)
	done := false
	defer c.panicked(&done)
	c.mu.Lock()
	c.flags &^= fWoken
	if err := c.ws.Advance(t.Now); err != nil && !c.has(fFailed) {
		c.late(err)
	}
	c.resume()
	c.settle(t)
	done = true
	c.mu.Unlock()
}

// settle ends a call of the machine: what is owed goes out, and the driver is told what comes next. mu is held.
func (c *Conn) settle(t *drivers.Turn) {
	c.pay()
	var s drivers.Status
	if q := c.q; q != nil && q.n > 0 {
		s = drivers.WantOutput
		if len(q.front()) >= refMin {
			s = drivers.HasPayload
		}
	}
	c.deadline = c.ws.Deadline()
	switch {
	case c.flags&(fAbort|fGone) != 0:
		s = drivers.Abort
		c.deadline = codec.Never
	case c.has(fFailed):
		s |= drivers.Closing
		c.deadline = codec.Never
		if c.has(fFIN) {
			s |= drivers.Complete
		}
	case c.has(fFIN) && c.ws.CloseReceived():
		s |= drivers.Closing | drivers.Complete
		c.deadline = codec.Never
	case c.ws.Closed():
		s |= c.over(t)
	case !c.has(fPaused):
		s |= drivers.WantInput
	}
	c.status.Store(uint32(s))
}

// pay sends what the protocol owes. While too much waits it is left owed: there it is the latest pong and no more, however many
// pings come. mu is held.
func (c *Conn) pay() {
	if c.ws.Owes() && c.flags&(fAbort|fGone) == 0 && c.waiting() < c.o.high {
		dst, b := c.room(3 * (ws.MaxControl + 6))
		c.keep(c.ws.AppendOwed(dst, unlimited), b)
	}
}

// over is the state behind both Close frames. RFC 6455 section 7.1.1-2: the server closes the TCP connection first, "a
// client SHOULD wait for the server to close the connection but MAY close the connection at any time". mu is held.
func (c *Conn) over(t *drivers.Turn) drivers.Status {
	if c.ws.Role() == ws.Client && !c.finBy.Reached(t.Now) {
		if c.finBy == codec.Never {
			c.finBy = t.Now.Add(c.o.finWait)
		}
		c.deadline = c.finBy
		return drivers.WantInput
	}
	c.deadline = codec.Never
	// The peer's Close frame is its promise to send nothing more (RFC 6455 section 5.5.1-4).
	return drivers.Closing | drivers.Complete
}

// Deadline returns when Advance is due.
func (m *machine) Deadline() codec.Time { return m.deadline }

// Status returns the wishes that settle has computed.
func (m *machine) Status() drivers.Status { return drivers.Status(m.status.Load()) }

// Drain says goodbye: 1001 (going away).
func (m *machine) Drain(t *drivers.Turn) {
	c := (*Conn)(m)
	c.mu.Lock()
	_ = c.closeLocked(ws.CloseGoingAway, "")
	c.settle(t)
	c.mu.Unlock()
}

// InFlight reports whether closing now would cut a message.
func (m *machine) InFlight() bool {
	c := (*Conn)(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting() > 0 || !c.ws.Idle()
}

// Closed ends everything.
func (m *machine) Closed(err error) {
	c := (*Conn)(m)
	c.mu.Lock()
	c.flags |= fGone
	var free []func()
	if c.q != nil {
		free = c.q.drop()
		c.emptied()
	}
	if c.part != nil {
		putBuffer(c.part)
		c.part = nil
	}
	c.ending(&CloseError{Code: ws.CloseAbnormal, Err: err})
	c.ws.Release()
	c.changed()
	c.mu.Unlock()
	for _, f := range free {
		f()
	}
}
