package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// pump appends what handlers have brought, content in the order of priority, and what the protocol owes. It stops near limit, a length
// of out.
func (c *h2conn) pump(t *drivers.Turn, l *local, out []byte, limit int) []byte {
	c.flags &^= h2News
	for _, w := range c.wakes.take() {
		if s := c.stream(w.slot, w.id); s != nil {
			out = s.look(t, l, out)
		}
	}
	for len(out) < limit {
		id, user, n := c.c.NextWritable()
		if n == 0 {
			break
		}
		s := c.stream(user, id)
		if s == nil {
			_ = c.c.Ready(id, false)
			continue
		}
		out = s.send(t, l, out, min(n, limit-len(out)))
	}
	return c.c.AppendOwed(out, highWater)
}

// look takes what the stream's handler has brought: credit, informational heads, the final head, the end.
func (s *h2stream) look(t *drivers.Turn, l *local, out []byte) []byte {
	x := s.x
	switch {
	case s.tun != nil:
		s.tun.stuck = false
		s.tun.m.Advance(t)
		return s.drive(t, l, out)
	case x == nil:
		return s.lookNative(t, l, out)
	}
	h := x.h2
	x.g.mu.Lock()
	x.woken = false
	if s.lost {
		running := x.g.running
		x.g.mu.Unlock()
		if !running {
			c, id := s.c, s.id
			s.drop(ErrPeerClosed)
			_ = c.c.Release(id)
		}
		return out
	}
	if h.credit > 0 {
		_ = s.c.c.Consumed(s.id, h.credit)
		h.credit = 0
	}
	s.pickDeadlines(t)
	if x.abort {
		x.g.mu.Unlock()
		s.cut(t, l)
		return out
	}
	for i := range h.infos {
		// RFC 9110 section 15.2: any number of them before the final response.
		if o, err := s.c.c.AppendInformational(out, s.id, h.infos[i].status, h.infos[i].fields); err == nil {
			out = o
		}
	}
	h.infos = h.infos[:0]
	if h.ready && !s.begun {
		out = s.sendHead(t, l, out)
	}
	if s.begun && !s.ended && x.next != nil && x.pending() == 0 {
		return s.switched(t, l, out)
	}
	if s.begun && !s.ended {
		if x.pending() > 0 || len(x.payload) > 0 {
			_ = s.c.c.Ready(s.id, true)
		} else if x.done {
			out = s.sendEnd(out)
		}
	}
	out = s.unlock(t, l, out)
	return out
}

// unlock releases x.g.mu, and ends the stream if its response is complete and its handler has returned.
func (s *h2stream) unlock(t *drivers.Turn, l *local, out []byte) []byte {
	x := s.x
	if !x.done || !s.ended || x.g.running {
		x.g.mu.Unlock()
		return out
	}
	rest := len(x.in) - x.inOff + x.h2.credit
	shutdown := x.h2.shutdown
	x.dead = ErrAnswered
	x.recycle()
	x.g.mu.Unlock()
	if x.info != nil {
		x.info.Duration = t.Now.Sub(x.began)
		s.c.srv.onReply(x.info)
	}
	c := s.c
	s.close(l, rest)
	if shutdown {
		c.c.Shutdown()
	}
	return out
}

// close lets the stream go after its response: rest is how many bytes of the body nobody will read. RFC 9113 section 8.1-6: a server "MAY
// request that the client abort transmission of a request without error by sending a RST_STREAM with an error code of NO_ERROR after
// sending a complete response".
func (s *h2stream) close(l *local, rest int) {
	if rest > 0 {
		_ = s.c.c.Consumed(s.id, rest)
	}
	if s.inOpen {
		_ = s.c.c.Reset(s.id, http2.NoError)
	}
	s.forget(l)
}

// cut ends a stream whose response cannot be completed: the reset tells the client that it is not whole.
func (s *h2stream) cut(t *drivers.Turn, l *local) {
	_ = s.c.c.Reset(s.id, http2.InternalError)
	s.drop(ErrAnswered)
}

// sendHead sends the final response head. x.g.mu is held.
func (s *h2stream) sendHead(t *drivers.Turn, l *local, out []byte) []byte {
	x := s.x
	h := x.h2
	h.ready = false
	if h.wantDate {
		h.head.fields = append(h.head.fields, codec.Field{Name: nameLowerDate, Value: l.dates.Bytes(t.Unix)})
	}
	end := h.noBody || x.done && x.pending() == 0 && len(x.payload) == 0 && len(h.trailers) == 0
	o, err := s.c.c.AppendResponse(out, s.id, h.head.status, h.head.fields, end)
	if err != nil {
		// RFC 9110 section 15-6: "Values outside the range 100..599 are invalid", and other heads that cannot be sent.
		x.srv.logf("server: response replaced by 500: %v", err)
		x.dead = ErrAnswered
		end = true
		if o, err = s.c.c.AppendResponse(out, s.id, http.StatusInternalServerError, nil, true); err != nil {
			return out
		}
	}
	s.begun, s.ended = true, end
	return o
}

// sendEnd ends the stream after its content. x.g.mu is held.
func (s *h2stream) sendEnd(out []byte) []byte {
	x := s.x
	_ = s.c.c.Ready(s.id, false)
	s.ended = true
	if len(x.h2.trailers) > 0 {
		if o, err := s.c.c.AppendTrailers(out, s.id, x.h2.trailers); err == nil {
			return o
		}
	}
	o, _, err := s.c.c.AppendData(out, s.id, nil, true)
	if err != nil {
		return out
	}
	return o
}

// send sends one piece of content, at most n bytes.
func (s *h2stream) send(t *drivers.Turn, l *local, out []byte, n int) []byte {
	x := s.x
	switch {
	case s.tun != nil:
		return s.sendTunnel(t, l, out, n)
	case x == nil:
		return s.sendNative(t, l, out, n)
	}
	x.g.mu.Lock()
	own := x.pending() > 0
	p := x.payload
	if own {
		p = x.ob.out[x.outOff:]
	}
	last := x.done && len(p) <= n && len(x.h2.trailers) == 0 && (!own || len(x.payload) == 0)
	o, k, err := s.c.c.AppendData(out, s.id, p[:min(n, len(p))], last)
	if err != nil || k == 0 && !last {
		_ = s.c.c.Ready(s.id, false)
		x.g.mu.Unlock()
		return out
	}
	out = o
	if own {
		if x.outOff += k; x.outOff == len(x.ob.out) {
			x.ob.out, x.outOff = x.ob.out[:0], 0
		}
	} else if x.payload = x.payload[k:]; len(x.payload) == 0 {
		x.payload = nil
	}
	s.ended = last
	if !last && x.pending() == 0 && len(x.payload) == 0 {
		if x.done {
			out = s.sendEnd(out)
		} else {
			_ = s.c.c.Ready(s.id, false)
		}
	}
	x.g.changed()
	return s.unlock(t, l, out)
}
