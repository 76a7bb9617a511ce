package ws

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// Each call that makes no sense has a reason of its own, blames the caller, and appends nothing.
func TestMisuse(t *testing.T) {
	cfg := &Config{Rand: testRand()}
	server := func(prepare ...func(c *Conn)) *Conn {
		c := new(Conn)
		c.Init(Server, cfg)
		for _, f := range prepare {
			f(c)
		}
		return c
	}
	client := func(cfg *Config) *Conn {
		c := new(Conn)
		c.Init(Client, cfg)
		return c
	}
	open := func(c *Conn) { _, _ = c.AppendFragment(nil, Text, nil, false) }
	closed := func(c *Conn) { _, _ = c.AppendClose(nil, CloseNormal, nil) }
	failed := func(c *Conn) { _, _ = feed(c, new(Event), []byte{0xff}) }
	asked := func(c *Conn) { _, _ = feed(c, new(Event), frame(Close, true, 0, nil)) }
	bad := []byte("\xff")
	big, err := NewPrepared(Binary, make([]byte, 10), nil)
	require.NoError(t, err)
	type result struct {
		out []byte
		err error
	}
	call := func(out []byte, err error) result { return result{out, err} }
	d := []byte("kept")
	seen := map[string]bool{}
	for i, row := range []struct {
		got  result
		want reason
	}{
		{call(server(closed).AppendMessage(d, Text, nil)), rSendClosed},
		{call(server(failed).AppendMessage(d, Text, nil)), rSendClosed},
		{call(server(asked).AppendMessage(d, Text, nil)), rSendClosed},
		{call(server(closed).AppendFragment(d, Text, nil, true)), rSendClosed},
		{call(server(closed).AppendMessageHeader(d, Text, 1)), rSendClosed},
		{call(server(closed).AppendPing(d, nil)), rSendClosed},
		{call(server(closed).AppendPong(d, nil)), rSendClosed},
		{call(server(closed).AppendClose(d, CloseNormal, nil)), rSendClosed},
		{call(server(failed).AppendClose(d, CloseNormal, nil)), rSendClosed},
		{call(server(closed).AppendPrepared(d, big)), rSendClosed},
		{call(server().AppendMessage(d, Ping, nil)), rSendOpcode},
		{call(server().AppendMessage(d, Continuation, nil)), rSendOpcode},
		{call(server().AppendFragment(d, Close, nil, true)), rSendOpcode},
		{call(client(nil).AppendMessage(d, Text, nil)), rSendNoRand},
		{call(client(nil).AppendPing(d, nil)), rSendNoRand},
		{call(client(nil).AppendClose(d, CloseNormal, nil)), rSendNoRand},
		{call(server(open).AppendMessage(d, Text, nil)), rSendInterleaved},
		{call(server(open).AppendMessageHeader(d, Text, 1)), rSendInterleaved},
		{call(server(open).AppendPrepared(d, big)), rSendInterleaved},
		{call(server(open).AppendFragment(d, Binary, nil, true)), rSendType},
		{call(server().AppendMessage(d, Text, bad)), rSendText},
		{call(server(open).AppendFragment(d, Text, bad, false)), rSendPiece},
		{call(server(open).AppendFragment(d, Text, []byte("\xc3"), true)), rSendPiece},
		{call(client(cfg).AppendMessageHeader(d, Text, 1)), rSendReference},
		{call(server().AppendMessageHeader(d, Text, -1)), rPutLength},
		{call(server().AppendPing(d, make([]byte, 126))), rPutControlLong},
		{call(server().AppendClose(d, CloseNormal, make([]byte, 124))), rPutControlLong},
		{call(server().AppendClose(d, CloseNoStatus, d)), rSendReasonOnly},
		{call(server().AppendClose(d, CloseAbnormal, nil)), rSendCode},
		{call(server().AppendClose(d, CloseNormal, bad)), rSendReason},
	} {
		require.Equal(t, "kept", string(row.got.out), "row %d", i)
		var e *Error
		require.True(t, errors.As(row.got.err, &e), "row %d", i)
		require.Equal(t, reasons[row.want].text, e.Reason, "row %d", i)
		require.Equal(t, codec.ScopeMisuse, e.Scope)
		seen[e.Reason] = true
	}
	for r := rSendClosed; r <= rSendReason; r++ {
		require.True(t, seen[reasons[r].text], reasons[r].text)
	}
	_, err = client(cfg).PreparedFrame(big)
	require.Same(t, misuse(rSendReference), err)
	_, err = NewPrepared(Close, nil, nil)
	require.Same(t, misuse(rSendOpcode), err)
	_, err = NewPrepared(Text, bad, nil)
	require.Same(t, misuse(rSendText), err)
	// What the client cannot mask it does not send.
	c := client(nil)
	_, err = feed(c, new(Event), []byte{0x89, 0})
	require.NoError(t, err)
	require.True(t, c.Owes())
	require.Empty(t, c.AppendOwed(nil, 100))
}

func TestReasonsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range Reasons() {
		require.Regexp(t, `^(1951|6455|7692)-\d+(\.\d+)*-\d+: .`, r)
		if reasons[i+1].code != 0 {
			require.False(t, seen[r], r)
		}
		seen[r] = true
	}
	var c Conn
	c.Init(Server, nil)
	_, err := feed(&c, new(Event), []byte{0x83})
	require.ErrorIs(t, err, CloseProtocolError)
	require.NotErrorIs(t, err, CloseTooBig)
	require.Contains(t, err.Error(), "ws: 6455-5.2-5")
	require.Equal(t, "ws: close 1002", CloseProtocolError.Error())
	require.Same(t, err, c.Err())
}

func TestKeepalive(t *testing.T) {
	const second = codec.Time(1e9)
	var c Conn
	ev := new(Event)
	c.Init(Server, &Config{PingInterval: 20e9, PongTimeout: 5e9})
	require.True(t, c.Deadline().Reached(1000*second))
	require.NoError(t, c.Advance(1000*second))
	require.Equal(t, 1020*second, c.Deadline())
	require.NoError(t, c.Advance(1010*second)) // too early: nothing
	require.Equal(t, 1020*second, c.Deadline())
	require.False(t, c.Owes())
	require.NoError(t, c.Advance(1020*second))
	require.Equal(t, []byte{0x89, 0}, c.AppendOwed(nil, 100))
	require.Equal(t, 1025*second, c.Deadline())
	// Any byte is a sign of life.
	_, err := feed(&c, ev, frame(Text, true, 0, []byte("x"))[:7])
	require.NoError(t, err)
	require.NoError(t, c.Advance(1022*second))
	require.Equal(t, 1042*second, c.Deadline())
	require.NoError(t, c.Advance(1042*second))
	require.Len(t, c.AppendOwed(nil, 100), 2)
	_, err = feed(&c, ev, frame(Pong, true, 0, nil))
	require.NoError(t, err)
	require.NoError(t, c.Advance(1047*second)) // the pong came in time, though it is seen late
	require.Equal(t, 1067*second, c.Deadline())
	require.NoError(t, c.Advance(1067*second))
	err = c.Advance(1072 * second)
	require.Equal(t, CloseAbnormal, codeOf(err))
	require.Equal(t, reasons[rPongTimeout].text, err.(*Error).Reason)
	require.False(t, c.Owes() && len(c.AppendOwed(nil, 100)) > 2, "nobody is told")
	require.True(t, c.Closed())

	c.Init(Server, nil)
	require.Equal(t, codec.Never, c.Deadline())
	c.Init(Server, &Config{PingInterval: 10e9})
	require.NoError(t, c.Advance(second))
	require.NoError(t, c.Advance(11*second))
	require.Equal(t, 21*second, c.Deadline(), "PongTimeout is PingInterval by default")
	// The peer's Close ends all timers.
	_, err = feed(&c, ev, frame(Close, true, 0, nil))
	require.NoError(t, err)
	require.NoError(t, c.Advance(100*second))
	require.Equal(t, codec.Never, c.Deadline())
	c.Init(Server, &Config{CloseTimeout: -1, PingInterval: 10e9})
	_, err = c.AppendClose(nil, 0, nil)
	require.NoError(t, err)
	require.Equal(t, codec.Never, c.Deadline())
	require.NoError(t, c.Advance(1000*second))
	require.NoError(t, c.Advance(9000*second))
}

