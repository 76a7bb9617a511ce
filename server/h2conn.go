package server

import (
	"sync"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

type h2flag uint8

const (
	h2PeerClosed h2flag = 1 << iota // FIN seen
	h2Closing                       // flush and close
	h2Abort                         // close at once
	h2Seen                          // a request was seen
	h2Full                          // too much output waits for the peer: input stands still
	h2Drain                         // Drain was called
	h2News                          // Advance was called: Transmit has something to look at
)

// h2conn is the machine of one HTTP/2 connection.
type h2conn struct {
	srv  *Server
	link drivers.Link
	c    http2.Conn

	remote string
	id     uint64
	slots  []*h2stream // by the number that SetUser stores, minus 1
	free   []uint32
	wakes  wakeList

	keep *h2keep

	idleBy   codec.Time // closes a connection without streams
	trimBy   codec.Time // gives the tables of one back
	headBy   codec.Time // ends the wait for the rest of a frame
	streamBy codec.Time // no stream's deadline is earlier
	nreq     uint32
	tail     uint32
	flags    h2flag
	status   drivers.Status
}

var (
	_ drivers.Machine = (*h2conn)(nil)
	_ drivers.Drainer = (*h2conn)(nil)
)

// wakeList names the streams whose handlers have news. It is the one thing that handlers' goroutines share with the machine.
type wakeList struct {
	mu    sync.Mutex
	list  []wake
	spare []wake
}

type wake struct{ slot, id uint32 }

func (w *wakeList) add(slot, id uint32) {
	w.mu.Lock()
	if n := len(w.list); n == 0 || w.list[n-1].id != id {
		w.list = append(w.list, wake{slot, id})
	}
	w.mu.Unlock()
}

// take returns the list; it is valid until the next call.
func (w *wakeList) take() []wake {
	w.mu.Lock()
	l := w.list
	w.list, w.spare = w.spare[:0], l
	w.mu.Unlock()
	return l
}

// newH2 returns the machine of a connection that speaks HTTP/2.
func (s *Server) newH2(t *drivers.Turn, l drivers.Link, id uint64) *h2conn {
	c := &h2conn{srv: s, link: l, id: id}
	c.c.Init(http2.Server, s.h2)
	c.c.Advance(t.Now)
	c.idleBy = never0(t.Now, s.d.FirstByte)
	c.keep = s.newKeep(t.Now)
	c.settle(t)
	return c
}

func (c *h2conn) has(f h2flag) bool { return c.flags&f != 0 }

func (c *h2conn) info() ConnInfo {
	return ConnInfo{ID: c.id, Local: c.link.LocalAddr(), Remote: c.link.RemoteAddr()}
}

// Receive decodes frames and has requests handled until the input is used up or enough output waits.
func (c *h2conn) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	l := t.Local.(*local)
	c.c.Advance(t.Now)
	out = dst
	limit := t.Max
	if limit <= 0 {
		limit = highWater
	}
	c.regain(len(dst))
	if c.keep != nil && len(src) > 0 {
		c.keep.hear(t.Now, c.srv.keep.PingAfter)
	}
	for !c.has(h2Full | h2Closing | h2Abort) {
		k, err := c.c.Next(src[n:], &l.h2)
		n += k
		if err != nil {
			c.failed(err)
			break
		}
		if l.h2.Kind == http2.None {
			break
		}
		out = c.event(t, l, out)
		if len(out)-len(dst) >= limit {
			c.flags |= h2Full
		}
	}
	if c.has(h2Closing | h2Abort) {
		n = len(src)
	}
	c.tail = uint32(min(len(src)-n, 1<<30))
	switch {
	case c.tail == 0 || c.has(h2Full):
		c.headBy = codec.Never
	case c.headBy == codec.Never:
		c.headBy = never0(t.Now, c.srv.d.Head)
	}
	out = c.pump(t, l, out, len(dst)+limit)
	c.settle(t)
	return n, out
}

