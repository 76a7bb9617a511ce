package server

import (
	"errors"
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// Next makes the machine that takes over a connection after the answer 101 (Switching Protocols). It runs on the
// connection's owner. Unread bytes behind the request are the first that the machine receives. If the server is draining, a
// machine that is a drivers.Drainer is told so at once. A Next that returns nil drops the connection.
type Next func(t *drivers.Turn, l drivers.Link) drivers.Machine

// Switcher is implemented by the http.ResponseWriter of this server; SwitcherOf finds it. Unlike http.Hijacker it leaves no
// goroutine and no net.Conn behind: the connection becomes another machine of the same driver.
type Switcher interface {
	// Switch answers 101 with the fields set so far and hands the connection to what next returns, once the answer is
	// with the driver. protocol is the value of Upgrade. Afterwards the ResponseWriter fails with http.ErrHijacked, as after
	// Hijack; the handler may go on or return. It returns the connection's link, on which the handler may call Pump
	// and Watch until it returns.
	//
	// It fails, with nothing sent, with ErrSwitch if the request cannot be answered 101, with ErrAnswered if the response
	// has begun, and with the reason if the connection is gone.
	Switch(protocol string, next Next) (drivers.Link, error)
}

// ErrSwitch: the request cannot be answered with 101. It came by HTTP/2 and is no extended CONNECT for that protocol
// (RFC 9113 section 8.6: HTTP/2 "removes support for the 101 (Switching Protocols) informational status code"), it is HTTP/1.0 (RFC 9110 section 7.8-15: "A server MUST ignore an
// Upgrade header field that is received in an HTTP/1.0 request"), or it has content that was not read to its end.
var ErrSwitch = errors.New("server: request does not allow switching protocols")

// SwitcherOf returns the Switcher behind w, through any middleware that has net/http's Unwrap method, or nil: w belongs to
// another server.
func SwitcherOf(w http.ResponseWriter) Switcher {
	for {
		switch v := w.(type) {
		case Switcher:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

var _ Switcher = (*response)(nil)

// Switch implements Switcher.
func (w *response) Switch(protocol string, next Next) (drivers.Link, error) {
	x := w.x
	if err := w.mayHandOver(); err != nil {
		return nil, err
	}
	x.g.mu.Lock()
	whole := x.inEOF
	x.g.mu.Unlock()
	if x.minor == 0 || !whole {
		return nil, ErrSwitch
	}
	w.Header()["Upgrade"] = []string{protocol}
	return w.handOver(http.StatusSwitchingProtocols, next)
}

// mayHandOver reports why the connection, or the stream, cannot be handed over, if it cannot.
func (w *writer) mayHandOver() error {
	x := w.x
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	switch {
	case x.hijack != nil || x.next != nil:
		return http.ErrHijacked
	case x.dead != nil || x.taken:
		return x.deadErr()
	case w.wrote, w.ended:
		return ErrAnswered
	}
	return nil
}

// handOver answers with status and leaves what follows to next.
func (w *writer) handOver(status int, next Next) (drivers.Link, error) {
	x := w.x
	w.WriteHeader(status)
	if err := w.send(nil, false); err != nil {
		return nil, err
	}
	if x.info != nil {
		x.info.Status = status
	}
	x.g.mu.Lock()
	x.next = next
	x.g.changed()
	x.g.mu.Unlock()
	x.link.Wake()
	return x.link, nil
}

// Switch answers 101 (Switching Protocols) with the fields set so far, and hands the connection to what next returns.
// protocol is the value of Upgrade, lent. It fails with nothing sent: ErrSwitch if the request cannot be answered so,
// ErrAnswered if there is an answer already, or http1's error.
func (x *Ctx) Switch(protocol []byte, next Next) error {
	if !x.free() || x.ev == nil {
		return ErrAnswered
	}
	if x.s != nil {
		return x.switchH2(protocol, next)
	}
	c := x.c
	if c.has(fOld | fBodyOpen) {
		return ErrSwitch
	}
	l := x.l
	l.head = http1.ResponseHead{
		Status: http.StatusSwitchingProtocols, Fields: x.extra, Framing: http1.Tunnel, Upgrade: protocol,
		Date: l.dates.Bytes(x.t.Unix),
	}
	var enc http1.Encoder
	dst, err := enc.AppendResponse(x.dst, &l.head)
	x.extra = x.extra[:0]
	if err != nil {
		return err
	}
	x.emit(dst)
	x.status = http.StatusSwitchingProtocols
	x.pending().next = next
	x.act = actSwitch
	return nil
}

// Successor returns the machine that takes over: the hijacker's, or what Switch was given.
func (c *conn) Successor(t *drivers.Turn) drivers.Machine {
	if c.hc != nil && c.hc.h2 != nil {
		return c.hc.h2
	}
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	if c.x != nil {
		c.x.g.mu.Lock()
		c.x.uncount()
		c.x.g.mu.Unlock()
	}
	if c.x != nil && c.x.hijack != nil {
		h := c.x.hijack
		h.disconnect = c.disconnect
		if c.has(fPeerClosed) {
			// The driver tells the new machine itself; this is only for the bytes already here.
			h.sawFIN()
		}
		return h
	}
	var next Next
	if x := c.x; x != nil {
		next = x.next
		x.g.mu.Lock()
		x.dead = http.ErrHijacked
		if !x.g.running {
			x.done = true
			x.recycle()
		}
		x.g.mu.Unlock()
		if x.info != nil {
			x.info.Duration = t.Now.Sub(x.began)
			c.srv.onReply(x.info)
		}
		c.x = nil
	} else {
		next = c.nat.next
		if xc := c.nat.xc; xc != nil {
			xc.Duration = t.Now.Sub(c.nat.begin)
			c.srv.onReply(xc)
		}
		t.Local.(*local).freeNative(c.nat)
		c.nat = nil
	}
	m := next(t, c.link)
	if m == nil {
		m = dropped{}
	}
	if c.has(fDraining) {
		if d, ok := m.(drivers.Drainer); ok {
			d.Drain(t)
		}
	}
	if len(c.srv.cfg.Hooks.OnDisconnect) > 0 {
		return &observed{Machine: m, c: c}
	}
	t.Local.(*local).freeConn(c)
	return m
}

// freeConn keeps the machine of a connection whose first request switched it, for the next one that is accepted: a server of
// WebSockets would leave one behind for each. Only if nobody else can know it: no http.Handler was called, and no request was
// detached.
func (l *local) freeConn(c *conn) {
	if c.nreq == 1 && c.hc == nil && len(l.conns) < 64 {
		*c = conn{}
		l.conns = append(l.conns, c)
	}
}

func (l *local) newConn() *conn {
	n := len(l.conns)
	if n == 0 {
		return new(conn)
	}
	c := l.conns[n-1]
	l.conns = l.conns[:n-1]
	return c
}

// dropped is a connection that nobody wants.
type dropped struct{}

func (dropped) Receive(_ *drivers.Turn, src, dst []byte) (int, []byte) { return len(src), dst }
func (dropped) Transmit(_ *drivers.Turn, dst []byte) []byte            { return dst }
func (dropped) PeerClosed(*drivers.Turn)                               {}
func (dropped) Advance(*drivers.Turn)                                  {}
func (dropped) Deadline() codec.Time                                   { return codec.Never }
func (dropped) Status() drivers.Status                                 { return drivers.Abort }
func (dropped) Closed(error)                                           {}

// observed tells Hooks.OnDisconnect of the end of a connection that was switched.
type observed struct {
	drivers.Machine
	c *conn
}

var (
	_ drivers.Payloader = (*observed)(nil)
	_ drivers.Successor = (*observed)(nil)
	_ drivers.Drainer   = (*observed)(nil)
)

func (o *observed) Closed(err error) {
	o.Machine.Closed(err)
	o.c.disconnect(err)
}

func (o *observed) Payload() []byte { return o.Machine.(drivers.Payloader).Payload() }

func (o *observed) PayloadSent(t *drivers.Turn, n int) {
	o.Machine.(drivers.Payloader).PayloadSent(t, n)
}

// Successor replaces the machine inside, so that the hook stays.
func (o *observed) Successor(t *drivers.Turn) drivers.Machine {
	m := o.Machine.(drivers.Successor).Successor(t)
	if m == nil {
		m = dropped{}
	}
	return &observed{Machine: m, c: o.c}
}

// Drain asks the machine, if it can be asked.
func (o *observed) Drain(t *drivers.Turn) {
	if d, ok := o.Machine.(drivers.Drainer); ok {
		d.Drain(t)
	}
}

func (o *observed) InFlight() bool {
	d, ok := o.Machine.(drivers.Drainer)
	return ok && d.InFlight()
}
