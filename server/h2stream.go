package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// h2stream is one request and its response. It is reused; whoever refers to it from outside does so by slot and id.
type h2stream struct {
	c    *h2conn
	slot uint32 // index in h2conn.slots, plus 1
	id   uint32
	x    *exchange // an http.Handler has it
	nat  h2native  // a native handler has it
	tun  *h2tunnel // another protocol has it

	began codec.Time
	by    codec.Time // the response must have begun
	mark  codec.Time // start of the body's rate clock
	last  codec.Time // last byte of the body
	got   int64      // body bytes received
	rated int64      // those since mark
	left  int64      // declared length, -1 unknown

	isHead  bool
	expect  bool // 100 (Continue) is owed before the body comes
	counted bool // in Server.inFlight
	inOpen  bool // the request body has not ended
	begun   bool // the final response head was sent
	ended   bool // our side of the stream has ended
	lost    bool // the peer's reset was seen, the handler still runs
	drain   bool // both of ours: what still comes is dropped
}

// open makes the state of a new stream.
func (c *h2conn) open(l *local, id uint32) *h2stream {
	var s *h2stream
	if n := len(l.h2free); n > 0 {
		s = l.h2free[n-1]
		l.h2free = l.h2free[:n-1]
	} else {
		s = new(h2stream)
	}
	if n := len(c.free); n > 0 {
		s.slot = c.free[n-1]
		c.free = c.free[:n-1]
		c.slots[s.slot-1] = s
	} else {
		c.slots = append(c.slots, s)
		s.slot = uint32(len(c.slots))
	}
	s.c, s.id = c, id
	_ = c.c.SetUser(id, s.slot)
	return s
}

// forget drops the state of a stream that the codec has let go, or will by itself.
func (s *h2stream) forget(l *local) {
	c := s.c
	c.slots[s.slot-1] = nil
	c.free = append(c.free, s.slot)
	if s.counted && s.x == nil {
		c.srv.release()
	}
	in, own := s.nat.in, s.nat.own
	*s = h2stream{}
	if l != nil && len(l.h2free) < 256 && cap(in) <= highWater && cap(own) <= highWater {
		s.nat.in, s.nat.own = in[:0], own[:0]
		l.h2free = append(l.h2free, s)
	}
	if len(c.free) == len(c.slots) && len(c.slots) > 32 {
		c.slots, c.free = nil, nil // a busy hour is over
	}
}

func (s *h2stream) exchange() *Exchange {
	if s.x != nil {
		return s.x.info
	}
	return s.nat.xc
}

// drop gives up a stream whose peer, or connection, is gone.
func (s *h2stream) drop(cause error) {
	if tun := s.tun; tun != nil {
		s.tun = nil
		tun.m.Closed(cause)
	} else if x := s.x; x != nil {
		x.closed(cause)
		if x.info != nil {
			s.c.srv.onReply(x.info)
		}
		s.counted = false // its goroutine tells
	} else {
		s.nat.drop(s, cause)
	}
	s.forget(nil)
}

// lose gives up a stream that the peer, or the codec, has ended. While its http.Handler still runs the codec keeps the stream, and
// counts it: a peer that opens and resets streams cannot have more handlers running than streams (THREATS H2-01).
func (s *h2stream) lose(cause error) {
	c, id := s.c, s.id
	x := s.x
	if x == nil {
		s.drop(cause)
		_ = c.c.Release(id)
		return
	}
	x.closed(cause)
	x.g.mu.Lock()
	running := x.g.running
	x.g.mu.Unlock()
	if !running {
		s.drop(cause)
		_ = c.c.Release(id)
		return
	}
	s.lost = true
}

func (c *h2conn) dropAll(cause error) {
	for _, s := range c.slots {
		if s != nil {
			s.drop(cause)
		}
	}
}

// request handles the head in l.h2: it is shown to handlers in the form that HTTP/1.1 heads have here.
func (c *h2conn) request(t *drivers.Turn, l *local, out []byte) []byte {
	ev := &l.h2
	s := c.open(l, ev.Stream)
	translate(&l.ev, ev)
	s.left = ev.ContentLength
	s.inOpen = !ev.EndStream
	return s.start(t, l, out)
}

// start has the request in l.ev handled.
func (s *h2stream) start(t *drivers.Turn, l *local, out []byte) []byte {
	c, srv := s.c, s.c.srv
	s.began, s.mark, s.last = t.Now, t.Now, t.Now
	s.isHead = l.ev.MethodID == http1.MethodHead
	s.expect = s.inOpen && l.ev.Expect100
	s.by = codec.Earliest(never0(t.Now, srv.d.Handler), never0(t.Now, srv.d.Request))
	c.flags |= h2Seen
	c.idleBy = codec.Never
	if c.nreq++; srv.maxRequests > 0 && c.nreq == srv.maxRequests {
		c.c.Shutdown()
	}
	if srv.native != nil {
		var pass bool
		if out, pass = s.serveNative(t, l, out); !pass {
			return out
		}
	}
	if !srv.acquire() {
		x := &l.ctx
		x.start(nil, t, l, nil, 0, out, nil)
		x.s = s
		if srv.retry != "" {
			x.SetField(nameRetryAfter, viewOf(srv.retry))
		}
		_ = x.Error(http.StatusServiceUnavailable)
		return x.finishH2()
	}
	s.counted = true
	s.newExchange(t, l)
	s.x.counted = true
	c.watch(s, t.Now)
	go s.x.run()
	return out
}