// regain decides whether the peer has read enough for more input. given is what the driver has not counted as unsent yet.
func (c *h2conn) regain(given int) {
	if u := max(c.link.Unsent(), given); u >= maxUnsent {
		c.flags |= h2Full
	} else if u < maxUnsent/2 {
		c.flags &^= h2Full
	}
}

// failed ends the connection for a violation by the peer. The GOAWAY that says so is owed.
func (c *h2conn) failed(err error) {
	c.srv.onError(nil, err)
	c.flags |= h2Closing
	c.dropAll(ErrPeerClosed)
}

// event handles what Next found.
func (c *h2conn) event(t *drivers.Turn, l *local, out []byte) []byte {
	ev := &l.h2
	switch ev.Kind {
	case http2.Request:
		return c.request(t, l, out)
	case http2.TooLarge:
		return c.tooLarge(t, l, out)
	}
	s := c.stream(ev.User, ev.Stream)
	if s == nil {
		switch ev.Kind {
		case http2.Data:
			_ = c.c.Consumed(ev.Stream, len(ev.Data))
		case http2.StreamReset, http2.StreamError:
			_ = c.c.Release(ev.Stream)
		}
		return out
	}
	switch ev.Kind {
	case http2.Data:
		out = s.data(t, l, out)
	case http2.Trailers:
		out = s.trailers(t, l, out)
	case http2.StreamReset:
		s.lose(ErrPeerClosed)
	case http2.StreamError:
		c.srv.onError(s.exchange(), &http2.Error{Scope: codec.ScopeStream, Code: ev.Code, Stream: ev.Stream, Reason: ev.Reason})
		s.lose(ErrPeerClosed)
	}
	return out
}

// stream returns the stream in a slot if it is still the one meant.
func (c *h2conn) stream(user, id uint32) *h2stream {
	if user == 0 || int(user) > len(c.slots) {
		return nil
	}
	if s := c.slots[user-1]; s != nil && s.id == id {
		return s
	}
	return nil
}

// Transmit appends what handlers have ready and what the protocol owes.
func (c *h2conn) Transmit(t *drivers.Turn, dst []byte) []byte {
	l := t.Local.(*local)
	c.c.Advance(t.Now)
	limit := t.Max
	if limit <= 0 {
		limit = highWater
	}
	out := c.pump(t, l, dst, len(dst)+limit)
	c.settle(t)
	return out
}

// PeerClosed notes the FIN: what was asked before it is still answered, but contexts end, as on HTTP/1.1: a handler that only waits has
// no other way to learn that the client has left.
func (c *h2conn) PeerClosed(t *drivers.Turn) {
	c.c.Advance(t.Now)
	c.flags |= h2PeerClosed
	_ = c.c.Finish()
	for _, s := range c.slots {
		if s != nil && s.x != nil {
			s.x.ctx.end(ErrPeerClosed)
		}
	}
	c.flags |= h2News
	c.overdue(t)
	if c.c.Streams() == 0 {
		c.flags |= h2Closing
	}
	c.settle(t)
}

// Advance looks at the deadlines; what handlers have brought is for Transmit.
func (c *h2conn) Advance(t *drivers.Turn) {
	c.c.Advance(t.Now)
	c.flags |= h2News
	switch {
	case c.idleBy.Reached(t.Now):
		c.idleBy = codec.Never
		c.c.GoAway(http2.NoError)
		c.flags |= h2Closing
	case c.headBy.Reached(t.Now):
		c.headBy = codec.Never
		c.srv.onError(nil, ErrTimeout)
		c.c.GoAway(http2.NoError)
		c.flags |= h2Closing
		c.dropAll(ErrTimeout)
	}
	c.keepalive(t)
	if c.streamBy.Reached(t.Now) {
		c.expire(t)
	}
	if c.trimBy.Reached(t.Now) {
		c.trim()
	}
	c.overdue(t)
	c.settle(t)
}

// trimAfter is how long a connection must have been without streams until it holds next to nothing. Shorter pauses are not worth
// making the tables anew.
const trimAfter = time.Second

