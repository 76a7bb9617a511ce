package client

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

type h2event = http2.Event

// h2 is the machine of one HTTP/2 connection. It carries many calls.
type h2 struct {
	link  drivers.Link
	owner owner
	c     http2.Conn

	slots []*call
	free  []uint32
	wait  []*call // for a stream, in order
	fin   bool
	close bool
	abort bool
	news  bool
	uses  int
	known bool // the server's settings are here
	held  int  // calls at the head of wait that need them
	keep  h2keep

	mu    sync.Mutex
	wakes []wake // calls with news
	spare []wake
	open  int // calls under way or waiting, as the pool sees it
	limit int // what the server allows
	away  bool
}

type wake struct{ slot, id uint32 }

func newH2(t *drivers.Turn, l drivers.Link, o owner, prof *http2.Profile, keep *keepSettings) *h2 {
	m := &h2{link: l, owner: o, limit: 100}
	m.c.Init(http2.Client, prof)
	m.c.Advance(t.Now)
	m.news = true
	m.keep.init(keep, t.Now)
	return m
}

func (m *h2) used() int { return m.uses }

// reserve counts a call that is about to begin; false means that the connection takes no more.
func (m *h2) reserve() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away || m.open >= m.limit {
		return false
	}
	m.open++
	return true
}

func (m *h2) release() (idle bool) {
	m.mu.Lock()
	m.open--
	idle = m.open == 0
	m.mu.Unlock()
	return idle
}

func (m *h2) shut(now bool) {
	_ = m.link.Post(func(t *drivers.Turn, err error) {
		if err != nil {
			return
		}
		m.c.Advance(t.Now)
		m.c.GoAway(http2.NoError)
		m.news = true
		if now {
			m.close = true
			m.leave(ErrClosed)
			m.dropAll(ErrClosed, false)
		}
	})
}

func (m *h2) begin(c *call) error {
	return m.link.Post(func(t *drivers.Turn, err error) {
		if err == nil && (m.close || m.abort || m.fin) {
			err = ErrServerClosed
		}
		if err != nil {
			m.release()
			c.fail(err, true)
			return
		}
		m.uses++
		m.news = true
		m.wait = append(m.wait, c)
		c.mu.Lock()
		c.wake = m.link.Wake // it may be cancelled while it waits
		c.mu.Unlock()
	})
}

// openWaiting opens streams for the calls that wait, as many as the server allows.
func (m *h2) openWaiting(dst []byte) []byte {
	if len(m.wait) > 0 {
		m.wait = slices.DeleteFunc(m.wait, func(c *call) bool {
			gone := c.cancelled() != nil
			if gone {
				m.finish(c)
			}
			return gone
		})
	}
	n := 0
	var later []*call
	for n < len(m.wait) && m.c.CanOpen() > 0 {
		c := m.wait[n]
		n++
		if extended(c) && !m.known {
			later = append(later, c)
			continue
		}
		dst = m.request(c, dst)
	}
	m.wait = append(append(make([]*call, 0, len(later)+len(m.wait)-n), later...), m.wait[n:]...)
	m.held = len(later)
	if b := m.c.OpenBlocked(); len(m.wait) > 0 && (b == http2.GoneAway || m.close) {
		for _, c := range m.wait {
			m.finish(c)
			c.fail(ErrServerClosed, true)
		}
		m.wait = nil
	}
	return dst
}

// extended reports whether the call is an extended CONNECT, as net/http writes it down.
func extended(c *call) bool {
	return c.method == http1.MethodConnect && len(c.req.Header[":protocol"]) == 1
}

// request opens the stream of a call.
func (m *h2) request(c *call, dst []byte) []byte {
	r := c.req
	fields, err := fieldsOf(r.Header, true)
	if err == nil {
		if c.gzip {
			fields = append(fields, codec.Field{Name: []byte("accept-encoding"), Value: []byte("gzip")})
		}
		if c.length > 0 || c.length == 0 && (r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH") {
			fields = append(fields, codec.Field{Name: []byte("content-length"), Value: strconv.AppendInt(nil, c.length, 10)})
		}
		if c.expect {
			fields = append(fields, codec.Field{Name: []byte("expect"), Value: []byte("100-continue")})
		}
		for _, f := range trailerNames(r.Trailer) {
			fields = append(fields, codec.Field{Name: []byte("trailer"), Value: f.Name})
		}
	}
	h := http2.RequestHead{Method: []byte(r.Method), Scheme: []byte(r.URL.Scheme), Authority: []byte(hostOf(r)), Path: []byte(r.URL.RequestURI())}
	protocol := r.Header[":protocol"]
	switch {
	case extended(c):
		// RFC 8441 section 4-1: extended CONNECT, which a client may use once the server has said so (section 3-3).
		if !m.c.PeerSettings().EnableConnectProtocol {
			m.finish(c)
			c.fail(ErrNoExtendedConnect, false)
			return dst
		}
		h.Protocol = []byte(protocol[0])
	case c.method == http1.MethodConnect:
		h.Scheme, h.Path = nil, nil
	}
	var id uint32
	end := c.length == 0 && c.method != http1.MethodConnect // the stream of a CONNECT stays open
	if err == nil {
		dst, id, err = m.c.AppendRequest(dst, &h, fields, end)
	}
	if err != nil {
		m.finish(c)
		c.fail(fmt.Errorf("client: request cannot be sent: %w", err), false)
		return dst
	}
	c.id = id
	if n := len(m.free); n > 0 {
		c.slot = m.free[n-1]
		m.free = m.free[:n-1]
		m.slots[c.slot-1] = c
	} else {
		m.slots = append(m.slots, c)
		c.slot = uint32(len(m.slots))
	}
	_ = m.c.SetUser(id, c.slot)
	slot := c.slot
	c.mu.Lock()
	c.wake = func() { m.wake(slot, id) }
	if c.method == http1.MethodConnect {
		c.outStop, c.outEnd = false, false
	}
	c.mu.Unlock()
	c.sent = true
	if c.trace != nil && c.trace.WroteHeaders != nil {
		c.trace.WroteHeaders()
	}
	if end {
		c.wrote()
	}
	m.look(c)
	return dst
}

