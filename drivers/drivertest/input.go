package drivertest

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

var inputTests = []test{
	{"EchoesEveryByte", echoesEveryByte},
	{"OneByteReads", oneByteReads},
	{"UnconsumedBytesArePresentedAgain", tailIsPresentedAgain},
	{"PipelinedUnitsInOneWrite", pipelinedUnits},
	{"UnreadBytesComeBackWithWantInput", unreadBytesComeBack},
	{"NoReadWithoutWantInput", noReadWithoutWantInput},
	{"MaxTailEndsTheConnection", maxTail},
	{"MaxTailIsForWantInput", maxTailIsForWantInput},
	{"PeerClosedAfterEveryByte", peerClosedAfterEveryByte},
	{"HalfCloseStillGetsItsAnswer", halfClose},
	{"UnixSockets", unixSockets},
	{"SeveralListeners", severalListeners},
	{"Addresses", addresses},
	{"RefusedConnections", refused},
}

// pattern returns n bytes that tell their own position.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// roundTrip sends data and expects it back.
func roundTrip(t testing.TB, c net.Conn, data []byte) {
	t.Helper()
	go func() { _, _ = c.Write(data) }()
	got := make([]byte, len(data))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("after %d of %d bytes: %v", n, len(data), err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%d bytes came back changed", len(data))
	}
}

func echoesEveryByte(t *testing.T, d Driver) {
	s := startService(t, d, Options{}, Echo)
	c := dial(t, s)
	for _, n := range []int{1, 2, 100, 4096, 65536, 65537, 3 << 20} {
		roundTrip(t, c, pattern(n))
	}
	closeWrite(t, c)
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("at the end: %q, %v", rest, err)
	}
	_ = c.Close()
	stop(t, s)
}

func oneByteReads(t *testing.T, d Driver) {
	s := startService(t, d, Options{}, &Line{Answer: func(dst, line []byte) ([]byte, bool) {
		return append(append(dst, "re: "...), line...), true
	}})
	c := dial(t, s)
	if tc, ok := c.(*net.TCPConn); ok {
		_ = tc.SetNoDelay(true)
	}
	for range 20 {
		for _, b := range []byte("hello\r\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len("re: hello\n"))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "re: hello\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	_ = c.Close()
	stop(t, s)
}

// "Bytes that Receive did not consume are presented again, unchanged, with more behind them." The guard compares.
func tailIsPresentedAgain(t *testing.T, d Driver) {
	const unit = 200_000 // larger than any read buffer
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			if len(src) < unit {
				return 0, dst
			}
			if !bytes.Equal(src[:unit], pattern(unit)) {
				t.Error("the unit was changed")
			}
			return unit, append(dst, '.')
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	for i := range 3 {
		b := pattern(unit)
		for len(b) > 0 {
			n := min(len(b), 7919*(i+1))
			if _, err := c.Write(b[:n]); err != nil {
				t.Fatal(err)
			}
			b = b[n:]
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	stop(t, s)
}

func pipelinedUnits(t *testing.T, d Driver) {
	s := startService(t, d, Options{}, &Line{Answer: func(dst, line []byte) ([]byte, bool) { return append(dst, line...), true }})
	c := dial(t, s)
	roundTrip(t, c, []byte(strings.Repeat("x\n", 5000)))
	roundTrip(t, c, []byte(strings.Repeat(strings.Repeat("y", 999)+"\n", 500)))
	_ = c.Close()
	stop(t, s)
}

// "Once a machine regains WantInput, unread bytes that the driver already holds are presented without waiting for more."
func unreadBytesComeBack(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.status &^= drivers.WantInput // one byte at a time
			return 1, append(dst, src[0])
		}
		p.advance = func(p *probe, _ *drivers.Turn) { p.status |= drivers.WantInput }
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if _, err := c.Write([]byte("abcdef")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	for _, want := range []byte("abcdef") {
		if _, err := io.ReadFull(c, got); err != nil || got[0] != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		p.link.Wake()
	}
	_ = c.Close()
	stop(t, s)
}

// "While Status lacks WantInput the driver does not read the socket." A peer that sends without end gets stuck.
func noReadWithoutWantInput(t *testing.T, d Driver) {
	total := 0
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.status &^= drivers.WantInput
			total += len(src)
			return len(src), dst
		}
		p.advance = func(p *probe, _ *drivers.Turn) { p.status |= drivers.WantInput }
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	const size = 64 << 20
	var written, limit atomic.Int64
	limit.Store(size)
	sent := make(chan int, 1)
	go func() { // blocks of their own: a deadline would break a TLS client for good
		block := make([]byte, 1<<14)
		for written.Load() < limit.Load() {
			n, err := c.Write(block)
			written.Add(int64(n))
			if err != nil {
				t.Errorf("the rest was not taken: %v", err)
				break
			}
		}
		finish(c)
		sent <- int(written.Load())
	}()
	await(t, "the sender to get stuck", func() bool {
		n := written.Load()
		if n >= size {
			t.Errorf("the driver went on reading without WantInput: %d bytes", n)
		}
		time.Sleep(200 * time.Millisecond)
		return n > 0 && n == written.Load()
	})
	limit.Store(written.Load() + 8<<20) // the machine takes one read at a time: keep waking it until all has come
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				p.link.Wake()
				time.Sleep(50 * time.Microsecond)
			}
		}
	}()
	err := recv(t, "the end", p.closed)
	close(done)
	if want := recv(t, "the sender", sent); err != nil || total != want {
		t.Errorf("%d of %d bytes, %v", total, want, err)
	}
	_ = c.Close()
	stop(t, s)
}

