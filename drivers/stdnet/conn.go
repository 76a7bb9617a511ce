package stdnet

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// conn.state: what somebody asked for (pending), and where somebody waits who will look at it.
const (
	fWake  uint32 = 1 << iota // Link.Wake
	fPost                     // Link.Post
	fTick                     // the timer fired
	fDrain                    // Shutdown
	fNudge                    // another goroutine changed something that the owner waits for

	fReading // a goroutine waits in a read: interrupt it
	fParked  // the owner waits on conn.kick
	fFn      // the owner runs a function of the machine: start a helper

	pending = fWake | fPost | fTick | fDrain | fNudge
)

// conn is one connection. Its owner is the goroutine in serve. All machine calls happen with mu held: by the owner, or,
// while the owner is inside a function started by Go or output is stalled, by a helper, a writer or a pumping goroutine.
type conn struct {
	srv   *Server
	nc    net.Conn
	rw    syscall.RawConn // nil unless the connection has a pollable descriptor
	state atomic.Uint32
	kick  chan struct{} // wakes the parked owner
	left  atomic.Int64  // Link.Unsent
	post  posts
	due   []func(*drivers.Turn, error) // taken from post and not run yet; mu

	mu      sync.Mutex
	moved   sync.Cond // the machine was called, or the read token became free
	m       drivers.Machine
	start   func(t *drivers.Turn, l drivers.Link) drivers.Machine // makes m; nil: srv.svc
	calls   uint64                                                // machine calls that may have changed something
	seen    uint64                                                // calls, at the last return of Pump
	patient uint8                                                 // how often in a row Pump came back without news

	// input
	in      []byte // unread bytes: a view of a worker's buffer during a turn, of tail otherwise
	tail    []byte // own storage of in between turns
	lent    bool   // in is a view of a worker's buffer
	fresh   bool   // in has bytes that were never presented
	stuck   bool   // the machine consumed nothing of in
	cramped bool   // ... and had less than HighWater room for output
	eof     bool   // the peer's FIN was read
	eofTold bool
	active  codec.Time // of the last input, for EvictIdle
	bulk    bool       // the last read filled its buffer
	small   []byte     // read buffer of connections without descriptor
	readBy  bool       // somebody holds the read token
	rd      struct {
		w   *worker
		n   int
		err error
	}
	readable func(fd uintptr) bool
	armed    codec.Time // read deadline set on nc, Never for none
	expired  bool       // a read deadline has passed and must be replaced

	// output
	out     []byte // unsent, when the kernel did not take all at once
	writing bool   // a writer goroutine is at work and the only one to send
	flight  int    // bytes the writer has taken out of out
	wr      struct {
		a, b []byte
		n    int
		err  error
	}
	trying   func(fd uintptr) bool
	writable func(fd uintptr) bool

	// ending
	dead      bool // closed or about to be: no machine call except Closed
	over      bool // Closed was called
	draining  bool
	lingering bool
	lingerAt  codec.Time
	discarded int
	err       error

	// functions started by Go
	fn       func() // waits for the owner
	inFn     bool   // the owner runs one
	extra    int    // goroutines running further ones
	watching bool
	timer    *time.Timer
	timerAt  codec.Time
}

var (
	errAborted = fmt.Errorf("purewire: aborted by the machine: %w", drivers.ErrClosed)
	errMachine = errors.New("purewire: machine broke the Machine contract")
)

// PanicError is what Closed is told after a panic in the machine, in a posted function or in one started by Go.
type PanicError struct {
	// Value is what was passed to panic.
	Value any
}

// Error describes the panic.
func (e *PanicError) Error() string { return fmt.Sprintf("purewire: panic: %v", e.Value) }

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, nc: nc}
	c.moved.L = &c.mu
	if rawIO {
		switch nc := nc.(type) {
		case *net.TCPConn:
			c.rw, _ = nc.SyscallConn()
		case *net.UnixConn:
			c.rw, _ = nc.SyscallConn()
		}
	}
	if c.rw != nil {
		c.readable, c.trying, c.writable = c.onReadable, c.tryWrite, c.onWritable
	}
	return c
}

