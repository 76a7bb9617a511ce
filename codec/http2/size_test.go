package http2

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/priority"
)

// TestSizes holds the documented figures: what a connection costs before it has done anything, and a stream.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 1536 {
		t.Errorf("a Conn has %d bytes", n)
	}
	if n := unsafe.Sizeof(stream{}) + priority.NodeBytes + 8; n > 112 {
		t.Errorf("a stream has %d bytes", n)
	}
}

// heapOf returns how much memory n of what make returns hold, each.
func heapOf(n int, make func() *Conn) int {
	conns := []*Conn{make()}
	var before, after runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&before)
	for range n {
		conns = append(conns, make())
	}
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(conns)
	return int(after.HeapAlloc-before.HeapAlloc) / n
}

// TestWorstMemory: the documented sums: an idle connection that has served a few requests and was trimmed, and the worst that a peer
// can make of a server with the default limits.
func TestWorstMemory(t *testing.T) {
	var ev Event
	feed := func(c *Conn, src []byte, handle func()) {
		for {
			n, err := c.Next(src, &ev)
			if err != nil {
				t.Fatal(err)
			}
			if src = src[n:]; ev.Kind == None {
				return
			}
			if handle != nil {
				handle()
			}
		}
	}
	out := make([]byte, 0, 1<<20)
	server := func() *Conn {
		c := new(Conn)
		c.Init(Server, nil)
		c.AppendOwed(out, 1<<20)
		feed(c, append([]byte(ClientPreface), AppendSettings(nil)...), nil)
		return c
	}
	id := uint32(1)
	idle := heapOf(200, func() *Conn {
		c := server()
		for range 3 {
			feed(c, AppendHeaders(nil, id, requestBlock, true, 0, nil), func() {
				if _, err := c.AppendResponse(out, ev.Stream, 200, []codec.Field{field("server", "x"), field("content-length", "0")}, true); err != nil {
					t.Fatal(err)
				}
			})
			id += 2
		}
		c.AppendOwed(out, 1<<20)
		c.Trim()
		id = 1
		return c
	})
	if idle > 2560 {
		t.Errorf("an idle connection holds %d octets", idle)
	}
	worst := heapOf(50, func() *Conn {
		c := server()
		// The dynamic tables of both directions full of the smallest entries.
		block := append([]byte(nil), requestBlock...)
		var list []codec.Field
		for i := range 120 {
			block = append(block, 0x40, 1, 'a'+byte(i%26), 1, '0'+byte(i/26))
			list = append(list, field(fmt.Sprintf("%c", 'a'+i%26), fmt.Sprintf("%c", '0'+i/26)))
		}
		for id := uint32(1); id < 400; id += 2 {
			feed(c, AppendHeaders(nil, id, block, false, 0, nil), nil)
			if id < 198 {
				feed(c, AppendRSTStream(nil, id, Cancel), nil) // held
			}
			block = requestBlock
		}
		if _, err := c.AppendResponse(out, 397, 200, list, false); err != nil {
			t.Fatal(err)
		}
		for id := uint32(401); id < 460; id += 2 { // refused
			feed(c, AppendHeaders(nil, id, block, false, 0, nil), nil)
		}
		for id := uint32(1001); id < 1400; id += 2 {
			feed(c, AppendPriorityUpdate(nil, id, []byte("u=1")), nil)
		}
		for range DefaultPings {
			feed(c, AppendPing(nil, [8]byte{}, false), nil)
		}
		return c
	})
	runtime.KeepAlive(out)
	if worst > 48<<10 {
		t.Errorf("the worst connection holds %d octets", worst)
	}
	t.Logf("idle %d, worst %d", idle, worst)
}