func maxTail(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(_ *probe, _ *drivers.Turn, _, dst []byte) (int, []byte) { return 0, dst }
	})
	s := start(t, d, Options{MaxTail: 100_000}, ps.accept)
	c := dial(t, s)
	go func(c net.Conn) { _, _ = c.Write(make([]byte, 4<<20)) }(c)
	p := recv(t, "accept", ps.ch)
	wantErr(t, recv(t, "Closed", p.closed), drivers.ErrTail)
	_ = c.Close()

	// The twin: a tail just below the limit is kept.
	c = dial(t, s)
	if _, err := c.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	p = recv(t, "accept", ps.ch)
	closeWrite(t, c)
	if err := recv(t, "Closed", p.closed); err != nil {
		t.Errorf("100000 unread bytes: %v", err)
	}
	_ = c.Close()
	stop(t, s)
}

// A machine that does not want input may have been given any number of bytes: how much one read brings is the driver's choice.
func maxTailIsForWantInput(t *testing.T, d Driver) {
	const size = 50_000
	left := make(chan int, 1)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		seen := 0
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			if seen == 0 {
				p.status &^= drivers.WantInput
				seen = 1
				left <- len(src) - 1
				return 1, dst
			}
			n := min(len(src), 10_000) // and what it has not come to yet is not left over either
			if seen += n; seen == size {
				dst = append(dst, "all"...)
			}
			return n, dst
		}
	})
	s := start(t, d, Options{MaxTail: 1000}, ps.accept)
	most := 0
	for range 20 { // what comes with the first byte is up to the network
		c := dial(t, s)
		p := recv(t, "accept", ps.ch)
		if _, err := c.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		most = max(most, recv(t, "the first byte", left))
		if err := p.link.Post(func(_ *drivers.Turn, err error) {
			if err == nil {
				p.status |= drivers.WantInput
			}
		}); err != nil {
			t.Errorf("with %d bytes unread: %v", most, err)
		}
		closeWrite(t, c)
		if got, err := io.ReadAll(c); string(got) != "all" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if err := recv(t, "Closed", p.closed); err != nil {
			t.Errorf("Closed(%v)", err)
		}
		_ = c.Close()
	}
	if most <= 1000 {
		t.Logf("nothing to see: %d bytes were unread at most", most)
	}
	stop(t, s)
}

