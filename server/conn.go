package server

import (
	"net/http"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
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
	fCounted                     // this native request is counted in Server.inFlight
	fHead                        // the request's method is HEAD
	fOld                         // the request is HTTP/1.0
	fLast                        // the client said that this request is its last (RFC 9112 section 9.6-5)
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
	h2     *h2conn // takes over
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
			if c.nreq == 0 && n < len(src) && src[n] == 'P' && c.srv.h2 != nil {
				// RFC 9113 section 3.3: a client that knows that the server speaks HTTP/2 begins with the preface.
				switch http2.Preface(src[n:]) {
				case http2.NeedMore:
					break loop
				case http2.HTTP2:
					c.st = stSwitch
					c.hc = &handlerConn{h2: c.srv.newH2(t, c.link, c.id)}
					break loop
				}
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
			break loop
		}
	}
	if c.has(fBroken) || c.st == stClosing || c.st == stAbort {
		if n < len(src) {
			c.flags &^= fLast // it was not
		}
		n = len(src)
	}
	c.tail = uint32(min(len(src)-n, 1<<30))
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
	// RFC 9112 section 9.3-3: persistence is the peer's choice first, then ours.
	if !ev.KeepAlive {
		c.flags |= fLast
	}
	if !ev.KeepAlive || c.has(fDraining) || (s.maxRequests > 0 && c.nreq >= s.maxRequests) {
		c.flags |= fClose
	}
	c.writeBy = never0(t.Now, s.d.Write)
	if s.upgradeH2C && ev.Upgrade {
		if next, o := c.upgradeH2(t, l, out); next != nil {
			c.st = stSwitch
			c.hc = &handlerConn{h2: next}
			return n, o
		}
	}
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
	c.flags |= fStart
	c.st = stHandler
	c.newExchange(t, l)
	c.x.counted = true
	return n, out
}

// shed answers 503 without a handler.
func (c *conn) shed(t *drivers.Turn, l *local, out []byte) []byte {
	out = l.appendError(out, t.Unix, l.ev.Minor, http.StatusServiceUnavailable, "", c.srv.retry, c.has(fHead), c.closing())
	c.answered(t)
	return out
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

// Deadline returns when Advance is due.
func (c *conn) Deadline() codec.Time { return c.deadline }

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
