package server

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// rig drives one machine without a socket, on a clock that the test moves.
type rig struct {
	t    testing.TB
	srv  *Server
	m    drivers.Machine
	turn drivers.Turn

	in     []byte // sent by the peer, not consumed
	fresh  bool   // in has grown or something happened since Receive consumed nothing
	fin    bool
	finned bool
	out    []byte // given by the machine, not read by the peer
	wire   []byte // read by the peer
	stall  bool   // the peer does not read
	closed bool   // the machine asked to close, and was
	abort  bool

	mu    sync.Mutex
	woken bool
	posts []func(*drivers.Turn, error)
	dead  bool
	bell  chan struct{}
	goers sync.WaitGroup
}

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) }

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newRigOn(t, s)
}

func newRigOn(t testing.TB, s *Server) *rig {
	r := &rig{t: t, srv: s, bell: make(chan struct{}, 1)}
	r.turn = drivers.Turn{Now: codec.Time(time.Hour), Unix: 1_700_000_000, Max: 64 << 10, Local: s.NewLocal()}
	r.m = s.Accept(&r.turn, r)
	t.Cleanup(func() { r.end(drivers.ErrClosed); r.goers.Wait() })
	return r
}

// drivers.Link
func (r *rig) Wake() {
	r.mu.Lock()
	r.woken = true
	r.mu.Unlock()
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

func (r *rig) Post(fn func(*drivers.Turn, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		return drivers.ErrClosed
	}
	r.posts = append(r.posts, fn)
	select {
	case r.bell <- struct{}{}:
	default:
	}
	return nil
}

func (r *rig) Go(fn func()) {
	r.goers.Add(1)
	go func() { defer r.goers.Done(); defer r.Wake(); fn() }()
}
func (r *rig) Pump() bool           { return false }
func (r *rig) Watch()               {}
func (r *rig) LocalAddr() net.Addr  { return fakeAddr("192.0.2.1:80") }
func (r *rig) RemoteAddr() net.Addr { return fakeAddr("198.51.100.7:4711") }
func (r *rig) Unsent() int          { return len(r.out) }

// end is the driver closing the connection.
func (r *rig) end(err error) {
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return
	}
	r.dead = true
	posts := r.posts
	r.posts = nil
	r.mu.Unlock()
	for _, p := range posts {
		p(&r.turn, drivers.ErrClosed)
	}
	r.closed = true
	r.m.Closed(err)
}

// send is the peer sending.
func (r *rig) send(s string) *rig {
	r.in = append(r.in, s...)
	r.fresh = true
	r.settle()
	return r
}

// sendFIN is the peer finishing.
func (r *rig) sendFIN() *rig { r.fin = true; r.fresh = true; r.settle(); return r }

// pass moves the clock.
func (r *rig) pass(d time.Duration) *rig {
	r.turn.Now = r.turn.Now.Add(d)
	r.turn.Unix = 1_700_000_000 + int64((r.turn.Now-codec.Time(time.Hour))/codec.Time(time.Second))
	r.settle()
	return r
}

// settle makes the machine do what it can.
func (r *rig) settle() {
	for range 1 << 20 {
		if r.closed || !r.step() {
			return
		}
	}
	r.t.Fatal("the machine does not come to rest")
}

func (r *rig) step() bool {
	r.mu.Lock()
	woken, posts := r.woken, r.posts
	r.woken, r.posts = false, nil
	r.mu.Unlock()
	for _, p := range posts {
		p(&r.turn, nil)
	}
	if woken || r.m.Deadline().Reached(r.turn.Now) {
		before := r.m.Deadline()
		r.m.Advance(&r.turn)
		r.fresh = true
		if !woken && r.m.Deadline() == before && r.m.Status()&(drivers.Closing|drivers.Abort|drivers.WantOutput) == 0 {
			r.t.Fatal("a deadline that is due stays due")
		}
		return true
	}
	if len(posts) > 0 {
		r.fresh = true
		return true
	}
	if !r.stall && len(r.out) > 0 {
		r.wire = append(r.wire, r.out...)
		r.out = r.out[:0]
		r.fresh = true
		return true
	}
	st := r.m.Status()
	switch {
	case st&drivers.Abort != 0:
		r.abort = true
		r.end(nil)
		return false
	case st&drivers.HasPayload != 0:
		if r.stall {
			break
		}
		p := r.m.(drivers.Payloader).Payload()
		n := min(len(p), 10_000)
		r.wire = append(r.wire, p[:n]...)
		r.m.(drivers.Payloader).PayloadSent(&r.turn, n)
		return true
	case st&drivers.Switch != 0:
		r.m = r.m.(drivers.Successor).Successor(&r.turn)
		r.fresh = true
		if r.finned {
			r.m.PeerClosed(&r.turn)
		}
		return true
	case st&drivers.WantOutput != 0 && len(r.out) < 64<<10:
		before := len(r.out)
		r.out = r.m.Transmit(&r.turn, r.out)
		if len(r.out) > before || r.m.Status() != st {
			return true
		}
	case st&drivers.Closing != 0:
		if len(r.out) == 0 {
			r.end(nil)
			return false
		}
	}
	if st&drivers.WantInput != 0 && len(r.in) > 0 && r.fresh {
		var n int
		n, r.out = r.m.Receive(&r.turn, r.in, r.out)
		r.in = r.in[:copy(r.in, r.in[n:])]
		r.fresh = n > 0
		return true
	}
	if r.fin && !r.finned && (len(r.in) == 0 || !r.fresh || st&drivers.WantInput == 0) {
		r.finned = true
		r.m.PeerClosed(&r.turn)
		r.fresh = true
		return true
	}
	return false
}

// until runs the machine, handlers on their goroutines, until cond holds.
func (r *rig) until(what string, cond func() bool) *rig {
	r.t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		r.settle()
		if cond() {
			return r
		}
		select {
		case <-r.bell:
		case <-limit.C:
			r.t.Fatalf("waited in vain for %s; wire: %.300q", what, r.wire)
		}
	}
}

// idle waits until the machine has answered everything.
func (r *rig) idle() *rig {
	r.t.Helper()
	return r.until("an idle connection", func() bool {
		if r.closed {
			return true
		}
		c, ok := r.m.(*conn)
		return ok && c.st == stHead && len(r.out) == 0 && (len(r.in) == 0 || !r.fresh)
	})
}

// take returns and forgets what the peer has read.
func (r *rig) take() string {
	s := string(r.wire)
	r.wire = r.wire[:0]
	return s
}
