package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// highWater is how many bytes wait on one side of a call before the other side is held back.
const highWater = 64 << 10

// call is one request and its response. Its upper half belongs to the connection's owner; everything below mu is shared with the
// goroutines that wait for the response, read its body and feed the request's.
type call struct {
	req    *http.Request
	ctx    context.Context
	trace  *httptrace.ClientTrace
	method http1.Method
	length int64 // of the request's content, -1 unknown, 0 none
	expect bool  // Expect: 100-continue
	gzip   bool  // we asked for gzip, and undo it

	// Machine's.
	wake    func() // has the machine look at this call
	id      uint32 // stream
	slot    uint32
	sent    bool // the head was given to the driver
	endSent bool // so was the end
	answer  bool // a byte of the response was seen
	inEnd   bool // the response is complete

	mu   sync.Mutex
	cond sync.Cond

	// The way out.
	src      io.ReadCloser // the request's body while it is being sent
	out      []byte
	outOff   int
	outEnd   bool // the body is complete
	outErr   error
	outStop  bool          // nobody wants the rest
	written  chan struct{} // closed when the request is sent as a whole
	go100    bool          // the body may be sent
	trailers []codec.Field

	// The way in.
	ready   chan struct{} // closed when res or err is set
	settled bool
	res     *http.Response
	err     error
	in      []byte
	inOff   int
	inEOF   bool
	inErr   error
	inFull  bool
	credit  int
	inTrail http.Header
	dropped bool  // the body was closed, or the call cancelled: nobody reads
	cause   error // why it was cancelled
	retry   bool  // err: the server has not seen the request
	lost    bool  // err: the connection ended before the first byte of a response
	tunnel  bool  // raw bytes both ways
	stop    func() bool
}

func newCall(req *http.Request) *call {
	c := &call{req: req, ctx: req.Context(), ready: make(chan struct{}), written: make(chan struct{})}
	c.cond.L = &c.mu
	c.trace = httptrace.ContextClientTrace(c.ctx)
	c.method = http1.LookupMethod([]byte(req.Method))
	return c
}

// respond gives the caller its response.
func (c *call) respond(res *http.Response) {
	c.mu.Lock()
	if !c.settled {
		c.settled = true
		c.res = res
		close(c.ready)
	}
	c.mu.Unlock()
}

// fail ends the call with an error; retry tells that the server has not seen the request. The first outcome stands: once there is a
// response, the error is its body's.
func (c *call) fail(err error, retry bool) {
	c.mu.Lock()
	if !c.settled {
		c.settled = true
		c.err, c.retry = err, retry
		close(c.ready)
	}
	if !c.inEOF && c.inErr == nil {
		c.inErr = err
	}
	c.stopOut()
	c.mu.Unlock()
}

// stopOut ends the way out: nobody wants the rest of the request's body. It is closed even if a Read of it is waiting, so that neither
// that Read nor whoever feeds the body waits forever. mu is held.
func (c *call) stopOut() {
	c.outStop = true
	c.cond.Broadcast()
	if src := c.src; src != nil {
		c.src = nil
		go src.Close() // it may take its time, and locks of its owner
	}
}

// wrote notes that the request was sent as a whole. It is called once, on the connection's owner.
func (c *call) wrote() {
	c.endSent = true
	close(c.written)
	if c.trace != nil && c.trace.WroteRequest != nil {
		c.trace.WroteRequest(wroteOK)
	}
}

// lose ends the call because its connection has ended.
func (c *call) lose(err error) {
	c.mu.Lock()
	c.lost = !c.answer
	c.mu.Unlock()
	c.fail(err, !c.sent)
}

// feed takes a piece of the response's content.
func (c *call) feed(p []byte) {
	c.mu.Lock()
	if c.dropped {
		c.credit += len(p)
		c.mu.Unlock()
		return
	}
	if c.inOff > 0 && len(c.in)+len(p) > cap(c.in) {
		c.in, c.inOff = append(c.in[:0], c.in[c.inOff:]...), 0
	}
	c.in = append(c.in, p...)
	c.cond.Broadcast()
	c.mu.Unlock()
}

// end notes the end of the response's content.
func (c *call) end(trailers []codec.Field) {
	c.mu.Lock()
	c.inEOF = true
	for i := range trailers {
		if c.inTrail == nil {
			c.inTrail = make(http.Header)
		}
		c.inTrail.Add(string(trailers[i].Name), string(trailers[i].Value))
	}
	c.cond.Broadcast()
	c.mu.Unlock()
	c.untie()
}

