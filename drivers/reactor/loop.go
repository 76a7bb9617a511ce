//go:build linux || darwin || freebsd

package reactor

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// timersPerTurn bounds how many timers are handled before the sockets get their turn again.
const timersPerTurn = 256

// loop is one event loop. Everything in the first part belongs to its goroutine.
type loop struct {
	r     *Reactor
	cfg   *Config
	id    int
	poll  poller
	turn  drivers.Turn
	cur   *conn // whom a panic belongs to
	posts *post // those of cur that did not run yet
	obuf  []byte
	rbuf  []byte
	iov   [3]unix.Iovec
	pool  pool
	wheel wheel[conn]

	slots    []*conn
	gens     []uint32
	free     []uint32
	live     int
	ready    []*conn
	spare    []*conn
	dead     []*conn
	lns      []*listener
	resumeAt codec.Time // listeners pause until then
	capped   bool       // listeners pause until a connection closes
	reserve  int        // a descriptor to give up when there are none left
	hand     int        // where the search for idle connections goes on
	recent   uint32     // the tick, cut off
	trimAt   codec.Time
	stats    Stats
	draining bool
	stop     bool

	_        [64]byte
	queue    atomic.Pointer[conn]
	sleeping atomic.Uint32
	tasks    atomic.Int64
	ncmds    atomic.Int32
	cmdMu    sync.Mutex
	cmds     []func()
	over     bool // guarded by cmdMu: the loop takes no more commands
	fdMu     sync.Mutex
}

func (c *conn) token() uint64 { return uint64(c.lp.gens[c.slot])<<32 | uint64(c.slot) }

// enqueue puts a connection on the queue of those that want attention, from any goroutine.
func (lp *loop) enqueue(c *conn) {
	for {
		head := lp.queue.Load()
		c.qnext = head
		if lp.queue.CompareAndSwap(head, c) {
			break
		}
	}
	lp.rouse()
}

// rouse wakes the loop if it sleeps or is about to.
func (lp *loop) rouse() {
	if lp.sleeping.Load() != 0 && lp.sleeping.CompareAndSwap(1, 0) {
		// The poller closes under this lock, after the last command.
		lp.cmdMu.Lock()
		if !lp.over {
			lp.poll.wake()
		}
		lp.cmdMu.Unlock()
	}
}

// command runs fn on the loop. It reports false if the loop is over.
func (lp *loop) command(fn func()) bool {
	lp.cmdMu.Lock()
	if lp.over {
		lp.cmdMu.Unlock()
		return false
	}
	lp.cmds = append(lp.cmds, fn)
	lp.ncmds.Store(int32(len(lp.cmds)))
	lp.cmdMu.Unlock()
	lp.rouse()
	return true
}

func (lp *loop) clock() {
	now := time.Now()
	lp.turn.Now = codec.Time(now.Sub(lp.r.epoch)) + 1
	lp.turn.Unix = now.Unix()
	lp.recent = uint32(int64(lp.turn.Now) >> tickShift)
}

// run is the loop's goroutine.
func (lp *loop) run() {
	if lp.cfg.LockThread {
		runtime.LockOSThread()
		if lp.cfg.PinCores {
			pin(lp.id) // best effort: without it the loop merely wanders
		}
	}
	lp.clock()
	lp.wheel.init(int64(lp.turn.Now) >> tickShift)
	lp.turn.Local = lp.r.svc.NewLocal()
	for !lp.stop {
		lp.once()
	}
	lp.finish()
}

