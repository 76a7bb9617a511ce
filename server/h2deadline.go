package server

import (
	"net/http"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// watch makes sure that Advance is called for the stream's deadlines. h2conn.streamBy may be early: looking once too often is
// cheaper than keeping all deadlines in order.
func (c *h2conn) watch(s *h2stream, now codec.Time) {
	by := s.deadline()
	if d := c.srv.d.BodyIdle; d > 0 && s.awaited() {
		// A body whose reader is the slow one has no deadline now, but may have one as soon as it is read: look again then.
		by = codec.Earliest(by, now.Add(d))
	}
	c.streamBy = codec.Earliest(c.streamBy, by)
}

// awaited reports whether more of the request body is to come, and soon: a body of unknown length whose response has begun is half of a
// conversation, as in gRPC, where either side may be silent for long.
func (s *h2stream) awaited() bool {
	return s.inOpen && !s.drain && !s.lost && s.tun == nil && !(s.begun && s.left < 0)
}

// deadline is the earliest time at which something must have happened on the stream.
func (s *h2stream) deadline() codec.Time {
	switch {
	case s.lost:
		return codec.Never
	case s.tun != nil:
		return s.tun.m.Deadline()
	}
	by := codec.Never
	if !s.begun || s.drain {
		by = s.by
	}
	if x := s.x; x != nil {
		by = codec.Earliest(by, codec.Earliest(x.readAt, x.writeAt))
	}
	return codec.Earliest(by, s.bodyDeadline())
}

// bodyDeadline is when the request body must have made progress.
func (s *h2stream) bodyDeadline() codec.Time {
	if !s.awaited() || s.held() {
		return codec.Never
	}
	d := &s.c.srv.d
	by := codec.Never
	if d.BodyIdle > 0 {
		by = s.last.Add(d.BodyIdle)
	}
	if d.BodyMinRate > 0 {
		due := d.BodyGrace + time.Duration(float64(s.rated)/float64(d.BodyMinRate)*float64(time.Second))
		by = codec.Earliest(by, s.mark.Add(due))
	}
	return by
}

// held reports whether the body waits for its reader, so that its sender is not to blame.
func (s *h2stream) held() bool {
	x := s.x
	if x == nil {
		return s.nat.await == nil
	}
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return len(x.in) > x.inOff || x.bodyClosed
}

// pickDeadlines takes over what http.ResponseController has set. x.g.mu is held.
func (s *h2stream) pickDeadlines(t *drivers.Turn) {
	x := s.x
	if x.readSet {
		x.readSet = false
		x.readAt = codec.Never
		if x.readBy != never {
			x.readAt = t.Now.Add(x.readBy)
		}
		s.c.streamBy = codec.Earliest(s.c.streamBy, x.readAt)
	}
	if x.writeSet {
		x.writeSet = false
		x.writeAt = codec.Never
		if x.writeBy != never {
			x.writeAt = t.Now.Add(x.writeBy)
		}
		s.c.streamBy = codec.Earliest(s.c.streamBy, x.writeAt)
	}
}

// expire looks at the deadlines of all streams.
func (c *h2conn) expire(t *drivers.Turn) {
	c.streamBy = codec.Never
	for _, s := range c.slots {
		if s == nil {
			continue
		}
		if s.deadline().Reached(t.Now) {
			s.expire(t)
		}
		if s.c != nil && s.tun == nil {
			if s.awaited() && s.held() {
				s.mark, s.last, s.rated = t.Now, t.Now, 0 // the clocks stand still meanwhile
			}
			c.watch(s, t.Now) // a tunnel is watched again when it was driven
		}
	}
}

// expire acts upon a deadline of one stream.
func (s *h2stream) expire(t *drivers.Turn) {
	c := s.c
	switch {
	case s.tun != nil:
		c.wakes.add(s.slot, s.id) // look calls Advance
		c.flags |= h2News
		return
	case s.drain:
		_ = c.c.Reset(s.id, http2.Cancel)
		s.forget(nil)
		return
	}
	if x := s.x; x != nil {
		if x.readAt.Reached(t.Now) {
			x.readAt = codec.Never
			x.g.mu.Lock()
			x.readExpired = true
			x.g.changed()
			x.g.mu.Unlock()
		}
		if x.writeAt.Reached(t.Now) {
			x.writeAt = codec.Never
			x.g.mu.Lock()
			x.dead, x.abort = errWriteDeadline, true
			x.g.changed()
			x.g.mu.Unlock()
			c.wakes.add(s.slot, s.id)
			return
		}
	}
	if s.bodyDeadline().Reached(t.Now) {
		c.srv.onError(s.exchange(), ErrTimeout)
		s.mark, s.last = t.Now, t.Now // said once
		if x := s.x; x != nil {
			reading := x.reading()
			x.bodyFailed(ErrTimeout)
			if reading || s.begun {
				return
			}
		}
		s.takeOver(t, http.StatusRequestTimeout)
		return
	}
	if !s.begun && s.by.Reached(t.Now) {
		c.srv.onError(s.exchange(), ErrTimeout)
		s.takeOver(t, http.StatusServiceUnavailable)
	}
}

// takeOver answers in a handler's place when it was too slow. The handler's writes fail from now on.
func (s *h2stream) takeOver(t *drivers.Turn, status int) {
	s.by = codec.Never
	if s.begun {
		return
	}
	xc := s.exchange()
	if x := s.x; x != nil {
		x.g.mu.Lock()
		if x.committed {
			x.g.mu.Unlock()
			return
		}
		x.taken = true
		x.g.changed()
		x.g.mu.Unlock()
		x.ctx.end(ErrTimeout)
		s.x, s.counted = nil, false // its goroutine tells when it is done
	} else {
		s.nat.drop(nil, ErrTimeout)
	}
	s.nat.xc = xc
	body := errorBody(status, "")
	s.nat.reply(&http1.ResponseHead{Status: status, Length: int64(len(body)), Framing: http1.Length,
		Fields: []codec.Field{{Name: nameLowerType, Value: textPlain}}}, []byte(body))
	s.c.wakes.add(s.slot, s.id)
	s.c.flags |= h2News
}
