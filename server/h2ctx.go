package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// The methods of Ctx on HTTP/2. x.s is the stream, x.c is nil.

func (x *Ctx) link() drivers.Link {
	if x.s != nil {
		return x.s.c.link
	}
	return x.c.link
}

// headH2 appends a response head: contentType, what SetField gave, length and date.
func (x *Ctx) headH2(status int, contentType string, sized bool, length int64, end bool) error {
	l, s := x.l, x.s
	l.fields, l.names = l.fields[:0], l.names[:0]
	if contentType != "" {
		l.fields = append(l.fields, codec.Field{Name: nameLowerType, Value: viewOf(contentType)})
	}
	for _, f := range x.extra {
		l.fields = append(l.fields, codec.Field{Name: lowerName(&l.names, f.Name), Value: f.Value, Sensitive: f.Sensitive})
	}
	x.extra = x.extra[:0]
	out, err := s.appendHead(x.t, l, x.dst, status, sized, length, end)
	if err != nil {
		return err
	}
	x.dst, x.begun = out, true
	s.nat.await = nil
	return nil
}

// replyH2 answers with body. lent tells that body stays unchanged.
func (x *Ctx) replyH2(status int, contentType string, body []byte, lent bool) error {
	s := x.s
	if s.isHead || status == http.StatusNoContent || status == http.StatusNotModified {
		if err := x.headH2(status, contentType, true, int64(len(body)), true); err != nil {
			return err
		}
		x.act = actAnswered
		return nil
	}
	if err := x.headH2(status, contentType, true, int64(len(body)), len(body) == 0); err != nil {
		return err
	}
	x.contentH2(body, lent)
	return nil
}

// contentH2 sends the content of a response, as much as goes now, and leaves the rest to the scheduler.
func (x *Ctx) contentH2(body []byte, lent bool) {
	s := x.s
	n := &s.nat
	x.act = actAnswered
	if len(body) == 0 {
		return
	}
	out, k, err := s.c.c.AppendData(x.dst, s.id, body, true)
	if err != nil {
		x.act = actAbort
		return
	}
	x.dst = out
	n.bytes = int64(k)
	if k == len(body) {
		s.ended = true
		return
	}
	n.payload = body[k:]
	if !lent {
		n.own = append(n.own[:0], n.payload...)
		n.payload = n.own
	}
	x.act = actPending
	_ = s.c.c.Ready(s.id, true)
}

// staticH2 answers with a pre-encoded response: its head is compressed each time, since that depends on the connection.
func (x *Ctx) staticH2(st *http1.Static) {
	status, fields, body, dated := st.Parts()
	l, s := x.l, x.s
	l.fields = append(l.fields[:0], fields...)
	if dated {
		l.fields = append(l.fields, codec.Field{Name: nameLowerDate, Value: l.dates.Bytes(x.t.Unix)})
	}
	end := len(body) == 0 || s.isHead
	out, err := s.c.c.AppendResponse(x.dst, s.id, status, l.fields, end)
	if err != nil {
		_ = x.Error(http.StatusInternalServerError)
		return
	}
	s.begun, s.ended, s.nat.status = true, end, status
	s.nat.await = nil
	x.dst, x.begun = out, true
	x.act = actAnswered
	if !end {
		x.contentH2(body, true)
	}
}

func (x *Ctx) streamH2(status int, contentType string, length int64, p Producer) (Waker, error) {
	s := x.s
	if err := x.headH2(status, contentType, length >= 0, length, s.isHead); err != nil {
		return Waker{}, err
	}
	if s.isHead {
		x.act = actAnswered
		return Waker{}, nil
	}
	s.nat.stream, s.nat.waiting, s.nat.length = p, false, length
	x.act = actPending
	_ = s.c.c.Ready(s.id, true)
	return Waker{&h2link{Link: s.c.link, c: s.c, slot: s.slot, id: s.id}}, nil
}

func (x *Ctx) pollH2() ([]byte, BodyState) {
	s := x.s
	n := &s.nat
	if n.inOff < len(n.in) {
		p := n.in[n.inOff:]
		n.inOff = len(n.in)
		_ = s.c.c.Consumed(s.id, len(p))
		return p, BodyReady
	}
	if p := x.piece; len(p) > 0 {
		x.piece = nil
		_ = s.c.c.Consumed(s.id, len(p))
		return p, BodyReady
	}
	if !s.inOpen {
		return nil, BodyEOF
	}
	// RFC 9110 section 10.1.1-13: a server that waits for the content sends 100; one that already answered must not.
	if s.expect && s.got == 0 && !s.begun {
		s.expect = false
		if out, err := s.c.c.AppendInformational(x.dst, s.id, http.StatusContinue, nil); err == nil {
			x.dst = out
		}
	}
	return nil, BodyPending
}

func (x *Ctx) readBodyH2(max int, fn func(x *Ctx, body []byte)) {
	s := x.s
	n := &s.nat
	if s.left > int64(max) {
		_ = x.Error(http.StatusRequestEntityTooLarge)
		return
	}
	for {
		p, st := x.pollH2()
		switch st {
		case BodyReady:
			if len(n.buf)+len(p) > max {
				_ = x.Error(http.StatusRequestEntityTooLarge)
				return
			}
			if len(n.buf) == 0 && !s.inOpen && len(x.piece) == 0 {
				fn(x, p) // the usual small body: no copy
				return
			}
			n.buf = append(n.buf, p...)
		case BodyEOF:
			b := n.buf
			n.buf = nil
			fn(x, b)
			return
		case BodyPending:
			x.AwaitBody(func(x *Ctx) { x.readBodyH2(max, fn) })
			return
		}
	}
}