// signal makes somebody look at the pending bits soon. It never blocks and may be called from anywhere.
func (c *conn) signal(bit uint32) {
	old := c.state.Or(bit)
	if old&pending != 0 {
		return // whoever set the first bit has seen to it
	}
	switch {
	case old&fReading != 0:
		_ = c.nc.SetReadDeadline(longAgo)
	case old&fParked != 0:
		select {
		case c.kick <- struct{}{}:
		default:
		}
	case old&fFn != 0:
		go c.help()
	}
}

var longAgo = time.Unix(1, 0)

// enter announces where the caller is going to wait. It fails if something is pending: look at that first.
func (c *conn) enter(where uint32) bool {
	for {
		old := c.state.Load()
		if old&pending != 0 {
			return false
		}
		if c.state.CompareAndSwap(old, old|where) {
			return true
		}
	}
}

func (c *conn) leave(where uint32) { c.state.And(^where) }

// serve is the life of the connection's own goroutine.
func (c *conn) serve() {
	returned := false
	defer func() {
		if returned {
			return
		}
		// runtime.Goexit, or a panic, in a function started by Go.
		v := recover()
		if v != nil {
			c.srv.panicked(v, debug.Stack())
		} else {
			c.srv.crashed.Add(1)
		}
		c.mu.Lock()
		c.fnDone()
		c.fail(&PanicError{Value: v})
		c.mu.Unlock()
	}()
	s := c.srv
	var failed error
	if sc, ok := c.nc.(secureConn); ok {
		failed = c.handshake(sc)
	}
	w := s.getWorker()
	s.tick(w)
	c.mu.Lock()
	if failed != nil {
		c.fail(failed)
	}
	if !c.dead && c.accept(w) {
		c.run(w)
	}
	for !c.dead {
		if c.fn != nil && c.enter(fFn) {
			fn := c.fn
			c.fn, c.inFn = nil, true
			s.putWorker(w)
			c.armTimer()
			c.mu.Unlock()
			fn()
			c.mu.Lock()
			c.fnDone()
			w = s.getWorker()
			s.tick(w)
			c.state.Or(fWake) // what fn did to the machine's world may want to be looked at
			c.run(w)
			continue
		}
		if c.fn == nil {
			s.putWorker(w)
			if c.mayRead(false) && !c.readBy {
				w = c.read(codec.Never)
				s.tick(w)
				c.arrived(w)
			} else {
				c.park()
				w = s.getWorker()
				s.tick(w)
			}
		}
		c.run(w)
	}
	s.putWorker(w)
	fn := c.fn
	c.fn = nil
	c.mu.Unlock()
	if fn != nil {
		fn() // the connection ended first, but what was started is run
	}
	returned = true
}

// fnDone ends the time in which the owner was away. mu is held.
func (c *conn) fnDone() {
	if c.inFn {
		c.inFn = false
		c.leave(fFn)
		if c.state.Load()&fReading != 0 { // a watcher or somebody in Pump: the owner reads again
			c.signal(fNudge)
		}
		c.moved.Broadcast()
	}
}

func (c *conn) accept(w *worker) (ok bool) {
	c.active = w.turn.Now
	defer func() {
		if v := recover(); v != nil {
			c.srv.panicked(v, debug.Stack())
			c.fail(&PanicError{Value: v})
			ok = false
		}
	}()
	start := c.start
	if c.start = nil; start == nil {
		start = c.srv.svc.Accept
	}
	var l drivers.Link = (*link)(c)
	if sc, ok := c.nc.(secureConn); ok {
		l = &secureLink{link: (*link)(c), sc: sc}
	}
	c.m = start(&w.turn, l)
	if c.m == nil {
		c.fail(drivers.ErrClosed)
		return false
	}
	return true
}

