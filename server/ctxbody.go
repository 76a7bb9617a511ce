package server

import (
	"net/http"

	"github.com/purewire/purewire/codec/http1"
)

// BodyState is what PollBody found.
type BodyState uint8

const (
	// BodyPending: no more has arrived yet. Use AwaitBody.
	BodyPending BodyState = iota
	// BodyReady: data holds the next piece.
	BodyReady
	// BodyEOF: the body is complete.
	BodyEOF
	// BodyFailed: the rest of the body cannot be decoded, or is over the limit. The connection closes after the answer.
	BodyFailed
)

// PollBody returns the next piece of the request body, as it arrived, without waiting. The piece is lent until the next
// call. The first call that finds nothing sends 100 (Continue) to a client that waits for it.
func (x *Ctx) PollBody() (data []byte, s BodyState) {
	if x.s != nil {
		return x.pollH2()
	}
	c := x.c
	if c.has(fBroken) {
		return nil, BodyFailed
	}
	if !c.has(fBodyOpen) {
		return nil, BodyEOF
	}
	n, err := c.dec.Next(x.src[x.n:], &x.l.body)
	x.n += n
	if err != nil {
		c.flags |= fBroken | fClose
		c.flags &^= fBodyOpen
		c.srv.onError(x.xc, err)
		return nil, BodyFailed
	}
	switch x.l.body.Kind {
	case http1.Body:
		data = x.l.body.Data
		c.progress(x.t.Now, len(data))
		return data, BodyReady
	case http1.End:
		c.flags &^= fBodyOpen | fExpect
		return nil, BodyEOF
	}
	// RFC 9110 section 10.1.1-15.2: a server that waits for the content sends 100; one that already answered must not.
	if c.has(fExpect) && c.got == 0 && !x.begun {
		c.flags &^= fExpect
		var enc http1.Encoder
		if dst, err := enc.AppendInformational(x.dst, http.StatusContinue, nil); err == nil {
			x.dst = dst
		}
	}
	return nil, BodyPending
}

// AwaitBody has fn called, on the connection's owner, when PollBody has news: data, the end, or a failure. fn answers, or calls
// AwaitBody again. If the connection ends or a deadline expires first, fn is not called. Inside fn the request's head is
// gone; copy before what is needed then.
func (x *Ctx) AwaitBody(fn func(*Ctx)) {
	if !x.free() {
		return
	}
	x.act = actPending
	if x.s != nil {
		x.s.nat.await = fn
		return
	}
	x.pending().await = fn
}

// ReadBody collects the whole body, at most max bytes, and calls fn with it, on the connection's owner; fn may be called
// before ReadBody returns. The body is lent until fn returns. A body over max is answered 413, a body that cannot be
// decoded 400, without fn.
func (x *Ctx) ReadBody(max int, fn func(x *Ctx, body []byte)) {
	if !x.free() {
		return
	}
	if x.s != nil {
		x.readBodyH2(max, fn)
		return
	}
	if x.c.left > int64(max) {
		x.c.flags |= fClose
		_ = x.Error(http.StatusRequestEntityTooLarge)
		return
	}
	// The usual small body that came with its head needs no copy and no state.
	if x.nat == nil {
		data, s := x.PollBody()
		switch s {
		case BodyReady:
			if int64(len(data)) == x.c.got && x.c.left == 0 {
				if x.bodyEnds() {
					fn(x, data)
					return
				}
			}
			nat := x.pending()
			nat.buf = append(nat.buf[:0], data...)
		case BodyEOF:
			fn(x, nil)
			return
		case BodyFailed:
			_ = x.Error(http.StatusBadRequest)
			return
		default:
			x.pending().buf = x.nat.buf[:0]
		}
	}
	x.collect(max, fn)
}

// bodyEnds takes the End behind the last byte of a Content-Length body, whose data stays valid: End consumes nothing.
func (x *Ctx) bodyEnds() bool {
	data := x.l.body.Data
	n, err := x.c.dec.Next(x.src[x.n:x.n], &x.l.body)
	x.n += n
	if err == nil && x.l.body.Kind == http1.End {
		x.c.flags &^= fBodyOpen | fExpect
		return true
	}
	x.l.body.Data = data
	return false
}

func (x *Ctx) collect(max int, fn func(x *Ctx, body []byte)) {
	nat := x.nat
	for {
		data, s := x.PollBody()
		switch s {
		case BodyReady:
			if len(nat.buf)+len(data) > max {
				x.c.flags |= fClose
				_ = x.Error(http.StatusRequestEntityTooLarge)
				return
			}
			nat.buf = append(nat.buf, data...)
		case BodyEOF:
			nat.await = nil
			fn(x, nat.buf)
			return
		case BodyFailed:
			_ = x.Error(http.StatusBadRequest)
			return
		case BodyPending:
			x.AwaitBody(func(x *Ctx) { x.collect(max, fn) })
			return
		}
	}
}
