package stdnet

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/purewire/purewire/drivers"
)

// Server runs machines on connections. Make one with New; it serves any number of listeners and single connections at
// once. All methods are safe from any goroutine.
type Server struct {
	svc     drivers.Service
	cfg     Config
	base    time.Time
	workers sync.Pool
	crashed atomic.Int64

	mu        sync.Mutex
	changed   sync.Cond // a connection ended, or stopping was set
	conns     map[*conn]struct{}
	taken     int // connections and slots of accept loops, for MaxConns
	listeners map[net.Listener]struct{}
	stopping  bool
	quit      chan struct{}
}

// New returns a server that asks svc for a machine per connection. It panics if cfg is invalid: see Config.Validate.
func New(svc drivers.Service, cfg Config) *Server {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	s := &Server{
		svc: svc, cfg: cfg.resolve(), base: time.Now(),
		conns: map[*conn]struct{}{}, listeners: map[net.Listener]struct{}{}, quit: make(chan struct{}),
	}
	s.changed.L = &s.mu
	return s
}

// Serve accepts connections from l until Shutdown or Close (then it returns drivers.ErrClosed) or until l fails for
// good. It closes l. When the process runs out of descriptors or memory it waits, up to 100 ms at a time, and goes on.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.track(l) {
		return drivers.ErrClosed
	}
	defer s.untrack(l)
	var wait time.Duration
	for {
		// With EvictIdle the place is taken beyond the limit at first: whether somebody waits is known after Accept, and nobody is
		// evicted on a guess.
		if !s.acquire(true) {
			return drivers.ErrClosed
		}
		nc, err := l.Accept()
		if err != nil {
			s.release()
			if s.isStopping() {
				return drivers.ErrClosed
			}
			if !temporary(err) {
				return err
			}
			if s.cfg.OnAcceptError != nil {
				s.cfg.OnAcceptError(err)
			}
			wait = min(max(2*wait, 5*time.Millisecond), 100*time.Millisecond)
			select {
			case <-time.After(wait):
			case <-s.quit:
			}
			continue
		}
		wait = 0
		if s.cfg.EvictIdle && !s.makeRoom() {
			_ = nc.Close()
			s.release()
			return drivers.ErrClosed
		}
		if c := s.add(nc); c != nil {
			go c.serve()
		}
	}
}

// ServeConn runs a machine on nc and returns when the connection has ended. It takes over nc. The error is what the
// machine's Closed was told: nil after an orderly close. drivers.ErrClosed means that the server was shut down,
// drivers.ErrBusy that MaxConns are served; then nc is closed and no machine was made.
func (s *Server) ServeConn(nc net.Conn) error { return s.ServeMachine(nc, nil, nil) }

// ServeMachine is ServeConn with a machine that does not come from the Service: start makes it (nil: the Service does),
// like the start of reactor.Dial. early is what was read from nc before, for example by another server that the connection
// was taken from; the machine receives it first. early is copied.
func (s *Server) ServeMachine(nc net.Conn, early []byte, start func(t *drivers.Turn, l drivers.Link) drivers.Machine) error {
	if !s.acquire(false) {
		_ = nc.Close()
		if s.isStopping() {
			return drivers.ErrClosed
		}
		return drivers.ErrBusy
	}
	c := s.add(nc)
	if c == nil {
		return drivers.ErrClosed
	}
	c.start = start
	if len(early) > 0 {
		c.tail = append(c.tail, early...)
		c.in, c.fresh = c.tail, true
	}
	c.serve()
	c.mu.Lock()
	for !c.over {
		c.moved.Wait()
	}
	err := c.err
	c.mu.Unlock()
	return err
}

// Conns returns how many connections live now.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown stops accepting, asks every machine that is a drivers.Drainer to finish, and waits. Connections that live when
// ctx is done are closed. Functions started by Go are not waited for; their machine's Closed tells them.
func (s *Server) Shutdown(ctx context.Context) drivers.Report {
	var r drivers.Report
	conns := s.stop()
	for _, c := range conns {
		c.signal(fDrain)
	}
	stopWait := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer stopWait()
	s.mu.Lock()
	for len(s.conns) > 0 && ctx.Err() == nil {
		s.changed.Wait()
	}
	s.mu.Unlock()
	rest := s.list()
	for _, c := range rest {
		if ended, busy := c.kill(); ended {
			r.TimedOut++
			if busy {
				r.InFlight++
			}
		}
	}
	r.Drained = len(conns) - r.TimedOut
	s.wait()
	r.Crashed = int(s.crashed.Load())
	return r
}

// Close stops accepting and closes every connection at once. It returns when each machine's Closed has been called.
func (s *Server) Close() error {
	s.stop()
	for _, c := range s.list() {
		c.kill()
	}
	s.wait()
	return nil
}

// kill closes the connection. It reports whether it lived, and whether that lost work.
func (c *conn) kill() (ended, busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, false
	}
	busy = len(c.out) > 0 || c.flight > 0
	if c.m != nil && !busy && !c.lingering {
		busy = c.inFlight()
	}
	c.fail(drivers.ErrClosed)
	c.signal(fNudge)
	return true, busy
}

func (c *conn) inFlight() bool {
	defer c.contain()
	if c.m.Status()&(drivers.HasPayload|drivers.WantOutput) != 0 {
		return true
	}
	d, ok := c.m.(drivers.Drainer)
	return ok && d.InFlight()
}

func (s *Server) stop() []*conn {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.quit)
	}
	for l := range s.listeners {
		_ = l.Close()
	}
	s.changed.Broadcast()
	s.mu.Unlock()
	return s.list()
}

func (s *Server) list() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	cs := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		cs = append(cs, c)
	}
	return cs
}

func (s *Server) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 {
		s.changed.Wait()
	}
}

// acquire takes a slot of MaxConns, waiting for one if asked to. It fails while the server stops.
func (s *Server) acquire(wait bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopping && s.cfg.MaxConns > 0 && s.taken >= s.cfg.MaxConns && !(wait && s.cfg.EvictIdle) {
		if !wait {
			return false
		}
		s.changed.Wait()
	}
	if s.stopping {
		return false
	}
	s.taken++
	return true
}

func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.changed.Broadcast()
}

func (s *Server) add(nc net.Conn) *conn {
	c := newConn(s, nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		s.taken--
		_ = nc.Close()
		return nil
	}
	s.conns[c] = struct{}{}
	return c
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.taken--
	if s.stopping || s.cfg.MaxConns > 0 {
		s.changed.Broadcast()
	}
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *Server) panicked(v any, stack []byte) {
	s.crashed.Add(1)
	if s.cfg.OnPanic != nil {
		s.cfg.OnPanic(v, stack)
	}
}

// temporary tells errors of accept(2) that pass from those that stay.
func temporary(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EINTR, syscall.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	if runtime.GOOS == "linux" && errors.Is(err, syscall.EPROTO) {
		return true
	}
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
