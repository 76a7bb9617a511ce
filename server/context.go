package server

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// reqContext is a request's context. Most requests never look at it, so what is needed to cancel it is made when it is
// first asked for.
type reqContext struct {
	x      *exchange
	mu     sync.Mutex
	inner  context.Context
	cancel context.CancelCauseFunc
	cause  error // not nil: cancelled
}

var _ context.Context = (*reqContext)(nil)

// Deadline: none is known in advance.
func (c *reqContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done makes the channel, and asks the driver to notice when the peer leaves.
func (c *reqContext) Done() <-chan struct{} {
	c.mu.Lock()
	fresh := c.inner == nil && c.cause == nil
	d := c.real().Done()
	c.mu.Unlock()
	if fresh {
		c.x.link.Watch()
	}
	return d
}

// real returns the context that does the work. mu is held.
func (c *reqContext) real() context.Context {
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancelCause(context.Background())
		if c.cause != nil {
			c.cancel(c.cause)
		}
	}
	return c.inner
}

func (c *reqContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return context.Canceled
	}
	return nil
}

// keys of what Value yields beside net/http's own.
type exchangeKey struct{}

func (c *reqContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.x.srv.std
	case http.LocalAddrContextKey:
		return c.x.link.LocalAddr()
	case exchangeKey{}:
		return c.x
	}
	// context.Cause and derived contexts look for package context's own type behind this one.
	c.mu.Lock()
	inner := c.inner
	if inner == nil && c.cause != nil {
		inner = c.real()
	}
	c.mu.Unlock()
	if inner == nil {
		return nil
	}
	return inner.Value(key)
}

// end cancels the context; the first cause wins.
func (c *reqContext) end(cause error) {
	c.mu.Lock()
	if c.cause != nil {
		c.mu.Unlock()
		return
	}
	c.cause = cause
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}
