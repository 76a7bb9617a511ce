//go:build linux || darwin || freebsd

package reactor

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

// tester is a machine whose behaviour each test sets.
type tester struct {
	link     drivers.Link
	recv     func(m *tester, t *drivers.Turn, src, dst []byte) (int, []byte)
	transmit func(m *tester, t *drivers.Turn, dst []byte) []byte
	advance  func(m *tester, t *drivers.Turn)
	closed   func(m *tester, err error)
	drain    func(m *tester, t *drivers.Turn)
	deadline codec.Time
	status   drivers.Status
	payload  []byte
	eofs     int
	next     drivers.Machine
}

func (m *tester) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	if m.recv == nil {
		return len(src), append(dst, src...)
	}
	return m.recv(m, t, src, dst)
}

func (m *tester) Transmit(t *drivers.Turn, dst []byte) []byte {
	if m.transmit == nil {
		return dst
	}
	return m.transmit(m, t, dst)
}

func (m *tester) PeerClosed(t *drivers.Turn) {
	m.eofs++
	if m.advance == nil {
		m.status = drivers.Closing
	}
}

func (m *tester) Advance(t *drivers.Turn) {
	if m.advance != nil {
		m.advance(m, t)
	}
}
func (m *tester) Deadline() codec.Time   { return m.deadline }
func (m *tester) Status() drivers.Status { return m.status }
func (m *tester) Closed(err error) {
	if m.closed != nil {
		m.closed(m, err)
	}
}
func (m *tester) Payload() []byte { return m.payload }
func (m *tester) PayloadSent(t *drivers.Turn, n int) {
	m.payload = m.payload[n:]
	if len(m.payload) == 0 {
		m.status &^= drivers.HasPayload
	}
}
func (m *tester) Successor(t *drivers.Turn) drivers.Machine { return m.next }

type drainer struct{ tester }

func (m *drainer) Drain(t *drivers.Turn) {
	if m.drain != nil {
		m.drain(&m.tester, t)
	} else {
		m.status = drivers.Closing
	}
}
func (m *drainer) InFlight() bool { return m.drain != nil }

// service makes a tester per connection with set applied.
func service(set func(m *tester)) drivers.ServiceFunc {
	return func(t *drivers.Turn, l drivers.Link) drivers.Machine {
		m := &tester{link: l, status: drivers.WantInput}
		if set != nil {
			set(m)
		}
		return m
	}
}

// run starts a reactor on a loopback port and checks at the end that it left nothing behind.
func run(t *testing.T, svc drivers.Service, cfg Config) (*Reactor, string) {
	t.Helper()
	r, err := New(svc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Listen("tcp", "127.0.0.1:0", listen.Config{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); r.Run() }()
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		wg.Wait()
		s := r.Stats()
		if s.Live != 0 || r.conns.Load() != 0 {
			t.Errorf("%d connections left", s.Live)
		}
		if s.Accepts+s.Dials != s.Closed+s.Aborted+s.Refused && s.Refused == 0 {
			t.Errorf("accepts %d + dials %d, but closed %d + aborted %d", s.Accepts, s.Dials, s.Closed, s.Aborted)
		}
		for _, lp := range r.loops {
			if lp.wheel.n != 0 {
				t.Errorf("%d timers left", lp.wheel.n)
			}
		}
		for i := 0; ; i++ {
			buf := make([]byte, 1<<20)
			stacks := string(buf[:runtime.Stack(buf, true)])
			if !strings.Contains(stacks, "reactor.(*loop)") && !strings.Contains(stacks, "reactor.(*workers)") {
				break
			}
			if i == 1000 {
				t.Fatalf("goroutines left:\n%s", stacks)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return r, r.Addrs()[0].String()
}

func dialTo(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func background(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
