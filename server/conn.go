package server

import (
	"net/http"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// state is where a connection stands between two calls.
type state uint8

const (
	stHead    state = iota // waiting for a request head, or in the middle of one
	stHandler              // an http.Handler has the request (c.x)
	stNative               // a native handler is not done with the request (c.nat)
	stDrain                // answered; the rest of the request body is read and dropped
	stClosing              // flush, linger, close
	stAbort                // close at once
	stSwitch               // a hijacker takes over
)

type flag uint16

const (
	fPeerClosed flag = 1 << iota // FIN seen
	fFull                        // too much output waits: parsing paused
	fDraining                    // Drain was called
	fBodyOpen                    // the request body has not ended
	fBegun                       // a byte of the next head was seen
	fClose                       // close after this response
	fExpect                      // 100 (Continue) is owed before the body comes
	fStart                       // a handler is to be started at the end of Receive
	fPaused                      // the body waits for its reader: its clocks stand still
	fBroken                      // input is undecodable: drop it
	fCounted                     // this request is counted in Server.inFlight
	fHead                        // the request's method is HEAD
	fOld                         // the request is HTTP/1.0
)

const (
	highWater = 64 << 10  // bytes that wait on one side of a handler
	maxUnsent = 128 << 10 // bytes of finished answers that wait for the peer
)

// conn is the machine of one connection. It must stay small: 10,000 of them idle.
type conn struct {
	srv  *Server
	link drivers.Link
	dec  http1.Decoder

	x   *exchange    // stHandler
	nat *native      // stNative
	hc  *handlerConn // made for the first http.Handler request

	id       uint64
	deadline codec.Time // when Advance wants to be called
	start    codec.Time // first byte of the request
	writeBy  codec.Time // Deadlines.Write
	mark     codec.Time // start of the body's rate clock; when paused: when it was paused
	last     codec.Time // last byte of the body
	got      int64      // body bytes received
	left     int64      // body bytes to come, -1 unknown

	nreq   uint32 // requests so far
	queued uint32 // answers given since the output was last empty
	tail   uint32 // unread bytes left to the driver by the last Receive
	flags  flag
	st     state
	status drivers.Status
}

// handlerConn is what only connections that meet an http.Handler need.
type handlerConn struct {
	remote string
	run    func()
}

var (
	_ drivers.Machine   = (*conn)(nil)
	_ drivers.Payloader = (*conn)(nil)
	_ drivers.Successor = (*conn)(nil)
	_ drivers.Drainer   = (*conn)(nil)
)

func (c *conn) info() ConnInfo {
	return ConnInfo{ID: c.id, Local: c.link.LocalAddr(), Remote: c.link.RemoteAddr()}
}

func (c *conn) has(f flag) bool { return c.flags&f != 0 }

// Receive decodes requests and has them handled until the input is used up, a request is pending, or enough output waits.
func (c *conn) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	l := t.Local.(*local)
	out = dst
	limit := t.Max
	if limit <= 0 {
		limit = highWater
	}
	if c.queued > 0 {
		c.regain(len(dst))
	}
loop:
	for {
		switch c.st {
		case stHead:
			if c.has(fFull) || len(out)-len(dst) >= limit || c.queued >= c.srv.maxPipelined {
				c.flags |= fFull
				break loop
			}
			k, err := c.dec.Next(src[n:], &l.ev)
			n += k
			if err != nil {
				out = c.reject(t, l, out, err)
				break loop
			}
			if l.ev.Kind != http1.Request {
				break loop
			}
			n, out = c.request(t, l, src, n, out)
		case stHandler:
			k, more := c.feedHandler(t, l, src[n:])
			n += k
			if !more {
				break loop
			}
		case stNative:
			if c.nat.await == nil {
				break loop
			}
			var more bool
			n, out, more = c.feedNative(t, l, src, n, out)
			if !more {
				break loop
			}
		case stDrain:
			k, more := c.feedDrain(t, l, src[n:])
			n += k
			if !more {
				break loop
			}
		case stSwitch:
			break loop
		default: // stClosing, stAbort
			n = len(src)
			break loop
		}
	}
	if c.has(fBroken) || c.st == stClosing {
		n = len(src)
	}
	c.tail = uint32(min(len(src)-n, 1<<31))
	if c.st == stHead && !c.has(fFull) {
		c.waiting(t)
	}
	if c.has(fStart) {
		c.flags &^= fStart
		c.link.Go(c.hc.run)
	}
	c.settle(t)
	return n, out
}

