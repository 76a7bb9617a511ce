package drivertest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

var goTests = []test{
	{"GoMayBlock", goMayBlock},
	{"GoBehindGo", goBehindGo},
	{"GoReturnsThenAdvance", goReturns},
	{"GoReadsABody", goReadsABody},
	{"GoWritesWithBackPressure", goWritesWithBackPressure},
	{"GoFullDuplexFromTwoGoroutines", goFullDuplex},
	{"WakeAndPostWhileGoBlocks", wakeWhileGoBlocks},
	{"DeadlineWhileGoBlocks", deadlineWhileGoBlocks},
	{"WatchSeesThePeerLeave", watchSeesThePeerLeave},
	{"WatchKeepsBytes", watchKeepsBytes},
	{"ClosingWhileGoBlocks", closingWhileGoBlocks},
	{"PumpOutsideGo", pumpOutsideGo},
}

// shared is what a machine and the functions it starts have in common: one lock, one condition.
type shared struct {
	mu   sync.Mutex
	cond sync.Cond
	in   []byte // bytes for the function
	out  []byte // bytes of the function
	eof  bool
	done bool // the function returned
	gone bool // the connection ended
}

func newShared() *shared {
	s := &shared{}
	s.cond.L = &s.mu
	return s
}

// wait returns when ok is true, called with the lock held. This is how a function started by Go waits on any driver.
func (s *shared) wait(l drivers.Link, ok func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok() {
		s.mu.Unlock()
		pumped := l.Pump()
		s.mu.Lock()
		if !pumped && !ok() {
			s.cond.Wait()
		}
	}
}

func (s *shared) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.cond.Broadcast()
}

// duplex is a machine whose blocking function reads what arrives and writes what it likes, both with back-pressure: at
// most limit bytes wait in either direction.
type duplex struct {
	*probe
	sh    *shared
	limit int
}

func newDuplex(l drivers.Link, limit int) *duplex {
	m := &duplex{probe: newProbe(l), sh: newShared(), limit: limit}
	m.probe.peerClosed = func(*probe, *drivers.Turn) { m.sh.set(func() { m.sh.eof = true }) }
	return m
}

func (m *duplex) Receive(_ *drivers.Turn, src, dst []byte) (n int, out []byte) {
	m.sh.set(func() {
		n = min(len(src), m.limit-len(m.sh.in))
		m.sh.in = append(m.sh.in, src[:n]...)
	})
	return n, dst
}

func (m *duplex) Transmit(t *drivers.Turn, dst []byte) []byte {
	m.sh.set(func() {
		n := min(t.Max, len(m.sh.out))
		dst = append(dst, m.sh.out[:n]...)
		m.sh.out = append(m.sh.out[:0], m.sh.out[n:]...)
	})
	return dst
}

func (m *duplex) Status() (st drivers.Status) {
	m.sh.mu.Lock()
	defer m.sh.mu.Unlock()
	if len(m.sh.in) < m.limit {
		st |= drivers.WantInput
	}
	if len(m.sh.out) > 0 {
		st |= drivers.WantOutput
	}
	if m.sh.done {
		st |= drivers.Closing
	}
	return st
}

func (m *duplex) Closed(err error) {
	m.sh.set(func() { m.sh.gone = true })
	m.probe.Closed(err)
}

// read and write are for the function's side.
func (m *duplex) read(p []byte) (n int, err error) {
	m.sh.wait(m.link, func() bool { return len(m.sh.in) > 0 || m.sh.eof || m.sh.gone })
	m.sh.mu.Lock()
	n = copy(p, m.sh.in)
	if n == 0 {
		err = io.EOF
	}
	m.sh.in = append(m.sh.in[:0], m.sh.in[n:]...)
	m.sh.mu.Unlock()
	m.link.Wake() // there is room again
	return n, err
}

func (m *duplex) write(p []byte) error {
	for len(p) > 0 {
		m.sh.wait(m.link, func() bool { return len(m.sh.out) < m.limit || m.sh.gone })
		m.sh.mu.Lock()
		if m.sh.gone {
			m.sh.mu.Unlock()
			return net.ErrClosed
		}
		n := min(len(p), m.limit-len(m.sh.out))
		m.sh.out = append(m.sh.out, p[:n]...)
		m.sh.mu.Unlock()
		p = p[n:]
		m.link.Wake()
	}
	return nil
}

func (m *duplex) finish() {
	m.sh.set(func() { m.sh.done = true })
	m.link.Wake()
}

// startDuplex serves machines whose Go function is f, started with the connection.
func startDuplex(t *testing.T, d Driver, limit int, f func(m *duplex)) (Server, chan *duplex) {
	ch := make(chan *duplex, 1000)
	s := start(t, d, Options{}, func(_ *drivers.Turn, l drivers.Link) drivers.Machine {
		m := newDuplex(l, limit)
		l.Go(func() {
			f(m)
			m.finish()
		})
		ch <- m
		return m
	})
	return s, ch
}