// "PeerClosed is called once, after every byte before the FIN was presented (though not necessarily consumed)."
func peerClosedAfterEveryByte(t *testing.T, d Driver) {
	for _, eat := range []bool{true, false} {
		atFin := make(chan int, 100)
		ps := newProbes(func(p *probe, _ *drivers.Turn) {
			seen := 0
			p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
				if eat {
					seen += len(src)
					return len(src), dst
				}
				seen = len(src)
				return 0, dst
			}
			p.peerClosed = func(p *probe, _ *drivers.Turn) {
				atFin <- seen
				p.status |= drivers.Closing
			}
		})
		s := start(t, d, Options{}, ps.accept)
		for range 20 {
			c := dial(t, s)
			go func() {
				_, _ = c.Write(make([]byte, 300_000))
				finish(c)
			}()
			p := recv(t, "accept", ps.ch)
			if err, n := recv(t, "Closed", p.closed), recv(t, "PeerClosed", atFin); err != nil || n != 300_000 {
				t.Fatalf("consumed %v: PeerClosed after %d of 300000 bytes, Closed(%v)", eat, n, err)
			}
			_ = c.Close()
		}
		stop(t, s)
	}
}

// a request and a FIN in one go; the answer is complete every time.
func halfClose(t *testing.T, d Driver) {
	answer := pattern(100_000)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		got := 0
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			got += len(src)
			return len(src), dst
		}
		p.peerClosed = func(p *probe, _ *drivers.Turn) {
			if got == 7 {
				p.payload = answer
				p.status |= drivers.HasPayload | drivers.Closing
			}
		}
	})
	s := start(t, d, Options{}, ps.accept)
	for i := range scale(100, 1000) {
		c := dial(t, s)
		if _, err := c.Write([]byte("request")); err != nil {
			t.Fatal(err)
		}
		closeWrite(t, c)
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, answer) {
			t.Fatalf("run %d: %d of %d bytes, %v", i, len(got), len(answer), err)
		}
		p := recv(t, "accept", ps.ch)
		if err := recv(t, "Closed", p.closed); err != nil {
			t.Fatalf("run %d: Closed(%v)", i, err)
		}
		_ = c.Close()
	}
	stop(t, s)
}

func unixSockets(t *testing.T, d Driver) {
	if d.NoUnix {
		t.Logf("%s has no Unix sockets", d.Name)
		return
	}
	s := startService(t, d, Options{Network: "unix"}, Echo)
	c := dial(t, s)
	roundTrip(t, c, pattern(1<<20))
	closeWrite(t, c)
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	stop(t, s)
}

func severalListeners(t *testing.T, d Driver) {
	if d.OneListener {
		t.Logf("%s has one listener", d.Name)
		return
	}
	s := startService(t, d, Options{Listeners: 3}, Echo)
	if len(s.Addrs()) != 3 {
		t.Fatalf("%d addresses", len(s.Addrs()))
	}
	for _, a := range s.Addrs() {
		c := dialAddr(t, s, a)
		roundTrip(t, c, []byte(a.String()))
		_ = c.Close()
	}
	stop(t, s)
}

func addresses(t *testing.T, d Driver) {
	ps := newProbes(nil)
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	if l, r := p.link.LocalAddr(), p.link.RemoteAddr(); l.String() != c.RemoteAddr().String() || r.String() != c.LocalAddr().String() {
		t.Errorf("local %v, remote %v; the peer sees %v and %v", l, r, c.RemoteAddr(), c.LocalAddr())
	}
	_ = c.Close()
	recv(t, "Closed", p.closed)
	stop(t, s)
}

// Accept may return nil: the connection is closed and nothing else happens.
func refused(t *testing.T, d Driver) {
	var n atomic.Int32 // Accept runs on several workers
	s := start(t, d, Options{}, func(_ *drivers.Turn, l drivers.Link) drivers.Machine { n.Add(1); return nil })
	for range 10 {
		c := dial(t, s)
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a refused connection was served")
		}
		_ = c.Close()
	}
	stop(t, s)
	if n.Load() != 10 {
		t.Errorf("%d of 10 were offered", n.Load())
	}
}