func TestOwed(t *testing.T) {
	var c Conn
	ev := new(Event)
	c.Init(Server, nil)
	_, err := feed(&c, ev, append(frame(Ping, true, 0, []byte("abc")), frame(Close, true, 0, nil)...))
	require.NoError(t, err)
	require.Equal(t, []byte{0x88, 0}, c.AppendOwed(nil, 100), "no pong behind a close")
	require.True(t, c.Closed() && c.CloseReceived() && c.CloseSent())
	require.Equal(t, CloseNoStatus, c.CloseCode())
	require.NoError(t, c.Finish())

	// max is respected: one frame at least, and the next one only if there is room.
	c.Init(Server, nil)
	_, err = feed(&c, ev, append(frame(Ping, true, 0, []byte("abc")), 0xff))
	require.Error(t, err)
	require.Empty(t, c.AppendOwed(nil, 0))
	require.Equal(t, "\x8a\x03abc", string(c.AppendOwed(nil, 1)))
	require.False(t, c.Closed())
	require.Equal(t, "\x88\x02\x03\xea", string(c.AppendOwed(nil, 1)))
	require.True(t, c.Closed())

	// A Close of our own in answer to the peer's.
	c.Init(Server, nil)
	_, err = feed(&c, ev, frame(Close, true, 0, []byte{3, 0xe8}))
	require.NoError(t, err)
	out, err := c.AppendClose(nil, CloseGoingAway, []byte("bye"))
	require.NoError(t, err)
	require.Equal(t, "\x88\x05\x03\xe9bye", string(out))
	require.False(t, c.Owes())
	require.True(t, c.Closed())

	// Our Close first, then an error of the peer: nothing more is said.
	c.Init(Server, nil)
	_, _ = c.AppendClose(nil, CloseNormal, nil)
	require.False(t, c.Closed())
	_, err = feed(&c, ev, []byte{0xff})
	require.Error(t, err)
	require.False(t, c.Owes())
	require.True(t, c.Closed())
	require.Equal(t, CloseProtocolError, c.CloseCode())

	// No pong behind our Close.
	c.Init(Server, nil)
	_, _ = c.AppendClose(nil, CloseNormal, nil)
	_, err = feed(&c, ev, frame(Ping, true, 0, nil))
	require.NoError(t, err)
	require.False(t, c.Owes())
}

// An open message and its header by reference: what the peer reads.
func TestByReference(t *testing.T) {
	p := newPair(&Config{}, nil)
	for _, n := range []int{0, 125, 126, 65535, 65536} {
		out, err := p.s.AppendMessageHeader(nil, Binary, int64(n))
		require.NoError(t, err)
		out = append(out, make([]byte, n)...)
		require.Equal(t, []message{{Binary, string(make([]byte, n))}}, drain(t, &p.c, out, 1<<20))
	}
}