// trim gives back what only streams need.
func (c *h2conn) trim() {
	c.trimBy = codec.Never
	if c.c.Streams() > 0 || len(c.free) != len(c.slots) {
		return
	}
	c.c.Trim()
	c.slots, c.free = nil, nil
	c.wakes.mu.Lock()
	if len(c.wakes.list) == 0 {
		c.wakes.list, c.wakes.spare = nil, nil
	}
	c.wakes.mu.Unlock()
}

// overdue takes what the codec's own timers have brought: streams whose reader has stalled, SETTINGS that were not acknowledged.
func (c *h2conn) overdue(t *drivers.Turn) {
	l := t.Local.(*local)
	for c.c.Pending() && !c.has(h2Closing) {
		_, err := c.c.Next(nil, &l.h2)
		if err != nil {
			break
		}
		if l.h2.Kind == http2.None {
			return
		}
		_ = c.event(t, l, nil) // ends of streams: they append nothing
	}
	if err := c.c.Err(); err != nil && !c.has(h2Closing) {
		c.failed(err)
	}
}

// Deadline returns when Advance is due.
func (c *h2conn) Deadline() codec.Time {
	by := codec.Earliest(codec.Earliest(c.idleBy, c.headBy), codec.Earliest(c.streamBy, c.trimBy))
	if c.keep != nil && !c.has(h2Closing|h2Abort) {
		by = codec.Earliest(by, c.keep.deadline())
	}
	return codec.Earliest(by, c.c.Deadline())
}

// Status returns the machine's wishes.
func (c *h2conn) Status() drivers.Status {
	if c.has(h2Full) && c.status&(drivers.Closing|drivers.Abort) == 0 && c.link.Unsent() < maxUnsent/2 {
		return c.status | drivers.WantInput
	}
	return c.status
}

// settle computes the status after a call.
func (c *h2conn) settle(t *drivers.Turn) {
	var s drivers.Status
	if c.c.Done() || (c.has(h2PeerClosed) && c.c.Streams() == 0) {
		c.flags |= h2Closing
	}
	if c.has(h2News) || c.c.Owes() || c.canSend() {
		s = drivers.WantOutput
	}
	switch {
	case c.has(h2Abort):
		s = drivers.Abort
	case c.has(h2Closing):
		c.idleBy, c.headBy, c.streamBy, c.trimBy = codec.Never, codec.Never, codec.Never, codec.Never
		if s == 0 {
			s = drivers.Closing
		}
	default:
		if !c.has(h2Full) && !c.has(h2PeerClosed) {
			s |= drivers.WantInput
		}
		if c.c.Streams() > 0 {
			c.idleBy, c.trimBy = codec.Never, codec.Never
		} else if c.idleBy == codec.Never {
			c.idleBy = never0(t.Now, c.srv.d.Idle)
			if len(c.slots) > 0 {
				c.trimBy = t.Now.Add(trimAfter)
			}
		}
	}
	c.status = s
}

func (c *h2conn) canSend() bool {
	_, _, n := c.c.NextWritable()
	return n > 0
}

// Closed ends everything.
func (c *h2conn) Closed(err error) {
	c.dropAll(causeOf(err))
	if h := c.srv.cfg.Hooks.OnDisconnect; len(h) > 0 {
		info := c.info()
		for _, f := range h {
			f(info, err)
		}
	}
}

// Drain finishes the connection: RFC 9113 section 6.8: a GOAWAY that tells to open no more streams, what is in flight is
// answered, then it closes.
func (c *h2conn) Drain(t *drivers.Turn) {
	c.c.Advance(t.Now)
	c.flags |= h2Drain | h2News
	c.c.Shutdown()
	for _, s := range c.slots {
		if s == nil || s.tun == nil {
			continue
		}
		if d, ok := s.tun.m.(drivers.Drainer); ok {
			d.Drain(t)
			c.wakes.add(s.slot, s.id)
		}
	}
	c.settle(t)
}

// InFlight reports whether closing now would lose a request or a response.
func (c *h2conn) InFlight() bool { return c.c.Streams() > 0 || c.link.Unsent() > 0 }
