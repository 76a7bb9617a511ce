//go:build linux || darwin || freebsd

package reactor

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

// Reactor is a set of event loops and their listeners. Its methods are safe for concurrent use, but must not be called from machine
// methods: those belong to a loop, and most of these wait for the loops.
type Reactor struct {
	svc     drivers.Service
	cfg     Config
	epoch   time.Time
	loops   []*loop
	workers workers
	conns   atomic.Int64
	crashed atomic.Int64
	capped  atomic.Bool
	next    atomic.Uint32 // loop of the next Dial

	mu      sync.Mutex
	socks   []*listen.Socket
	addrs   []net.Addr
	started bool
	closing bool
	running sync.WaitGroup
	done    chan struct{}
	empty   chan struct{} // poked when conns reaches zero

	srcMu   sync.Mutex
	sources map[netip.Addr]int
}

// New makes a reactor whose connections get their machines from svc. It opens the loops' pollers; errors are the system's, or
// Config.Validate's.
func New(svc drivers.Service, cfg Config) (*Reactor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &Reactor{svc: svc, cfg: cfg.resolved(runtime.GOMAXPROCS(0)), epoch: time.Now(), done: make(chan struct{}),
		empty: make(chan struct{}, 1), sources: make(map[netip.Addr]int)}
	r.workers.max = r.cfg.Workers
	for i := 0; i < r.cfg.Loops; i++ {
		lp := &loop{r: r, cfg: &r.cfg, id: i, rbuf: make([]byte, r.cfg.ReadBuffer), reserve: openReserve()}
		if err := lp.poll.open(); err != nil {
			if lp.reserve >= 0 {
				sysClose(lp.reserve)
			}
			r.Close()
			return nil, err
		}
		r.loops = append(r.loops, lp)
	}
	return r, nil
}

// Listen opens a listening socket and serves it: network is "tcp", "tcp4", "tcp6" or "unix". It may be called several times, before and
// while the reactor runs. Errors are *listen.Error.
func (r *Reactor) Listen(network, addr string, lo listen.Config) error {
	n := 1
	if r.cfg.ReusePort && network != "unix" && len(r.loops) > 1 {
		n = len(r.loops)
		lo.ReusePort = true
	}
	var socks []*listen.Socket
	for i := 0; i < n; i++ {
		s, err := listen.Open(network, addr, lo)
		if err != nil {
			for _, s := range socks {
				s.Close()
			}
			return err
		}
		socks = append(socks, s)
		addr = s.Addr().String() // the others share the port that the system chose
	}
	return r.serve(socks)
}

// ListenFD serves a descriptor that listens already. It stays the caller's, who closes it after the reactor ended.
func (r *Reactor) ListenFD(fd int) error {
	s, err := listen.Borrow(fd)
	if err != nil {
		return err
	}
	return r.serve([]*listen.Socket{s})
}

// ListenSocket serves a socket, for example one of listen.Inherited. It becomes the reactor's, which closes it.
func (r *Reactor) ListenSocket(s *listen.Socket) error { return r.serve([]*listen.Socket{s}) }

// serve takes over one socket for all loops, or one for each.
func (r *Reactor) serve(socks []*listen.Socket) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		for _, s := range socks {
			s.Close()
		}
		return drivers.ErrClosed
	}
	r.socks = append(r.socks, socks...)
	r.addrs = append(r.addrs, socks[0].Addr())
	errs := make(chan error, len(r.loops))
	for i, lp := range r.loops {
		s := socks[i%len(socks)]
		lp.command(func() {
			if lp.draining {
				errs <- drivers.ErrClosed
				return
			}
			errs <- lp.addListener(s)
		})
	}
	if !r.started {
		return nil // the loops do it first thing; a fresh listening socket is always accepted by the poller
	}
	var first error
	for range r.loops {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Addrs returns the local addresses of the listeners, in the order they were added.
func (r *Reactor) Addrs() []net.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]net.Addr(nil), r.addrs...)
}

// Start starts the loops and returns. Calls after the first do nothing. After Close it returns drivers.ErrClosed.
func (r *Reactor) Start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return drivers.ErrClosed
	}
	if r.started {
		return nil
	}
	r.started = true
	for _, lp := range r.loops {
		r.running.Add(1)
		go func() {
			defer r.running.Done()
			lp.run()
		}()
	}
	return nil
}

// Run starts the loops and waits until Shutdown or Close is done. It then returns nil.
func (r *Reactor) Run() error {
	if err := r.Start(); err != nil {
		return err
	}
	<-r.done
	return nil
}

// each runs f on every loop and waits. It reports false, and runs nothing, if the loops do not run.
func (r *Reactor) each(f func(lp *loop)) bool {
	r.mu.Lock()
	started := r.started
	r.mu.Unlock()
	if !started {
		return false
	}
	var wg sync.WaitGroup
	for _, lp := range r.loops {
		wg.Add(1)
		if !lp.command(func() {
			defer wg.Done()
			f(lp)
		}) {
			wg.Done()
		}
	}
	wg.Wait()
	return true
}

