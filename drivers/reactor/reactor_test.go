//go:build linux || darwin || freebsd

package reactor

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

func TestEcho(t *testing.T) {
	for _, cfg := range []Config{{Loops: 1}, {Loops: 2}, {Loops: 2, ReusePort: true}, {Loops: 2, LockThread: true}, {Loops: 1, PinCores: true}} {
		t.Run("", func(t *testing.T) { echo(t, cfg) })
	}
}

func echo(t *testing.T, cfg Config) {
	_, addr := run(t, service(nil), cfg)
	var wg sync.WaitGroup
	for k := 0; k < 20; k++ {
		c := dialTo(t, addr)
		wg.Add(1)
		go func() {
			defer wg.Done()
			want := make([]byte, 300_000)
			rand.New(rand.NewSource(int64(k))).Read(want)
			go func() {
				c.Write(want)
				c.CloseWrite()
			}()
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
			}
		}()
	}
	wg.Wait()
}

// A machine that consumes only whole blocks sees the same bytes again with more behind them, and growing tails cost linear work.
func TestTail(t *testing.T) {
	const block = 40_000
	_, addr := run(t, service(func(m *tester) {
		m.recv = func(m *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			if len(src) < block {
				return 0, dst
			}
			return block, append(dst, src[:block]...)
		}
	}), Config{Loops: 1})
	c := dialTo(t, addr)
	want := make([]byte, 5*block)
	rand.New(rand.NewSource(1)).Read(want)
	go func() {
		for i := 0; i < len(want); {
			n := min(1+i%977, len(want)-i)
			c.Write(want[i : i+n])
			i += n
		}
	}()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Fatal(err, bytes.Equal(got, want))
	}
}

func TestMaxTail(t *testing.T) {
	reason := make(chan error, 1)
	_, addr := run(t, service(func(m *tester) {
		m.recv = func(_ *tester, _ *drivers.Turn, _, dst []byte) (int, []byte) { return 0, dst }
		m.closed = func(_ *tester, err error) { reason <- err }
	}), Config{Loops: 1, MaxTail: 10_000})
	c := dialTo(t, addr)
	c.Write(make([]byte, 10_000))
	time.Sleep(20 * time.Millisecond)
	select {
	case err := <-reason:
		t.Fatal("closed at the limit", err)
	default:
	}
	c.Write([]byte{1})
	if err := <-reason; err != drivers.ErrTail {
		t.Fatal(err)
	}
}

// Posts and wakes from several goroutines race with the end of the connection: every accepted post runs once.
func TestPostsRunOnce(t *testing.T) {
	var accepted, ran, refused atomic.Int64
	links := make(chan drivers.Link, 1000)
	r, addr := run(t, service(func(m *tester) { links <- m.link }), Config{Loops: 2})
	var wg sync.WaitGroup
	for g := 0; g < 4; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < 100; i++ {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				l := <-links
				closer := make(chan struct{})
				go func() { c.Close(); close(closer) }()
				for k := 0; k < 50; k++ {
					err := l.Post(func(_ *drivers.Turn, err error) {
						ran.Add(1)
						if err != nil {
							refused.Add(1)
						}
					})
					if err == nil {
						accepted.Add(1)
					}
					l.Wake()
					l.LocalAddr()
				}
				<-closer
			}
		}()
	}
	wg.Wait()
	r.Close()
	if ran.Load() != accepted.Load() || ran.Load() == 0 {
		t.Fatalf("%d accepted, %d ran", accepted.Load(), ran.Load())
	}
	t.Logf("%d posts ran, %d of them told ErrClosed", ran.Load(), refused.Load())
}

func TestPostBound(t *testing.T) {
	links := make(chan drivers.Link, 1)
	r, addr := run(t, service(func(m *tester) { links <- m.link }), Config{Loops: 1, MaxPosts: 10})
	c := dialTo(t, addr)
	l := <-links
	hold, held := make(chan bool), make(chan bool)
	r.loops[0].command(func() { held <- true; <-hold })
	<-held
	n := 0
	var ran atomic.Int64
	var err error
	for err == nil && n < 100 {
		if err = l.Post(func(*drivers.Turn, error) { ran.Add(1) }); err == nil {
			n++
		}
	}
	hold <- true
	if n != 10 || err != drivers.ErrBusy {
		t.Fatal(n, err)
	}
	c.Close()
	for ran.Load() != 10 {
		time.Sleep(time.Millisecond)
	}
	for err != drivers.ErrClosed {
		err = l.Post(func(*drivers.Turn, error) {})
		time.Sleep(time.Millisecond)
	}
}

