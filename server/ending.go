package server

import (
	"github.com/purewire/purewire/drivers"
)

// PeerClosed notes the FIN. RFC 9112 section 9.6: what was asked before it is still answered.
func (c *conn) PeerClosed(t *drivers.Turn) {
	c.flags |= fPeerClosed
	switch c.st {
	case stHead:
		if !c.has(fFull) {
			c.st = stClosing
		}
	case stDrain:
		if c.tail == 0 {
			c.st = stClosing
		}
	case stHandler:
		c.x.peerClosed(c.has(fBodyOpen) && c.tail == 0)
	case stNative:
		if c.nat.await != nil && c.tail == 0 {
			c.st = stClosing
			c.dropNative(ErrPeerClosed)
		}
	}
	c.settle(t)
}

// Closed ends everything.
func (c *conn) Closed(err error) {
	if c.has(fCounted) {
		c.flags &^= fCounted
		c.srv.release()
	}
	if c.has(fStart) { // a panic before the handler could start
		c.flags &^= fStart
		c.x.g.mu.Lock()
		c.x.uncount()
		c.x.g.mu.Unlock()
	}
	if c.x != nil {
		c.x.closed(causeOf(err))
	}
	if c.nat != nil {
		c.dropNative(causeOf(err))
	}
	c.disconnect(err)
}

func (c *conn) disconnect(err error) {
	if h := c.srv.cfg.Hooks.OnDisconnect; len(h) > 0 {
		info := c.info()
		for _, f := range h {
			f(info, err)
		}
	}
}

// Drain finishes the connection: what is in flight is answered, then it closes.
func (c *conn) Drain(t *drivers.Turn) {
	c.flags |= fDraining
	switch c.st {
	case stHead:
		// RFC 9112 section 9.5: an idle connection may be closed at any time. One that has sent part of a request is let finish it.
		if !c.has(fBegun) && !c.has(fFull) {
			c.st = stClosing
		}
	case stHandler:
		c.x.drain()
	}
	c.settle(t)
}

// InFlight reports whether closing now would lose a request or a response.
func (c *conn) InFlight() bool {
	return c.st == stHandler || c.st == stNative || c.tail > 0 || c.link.Unsent() > 0
}
