package server

import (
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// viewOf returns the bytes of s without copying. They must not be written.
func viewOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Static answers with a pre-encoded response.
func (x *Ctx) Static(s *http1.Static) {
	if !x.free() {
		return
	}
	if x.s != nil {
		x.staticH2(s)
		return
	}
	c := x.c
	date := x.l.dates.Bytes(x.t.Unix)
	closing, head := c.closing(), c.has(fHead)
	switch {
	case closing || !c.has(fOld):
		x.emit(s.Append(x.dst, closing, head, date))
	default:
		x.emit(s.Append10(x.dst, head, date))
	}
	x.status = 200
	x.answered()
}

// free reports whether the request may still be answered by the handler.
func (x *Ctx) free() bool {
	if s := x.s; s != nil {
		return !s.begun && s.nat.det == nil && s.nat.late == nil && (x.act == actNone || x.act == actPending)
	}
	return !x.begun && (x.act == actNone || (x.act == actPending && x.nat.stream == nil && x.nat.det == nil))
}

// emit takes over dst, extended by a response's first bytes.
func (x *Ctx) emit(dst []byte) {
	x.dst = dst
	x.begun = true
	if x.nat != nil {
		x.nat.begun = true
	}
}

func (x *Ctx) answered() {
	if x.nat != nil {
		x.nat.await = nil
	}
	x.act = actAnswered
}

// Reply answers with a copy of body. An empty contentType sends no Content-Type. The content of answers to HEAD is
// dropped. It returns http1's error if status, content type or a field may not be sent: nothing was sent then, and
// another answer can be given; without one it is 200 without content. ErrAnswered: there is an answer already.
func (x *Ctx) Reply(status int, contentType string, body []byte) error {
	if !x.free() {
		return ErrAnswered
	}
	if x.s != nil {
		return x.replyH2(status, contentType, body, false)
	}
	var enc http1.Encoder
	framing := http1.Length
	if status == 204 || status == 304 {
		framing = http1.NoBody
	}
	dst, err := x.head(&enc, status, contentType, framing, int64(len(body)))
	if err != nil {
		return err
	}
	if !x.c.has(fHead) && framing == http1.Length {
		if dst, err = enc.AppendBody(dst, body); err != nil {
			return err
		}
		x.bytes = int64(len(body))
	}
	x.emit(dst)
	x.answered()
	return nil
}

// ReplyString is Reply with a string.
func (x *Ctx) ReplyString(status int, contentType, body string) error {
	return x.Reply(status, contentType, viewOf(body))
}

// Error answers with the fixed text of the status.
func (x *Ctx) Error(status int) error {
	return x.Reply(status, "text/plain; charset=utf-8", viewOf(errorBody(status, "")))
}

// ReplyRef is Reply for large bodies: body is sent by reference and must stay unchanged until release is called, which
// happens exactly once if the error is nil, also when the connection ends early. release may be nil.
func (x *Ctx) ReplyRef(status int, contentType string, body []byte, release func()) error {
	if s := x.s; s != nil {
		if !x.free() {
			return ErrAnswered
		}
		err := x.replyH2(status, contentType, body, true)
		if err == nil && s.ended && release != nil {
			release()
		} else if err == nil {
			s.nat.release = release
		}
		return err
	}
	if x.c.has(fHead) || len(body) == 0 || status == 204 || status == 304 {
		err := x.Reply(status, contentType, body)
		if err == nil && release != nil {
			release()
		}
		return err
	}
	if !x.free() {
		return ErrAnswered
	}
	nat := x.pending()
	nat.enc = http1.Encoder{}
	dst, err := x.head(&nat.enc, status, contentType, http1.Length, int64(len(body)))
	if err != nil {
		return err
	}
	if dst, err = nat.enc.AppendBodyHead(dst, len(body)); err != nil {
		return err
	}
	x.emit(dst)
	nat.await = nil
	nat.payload, nat.release, nat.done = body, release, true
	x.bytes = int64(len(body))
	x.act = actPending
	return nil
}

// pending returns the state that outlives the call.
func (x *Ctx) pending() *native {
	if x.nat == nil {
		x.nat = x.l.newNative()
	}
	return x.nat
}

// head appends a response head to x.dst without taking it over.
func (x *Ctx) head(enc *http1.Encoder, status int, contentType string, f http1.Framing, length int64) ([]byte, error) {
	c, l := x.c, x.l
	l.fields = l.fields[:0]
	if contentType != "" {
		l.fields = append(l.fields, codec.Field{Name: nameContentType, Value: viewOf(contentType)})
	}
	var upgrade []byte
	for _, f := range x.extra {
		if http1.EqualFold(f.Name, "Upgrade") {
			// RFC 9110 section 7.8-15: an Upgrade field is nothing for HTTP/1.0.
			if !c.has(fOld) {
				upgrade = f.Value
			}
			continue
		}
		l.fields = append(l.fields, f)
	}
	l.head = http1.ResponseHead{
		Status: status, HTTP10: c.has(fOld), Fields: l.fields, Framing: f, Length: length, Upgrade: upgrade,
		ToHEAD: c.has(fHead), Close: c.closing() || f == http1.UntilClose, Date: l.dates.Bytes(x.t.Unix),
	}
	dst, err := enc.AppendResponse(x.dst, &l.head)
	x.extra = x.extra[:0]
	if err == nil {
		x.status = status
	}
	return dst, err
}

// Flow is what a Producer says about the content to come.
type Flow uint8

const (
	// FlowMore: ask again when there is room.
	FlowMore Flow = iota
	// FlowWait: nothing now; ask again after Waker.Wake.
	FlowWait
	// FlowEnd: the content is complete.
	FlowEnd
	// FlowAbort: the content cannot be completed; the connection is dropped so that the peer sees it is not whole.
	FlowAbort
)

// Producer appends up to max bytes of content to dst and returns it. It runs on the connection's owner, only when the output has
// room, and must not block. With a declared length it must give exactly that many bytes.
type Producer func(dst []byte, max int) ([]byte, Flow)

// Waker makes the connection ask a Producer that said FlowWait again. It may be used from any goroutine.
type Waker struct{ link drivers.Link }

// Wake asks. It does nothing after the response has ended.
func (w Waker) Wake() {
	if w.link != nil {
		w.link.Wake()
	}
}

// Stream answers with content that p gives piece by piece, as the output has room. length is the Content-Length, or -1 if it is not
// known: the content is chunked then, or ends with the connection in HTTP/1.0. The answer to HEAD asks p for nothing.
func (x *Ctx) Stream(status int, contentType string, length int64, p Producer) (Waker, error) {
	if !x.free() {
		return Waker{}, ErrAnswered
	}
	if x.s != nil {
		return x.streamH2(status, contentType, length, p)
	}
	f := http1.Length
	if length < 0 {
		f, length = http1.Chunked, 0
		if x.c.has(fOld) {
			f = http1.UntilClose
			x.c.flags |= fClose
		}
	}
	if x.c.has(fHead) {
		var enc http1.Encoder
		if f != http1.Length {
			f = http1.NoBody
		}
		dst, err := x.head(&enc, status, contentType, f, length)
		if err != nil {
			return Waker{}, err
		}
		x.emit(dst)
		x.answered()
		return Waker{}, nil
	}
	nat := x.pending()
	nat.enc = http1.Encoder{}
	dst, err := x.head(&nat.enc, status, contentType, f, length)
	if err != nil {
		return Waker{}, err
	}
	x.emit(dst)
	nat.await = nil
	nat.stream, nat.waiting = p, false
	x.act = actPending
	return Waker{x.c.link}, nil
}

// produce asks the producer for one piece.
func (c *conn) produce(t *drivers.Turn, l *local, dst []byte) []byte {
	nat := c.nat
	room := t.Max
	if room <= 0 {
		room = highWater
	}
	nat.waiting = false
	buf, flow := c.askProducer(nat, l.buf[:0], room)
	if cap(buf) <= 2*highWater {
		l.buf = buf[:0]
	}
	out, err := nat.enc.AppendBody(dst, buf)
	if err == nil && nat.xc != nil {
		nat.xc.Bytes += int64(len(buf))
	}
	switch {
	case err != nil, flow == FlowAbort:
		c.st = stAbort
		return dst
	case flow == FlowWait:
		nat.waiting = true
	case flow == FlowEnd:
		nat.stream = nil
		nat.done = true
		if out, err = nat.enc.AppendEnd(out, nil); err != nil {
			c.st = stAbort // short of its declared length
		}
	}
	return out
}

// askProducer contains a producer's panic.
func (c *conn) askProducer(nat *native, dst []byte, max int) (out []byte, f Flow) {
	defer func() {
		if v := recover(); v != nil {
			c.srv.onError(nat.xc, &PanicError{Value: v})
			out, f = dst, FlowAbort
		}
	}()
	return nat.stream(dst, max)
}
