package server

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// exchange is one request in the hands of an http.Handler, and its response. Handlers may keep parts of it after they return (the
// Request, its Header), so it is never reused; only its buffers are.
//
// Fields below g are shared between the handler's goroutines and the machine, and guarded by g.mu.
type exchange struct {
	srv  *Server
	link drivers.Link
	req  http.Request
	url  url.URL
	ctx  reqContext
	body reqBody
	w    response

	// Set before the handler starts, read by both sides.
	minor      uint8
	isHead     bool
	wants10    bool // an HTTP/1.0 client asked for keep-alive
	bad        bool // the target cannot be parsed: 400
	handlerBy  codec.Time
	requestBy  codec.Time
	began      codec.Time
	info       *Exchange
	expiryDone bool // machine's: the deadlines were acted upon
	h2         *h2side

	g gate

	// The way in.
	inbuf       *inBuf
	in          []byte
	inOff       int
	left        int64 // body bytes not received yet, -1 unknown
	trailers    http.Header
	inErr       error
	inEOF       bool
	inFull      bool // the machine waits for the handler to read
	bodyClosed  bool
	expect      bool // 100 (Continue) is owed
	continued   bool // 100 was sent
	readExpired bool
	readBy      time.Duration // from SetReadDeadline, relative, to be picked up by the machine
	readSet     bool
	readAt      codec.Time // machine's: the picked up deadline

	// The way out.
	ob        *outBuf
	outOff    int
	payload   []byte
	enc       http1.Encoder
	hijack    *hijacked
	next      Next  // makes the machine that takes over after a 101
	dead      error // why nothing can be written any more
	closeConn bool  // the connection closes after this response
	taken     bool  // a deadline expired: the machine answers in the handler's place
	committed bool  // the response has begun
	done      bool  // the response is complete
	abort     bool  // drop the connection
	woken     bool  // a Wake is outstanding
	counted   bool  // in Server.inFlight, until the handler returns or takes the connection over

	writeSet bool
	writeBy  time.Duration
	writeAt  codec.Time
}

// outBuf is the pooled memory of a response.
type outBuf struct {
	out    []byte // encoded bytes for the machine
	date   int    // offset in out of a Date value to be filled in, -1 for none
	body   []byte // content not encoded yet
	fields []codec.Field
	snap   []codec.Field // the header as it was at WriteHeader
	head   http1.ResponseHead
}

// bufferBefore is how much content is held back to learn a response's length, as in net/http.
const bufferBefore = 2048

type inBuf struct{ b []byte }

var (
	outPool = sync.Pool{New: func() any {
		return &outBuf{out: make([]byte, 0, 4096), body: make([]byte, 0, bufferBefore), date: -1}
	}}
	inPool = sync.Pool{New: func() any { return &inBuf{b: make([]byte, 0, 8192)} }}
)

func getIn() *inBuf { return inPool.Get().(*inBuf) }

func (b *outBuf) free() {
	clear(b.fields)
	clear(b.snap)
	b.head = http1.ResponseHead{}
	b.fields, b.snap = b.fields[:0], b.snap[:0]
	b.out, b.body, b.date = b.out[:0], b.body[:0], -1
	if cap(b.out) <= 4*highWater {
		outPool.Put(b)
	}
}

// newExchange prepares the handler call for the head in l.ev.
func (c *conn) newExchange(t *drivers.Turn, l *local) {
	if c.hc == nil {
		hc := new(handlerConn)
		if a := c.link.RemoteAddr(); a != nil {
			hc.remote = a.String()
		}
		hc.run = func() { c.x.run() }
		c.hc = hc
	}
	ev := &l.ev
	x := &exchange{srv: c.srv, link: c.link, minor: ev.Minor, isHead: c.has(fHead)}
	x.g.init(c.link)
	x.ctx.x, x.body.x, x.w.x = x, x, x
	x.ob = outPool.Get().(*outBuf)
	x.w.length = -1
	x.bad = !x.build(l, ev, c.hc.remote)
	x.wants10 = ev.Minor == 0 && ev.KeepAlive
	if l, ok := c.link.(TLSLink); ok {
		x.req.TLS = l.ConnectionState()
	}
	x.expect = c.has(fExpect)
	x.closeConn = c.has(fClose)
	x.left = c.left
	x.inEOF = !c.has(fBodyOpen)
	x.began = t.Now
	x.handlerBy = never0(t.Now, c.srv.d.Handler)
	x.requestBy = never0(c.start, c.srv.d.Request)
	if c.srv.hooked {
		x.info = c.exchangeInfo(ev)
		x.info.Request = &x.req
		for _, f := range c.srv.cfg.Hooks.OnReceive {
			f(x.info)
		}
	}
	if c.has(fPeerClosed) && c.tail == 0 {
		x.ctx.end(ErrPeerClosed)
	}
	c.x = x
}

