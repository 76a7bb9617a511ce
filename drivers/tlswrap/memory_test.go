package tlswrap_test

import (
	"crypto/tls"
	"math"
	"net"
	"runtime"
	"testing"
)

// What a connection holds that waits, both of its ends together, in this process: crypto/tls's state of a client is about as large as
// that of a server. The log has the figure; the bound is generous, to catch what keeps a handshake's buffers.
func TestIdleMemory(t *testing.T) {
	n := min(500, pairs()/2-20)
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		cfg := r.config(tls.VersionTLS13)
		heap := func() int64 {
			runtime.GC()
			runtime.GC()
			var ms runtime.MemStats
			runtime.ReadMemStats(&ms)
			return int64(ms.HeapAlloc)
		}
		warm, _ := r.open(cfg)
		echo(t, warm, "hello")
		before := heap()
		conns := make([]*tls.Conn, n)
		for i := range conns {
			conns[i], _ = r.open(cfg)
			echo(t, conns[i], "hello")
		}
		each := (heap() - before) / int64(n)
		t.Logf("%s: %d bytes of heap per connection, both ends", e.name, each)
		if each > 20<<10 {
			t.Errorf("%d bytes of heap per connection", each)
		}
		runtime.KeepAlive(conns)
	})
}

// atRest is the heap and the stacks after several collections: one of them halves the stack of a goroutine that waits, at most.
func atRest() int64 {
	least := int64(math.MaxInt64)
	for range 6 {
		var ms runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&ms)
		least = min(least, int64(ms.HeapAlloc+ms.StackInuse))
	}
	return least
}

// T-01: what a handshake holds that stalls after the server's flight, both ends together, and before its ClientHello is whole.
func TestStalledMemory(t *testing.T) {
	n := min(500, pairs()/2-20)
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, nil)
		hello := clientHello(t)
		measure := func(sent []byte, answered bool) int64 {
			before := atRest()
			conns := make([]net.Conn, n)
			for i := range conns {
				conns[i] = r.tcp()
				if _, err := conns[i].Write(sent); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range conns {
				if !answered {
					break
				}
				if _, err := c.Read(make([]byte, 1)); err != nil {
					t.Fatal("the server's flight:", err)
				}
			}
			if run, _ := r.wrap.Handshakes(); answered && run != n {
				t.Errorf("%d of %d handshakes run", run, n)
			}
			return (atRest() - before) / int64(n)
		}
		half := measure(hello[:len(hello)-1], false)
		whole := measure(hello, true)
		t.Logf("%s: %d bytes of heap and stack with half a ClientHello, %d with a whole one", e.name, half, whole)
		// The row's figure is 16 KiB; the client's end is in this one.
		if half > 16<<10 || whole > 48<<10 {
			t.Errorf("%d and %d bytes for a stalled handshake", half, whole)
		}
	})
}