func TestJoiner(t *testing.T) {
	j := Joiner{Max: 10}
	add := func(first, last bool, p string) (string, bool, error) {
		m, done, err := j.Add(&Event{Kind: Data, Opcode: Text, First: first, Last: last, Payload: []byte(p)})
		return string(m), done, err
	}
	whole := &Event{Kind: Data, First: true, Last: true, Payload: []byte("0123456789")}
	m, done, err := j.Add(whole)
	require.True(t, done && err == nil)
	require.Same(t, &whole.Payload[0], &m[0], "not copied")
	_, done, err = add(true, false, "0123")
	require.True(t, !done && err == nil && j.Open())
	j.Release() // does nothing now
	_, done, _ = j.Add(&Event{Kind: Control, Opcode: Ping, Payload: []byte("ping")})
	require.False(t, done)
	s, done, err := add(false, true, "456789")
	require.True(t, done && err == nil && !j.Open())
	require.Equal(t, "0123456789", s)
	// One more than allowed: an error once, and the next message is read.
	_, _, err = add(true, false, "0123456")
	require.NoError(t, err)
	_, done, err = add(false, false, "7890")
	require.False(t, done)
	require.Equal(t, CloseTooBig, codeOf(err))
	require.Equal(t, codec.ScopeStream, err.(*Error).Scope)
	_, done, err = add(false, true, "x")
	require.True(t, !done && err == nil)
	s, done, err = add(true, true, "next")
	require.True(t, done && err == nil)
	require.Equal(t, "next", s)
	_, done, err = add(true, true, "0123456789x")
	require.True(t, !done && err != nil)
	_, done, err = add(true, false, "a")
	require.True(t, !done && err == nil)
	s, done, _ = add(false, true, "")
	require.True(t, done)
	require.Equal(t, "a", s)
	j.Release()
	require.Nil(t, j.buf)
	j = Joiner{}
	_, _, err = add(true, false, string(make([]byte, 1<<20)))
	require.NoError(t, err)
}

func TestPrepared(t *testing.T) {
	long := bytes.Repeat([]byte("broadcast me, "), 100)
	random := texts()["random"][:1000]
	for _, p := range [][]byte{nil, []byte("short"), long, random} {
		m, err := NewPrepared(Binary, p, NewFreeList(1))
		require.NoError(t, err)
		require.Equal(t, len(p), m.Len())
		require.Equal(t, len(p) == len(long), m.packed != nil)
		for _, d := range []*Deflate{nil, {ServerBits: 15, ClientBits: 15}, {ServerBits: 8, ClientBits: 8},
			{ServerNoTakeover: true, ClientNoTakeover: true, ServerBits: 11, ClientBits: 11}} {
			pr := newPair(&Config{Pool: NewFreeList(2)}, d)
			for _, way := range []struct{ from, to *Conn }{{&pr.s, &pr.c}, {&pr.c, &pr.s}} {
				// Ordinary messages around it must still fit, with their context.
				var out []byte
				for i := range 6 {
					if i%2 == 0 {
						out, err = way.from.AppendPrepared(out, m)
					} else {
						out, err = way.from.AppendMessage(out, Text, long)
					}
					require.NoError(t, err)
				}
				want := []message{{Binary, string(p)}, {Text, string(long)}}
				require.Equal(t, append(append(want, want...), want...), drain(t, way.to, out, 777))
			}
			shared, err := pr.s.PreparedFrame(m)
			require.NoError(t, err)
			require.Equal(t, []message{{Binary, string(p)}}, drain(t, &pr.c, bytes.Clone(shared), 1<<20))
			again, err := pr.s.PreparedFrame(m)
			require.NoError(t, err)
			require.Same(t, &shared[0], &again[0])
			packed := d != nil && (d.ServerBits == 15 || d.ServerBits == 11) && m.packed != nil
			require.Equal(t, packed, shared[0]&0x40 != 0)
		}
	}
}