// waiting is called when the next head needs more bytes.
func (c *conn) waiting(t *drivers.Turn) {
	if c.has(fPeerClosed) {
		c.st = stClosing
		return
	}
	if !c.has(fBegun) && (c.tail > 0 || !c.dec.Idle()) {
		// RFC 9112 section 9.5: a server may close when it is kept waiting. The clock starts with the first byte and no
		// later byte extends it.
		c.flags |= fBegun
		c.start = t.Now
		c.deadline = never0(t.Now, c.srv.d.Head)
	} else if !c.has(fBegun) && c.deadline == codec.Never {
		c.deadline = never0(t.Now, c.srv.d.Idle)
	}
}

// never0 returns now+d, or Never for no deadline.
func never0(now codec.Time, d time.Duration) codec.Time {
	if d <= 0 {
		return codec.Never
	}
	return now.Add(d)
}

// regain lifts the pause that too much waiting output caused. given is what the driver has not counted as unsent yet.
func (c *conn) regain(given int) {
	u := max(c.link.Unsent(), given)
	switch {
	case u == 0:
		c.queued = 0
		c.flags &^= fFull
	case u >= maxUnsent:
		c.flags |= fFull
	case c.has(fFull) && u < maxUnsent/2 && c.queued < c.srv.maxPipelined:
		c.flags &^= fFull
	}
}

// request handles the head in l.ev.
func (c *conn) request(t *drivers.Turn, l *local, src []byte, n int, out []byte) (int, []byte) {
	ev, s := &l.ev, c.srv
	if !c.has(fBegun) {
		c.start = t.Now
	}
	c.flags &^= fBegun | fClose | fExpect | fPaused | fHead | fOld
	c.flags |= fBodyOpen
	c.nreq++
	c.queued++
	c.left = 0
	if ev.Framing == http1.NoBody {
		// The End that follows such a head carries nothing; taking it now leaves the head's views alone.
		k, _ := c.dec.Next(src[n:], &l.body)
		n += k
		c.flags &^= fBodyOpen
	} else {
		c.mark, c.last, c.got, c.left = t.Now, t.Now, 0, ev.Length
		if ev.Framing == http1.Chunked {
			c.left = -1
		}
		if ev.Expect100 {
			c.flags |= fExpect
		}
	}
	if ev.Minor == 0 {
		c.flags |= fOld
	}
	if ev.MethodID == http1.MethodHead {
		c.flags |= fHead
	}
	// RFC 9112 section 9.3-4: persistence is the peer's choice first, then ours.
	if !ev.KeepAlive || c.has(fDraining) || (s.maxRequests > 0 && c.nreq >= s.maxRequests) {
		c.flags |= fClose
	}
	c.writeBy = never0(t.Now, s.d.Write)
	if s.native != nil {
		pass := false
		n, out, pass = c.serveNative(t, l, src, n, out)
		if !pass {
			return n, out
		}
	}
	if !s.acquire() {
		return n, c.shed(t, l, out)
	}
	c.flags |= fCounted | fStart
	c.st = stHandler
	c.newExchange(t, l)
	return n, out
}

// shed answers 503 without a handler.
func (c *conn) shed(t *drivers.Turn, l *local, out []byte) []byte {
	out = l.appendError(out, t.Unix, l.ev.Minor, http.StatusServiceUnavailable, "", c.srv.retry, c.has(fHead), c.closing())
	c.answered(t)
	return out
}

