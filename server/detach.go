package server

import (
	"net"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// Detached is a native request that is answered later, from any goroutine. It owns a copy of the request head.
type Detached struct {
	// Method, Target, Path, Query and Authority are those of the request.
	Method, Target, Path, Query, Authority string
	// Fields is the header section.
	Fields []codec.Field
	// Remote is the peer's address.
	Remote net.Addr

	c        *conn // nil on HTTP/2
	hc       *h2conn
	slot, id uint32
	link     drivers.Link

	mu   sync.Mutex
	used bool
	err  error
	done chan struct{}
}

// Detach takes the request out of the handler's hands: it is answered by Detached.Reply, exactly once. It returns nil if
// the request is already answered, or if Config.MaxInFlight is reached; then the answer is 503.
func (x *Ctx) Detach() *Detached {
	if !x.free() {
		return nil
	}
	srv, counted := x.counts()
	if !counted {
		if !srv.acquire() {
			if r := srv.retry; r != "" {
				x.SetField(nameRetryAfter, viewOf(r))
			}
			_ = x.Error(503)
			return nil
		}
		if x.s != nil {
			x.s.counted = true
		} else {
			x.c.flags |= fCounted
		}
	}
	ev := x.event()
	d := &Detached{
		Method: string(ev.Method), Target: string(ev.Target), Path: string(ev.Path), Query: string(ev.Query),
		Authority: string(ev.Authority), Remote: x.RemoteAddr(), c: x.c, link: x.link(),
	}
	size := 0
	for _, f := range ev.Fields {
		size += len(f.Name) + len(f.Value)
	}
	buf := make([]byte, 0, size)
	own := func(b []byte) []byte {
		at := len(buf)
		buf = append(buf, b...)
		return buf[at:len(buf):len(buf)]
	}
	d.Fields = make([]codec.Field, len(ev.Fields))
	for i, f := range ev.Fields {
		d.Fields[i] = codec.Field{Name: own(f.Name), Value: own(f.Value), Sensitive: f.Sensitive}
	}
	x.act = actPending
	if s := x.s; s != nil {
		d.hc, d.slot, d.id = s.c, s.slot, s.id
		s.nat.await, s.nat.det = nil, d
		return d
	}
	nat := x.pending()
	nat.await, nat.det = nil, d
	return d
}

// counts tells whether the request is in Server.inFlight already.
func (x *Ctx) counts() (*Server, bool) {
	if x.s != nil {
		return x.s.c.srv, x.s.counted
	}
	return x.c.srv, x.c.has(fCounted)
}

// Done is closed when the request can no longer be answered: the peer left, a deadline expired, or the server was closed. Err says
// which.
func (d *Detached) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.err != nil {
			close(d.done)
		}
	}
	return d.done
}

// Err returns why Done is closed: ErrPeerClosed, ErrTimeout, ErrShutdown, or nil if it is not.
func (d *Detached) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *Detached) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
		if d.done != nil {
			close(d.done)
		}
	}
}

// Reply answers. body is sent by reference and must not change afterwards. fields may be nil. Of several calls one answers, the
// others get ErrAnswered. A response that may not be sent is reported and replaced by 500. It does not wait.
func (d *Detached) Reply(status int, contentType string, fields []codec.Field, body []byte) error {
	d.mu.Lock()
	if d.used || d.err != nil {
		err := d.err
		d.mu.Unlock()
		if err == nil {
			err = ErrAnswered
		}
		return err
	}
	d.used = true
	d.mu.Unlock()
	// Validate here, where the error can still be returned.
	all := make([]codec.Field, 0, len(fields)+1)
	if contentType != "" {
		all = append(all, codec.Field{Name: nameContentType, Value: viewOf(contentType)})
	}
	all = append(all, fields...)
	h := http1.ResponseHead{Status: status, Fields: all, Framing: http1.Length, Length: int64(len(body))}
	if status == 204 || status == 304 {
		h.Framing, body = http1.NoBody, nil
	}
	var probe http1.Encoder
	_, bad := probe.AppendResponse(nil, &h)
	if bad != nil {
		h = http1.ResponseHead{Status: 500, Framing: http1.NoBody}
		body = nil
	}
	err := d.link.Post(func(t *drivers.Turn, err error) {
		if err != nil {
			d.fail(causeOf(err))
			return
		}
		if d.c == nil {
			d.hc.detachedReply(d, &h, body)
		} else {
			d.c.detachedReply(t, d, &h, body)
		}
	})
	if err != nil {
		d.fail(causeOf(err))
		return err
	}
	return bad
}

// detachedReply runs on the connection's owner.
func (c *conn) detachedReply(t *drivers.Turn, d *Detached, h *http1.ResponseHead, body []byte) {
	nat := c.nat
	if c.st != stNative || nat == nil || nat.det != d {
		return // the connection gave it up meanwhile
	}
	l := t.Local.(*local)
	nat.det = nil
	h.HTTP10, h.ToHEAD, h.Close, h.Date = c.has(fOld), c.has(fHead), c.closing(), l.dates.Bytes(t.Unix)
	nat.enc = http1.Encoder{}
	out, err := nat.enc.AppendResponse(nat.out[:0], h)
	if err != nil {
		c.st = stAbort
		c.settle(t)
		return
	}
	nat.out, nat.done, nat.begun = out, true, true
	if !h.ToHEAD && len(body) > 0 {
		nat.payload = body
		if nat.xc != nil {
			nat.xc.Bytes = int64(len(body))
		}
	}
	if nat.xc != nil {
		nat.xc.Status = h.Status
	}
	c.settle(t)
}

// detachedReply runs on the connection's owner.
func (c *h2conn) detachedReply(d *Detached, h *http1.ResponseHead, body []byte) {
	s := c.stream(d.slot, d.id)
	if s == nil || s.nat.det != d {
		return // the stream was given up meanwhile
	}
	s.nat.det = nil
	s.nat.reply(h, body)
	c.wakes.add(s.slot, s.id)
	c.flags |= h2News
	c.status |= drivers.WantOutput
}
