package stdnet_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
)

// In-memory connections: both ends in one process, Write blocks until the other side reads.
func TestPipe(t *testing.T) {
	s := stdnet.New(drivertest.Guard(t, drivertest.Echo), stdnet.Config{})
	defer s.Close()
	here, there := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.ServeConn(there) }()
	_ = here.SetDeadline(time.Now().Add(20 * time.Second))
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	go func() { _, _ = here.Write(data) }()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(here, got); err != nil || string(got) != string(data) {
		t.Fatalf("echo: %v", err)
	}
	_ = here.Close()
	if err := <-done; err != nil {
		t.Errorf("ServeConn: %v", err)
	}
}

// A connection taken over from somebody who has read from it already: what was read comes first, and the machine is the
// caller's own.
func TestServeMachine(t *testing.T) {
	s := stdnet.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), stdnet.Config{})
	defer s.Close()
	svc := drivertest.Guard(t, drivertest.Echo)
	early := []byte("early ")
	for _, network := range []string{"pipe", "tcp"} {
		here, there := net.Pipe()
		if network == "tcp" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if here, err = net.Dial("tcp", l.Addr().String()); err != nil {
				t.Fatal(err)
			}
			if there, err = l.Accept(); err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		}
		done := make(chan error, 1)
		go func() {
			done <- s.ServeMachine(there, early, func(tn *drivers.Turn, l drivers.Link) drivers.Machine {
				return svc.Accept(tn, l)
			})
		}()
		_ = here.SetDeadline(time.Now().Add(20 * time.Second))
		got := make([]byte, len("early late"))
		if _, err := io.ReadFull(here, got[:6]); err != nil {
			t.Fatal(network, err)
		}
		if _, err := here.Write([]byte("late")); err != nil {
			t.Fatal(network, err)
		}
		if _, err := io.ReadFull(here, got[6:]); err != nil || string(got) != "early late" {
			t.Fatalf("%s: %q, %v", network, got, err)
		}
		_ = here.Close()
		if err := <-done; err != nil {
			t.Errorf("%s: ServeMachine: %v", network, err)
		}
	}
}

func TestServeConnRefuses(t *testing.T) {
	s := stdnet.New(drivertest.Echo, stdnet.Config{MaxConns: 1})
	first, served := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.ServeConn(served) }()
	if _, err := first.Write([]byte("x")); err != nil { // taken: the connection is up
		t.Fatal(err)
	}
	_, second := net.Pipe()
	if err := s.ServeConn(second); !errors.Is(err, drivers.ErrBusy) {
		t.Errorf("above MaxConns: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	_, third := net.Pipe()
	if err := s.ServeConn(third); !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	_ = first.Close()
}

// A listener that fails for good ends Serve with its error.
func TestServeReturnsListenerError(t *testing.T) {
	s := stdnet.New(drivertest.Echo, stdnet.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	_ = s.Close()
	if err := s.Serve(l); !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	for _, x := range []struct {
		name string
		cfg  stdnet.Config
		ok   bool
	}{
		{"zero", stdnet.Config{}, true},
		{"none", stdnet.Config{KillWater: -1, MaxTail: -1, MaxPosts: -1, MaxConns: -1, WriteStall: -1, LingerTime: -1, LingerBytes: -1}, true},
		{"large high water moves kill water", stdnet.Config{HighWater: 8 << 20}, true},
		{"no read buffer", stdnet.Config{ReadBuffer: -1}, false},
		{"no high water", stdnet.Config{HighWater: -1}, false},
		{"kill below high", stdnet.Config{HighWater: 1000, KillWater: 999}, false},
	} {
		if err := x.cfg.Validate(); (err == nil) != x.ok {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

// at the cap an honest client gets in, in place of the longest idle one; one that is being answered keeps its place.
func TestEvictIdle(t *testing.T) {
	s := stdnet.New(drivertest.Echo, stdnet.Config{MaxConns: 10, EvictIdle: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	ping := func(c net.Conn) error {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Write([]byte("ping")); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 4))
		return err
	}
	var conns []net.Conn
	for i := range 50 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
		if err := ping(c); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if n := s.Conns(); n > 10 {
			t.Fatalf("%d connections", n)
		}
		for end := time.Now().Add(20 * time.Second); !s.AllIdle(); time.Sleep(100 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatalf("connection %d: somebody is at work for ever", i)
			}
		}
	}
	// The sample holds all of them, and all were idle, so it was the oldest that had to go, each time.
	for i, c := range conns {
		if err := ping(c); (err == nil) != (i >= 40) {
			t.Errorf("connection %d of 50: %v", i, err)
		}
	}
	_ = s.Close()
	<-done
}

// With nobody idle the new connection waits for a place.
func TestEvictNobody(t *testing.T) {
	busy := drivers.ServiceFunc(func(_ *drivers.Turn, l drivers.Link) drivers.Machine { return &working{} })
	s := stdnet.New(busy, stdnet.Config{MaxConns: 1, EvictIdle: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	first, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for s.Conns() == 0 {
		time.Sleep(time.Millisecond)
	}
	second, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_, _ = second.Write([]byte("x"))
	_ = second.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("served beyond the cap")
	}
	_ = first.Close()
	_ = second.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(second, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	<-done
}

// working echoes and always has something in flight.
type working struct{ closing bool }

func (w *working) Receive(_ *drivers.Turn, src, dst []byte) (int, []byte) {
	return len(src), append(dst, src...)
}
func (w *working) Transmit(_ *drivers.Turn, dst []byte) []byte { return dst }
func (w *working) PeerClosed(*drivers.Turn)                    { w.closing = true }
func (w *working) Advance(*drivers.Turn)                       {}
func (w *working) Deadline() codec.Time                        { return codec.Never }
func (w *working) Closed(error)                                {}
func (w *working) Drain(*drivers.Turn)                         {}
func (w *working) InFlight() bool                              { return true }

func (w *working) Status() drivers.Status {
	if w.closing {
		return drivers.Closing
	}
	return drivers.WantInput
}
