package h3

import (
	"bytes"
	"runtime"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/priority"
	"github.com/purewire/purewire/codec/qpack"
)

// TestSizes holds the documented figures: what a connection costs before it has done anything, and a stream.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 2048 {
		t.Errorf("a Conn has %d bytes", n)
	}
	if n := unsafe.Sizeof(stream{}) + priority.NodeBytes + 8 + 2*4; n > 112 {
		t.Errorf("a stream has %d bytes", n)
	}
}

// TestWorstMemory: the documented sum: 100 requests open, both tables of QPACK full, all queues at their limits, and a peer that takes
// nothing.
func TestWorstMemory(t *testing.T) {
	var ev Event
	conns := make([]*Conn, 0, 20)
	out := make([]byte, 0, 1<<20)
	wire := make([]byte, 0, 1<<20)
	// What the peer's encoder says: a full table.
	var e qpack.Encoder
	if err := e.SetPeer(4096, 16); err != nil {
		t.Fatal(err)
	}
	base := []codec.Field{f(":method", "GET"), f(":scheme", "https"), f(":authority", "a.test"), f(":path", "/")}
	list := base
	for i := range 60 {
		list = append(list, f("x-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "value"))
	}
	p, ins := e.AppendSection(nil, nil, 0, list)
	acked := append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
	head := getSection(nil)
	resp := make([][]codec.Field, 40)
	for i := range resp {
		resp[i] = []codec.Field{{Name: []byte("x-name"), Value: bytes.Repeat([]byte{byte('a' + i%26), byte(i)}, 40)}, f("server", "x")}
		resp[i][0].Value = bytes.Map(func(r rune) rune { return 'a' + r%26 }, resp[i][0].Value)
	}
	make := func() *Conn {
		c, _ := fresh(t, Server, nil)
		c.enc.SetPeer(4096, 16)
		c.Open(6)
		feed(c, 6, append(append(wire[:0], 2), ins...), false)
		next := uint64(0)
		for range DefaultAnswers {
			c.Open(next)
			if _, err := c.Next(next, acked, true, &ev); err != nil || ev.Kind != Request {
				t.Fatal(err, ev.Kind)
			}
			c.AppendResponse(out, next, 200, resp[next%160/4], true)
			next += 4
		}
		for range DefaultStreams {
			c.Open(next)
			if _, err := c.Next(next, head, false, &ev); err != nil || ev.Kind != Request {
				t.Fatal(err, ev.Kind)
			}
			next += 4
		}
		for i := range uint64(DefaultStreams) {
			c.keepEarly(next+4*i, Priority{})
		}
		return c
	}
	conns = append(conns, make())
	const n = 10
	size := grown(func() {
		for range n {
			conns = append(conns, make())
		}
	}) / n
	if size > 64<<10 {
		t.Errorf("%d bytes", size)
	}
	t.Logf("%d bytes at worst", size)
	// A trimmed connection that has done its work.
	idle := conns[0]
	idle.AppendOwed(out, 11, 1<<20) // the peer takes the answers: as many as may wait do
	for id := uint64(4 * DefaultAnswers); idle.Streams() > 0; id += 4 {
		if err := idle.Reset(id, RequestCancelled); err != nil {
			t.Fatal(err)
		}
	}
	var a Abort
	for idle.NextAbort(&a) {
	}
	idle.AppendOwed(out, 11, 1<<20)
	idle.Trim()
	if len(idle.tab.slots) > 4 || idle.sched.Slots() > 4 {
		t.Errorf("%d slots", len(idle.tab.slots))
	}
	if got := feed(idle, 6, nil, false); got != "" || idle.Err() != nil {
		t.Error(got, idle.Err())
	}
	runtime.KeepAlive(conns)
	runtime.KeepAlive(wire)
}

// TestSilence: a request and its response allocate nothing, at either end, with a dynamic table that is in use.
func TestSilence(t *testing.T) {
	k, _ := fresh(t, Client, nil)
	s, _ := fresh(t, Server, nil)
	k.enc.SetPeer(4096, 16)
	s.enc.SetPeer(4096, 16)
	k.Open(7)
	k.Open(11)
	s.Open(6)
	s.Open(10)
	feed(k, 7, []byte{2}, false)
	feed(k, 11, []byte{3}, false)
	feed(s, 6, []byte{2}, false)
	feed(s, 10, []byte{3}, false)
	list := []codec.Field{f("user-agent", "an agent of some length"), f("accept", "*/*"), f("content-length", "5")}
	answer := []codec.Field{f("server", "purewire"), f("content-type", "text/plain")}
	end := []codec.Field{f("checksum", "x")}
	var kev, sev Event
	out := make([]byte, 0, 4096)
	id := uint64(0)
	move := func(from, to *Conn, stream uint64, ev *Event) {
		out = from.AppendOwed(out[:0], stream, 4096)
		if n, err := to.Next(stream, out, false, ev); err != nil || n != len(out) {
			t.Fatal(n, err)
		}
	}
	exchange := func() {
		var err error
		if out, err = k.AppendRequest(out[:0], id, testHeads["POST"], list, false); err != nil {
			t.Fatal(err)
		}
		if out, err = k.AppendData(out, id, []byte("hello"), true); err != nil {
			t.Fatal(err)
		}
		wire := out
		ins := k.AppendOwed(out[len(out):], 6, 4096)
		if _, err = s.Next(6, ins, false, &sev); err != nil {
			t.Fatal(err)
		}
		s.Open(id)
		for len(wire) > 0 || !sev.EndStream {
			n, err := s.Next(id, wire, true, &sev)
			if err != nil || sev.Kind == None {
				t.Fatal(err, sev.Kind)
			}
			wire = wire[n:]
		}
		sev.EndStream = false
		if out, err = s.AppendResponse(out[:0], id, 200, answer, false); err == nil {
			out, err = s.AppendTrailers(out, id, end)
		}
		if err != nil {
			t.Fatal(err)
		}
		wire = out
		ins = s.AppendOwed(out[len(out):], 7, 4096)
		if _, err = k.Next(7, ins, false, &kev); err != nil {
			t.Fatal(err)
		}
		for !kev.EndStream {
			n, err := k.Next(id, wire, true, &kev)
			if err != nil || kev.Kind == None {
				t.Fatal(err, kev.Kind)
			}
			wire = wire[n:]
		}
		kev.EndStream = false
		move(s, k, 11, &kev)
		move(k, s, 10, &sev)
		id += 4
	}
	for range 100 {
		exchange()
	}
	if n := testing.AllocsPerRun(200, exchange); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if k.enc.InsertCount() == 0 || s.enc.InsertCount() == 0 {
		t.Error("the dynamic tables are not in use")
	}
}