// park waits without reading. mu is held, but not while waiting.
func (c *conn) park() {
	if c.kick == nil {
		c.kick = make(chan struct{}, 1)
	}
	if !c.enter(fParked) {
		return
	}
	c.armTimer()
	c.mu.Unlock()
	<-c.kick
	c.leave(fParked)
	c.mu.Lock()
}

// deadline is when the connection wants to be looked at. mu is held.
func (c *conn) deadline() codec.Time {
	if c.lingering {
		return c.lingerAt
	}
	if c.dead || c.m == nil {
		return codec.Never
	}
	defer c.contain()
	return c.m.Deadline()
}

// armTimer sees to deadlines while nobody waits in a read. An armed timer that fires early is cheaper than one that is
// set for every request: run looks at the deadline again. mu is held.
func (c *conn) armTimer() {
	d := c.deadline()
	if d == codec.Never || (c.timerAt != codec.Never && c.timerAt <= d) {
		return
	}
	c.timerAt = d
	wait := max(time.Until(c.srv.wall(d)), time.Millisecond/4)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, func() { c.signal(fTick) })
	} else {
		c.timer.Reset(wait)
	}
}

// help looks at pending work while the owner is away in a function.
func (c *conn) help() {
	w := c.srv.getWorker()
	c.mu.Lock()
	if !c.dead && c.state.Load()&pending != 0 {
		c.srv.tick(w)
		c.run(w)
		c.after()
	}
	c.mu.Unlock()
	c.srv.putWorker(w)
}

// after tells the owner what a turn on another goroutine means to it. mu is held.
func (c *conn) after() {
	if c.dead {
		c.signal(fNudge)
		return
	}
	at := c.state.Load()
	d := c.deadline()
	switch {
	case at&fReading != 0:
		if (c.fn != nil && !c.inFn) || (d != codec.Never && (c.armed == codec.Never || d < c.armed)) {
			c.signal(fNudge)
		}
	case at&fParked != 0:
		if c.fn != nil || c.mayRead(false) || (d != codec.Never && (c.timerAt == codec.Never || d < c.timerAt)) {
			c.signal(fNudge)
		}
	case at&fFn != 0:
		c.armTimer()
	}
}

// fail closes the connection. The first reason counts. mu is held.
func (c *conn) fail(err error) {
	if c.dead {
		return
	}
	c.dead, c.err = true, err
	c.in, c.tail = nil, nil
	if err == errAborted {
		c.abort()
	}
	_ = c.nc.Close()
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.writing { // else the writer, which may still look at the machine's payload, is about to come back
		c.finish()
	}
}

// abort makes the close to come a reset, where the connection knows how: whatever ends with the connection must not look complete to the
// peer. Under TLS that takes leaving out the closure alert too (RFC 8446 section 6.1).
func (c *conn) abort() {
	nc := c.nc
	under, secure := nc.(interface{ NetConn() net.Conn })
	if secure {
		nc = under.NetConn()
	}
	if h, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		_ = h.SetLinger(0)
	}
	if secure {
		_ = nc.Close()
	}
}

// finish makes the last call of the machine. mu is held.
func (c *conn) finish() {
	if c.over {
		return
	}
	c.over = true
	w := c.srv.getWorker()
	c.srv.tick(w)
	for _, fn := range append(c.due, c.post.end()...) {
		c.runPost(w, fn, drivers.ErrClosed)
	}
	c.due = nil
	if c.m != nil {
		c.closed()
	}
	c.srv.putWorker(w)
	c.calls++
	c.out = nil
	c.left.Store(0)
	c.moved.Broadcast()
	c.signal(fNudge)
	if c.kick != nil {
		// Where another goroutine reads, signal leaves the parked owner to that one, which has nothing to do on a dead connection.
		select {
		case c.kick <- struct{}{}:
		default:
		}
	}
	c.srv.remove(c)
}

func (c *conn) closed() {
	defer c.contain()
	c.m.Closed(c.err)
}

// contain is deferred around calls of user code with mu held.
func (c *conn) contain() {
	if v := recover(); v != nil {
		c.srv.panicked(v, debug.Stack())
		c.fail(&PanicError{Value: v})
	}
}
