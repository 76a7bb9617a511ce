package h3

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
)

// flat is what the heap may grow by, in octets, and still be called flat: a leak of a byte for each unit of a flood is more.
const flat = 32 << 10

// grown returns how much more the heap holds after do than before.
func grown(do func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func code(err error) ErrorCode {
	var c ErrorCode
	if err == nil || !errors.As(err, &c) {
		return 0
	}
	return c
}

// bomb is a field section of about 16 KiB that names one entry of the dynamic table, of 2 KiB, over and over; with what the encoder stream must
// say before.
func bomb(stream uint64) (instructions, head []byte) {
	var e qpack.Encoder
	if err := e.SetPeer(4096, 16); err != nil {
		panic(err)
	}
	big := codec.Field{Name: []byte("x"), Value: bytes.Repeat([]byte("v"), 2000)}
	list := []codec.Field{f(":method", "GET"), f(":scheme", "https"), f(":authority", "a.test"), f(":path", "/"), big}
	p, instructions := e.AppendSection(nil, nil, stream, list)
	last := p[len(p)-1] // the reference to big
	p = append(p, bytes.Repeat([]byte{last}, 16<<10-len(p))...)
	return instructions, append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
}

// H3-01: 16 KiB that stand for 1.6e4 fields and 32 MB, as header section and as trailers: stopped at 100 fields or 64 KiB; the heap grows by
// less than 128 KiB.
func TestBomb(t *testing.T) {
	ins, head := bomb(0)
	var h FrameHeader
	n := ParseFrameHeader(head, &h)
	k := bytes.IndexByte(head[n:], head[len(head)-1]) // references only, behind the same prefix
	p := append(append([]byte(nil), head[n:n+2]...), head[n+k:]...)
	trailers := append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
	for _, behind := range []bool{false, true} {
		c, _ := fresh(t, Server, nil)
		var ev Event
		if err := errors.Join(c.Open(6), c.Open(0)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Next(6, append([]byte{2}, ins...), false, &ev); err != nil {
			t.Fatal(err)
		}
		wire, want := head, TooLarge
		if behind {
			if got := feed(c, 0, getSection(nil), false); got != "Request " {
				t.Fatal(got)
			}
			wire, want = trailers, StreamError
		}
		size := grown(func() {
			if _, err := c.Next(0, wire, false, &ev); err != nil || ev.Kind != want {
				t.Errorf("%v, %s", err, ev.Kind)
			}
		})
		if size > 128<<10 || len(ev.block.Fields) > 100 || ev.block.Size < 1<<20 {
			t.Errorf("behind %v: the heap grew by %d, %d fields, %d octets stood there", behind, size, len(ev.block.Fields), ev.block.Size)
		}
		if want == StreamError && ev.Code != ExcessiveLoad {
			t.Error(ev.Code)
		}
		runtime.KeepAlive(c)
	}
	// The twin: 100 fields of an honest client.
	c, _ := fresh(t, Server, nil)
	c.Open(0)
	pairs := []string{":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/"}
	for range 96 {
		pairs = append(pairs, "x-field", "value of some length")
	}
	if got := feed(c, 0, section(nil, pairs...), true); got != "Request end " {
		t.Error(got)
	}
}

// H3-02: 16 x 64 KiB of sections that are blocked: none of it is held by the Conn. The 17th ends the connection.
func TestBlockedMemory(t *testing.T) {
	c, _ := fresh(t, Server, nil)
	c.Advance(1)
	var ev Event
	// Required Insert Count 1 of 128 entries, and 64 KiB of a literal.
	p := append([]byte{2, 0}, litField(nil, "a", "b")...)
	p = append(p, bytes.Repeat([]byte{0xd1}, 64<<10-len(p))...)
	head := append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
	size := grown(func() {
		for i := range uint64(16) {
			if err := c.Open(4 * i); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Next(4*i, head, false, &ev); n != 0 || err != nil || ev.Kind != None || c.Waits(4*i) != WaitTable {
				t.Fatal(n, err, ev.Kind)
			}
		}
	})
	if size > 16<<10 {
		t.Errorf("the heap grew by %d", size)
	}
	if at := c.Deadline(); at != codec.Time(1).Add(DefaultBlockTimeout) {
		t.Errorf("the deadline is %d", at)
	}
	c.Open(64)
	if _, err := c.Next(64, head, false, &ev); code(err) != QPACKDecompressionFailed {
		t.Error(err)
	}
}

// H3-03: a million cancellations and a million Insert Count Increments of a peer: the heap stays flat. And 1e6 toggles of the capacity.
func TestInstructionFloods(t *testing.T) {
	for name, c := range map[string]struct {
		typ  byte
		unit []byte
		want ErrorCode
	}{
		"cancellations": {3, []byte{0x44}, 0},
		"toggles":       {2, []byte{0x3f, 0xe1, 0x01, 0x20}, QPACKEncoderStreamError},
		"increments":    {3, []byte{0x01}, QPACKDecoderStreamError},
	} {
		conn, _ := fresh(t, Server, nil)
		var ev Event
		conn.Open(6)
		conn.Next(6, []byte{c.typ}, false, &ev)
		piece := bytes.Repeat(c.unit, 1000)
		var err error
		size := grown(func() {
			for range 1000 {
				if _, err = conn.Next(6, piece, false, &ev); err != nil {
					break
				}
			}
		})
		if code(err) != c.want || size > flat {
			t.Errorf("%s: %v, the heap grew by %d", name, err, size)
		}
	}
}

// H3-05: 1e5 streams of unknown types, while an honest request now and then goes through: the heap stays flat. Without the requests the
// connection ends.
func TestUnknownStreams(t *testing.T) {
	for _, honest := range []bool{true, false} {
		c, _ := fresh(t, Server, nil)
		var ev Event
		var a Abort
		var err error
		next := uint64(0)
		done := 0
		head, out := getSection(nil), make([]byte, 0, 256)
		step := func(i uint64) {
			id := 6 + 4*i
			if err = c.Open(id); err != nil {
				return
			}
			if _, err = c.Next(id, []byte{0x21}, false, &ev); err != nil {
				return
			}
			for c.NextAbort(&a) {
			}
			if honest && i%16 == 0 {
				c.Open(next)
				c.Next(next, head, true, &ev)
				c.AppendResponse(out, next, 204, nil, true)
				next += 4
			}
			done++
		}
		for i := range uint64(1000) {
			step(i)
		}
		size := grown(func() {
			for i := uint64(1000); i < 1e5 && err == nil; i++ {
				step(i)
			}
		})
		if honest && (err != nil || size > flat) {
			t.Errorf("honest: %v, the heap grew by %d", err, size)
		}
		if !honest && (code(err) != ExcessiveLoad || done > DefaultFruitless) {
			t.Errorf("%v after %d", err, done)
		}
	}
	// SETTINGS of 2^30 octets are refused when they are declared.
	c := new(Conn)
	c.Init(Server, nil)
	c.Open(2)
	var ev Event
	wire := AppendFrameHeader([]byte{0}, FrameHeader{FrameSettings, 1 << 30})
	if _, err := c.Next(2, wire, false, &ev); code(err) != ExcessiveLoad {
		t.Error(err)
	}
}

// H3-06: one grease frame of 2^40 octets, streamed: the heap stays flat, and after 4 KiB for each unit of the budget the connection
// ends.
func TestGreaseStream(t *testing.T) {
	c, _ := fresh(t, Server, nil)
	var ev Event
	c.Open(0)
	feed(c, 0, AppendFrameHeader(getSection(nil), FrameHeader{0x21, 1 << 40}), false)
	piece := make([]byte, 64<<10)
	var err error
	total := 0
	size := grown(func() {
		for total < 100<<20 && err == nil {
			_, err = c.Next(0, piece, false, &ev)
			total += len(piece)
		}
	})
	if code(err) != ExcessiveLoad || size > flat || total < 32<<20 || total > 48<<20 {
		t.Errorf("%v after %d octets, the heap grew by %d", err, total, size)
	}
	// The twin: a client that pads each of its DATA frames with as much as it carries.
	c, _ = fresh(t, Server, nil)
	c.Open(0)
	feed(c, 0, getSection(nil), false)
	pad := append(AppendFrameHeader(nil, FrameHeader{0x21, 16 << 10}), piece[:16<<10]...)
	data := append(AppendFrameHeader(nil, FrameHeader{FrameData, 16 << 10}), piece[:16<<10]...)
	for range 3000 {
		if got := feed(c, 0, pad, false) + feed(c, 0, data, false); got != "Data " {
			t.Fatal(got)
		}
	}
}

// H3-07: 1e6 times request and RESET: closed after at most 1000 in excess. The twin: a client that cancels every tenth of its requests, and
// one that cancels 50 a second.
func TestRapidReset(t *testing.T) {
	head := getSection(nil)
	var ev Event
	var a Abort
	out := make([]byte, 0, 256)
	c, _ := fresh(t, Server, nil)
	n := uint64(0)
	for ; n < 1e6; n++ {
		c.Open(4 * n)
		c.Next(4*n, head, false, &ev)
		err := c.ResetReceived(4*n, RequestCancelled, &ev)
		for c.NextAbort(&a) {
		}
		c.AppendOwed(out, 11, 1<<16)
		if err != nil {
			break
		}
	}
	if code(c.Err()) != ExcessiveLoad || n > 1000 {
		t.Errorf("%v after %d", c.Err(), n)
	}
	for name, clock := range map[string]bool{"every tenth": false, "50 a second": true} {
		c, _ = fresh(t, Server, nil)
		c.Advance(1)
		for n := uint64(0); n < 20000; n++ {
			c.Open(4 * n)
			c.Next(4*n, head, false, &ev)
			if clock || n%10 == 0 {
				if err := c.ResetReceived(4*n, RequestCancelled, &ev); err != nil {
					t.Fatalf("%s: %v after %d", name, err, n)
				}
			} else {
				c.Next(4*n, nil, true, &ev)
				c.AppendResponse(out, 4*n, 204, nil, true)
			}
			if clock {
				c.Advance(codec.Time(n * 2e7))
			}
			for c.NextAbort(&a) {
			}
			c.AppendOwed(out, 11, 1<<16)
		}
	}
}

// H3-07: 1e6 datagrams that nobody reads: none is queued.
func TestDatagramFlood(t *testing.T) {
	c, _ := fresh(t, Server, Config{Datagrams: true, ExtendedConnect: true}.Profile())
	var ev Event
	c.Open(0)
	feed(c, 0, section(nil, ":method", "CONNECT", ":protocol", "x", ":scheme", "https", ":authority", "a", ":path", "/"), false)
	p := append([]byte{0}, make([]byte, 1000)...)
	size := grown(func() {
		for range 1000000 {
			if err := c.Datagram(p, &ev); err != nil || ev.Kind != Datagram {
				t.Fatal(err, ev.Kind)
			}
		}
	})
	if size > flat {
		t.Errorf("the heap grew by %d", size)
	}
}

// TestInstructionsQueue: what waits for our encoder stream is bounded while the peer gives no credit for it, and the sections do without.
func TestInstructionsQueue(t *testing.T) {
	c, control := fresh(t, Client, nil)
	c.Init(Client, Config{EncoderTable: 1 << 16}.Profile())
	for i := range uint64(3) {
		c.OpenUni(2 + 4*i)
	}
	c.Open(control)
	s := Settings{MaxFieldSectionSize: NoLimit, QPACKMaxTableCapacity: 1 << 16, QPACKBlockedStreams: 100}
	feed(c, control, s.Append([]byte{0}), false)
	held := 0
	for i := range uint64(500) {
		list := []codec.Field{{Name: []byte("x-name"), Value: bytes.Repeat([]byte{byte('a' + i%26)}, 200+int(i%50))}}
		if _, err := c.AppendRequest(nil, 4*i, testHeads["GET"], list, true); err != nil {
			t.Fatal(err)
		}
		held = max(held, len(c.instructions))
	}
	if held < 1000 || held > DefaultInstructions+1000 {
		t.Errorf("%d octets of instructions were held", held)
	}
	// The twin: with credit they flow again.
	before := c.enc.InsertCount()
	for {
		id, owes := c.NextOwed()
		if !owes {
			break
		}
		c.AppendOwed(nil, id, 100)
	}
	if len(c.instructions) != 0 || before == 0 {
		t.Error("instructions are left, or none were made")
	}
}

// H3-03: cancellations that the peer does not take are bounded as well, whatever makes them: a client that resets requests, that sends heads which are
// too large, that is told to send no more or is not served at all; a server that resets our requests, or whose responses nobody reads. A
// peer that takes them can go on.
func TestCancellationsQueue(t *testing.T) {
	get := &RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")}
	var ev Event
	out := make([]byte, 0, 1024)
	open := func(c *Conn, id uint64) error {
		_, err := c.AppendRequest(out, id, get, nil, true)
		return err
	}
	for name, row := range map[string]struct {
		role  Role
		begin func(c *Conn)
		do    func(c *Conn, id uint64) error
	}{
		"reset": {Server, nil, func(c *Conn, id uint64) error {
			c.Open(id)
			return c.ResetReceived(id, RequestCancelled, &ev)
		}},
		"too large": {Server, nil, func(c *Conn, id uint64) error {
			c.Open(id)
			if _, err := c.Next(id, AppendFrameHeader(nil, FrameHeader{FrameHeaders, 1 << 40}), false, &ev); err != nil {
				return err
			}
			_, err := c.AppendResponse(out, id, 431, nil, true)
			return err
		}},
		"malformed": {Server, nil, func(c *Conn, id uint64) error {
			c.Open(id)
			_, err := c.Next(id, nil, true, &ev)
			return err
		}},
		"stopped": {Server, nil, func(c *Conn, id uint64) error {
			c.Open(id)
			if _, err := c.Next(id, getSection(nil), false, &ev); err != nil {
				return err
			}
			if _, err := c.AppendResponse(out, id, 204, nil, true); err != nil {
				return err
			}
			return c.StopReading(id, NoError)
		}},
		"refused": {Server, func(c *Conn) { c.GoAway() }, func(c *Conn, id uint64) error { return c.Open(id) }},
		"responses": {Client, nil, func(c *Conn, id uint64) error {
			if err := open(c, id); err != nil {
				return err
			}
			return c.ResetReceived(id, RequestRejected, &ev)
		}},
		"unread": {Client, nil, func(c *Conn, id uint64) error {
			if err := open(c, id); err != nil {
				return err
			}
			return c.Reset(id, RequestCancelled)
		}},
	} {
		for _, takes := range []bool{false, true} {
			c, control := fresh(t, row.role, nil)
			if row.begin != nil {
				row.begin(c)
			}
			var err error
			var a Abort
			n := 0
			for ; n < 3*DefaultAnswers && err == nil; n++ {
				c.Advance(codec.Time(1 + n*1e8)) // no flood
				err = row.do(c, 4*uint64(n))
				if err == nil && takes {
					c.AppendOwed(out, control^1+8, 100)
				}
				if err != nil && (c.NextAbort(&a) || c.Pending() || ev.Kind != None && name != "unread" && name != "stopped" && name != "refused") {
					t.Errorf("%s: an event or an abort with the error", name)
				}
				for c.NextAbort(&a) {
				}
			}
			if takes && err != nil || !takes && (code(err) != ExcessiveLoad || n != DefaultAnswers+1) {
				t.Errorf("%s, takes %v: %v after %d", name, takes, err, n)
			}
		}
	}
}

// H3-03: acknowledgments that the peer does not take are bounded; a peer that takes them can go on.
func TestAnswersQueue(t *testing.T) {
	for _, takes := range []bool{false, true} {
		c, _ := fresh(t, Server, nil)
		var e qpack.Encoder
		if err := e.SetPeer(4096, 16); err != nil {
			t.Fatal(err)
		}
		list := []codec.Field{f(":method", "GET"), f(":scheme", "https"), f(":authority", "a.test"), f(":path", "/"), f("x-name", "value")}
		p, ins := e.AppendSection(nil, nil, 0, list)
		head := append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, uint64(len(p))}), p...)
		var ev Event
		if err := c.Open(6); err != nil {
			t.Fatal(err)
		}
		feed(c, 6, append([]byte{2}, ins...), false)
		out := make([]byte, 0, 1024)
		n := uint64(0)
		var err error
		for ; n < 5000 && err == nil; n++ {
			if err = c.Open(4 * n); err == nil {
				_, err = c.Next(4*n, head, true, &ev)
			}
			if err == nil {
				_, err = c.AppendResponse(out, 4*n, 204, nil, true)
			}
			if takes {
				c.AppendOwed(out, 11, 100)
			}
		}
		if takes && err != nil || !takes && (code(err) != ExcessiveLoad || n != DefaultAnswers+1) {
			t.Errorf("takes %v: %v after %d", takes, err, n)
		}
	}
}