// untie takes the call's context away: what is complete can no longer be cancelled.
func (c *call) untie() {
	c.mu.Lock()
	stop := c.stop
	c.stop = nil
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// cancel gives the call up: the machine resets the stream, or closes the connection.
func (c *call) cancel(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	wake := c.wake
	c.mu.Unlock()
	c.fail(cause, false)
	if wake != nil {
		wake()
	}
}

// cancelled returns why the call was given up, nil if it was not.
func (c *call) cancelled() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// body is the Body of a response.
type body struct{ c *call }

// Read gives content as it arrives. It may be called while the request's body is still being sent.
func (b body) Read(p []byte) (int, error) {
	c := b.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.in) == c.inOff && !c.inEOF && c.inErr == nil && !c.dropped {
		c.cond.Wait()
	}
	switch {
	case len(c.in) > c.inOff:
		n := copy(p, c.in[c.inOff:])
		c.inOff += n
		if c.inOff == len(c.in) {
			c.in, c.inOff = c.in[:0], 0
		}
		c.credit += n
		c.news(c.inEOF && len(c.in) == 0 || c.credit >= highWater/4 || c.inFull && len(c.in)-c.inOff < highWater/2)
		return n, nil
	case c.dropped:
		return 0, http.ErrBodyReadAfterClose
	case c.inErr != nil:
		return 0, c.inErr
	}
	if c.inTrail != nil {
		if c.res.Trailer == nil {
			c.res.Trailer = make(http.Header)
		}
		for k, v := range c.inTrail {
			c.res.Trailer[k] = v
		}
		c.inTrail = nil
	}
	return 0, io.EOF
}

// news has the machine look if there is reason to. mu is held, and released for a moment.
func (c *call) news(reason bool) {
	if !reason || c.wake == nil {
		return
	}
	c.inFull = false
	wake := c.wake
	c.mu.Unlock()
	wake()
	c.mu.Lock()
}

// Close gives up the rest of the content.
func (b body) Close() error {
	c := b.c
	c.mu.Lock()
	if c.dropped {
		c.mu.Unlock()
		return nil
	}
	c.dropped = true
	c.credit += len(c.in) - c.inOff
	c.in, c.inOff = nil, 0
	whole := c.inEOF
	c.cond.Broadcast()
	c.news(true)
	c.mu.Unlock()
	if whole {
		return nil
	}
	c.untie()
	return nil
}

// duplex is the Body of a response that switched protocols: bytes both ways.
type duplex struct{ body }

// Write sends bytes on the connection, or the stream, that now speaks another protocol.
func (d duplex) Write(p []byte) (n int, err error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(p) {
		for len(c.out)-c.outOff >= highWater && !c.outStop && !c.dropped {
			c.cond.Wait()
		}
		if c.outStop || c.dropped {
			if c.inErr != nil {
				return n, c.inErr
			}
			return n, io.ErrClosedPipe
		}
		k := min(highWater-(len(c.out)-c.outOff), len(p)-n)
		c.out = append(c.out, p[n:n+k]...)
		n += k
		c.news(true)
	}
	return n, nil
}

// CloseWrite sends the end of the bytes, where the wire has that.
func (d duplex) CloseWrite() error {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outEnd = true
	c.news(true)
	return nil
}

var _ io.ReadWriteCloser = duplex{}

// send copies the request's body to the machine until it ends. It runs on a goroutine of its own, and sees to it that the body is closed.
func (c *call) send(src io.ReadCloser) {
	c.mu.Lock()
	if c.outStop {
		c.mu.Unlock()
		_ = src.Close()
		return
	}
	c.src = src
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		mine := c.src != nil
		c.src = nil
		c.mu.Unlock()
		if mine {
			_ = src.Close()
		}
	}()
	if !c.await100() {
		return
	}
	buf := make([]byte, 16<<10)
	var sent int64
	for {
		n, err := src.Read(buf)
		sent += int64(n)
		if c.length >= 0 && sent > c.length || err == io.EOF && c.length >= 0 && sent < c.length {
			err = errLength
		}
		if !c.push(buf[:n], err) {
			return
		}
	}
}

var errLength = errors.New("client: request body does not have the length that ContentLength promises")

// push adds a piece of the request's body; it reports whether more is wanted.
func (c *call) push(p []byte, err error) bool {
	c.mu.Lock()
	for len(c.out)-c.outOff >= highWater && !c.outStop {
		c.cond.Wait()
	}
	if c.outStop {
		c.mu.Unlock()
		return false
	}
	if c.outOff > 0 {
		c.out, c.outOff = append(c.out[:0], c.out[c.outOff:]...), 0
	}
	c.out = append(c.out, p...)
	switch err {
	case nil:
	case io.EOF:
		c.outEnd = true
		for k, vs := range c.req.Trailer {
			for _, v := range vs {
				c.trailers = append(c.trailers, codec.Field{Name: []byte(k), Value: []byte(v)})
			}
		}
	default:
		c.outErr = err
	}
	c.news(true)
	c.mu.Unlock()
	if err != nil && err != io.EOF {
		c.cancel(err)
	}
	return err == nil
}

// await100 waits until the body may be sent (RFC 9110 section 10.1.1: a client that waits for 100 SHOULD NOT wait indefinitely: the
// Transport sets a timer).
func (c *call) await100() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.expect && !c.go100 && !c.outStop {
		c.cond.Wait()
	}
	return !c.outStop
}

// continue100 lets the body go.
func (c *call) continue100() {
	c.mu.Lock()
	c.go100 = true
	c.cond.Broadcast()
	c.mu.Unlock()
}
