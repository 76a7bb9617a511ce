package stdnet

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// evictSample is how many idle connections are compared to find one that may go.
const evictSample = 64

// makeRoom waits until as many connections live as MaxConns allows beside the one that was just accepted, and ends idle ones to
// that end. It fails while the server stops.
func (s *Server) makeRoom() bool {
	for {
		s.mu.Lock()
		if s.stopping {
			s.mu.Unlock()
			return false
		}
		if len(s.conns) < s.cfg.MaxConns {
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		if c := s.oldestIdle(); c != nil && c.evict() {
			continue
		}
		s.mu.Lock()
		if len(s.conns) >= s.cfg.MaxConns && !s.stopping {
			s.changed.Wait()
		}
		s.mu.Unlock()
	}
}

// oldestIdle returns the longest idle connection of a sample, nil if none is idle. The order of the map makes the sample random.
func (s *Server) oldestIdle() (oldest *conn) {
	s.mu.Lock()
	some := make([]*conn, 0, 4*evictSample)
	for c := range s.conns {
		if some = append(some, c); len(some) == cap(some) {
			break
		}
	}
	s.mu.Unlock()
	var since codec.Time
	n := 0
	for _, c := range some {
		if !c.mu.TryLock() { // at work
			continue
		}
		idle, active := c.idle(), c.active
		c.mu.Unlock()
		if !idle {
			continue
		}
		if oldest == nil || active < since {
			oldest, since = c, active
		}
		if n++; n == evictSample {
			break
		}
	}
	return oldest
}

// idle reports whether nothing is lost with the connection. mu is held.
func (c *conn) idle() bool {
	if c.dead || c.m == nil || c.lingering || c.writing || c.inFn || c.fn != nil || c.extra > 0 || len(c.in) > 0 || len(c.out) > 0 ||
		c.state.Load()&pending != 0 {
		return false
	}
	defer c.contain()
	d, ok := c.m.(drivers.Drainer)
	return !ok || !d.InFlight()
}

// evict asks the machine to leave and closes the connection. It reports whether it did: the connection may have woken up meanwhile.
func (c *conn) evict() bool {
	w := c.srv.getWorker()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.srv.putWorker(w)
	if !c.idle() {
		return false
	}
	c.srv.tick(w)
	c.drain(w)
	c.run(w)
	c.fail(drivers.ErrClosed)
	c.signal(fNudge)
	return true
}
