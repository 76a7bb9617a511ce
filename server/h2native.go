package server

import (
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/drivers"
)

// h2native is what a native request needs that outlives the call of its handler.
type h2native struct {
	await    func(*Ctx)    // wants to be called when the body has news
	stream   Producer      // is asked for content when there is room
	waiting  bool          // the producer has nothing now
	payload  []byte        // content that waits; the caller's, or own
	own      []byte        // memory for content that was copied
	release  func()        // tells that payload is free
	trailers []codec.Field // behind the payload
	det      *Detached     // will be answered by another goroutine
	late     *http1.ResponseHead
	in       []byte // body that was not polled yet
	inOff    int
	buf      []byte // ReadBody
	length   int64  // content that a producer has still to give, -1 not declared
	xc       *Exchange
	status   int
	bytes    int64
}

// reply leaves a response to Transmit.
func (n *h2native) reply(h *http1.ResponseHead, body []byte) { n.late, n.payload = h, body }

// drop gives up a request. s is nil if the stream goes on without its handler.
func (n *h2native) drop(s *h2stream, err error) {
	if n.release != nil {
		n.release()
	}
	if n.det != nil {
		n.det.fail(err)
	}
	if s != nil && n.xc != nil {
		s.c.srv.onReply(n.xc)
	}
	n.await, n.stream, n.payload, n.release, n.det, n.late, n.xc, n.trailers = nil, nil, nil, nil, nil, nil, nil, nil
}

// serveNative calls the native handler for the head in l.ev.
func (s *h2stream) serveNative(t *drivers.Turn, l *local, out []byte) ([]byte, bool) {
	x := &l.ctx
	x.start(nil, t, l, nil, 0, out, &l.ev)
	x.s = s
	srv := s.c.srv
	if srv.hooked {
		s.nat.xc = &Exchange{Conn: s.c.info(), Method: string(l.ev.Method), Target: string(l.ev.Target)}
		for _, f := range srv.cfg.Hooks.OnReceive {
			f(s.nat.xc)
		}
	}
	x.callH2(nil)
	if x.act == actPass {
		out = x.dst
		x.clear()
		s.nat.xc = nil
		return out, true
	}
	return x.finishH2(), false
}

// callH2 runs the handler, or fn, and contains its panic.
func (x *Ctx) callH2(fn func(*Ctx)) {
	defer func() {
		if v := recover(); v != nil {
			x.panickedH2(v)
		}
	}()
	if fn == nil {
		x.s.c.srv.native.ServeNative(x)
	} else {
		fn(x)
	}
}

// panickedH2 answers 500, or resets the stream if the response has begun: what was compressed cannot be taken back.
func (x *Ctx) panickedH2(v any) {
	s := x.s
	srv := s.c.srv
	if v == http.ErrAbortHandler {
		x.act = actAbort
		return
	}
	err := &PanicError{Value: v, Stack: debug.Stack()}
	srv.logf("server: panic serving %v: %v\n%s", s.c.link.RemoteAddr(), v, err.Stack)
	srv.onError(s.nat.xc, err)
	if s.begun {
		x.act = actAbort
		return
	}
	xc := s.nat.xc
	s.nat.drop(nil, ErrPeerClosed)
	s.nat.xc = xc
	x.act = actNone
	x.extra = x.extra[:0]
	_ = x.Error(http.StatusInternalServerError)
}

// finishH2 turns what the handler did into the stream's next state.
func (x *Ctx) finishH2() []byte {
	s := x.s
	if x.act == actNone {
		_ = x.Reply(http.StatusOK, "", nil)
	}
	if x.act == actAbort {
		_ = s.c.c.Reset(s.id, http2.InternalError)
		s.drop(ErrAnswered)
	} else if s.ended {
		s.doneNative(x.t, x.l)
	} else {
		s.c.watch(s, x.t.Now)
	}
	out := x.dst
	x.clear()
	return out
}

// doneNative ends a native request whose response is complete.
func (s *h2stream) doneNative(t *drivers.Turn, l *local) {
	n := &s.nat
	if n.release != nil {
		n.release()
		n.release = nil
	}
	if n.xc != nil {
		n.xc.Status, n.xc.Bytes, n.xc.Duration = n.status, n.bytes, t.Now.Sub(s.began)
		s.c.srv.onReply(n.xc)
	}
	s.close(l, len(n.in)-n.inOff)
}

// nativeData gives a native handler a piece of its body, or its end.
func (s *h2stream) nativeData(t *drivers.Turn, l *local, out []byte, p []byte) []byte {
	n := &s.nat
	if s.begun || n.late != nil {
		_ = s.c.c.Consumed(s.id, len(p)) // nobody will ask for it
		return out
	}
	if n.await == nil {
		n.hold(p)
		return out
	}
	x := &l.ctx
	x.start(nil, t, l, nil, 0, out, nil)
	x.s = s
	x.piece = p
	fn := n.await
	n.await = nil
	x.act = actPending
	x.callH2(fn)
	if len(x.piece) > 0 {
		if s.begun {
			_ = s.c.c.Consumed(s.id, len(x.piece))
		} else {
			n.hold(x.piece)
		}
		x.piece = nil
	}
	if x.act == actPending && n.await == nil && n.det == nil && !s.begun && n.late == nil {
		x.act = actNone // it neither answered nor waits
	}
	return x.finishH2()
}

