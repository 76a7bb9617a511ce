package stdnet

import (
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// posts is the queue of functions posted onto a connection. It has its own lock: Post is called from machine methods too.
type posts struct {
	mu    sync.Mutex
	fns   []func(*drivers.Turn, error)
	ended bool
}

func (p *posts) add(fn func(*drivers.Turn, error), limit int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return drivers.ErrClosed
	}
	if limit > 0 && len(p.fns) >= limit {
		return drivers.ErrBusy
	}
	p.fns = append(p.fns, fn)
	return nil
}

func (p *posts) take() []func(*drivers.Turn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fns := p.fns
	p.fns = nil
	return fns
}

// end takes what is left and refuses whatever comes later.
func (p *posts) end() []func(*drivers.Turn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fns := p.fns
	p.fns, p.ended = nil, true
	return fns
}

// link is the machine's view of a conn.
type link conn

var _ drivers.Link = (*link)(nil)

func (l *link) conn() *conn { return (*conn)(l) }

func (l *link) Wake() { l.conn().signal(fWake) }

func (l *link) Post(fn func(t *drivers.Turn, err error)) error {
	c := l.conn()
	if err := c.post.add(fn, c.srv.cfg.MaxPosts); err != nil {
		return err
	}
	c.signal(fPost)
	return nil
}

func (l *link) LocalAddr() net.Addr  { return l.nc.LocalAddr() }
func (l *link) RemoteAddr() net.Addr { return l.nc.RemoteAddr() }
func (l *link) Unsent() int          { return int(l.left.Load()) }

// Go leaves fn to the owner, which runs it after this turn. While another function runs, fn gets a goroutine: they may
// wait for each other. Go is called from machine methods, so mu is held.
func (l *link) Go(fn func()) {
	c := l.conn()
	if c.fn == nil && !c.inFn && c.extra == 0 && !c.dead {
		c.fn = fn
		return
	}
	c.extra++
	go c.aside(fn)
}

func (c *conn) aside(fn func()) {
	returned := false
	defer func() {
		v := recover()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.extra--
		if !returned {
			if v != nil {
				c.srv.panicked(v, debug.Stack())
			} else {
				c.srv.crashed.Add(1)
			}
			c.fail(&PanicError{Value: v})
		}
		c.moved.Broadcast()
		if !c.dead {
			c.signal(fWake)
		}
	}()
	fn()
	returned = true
}

// Pump backs off from patience to 16 times that between returns without news.
const patience = 64 * time.Millisecond

// Pump lets a function started by Go drive its own connection, since it occupies the goroutine that would otherwise.
//
// Two goroutines may pump at once. Then one of them may miss that the machine was called between its look at its
// condition and its call of Pump, because the other one's return counted it as seen. That is why Pump also returns
// without news after a while.
func (l *link) Pump() bool {
	c := l.conn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inFn || c.dead {
		return false
	}
	if c.calls == c.seen {
		c.pump()
	}
	c.seen = c.calls
	return true
}

// pump returns when the machine was called, the connection ended, the function of the owner returned, or patience did.
func (c *conn) pump() {
	s := c.srv
	start := c.calls
	w := s.getWorker()
	s.tick(w)
	c.run(w)
	if c.calls != start {
		s.putWorker(w)
		c.patient = 0
		c.after()
		return
	}
	limit := w.turn.Now.Add(patience << c.patient)
	now := w.turn.Now
	s.putWorker(w)
	var alarm *time.Timer
	for c.calls == start && c.inFn && !c.dead && !limit.Reached(now) {
		if c.mayRead(false) && !c.readBy {
			w := c.read(limit)
			s.tick(w)
			now = w.turn.Now
			c.arrived(w)
			c.run(w)
			c.moved.Broadcast() // the read token is free
			s.putWorker(w)
			continue
		}
		if alarm == nil {
			alarm = time.AfterFunc(limit.Sub(now), c.moved.Broadcast)
			defer alarm.Stop()
		}
		c.armTimer()
		c.moved.Wait()
		now = s.time(time.Now())
	}
	switch {
	case c.calls != start:
		c.patient = 0
	case c.patient < 4:
		c.patient++
	}
	c.after()
}

// Watch starts a goroutine that reads while the owner is away, so that the peer's leaving is noticed.
func (l *link) Watch() {
	c := l.conn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFn {
		c.watch()
	}
}

func (c *conn) watch() {
	if !c.watching && !c.dead {
		c.watching = true
		go c.watcher()
	}
}

// watcher reads ahead, at most ReadBuffer bytes beyond what the machine wants, until the owner is back.
func (c *conn) watcher() {
	s := c.srv
	c.mu.Lock()
	for c.inFn && !c.dead && (c.readBy || c.mayRead(true)) {
		if c.readBy {
			c.moved.Wait()
			continue
		}
		w := c.read(codec.Never)
		s.tick(w)
		c.arrived(w)
		c.run(w)
		c.moved.Broadcast()
		c.after()
		s.putWorker(w)
	}
	c.watching = false
	if !c.inFn {
		c.after()
		if c.state.Load()&fParked != 0 {
			c.signal(fNudge) // the owner has been waiting for the read token
		}
	}
	c.mu.Unlock()
}
