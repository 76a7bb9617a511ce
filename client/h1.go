package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// h1 is the machine of one HTTP/1.1 connection. It carries one call at a time.
type h1 struct {
	link  drivers.Link
	owner owner
	dec   http1.Decoder
	enc   http1.Encoder
	prof  *http1.Profile

	c      *call          // the call under way
	bare   *http.Response // without content; its end comes next
	proxy  bool           // absolute-form targets
	auth   string
	keep   bool // the connection may be used again after the call
	fin    bool
	close  bool
	abort  bool
	chunks bool // the request's content is chunked
	tail   int
	uses   int
	news   bool
}

// owner learns what becomes of a connection.
type owner interface {
	// idle tells that the connection can take a call. It is called on the connection's owner.
	idle(m machine)
	// gone tells that it is over.
	gone(m machine, err error)
}

// machine is a connection that takes calls.
type machine interface {
	drivers.Machine
	// begin hands a call over, from any goroutine. An error means that the call was not taken.
	begin(c *call) error
	// used tells how many calls the connection has had.
	used() int
	// shut closes it once it is idle; with now set at once.
	shut(now bool)
}

var (
	_ machine = (*h1)(nil)
	_ machine = (*h2)(nil)
)

type locals struct {
	ev1 http1.Event
	ev2 h2event
}

func newLocals() any { return new(locals) }

func newH1(l drivers.Link, o owner, prof *http1.Profile) *h1 {
	m := &h1{link: l, owner: o, prof: prof}
	m.dec.InitResponse(prof)
	return m
}

func (m *h1) used() int { return m.uses }

func (m *h1) shut(now bool) {
	_ = m.link.Post(func(t *drivers.Turn, err error) {
		switch {
		case err != nil:
		case m.c == nil:
			m.close = true
		case now:
			m.drop(ErrClosed)
		default:
			m.keep = false
		}
	})
}

func (m *h1) begin(c *call) error {
	return m.link.Post(func(t *drivers.Turn, err error) {
		if err == nil && (m.c != nil || m.close || m.abort || m.fin) {
			err = ErrServerClosed
		}
		if err != nil {
			c.fail(err, true)
			return
		}
		m.uses++
		m.c = c
		m.keep = !c.req.Close
		m.news = true
		c.mu.Lock()
		c.wake = m.link.Wake
		c.mu.Unlock()
		m.dec.Expect(c.method, c.req.Header.Get("Upgrade") != "")
	})
}

// head encodes the request head.
func (m *h1) head(c *call, dst []byte) ([]byte, error) {
	r := c.req
	fields, err := fieldsOf(r.Header, false)
	if err != nil {
		return dst, err
	}
	h := http1.RequestHead{
		Method: []byte(r.Method), Target: []byte(r.URL.RequestURI()), Host: []byte(hostOf(r)), Close: r.Close,
		Upgrade: []byte(r.Header.Get("Upgrade")), Expect100: c.expect,
	}
	if c.gzip {
		fields = append(fields, codec.Field{Name: []byte("Accept-Encoding"), Value: []byte("gzip")})
	}
	switch {
	case c.method == http1.MethodConnect:
		h.Target = []byte(hostOf(r))
		if r.URL.Path != "" && r.URL.Host == "" {
			h.Target = []byte(r.URL.Path)
		}
	case m.proxy:
		// RFC 9112 section 3.2.2: "a client MUST send the target URI in absolute-form as the request-target" to a proxy.
		h.Target = []byte(r.URL.Scheme + "://" + hostOf(r) + r.URL.RequestURI())
		if m.auth != "" && r.Header.Get("Proxy-Authorization") == "" {
			fields = append(fields, codec.Field{Name: []byte("Proxy-Authorization"), Value: []byte(m.auth)})
		}
	}
	h.Fields = fields
	switch {
	case c.length > 0:
		h.Framing, h.Length = http1.Length, c.length
	case c.length < 0:
		h.Framing = http1.Chunked
		h.Trailers = trailerNames(r.Trailer)
	}
	m.chunks = h.Framing == http1.Chunked
	m.enc = http1.Encoder{}
	return m.enc.AppendRequest(dst, &h)
}

// Transmit sends the head, and content as the caller gives it.
func (m *h1) Transmit(t *drivers.Turn, dst []byte) []byte {
	m.news = false
	c := m.c
	if c == nil || m.close || m.abort {
		return dst
	}
	if err := c.cancelled(); err != nil {
		m.drop(err)
		return dst
	}
	if !c.sent {
		out, err := m.head(c, dst)
		if err != nil {
			m.c = nil
			c.fail(fmt.Errorf("client: request cannot be sent: %w", err), false)
			m.owner.idle(m)
			return dst
		}
		c.sent = true
		dst = out
		if c.trace != nil && c.trace.WroteHeaders != nil {
			c.trace.WroteHeaders()
		}
		if c.length == 0 {
			dst = m.endRequest(c, dst, nil)
		}
	}
	dst = m.content(t, c, dst)
	m.finished()
	return dst
}

