package tlswrap_test

import (
	"crypto/tls"
	"runtime"
	"testing"
)

// What a connection holds that waits, both of its ends together, in this process: crypto/tls's state of a client is about as large as
// that of a server. The log has the figure; the bound is generous, to catch what keeps a handshake's buffers.
func TestIdleMemory(t *testing.T) {
	const n = 500
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
		each := (heap() - before) / n
		t.Logf("%s: %d bytes of heap per connection, both ends", e.name, each)
		if each > 20<<10 {
			t.Errorf("%d bytes of heap per connection", each)
		}
		runtime.KeepAlive(conns)
	})
}
