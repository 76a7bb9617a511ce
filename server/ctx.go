package server

import (
	"net"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

type action uint8

const (
	actNone action = iota
	actAnswered
	actPending
	actPass
	actSwitch
	actAbort
)

// Ctx is one request as a NativeHandler sees it, and the means to answer it. It belongs to the worker: all slices it
// gives are lent until the handler returns. Its methods must not be called after that.
type Ctx struct {
	c   *conn
	t   *drivers.Turn
	l   *local
	ev  *http1.Event // nil in AwaitBody callbacks
	src []byte
	n   int
	dst []byte
	nat *native
	xc  *Exchange

	s     *h2stream // on HTTP/2; then c, src, n, nat and xc are not used
	piece []byte    // body that came with the event

	extra  []codec.Field
	status int
	bytes  int64
	began  codec.Time
	act    action
	begun  bool
}

func (x *Ctx) start(c *conn, t *drivers.Turn, l *local, src []byte, n int, dst []byte, ev *http1.Event) {
	x.c, x.t, x.l, x.src, x.n, x.dst, x.ev = c, t, l, src, n, dst, ev
	x.s, x.piece = nil, nil
	x.act, x.begun, x.status, x.bytes = actNone, false, 0, 0
	x.extra = x.extra[:0]
}

// clear drops everything that belongs to a connection.
func (x *Ctx) clear() {
	x.c, x.t, x.src, x.dst, x.ev, x.nat, x.xc, x.s, x.piece = nil, nil, nil, nil, nil, nil, nil, nil, nil
}

var noEvent http1.Event

// event returns the head, or an empty one inside AwaitBody callbacks, where the head is gone.
func (x *Ctx) event() *http1.Event {
	if x.ev == nil {
		return &noEvent
	}
	return x.ev
}

// Method returns the request method as sent. Like all views of the head it is empty inside AwaitBody and ReadBody callbacks.
func (x *Ctx) Method() []byte { return x.event().Method }

// MethodID returns the number of a standard method, http1.MethodOther for others.
func (x *Ctx) MethodID() http1.Method { return x.event().MethodID }

// Target returns the request target as sent (RFC 9112 section 3.2).
func (x *Ctx) Target() []byte { return x.event().Target }

// Path returns the path of the target as sent, percent-encoding and all.
func (x *Ctx) Path() []byte { return x.event().Path }

// Query returns the query of the target without its "?".
func (x *Ctx) Query() []byte { return x.event().Query }

// Authority returns the host[:port] the request is for: of an absolute target, else of Host (RFC 9112 section 3.3).
func (x *Ctx) Authority() []byte { return x.event().Authority }

// Major returns the major version of HTTP: 1 or 2.
func (x *Ctx) Major() uint8 {
	if x.s != nil {
		return 2
	}
	return 1
}

// Minor returns the minor version of HTTP/1: 0 or 1. It is 0 on HTTP/2.
func (x *Ctx) Minor() uint8 {
	if x.s != nil {
		return 0
	}
	return x.event().Minor
}

// Fields returns the header section in wire order.
func (x *Ctx) Fields() []codec.Field { return x.event().Fields }

// Header returns the first value of the field with that name, compared without case, nil if there is none.
func (x *Ctx) Header(name string) []byte { return http1.Get(x.event().Fields, name) }

// ContentLength returns the declared length of the body, -1 if it is chunked, 0 if there is none.
func (x *Ctx) ContentLength() int64 {
	ev := x.event()
	if ev.Framing == http1.NoBody {
		return 0
	}
	return ev.Length
}

// RemoteAddr and LocalAddr return the connection's addresses.
func (x *Ctx) RemoteAddr() net.Addr { return x.link().RemoteAddr() }

// LocalAddr returns the address the connection was accepted on.
func (x *Ctx) LocalAddr() net.Addr { return x.link().LocalAddr() }

// Now returns the driver's monotonic clock.
func (x *Ctx) Now() codec.Time { return x.t.Now }

// Pass hands the request on to Config.Handler. It must be called from ServeNative itself, before PollBody and instead of an
// answer; it reports whether that was so.
func (x *Ctx) Pass() bool {
	if x.s != nil {
		if x.act != actNone || x.ev == nil || x.s.got > 0 {
			return false
		}
		x.act = actPass
		return true
	}
	if x.act != actNone || x.ev == nil || (x.c.got > 0 && x.c.has(fBodyOpen)) {
		return false
	}
	x.act = actPass
	return true
}

// Close has the connection closed after this response. Call it before answering. On HTTP/2 the connection takes no new
// streams from now on, and closes when all are finished.
func (x *Ctx) Close() {
	if x.s != nil {
		x.s.c.c.Shutdown()
		return
	}
	x.c.flags |= fClose
}

// Abort closes the connection at once, without an answer. On HTTP/2 it resets the stream.
func (x *Ctx) Abort() { x.act = actAbort }

// SetField adds a field to the response that follows, and returns the Ctx. Name and value are lent until then. A field that may not be
// sent (see http1.ResponseHead.Fields) makes the answer fail. Upgrade, which 426 needs, brings its Connection field along.
func (x *Ctx) SetField(name, value []byte) *Ctx {
	x.extra = append(x.extra, codec.Field{Name: name, Value: value})
	return x
}