// closing decides, when a response head is written, whether the connection ends after it.
func (c *conn) closing() bool {
	if c.has(fClose | fDraining | fBroken) {
		c.flags |= fClose
		return true
	}
	if c.has(fBodyOpen) {
		switch {
		case c.has(fExpect) && c.got == 0:
			// RFC 9110 section 10.1.1-15: the client may or may not send the content now; nobody can tell what
			// its next byte means.
			c.flags |= fClose
		case c.left > c.srv.drainBody, c.srv.drainBody == 0:
			// RFC 9112 section 9.3-7: read the entire request body or close after the response.
			c.flags |= fClose
		}
	}
	return c.has(fClose)
}

// answered ends a request whose response is complete.
func (c *conn) answered(t *drivers.Turn) {
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	switch {
	case c.has(fClose | fBroken):
		c.st = stClosing
	case c.has(fBodyOpen):
		c.st = stDrain
		c.flags &^= fPaused
		c.mark, c.last = t.Now, t.Now
		c.got = 0
		if c.has(fPeerClosed) && c.tail == 0 {
			c.st = stClosing
		}
	default:
		c.next(t)
	}
}

// next makes the connection ready for another request.
func (c *conn) next(t *drivers.Turn) {
	c.dec.Resume()
	c.st = stHead
	c.flags &^= fBodyOpen | fExpect | fClose
	c.deadline = never0(t.Now, c.srv.d.Idle)
	if c.has(fDraining) || (c.has(fPeerClosed) && c.tail == 0) {
		c.st = stClosing
	}
}

// feedDrain drops body bytes. RFC 9112 section 9.3-7: a server that does not read the whole body must close.
func (c *conn) feedDrain(t *drivers.Turn, l *local, src []byte) (n int, more bool) {
	n, err := c.dec.Next(src, &l.body)
	if err != nil {
		c.st = stClosing
		return n, false
	}
	switch l.body.Kind {
	case http1.Body:
		c.got += int64(len(l.body.Data))
		c.last = t.Now
		if c.got > c.srv.drainBody {
			c.st = stClosing
			return n, false
		}
	case http1.End:
		c.next(t)
	case http1.None:
		if c.has(fPeerClosed) {
			c.st = stClosing
		}
		return n, false
	}
	return n, true
}

// reject answers a request that the decoder refused, and closes.
func (c *conn) reject(t *drivers.Turn, l *local, out []byte, err error) []byte {
	reason := ""
	if c.srv.cfg.ExposeErrors {
		reason = reasonOf(err)
	}
	c.srv.onError(nil, err)
	c.st = stClosing
	return l.appendError(out, t.Unix, 1, errorStatus(err), reason, "", false, true)
}

// Transmit appends what handlers have ready.
func (c *conn) Transmit(t *drivers.Turn, dst []byte) []byte {
	l := t.Local.(*local)
	switch c.st {
	case stHandler:
		dst = c.pull(t, l, dst)
	case stNative:
		dst = c.transmitNative(t, l, dst)
	}
	c.settle(t)
	return dst
}

// PeerClosed notes the FIN. RFC 9112 section 9.6: what was asked before it is still answered.
func (c *conn) PeerClosed(t *drivers.Turn) {
	c.flags |= fPeerClosed
	switch c.st {
	case stHead:
		if !c.has(fFull) {
			c.st = stClosing
		}
	case stDrain:
		if c.tail == 0 {
			c.st = stClosing
		}
	case stHandler:
		c.x.peerClosed(c.has(fBodyOpen) && c.tail == 0)
	case stNative:
		if c.nat.await != nil && c.tail == 0 {
			c.st = stClosing
			c.dropNative(ErrPeerClosed)
		}
	}
	c.settle(t)
}

// Deadline returns when Advance is due.
func (c *conn) Deadline() codec.Time { return c.deadline }

// Status returns the machine's wishes.
func (c *conn) Status() drivers.Status {
	if c.st == stHead && c.has(fFull) && c.link.Unsent() < maxUnsent/2 {
		if c.queued < c.srv.maxPipelined || c.link.Unsent() == 0 {
			return c.status | drivers.WantInput
		}
	}
	return c.status
}

