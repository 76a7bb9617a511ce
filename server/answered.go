package server

import (
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// closing decides, when a response head is written, whether the connection ends after it.
func (c *conn) closing() bool {
	if c.has(fClose | fDraining | fBroken) {
		c.flags |= fClose
		return true
	}
	if c.has(fBodyOpen) {
		switch {
		case c.has(fExpect) && c.got == 0:
			// RFC 9110 section 10.1.1-11.3: the client may or may not send the content now; nobody can tell what
			// its next byte means.
			c.flags |= fClose
		case c.left > c.srv.drainBody, c.srv.drainBody == 0:
			// RFC 9112 section 9.3-7: read the entire request body or close after the response.
			c.flags |= fClose
		}
	}
	return c.has(fClose)
}

// answered ends a request whose response is complete.
func (c *conn) answered(t *drivers.Turn) {
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	switch {
	case c.has(fClose | fBroken):
		c.st = stClosing
	case c.has(fBodyOpen):
		c.st = stDrain
		c.flags &^= fPaused
		c.mark, c.last = t.Now, t.Now
		c.got = 0
		if c.has(fPeerClosed) && c.tail == 0 {
			c.st = stClosing
		}
	default:
		c.next(t)
	}
}

// next makes the connection ready for another request.
func (c *conn) next(t *drivers.Turn) {
	c.dec.Resume()
	c.st = stHead
	c.flags &^= fBodyOpen | fExpect | fClose
	c.deadline = never0(t.Now, c.srv.d.Idle)
	if c.has(fDraining) || (c.has(fPeerClosed) && c.tail == 0) {
		c.st = stClosing
	}
}

// feedDrain drops body bytes. RFC 9112 section 9.3-7: a server that does not read the whole body must close.
func (c *conn) feedDrain(t *drivers.Turn, l *local, src []byte) (n int, more bool) {
	n, err := c.dec.Next(src, &l.body)
	if err != nil {
		c.st = stClosing
		return n, false
	}
	switch l.body.Kind {
	case http1.Body:
		c.got += int64(len(l.body.Data))
		c.last = t.Now
		if c.got > c.srv.drainBody {
			c.st = stClosing
			return n, false
		}
	case http1.End:
		c.next(t)
	case http1.None:
		if c.has(fPeerClosed) {
			c.st = stClosing
		}
		return n, false
	}
	return n, true
}

// reject answers a request that the decoder refused, and closes.
func (c *conn) reject(t *drivers.Turn, l *local, out []byte, err error) []byte {
	reason := ""
	if c.srv.cfg.ExposeErrors {
		reason = reasonOf(err)
	}
	c.srv.onError(nil, err)
	c.st = stClosing
	return l.appendError(out, t.Unix, 1, errorStatus(err), reason, "", false, true)
}
