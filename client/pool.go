package client

import (
	"slices"
	"sync"
	"time"
)

// key is what connections are shared by: the origin, and the way to it.
type key struct {
	scheme, addr string // the origin; of plain HTTP through an HTTP proxy: the proxy
	proxy        string
}

// pool keeps the connections of a Transport.
type pool struct {
	set *settings

	mu     sync.Mutex
	hosts  map[key]*host
	order  []*conn // idle HTTP/1.1 connections, the longest idle first
	closed bool
	reaper *time.Timer
	// leaving are the HTTP/2 connections that take no more calls and have some.
	leaving map[*conn]struct{}
}

// host is what a pool knows of one origin.
type host struct {
	idle    []*conn // HTTP/1.1, the last used last
	h2      []*conn
	dialing *dialling // a dial that may become HTTP/2
	only1   bool      // the origin has chosen HTTP/1.1 before: dials need not wait for each other
	all     map[*conn]struct{}
}

// dialling is a dial that others wait for, since its connection may serve them too.
type dialling struct {
	done   chan struct{} // closed when it has ended
	failed bool          // set before
}

// conn is a connection in the pool. It is the machine's owner.
type conn struct {
	p     *pool
	k     key
	m     machine
	h2    *h2
	since time.Time // idle since
	over  bool      // gone was called
}

func (p *pool) init(s *settings) {
	p.set = s
	p.hosts = map[key]*host{}
}

func (p *pool) host(k key) *host {
	h := p.hosts[k]
	if h == nil {
		h = &host{all: map[*conn]struct{}{}}
		p.hosts[k] = h
	}
	return h
}

// take returns a connection that can take a call now, nil if there is none: the HTTP/1.1 connection that was used last, or
// an HTTP/2 one with a free stream. Without one the caller dials, if lead is set with d for others to wait for; if it is not, another call
// does, and waiting for it may spare a connection.
func (p *pool) take(k key, mayShare bool) (c *conn, d *dialling, lead bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, false, ErrClosed
	}
	h := p.host(k)
	for _, c := range h.h2 {
		if c.h2.reserve() {
			return c, nil, false, nil
		}
	}
	if n := len(h.idle); n > 0 {
		c := h.idle[n-1]
		p.unidle(h, c)
		return c, nil, false, nil
	}
	if mayShare && !h.only1 {
		if h.dialing != nil {
			return nil, h.dialing, false, nil
		}
		h.dialing = &dialling{done: make(chan struct{})}
		return nil, h.dialing, true, nil
	}
	return nil, nil, true, nil
}

// dialled ends a dial that take began. c is nil if it failed.
func (p *pool) dialled(k key, c *conn, d *dialling, mayShare bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.host(k)
	if d != nil {
		d.failed = c == nil
		close(d.done)
		if h.dialing == d {
			h.dialing = nil
		}
	}
	if c == nil {
		p.forget(k, h)
		return nil
	}
	if p.closed {
		return ErrClosed
	}
	if c.over {
		p.forget(k, h)
		return nil // the call finds out by itself
	}
	h.all[c] = struct{}{}
	if mayShare {
		h.only1 = c.h2 == nil // else it was not asked
	}
	if c.h2 != nil {
		h.h2 = append(h.h2, c)
	}
	return nil
}

func (p *pool) unidle(h *host, c *conn) {
	h.idle = slices.DeleteFunc(h.idle, func(x *conn) bool { return x == c })
	p.order = slices.DeleteFunc(p.order, func(x *conn) bool { return x == c })
}

func (p *pool) forget(k key, h *host) {
	if len(h.all) == 0 && h.dialing == nil {
		delete(p.hosts, k)
	}
}

// idle takes a connection back. It is called on the connection's owner.
func (c *conn) idle(m machine) {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[c.k]
	if h == nil {
		return
	}
	if _, ok := h.all[c]; !ok {
		return
	}
	c.since = time.Now()
	if c.h2 == nil {
		if p.closed || len(h.idle) >= p.set.perHost || p.set.maxIdle == 0 {
			delete(h.all, c)
			p.forget(c.k, h)
			go m.shut(true)
			return
		}
		h.idle = append(h.idle, c)
		p.order = append(p.order, c)
		if len(p.order) > p.set.maxIdle {
			old := p.order[0]
			oh := p.hosts[old.k]
			p.unidle(oh, old)
			delete(oh.all, old)
			p.forget(old.k, oh)
			go old.m.shut(true)
		}
	}
	p.arm()
}

// gone drops a connection that takes no more calls. It is called on the connection's owner.
// err is nil if calls that are under way go on.
func (c *conn) gone(m machine, err error) {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	c.over = true
	switch {
	case err != nil || c.h2 == nil:
		delete(p.leaving, c)
	case p.closed:
		go m.shut(true) // close did not know it
	default:
		if p.leaving == nil {
			p.leaving = map[*conn]struct{}{}
		}
		p.leaving[c] = struct{}{}
	}
	h := p.hosts[c.k]
	if h == nil {
		return
	}
	p.unidle(h, c)
	h.h2 = slices.DeleteFunc(h.h2, func(x *conn) bool { return x == c })
	delete(h.all, c)
	p.forget(c.k, h)
}

// arm starts the timer that closes idle connections. mu is held.
func (p *pool) arm() {
	if p.reaper == nil && p.set.idle > 0 {
		p.reaper = time.AfterFunc(p.set.idle, p.reap)
	}
}

// reap closes what was idle for too long.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	limit := time.Now().Add(-p.set.idle)
	next := p.sweep(func(c *conn) bool { return !c.since.After(limit) })
	if !next.IsZero() && !p.closed {
		p.reaper = time.AfterFunc(max(next.Sub(limit), time.Millisecond), p.reap)
	}
}

// sweep closes the idle connections that f chooses; next is since when the others have been idle at most. mu is held.
func (p *pool) sweep(f func(c *conn) bool) (next time.Time) {
	for k, h := range p.hosts {
		for c := range h.all {
			var quiet bool
			if c.h2 != nil {
				c.h2.mu.Lock()
				quiet = c.h2.open == 0
				c.h2.mu.Unlock()
			} else {
				quiet = slices.Contains(h.idle, c)
			}
			switch {
			case !quiet:
			case f(c):
				if c.h2 != nil {
					c.h2.mu.Lock()
					c.h2.away = true
					c.h2.mu.Unlock()
				}
				p.unidle(h, c)
				h.h2 = slices.DeleteFunc(h.h2, func(x *conn) bool { return x == c })
				delete(h.all, c)
				go c.m.shut(true)
			case next.IsZero() || c.since.Before(next):
				next = c.since
			}
		}
		p.forget(k, h)
	}
	return next
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(func(*conn) bool { return true })
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.reaper != nil {
		p.reaper.Stop()
	}
	for _, h := range p.hosts {
		for c := range h.all {
			go c.m.shut(true)
		}
	}
	for c := range p.leaving {
		go c.m.shut(true)
	}
	p.leaving = nil
	p.hosts = map[key]*host{}
	p.order = nil
}

func (p *pool) idleCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.order)
}
