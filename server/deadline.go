package server

import (
	"errors"
	"net/http"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/drivers"
)

// Advance looks at the deadlines, and at what handlers have brought.
func (c *conn) Advance(t *drivers.Turn) {
	if c.writeBy.Reached(t.Now) {
		if c.link.Unsent() > 0 || c.st == stHandler || c.st == stNative {
			c.st = stAbort
			c.expired()
			c.settle(t)
			return
		}
		c.writeBy = codec.Never
	}
	switch c.st {
	case stHead:
		if c.queued > 0 {
			c.regain(0)
		}
		if !c.deadline.Reached(t.Now) || c.has(fFull) {
			break
		}
		c.expired()
		if !c.has(fBegun) {
			c.st = stClosing
			break
		}
		// RFC 9110 section 15.5.9: the server did not receive a complete request within the time it was prepared to wait.
		c.owe(t, http.StatusRequestTimeout)
	case stHandler:
		c.advanceHandler(t)
	case stNative:
		c.nat.waiting = false // Waker.Wake, or a deadline: ask the producer
		if by := c.bodyDeadline(); c.nat.await != nil && by.Reached(t.Now) {
			c.expired()
			answered := c.nat.begun
			c.dropNative(ErrTimeout)
			if answered {
				c.st = stAbort
			} else {
				c.owe(t, http.StatusRequestTimeout)
			}
		} else if c.nat.by.Reached(t.Now) && !c.nat.begun {
			c.expired()
			c.dropNative(ErrTimeout)
			c.owe(t, http.StatusServiceUnavailable)
		}
	case stDrain:
		if c.bodyDeadline().Reached(t.Now) {
			c.expired()
			c.st = stClosing
		}
	}
	c.settle(t)
}

func (c *conn) expired() { c.srv.onError(nil, ErrTimeout) }

// owe has Transmit send a fixed error response, after which the connection closes.
func (c *conn) owe(t *drivers.Turn, status int) {
	l := t.Local.(*local)
	c.flags |= fClose
	nat := l.newNative()
	minor := uint8(1)
	if c.has(fOld) {
		minor = 0
	}
	nat.out = l.appendError(nat.out[:0], t.Unix, minor, status, "", "", c.has(fHead) && c.st != stHead, true)
	nat.done, nat.begun = true, true
	c.nat = nat
	c.st = stNative
}

// causeOf translates why a driver closed a connection into the cause handlers see.
func causeOf(err error) error {
	switch {
	case errors.Is(err, drivers.ErrClosed):
		return ErrShutdown
	case errors.Is(err, drivers.ErrWriteStall), errors.Is(err, ErrTimeout):
		return ErrTimeout
	}
	return ErrPeerClosed
}

// reasonOf returns the clause that a request violated, a constant text.
func reasonOf(err error) string {
	var e *http1.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// progress notes n body bytes that arrived.
func (c *conn) progress(now codec.Time, n int) {
	c.last = now
	c.got += int64(n)
	if c.left > 0 {
		c.left -= int64(n)
	}
}
