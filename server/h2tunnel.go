package server

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// h2tunnel is a stream that has become another protocol's connection, after extended CONNECT (RFC 8441): DATA is its bytes, END_STREAM its
// FIN, and RST_STREAM its reset. The machine is driven as a driver would drive it.
type h2tunnel struct {
	m      drivers.Machine
	link   tunnelLink
	in     []byte // not consumed by the machine; the stream's window bounds it
	inOff  int
	out    []byte // not sent
	outOff int
	stuck  bool // Receive consumed nothing: more bytes, or news, come first
	fin    bool // END_STREAM was seen
	told   bool // and the machine knows
}

// tunnelLink is the machine's handle on its stream.
type tunnelLink struct {
	h2link
	unsent atomic.Int64
}

// Post runs fn on the owner of the connection that the stream is part of.
func (l *tunnelLink) Post(fn func(t *drivers.Turn, err error)) error {
	return l.Link.Post(func(t *drivers.Turn, err error) {
		if err == nil && l.c.stream(l.slot, l.id) == nil {
			err = drivers.ErrClosed
		}
		fn(t, err)
		if err == nil {
			l.c.wakes.add(l.slot, l.id)
			l.c.flags |= h2News
			l.c.settle(t)
		}
	})
}

// Go: handlers of a stream have goroutines of their own.
func (l *tunnelLink) Go(fn func()) { go fn() }

// Unsent is what the stream holds back.
func (l *tunnelLink) Unsent() int { return int(l.unsent.Load()) }

// tunnelLinger is how long the client may take to end a stream that the server has ended.
const tunnelLinger = 5 * time.Second

// Switch answers an extended CONNECT with 200 and hands the stream to what next returns (RFC 8441 section 5). protocol must be the
// one that the request names.
func (w h2writer) Switch(protocol string, next Next) (drivers.Link, error) {
	if err := w.mayHandOver(); err != nil {
		return nil, err
	}
	p := w.x.req.Header[":protocol"]
	if w.x.req.Method != http.MethodConnect || len(p) != 1 || p[0] != protocol {
		return nil, ErrSwitch
	}
	return w.handOver(http.StatusOK, next)
}

// h2writer is the http.ResponseWriter of HTTP/2: it can hand over its stream, not the connection.
type h2writer struct{ *writer }

var _ Switcher = h2writer{}

// switchH2 is Ctx.Switch for an extended CONNECT.
func (x *Ctx) switchH2(protocol []byte, next Next) error {
	s := x.s
	if x.ev == nil || string(x.Method()) != http.MethodConnect || string(x.l.h2.Protocol) != string(protocol) || len(protocol) == 0 {
		return ErrSwitch
	}
	if err := x.headH2(http.StatusOK, "", false, 0, false); err != nil {
		return err
	}
	x.act = actPending
	s.tunnel(x.t, next)
	x.dst = s.drive(x.t, x.l, x.dst)
	return nil
}

// Protocol returns the :protocol of an extended CONNECT (RFC 8441), nil for every other request.
func (x *Ctx) Protocol() []byte {
	if x.s == nil || x.ev == nil {
		return nil
	}
	return x.l.h2.Protocol
}

// tunnel starts the machine that takes over the stream.
func (s *h2stream) tunnel(t *drivers.Turn, next Next) {
	tun := &h2tunnel{}
	tun.link.h2link = h2link{Link: s.c.link, c: s.c, slot: s.slot, id: s.id}
	tun.fin = !s.inOpen
	s.tun = tun
	s.by = codec.Never
	if tun.m = next(t, &tun.link); tun.m == nil {
		tun.m = dropped{}
	}
	if s.c.has(h2Drain) {
		if d, ok := tun.m.(drivers.Drainer); ok {
			d.Drain(t)
		}
	}
}

// switched moves the stream from an http.Handler to its successor. x.g.mu is held, and released.
func (s *h2stream) switched(t *drivers.Turn, l *local, out []byte) []byte {
	x := s.x
	next := x.next
	unread := append([]byte(nil), x.in[x.inOff:]...)
	x.dead = http.ErrHijacked
	if !x.g.running {
		x.done = true
		x.recycle()
	}
	x.g.mu.Unlock()
	if x.info != nil {
		x.info.Duration = t.Now.Sub(x.began)
		s.c.srv.onReply(x.info)
	}
	s.x, s.counted = nil, false // its goroutine tells
	s.tunnel(t, next)
	s.tun.in = unread
	return s.drive(t, l, out)
}

