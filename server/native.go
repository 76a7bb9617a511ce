package server

import (
	"net/http"
	"runtime/debug"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// NativeHandler answers requests on the connection's owner. ServeNative must not block, and must not keep c: everything
// c gives is lent until ServeNative returns.
//
// It does one of: answer (Static, Reply, ReplyRef, ReplyTrailers, Stream), wait for the body (AwaitBody, ReadBody), Detach, or Pass. A handler
// that does nothing answers 200 without content. A panic answers 500 and closes.
type NativeHandler interface{ ServeNative(c *Ctx) }

// NativeFunc adapts a function to a NativeHandler.
type NativeFunc func(c *Ctx)

// ServeNative calls f.
func (f NativeFunc) ServeNative(c *Ctx) { f(c) }

// native is a native request that outlives the call of its handler.
type native struct {
	await   func(*Ctx)    // wants to be called when the body has news
	stream  Producer      // is asked for content when output has room
	waiting bool          // the producer has nothing now
	payload []byte        // sent by reference
	release func()        // tells that payload is free
	out     []byte        // encoded output that waits for Transmit
	det     *Detached     // will be answered by another goroutine
	buf     []byte        // ReadBody
	enc     http1.Encoder // of the open response
	by      codec.Time    // Handler and Request deadlines
	done    bool          // the response is complete once out and payload are sent
	begun   bool          // the response has begun
	xc      *Exchange     // for OnReply
	next    Next          // makes the machine that takes over after a 101
	begin   codec.Time
}

func (l *local) newNative() *native {
	if n := len(l.free); n > 0 {
		nat := l.free[n-1]
		l.free = l.free[:n-1]
		return nat
	}
	return new(native)
}

func (l *local) freeNative(n *native) {
	if len(l.free) < 64 && cap(n.out) <= highWater && cap(n.buf) <= highWater {
		*n = native{out: n.out[:0], buf: n.buf[:0]}
		l.free = append(l.free, n)
	}
}

// serveNative calls the native handler for the head in l.ev.
func (c *conn) serveNative(t *drivers.Turn, l *local, src []byte, n int, out []byte) (int, []byte, bool) {
	x := &l.ctx
	x.start(c, t, l, src, n, out, &l.ev)
	if c.srv.hooked {
		x.xc = c.exchangeInfo(&l.ev)
		x.began = t.Now
		for _, f := range c.srv.cfg.Hooks.OnReceive {
			f(x.xc)
		}
	}
	x.call(nil)
	if x.act == actPass {
		n, out = x.n, x.dst
		x.clear()
		return n, out, true
	}
	n, out = x.finish()
	return n, out, false
}

// exchangeInfo makes the owned description of a request for hooks.
func (c *conn) exchangeInfo(ev *http1.Event) *Exchange {
	return &Exchange{Conn: c.info(), Method: string(ev.Method), Target: string(ev.Target)}
}

// call runs the handler, or fn, and contains its panic: what it appended is taken back.
func (x *Ctx) call(fn func(*Ctx)) {
	mark := len(x.dst)
	defer func() {
		if v := recover(); v != nil {
			x.panicked(v, mark)
		}
	}()
	if fn == nil {
		x.c.srv.native.ServeNative(x)
	} else {
		fn(x)
	}
}

func (x *Ctx) panicked(v any, mark int) {
	c := x.c
	if c.nat != nil {
		c.dropNative(ErrPeerClosed)
	}
	x.dst = x.dst[:mark]
	x.nat = nil
	c.flags |= fClose
	if v != http.ErrAbortHandler {
		err := &PanicError{Value: v, Stack: debug.Stack()}
		c.srv.logf("server: panic serving %v: %v\n%s", c.link.RemoteAddr(), v, err.Stack)
		c.srv.onError(x.xc, err)
	} else {
		x.act = actAbort
		return
	}
	if x.begun {
		x.act = actAbort
		return
	}
	minor := uint8(1)
	if c.has(fOld) {
		minor = 0
	}
	x.dst = x.l.appendError(x.dst, x.t.Unix, minor, http.StatusInternalServerError, "", "", c.has(fHead), true)
	x.status = http.StatusInternalServerError
	x.act = actAnswered
}

// finish turns what the handler did into the connection's next state.
func (x *Ctx) finish() (int, []byte) {
	c := x.c
	switch x.act {
	case actNone:
		x.Reply(http.StatusOK, "", nil)
		c.nativeDone(x)
	case actAnswered:
		c.nativeDone(x)
	case actAbort:
		c.st = stAbort
	case actSwitch:
		c.nat = x.nat
		c.nat.xc, c.nat.begin = x.xc, x.began
		c.st = stSwitch
	case actPending:
		c.nat = x.nat
		if c.st != stNative {
			c.st = stNative
			c.nat.begin = x.t.Now
			c.nat.xc = x.xc
			if x.xc != nil {
				c.nat.begin = x.began
			}
			c.nat.by = codec.Earliest(never0(x.t.Now, c.srv.d.Handler), never0(c.start, c.srv.d.Request))
		}
		if x.nat.await == nil && x.nat.det == nil && x.nat.stream == nil && len(x.nat.payload) == 0 && len(x.nat.out) == 0 && x.nat.done {
			c.nativeDone(x)
		}
	}
	if x.xc != nil {
		x.xc.Status, x.xc.Bytes = x.status, x.bytes
	}
	n, out := x.n, x.dst
	x.clear()
	return n, out
}

// nativeDone ends a native request whose response is complete.
func (c *conn) nativeDone(x *Ctx) {
	if x.xc != nil {
		x.xc.Status, x.xc.Bytes = x.status, x.bytes
	}
	c.nativeReplied(x.t, x.l, x.xc, x.began)
}

func (c *conn) nativeReplied(t *drivers.Turn, l *local, xc *Exchange, began codec.Time) {
	if xc != nil {
		xc.Duration = t.Now.Sub(began)
		c.srv.onReply(xc)
	}
	if c.nat != nil {
		l.freeNative(c.nat)
		c.nat = nil
	}
	c.answered(t)
}

// dropNative gives up a pending native request.
func (c *conn) dropNative(err error) {
	nat := c.nat
	c.nat = nil
	if nat.release != nil {
		nat.release()
		nat.release = nil
	}
	if nat.det != nil {
		nat.det.fail(err)
		nat.det = nil
	}
	if nat.xc != nil {
		c.srv.onReply(nat.xc)
		nat.xc = nil
	}
}

// feedNative lets a handler that awaits the body see what came. more is false when it has to wait for more input.
func (c *conn) feedNative(t *drivers.Turn, l *local, src []byte, n int, out []byte) (int, []byte, bool) {
	nat := c.nat
	x := &l.ctx
	x.start(c, t, l, src, n, out, nil)
	x.nat, x.xc, x.began, x.begun = nat, nat.xc, nat.begin, nat.begun
	fn := nat.await
	nat.await = nil
	x.act = actPending
	x.call(fn)
	if x.act == actPending && nat.await == nil && nat.det == nil && nat.stream == nil && !nat.done {
		x.act = actNone // it neither answered nor waits
	}
	waits := x.act == actPending
	n, out = x.finish()
	return n, out, !waits && c.st != stNative
}

// transmitNative appends what a pending native response has ready.
func (c *conn) transmitNative(t *drivers.Turn, l *local, dst []byte) []byte {
	nat := c.nat
	if nat == nil {
		return dst
	}
	if len(nat.out) > 0 {
		dst = append(dst, nat.out...)
		nat.out = nat.out[:0]
	}
	if len(nat.payload) > 0 {
		return dst
	}
	if nat.stream != nil {
		dst = c.produce(t, l, dst)
	}
	if c.nat == nat && nat.done && len(nat.payload) == 0 {
		c.nativeReplied(t, l, nat.xc, nat.begin)
	}
	return dst
}

// nativeSent accounts for a payload sent by reference.
func (c *conn) nativeSent(t *drivers.Turn, n int) {
	nat := c.nat
	nat.payload = nat.payload[n:]
	if len(nat.payload) > 0 {
		return
	}
	nat.payload = nil
	if nat.release != nil {
		nat.release()
		nat.release = nil
	}
	if nat.done && len(nat.out) == 0 {
		c.nativeReplied(t, t.Local.(*local), nat.xc, nat.begin)
	}
}

// settleNative computes the wishes of a pending native request.
func (c *conn) settleNative(t *drivers.Turn) (s drivers.Status) {
	nat := c.nat
	if nat == nil {
		return drivers.Abort
	}
	c.deadline = codec.Never
	if !nat.begun {
		c.deadline = nat.by
	}
	switch {
	case len(nat.out) > 0:
		s = drivers.WantOutput
	case len(nat.payload) > 0:
		s = drivers.HasPayload
	case nat.stream != nil && !nat.waiting:
		s = drivers.WantOutput
	case nat.done:
		s = drivers.WantOutput
	}
	if nat.await != nil {
		s |= drivers.WantInput
		c.deadline = codec.Earliest(c.deadline, c.bodyDeadline())
	} else if c.tail == 0 && !c.has(fBodyOpen) && !c.has(fPeerClosed) {
		s |= drivers.WantInput // to learn of the peer's leaving
	}
	return s
}