// once is one turn: wait, then give everybody who has something to do a go.
func (lp *loop) once() {
	// A poll that does not wait costs less than one that puts the thread to sleep; under load it nearly always finds something.
	n, errno := lp.poll.wait(0)
	if n == 0 && len(lp.ready) == 0 && lp.queue.Load() == nil && lp.ncmds.Load() == 0 {
		if ms := lp.timeout(); ms != 0 {
			lp.sleeping.Store(1)
			if lp.queue.Load() == nil && lp.ncmds.Load() == 0 {
				// A loop that blocks straight from a long run of raw system calls looks to the Go scheduler like a goroutine
				// that never yields. One yield before each sleep took a third off the cost of short connections.
				if !lp.cfg.LockThread && !lp.cfg.PinCores {
					runtime.Gosched()
				}
				n, errno = lp.poll.wait(ms)
				lp.stats.Sleeps++
			}
			lp.sleeping.Store(0)
		}
	}
	if errno != 0 && errno != unix.EINTR {
		panic("reactor: poll: " + errno.Error())
	}
	lp.stats.Turns++
	lp.clock()
	for i := 0; i < n; {
		lp.takeEvents(&i, n)
	}
	lp.takeQueue()
	if lp.tasks.Load() > 0 && !lp.cfg.LockThread {
		// Functions that were just started, and those that wait for the processor, run now; what the short ones answer is
		// sent in this very turn.
		runtime.Gosched()
		lp.takeQueue()
	}
	if len(lp.ready) > 0 {
		lp.ready, lp.spare = lp.spare[:0], lp.ready
		for i := 0; i < len(lp.spare); {
			lp.takeReady(&i)
		}
		clear(lp.spare)
	}
	lp.takeTimers()
	if lp.ncmds.Load() > 0 {
		lp.cmdMu.Lock()
		cmds := lp.cmds
		lp.cmds = nil
		lp.ncmds.Store(0)
		lp.cmdMu.Unlock()
		for _, f := range cmds {
			lp.cur = nil
			lp.guard(f)
		}
	}
	if len(lp.dead) > 0 {
		lp.reap()
	}
	if lp.resumeAt != codec.Never || lp.capped {
		lp.resume()
	}
}

// timeout returns how many milliseconds the loop may sleep.
func (lp *loop) timeout() int {
	const longest = 10_000
	ms := int64(longest)
	now := int64(time.Since(lp.r.epoch)) + 1
	until := func(t int64) { ms = min(ms, max(0, (t-now+999_999)/1_000_000)) }
	if tick, ok := lp.wheel.next(); ok {
		until(tick << tickShift)
	}
	if lp.resumeAt != codec.Never {
		until(int64(lp.resumeAt))
	}
	return int(ms)
}

// recovered contains a panic: it ends the connection that was being served, nothing else.
func (lp *loop) recovered() {
	v := recover()
	if v == nil {
		return
	}
	c := lp.cur
	if c == nil {
		panic(v) // the loop's own
	}
	lp.cur = nil
	lp.stats.Panics++
	lp.r.crashed.Add(1)
	lp.refuse(lp.posts) // those behind the one that panicked, before Closed
	lp.posts = nil
	lp.end(c, &PanicError{v, debug.Stack()})
}

// guard runs one call whose panic must not disturb its caller.
func (lp *loop) guard(f func()) {
	defer lp.recovered()
	f()
}

func (lp *loop) takeEvents(i *int, n int) {
	defer lp.recovered()
	for *i < n {
		token, ev := lp.poll.event(*i)
		*i++
		slot := uint32(token)
		if slot < uint32(len(lp.slots)) {
			// The generation keeps an event of a closed connection from reaching the one that has its slot now.
			if c := lp.slots[slot]; c != nil && lp.gens[slot] == uint32(token>>32) && c.flags&fDead == 0 {
				lp.event(c, ev)
				continue
			}
			lp.stats.Stale++
			continue
		}
		lp.cur = nil
		if token == tokenWake {
			lp.poll.woken()
			lp.stats.Wakes++
			continue
		}
		for _, l := range lp.lns {
			if l.token == token && l.on {
				lp.accept(l)
			}
		}
	}
}

func (lp *loop) event(c *conn, ev uint32) {
	lp.cur = c
	if c.flags&fDialing != 0 {
		lp.connected(c)
		return
	}
	if ev&evErr != 0 && (ev&evIn == 0 || c.flags&fLinger != 0 || c.m.Status()&drivers.WantInput == 0) {
		if c.flags&fLinger != 0 {
			lp.end(c, nil)
			return
		}
		lp.end(c, sockError(int(c.fd)))
		return
	}
	if ev&evOut != 0 {
		lp.writable(c)
	}
	if ev&(evIn|evRdh|evHup) != 0 && c.flags&fDead == 0 {
		lp.readable(c, ev)
	}
}

// takeQueue serves the connections that were woken or posted to, oldest first.
func (lp *loop) takeQueue() {
	head := lp.queue.Swap(nil)
	if head == nil {
		return
	}
	var first *conn
	for c := head; c != nil; {
		next := c.qnext
		c.qnext, first = first, c
		c = next
	}
	for first != nil {
		lp.takeWoken(&first)
	}
}