func TestDecideWire(t *testing.T) {
	for _, row := range []struct {
		q    WireQuestion
		want string
	}{
		{WireQuestion{Scheme: "ws"}, "h1"},
		{WireQuestion{Scheme: "wss"}, "h1"}, // TLS without ALPN
		{WireQuestion{Scheme: "wss", ALPN: "http/1.1"}, "h1"},
		{WireQuestion{Scheme: "wss", ALPN: "http/1.1", Connect: SettingOn}, "h1"},
		{WireQuestion{Scheme: "ws", ALPN: "http/1.1"}, "failed"}, // there is no ALPN in cleartext
		{WireQuestion{Scheme: "ws", ALPN: "h2"}, "failed"},
		{WireQuestion{Scheme: "ws", ALPN: "h2c"}, "wait"},
		{WireQuestion{Scheme: "ws", ALPN: "h2c", Connect: SettingOn}, "h2"},
		{WireQuestion{Scheme: "ws", ALPN: "h2c", Connect: SettingOff}, "other"},
		{WireQuestion{Scheme: "ws", ALPN: "h3", Connect: SettingOn}, "failed"},
		{WireQuestion{Scheme: "wss", ALPN: "h2"}, "wait"},
		{WireQuestion{Scheme: "wss", ALPN: "h2", Connect: SettingOn}, "h2"},
		{WireQuestion{Scheme: "wss", ALPN: "h2", Connect: SettingOff}, "other"},
		{WireQuestion{Scheme: "wss", ALPN: "h2", Connect: SettingOff, Only1: true}, "failed"},
		{WireQuestion{Scheme: "wss", ALPN: "h2c", Connect: SettingOn}, "failed"},
		{WireQuestion{Scheme: "wss", ALPN: "h3"}, "wait"},
		{WireQuestion{Scheme: "wss", ALPN: "h3", Connect: SettingOn}, "h3"},
		{WireQuestion{Scheme: "wss", ALPN: "h3", Connect: SettingOff}, "other"},
		{WireQuestion{Scheme: "wss", ALPN: "spdy/3"}, "failed"},
		{WireQuestion{Scheme: "https", ALPN: "h2", Connect: SettingOn}, "failed"},
		{WireQuestion{}, "failed"},
	} {
		require.Equal(t, row.want, DecideWire(row.q).String(), "%+v", row.q)
	}
	require.Equal(t, "failed", Wire(99).String())
	require.Nil(t, OfferALPN("ws", true))
	require.Equal(t, []string{"http/1.1"}, OfferALPN("wss", false))
	require.Equal(t, []string{"h2", "http/1.1"}, OfferALPN("wss", true))
}

// Messages in both directions, small and large, plain and deflated, with and without context: nothing is allocated.
func TestAllocations(t *testing.T) {
	text := texts()["words"]
	for _, d := range []*Deflate{nil, {ServerNoTakeover: true, ClientNoTakeover: true}, {}, {ServerBits: 10, ClientBits: 10}} {
		p := newPair(&Config{Pool: NewFreeList(2), Rand: func() uint32 { return 0x11223344 }}, d)
		out := make([]byte, 0, 1<<20)
		var ev Event
		var j Joiner
		n := testing.AllocsPerRun(5, func() {
			for _, size := range []int{1, 128, 1000, 16 << 10, 100_000} {
				for _, way := range []struct{ from, to *Conn }{{&p.s, &p.c}, {&p.c, &p.s}} {
					wire, err := way.from.AppendMessage(out, Text, text[:size])
					if err != nil {
						t.Fatal(err)
					}
					wire, _ = way.from.AppendFragment(wire, Binary, text[:size/2], false)
					wire, _ = way.from.AppendPing(wire, text[:20])
					wire, _ = way.from.AppendFragment(wire, Binary, text[size/2:size], true)
					got := 0
					for len(wire) > 0 {
						n, err := way.to.Next(wire, &ev)
						if err != nil {
							t.Fatal(err)
						}
						if wire = wire[n:]; ev.Kind == Data {
							m, done, err := j.Add(&ev)
							if err != nil {
								t.Fatal(err)
							}
							if done {
								got += len(m)
							}
						}
					}
					if got != 2*size {
						t.Fatal(got, size)
					}
					way.to.AppendOwed(out, 1000)
				}
			}
		})
		require.Zero(t, n, "%v", d)
	}
}

