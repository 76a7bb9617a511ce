package websocket

import (
	"context"
	"sync"
)

// waiters is where goroutines wait for the connection. In an http.Handler on package stdnet the goroutine that waits is the one
// that moves the connection's bytes: then it must move them, by Link.Pump, one goroutine at a time.
type waiters struct {
	cond    sync.Cond
	n       int
	pumping bool // somebody is in Pump
	alone   bool // the driver makes progress by itself
}

// changed wakes those who wait. mu is held.
func (c *Conn) changed() {
	if w := c.w; w != nil && w.n > 0 {
		w.cond.Broadcast()
	}
}

// wait returns when ready reports true, or with the cause when ctx is done. mu is held when it is called, when ready is
// called, and when it returns.
func (c *Conn) wait(ctx context.Context, ready func() bool) error {
	if ready() {
		return nil
	}
	if c.w == nil {
		c.w = &waiters{}
		c.w.cond.L = &c.mu
	}
	w := c.w
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() {
			c.mu.Lock()
			w.cond.Broadcast()
			l := c.link
			c.mu.Unlock()
			if l != nil {
				l.Wake() // somebody in Pump comes back
			}
		})
		defer stop()
	}
	for !ready() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// Not with a Handler: its callbacks must not run inside of somebody's Send, and Upgrade has seen to a reader.
		if c.in != nil && !w.pumping && !w.alone && c.link != nil {
			c.pump()
			continue
		}
		w.n++
		w.cond.Wait()
		w.n--
	}
	return nil
}

// pump moves bytes until the machine was called. It reports false if the driver does that by itself. mu is held, but not while
// it works.
func (c *Conn) pump() bool {
	w, l := c.w, c.link
	w.pumping = true
	c.mu.Unlock()
	ok := l.Pump()
	c.mu.Lock()
	w.pumping = false
	w.alone = !ok
	w.cond.Broadcast()
	return ok
}

// patiently calls try until it returns something else than ErrFull or ErrOpen.
func (c *Conn) patiently(ctx context.Context, try func() error) error {
	for {
		err := try()
		full := err == ErrFull
		if !full && err != ErrOpen {
			return err
		}
		c.mu.Lock()
		err = c.wait(ctx, func() bool {
			return c.err != nil || c.ws.CloseSent() || (full && c.waiting() <= c.o.low) || (!full && !c.has(fOpen))
		})
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
}