// wake is called by callers with news.
func (m *h2) wake(slot, id uint32) {
	m.mu.Lock()
	if n := len(m.wakes); n == 0 || m.wakes[n-1].id != id {
		m.wakes = append(m.wakes, wake{slot, id})
	}
	m.mu.Unlock()
	m.link.Wake()
}

func (m *h2) takeWakes() []wake {
	m.mu.Lock()
	l := m.wakes
	m.wakes, m.spare = m.spare[:0], l
	m.mu.Unlock()
	return l
}

func (m *h2) call(user, id uint32) *call {
	if user == 0 || int(user) > len(m.slots) {
		return nil
	}
	if c := m.slots[user-1]; c != nil && c.id == id {
		return c
	}
	return nil
}

// finish takes a call off the connection.
func (m *h2) finish(c *call) {
	if c.slot > 0 {
		m.slots[c.slot-1] = nil
		m.free = append(m.free, c.slot)
		c.slot = 0
	}
	if m.release() {
		m.owner.idle(m)
	}
}

// look takes over what a caller has brought: credit, the body's next bytes, the wish to end.
func (m *h2) look(c *call) {
	c.mu.Lock()
	credit, cause, dropped := c.credit, c.cause, c.dropped && (!c.inEOF || c.tunnel && !c.endSent)
	c.credit = 0
	waiting := len(c.out) > c.outOff || c.outEnd && !c.endSent
	c.mu.Unlock()
	if credit > 0 {
		_ = m.c.Consumed(c.id, credit)
	}
	if cause != nil || dropped {
		// RFC 9113 section 7: CANCEL: the stream is no longer needed.
		_ = m.c.Reset(c.id, http2.Cancel)
		m.finish(c)
		if cause == nil {
			cause = http.ErrBodyReadAfterClose
		}
		c.fail(cause, false)
		return
	}
	if waiting {
		_ = m.c.Ready(c.id, true)
	}
	m.settle(c)
}

// settle takes a call off when both directions are done.
func (m *h2) settle(c *call) {
	if !c.inEnd || c.slot == 0 {
		return
	}
	if !c.endSent && c.tunnel {
		return // RFC 9113 section 8.5: the two directions of a tunnel end by themselves
	}
	if !c.endSent {
		// RFC 9113 section 8.1: the server has answered without the rest of the request.
		c.mu.Lock()
		c.stopOut()
		c.mu.Unlock()
		_ = m.c.Reset(c.id, http2.NoError)
		c.endSent = true
	}
	c.mu.Lock()
	unread := len(c.in)-c.inOff > 0
	credit := c.credit
	c.credit = 0
	c.mu.Unlock()
	if credit > 0 {
		_ = m.c.Consumed(c.id, credit)
	}
	if unread {
		return // the reader will give the credit back
	}
	m.finish(c)
}

// Transmit opens streams and sends content.
func (m *h2) Transmit(t *drivers.Turn, dst []byte) []byte {
	m.c.Advance(t.Now)
	m.news = false
	room := highWater
	if t.Max > 0 {
		room = t.Max
	}
	dst = m.pump(dst, len(dst)+room)
	m.watch(t.Now)
	return dst
}

func (m *h2) pump(dst []byte, limit int) []byte {
	for _, w := range m.takeWakes() {
		if c := m.call(w.slot, w.id); c != nil {
			m.look(c)
		}
	}
	dst = m.c.AppendOwed(dst, highWater) // the preface comes first
	dst = m.openWaiting(dst)
	for len(dst) < limit {
		id, user, n := m.c.NextWritable()
		if n == 0 {
			break
		}
		c := m.call(user, id)
		if c == nil {
			_ = m.c.Ready(id, false)
			continue
		}
		dst = m.send(c, dst, min(n, limit-len(dst)))
	}
	return m.c.AppendOwed(dst, highWater)
}

