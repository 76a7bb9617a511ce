//go:build linux || darwin || freebsd

package reactor

import (
	"net"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/drivers"
)

// Flags of a connection. They belong to the loop.
const (
	fEOF     uint16 = 1 << iota // a read found the end of input
	fTold                       // the machine knows
	fFresh                      // the tail was not presented to the machine yet
	fBlocked                    // the kernel's send buffer is full: wait for the event
	fClosing                    // the machine has asked to close: input is thrown away
	fDone                       // and has nothing more to send
	fLinger                     // the sending side is shut down
	fDead                       // Closed was called; the descriptor closes at the end of the turn
	fReady                      // on the loop's ready list
	fDialing                    // connect is under way, no machine yet
	fMore                       // the machine wants more than the tail: its last Receive consumed nothing
	fOff                        // not registered with the poller
	fFeed                       // on the ready list, and there is a reason to present unread bytes again
)

// Bits of conn.wake.
const (
	wQueued uint32 = 1 << iota
	wAdvance
	wPost
	wPanic
)

// conn is one connection, and its machine's Link. It is never reused for another one: a Link that outlives its connection reaches
// nobody else.
type conn struct {
	timer timer[conn]
	m     drivers.Machine
	lp    *loop
	org   *origin
	bufs  *stash // nil while idle
	posts atomic.Pointer[post]
	qnext *conn // belongs to whoever set wQueued
	local atomic.Pointer[net.Addr]
	peer  address

	unsent   atomic.Int64
	wake     atomic.Uint32
	tasks    atomic.Int32 // functions started by Go that still run
	interest uint32
	active   uint32 // tick of the last read, cut off
	fd       int32  // written by the loop under loop.fdMu
	slot     uint32
	flags    uint16
}

// origin is what connections of one listener, or one Dial, have in common.
type origin struct {
	local  net.Addr // nil: ask the kernel
	remote net.Addr // for Unix sockets
	tcp    bool
	dial   *dial
}

// post is a node of the stack of posts; depth counts it and those below.
type post struct {
	next  *post
	depth int
	fn    func(t *drivers.Turn, err error)
}

// ended marks the stack of a connection that is gone.
var ended = &post{}

// Wake implements drivers.Link.
func (c *conn) Wake() { c.notify(wAdvance) }

func (c *conn) notify(bits uint32) {
	if c.wake.Or(bits|wQueued)&wQueued == 0 {
		c.lp.enqueue(c)
	}
}

// Post implements drivers.Link.
func (c *conn) Post(fn func(t *drivers.Turn, err error)) error {
	p := &post{fn: fn}
	for {
		head := c.posts.Load()
		p.next, p.depth = head, 1
		if head != nil {
			if head == ended {
				return drivers.ErrClosed
			}
			if p.depth = head.depth + 1; p.depth > c.lp.r.cfg.MaxPosts {
				return drivers.ErrBusy
			}
		}
		if c.posts.CompareAndSwap(head, p) {
			break
		}
	}
	c.notify(wPost)
	return nil
}

// reversed returns the posts in the order of their calls.
func reversed(p *post) *post {
	var first *post
	for p != nil && p != ended {
		next := p.next
		p.next, first = first, p
		p = next
	}
	return first
}

// Go implements drivers.Link.
func (c *conn) Go(fn func()) {
	c.tasks.Add(1)
	c.lp.tasks.Add(1)
	c.lp.stats.Tasks++
	c.lp.r.workers.run(task{c, fn})
}

// runTask runs on a worker.
func (c *conn) runTask(fn func()) {
	ok := false
	defer func() {
		c.tasks.Add(-1)
		c.lp.tasks.Add(-1)
		if ok {
			c.notify(wAdvance)
			return
		}
		// Also runtime.Goexit arrives here, with a nil value.
		v := recover()
		if v == nil {
			c.lp.r.workers.lost()
		}
		c.lp.r.crashed.Add(1)
		e := error(&PanicError{v, debug.Stack()})
		c.lp.command(func() {
			c.lp.stats.Panics++
			c.lp.end(c, e)
		})
	}()
	fn()
	ok = true
}

// Pump implements drivers.Link: the loop makes progress by itself.
func (c *conn) Pump() bool { return false }

// Watch implements drivers.Link. There is nothing to do: the loop always listens for the peer's leaving.
func (c *conn) Watch() {}

// LocalAddr implements drivers.Link.
func (c *conn) LocalAddr() net.Addr {
	if a := c.org.local; a != nil {
		return a
	}
	if a := c.local.Load(); a != nil {
		return *a
	}
	c.lp.fdMu.Lock()
	defer c.lp.fdMu.Unlock()
	if c.fd < 0 {
		return &net.TCPAddr{}
	}
	sa, err := unix.Getsockname(int(c.fd))
	if err != nil {
		return &net.TCPAddr{}
	}
	var a address
	a.fromSockaddr(sa)
	n := a.net()
	if u, ok := sa.(*unix.SockaddrUnix); ok {
		n = &net.UnixAddr{Name: u.Name, Net: "unix"}
	}
	if n == nil {
		return &net.TCPAddr{}
	}
	c.local.Store(&n)
	return n
}

// RemoteAddr implements drivers.Link.
func (c *conn) RemoteAddr() net.Addr {
	if a := c.peer.net(); a != nil {
		return a
	}
	if c.org.remote != nil {
		return c.org.remote
	}
	return &net.UnixAddr{Net: "unix"}
}

// Unsent implements drivers.Link.
func (c *conn) Unsent() int { return int(c.unsent.Load()) }

// tail returns the unread bytes that the connection owns.
func (c *conn) tail() []byte {
	if c.bufs == nil || c.bufs.in == nil {
		return nil
	}
	return c.bufs.in[c.bufs.inAt:]
}

// pending returns the unsent bytes that the connection owns.
func (c *conn) pending() []byte {
	if c.bufs == nil || c.bufs.out == nil {
		return nil
	}
	return c.bufs.out[c.bufs.outAt:]
}

func (c *conn) stash() *stash {
	if c.bufs == nil {
		c.bufs = c.lp.pool.stash()
	}
	return c.bufs
}