// content moves what waits of the request's body.
func (m *h1) content(t *drivers.Turn, c *call, dst []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := highWater
	if t.Max > 0 {
		room = t.Max
	}
	if n := min(len(c.out)-c.outOff, room); n > 0 {
		p := c.out[c.outOff : c.outOff+n]
		if c.tunnel {
			dst = append(dst, p...)
		} else if !c.endSent {
			out, err := m.enc.AppendBody(dst, p)
			if err != nil {
				m.abort = true
				return dst
			}
			dst = out
		}
		if c.outOff += n; c.outOff == len(c.out) {
			c.out, c.outOff = c.out[:0], 0
		}
		c.cond.Broadcast()
	}
	if c.outEnd && !c.endSent && !c.tunnel && c.outOff == len(c.out) {
		dst = m.endRequest(c, dst, c.trailers)
	}
	if c.tunnel && c.outEnd && len(c.out) == c.outOff {
		m.close = true
	}
	return dst
}

func (m *h1) endRequest(c *call, dst []byte, trailers []codec.Field) []byte {
	if !m.chunks {
		trailers = nil
	}
	out, err := m.enc.AppendEnd(dst, trailers)
	if err != nil {
		if out, err = m.enc.AppendEnd(dst, nil); err != nil {
			m.abort = true
			return dst
		}
	}
	c.wrote()
	return out
}

// Receive decodes the response.
func (m *h1) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	l := t.Local.(*locals)
	for !m.close && !m.abort {
		c := m.c
		if c == nil {
			if len(src) > n {
				m.close = true // RFC 9112 section 9.2: bytes on an idle connection answer nothing
				m.owner.gone(m, ErrServerClosed)
			}
			break
		}
		if !c.answer && len(src) > n {
			c.answer = true
			if c.trace != nil && c.trace.GotFirstResponseByte != nil {
				c.trace.GotFirstResponseByte()
			}
		}
		if c.tunnel {
			if len(src) > n && !m.full(c) {
				c.feed(src[n:])
				n = len(src)
			}
			break
		}
		if m.dec.InBody() && m.full(c) {
			break
		}
		k, err := m.dec.Next(src[n:], &l.ev1)
		n += k
		if err != nil {
			m.broken(err)
			break
		}
		if l.ev1.Kind == http1.None {
			break
		}
		m.event(c, &l.ev1)
	}
	if m.close || m.abort {
		n = len(src)
	}
	m.tail = len(src) - n
	return n, dst
}

// full reports whether enough of the body waits for its reader.
func (m *h1) full(c *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFull = len(c.in)-c.inOff >= highWater && !c.dropped
	return c.inFull
}

func (m *h1) event(c *call, ev *http1.Event) {
	switch ev.Kind {
	case http1.Informational:
		informational(c, ev.Status, ev.Fields)
	case http1.Response:
		m.response(c, ev)
	case http1.Body:
		c.feed(ev.Data)
		c.mu.Lock()
		unwanted := c.dropped
		c.mu.Unlock()
		if unwanted {
			m.keep = false
			m.drop(nil)
		}
	case http1.End:
		c.inEnd = true
		if !m.dec.Tunnel() {
			// The connection is free before the caller knows that its response is complete: its next request finds it.
			m.finished()
			c.end(ev.Fields)
			if res := m.bare; res != nil {
				m.bare = nil
				c.respond(res)
			}
		}
	}
}

// informational tells the caller of a 1xx response.
func informational(c *call, status int, fields []codec.Field) {
	if status == http.StatusContinue {
		c.continue100()
		if c.trace != nil && c.trace.Got100Continue != nil {
			c.trace.Got100Continue()
		}
	}
	if c.trace != nil && c.trace.Got1xxResponse != nil {
		if err := c.trace.Got1xxResponse(status, textproto.MIMEHeader(headerOf(fields))); err != nil {
			c.cancel(err)
		}
	}
}

