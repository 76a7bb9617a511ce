package server

import (
	"io"
	"net/http"
	"os"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// reqBody is Request.Body.
type reqBody struct{ x *exchange }

// Read waits for the next piece of the body. RFC 9110 section 10.1.1-15.2: the first Read sends 100 (Continue) to a client
// that waits for it, unless the response has begun.
func (b *reqBody) Read(p []byte) (int, error) {
	x := b.x
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	if x.bodyClosed || x.done {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(p) == 0 {
		return 0, nil
	}
	if x.expect && len(x.in) == x.inOff && !x.inEOF && x.inErr == nil {
		x.expect = false
		x.continued = true
		x.informational(http.StatusContinue, nil)
		x.g.push(x.outClear)
	}
	x.g.wait(x.inReady)
	switch {
	case len(x.in) > x.inOff:
		n := copy(p, x.in[x.inOff:])
		x.inOff += n
		if x.inOff == len(x.in) {
			x.in, x.inOff = x.in[:0], 0
		}
		if x.h2 != nil {
			x.giveCredit(n)
		}
		if x.inFull && len(x.in)-x.inOff < highWater/2 {
			x.inFull = false
			x.g.mu.Unlock()
			x.link.Wake()
			x.g.mu.Lock()
		}
		if x.inEOF && len(x.in) == x.inOff {
			x.giveTrailers()
			return n, io.EOF
		}
		return n, nil
	case x.bodyClosed:
		return 0, http.ErrBodyReadAfterClose
	case x.inErr != nil:
		return 0, x.inErr
	case x.inEOF:
		x.giveTrailers()
		return 0, io.EOF
	case x.readExpired:
		return 0, os.ErrDeadlineExceeded
	}
	return 0, x.deadErr()
}

func (x *exchange) inReady() bool {
	return len(x.in) > x.inOff || x.inEOF || x.inErr != nil || x.bodyClosed || x.dead != nil || x.taken || x.readExpired
}

// Close drops the rest of the body.
func (b *reqBody) Close() error {
	x := b.x
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	x.bodyClosed = true
	full := x.inFull
	if x.h2 != nil {
		x.giveCredit(len(x.in) - x.inOff)
	}
	x.in, x.inOff, x.inFull = x.in[:0], 0, false
	x.g.changed()
	if full {
		x.g.mu.Unlock()
		x.link.Wake()
		x.g.mu.Lock()
	}
	return nil
}

// giveTrailers publishes the request's trailer fields at the end of the body.
func (x *exchange) giveTrailers() {
	if x.trailers == nil {
		return
	}
	if x.req.Trailer == nil {
		x.req.Trailer = make(http.Header)
	}
	for k, v := range x.trailers {
		x.req.Trailer[k] = v
	}
	x.trailers = nil
}

// feedHandler decodes body bytes for the running handler.
func (c *conn) feedHandler(t *drivers.Turn, l *local, src []byte) (n int, more bool) {
	if !c.has(fBodyOpen) {
		return 0, false
	}
	x := c.x
	x.g.mu.Lock()
	// The End behind the last byte consumes nothing: it must not wait for input that does not come.
	full := len(x.in)-x.inOff >= highWater && !x.bodyClosed && len(src) > 0
	x.inFull = full
	x.g.mu.Unlock()
	if full {
		c.pauseBody(t)
		return 0, false
	}
	n, err := c.dec.Next(src, &l.body)
	switch {
	case err != nil:
		c.flags &^= fBodyOpen
		c.flags |= fBroken | fClose
		x.bodyFailed(bodyError(err))
		return n, false
	case l.body.Kind == http1.Body:
		c.progress(t.Now, len(l.body.Data))
		x.feed(l.body.Data, c.left)
		if c.srv.drainBody < c.got && x.over() {
			// Nobody reads it any more and it is too long to drop.
			c.flags |= fClose
		}
	case l.body.Kind == http1.End:
		c.flags &^= fBodyOpen | fExpect
		x.bodyEnd(l.body.Fields)
	default:
		return n, false
	}
	return n, true
}

// bodyError is what Body.Read returns for a body that the decoder refused.
func bodyError(err error) error {
	if errorStatus(err) == http.StatusRequestEntityTooLarge {
		return &http.MaxBytesError{}
	}
	return err
}

// over reports whether nobody will read the body any more.
func (x *exchange) over() bool {
	x.g.mu.Lock()
	defer x.g.mu.Unlock()
	return x.bodyClosed
}

func (x *exchange) feed(p []byte, left int64) {
	x.g.mu.Lock()
	x.expect = false // the client did not wait
	if !x.bodyClosed {
		if x.in == nil {
			x.inbuf = getIn()
			x.in = x.inbuf.b[:0]
		}
		if x.inOff > 0 && len(x.in)+len(p) > cap(x.in) {
			x.in, x.inOff = append(x.in[:0], x.in[x.inOff:]...), 0
		}
		x.in = append(x.in, p...)
	}
	x.left = left
	x.g.changed()
	x.g.mu.Unlock()
}

func (x *exchange) bodyEnd(trailers []codec.Field) {
	x.g.mu.Lock()
	x.inEOF, x.left = true, 0
	for i := range trailers {
		if x.trailers == nil {
			x.trailers = make(http.Header)
		}
		x.trailers.Add(string(trailers[i].Name), string(trailers[i].Value))
	}
	x.g.changed()
	x.g.mu.Unlock()
}

func (x *exchange) bodyFailed(err error) {
	x.g.mu.Lock()
	if x.inErr == nil {
		x.inErr = err
	}
	x.closeConn = true
	x.g.changed()
	x.g.mu.Unlock()
}