// Release gives everything back, at any moment, and twice is once.
func TestRelease(t *testing.T) {
	pool := &counting{FreeList: *NewFreeList(4)}
	cfg := &Config{Pool: pool, Rand: testRand(), DeflateMin: -1}
	p := newPair(cfg, &Deflate{})
	out, err := p.s.AppendFragment(nil, Text, []byte("a message that is not finished"), false)
	require.NoError(t, err)
	_, err = feed(&p.c, new(Event), out)
	require.NoError(t, err)
	require.Equal(t, 2, pool.out)
	p.s.Release()
	p.c.Release()
	require.Equal(t, 0, pool.out)
	p.s.Release()
	p.c.Release()
	require.Equal(t, 0, pool.out)
	// AppendClose in the middle of a message gives the Deflater back as well.
	p = newPair(cfg, &Deflate{})
	_, err = p.s.AppendFragment(nil, Text, []byte("a message that is not finished"), false)
	require.NoError(t, err)
	_, err = p.s.AppendClose(nil, CloseNormal, nil)
	require.NoError(t, err)
	require.Equal(t, 0, pool.out)
	// The Inflater goes back with the call behind the last piece.
	p = newPair(cfg, &Deflate{})
	out, err = p.s.AppendMessage(nil, Text, bytes.Repeat([]byte("x"), 1000))
	require.NoError(t, err)
	require.Equal(t, 0, pool.out)
	var ev Event
	n, err := p.c.Next(out, &ev)
	require.NoError(t, err)
	require.Equal(t, len(out), n)
	require.True(t, ev.Last)
	require.Equal(t, 1, pool.out)
	_, err = p.c.Next(nil, &ev)
	require.NoError(t, err)
	require.Equal(t, 0, pool.out)
}

// counting is a Pool that knows how much is out.
type counting struct {
	FreeList
	out int
}

func (p *counting) GetInflater() *Inflater         { p.out++; return p.FreeList.GetInflater() }
func (p *counting) PutInflater(z *Inflater)        { p.out--; p.FreeList.PutInflater(z) }
func (p *counting) GetDeflater(bits int) *Deflater { p.out++; return p.FreeList.GetDeflater(bits) }
func (p *counting) PutDeflater(d *Deflater)        { p.out--; p.FreeList.PutDeflater(d) }

// Nothing lent can grow over what lies behind it.
func TestLentIsClipped(t *testing.T) {
	var ev Event
	for _, in := range [][]byte{frame(Text, true, 0, []byte("abc")), frame(Binary, true, 0, []byte("abcdef"))[:9], frame(Ping, true, 0, []byte("abc")),
		frame(Close, true, 0, []byte("\x03\xe8abc"))} {
		var c Conn
		c.Init(Server, nil)
		_, err := c.Next(append(make([]byte, 0, 100), in...), &ev)
		require.NoError(t, err)
		lent := ev.Payload
		if ev.Opcode == Close {
			lent = ev.Reason
		}
		require.Equal(t, "abc", string(lent))
		require.Equal(t, 3, cap(lent))
	}
}

// Without a Pool a connection works as well, and keeps what it has made.
func TestWithoutPool(t *testing.T) {
	p := newPair(&Config{}, &Deflate{ServerNoTakeover: true, ClientNoTakeover: true})
	text := bytes.Repeat([]byte("again and "), 100)
	for range 3 {
		out, err := p.s.AppendMessage(nil, Text, text)
		require.NoError(t, err)
		require.Less(t, len(out), 100)
		require.Equal(t, []message{{Text, string(text)}}, drain(t, &p.c, out, 10))
	}
	require.NotNil(t, p.s.pmd.w)
	require.NotNil(t, p.c.pmd.z)
	p.s.Release()
	require.Nil(t, p.s.pmd.w)
}