// drive calls the machine until it needs more input or room.
func (s *h2stream) drive(t *drivers.Turn, l *local, out []byte) []byte {
	tun := s.tun
	for s.tun == tun {
		st := tun.m.Status()
		pending := len(tun.out) - tun.outOff
		switch {
		case st&drivers.Abort != 0:
			_ = s.c.c.Reset(s.id, http2.Cancel)
			s.drop(nil)
			return out
		case st&drivers.HasPayload != 0 && pending < highWater:
			pl := tun.m.(drivers.Payloader)
			p := pl.Payload()
			k := min(len(p), highWater-pending)
			tun.out = append(tun.out, p[:k]...)
			pl.PayloadSent(t, k)
			continue
		case st&(drivers.WantOutput|drivers.HasPayload) == drivers.WantOutput && pending < highWater:
			tun.out = tun.m.Transmit(t, tun.out)
			if len(tun.out)-tun.outOff > pending || tun.m.Status() != st {
				continue
			}
		case st&drivers.Switch != 0 && st&(drivers.WantOutput|drivers.HasPayload) == 0:
			if tun.m = tun.m.(drivers.Successor).Successor(t); tun.m == nil {
				tun.m = dropped{}
			}
			tun.stuck, tun.told = false, false
			continue
		}
		unread := len(tun.in) - tun.inOff
		if st&drivers.Closing != 0 {
			_ = s.c.c.Consumed(s.id, unread)
			tun.in, tun.inOff = tun.in[:0], 0
			break
		}
		if st&drivers.WantInput != 0 && unread > 0 && !tun.stuck {
			n, o := tun.m.Receive(t, tun.in[tun.inOff:], tun.out)
			tun.out = o
			tun.stuck = n == 0
			if tun.inOff += n; tun.inOff == len(tun.in) {
				tun.in, tun.inOff = tun.in[:0], 0
			}
			_ = s.c.c.Consumed(s.id, n)
			continue
		}
		if tun.fin && !tun.told && (unread == 0 || tun.stuck) {
			tun.told, tun.stuck = true, false
			tun.m.PeerClosed(t)
			continue
		}
		break
	}
	if s.tun == tun {
		tun.link.unsent.Store(int64(len(tun.out) - tun.outOff))
		_ = s.c.c.Ready(s.id, len(tun.out) > tun.outOff || tun.m.Status()&drivers.Closing != 0)
		s.c.watch(s)
	}
	return out
}

// tunnelData takes bytes, and the FIN, from the client.
func (s *h2stream) tunnelData(t *drivers.Turn, l *local, out, p []byte) []byte {
	tun := s.tun
	if tun.inOff > 0 {
		tun.in, tun.inOff = append(tun.in[:0], tun.in[tun.inOff:]...), 0
	}
	tun.in = append(tun.in, p...)
	tun.stuck = false
	tun.fin = !s.inOpen
	return s.drive(t, l, out)
}

// sendTunnel sends what the machine gave, at most max bytes.
func (s *h2stream) sendTunnel(t *drivers.Turn, l *local, out []byte, max int) []byte {
	tun := s.tun
	p := tun.out[tun.outOff:]
	st := tun.m.Status()
	last := len(p) <= max && st&drivers.Closing != 0 && st&(drivers.WantOutput|drivers.HasPayload) == 0
	o, k, err := s.c.c.AppendData(out, s.id, p[:min(max, len(p))], last)
	if err != nil || k == 0 && !last {
		_ = s.c.c.Ready(s.id, false)
		return out
	}
	if tun.outOff += k; tun.outOff == len(tun.out) {
		tun.out, tun.outOff = tun.out[:0], 0
	}
	if !last {
		return s.drive(t, l, o)
	}
	s.ended = true
	s.tun = nil
	tun.m.Closed(nil)
	if !s.inOpen {
		s.forget(l)
		return o
	}
	// Until the client ends its side too, or takes too long, its bytes are dropped.
	s.drain = true
	s.by = t.Now.Add(tunnelLinger)
	s.c.watch(s)
	return o
}