// Shutdown stops listening, asks machines that implement drivers.Drainer to finish, and waits until no connection is left. When ctx
// ends before that, those left are closed with drivers.ErrClosed. It returns what it achieved.
func (r *Reactor) Shutdown(ctx context.Context) drivers.Report {
	var mu sync.Mutex
	var rep drivers.Report
	total := 0
	r.each(func(lp *loop) {
		mu.Lock()
		total += lp.live
		mu.Unlock()
		lp.drain()
	})
	r.closeSockets()
wait:
	for r.conns.Load() > 0 {
		select {
		case <-r.empty:
		case <-ctx.Done():
			break wait
		}
	}
	if r.conns.Load() == 0 {
		r.poke() // there may be others who wait
	}
	r.each(func(lp *loop) {
		late, busy := lp.abortAll()
		mu.Lock()
		rep.TimedOut += late
		rep.InFlight += busy
		mu.Unlock()
	})
	r.Close()
	rep.Drained = max(0, total-rep.TimedOut)
	rep.Crashed = int(r.crashed.Load())
	return rep
}

// Close closes listeners and connections (machines see drivers.ErrClosed) and waits for the loops to end. Functions started with
// Link.Go that still run are not waited for. It is idempotent and returns nil.
func (r *Reactor) Close() error {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		<-r.done
		return nil
	}
	r.closing = true
	started := r.started
	r.mu.Unlock()
	for _, lp := range r.loops {
		if started {
			lp.command(func() { lp.stop = true })
		} else {
			lp.finish()
		}
	}
	r.running.Wait()
	r.closeSockets()
	r.workers.trim(true)
	close(r.done)
	return nil
}

func (r *Reactor) closeSockets() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.socks {
		s.Close()
	}
	r.socks = nil
}

// Stats returns the sum over all loops. It waits for each to finish its turn.
func (r *Reactor) Stats() Stats {
	var mu sync.Mutex
	var sum Stats
	take := func(lp *loop) {
		mu.Lock()
		defer mu.Unlock()
		lp.stats.Live = lp.live
		sum.add(&lp.stats)
	}
	r.each(take)
	select {
	case <-r.done: // the loops have ended: their counters are at rest
		sum = Stats{}
		for _, lp := range r.loops {
			take(lp)
		}
	default:
	}
	return sum
}

// drain runs on the loop.
func (lp *loop) drain() {
	lp.closeListeners()
	for _, c := range lp.slots {
		if c == nil || c.m == nil || c.flags&(fDead|fLinger) != 0 {
			continue
		}
		if d, ok := c.m.(drivers.Drainer); ok {
			lp.guard(func() {
				lp.cur = c
				d.Drain(&lp.turn)
				lp.drive(c, c.tail(), true, true)
			})
		}
	}
	lp.reap()
}

// abortAll runs on the loop, at the end of a drain.
func (lp *loop) abortAll() (late, busy int) {
	for _, c := range lp.slots {
		if c == nil || c.flags&fDead != 0 {
			continue
		}
		late++
		inFlight := c.Unsent() > 0
		if d, ok := c.m.(drivers.Drainer); ok {
			lp.guard(func() {
				lp.cur = c
				inFlight = d.InFlight() || inFlight
			})
		}
		if inFlight {
			busy++
		}
		lp.drop(c, drivers.ErrClosed)
	}
	lp.reap()
	return late, busy
}

// admit counts a connection of its source in, or refuses it. The place was reserved.
func (r *Reactor) admit(peer *address) bool {
	if r.cfg.MaxPerSource > 0 && peer.kind != 0 {
		src := peer.source()
		r.srcMu.Lock()
		if r.sources[src] >= r.cfg.MaxPerSource {
			r.srcMu.Unlock()
			return false
		}
		r.sources[src]++
		r.srcMu.Unlock()
	}
	return true
}

// reserve takes one of the MaxConns places, before a connection is accepted, so that several loops together cannot overshoot.
func (r *Reactor) reserve() bool {
	if r.conns.Add(1) <= int64(r.cfg.MaxConns) {
		return true
	}
	if r.conns.Add(-1) < int64(r.cfg.MaxConns) {
		r.wakeCapped() // somebody left meanwhile, and another loop may have been misled by our claim
	}
	return false
}

// vacate gives a place back, and wakes the loops that stopped accepting for want of one.
func (r *Reactor) vacate() {
	if r.conns.Add(-1) == 0 {
		r.poke()
	}
	r.wakeCapped()
}

// poke tells one Shutdown that waits, now or later, to look at the number of connections.
func (r *Reactor) poke() {
	select {
	case r.empty <- struct{}{}:
	default:
	}
}

// wakeCapped lets loops that stopped accepting look again.
func (r *Reactor) wakeCapped() {
	if r.capped.Load() && r.capped.CompareAndSwap(true, false) {
		for _, lp := range r.loops {
			lp.command(lp.resume)
		}
	}
}

// release counts a connection out.
func (r *Reactor) release(c *conn) {
	if r.cfg.MaxPerSource > 0 && c.peer.kind != 0 && c.org.dial == nil {
		src := c.peer.source()
		r.srcMu.Lock()
		if r.sources[src]--; r.sources[src] <= 0 {
			delete(r.sources, src)
		}
		r.srcMu.Unlock()
	}
	r.vacate()
}
