package ws

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// script is a run of calls of a Conn, some of which fail, with what the peer must read.
func script(role Role, cfg *Config, d *Deflate) []codectest.AppendCall {
	c := new(Conn)
	c.Init(role, cfg)
	if d != nil {
		c.SetDeflate(*d)
	}
	long := bytes.Repeat([]byte("long enough to be deflated, "), 40)
	var calls []codectest.AppendCall
	add := func(name string, do func(dst []byte) ([]byte, error), want func(log *codectest.Log)) {
		calls = append(calls, codectest.AppendCall{Name: name, Do: do, Want: want})
	}
	message := func(op Opcode, p []byte) {
		add(op.String(), func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, op, p) }, func(log *codectest.Log) {
			renderEvent(log, &Event{Kind: Data, Opcode: op, First: true, Last: true, Payload: p})
		})
	}
	fails := func(name string, do func(dst []byte) ([]byte, error)) {
		add(name, func(dst []byte) ([]byte, error) {
			out, err := do(dst)
			if err == nil {
				panic(name + " did not fail")
			}
			return out, err
		}, nil)
	}
	piece := func(op Opcode, p []byte, first, last bool) {
		add("piece", func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, op, p, last) }, func(log *codectest.Log) {
			if first || len(p) > 0 || last {
				renderEvent(log, &Event{Kind: Data, Opcode: op, First: first, Last: last, Payload: p})
			}
		})
	}
	control := func(op Opcode, p []byte, do func(dst []byte) ([]byte, error)) {
		add(op.String(), do, func(log *codectest.Log) { renderEvent(log, &Event{Kind: Control, Opcode: op, Payload: p}) })
	}

	// Arguments are made here: the calls themselves must not allocate.
	arg0 := []byte("a\xff")
	arg1 := []byte("a\xc3")
	arg2 := []byte("p")
	arg3 := make([]byte, 126)
	arg4 := []byte("\xff")
	arg5 := make([]byte, 124)
	arg6 := []byte("x")
	arg7 := []byte("bye")
	message(Text, []byte("héllo"))
	message(Binary, nil)
	message(Text, long)
	message(Text, long)
	fails("bad text", func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, Text, arg0) })
	fails("cut text", func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, Text, arg1) })
	fails("opcode", func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, Ping, nil) })
	control(Ping, arg2, func(dst []byte) ([]byte, error) { return c.AppendPing(dst, arg2) })
	fails("long ping", func(dst []byte) ([]byte, error) { return c.AppendPing(dst, arg3) })
	for _, first := range [][]byte{[]byte("a\xc3"), long} {
		piece(Text, first, true, false)
		fails("message inside", func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, Text, nil) })
		fails("header inside", func(dst []byte) ([]byte, error) { return c.AppendMessageHeader(dst, Text, 1) })
		fails("other type", func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, Binary, nil, true) })
		fails("bad piece", func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, Text, arg4, false) })
		control(Pong, nil, func(dst []byte) ([]byte, error) { return c.AppendPong(dst, nil) })
		if first[0] == 'a' {
			fails("end in a character", func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, Text, nil, true) })
			piece(Text, []byte("\xa4"), false, false)
		}
		piece(Text, []byte("more of it"), false, false)
		piece(Text, nil, false, true)
	}
	if m, err := NewPrepared(Text, long, NewFreeList(1)); err != nil {
		panic(err)
	} else {
		add("prepared", func(dst []byte) ([]byte, error) { return c.AppendPrepared(dst, m) }, func(log *codectest.Log) {
			renderEvent(log, &Event{Kind: Data, Opcode: Text, First: true, Last: true, Payload: long})
		})
	}
	message(Text, long)
	message(Binary, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8, 250, 251, 252, 253, 254, 255}, 5000))
	fails("close code", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 1006, nil) })
	fails("close reason", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 1000, arg4) })
	fails("long close reason", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 1000, arg5) })
	fails("close reason only", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 0, arg6) })
	add("close", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 4321, arg7) }, func(log *codectest.Log) {
		renderEvent(log, &Event{Kind: Control, Opcode: Close, Code: 4321, Reason: []byte("bye")})
	})
	fails("behind close", func(dst []byte) ([]byte, error) { return c.AppendMessage(dst, Text, nil) })
	fails("fragment behind close", func(dst []byte) ([]byte, error) { return c.AppendFragment(dst, Text, nil, true) })
	fails("ping behind close", func(dst []byte) ([]byte, error) { return c.AppendPing(dst, nil) })
	fails("second close", func(dst []byte) ([]byte, error) { return c.AppendClose(dst, 1000, nil) })
	return calls
}

// The laws on what a Conn sends: both roles, with and without compression, with and without its context.
func TestSendingLaws(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for _, d := range []*Deflate{nil, {ServerNoTakeover: true, ClientNoTakeover: true, ServerBits: 15, ClientBits: 15},
			{ServerBits: 15, ClientBits: 15}, {ServerBits: 9, ClientBits: 9}} {
			t.Run(fmt.Sprint(role, d), func(t *testing.T) {
				mode := &caseMode{role: 1 - role, cfg: Config{Pool: NewFreeList(4), Rand: func() uint32 { return 0x0a0b0c0d }}}
				if d != nil {
					mode.deflate, mode.params = true, *d
				}
				a := mode.adapter()
				pool := NewFreeList(64)
				for range 64 {
					pool.PutDeflater(NewDeflater(9))
				}
				cfg := mode.cfg
				cfg.Pool = pool
				a.Script = func() []codectest.AppendCall { return script(role, &cfg, d) }
				codectest.Append(t, a, nil)
				codectest.RoundTrip(t, a, nil)
				if d == nil || d.ServerNoTakeover { // otherwise each new connection makes its history once
					codectest.Silence(t, a, nil)
				}
			})
		}
	}
}

func fuzzModes(fragments int) []*caseMode {
	rand := func() uint32 { return 0x04030201 }
	limits := Limits{Message: 5000, Fragments: fragments, Fruitless: 8}
	var modes []*caseMode
	for _, role := range []Role{Server, Client} {
		modes = append(modes,
			&caseMode{role: role, cfg: Config{Rand: rand, Limits: limits}},
			&caseMode{role: role, cfg: Config{Rand: rand, Limits: limits, Pool: NewFreeList(2)}, deflate: true,
				params: Deflate{ServerNoTakeover: true, ClientNoTakeover: true, ServerBits: 15, ClientBits: 15}},
			&caseMode{role: role, cfg: Config{Rand: rand, Limits: limits, Pool: NewFreeList(2)}, deflate: true,
				params: Deflate{ServerBits: 8, ClientBits: 8}})
	}
	return modes
}

// FuzzSplit holds every cutting of any input to the same outcome, and the outcome of what is not compressed to that of a naive
// decoder.
func FuzzSplit(f *testing.F) {
	modes, strict := fuzzModes(1<<20), fuzzModes(8) // encoded again, pieces become fragments
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		if len(c.Input) > 300 {
			continue
		}
		which := uint8(0)
		if c.Mode.Has("client") {
			which = 3
		}
		if c.Mode.Has("deflate") {
			which++
		}
		f.Add(which, uint64(1), c.Input)
	}
	f.Fuzz(func(t *testing.T, which uint8, seed uint64, input []byte) {
		which %= uint8(len(modes))
		mode := modes[which]
		codectest.Check(t, mode.adapter(), input, seed)
		if !mode.deflate {
			checkNaive(t, strict[which], input)
		}
	})
}
