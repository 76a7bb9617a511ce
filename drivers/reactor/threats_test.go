//go:build linux || darwin || freebsd

package reactor

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// when descriptors run out the loop does not spin, those who are connected are served, and accepting resumes.
func TestDescriptorsExhausted(t *testing.T) {
	r, addr := run(t, service(nil), Config{Loops: 1})
	honest := dialTo(t, addr)
	echoes := func(c net.Conn) {
		t.Helper()
		c.Write([]byte("ping"))
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
	}
	echoes(honest)
	// Clients in other processes would not use up our own descriptors: so open the client's sockets first.
	const n = 50
	var socks [n]int
	for i := range socks {
		fd, err := sysSocket(syscall.AF_INET)
		if err != nil {
			t.Fatal(err)
		}
		socks[i] = fd
	}
	defer func() {
		for _, fd := range socks {
			sysClose(fd)
		}
	}()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	probe, err := sysSocket(syscall.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	sysClose(probe)
	low := old
	set(&low.Cur, probe+4) // room for four more
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	before := r.Stats()
	to := syscall.SockaddrInet4{Port: r.Addrs()[0].(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	for _, fd := range socks {
		if err := syscall.Connect(fd, &to); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); r.Stats().Pauses == before.Pauses; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("accept never paused")
		}
	}
	begin := time.Now()
	time.Sleep(500 * time.Millisecond)
	echoes(honest)
	// A loop that spins makes hundreds of thousands of turns in this time; this one a few for each pause of 50 ms.
	if turns, in := r.Stats().Turns-before.Turns, time.Since(begin); int64(turns) > 300*(1+in.Milliseconds()/1000) {
		t.Fatalf("%d turns in %v while descriptors were out", turns, in)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	echoes(dialTo(t, addr))
}

// set hides that the field's type differs between systems.
func set[T int64 | uint64](p *T, v int) { *p = T(v) }

// more connections at once than one batch takes are all served, beside one peer that never stops sending.
func TestAcceptBatchAndHotPeer(t *testing.T) {
	_, addr := run(t, service(nil), Config{Loops: 1, AcceptBatch: 16})
	hot := dialTo(t, addr)
	go func() {
		b := make([]byte, 256<<10)
		for {
			if _, err := hot.Write(b); err != nil {
				return
			}
		}
	}()
	go io.Copy(io.Discard, hot)
	var conns []net.Conn
	for i := 0; i < 200; i++ {
		conns = append(conns, dialTo(t, addr))
	}
	for _, c := range conns {
		c.Write([]byte("ping"))
	}
	for _, c := range conns {
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
	}
	hot.Close()
}

// an event of a connection that has ended, found in the same batch, does not reach who has its slot or descriptor next.
func TestStaleEvents(t *testing.T) {
	r, addr := run(t, service(nil), Config{Loops: 1})
	dialTo(t, addr)
	done := make(chan string, 1)
	for r.Stats().Live != 1 {
		time.Sleep(time.Millisecond)
	}
	r.loops[0].command(func() {
		lp := r.loops[0]
		var c *conn
		for _, x := range lp.slots {
			if x != nil {
				c = x
			}
		}
		stale := c.token()
		lp.end(c, nil)
		lp.reap()
		other := lp.open(-1, c.org)
		defer func() {
			lp.slots[other.slot] = nil
			lp.free = append(lp.free, other.slot)
			lp.live--
		}()
		switch {
		case other.slot != c.slot:
			done <- "the slot was not reused"
		case other.token() == stale:
			done <- "the token was reused"
		default:
			done <- ""
		}
	})
	if s := <-done; s != "" {
		t.Fatal(s)
	}
}

// the answer of a machine that closes while the peer still sends is not lost to a reset.
// RFC 9112 section 9.6: "If a server performs an immediate close of a TCP connection, there is a significant risk that the client will
// not be able to read the last HTTP response."
func TestLingeringClose(t *testing.T) {
	_, addr := run(t, service(func(m *tester) {
		m.recv = func(m *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			m.status = drivers.Closing
			return len(src), append(dst, "no, thanks"...)
		}
	}), Config{Loops: 2})
	for i := 0; i < 100; i++ {
		c := dialTo(t, addr)
		go func() {
			c.Write(make([]byte, 1<<20))
			c.CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if string(got) != "no, thanks" || err != nil {
			t.Fatalf("run %d: %q, %v", i, got, err)
		}
		c.Close()
	}
}

// a peer that does not read makes the driver hold no more than the high-water mark and one unit.
func TestHighWater(t *testing.T) {
	var link atomic.Value
	_, addr := run(t, service(func(m *tester) {
		link.Store(m.link)
		m.status = drivers.WantOutput
		m.transmit = func(_ *tester, t *drivers.Turn, dst []byte) []byte {
			return append(dst, make([]byte, min(t.Max, 8192))...)
		}
	}), Config{Loops: 1, WriteStall: time.Minute})
	c := dialTo(t, addr)
	most := 0
	for i, end := 0, time.Now().Add(10*time.Second); i < 100 || most == 0 && time.Now().Before(end); i++ {
		time.Sleep(2 * time.Millisecond)
		if l, ok := link.Load().(drivers.Link); ok {
			most = max(most, l.Unsent())
		}
	}
	if most == 0 || most > 64<<10 {
		t.Fatalf("%d bytes unsent", most)
	}
	c.Close()
}

// what one idle connection costs, at the cap an honest client gets in, and one source cannot take all places.
func TestCaps(t *testing.T) {
	if n := unsafe.Sizeof(conn{}); n > 176 {
		t.Errorf("a connection takes %d bytes", n)
	}
	t.Run("evict", func(t *testing.T) {
		r, addr := run(t, service(nil), Config{Loops: 1, MaxConns: 10, EvictIdle: true})
		for i := 0; i < 50; i++ {
			c := dialTo(t, addr)
			c.Write([]byte("ping"))
			if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
				t.Fatal(i, err)
			}
		}
		if s := r.Stats(); s.Live > 10 || s.Evicted < 40 {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("wait", func(t *testing.T) {
		r, addr := run(t, service(nil), Config{Loops: 2, MaxConns: 2})
		a, b := dialTo(t, addr), dialTo(t, addr)
		for _, c := range []net.Conn{a, b} {
			c.Write([]byte("ping"))
			io.ReadFull(c, make([]byte, 4))
		}
		waiting := dialTo(t, addr)
		waiting.Write([]byte("ping"))
		waiting.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := waiting.Read(make([]byte, 4)); err == nil {
			t.Fatal("served beyond the cap")
		}
		if n := r.Stats().Live; n != 2 {
			t.Fatal(n)
		}
		a.Close()
		waiting.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadFull(waiting, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("source", func(t *testing.T) {
		r, addr := run(t, service(nil), Config{Loops: 2, MaxPerSource: 3})
		var kept []net.Conn
		for i := 0; i < 6; i++ {
			c := dialTo(t, addr)
			c.Write([]byte("ping"))
			if _, err := io.ReadFull(c, make([]byte, 4)); err == nil {
				kept = append(kept, c)
			}
		}
		if len(kept) != 3 {
			t.Fatal(len(kept))
		}
		kept[0].Close()
		for r.Stats().Live != 2 {
			time.Sleep(time.Millisecond)
		}
		c := dialTo(t, addr)
		c.Write([]byte("ping"))
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
	})
}

// A reset leads to Closed with the reason, not to PeerClosed, even while no input is wanted.
func TestResetWithoutInput(t *testing.T) {
	reason := make(chan error, 1)
	_, addr := run(t, service(func(m *tester) {
		m.status = 0
		m.closed = func(m *tester, err error) {
			if m.eofs != 0 {
				err = errors.New("told as an orderly end")
			}
			reason <- err
		}
	}), Config{Loops: 1})
	c := dialTo(t, addr)
	c.SetLinger(0)
	c.Close()
	if err := <-reason; !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}

// Deadlines that move back are found lazily, those that move forward at once. None comes early, however busy the machine is; but it may be
// so busy that the first is over before it can be moved: then all is done again.
func TestDeadlines(t *testing.T) {
	type deadline struct{ set, by codec.Time }
	fired := make(chan bool, 10) // whether it was the last of the three
	_, addr := run(t, service(func(m *tester) {
		var now byte
		var last deadline
		m.recv = func(m *tester, t *drivers.Turn, src, dst []byte) (int, []byte) {
			now = src[0]
			last = deadline{t.Now, t.Now.Add(time.Duration(now) * 10 * time.Millisecond)}
			m.deadline = last.by
			return len(src), append(dst, 'k')
		}
		m.advance = func(m *tester, turn *drivers.Turn) {
			m.deadline = codec.Never
			if turn.Now < last.by {
				t.Errorf("%v after it was set for %v later", turn.Now.Sub(last.set), last.by.Sub(last.set))
			}
			fired <- now == 10
		}
	}), Config{Loops: 1})
	for range 20 {
		c := dialTo(t, addr)
		for _, b := range []byte{5, 200, 10} {
			c.Write([]byte{b})
			io.ReadFull(c, make([]byte, 1))
		}
		last := <-fired
		c.Close()
		if last {
			return
		}
		for len(fired) > 0 {
			<-fired
		}
	}
	t.Fatal("the first deadline was over before it was moved, every time")
}

// One request and answer allocates nothing, on the loop or beside it.
func TestNoAllocation(t *testing.T) {
	_, addr := run(t, service(nil), Config{Loops: 1})
	c := dialTo(t, addr)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	step := func(fd uintptr) bool {
		sysWrite(int(fd), buf)
		for {
			if _, errno := sysRead(int(fd), buf); errno == 0 {
				return true
			}
			runtime.Gosched()
		}
	}
	n := testing.AllocsPerRun(500, func() { raw.Read(step) })
	if n != 0 {
		t.Fatalf("%v allocations per round trip", n)
	}
}