// hold keeps a piece of the body until it is asked for. The stream's window bounds it.
func (n *h2native) hold(p []byte) {
	if n.inOff == len(n.in) {
		n.in, n.inOff = n.in[:0], 0
	}
	n.in = append(n.in, p...)
}

// lookNative sends a response that came from elsewhere, and asks a producer again.
func (s *h2stream) lookNative(t *drivers.Turn, l *local, out []byte) []byte {
	n := &s.nat
	if h := n.late; h != nil && !s.begun {
		n.late = nil
		body := n.payload
		if s.isHead {
			body = nil
		}
		n.payload = body
		l.fields = l.fields[:0]
		for _, f := range h.Fields {
			l.fields = append(l.fields, codec.Field{Name: lowerName(&l.names, f.Name), Value: f.Value, Sensitive: f.Sensitive})
		}
		o, err := s.appendHead(t, l, out, h.Status, h.Framing == http1.Length, h.Length, len(body) == 0)
		if err != nil {
			_ = s.c.c.Reset(s.id, http2.InternalError)
			s.drop(ErrAnswered)
			return out
		}
		out = o
		n.length = int64(len(body))
		if !s.ended {
			_ = s.c.c.Ready(s.id, true)
		}
	}
	if n.stream != nil && n.waiting {
		n.waiting = false
		_ = s.c.c.Ready(s.id, true)
	}
	if s.ended {
		s.doneNative(t, l)
	}
	return out
}

// appendHead appends the response head with l.fields, a length and the date.
func (s *h2stream) appendHead(t *drivers.Turn, l *local, out []byte, status int, sized bool, length int64, end bool) ([]byte, error) {
	if sized && status != http.StatusNoContent && status != http.StatusNotModified {
		l.num = strconv.AppendInt(l.num[:0], length, 10)
		l.fields = append(l.fields, codec.Field{Name: nameLowerLength, Value: l.num})
	}
	l.fields = append(l.fields, codec.Field{Name: nameLowerDate, Value: l.dates.Bytes(t.Unix)})
	o, err := s.c.c.AppendResponse(out, s.id, status, l.fields, end)
	if err != nil {
		return out, err
	}
	s.begun, s.ended = true, end
	s.nat.status = status
	return o, nil
}

// sendNative sends one piece of content, at most max bytes.
func (s *h2stream) sendNative(t *drivers.Turn, l *local, out []byte, max int) []byte {
	n := &s.nat
	if n.stream != nil {
		return s.produce(t, l, out, max)
	}
	p := n.payload
	last := len(p) <= max && n.trailers == nil
	o, k, err := s.c.c.AppendData(out, s.id, p[:min(max, len(p))], last)
	if err != nil || k == 0 && !last {
		_ = s.c.c.Ready(s.id, false)
		return out
	}
	n.payload = p[k:]
	n.bytes += int64(k)
	switch {
	case last:
		s.ended = true
		s.doneNative(t, l)
	case len(n.payload) == 0: // trailers follow
		_ = s.c.c.Ready(s.id, false)
		o = s.sendTrailers(l, o, n.trailers)
		s.doneNative(t, l)
	}
	return o
}

// produce asks the producer for one piece.
func (s *h2stream) produce(t *drivers.Turn, l *local, out []byte, max int) []byte {
	n := &s.nat
	buf, flow := s.ask(l.buf[:0], max)
	if cap(buf) <= 2*highWater {
		l.buf = buf[:0]
	}
	end := flow == FlowEnd
	short := n.length >= 0 && (int64(len(buf)) > n.length || end && int64(len(buf)) != n.length)
	if flow == FlowAbort || short || len(buf) > max {
		_ = s.c.c.Reset(s.id, http2.InternalError)
		s.drop(ErrAnswered)
		return out
	}
	if len(buf) > 0 || end {
		o, k, err := s.c.c.AppendData(out, s.id, buf, end)
		if err != nil || k != len(buf) {
			_ = s.c.c.Reset(s.id, http2.InternalError)
			s.drop(ErrAnswered)
			return out
		}
		out = o
		n.bytes += int64(k)
		if n.length >= 0 {
			n.length -= int64(k)
		}
	}
	switch {
	case end:
		s.ended = true
		n.stream = nil
		s.doneNative(t, l)
	case flow == FlowWait:
		n.waiting = true
		_ = s.c.c.Ready(s.id, false)
	}
	return out
}

// ask contains a producer's panic.
func (s *h2stream) ask(dst []byte, max int) (out []byte, f Flow) {
	defer func() {
		if v := recover(); v != nil {
			s.c.srv.onError(s.nat.xc, &PanicError{Value: v, Stack: debug.Stack()})
			out, f = dst, FlowAbort
		}
	}()
	return s.nat.stream(dst, max)
}