func (lp *loop) takeWoken(list **conn) {
	defer lp.recovered()
	for *list != nil {
		c := *list
		*list, c.qnext = c.qnext, nil
		bits := c.wake.Swap(0) // from here on it may be queued again
		if c.flags&(fDead|fDialing) != 0 {
			continue
		}
		lp.cur = c
		news := false // a wake for a post that an earlier turn has run already is none
		if bits&wPost != 0 {
			lp.posts = reversed(c.posts.Swap(nil))
			for lp.posts != nil {
				p := lp.posts
				lp.posts = p.next
				lp.stats.Posts++
				news = true
				p.fn(&lp.turn, nil)
			}
		}
		if bits&wAdvance != 0 && c.flags&fLinger == 0 {
			news = true
			c.m.Advance(&lp.turn)
		}
		lp.drive(c, c.tail(), true, news)
	}
}

func (lp *loop) takeReady(i *int) {
	defer lp.recovered()
	for *i < len(lp.spare) {
		c := lp.spare[*i]
		*i++
		c.flags &^= fReady
		if c.flags&fDead == 0 {
			lp.cur = c
			lp.drive(c, c.tail(), true, false) // fFeed knows better
		}
	}
}

func (lp *loop) takeTimers() {
	defer lp.recovered()
	lp.wheel.advance(int64(lp.turn.Now)>>tickShift, timersPerTurn, lp.expired)
	if lp.id == 0 && lp.turn.Now >= lp.trimAt {
		lp.trimAt = lp.turn.Now.Add(5 * time.Second)
		lp.r.workers.trim(false)
	}
}

// open makes a connection of a descriptor.
func (lp *loop) open(fd int, org *origin) *conn {
	c := &conn{lp: lp, org: org, fd: int32(fd), active: lp.recent}
	c.timer.owner = c
	if k := len(lp.free); k > 0 {
		c.slot = lp.free[k-1]
		lp.free = lp.free[:k-1]
	} else {
		c.slot = uint32(len(lp.slots))
		lp.slots = append(lp.slots, nil)
		lp.gens = append(lp.gens, 0)
	}
	lp.slots[c.slot] = c
	lp.live++
	return c
}

// end is the one way a connection ends: remaining posts, Closed, and the descriptor at the end of the turn.
func (lp *loop) end(c *conn, err error) {
	if c.flags&fDead != 0 {
		return
	}
	c.flags |= fDead
	if err == nil {
		lp.stats.Closed++
	} else {
		lp.stats.Aborted++
	}
	lp.wheel.cancel(&c.timer)
	lp.dead = append(lp.dead, c)
	lp.refuse(reversed(c.posts.Swap(ended)))
	if m := c.m; m != nil {
		c.m = nil
		lp.isolate(func() { m.Closed(err) })
	}
	// Only now, since a payload or a tail may have been in use until Closed.
	if c.bufs != nil {
		lp.pool.unstash(c.bufs)
		c.bufs = nil
	}
	c.unsent.Store(0)
}

// refuse runs posts of a connection that has ended.
func (lp *loop) refuse(p *post) {
	for ; p != nil; p = p.next {
		lp.stats.Posts++
		fn := p.fn
		lp.isolate(func() { fn(&lp.turn, drivers.ErrClosed) })
	}
}

// isolate contains a panic in one of a connection's last calls.
func (lp *loop) isolate(f func()) {
	defer func() {
		if recover() != nil {
			lp.stats.Panics++
			lp.r.crashed.Add(1)
		}
	}()
	f()
}

// reap closes the descriptors of the connections that ended in this turn, and frees their slots.
func (lp *loop) reap() {
	for i := 0; i < len(lp.dead); i++ {
		c := lp.dead[i]
		fd := int(c.fd)
		lp.fdMu.Lock() // LocalAddr may be asking about it
		c.fd = -1
		lp.fdMu.Unlock()
		sysClose(fd)
		lp.slots[c.slot] = nil
		lp.gens[c.slot]++
		lp.free = append(lp.free, c.slot)
		lp.live--
		lp.r.release(c)
	}
	clear(lp.dead)
	lp.dead = lp.dead[:0]
}

// finish closes everything that the loop holds.
func (lp *loop) finish() {
	lp.closeListeners()
	for _, c := range lp.slots {
		if c != nil {
			lp.drop(c, drivers.ErrClosed)
		}
	}
	lp.reap()
	lp.cmdMu.Lock()
	lp.over = true
	cmds := lp.cmds
	lp.cmds = nil
	lp.poll.close()
	lp.cmdMu.Unlock()
	for _, f := range cmds {
		lp.guard(f)
	}
	lp.reap()
	if lp.reserve >= 0 {
		sysClose(lp.reserve)
	}
}

// drop ends a connection whatever state it is in.
func (lp *loop) drop(c *conn, err error) {
	if c.flags&fDialing != 0 {
		lp.failDial(c, err)
		return
	}
	lp.end(c, err)
}