// translate makes an HTTP/1.1 head of an HTTP/2 one (RFC 9113 section 8.3.1).
func translate(h *http1.Event, ev *http2.Event) {
	*h = http1.Event{Kind: http1.Request, Method: ev.Method, MethodID: http1.LookupMethod(ev.Method), Target: ev.Path, Path: ev.Path,
		Authority: ev.Authority, Minor: 1, KeepAlive: true, Form: http1.OriginForm, Fields: ev.Fields}
	for i, b := range ev.Path {
		if b == '?' {
			h.Path, h.Query, h.HasQuery = ev.Path[:i], ev.Path[i+1:], true
			break
		}
	}
	switch {
	case ev.Path == nil:
		h.Target, h.Form = ev.Authority, http1.AuthorityForm
	case len(ev.Path) == 1 && ev.Path[0] == '*':
		h.Form = http1.AsteriskForm
	}
	switch {
	case ev.EndStream:
		h.Framing = http1.NoBody
	case ev.ContentLength >= 0:
		h.Framing, h.Length = http1.Length, ev.ContentLength
	default:
		h.Framing, h.Length = http1.Chunked, -1
	}
	for i := range ev.Fields {
		if f := &ev.Fields[i]; len(f.Name) == 6 && string(f.Name) == "expect" {
			h.Expect100 = http1.EqualFold(f.Value, "100-continue")
		}
	}
}

// tooLarge answers a request whose head is over the limit.
func (c *h2conn) tooLarge(t *drivers.Turn, l *local, out []byte) []byte {
	ev := &l.h2
	s := c.open(l, ev.Stream)
	s.began = t.Now
	s.inOpen = !ev.EndStream
	c.srv.onError(nil, &StatusError{Status: http.StatusRequestHeaderFieldsTooLarge})
	return s.refuse(t, l, out, http.StatusRequestHeaderFieldsTooLarge)
}

// refuse answers with the fixed text of a status, in nobody's name.
func (s *h2stream) refuse(t *drivers.Turn, l *local, out []byte, status int) []byte {
	x := &l.ctx
	x.start(nil, t, l, nil, 0, out, nil)
	x.s = s
	_ = x.Error(status)
	return x.finishH2()
}

// data handles a piece of the request body.
func (s *h2stream) data(t *drivers.Turn, l *local, out []byte) []byte {
	ev := &l.h2
	n := len(ev.Data)
	s.got += int64(n)
	s.rated += int64(n)
	s.last = t.Now
	if ev.EndStream {
		s.inOpen = false
	}
	switch {
	case s.drain:
		_ = s.c.c.Consumed(s.id, n)
		if ev.EndStream {
			s.forget(l)
		}
		return out
	case s.tun != nil:
		return s.tunnelData(t, l, out, ev.Data)
	}
	s.c.watch(s, t.Now)
	if x := s.x; x != nil {
		if x.over() {
			_ = s.c.c.Consumed(s.id, n)
		} else if n > 0 {
			x.feed(ev.Data, s.remaining())
		}
		if ev.EndStream {
			x.bodyEnd(nil)
		}
		return s.look(t, l, out)
	}
	return s.nativeData(t, l, out, ev.Data)
}

// remaining is how many bytes of the body are to come, -1 unknown.
func (s *h2stream) remaining() int64 {
	if s.left < 0 {
		return -1
	}
	return s.left - s.got
}

// trailers handles the end of the request body with a trailer section.
func (s *h2stream) trailers(t *drivers.Turn, l *local, out []byte) []byte {
	s.inOpen = false
	switch {
	case s.drain:
		s.forget(l)
		return out
	case s.tun != nil:
		return s.tunnelData(t, l, out, nil)
	}
	if x := s.x; x != nil {
		x.bodyEnd(l.h2.Fields)
		return s.look(t, l, out)
	}
	return s.nativeData(t, l, out, nil)
}

// newExchange prepares the http.Handler call for the head in l.ev.
func (s *h2stream) newExchange(t *drivers.Turn, l *local) {
	c := s.c
	if c.remote == "" {
		if a := c.link.RemoteAddr(); a != nil {
			c.remote = a.String()
		}
	}
	h := &h2side{link: h2link{Link: c.link, c: c, slot: s.slot, id: s.id}}
	h.creditMin = int(min(16<<10, c.srv.h2Stream/4))
	x := &exchange{srv: c.srv, link: &h.link, minor: 1, isHead: s.isHead, h2: h}
	x.g.init(&h.link)
	x.g.alone = true
	x.ctx.x, x.body.x, x.w.x = x, x, x
	x.ob = outPool.Get().(*outBuf)
	x.w.length = -1
	x.bad = !x.build(l, &l.ev, c.remote)
	r := &x.req
	r.Proto, r.ProtoMajor, r.ProtoMinor, r.TransferEncoding = "HTTP/2.0", 2, 0, nil
	if l.ev.Framing == http1.Length {
		x.announced()
	}
	if p := l.h2.Protocol; p != nil {
		r.Header[":protocol"] = []string{string(p)} // as net/http tells of extended CONNECT (RFC 8441)
	}
	if tl, ok := c.link.(TLSLink); ok {
		r.TLS = tl.ConnectionState()
	}
	x.expect = s.expect
	x.left = s.remaining()
	x.inEOF = !s.inOpen
	x.began = t.Now
	if c.srv.hooked {
		x.info = &Exchange{Conn: c.info(), Method: string(l.ev.Method), Target: string(l.ev.Target), Request: r}
		for _, f := range c.srv.cfg.Hooks.OnReceive {
			f(x.info)
		}
	}
	s.x = x
}