// A function that blocks holds up nobody but its own connection.
func goMayBlock(t *testing.T, d Driver) {
	release := make(chan struct{})
	s, _ := startDuplex(t, d, 1000, func(m *duplex) {
		buf := make([]byte, 10)
		n, _ := m.read(buf)
		if buf[0] == 'b' {
			<-release
		}
		_ = m.write(buf[:n])
	})
	var blocked []net.Conn
	for range 20 {
		c := dial(t, s)
		if _, err := c.Write([]byte("b")); err != nil {
			t.Fatal(err)
		}
		blocked = append(blocked, c)
	}
	for range 20 {
		c := dial(t, s)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); string(got) != "x" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		_ = c.Close()
	}
	close(release)
	for _, c := range blocked {
		if got, err := io.ReadAll(c); string(got) != "b" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_ = c.Close()
	}
	stop(t, s)
}

// Functions of one connection may wait for each other.
func goBehindGo(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			a, b, c := make(chan int), make(chan int), make(chan int)
			p.link.Go(func() { a <- 1; <-c; p.link.Wake() })
			p.link.Go(func() { b <- <-a + 1 })
			p.link.Go(func() { c <- <-b + 1 })
			return len(src), dst
		}
		p.advance = func(p *probe, _ *drivers.Turn) { p.status |= drivers.Closing }
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); len(got) != 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	stop(t, s)
}

// The body-wait loop: the function reads a large body through a small window.
func goReadsABody(t *testing.T, d Driver) {
	const size = 8 << 20
	s, _ := startDuplex(t, d, 16<<10, func(m *duplex) {
		buf := make([]byte, 5000)
		sum, n := 0, 0
		for {
			k, err := m.read(buf)
			for _, b := range buf[:k] {
				sum += int(b)
			}
			n += k
			if err != nil {
				break
			}
		}
		want := 0
		for _, b := range pattern(size) {
			want += int(b)
		}
		if n != size || sum != want {
			t.Errorf("%d of %d bytes, sum %d, want %d", n, size, sum, want)
		}
		_ = m.write([]byte("ok"))
	})
	c := dial(t, s)
	go func() {
		_, _ = c.Write(pattern(size))
		finish(c)
	}()
	if got, err := io.ReadAll(c); string(got) != "ok" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	stop(t, s)
}

// The function writes more than anybody buffers, to a peer that takes a break.
func goWritesWithBackPressure(t *testing.T, d Driver) {
	const size = 24 << 20
	s, _ := startDuplex(t, d, 64<<10, func(m *duplex) {
		if err := m.write(pattern(size)); err != nil {
			t.Error(err)
		}
	})
	c := dial(t, s)
	time.Sleep(50 * time.Millisecond)
	got, err := io.ReadAll(c)
	if err != nil || len(got) != size {
		t.Fatalf("%d of %d bytes, %v", len(got), size, err)
	}
	for i, b := range pattern(size) {
		if got[i] != b {
			t.Fatalf("byte %d is wrong", i)
		}
	}
	_ = c.Close()
	stop(t, s)
}

// A proxy's shape: one goroutine reads, the function itself writes, both pump.
func goFullDuplex(t *testing.T, d Driver) {
	const size = 8 << 20
	s, _ := startDuplex(t, d, 16<<10, func(m *duplex) {
		pipe := make(chan []byte, 4)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(pipe)
			for {
				buf := make([]byte, 4096)
				n, err := m.read(buf)
				if err != nil {
					return
				}
				pipe <- buf[:n]
			}
		})
		for b := range pipe {
			if m.write(b) != nil {
				break
			}
		}
		for range pipe { // let the reader see its end
		}
		wg.Wait()
	})
	c := dial(t, s)
	go func() {
		_, _ = c.Write(pattern(size))
		finish(c)
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != string(pattern(size)) {
		t.Errorf("%d of %d bytes, %v", len(got), size, err)
	}
	_ = c.Close()
	stop(t, s)
}