// run is the function given to Link.Go.
func (x *exchange) run() {
	returned := false
	defer func() {
		v := recover()
		if v != nil || !returned {
			x.panicked(v)
		}
		x.ctx.end(errDone)
		if f := x.req.MultipartForm; f != nil {
			_ = f.RemoveAll()
		}
		x.g.mu.Lock()
		x.g.leave()
		x.uncount()
		if x.dead != nil {
			x.done = x.done || x.next != nil
			x.recycle()
		}
		x.g.mu.Unlock()
		if x.h2 != nil { // this goroutine is no driver's
			x.link.Wake()
		}
		// Otherwise the driver calls Advance now.
	}()
	if x.bad {
		x.closeConn = true
		x.w.fixed(http.StatusBadRequest)
	} else if x.req.RequestURI == "*" && x.req.Method == http.MethodOptions {
		// RFC 9110 section 9.3.7-2: a ping of the server as a whole; no handler is concerned.
		x.w.Header()["Content-Length"] = []string{"0"}
	} else {
		x.srv.handler.ServeHTTP(x.writer(), &x.req)
	}
	x.w.finish()
	returned = true
}

// uncount takes the request out of those in flight. A handler that was too slow counts until it returns, though its request is
// answered: it is handlers that cost. mu is held.
func (x *exchange) uncount() {
	if x.counted {
		x.counted = false
		x.srv.release()
	}
}

// writer returns what the handler gets: on HTTP/2 a connection cannot be taken over.
func (x *exchange) writer() http.ResponseWriter {
	if x.h2 != nil {
		return h2writer{&x.w.writer}
	}
	return &x.w
}

var errDone = errors.New("server: request is done")

// panicked turns a handler's panic into a 500, or into a dropped connection if the response has begun.
func (x *exchange) panicked(v any) {
	if v != nil && v != http.ErrAbortHandler {
		err := &PanicError{Value: v, Stack: debug.Stack()}
		x.srv.logf("server: panic serving %s: %v\n%s", x.req.RemoteAddr, v, err.Stack)
		x.srv.onError(x.info, err)
	}
	x.g.mu.Lock()
	if x.hijack != nil {
		h := x.hijack
		x.g.mu.Unlock()
		_ = h.Close()
		return
	}
	if x.next != nil { // the connection is another machine's
		x.g.mu.Unlock()
		return
	}
	x.closeConn = true
	fresh := !x.committed && v != nil && v != http.ErrAbortHandler
	if !fresh {
		x.abort, x.done = true, true
		x.w.ended = true
	}
	x.g.mu.Unlock()
	if fresh {
		x.w.reset()
		x.w.fixed(http.StatusInternalServerError)
		x.w.finish()
	}
}

// outClear reports whether the machine has taken everything, or never will.
func (x *exchange) outClear() bool {
	return x.dead != nil || x.taken || (x.pending() == 0 && len(x.payload) == 0)
}

// pending is how many encoded bytes wait for the machine.
func (x *exchange) pending() int {
	if x.ob == nil {
		return 0
	}
	return len(x.ob.out) - x.outOff
}

func (x *exchange) outRoom() bool {
	return x.dead != nil || x.taken || x.pending() < highWater
}

// deadErr is what writes return once nothing can be written.
func (x *exchange) deadErr() error {
	if x.taken {
		return http.ErrHandlerTimeout
	}
	return x.dead
}

// recycle returns the buffers. mu is held; both the handler and the machine are done with them.
func (x *exchange) recycle() {
	if x.ob != nil {
		x.ob.free()
		x.ob = nil
		x.outOff = 0
	}
	if x.inbuf != nil && x.done {
		if cap(x.in) > cap(x.inbuf.b) {
			x.inbuf.b = x.in[:0]
		}
		if cap(x.inbuf.b) <= 2*highWater {
			x.inbuf.b = x.inbuf.b[:0]
			inPool.Put(x.inbuf)
		}
		x.inbuf, x.in, x.inOff = nil, nil, 0
	}
}

// closed tells that the connection is gone.
func (x *exchange) closed(cause error) {
	x.ctx.end(cause)
	x.g.mu.Lock()
	if x.dead == nil {
		x.dead = cause
	}
	x.payload = nil
	if !x.g.running {
		x.recycle()
	}
	x.g.changed()
	x.g.mu.Unlock()
}

// peerClosed tells of the FIN; truncated if the body can no longer be completed.
func (x *exchange) peerClosed(truncated bool) {
	x.ctx.end(ErrPeerClosed)
	x.g.mu.Lock()
	if truncated && !x.inEOF && x.inErr == nil {
		x.inErr = errTruncated
		x.closeConn = true
	}
	x.g.changed()
	x.g.mu.Unlock()
}

// drain has the response, if it has not begun, close the connection.
func (x *exchange) drain() {
	x.g.mu.Lock()
	x.closeConn = true
	x.g.mu.Unlock()
}

// errTruncated is what Body.Read returns when the peer left in the middle of the body.
var errTruncated error = io.ErrUnexpectedEOF