// A panic ends its connection only; Closed learns of it, and posts still run.
func TestPanics(t *testing.T) {
	reasons := make(chan error, 10)
	links := make(chan drivers.Link, 10)
	r, addr := run(t, service(func(m *tester) {
		links <- m.link
		m.recv = func(m *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			switch src[0] {
			case 'p':
				panic("machine")
			case 'g':
				m.link.Go(func() { panic(io.ErrNoProgress) })
				return len(src), dst
			}
			return len(src), append(dst, src...)
		}
		m.closed = func(_ *tester, err error) { reasons <- err }
	}), Config{Loops: 1})
	honest := dialTo(t, addr)
	<-links
	for _, b := range []byte("pgx") {
		c := dialTo(t, addr)
		l := <-links
		var ran atomic.Int64
		if b == 'x' {
			for i := 0; i < 3; i++ {
				l.Post(func(*drivers.Turn, error) {
					if ran.Add(1) == 2 {
						panic("post")
					}
				})
			}
		} else {
			c.Write([]byte{b})
		}
		var pe *PanicError
		if err := <-reasons; !errors.As(err, &pe) || len(pe.Stack) == 0 {
			t.Fatalf("%c: %v", b, err)
		} else if b == 'g' && !errors.Is(err, io.ErrNoProgress) {
			t.Fatal(err)
		}
		if b == 'x' && ran.Load() < 2 {
			t.Fatal("posts lost")
		}
	}
	honest.Write([]byte("hello"))
	if _, err := io.ReadFull(honest, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Panics != 3 {
		t.Fatal(s.Panics)
	}
}

func TestUnixAndBorrowed(t *testing.T) {
	r, _ := run(t, service(nil), Config{Loops: 2})
	path := filepath.Join(t.TempDir(), "s")
	if err := r.Listen("unix", path, listen.Config{}); err != nil {
		t.Fatal(err)
	}
	s, err := listen.Open("tcp", "127.0.0.1:0", listen.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := r.ListenFD(s.FD()); err != nil {
		t.Fatal(err)
	}
	if len(r.Addrs()) != 3 {
		t.Fatal(r.Addrs())
	}
	for _, a := range r.Addrs() {
		c, err := net.Dial(a.Network(), a.String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("ping"))
		c.(interface{ CloseWrite() error }).CloseWrite()
		b, err := io.ReadAll(c)
		if string(b) != "ping" || err != nil {
			t.Fatal(a, b, err)
		}
		c.Close()
	}
	r.Close()
	if _, err := net.Dial("unix", path); !errors.Is(err, syscall.ENOENT) {
		t.Fatal("the socket file is left", err)
	}
	if v, err := syscall.GetsockoptInt(s.FD(), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); err != nil || v != 1 {
		t.Fatal("the borrowed descriptor was closed")
	}
}

func TestDial(t *testing.T) {
	r, addr := run(t, service(nil), Config{Loops: 2})
	got := make(chan string, 1)
	l, err := r.Dial(background(t, 5*time.Second), "tcp", addr, func(_ *drivers.Turn, l drivers.Link) drivers.Machine {
		m := &tester{link: l, status: drivers.WantInput | drivers.WantOutput}
		m.transmit = func(m *tester, _ *drivers.Turn, dst []byte) []byte {
			m.status &^= drivers.WantOutput
			return append(dst, "question"...)
		}
		m.recv = func(m *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			got <- string(src)
			m.status = drivers.Closing
			return len(src), dst
		}
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "question" {
		t.Fatal(s)
	}
	if l.RemoteAddr().String() != addr {
		t.Fatal(l.RemoteAddr())
	}
	c, _ := net.Listen("tcp", "127.0.0.1:0")
	c.Close()
	_, err = r.Dial(background(t, 5*time.Second), "tcp", c.Addr().String(), func(*drivers.Turn, drivers.Link) drivers.Machine { return nil })
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	_, err = r.Dial(background(t, 5*time.Second), "tcp", addr, func(*drivers.Turn, drivers.Link) drivers.Machine { return nil })
	if err != drivers.ErrClosed {
		t.Fatal(err)
	}
}

func TestShutdownReport(t *testing.T) {
	started := make(chan bool, 4)
	svc := drivers.ServiceFunc(func(_ *drivers.Turn, l drivers.Link) drivers.Machine {
		m := &drainer{tester{link: l, status: drivers.WantInput}}
		m.recv = func(t *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			if src[0] == 's' { // stays
				t.drain = func(*tester, *drivers.Turn) {}
			}
			started <- true
			return len(src), dst
		}
		return m
	})
	r, addr := run(t, svc, Config{Loops: 2})
	for _, s := range []string{"a", "b", "stay"} {
		c := dialTo(t, addr)
		c.Write([]byte(s))
		<-started
		if s != "stay" {
			go io.Copy(c, c) // sees the end and closes
		}
	}
	rep := r.Shutdown(background(t, 3*time.Second))
	if rep.TimedOut != 1 || rep.InFlight != 1 || rep.Drained != 2 || rep.Crashed != 0 {
		t.Fatalf("%+v", rep)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Fatal("still listening")
	}
}
