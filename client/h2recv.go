package client

import (
	"fmt"
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// Receive decodes frames.
func (m *h2) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	l := t.Local.(*locals)
	m.c.Advance(t.Now)
	if len(src) > 0 {
		m.keep.hear(t.Now)
	}
	for !m.close && !m.abort {
		k, err := m.c.Next(src[n:], &l.ev2)
		n += k
		if err != nil {
			m.close = true
			e := *err.(*http2.Error)
			m.leave(&e)
			m.dropAll(&ProtocolError{Err: &e}, false)
			break
		}
		if l.ev2.Kind == http2.None {
			break
		}
		m.event(&l.ev2)
	}
	if m.close || m.abort {
		n = len(src)
	}
	room := highWater
	if t.Max > 0 {
		room = t.Max
	}
	out = m.pump(dst, len(dst)+room)
	m.watch(t.Now)
	return n, out
}

func (m *h2) event(ev *http2.Event) {
	switch ev.Kind {
	case http2.SettingsReceived:
		m.mu.Lock()
		m.known, m.news = true, true
		m.limit = int(min(m.c.PeerSettings().MaxConcurrentStreams, 1<<20))
		m.mu.Unlock()
		return
	case http2.GoAwayReceived:
		m.mu.Lock()
		m.away = true
		m.mu.Unlock()
		m.news = true
		if calmed(ev) {
			m.keep.calm()
		}
		m.owner.gone(m, nil)      // no new calls; those under way go on
		m.c.GoAway(http2.NoError) // and then this end closes
		return
	}
	c := m.call(ev.User, ev.Stream)
	if c == nil {
		switch ev.Kind {
		case http2.Data:
			_ = m.c.Consumed(ev.Stream, len(ev.Data))
		case http2.StreamReset, http2.StreamError:
			_ = m.c.Release(ev.Stream)
		}
		return
	}
	if !c.answer {
		c.answer = true
		if c.trace != nil && c.trace.GotFirstResponseByte != nil {
			c.trace.GotFirstResponseByte()
		}
	}
	switch ev.Kind {
	case http2.Informational:
		informational(c, ev.Status, ev.Fields)
	case http2.Response:
		m.response(c, ev)
	case http2.Data:
		c.feed(ev.Data)
		if ev.EndStream {
			m.ended(c, nil)
		}
	case http2.Trailers:
		m.ended(c, ev.Fields)
	case http2.StreamReset:
		_ = m.c.Release(ev.Stream)
		m.finish(c)
		if ev.Code == http2.NoError && c.inEnd {
			return
		}
		c.fail(&ResetError{Code: ev.Code}, ev.Retry)
	case http2.StreamError:
		_ = m.c.Release(ev.Stream)
		m.finish(c)
		c.fail(&ProtocolError{Err: &http2.Error{Scope: codec.ScopeStream, Code: ev.Code, Stream: ev.Stream, Reason: ev.Reason}}, false)
	}
}

func (m *h2) ended(c *call, trailers []codec.Field) {
	c.inEnd = true
	c.end(trailers)
	m.settle(c)
}

func (m *h2) response(c *call, ev *http2.Event) {
	res := &http.Response{
		StatusCode: ev.Status, Status: fmt.Sprintf("%03d %s", ev.Status, http.StatusText(ev.Status)), Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: headerOf(ev.Fields), ContentLength: ev.ContentLength, Request: c.req,
	}
	announced(res)
	switch {
	case ev.EndStream:
		res.Body = http.NoBody
		if c.method != http1.MethodHead && ev.Status != http.StatusNotModified {
			res.ContentLength = 0
		}
	case c.method == http1.MethodConnect && ev.Status/100 == 2:
		res.Body = duplex{body{c}}
		c.mu.Lock()
		c.tunnel = true
		c.mu.Unlock()
	default:
		res.Body = body{c}
	}
	c.mu.Lock()
	if c.expect && !c.go100 {
		c.stopOut()
	}
	c.mu.Unlock()
	c.respond(res)
	if ev.EndStream {
		m.ended(c, nil)
	}
}
