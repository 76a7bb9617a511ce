package ws

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// heapAtMost checks that f, with what it makes and returns alive, lets the heap grow by no more than so many bytes. The runtime
// allocates at times as well, so f has three attempts; it must begin anew in each.
func heapAtMost(t *testing.T, most int64, f func() (alive any)) {
	t.Helper()
	grown := int64(0)
	for range 3 {
		var alive any
		grown = heapGrowth(func() { alive = f() })
		runtime.KeepAlive(alive)
		if alive = nil; grown <= most {
			return
		}
	}
	t.Errorf("the heap grew by %d bytes, at most %d are allowed", grown, most)
}

// heapGrowth returns by how many bytes the heap is larger behind f than in front of it.
func heapGrowth(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// feed gives all of p to c and returns the bytes of messages and the error.
func feed(c *Conn, ev *Event, p []byte) (data int64, err error) {
	for {
		n, err := c.Next(p, ev)
		p = p[n:]
		if err != nil || ev.Kind == None {
			return data, err
		}
		if ev.Kind == Data {
			data += int64(len(ev.Payload))
		}
	}
}

// frame returns a frame of a client with a key of zeros.
func frame(op Opcode, fin bool, rsv uint8, p []byte) []byte {
	out, err := AppendHeader(nil, &Header{Fin: fin, RSV: rsv, Opcode: op, Masked: true, Length: int64(len(p))})
	if err != nil {
		panic(err)
	}
	return append(out, p...)
}

func codeOf(err error) CloseCode {
	var c CloseCode
	errors.As(err, &c)
	return c
}

// WS-01: 10 KiB that inflate to 10 MiB, with a limit of 1 MiB: 1009, and never more than the limit and a buffer is held.
func TestBomb(t *testing.T) {
	bomb := deflateWith(t, 9, make([]byte, 10<<20), 0)
	require.Less(t, len(bomb), 11<<10)
	for _, takeover := range []bool{false, true} {
		wire := frame(Binary, true, uint8(RSV1), bomb)
		heapAtMost(t, 128<<10, func() any { // of 1 MiB and 32 KiB allowed
			c := new(Conn)
			c.Init(Server, nil)
			c.SetDeflate(Deflate{ServerNoTakeover: true, ClientNoTakeover: !takeover})
			got, err := feed(c, new(Event), wire)
			require.Equal(t, CloseTooBig, codeOf(err))
			require.Equal(t, int64(DefaultMessage), got)
			return c
		})
	}
	exact := func(n int) error {
		c := new(Conn)
		c.Init(Server, nil)
		c.SetDeflate(Deflate{ServerNoTakeover: true, ClientNoTakeover: true})
		in := deflateWith(t, 9, make([]byte, n), 0)
		_, err := feed(c, new(Event), frame(Binary, true, uint8(RSV1), in))
		return err
	}
	require.NoError(t, exact(DefaultMessage))
	require.Equal(t, CloseTooBig, codeOf(exact(DefaultMessage+1)))
}

// WS-02: tiny fragments without end, and the honest twin.
func TestFragmentFlood(t *testing.T) {
	c, ev := new(Conn), new(Event)
	var one []byte
	for range 131_000 {
		one = append(one, frame(Continuation, false, 0, []byte("x"))...)
	}
	start := frame(Binary, false, 0, []byte("x"))
	heapAtMost(t, 4<<10, func() any { // of 256 KiB allowed
		c.Init(Server, &Config{Limits: Limits{Fragments: -1}})
		_, err := feed(c, ev, start)
		require.NoError(t, err)
		n, err := feed(c, ev, one)
		require.NoError(t, err)
		require.EqualValues(t, 131_000, n)
		return c
	})

	c.Init(Server, nil)
	_, err := feed(c, ev, start)
	require.NoError(t, err)
	n, err := feed(c, ev, one)
	require.Equal(t, ClosePolicyViolation, codeOf(err))
	require.LessOrEqual(t, n, int64(DefaultFragments+2))

	c.Init(Server, nil)
	empty := bytes.Repeat(frame(Continuation, false, 0, nil), 2000)
	_, err = feed(c, ev, frame(Binary, false, 0, nil))
	require.NoError(t, err)
	_, err = feed(c, ev, empty)
	require.Equal(t, ClosePolicyViolation, codeOf(err))

	// 16 MiB in 4096 fragments of 4 KiB
	c.Init(Server, &Config{Limits: Limits{Message: 16 << 20}})
	piece := make([]byte, 4<<10)
	for i := range 4096 {
		op := Continuation
		if i == 0 {
			op = Binary
		}
		_, err = feed(c, ev, frame(op, i == 4095, 0, piece))
		require.NoError(t, err)
	}
	require.True(t, ev.Kind == None && c.Idle())
}

// WS-02: what one message costs does not depend on how it is cut: the work is counted.
func TestOneByteReadsAreLinear(t *testing.T) {
	steps := func(n int) uint64 {
		c, ev := new(Conn), new(Event)
		c.Init(Server, nil)
		in := frame(Binary, true, 0, make([]byte, n))
		for r, w := 0, 0; w < len(in); {
			w++
			k, err := c.Next(in[r:w], ev)
			require.NoError(t, err)
			r += k
		}
		return c.Steps()
	}
	a, b := steps(10_000), steps(20_000)
	require.LessOrEqual(t, b, a*22/10)
	require.LessOrEqual(t, b, uint64(15*20_000))
}

// WS-03: nothing is allocated from a declared length.
func TestDeclaredLength(t *testing.T) {
	for _, n := range []int64{1<<63 - 1, 1 << 62, DefaultMessage + 1} {
		h, err := AppendHeader(nil, &Header{Fin: true, Opcode: Binary, Masked: true, Length: n})
		require.NoError(t, err)
		heapAtMost(t, 1<<10, func() any {
			c := new(Conn)
			c.Init(Server, nil)
			_, err = feed(c, new(Event), h)
			return c
		})
		require.Equal(t, CloseTooBig, codeOf(err))
	}
}

// WS-04: every header there is, for both roles, with the extension and without, inside a message and outside: the verdict by
// the letter of the RFCs.
func TestEveryHeader(t *testing.T) {
	count := 0
	for _, role := range []Role{Server, Client} {
		for _, deflate := range []bool{false, true} {
			for _, open := range []bool{false, true} {
				for b0 := range 256 {
					for _, masked := range []bool{false, true} {
						var c Conn
						c.Init(role, &Config{Rand: testRand()})
						if deflate {
							c.SetDeflate(Deflate{ServerNoTakeover: true, ClientNoTakeover: true})
						}
						h := Header{Opcode: Binary, Masked: role == Server, Length: 1}
						in, _ := AppendHeader(nil, &h)
						if !open {
							in[0] |= 0x80
						}
						_, err := feed(&c, new(Event), append(in, 'x'))
						require.NoError(t, err)
						in = []byte{byte(b0), 1, 0}
						if masked {
							in = []byte{byte(b0), 0x81, 0, 0, 0, 0, 0}
						}
						_, err = feed(&c, new(Event), in)
						fin, rsv, op := b0&0x80 != 0, b0>>4&7, Opcode(b0&15)
						data := op == Text || op == Binary
						good := masked == (role == Server) &&
							(op <= Binary || op >= Close && op <= Pong) &&
							(rsv == 0 || rsv == 4 && deflate && data) &&
							(!op.IsControl() || fin) &&
							(!data || !open) && (op != Continuation || open)
						what := fmt.Sprintf("role %d deflate %v open %v first byte %08b masked %v", role, deflate, open, b0, masked)
						switch {
						case !good, op == Close: // a Close frame of one byte is bad for another reason
							require.Equal(t, CloseProtocolError, codeOf(err), what)
						case rsv == 4: // the payload 00 inflates to nothing
							require.NoError(t, err, what)
						default:
							require.NoError(t, err, what)
						}
						count++
					}
				}
			}
		}
	}
	require.GreaterOrEqual(t, count, 2048)
}

// WS-06: of all codes these and no others may be sent or received.
func TestEveryCloseCode(t *testing.T) {
	accepted := 0
	for code := range 1 << 16 {
		want := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
		var c Conn
		c.Init(Server, nil)
		_, err := feed(&c, new(Event), frame(Close, true, 0, []byte{byte(code >> 8), byte(code)}))
		if (err == nil) != want || CloseCode(code).OnWire() != want {
			t.Fatalf("code %d: %v", code, err)
		}
		if want {
			accepted++
			require.Equal(t, []byte{0x88, 2, byte(code >> 8), byte(code)}, c.AppendOwed(nil, 100))
			require.True(t, c.Closed())
			require.Equal(t, CloseCode(code), c.CloseCode())
		}
		c.Init(Server, nil)
		_, err = c.AppendClose(nil, CloseCode(code), nil)
		if (err == nil) != (want || code == 0 || code == int(CloseNoStatus)) {
			t.Fatalf("sending code %d: %v", code, err)
		}
	}
	require.Equal(t, 12+2000, accepted)
}

// WS-06: the peer is silent behind our Close frame: given up after 5 s.
func TestCloseNeverAnswered(t *testing.T) {
	const second = codec.Time(1e9)
	var c Conn
	c.Init(Server, nil)
	require.NoError(t, c.Advance(100*second))
	require.Equal(t, codec.Never, c.Deadline())
	_, err := c.AppendClose(nil, CloseNormal, nil)
	require.NoError(t, err)
	require.True(t, c.Deadline().Reached(100*second), "a timer waits to be armed")
	require.NoError(t, c.Advance(101*second))
	require.Equal(t, 106*second, c.Deadline())
	// Data does not make it wait longer.
	n, err := feed(&c, new(Event), frame(Text, true, 0, []byte("late")))
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
	require.NoError(t, c.Advance(106*second-1))
	require.Equal(t, 106*second, c.Deadline())
	err = c.Advance(106 * second)
	require.Equal(t, CloseAbnormal, codeOf(err))
	require.Same(t, err, c.Advance(107*second))
	require.Equal(t, codec.Never, c.Deadline())
	require.True(t, c.Closed())
	require.Empty(t, c.AppendOwed(nil, 100))
}

// WS-07: a million pings of 125 bytes to a connection whose output nobody takes: one Pong is owed, nothing grows.
func TestPingFlood(t *testing.T) {
	c, ev := new(Conn), new(Event)
	pings := bytes.Repeat(frame(Ping, true, 0, bytes.Repeat([]byte("p"), 125)), 1000)
	heapAtMost(t, 4<<10, func() any {
		c.Init(Server, &Config{Limits: Limits{Fruitless: -1}})
		for range 1000 {
			_, err := feed(c, ev, pings)
			require.NoError(t, err)
		}
		return c
	})
	require.Len(t, c.AppendOwed(nil, 1<<20), 127)
	require.Empty(t, c.AppendOwed(nil, 1<<20))

	// With the default budget it is over after 1024; time, and work, pay for more.
	c.Init(Server, nil)
	require.NoError(t, c.Advance(1e9))
	_, err := feed(c, ev, pings)
	require.NoError(t, err)
	_, err = feed(c, ev, pings)
	require.Equal(t, ClosePolicyViolation, codeOf(err))
	c.Init(Server, nil)
	for i := range 100 {
		require.NoError(t, c.Advance(codec.Time(1e9)*codec.Time(1+i*70)))
		_, err = feed(c, ev, pings)
		require.NoError(t, err)
	}
}

// WS-10: every frame of a client has a key of its own, the one that Rand has given: over 10^6 frames of an unpredictable source no
// key is repeated more often than chance has it, and no byte of it is skewed.
func TestMaskingKeys(t *testing.T) {
	var c Conn
	rng := rand.NewChaCha8([32]byte([]byte("keys for a million frames, 32 B.")))
	c.Init(Client, &Config{Rand: func() uint32 { return uint32(rng.Uint64()) }})
	frames, most := 1_000_000, 200
	if testing.Short() {
		frames, most = 100_000, 10
	}
	seen := make(map[[4]byte]struct{}, frames)
	var count [4][256]int
	repeated := 0
	buf := make([]byte, 0, 64)
	for range frames {
		out, err := c.AppendMessage(buf, Binary, []byte("x"))
		require.NoError(t, err)
		key := [4]byte(out[2:6])
		require.Equal(t, byte('x')^key[0], out[6])
		if _, twice := seen[key]; twice {
			repeated++
		}
		seen[key] = struct{}{}
		for i, b := range key {
			count[i][b]++
		}
	}
	require.LessOrEqual(t, repeated, most, "of a million about 116 are to be expected")
	for i := range count {
		chi := 0.0
		for _, n := range count[i] {
			d := float64(n) - float64(frames)/256
			chi += d * d / (float64(frames) / 256)
		}
		require.Less(t, chi, 350.0, "255 degrees of freedom: one in ten thousand is above 346")
	}
	// Control frames, fragments, deflated and prepared messages have keys as well.
	n := 0
	c.Init(Client, &Config{Rand: func() uint32 { n++; return uint32(n) }, DeflateMin: -1})
	c.SetDeflate(Deflate{ServerNoTakeover: true, ClientNoTakeover: true})
	m, err := NewPrepared(Text, bytes.Repeat([]byte("x"), 1000), NewFreeList(1))
	require.NoError(t, err)
	var out []byte
	out, _ = c.AppendPing(out, nil)
	out, _ = c.AppendMessage(out, Text, bytes.Repeat([]byte("x"), 1000))
	out, _ = c.AppendFragment(out, Text, []byte("x"), false)
	out, _ = c.AppendFragment(out, Text, []byte("x"), true)
	out, _ = c.AppendPrepared(out, m)
	out, _ = c.AppendClose(out, 1000, nil)
	require.Equal(t, 6, n)
	for want := byte(1); len(out) > 0; want++ {
		var h Header
		k, err := ParseHeader(out, &h, RSV1|FromClient)
		require.NoError(t, err)
		require.Equal(t, [4]byte{want, 0, 0, 0}, h.Key)
		out = out[k+int(h.Length):]
	}
}

// What the documentation says of memory.
func TestMemory(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Conn{}), uintptr(128))
	const others = 2048 // octets that the runtime and the test's own goroutines may allocate meanwhile
	measure := func(what string, most int64, create func() any) {
		t.Helper()
		n := int64(32)
		if most < 1024 {
			n = 1024
		}
		kept := make([]any, n)
		grown := int64(0)
		for range 3 {
			clear(kept)
			grown = (heapGrowth(func() {
				for i := range kept {
					kept[i] = create()
				}
			}) - others) / n
			if grown <= most {
				t.Logf("%s: %d bytes", what, grown)
				return
			}
		}
		t.Errorf("%s: %d bytes, documented are %d", what, grown, most)
		runtime.KeepAlive(kept)
	}
	pool := NewFreeList(1)
	text := bytes.Repeat([]byte("some text to deflate, "), 3000)
	used := func(d Deflate, compressed []byte, min int) func() any {
		return func() any {
			c := new(Conn)
			c.Init(Server, &Config{Pool: pool})
			c.SetDeflate(d)
			if _, err := c.AppendMessage(make([]byte, 0, 1024), Text, text); err != nil {
				t.Fatal(err)
			}
			if _, err := feed(c, new(Event), frame(Text, true, uint8(RSV1), compressed)); err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	z := deflateWith(t, 9, text, 0)
	used(Deflate{}, z, 0)() // fills the pool
	used(Deflate{ServerBits: 9, ClientBits: 9, ServerNoTakeover: true, ClientNoTakeover: true}, deflateWith(t, 0, text[:100], 0), 0)()
	measure("Inflater", 80<<10, func() any { return NewInflater() })
	measure("Deflater, 15 bits", 820_000, func() any {
		d := NewDeflater(15)
		d.begin(nil)
		d.piece(nil, text)
		return d
	})
	measure("Deflater, 9 bits", 1_100_000, func() any {
		d := NewDeflater(9)
		d.begin(nil)
		d.piece(nil, text)
		return d
	})
	measure("idle connection", 128, func() any { c := new(Conn); c.Init(Server, nil); return c })
	measure("idle connection that was pinged", 256, func() any {
		c := new(Conn)
		c.Init(Server, nil)
		feed(c, new(Event), frame(Ping, true, 0, []byte("x")))
		return c
	})
	measure("idle, deflate without takeover", 700, used(Deflate{ServerNoTakeover: true, ClientNoTakeover: true}, z, 0))
	measure("idle, deflate with takeover both ways", 38<<10, used(Deflate{}, z, 0))
}