// settle computes status and deadline after a call.
func (c *conn) settle(t *drivers.Turn) {
	var s drivers.Status
	switch c.st {
	case stHead:
		if !c.has(fFull) {
			s = drivers.WantInput
		} else {
			c.deadline = codec.Never // the peer has to read; the driver's WriteStall sees to that
		}
	case stDrain:
		s = drivers.WantInput
		c.deadline = c.bodyDeadline()
	case stHandler:
		s = c.settleHandler(t)
	case stNative:
		s = c.settleNative(t)
	case stSwitch:
		s = drivers.Switch
	case stClosing:
		s = drivers.Closing
		c.deadline = codec.Never
	case stAbort:
		s = drivers.Abort
		c.deadline = codec.Never
	}
	if c.st != stAbort {
		c.deadline = codec.Earliest(c.deadline, c.writeBy)
	}
	c.status = s
}

// bodyDeadline is when the request body must have made progress.
func (c *conn) bodyDeadline() codec.Time {
	if !c.has(fBodyOpen) || c.has(fPaused) {
		return codec.Never
	}
	d := &c.srv.d
	by := codec.Never
	if d.BodyIdle > 0 {
		by = c.last.Add(d.BodyIdle)
	}
	if d.BodyMinRate > 0 {
		due := d.BodyGrace + time.Duration(float64(c.got)/float64(d.BodyMinRate)*float64(time.Second))
		by = codec.Earliest(by, c.mark.Add(due))
	}
	return by
}

// pauseBody and resumeBody stop and restart the body's clocks while its reader, not its sender, is the slow one.
func (c *conn) pauseBody(t *drivers.Turn) {
	if !c.has(fPaused) {
		c.flags |= fPaused
		c.mark -= t.Now // negative: the running time so far
	}
}

func (c *conn) resumeBody(t *drivers.Turn) {
	if c.has(fPaused) {
		c.flags &^= fPaused
		c.mark += t.Now
		c.last = t.Now
	}
}

// Payload returns the bytes a handler lent.
func (c *conn) Payload() []byte {
	switch c.st {
	case stHandler:
		return c.x.lent()
	case stNative:
		return c.nat.payload
	}
	return nil
}

// PayloadSent accounts for lent bytes.
func (c *conn) PayloadSent(t *drivers.Turn, n int) {
	switch c.st {
	case stHandler:
		c.x.lentSent(n)
	case stNative:
		c.nativeSent(t, n)
	}
	c.settle(t)
}

// Successor returns the hijacker's machine.
func (c *conn) Successor(t *drivers.Turn) drivers.Machine {
	h := c.x.hijack
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	h.disconnect = c.disconnect
	if c.has(fPeerClosed) {
		// The driver tells the new machine itself; this is only for the bytes already here.
		h.sawFIN()
	}
	return h
}

// Closed ends everything.
func (c *conn) Closed(err error) {
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	if c.x != nil {
		c.x.closed(causeOf(err))
	}
	if c.nat != nil {
		c.dropNative(causeOf(err))
	}
	c.disconnect(err)
}

func (c *conn) disconnect(err error) {
	if h := c.srv.cfg.Hooks.OnDisconnect; len(h) > 0 {
		info := c.info()
		for _, f := range h {
			f(info, err)
		}
	}
}

// Drain finishes the connection: what is in flight is answered, then it closes.
func (c *conn) Drain(t *drivers.Turn) {
	c.flags |= fDraining
	switch c.st {
	case stHead:
		// RFC 9112 section 9.5: an idle connection may be closed at any time. One that has sent part of a request is let finish it.
		if !c.has(fBegun) && !c.has(fFull) {
			c.st = stClosing
		}
	case stHandler:
		c.x.drain()
	}
	c.settle(t)
}

// InFlight reports whether closing now would lose a request or a response.
func (c *conn) InFlight() bool {
	return c.st == stHandler || c.st == stNative || c.tail > 0 || c.link.Unsent() > 0
}
