package server

import (
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
)

// ReplyTrailers is Reply with a trailer section behind the content (RFC 9110 section 6.5): HTTP/2, and HTTP/1.1 with the chunked
// coding. There is no Content-Length. trailers are lent until it returns; none is the same as an empty list. HTTP/1.0 has no
// trailers: they are dropped there, as they are from the answer to HEAD, and for 204 and 304.
func (x *Ctx) ReplyTrailers(status int, contentType string, body []byte, trailers []codec.Field) error {
	if !x.free() {
		return ErrAnswered
	}
	for i := range trailers {
		f := &trailers[i]
		// RFC 9110 section 6.5.1-2: "A sender MUST NOT generate a trailer field unless the sender knows the corresponding header field
		// name's definition permits sending that field in trailers".
		if !http1.IsToken(f.Name) || !http1.IsFieldValue(f.Value, true) || !http1.TrailerAllowed(f.Name) {
			return errTrailer
		}
	}
	if x.s != nil {
		return x.replyTrailersH2(status, contentType, body, trailers)
	}
	c := x.c
	if c.has(fOld) || c.has(fHead) || status == http.StatusNoContent || status == http.StatusNotModified || len(trailers) == 0 {
		return x.Reply(status, contentType, body)
	}
	var enc http1.Encoder
	dst, err := x.head(&enc, status, contentType, http1.Chunked, 0)
	if err != nil {
		return err
	}
	if dst, err = enc.AppendBody(dst, body); err != nil {
		return err
	}
	if dst, err = enc.AppendEnd(dst, trailers); err != nil {
		return err
	}
	x.bytes = int64(len(body))
	x.emit(dst)
	x.answered()
	return nil
}

func (x *Ctx) replyTrailersH2(status int, contentType string, body []byte, trailers []codec.Field) error {
	s := x.s
	if len(trailers) == 0 || s.isHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return x.replyH2(status, contentType, body, false)
	}
	if err := x.headH2(status, contentType, false, 0, false); err != nil {
		return err
	}
	x.act = actAnswered
	out, k := x.dst, 0
	var err error
	if len(body) > 0 {
		if out, k, err = s.c.c.AppendData(x.dst, s.id, body, false); err != nil {
			x.act = actAbort
			return nil
		}
	}
	x.dst = out
	n := &s.nat
	n.bytes = int64(k)
	if k == len(body) {
		x.dst = s.sendTrailers(x.l, x.dst, trailers)
		return nil
	}
	// The rest waits for the peer's windows: it needs memory of its own.
	n.own = append(n.own[:0], body[k:]...)
	n.payload = n.own
	n.trailers = ownFields(trailers)
	x.act = actPending
	_ = s.c.c.Ready(s.id, true)
	return nil
}

// sendTrailers ends the response with a trailer section.
func (s *h2stream) sendTrailers(l *local, out []byte, trailers []codec.Field) []byte {
	l.fields, l.names = l.fields[:0], l.names[:0]
	for _, f := range trailers {
		l.fields = append(l.fields, codec.Field{Name: lowerName(&l.names, f.Name), Value: f.Value, Sensitive: f.Sensitive})
	}
	o, err := s.c.c.AppendTrailers(out, s.id, l.fields)
	if err != nil { // nothing that ReplyTrailers lets through
		_ = s.c.c.Reset(s.id, http2.InternalError)
	}
	s.ended = true
	return o
}

// ownFields copies a list with what it refers to.
func ownFields(list []codec.Field) []codec.Field {
	size := 0
	for i := range list {
		size += len(list[i].Name) + len(list[i].Value)
	}
	buf := make([]byte, 0, size)
	own := func(b []byte) []byte {
		at := len(buf)
		buf = append(buf, b...)
		return buf[at:len(buf):len(buf)]
	}
	out := make([]codec.Field, len(list))
	for i, f := range list {
		out[i] = codec.Field{Name: own(f.Name), Value: own(f.Value), Sensitive: f.Sensitive}
	}
	return out
}