// send sends one piece of a request's content.
func (m *h2) send(c *call, dst []byte, n int) []byte {
	c.mu.Lock()
	p := c.out[c.outOff:]
	end := c.outEnd && len(p) <= n && len(c.trailers) == 0
	out, k, err := m.c.AppendData(dst, c.id, p[:min(n, len(p))], end)
	if err != nil || k == 0 && !end {
		_ = m.c.Ready(c.id, false)
		last := c.outEnd && len(p) == 0 && !c.endSent
		if last {
			out = m.sendTrailers(c, dst)
		} else {
			out = dst
		}
		c.mu.Unlock()
		if last {
			m.settle(c)
		}
		return out
	}
	if c.outOff += k; c.outOff == len(c.out) {
		c.out, c.outOff = c.out[:0], 0
	}
	if !end && c.outOff == len(c.out) {
		_ = m.c.Ready(c.id, false)
		if c.outEnd {
			out = m.sendTrailers(c, out)
		}
	}
	c.cond.Broadcast()
	c.mu.Unlock()
	if end {
		c.wrote()
	}
	if c.endSent {
		m.settle(c)
	}
	return out
}

// sendTrailers ends a request whose content is sent. c.mu is held.
func (m *h2) sendTrailers(c *call, dst []byte) []byte {
	c.wrote()
	fields := make([]codec.Field, 0, len(c.trailers))
	for _, f := range c.trailers {
		name := make([]byte, len(f.Name))
		for i, b := range f.Name {
			if name[i] = b; b >= 'A' && b <= 'Z' {
				name[i] |= 0x20
			}
		}
		fields = append(fields, codec.Field{Name: name, Value: f.Value})
	}
	if len(fields) > 0 {
		if out, err := m.c.AppendTrailers(dst, c.id, fields); err == nil {
			return out
		}
	}
	out, _, err := m.c.AppendData(dst, c.id, nil, true)
	if err != nil {
		return dst
	}
	return out
}

func (m *h2) dropAll(err error, lost bool) {
	for _, c := range m.slots {
		if c == nil {
			continue
		}
		m.finish(c)
		if lost {
			c.lose(err)
		} else {
			c.fail(err, false)
		}
	}
	for _, c := range m.wait {
		m.release()
		c.fail(err, true)
	}
	m.wait = nil
}

// PeerClosed: the server has finished.
func (m *h2) PeerClosed(t *drivers.Turn) {
	m.fin = true
	m.close = true
	m.leave(ErrServerClosed)
	m.dropAll(ErrServerClosed, true)
}

// Advance: callers have news, or a timer of the codec is due.
func (m *h2) Advance(t *drivers.Turn) {
	m.c.Advance(t.Now)
	m.news = true
	m.keepalive(t)
	l := t.Local.(*locals)
	for m.c.Pending() {
		if _, err := m.c.Next(nil, &l.ev2); err != nil || l.ev2.Kind == http2.None {
			break
		}
		m.event(&l.ev2)
	}
	if err := m.c.Err(); err != nil && !m.close {
		m.close = true
		m.leave(err)
		m.dropAll(&ProtocolError{Err: err}, false)
	}
}

// Deadline is the codec's, or that of a PING.
func (m *h2) Deadline() codec.Time {
	if m.close || m.abort {
		return m.c.Deadline()
	}
	return codec.Earliest(m.c.Deadline(), m.keep.by)
}

// Status returns the machine's wishes.
func (m *h2) Status() (s drivers.Status) {
	if m.abort {
		return drivers.Abort
	}
	if m.news || m.c.Owes() || m.writable() || len(m.wait) > m.held && m.c.CanOpen() > 0 {
		s = drivers.WantOutput
	}
	if m.close || m.c.Done() {
		if s == 0 {
			s = drivers.Closing
		}
		return s
	}
	return s | drivers.WantInput
}

func (m *h2) writable() bool {
	_, _, n := m.c.NextWritable()
	return n > 0
}

// Closed ends all calls.
func (m *h2) Closed(err error) {
	if err == nil {
		err = ErrServerClosed
	}
	m.leave(err)
	m.dropAll(err, true)
}

// leave takes the connection out of the pool. It comes before any call is told of err: whoever is told calls again, and must not get this
// connection.
func (m *h2) leave(err error) {
	m.mu.Lock()
	m.away = true
	m.mu.Unlock()
	m.owner.gone(m, err)
}

// hostOf is the authority a request is for.
func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// originOf is the key of a connection pool: RFC 9113 section 9.1.1: requests to another origin need another connection.
func originOf(u *url.URL) (scheme, addr string) {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return u.Scheme, net.JoinHostPort(u.Hostname(), port)
}
