package tlswrap_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// Whatever bytes come, in whatever pieces, before the handshake, instead of it, or on an open connection: nothing panics or spins, the
// machine takes a prefix, and no goroutine is left.
func FuzzBytes(f *testing.F) {
	hello := clientHello(f)
	f.Add(hello, uint16(1), false)
	f.Add(hello, uint16(len(hello)), false)
	f.Add(append(hello[:len(hello):len(hello)], "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x20"...), uint16(100), false)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint16(3), false)
	f.Add([]byte("\x17\x03\x03\x00\x20 this is not a record's ciphertext"), uint16(7), true)
	f.Add([]byte("\x15\x03\x03\x00\x02\x01\x00"), uint16(2), true)
	f.Add([]byte("\x17\x03\x03\xff\xff"), uint16(5), true)
	svc, err := tlswrap.New(drivertest.Guard(f, drivertest.Echo), &tls.Config{Certificates: []tls.Certificate{newAuthority(f).issue(f, "localhost")}}, tlswrap.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece uint16, open bool) {
		var b *bench
		if open {
			b = newBench(t, drivertest.Guard(t, drivertest.Echo), tls.VersionTLS13)
		} else {
			b = &bench{tb: t, woken: make(chan struct{}, 1), posts: make(chan func(*drivers.Turn, error), 1)}
			b.turn = drivers.Turn{Now: 1, Unix: 1, Local: svc.NewLocal()}
			b.m = svc.Accept(&b.turn, b)
		}
		step := max(1, int(piece))
		b.calls = 0
		for len(in) > 0 && b.m.Status()&(drivers.Closing|drivers.Abort) == 0 {
			n := min(step, len(in))
			b.feed(in[:n])
			in = in[n:]
			b.drain()
			select {
			case <-b.woken:
				b.turn.Now++
				b.m.Advance(&b.turn)
			default:
			}
		}
		if most := 2*(len(b.tail)+len(in)) + 100_000; b.calls > most {
			t.Errorf("%d calls", b.calls)
		}
		if b.m.Status()&(drivers.Closing|drivers.Abort) == 0 {
			b.m.PeerClosed(&b.turn)
			b.drain()
		}
		b.m.Closed(drivers.ErrClosed)
		if d := b.m.Deadline(); d != codec.Never && d < b.turn.Now {
			t.Errorf("a deadline in the past: %d", d)
		}
		if !open {
			for end := time.Now().Add(patience); ; time.Sleep(10 * time.Microsecond) {
				run, wait := svc.Handshakes()
				if run == 0 && wait == 0 {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%d handshakes run, %d wait", run, wait)
				}
			}
		}
	})
}