func (m *h1) response(c *call, ev *http1.Event) {
	res := &http.Response{
		StatusCode: ev.Status, Status: fmt.Sprintf("%03d %s", ev.Status, ev.Reason), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: int(ev.Minor),
		Header: headerOf(ev.Fields), ContentLength: ev.Length, Request: c.req, Close: !ev.KeepAlive,
	}
	if ev.Minor == 0 {
		res.Proto = "HTTP/1.0"
	}
	if !ev.KeepAlive {
		m.keep = false
	}
	switch ev.Framing {
	case http1.NoBody:
		res.Body = http.NoBody
		if c.method != http1.MethodHead && ev.Status != http.StatusNotModified {
			res.ContentLength = 0
		}
	case http1.Tunnel:
		if !c.endSent {
			// RFC 9110 section 7.8: "A client cannot begin using an upgraded protocol on the connection until it has completely sent
			// the request message": what is left of the content has no place in the other protocol.
			m.drop(errEarlySwitch)
			return
		}
		c.mu.Lock()
		c.tunnel = true
		c.out, c.outOff, c.outEnd, c.outStop = nil, 0, false, false
		c.mu.Unlock()
		m.keep = false
		res.Body = duplex{body{c}}
		res.ContentLength = -1
	case http1.Chunked:
		res.TransferEncoding = []string{"chunked"}
		delete(res.Header, "Transfer-Encoding")
		announced(res)
		res.Body = body{c}
	default:
		res.Body = body{c}
	}
	// RFC 9110 section 10.1.1: a final status instead of 100 means that the body is not wanted, unless it is under way.
	c.mu.Lock()
	if c.expect && !c.go100 && !c.tunnel {
		c.stopOut()
		m.keep = false
	}
	c.mu.Unlock()
	if ev.Framing == http1.NoBody {
		m.bare = res // its end is the next event
		return
	}
	c.respond(res)
}

// finished looks whether both directions of the call are done.
func (m *h1) finished() {
	c := m.c
	if c == nil || !c.inEnd || c.tunnel {
		return
	}
	if !c.endSent {
		// RFC 9112 section 9.3: the server has answered without the rest of the request: the connection cannot be used again.
		c.mu.Lock()
		c.stopOut()
		c.mu.Unlock()
		m.keep = false
	}
	m.c = nil
	if !m.keep || m.fin || m.tail > 0 {
		m.close = true
		return
	}
	m.owner.idle(m)
}

// drop gives the call up, and the connection with it: HTTP/1.1 has no other way to say so.
func (m *h1) drop(err error) {
	if c := m.c; c != nil {
		if err == nil {
			err = http.ErrBodyReadAfterClose
		}
		c.fail(err, false)
	}
	m.c = nil
	m.abort = true
}

func (m *h1) broken(err error) {
	if c := m.c; c != nil {
		c.fail(&ProtocolError{Err: clone(err)}, false)
	}
	m.c = nil
	m.abort = true
}

// clone copies a decoder's error, which is only valid as long as its decoder.
func clone(err error) error {
	var e *http1.Error
	if errors.As(err, &e) {
		c := *e
		return &c
	}
	return err
}

// PeerClosed: the server has finished.
func (m *h1) PeerClosed(t *drivers.Turn) {
	m.fin = true
	c := m.c
	if c == nil {
		m.close = true
		m.owner.gone(m, ErrServerClosed) // nobody shall wait for it to be closed
		return
	}
	if c.tunnel {
		c.end(nil)
		return
	}
	l := t.Local.(*locals)
	if c.sent && c.answer {
		l.ev1.Kind = http1.None
		if err := m.dec.Finish(&l.ev1); err != nil {
			m.broken(err)
			return
		}
		if l.ev1.Kind == http1.End {
			m.event(c, &l.ev1)
		}
	}
	if m.c != nil {
		m.c = nil
		m.close = true
		c.lose(ErrServerClosed)
	}
}

// Advance: a caller has news.
func (m *h1) Advance(t *drivers.Turn) {
	m.news = true
	if c := m.c; c != nil {
		c.mu.Lock()
		cause, dropped := c.cause, c.dropped && c.settled && (!c.inEOF || c.tunnel)
		c.mu.Unlock()
		if cause != nil || dropped {
			m.drop(cause)
		}
	}
}

// Deadline: there is none; callers have contexts.
func (m *h1) Deadline() codec.Time { return codec.Never }

// Status returns the machine's wishes.
func (m *h1) Status() (s drivers.Status) {
	switch {
	case m.abort:
		return drivers.Abort
	case m.news:
		s = drivers.WantOutput
	case m.close:
		return drivers.Closing | drivers.Complete
	}
	if c := m.c; c != nil {
		c.mu.Lock()
		if len(c.out) > c.outOff || c.outEnd && !c.endSent && !c.tunnel {
			s |= drivers.WantOutput
		}
		full := c.inFull
		c.mu.Unlock()
		if full {
			return s
		}
	}
	if m.close {
		return s
	}
	return s | drivers.WantInput
}

// Closed ends the call under way.
func (m *h1) Closed(err error) {
	if c := m.c; c != nil {
		m.c = nil
		if err == nil {
			err = ErrServerClosed
		}
		c.lose(err)
	}
	m.owner.gone(m, err)
}
