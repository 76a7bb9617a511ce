package tlswrap_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// bench is a driver of one connection without a socket, and a client.
type bench struct {
	tb     testing.TB
	m      drivers.Machine
	turn   drivers.Turn
	woken  chan struct{}
	client *tls.Conn
	up     chan []byte  // what the client wrote, during the handshake
	wire   bytes.Buffer // afterwards
	down   *pipe
	inline bool
	tail   []byte
	out    []byte
	calls  int // of Receive
	posts  chan func(*drivers.Turn, error)
}

// pipe is what the client reads: it waits while it is empty.
type pipe struct {
	ch  chan []byte
	cur []byte
}

func (b *bench) Wake() {
	select {
	case b.woken <- struct{}{}:
	default:
	}
}
func (b *bench) Post(fn func(*drivers.Turn, error)) error { b.posts <- fn; return nil }
func (b *bench) Go(fn func())                             { go fn() }
func (b *bench) Pump() bool                               { return false }
func (b *bench) Watch()                                   {}
func (b *bench) LocalAddr() net.Addr                      { return &net.TCPAddr{} }
func (b *bench) RemoteAddr() net.Addr                     { return &net.TCPAddr{} }
func (b *bench) Unsent() int                              { return 0 }

// wire is the client's net.Conn.
type wire struct{ b *bench }

func (w wire) Read(p []byte) (int, error) {
	d := w.b.down
	if len(d.cur) == 0 {
		if w.b.inline {
			return 0, io.ErrNoProgress
		}
		d.cur = <-d.ch
	}
	n := copy(p, d.cur)
	d.cur = d.cur[n:]
	return n, nil
}

func (w wire) Write(p []byte) (int, error) {
	if w.b.inline {
		return w.b.wire.Write(p)
	}
	w.b.up <- bytes.Clone(p)
	return len(p), nil
}
func (wire) Close() error                     { return nil }
func (wire) LocalAddr() net.Addr              { return nil }
func (wire) RemoteAddr() net.Addr             { return nil }
func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }

// newBench shakes hands with a machine of inner.
func newBench(tb testing.TB, inner drivers.Service, v uint16) *bench {
	tb.Helper()
	svc, err := tlswrap.New(inner, &tls.Config{Certificates: []tls.Certificate{newAuthority(tb).issue(tb, "localhost")}}, tlswrap.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{tb: tb, woken: make(chan struct{}, 1), up: make(chan []byte, 100), down: &pipe{ch: make(chan []byte, 100)}, posts: make(chan func(*drivers.Turn, error), 100)}
	b.turn = drivers.Turn{Now: 1, Unix: 1, Local: svc.NewLocal()}
	b.m = svc.Accept(&b.turn, b)
	b.client = tls.Client(wire{b}, &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v})
	done := make(chan error, 1)
	go func() { done <- b.client.Handshake() }()
	over := false
	for !over || b.m.Status()&drivers.WantOutput != 0 || b.m.Deadline() != codec.Never {
		select {
		case p := <-b.up:
			b.feed(p)
		case <-b.woken:
			b.turn.Now++
			b.m.Advance(&b.turn)
		case err := <-done:
			if err != nil {
				tb.Fatal(err)
			}
			over = true
		case <-time.After(patience):
			tb.Fatal("the handshake does not end")
		}
		if b.drain(); len(b.out) > 0 {
			b.down.ch <- bytes.Clone(b.out)
			b.out = b.out[:0]
		}
	}
	for len(b.down.ch) > 0 {
		b.down.cur = append(b.down.cur, <-b.down.ch...)
	}
	b.inline = true
	return b
}

// feed presents bytes as a driver does.
func (b *bench) feed(p []byte) {
	b.tail = append(b.tail, p...)
	for len(b.tail) > 0 && b.m.Status()&drivers.WantInput != 0 {
		var n int
		b.turn.Max = 64 << 10
		n, b.out = b.m.Receive(&b.turn, b.tail, b.out)
		b.calls++
		b.tail = b.tail[:copy(b.tail, b.tail[n:])]
		if n == 0 {
			return
		}
	}
}

func (b *bench) drain() {
	for b.m.Status()&drivers.WantOutput != 0 {
		k := len(b.out)
		b.turn.Max = 64 << 10
		if b.out = b.m.Transmit(&b.turn, b.out); len(b.out) == k {
			return
		}
	}
}

// T-02: progress on every call: one call of Receive for each piece that comes, whatever the number of records in it; and a piece that
// completes no record is left to the driver.
func TestCallsAndPieces(t *testing.T) {
	b := newBench(t, drivertest.Echo, tls.VersionTLS13)
	b.wire.Reset()
	for range 100 {
		if _, err := b.client.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
	}
	all := bytes.Clone(b.wire.Bytes())
	b.calls = 0
	b.feed(all)
	if b.calls != 1 || len(b.tail) != 0 {
		t.Errorf("%d calls for 100 records in one piece, %d bytes left", b.calls, len(b.tail))
	}
	b.wire.Reset()
	if _, err := b.client.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	b.calls = 0
	one := bytes.Clone(b.wire.Bytes())
	for i := range one {
		if len(b.tail) != i {
			t.Fatalf("after %d bytes %d are left", i, len(b.tail))
		}
		b.feed(one[i : i+1])
	}
	if b.calls != len(one) || len(b.tail) != 0 {
		t.Errorf("%d calls for %d bytes, %d left", b.calls, len(one), len(b.tail))
	}
}

func BenchmarkRoundTrip(bb *testing.B) {
	for _, size := range []int{100, 16 << 10} {
		bb.Run(map[int]string{100: "100B", 16 << 10: "16KiB"}[size], func(bb *testing.B) {
			b := newBench(bb, drivertest.Echo, tls.VersionTLS13)
			msg := make([]byte, size)
			bb.SetBytes(int64(size))
			bb.ReportAllocs()
			for bb.Loop() {
				b.wire.Reset()
				_, _ = b.client.Write(msg)
				b.feed(b.wire.Bytes())
				b.drain()
				b.out = b.out[:0]
			}
		})
	}
}