// Output that others ask for with Wake and Post is sent while the function neither returns nor pumps.
func wakeWhileGoBlocks(t *testing.T, d Driver) {
	release := make(chan struct{})
	s, ch := startDuplex(t, d, 1000, func(*duplex) { <-release })
	c := dial(t, s)
	m := recv(t, "accept", ch)
	got := make([]byte, 5)
	for i := range 200 {
		m.sh.set(func() { m.sh.out = append(m.sh.out, "hello"...) })
		if i%2 == 0 {
			m.link.Wake()
		} else if err := m.link.Post(func(*drivers.Turn, error) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	close(release)
	_ = c.Close()
	recv(t, "Closed", m.closed)
	stop(t, s)
}

func deadlineWhileGoBlocks(t *testing.T, d Driver) {
	fired, release := make(chan struct{}, 100), make(chan struct{})
	ps := newProbes(func(p *probe, turn *drivers.Turn) {
		p.deadline = turn.Now.Add(20 * time.Millisecond)
		p.link.Go(func() { <-release })
		n := 0
		p.advance = func(p *probe, turn *drivers.Turn) {
			if !p.deadline.Reached(turn.Now) {
				return
			}
			if n++; n == 3 {
				p.deadline = codec.Never
			} else {
				p.deadline = turn.Now.Add(20 * time.Millisecond)
			}
			fired <- struct{}{}
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	for range 3 {
		recv(t, "a deadline", fired)
	}
	close(release)
	_ = c.Close()
	recv(t, "Closed", p.closed)
	stop(t, s)
}

// After Watch the machine learns of a FIN and of a reset while its function blocks.
func watchSeesThePeerLeave(t *testing.T, d Driver) {
	for _, rst := range []bool{false, true} {
		watched := make(chan struct{}, 1)
		s, ch := startDuplex(t, d, 1000, func(m *duplex) {
			m.link.Watch()
			m.link.Watch() // idempotent
			watched <- struct{}{}
			m.sh.mu.Lock()
			for !m.sh.eof && !m.sh.gone {
				m.sh.cond.Wait() // never pumps
			}
			m.sh.mu.Unlock()
		})
		for range 20 {
			c := dial(t, s)
			m := recv(t, "accept", ch)
			recv(t, "Watch", watched)
			if rst {
				reset(c)
			} else {
				_ = c.Close()
			}
			err := recv(t, "Closed", m.closed)
			if rst && err == nil {
				t.Error("Closed(nil) after a reset")
			}
		}
		stop(t, s)
	}
}

// What a watching driver reads ahead is presented later, in order, and a peer that sends a lot is not read for ever.
func watchKeepsBytes(t *testing.T, d Driver) {
	const size = 4 << 20
	gate := make(chan struct{})
	var blocked atomic.Bool
	s, ch := startDuplex(t, d, 1000, func(m *duplex) {
		m.link.Watch()
		blocked.Store(true)
		<-gate
		buf := make([]byte, 1000)
		for want := pattern(size); len(want) > 0; {
			n, err := m.read(buf)
			if err != nil || string(buf[:n]) != string(want[:n]) {
				t.Errorf("%d bytes before the end: %v", len(want), err)
				return
			}
			want = want[n:]
		}
		_ = m.write([]byte("ok"))
	})
	c := dial(t, s)
	recv(t, "accept", ch)
	go func() { _, _ = c.Write(pattern(size)) }()
	await(t, "the function", blocked.Load)
	time.Sleep(20 * time.Millisecond)
	close(gate)
	if got, err := io.ReadAll(c); string(got) != "ok" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	stop(t, s)
}

// A machine may give up on its function: Closing does not wait for it, Closed comes, and the function ends later.
func closingWhileGoBlocks(t *testing.T, d Driver) {
	release, returned := make(chan struct{}), make(chan struct{})
	ps := newProbes(func(p *probe, turn *drivers.Turn) {
		p.deadline = turn.Now.Add(30 * time.Millisecond)
		p.link.Go(func() { <-release; p.link.Pump(); p.link.Watch(); p.link.Wake(); close(returned) })
		p.advance = func(p *probe, turn *drivers.Turn) {
			if p.deadline.Reached(turn.Now) {
				p.deadline = codec.Never
				p.status = drivers.WantOutput
			}
		}
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			p.status = drivers.Closing
			return append(dst, "503 too slow"...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	if got, err := io.ReadAll(c); string(got) != "503 too slow" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	p := recv(t, "accept", ps.ch)
	if err := recv(t, "Closed", p.closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
	close(release)
	recv(t, "the function", returned)
	stop(t, s)
}

// Advance follows the return of a function that called neither Wake nor Post, also of one that ran aside.
func goReturns(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		var returned atomic.Int32
		rounds := 0
		begin := func() {
			p.link.Go(func() { returned.Add(1) })
			p.link.Go(func() { returned.Add(1) })
		}
		begin()
		p.advance = func(p *probe, _ *drivers.Turn) {
			for int(returned.Load()) == 2*(rounds+1) {
				if rounds++; rounds == 100 {
					p.status |= drivers.WantOutput
					return
				}
				begin()
			}
		}
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			p.status = drivers.Closing
			return append(dst, "100 rounds"...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	if got, err := io.ReadAll(c); string(got) != "100 rounds" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	recv(t, "Closed", recv(t, "accept", ps.ch).closed)
	stop(t, s)
}

// Pump after the function returned is false at once: the driver makes progress by itself.
func pumpOutsideGo(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	await(t, "Pump to be false", func() bool { return !p.link.Pump() })
	_ = c.Close()
	recv(t, "Closed", p.closed)
	if p.link.Pump() {
		t.Error("Pump after the end")
	}
	stop(t, s)
}
