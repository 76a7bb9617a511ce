package drivertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/stdnet"
)

// fault is a driver's mistake: what stands between a good driver and what it serves.
type fault struct {
	name string
	want string // in one of the complaints
	svc  func(drivers.Service) drivers.Service
	srv  func(Server) Server
}

// broken wraps machines and links so that calls can be changed.
func broken(change func(m *mistaken)) func(drivers.Service) drivers.Service {
	return func(svc drivers.Service) drivers.Service {
		return drivers.ServiceFunc(func(t *drivers.Turn, l drivers.Link) drivers.Machine {
			ml := &mistakenLink{Link: l}
			m := &mistaken{link: ml}
			change(m)
			if m.Machine = svc.Accept(t, ml); m.Machine == nil {
				return nil
			}
			return m
		})
	}
}

type mistaken struct {
	drivers.Machine
	link *mistakenLink

	receive  func(m *mistaken, t *drivers.Turn, src, dst []byte) (int, []byte)
	transmit func(m *mistaken, t *drivers.Turn, dst []byte) []byte
	peer     func(m *mistaken, t *drivers.Turn)
	advance  func(m *mistaken, t *drivers.Turn)
	deadline func(m *mistaken) codec.Time
	ended    func(m *mistaken, err error)
}

func (m *mistaken) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	if m.receive != nil {
		return m.receive(m, t, src, dst)
	}
	return m.Machine.Receive(t, src, dst)
}

func (m *mistaken) Transmit(t *drivers.Turn, dst []byte) []byte {
	if m.transmit != nil {
		return m.transmit(m, t, dst)
	}
	return m.Machine.Transmit(t, dst)
}

func (m *mistaken) PeerClosed(t *drivers.Turn) {
	if m.peer != nil {
		m.peer(m, t)
		return
	}
	m.Machine.PeerClosed(t)
}

func (m *mistaken) Advance(t *drivers.Turn) {
	if m.advance != nil {
		m.advance(m, t)
		return
	}
	m.Machine.Advance(t)
}

func (m *mistaken) Deadline() codec.Time {
	if m.deadline != nil {
		return m.deadline(m)
	}
	return m.Machine.Deadline()
}

func (m *mistaken) Closed(err error) {
	if m.ended != nil {
		m.ended(m, err)
		return
	}
	m.Machine.Closed(err)
}

func (m *mistaken) Payload() []byte { return m.Machine.(drivers.Payloader).Payload() }
func (m *mistaken) PayloadSent(t *drivers.Turn, n int) {
	m.Machine.(drivers.Payloader).PayloadSent(t, n)
}
func (m *mistaken) Drain(t *drivers.Turn) { m.Machine.(drivers.Drainer).Drain(t) }
func (m *mistaken) InFlight() bool        { return m.Machine.(drivers.Drainer).InFlight() }
func (m *mistaken) Successor(t *drivers.Turn) drivers.Machine {
	m.Machine = m.Machine.(drivers.Successor).Successor(t)
	return m
}

type mistakenLink struct {
	drivers.Link
	wake  func()
	post  func(fn func(*drivers.Turn, error)) error
	start func(fn func())
}

func (l *mistakenLink) Wake() {
	if l.wake != nil {
		l.wake()
		return
	}
	l.Link.Wake()
}

func (l *mistakenLink) Post(fn func(*drivers.Turn, error)) error {
	if l.post != nil {
		return l.post(fn)
	}
	return l.Link.Post(fn)
}

func (l *mistakenLink) Go(fn func()) {
	if l.start != nil {
		l.start(fn)
		return
	}
	l.Link.Go(fn)
}

type mistakenServer struct {
	Server
	shutdown func(ctx context.Context) drivers.Report
	close    func() error
}

func (s *mistakenServer) Shutdown(ctx context.Context) drivers.Report {
	if s.shutdown != nil {
		return s.shutdown(ctx)
	}
	return s.Server.Shutdown(ctx)
}

func (s *mistakenServer) Close() error {
	if s.close != nil {
		return s.close()
	}
	return s.Server.Close()
}

// good starts stdnet.
func good(t testing.TB, svc drivers.Service, o Options) Server {
	s := &goodServer{Server: stdnet.New(svc, stdnet.Config{HighWater: o.HighWater, MaxConns: o.MaxConns, MaxPosts: o.MaxPosts,
		WriteStall: o.WriteStall, LingerTime: o.Linger})}
	for i := range max(1, o.Listeners) {
		network, addr := "tcp", "127.0.0.1:0"
		if o.Network == "unix" {
			network, addr = "unix", filepath.Join(o.Dir, fmt.Sprint(i))
		}
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		s.addrs = append(s.addrs, l.Addr())
		s.loops.Go(func() { _ = s.Serve(l) })
	}
	return s
}

type goodServer struct {
	*stdnet.Server
	addrs []net.Addr
	loops sync.WaitGroup
}

func (s *goodServer) Addrs() []net.Addr { return s.addrs }
func (s *goodServer) Close() error {
	err := s.Server.Close()
	s.loops.Wait()
	return err
}

// listener is a testing.TB that hears complaints.
type listener struct {
	testing.TB
	mu       sync.Mutex
	said     []string
	cleanups []func()
}

func (l *listener) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, fmt.Sprintf(format, args...))
}
func (l *listener) Helper()          {}
func (l *listener) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }
func (l *listener) Failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.said) > 0
}

func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said
}

// Churn must find a driver's mistakes, each for what it is, and nothing in a driver that makes none.
func TestChurnFindsFaults(t *testing.T) {
	leaks := make(chan struct{})
	defer close(leaks)
	var mu sync.Mutex // faults are made on several goroutines
	var files []*os.File
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range files {
			_ = f.Close()
		}
	}()
	machine := func(name, want string, change func(m *mistaken)) fault {
		return fault{name: name, want: want, svc: broken(change)}
	}
	server := func(name, want string, srv func(Server) Server) fault { return fault{name: name, want: want, srv: srv} }
	machines := 0
	for _, f := range []fault{
		machine("output is changed", " for connection ", func(m *mistaken) {
			m.transmit = func(m *mistaken, t *drivers.Turn, dst []byte) []byte {
				n := len(dst)
				if dst = m.Machine.Transmit(t, dst); len(dst) > n {
					dst[n] ^= 1
				}
				return dst
			}
		}),
		machine("output is lost", "arrived", func(m *mistaken) {
			m.receive = func(m *mistaken, t *drivers.Turn, src, dst []byte) (int, []byte) {
				n, _ := m.Machine.Receive(t, src, dst)
				return n, dst
			}
		}),
		machine("output is repeated", "for connection", func(m *mistaken) {
			m.receive = func(m *mistaken, t *drivers.Turn, src, dst []byte) (int, []byte) {
				k := len(dst)
				n, dst := m.Machine.Receive(t, src, dst)
				return n, append(dst, dst[k:]...)
			}
		}),
		machine("input is changed", "arrived as", func(m *mistaken) {
			m.receive = func(m *mistaken, t *drivers.Turn, src, dst []byte) (int, []byte) {
				src = append([]byte(nil), src...)
				src[len(src)-1] ^= 1
				return m.Machine.Receive(t, src, dst)
			}
		}),
		machine("input goes to another machine", "arrived as", func(m *mistaken) {
			mu.Lock()
			defer mu.Unlock()
			if machines++; machines%2 == 0 {
				return
			}
			m.receive = func(m *mistaken, t *drivers.Turn, src, dst []byte) (int, []byte) {
				src = append([]byte(nil), src...)
				src[0]++ // as if it were the next connection's
				return m.Machine.Receive(t, src, dst)
			}
		}),
		machine("the FIN is not told", "waited in vain for: the end of a connection", func(m *mistaken) { m.peer = func(*mistaken, *drivers.Turn) {} }),
		machine("the FIN is told twice", "PeerClosed twice", func(m *mistaken) {
			m.peer = func(m *mistaken, t *drivers.Turn) { m.Machine.PeerClosed(t); m.Machine.PeerClosed(t) }
		}),
		machine("wakes are lost", "waited in vain for: the end of a connection", func(m *mistaken) { m.link.wake = func() {} }),
		machine("nothing behind a function", "waited in vain for: the end of a connection", func(m *mistaken) {
			m.link.start = func(fn func()) {
				go func() {
					defer func() { _ = recover() }()
					fn()
				}()
			}
		}),
		machine("a function does not start", "waited in vain for: ", func(m *mistaken) {
			m.link.start = func(func()) {}
		}),
		machine("deadlines are ignored", "waited in vain for: the end of a connection", func(m *mistaken) {
			m.deadline = func(*mistaken) codec.Time { return codec.Never }
		}),
		machine("posts are lost", "waited in vain for: functions and posts", func(m *mistaken) {
			m.link.post = func(func(*drivers.Turn, error)) error { return nil }
		}),
		machine("posts run twice", "a post ran twice", func(m *mistaken) {
			l := m.link
			l.post = func(fn func(*drivers.Turn, error)) error {
				return l.Link.Post(func(t *drivers.Turn, err error) { fn(t, err); fn(t, err) })
			}
		}),
		machine("posts fail strangely", "Post: ", func(m *mistaken) {
			m.link.post = func(func(*drivers.Turn, error)) error { return net.ErrClosed }
		}),
		machine("Closed is not called", "before Closed was called", func(m *mistaken) { m.ended = func(*mistaken, error) {} }),
		machine("Closed is called twice", "after Closed", func(m *mistaken) {
			m.ended = func(m *mistaken, err error) { m.Machine.Closed(err); m.Machine.Closed(err) }
		}),
		machine("Closed is told a reason where there is none", "but nobody broke off", func(m *mistaken) {
			m.ended = func(m *mistaken, _ error) { m.Machine.Closed(errors.New("bad luck")) }
		}),
		machine("Closed is told nil whatever happened", "after Abort", func(m *mistaken) {
			m.ended = func(m *mistaken, _ error) { m.Machine.Closed(nil) }
		}),
		machine("Closed is told that the driver was stopped", "were told ErrClosed", func(m *mistaken) {
			m.ended = func(m *mistaken, _ error) { m.Machine.Closed(drivers.ErrClosed) }
		}),
		machine("goroutines are left", "goroutines before", func(*mistaken) { go func() { <-leaks }() }),
		machine("descriptors are left", "descriptors before", func(*mistaken) {
			if f, err := os.Open(os.DevNull); err == nil {
				mu.Lock()
				defer mu.Unlock()
				files = append(files, f)
			}
		}),
		server("Shutdown does not end", "waited in vain for: Shutdown", func(s Server) Server {
			return &mistakenServer{Server: s, shutdown: func(context.Context) (r drivers.Report) { <-leaks; return r }}
		}),
		server("Shutdown gives up early", "of a drain without deadline", func(s Server) Server {
			return &mistakenServer{Server: s, shutdown: func(context.Context) drivers.Report {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				r := s.Shutdown(ctx)
				r.TimedOut++
				return r
			}}
		}),
		server("Shutdown miscounts", "were told ErrClosed", func(s Server) Server {
			return &mistakenServer{Server: s, shutdown: func(ctx context.Context) drivers.Report {
				_ = s.Close()
				return s.Shutdown(ctx)
			}}
		}),
		server("Shutdown invents crashes", "panics", func(s Server) Server {
			return &mistakenServer{Server: s, shutdown: func(ctx context.Context) drivers.Report {
				r := s.Shutdown(ctx)
				r.Crashed += 1000
				return r
			}}
		}),
		server("Close does not end", "waited in vain for: Close", func(s Server) Server {
			return &mistakenServer{Server: s, close: func() error { <-leaks; return nil }}
		}),
		server("Close does nothing", "before Closed was called", func(s Server) Server {
			return &mistakenServer{Server: s, close: func() error { return nil }}
		}),
		server("Close fails", "Close: ", func(s Server) Server {
			return &mistakenServer{Server: s, close: func() error { _ = s.Close(); return net.ErrClosed }}
		}),
	} {
		if f.want == "descriptors before" && openFiles() == 0 {
			continue // a system that does not tell
		}
		t.Run(f.name, func(t *testing.T) {
			var all []string
			for _, p := range slices.Repeat(ChurnSeeds(), 20) { // some faults come out in one order of things only: a wake may come when nobody waits
				tb := &listener{TB: t}
				var inner Server
				d := Driver{Name: f.name, Start: func(tb testing.TB, svc drivers.Service, o Options) Server {
					if f.svc != nil {
						svc = f.svc(svc)
					}
					if inner = good(tb, svc, o); f.srv != nil {
						return f.srv(inner)
					}
					return inner
				}}
				churnFor(tb, d, p, 100*time.Millisecond)
				_ = inner.Close()
				for _, f := range tb.cleanups[:len(tb.cleanups)-1] { // the last one is the faulty Close
					f()
				}
				for _, s := range tb.heard() {
					if strings.Contains(s, f.want) {
						return
					}
					all = append(all, s)
				}
			}
			t.Errorf("no complaint %q, but:\n%.2000s", f.want, strings.Join(all, "\n"))
		})
	}
}

// The twin: a driver that makes no mistake.
func TestChurnFindsNothing(t *testing.T) {
	for _, p := range ChurnSeeds() {
		Churn(t, Driver{Name: "good", Start: good}, p)
	}
}
