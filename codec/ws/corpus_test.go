package ws

import (
	"errors"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const corpusDir = "../../corpus/ws"

// caseMode is the mode line of a golden case, see corpus/ws/README.md.
type caseMode struct {
	role    Role
	cfg     Config
	deflate bool
	params  Deflate
	verdict string
}

func parseMode(m *codectest.Mode) (c caseMode, err error) {
	if m.Has("client") {
		c.role = Client
	} else if !m.Has("server") {
		return c, errors.New("neither server nor client")
	}
	c.cfg.Rand = func() uint32 { return 0x04030201 }
	c.cfg.Limits = Limits{Message: int64(m.Int("message")), Frame: int64(m.Int("frame")), Fragments: m.Int("fragments"),
		Fruitless: m.Int("fruitless")}
	c.cfg.NoUTF8 = m.Has("noutf8")
	c.verdict = m.Get("verdict")
	if m.Has("deflate") {
		c.deflate = true
		c.params = Deflate{ServerBits: 15, ClientBits: 15, ServerNoTakeover: true, ClientNoTakeover: true}
		for _, s := range m.List("takeover") {
			switch s {
			case "server":
				c.params.ServerNoTakeover = false
			case "client":
				c.params.ClientNoTakeover = false
			default:
				return c, fmt.Errorf("takeover=%s", s)
			}
		}
		if n := m.Int("bits"); n != 0 {
			c.params.ServerBits, c.params.ClientBits = uint8(n), uint8(n)
		}
		c.cfg.Pool = NewFreeList(4)
	}
	return c, nil
}

// instance adapts a Conn to codectest.
type instance struct {
	c    Conn
	ev   Event
	mode *caseMode
}

func newInstance(mode *caseMode) *instance {
	in := &instance{mode: mode}
	in.Reset()
	return in
}

func (in *instance) Reset() {
	in.c.Init(in.mode.role, &in.mode.cfg)
	if in.mode.deflate {
		in.c.SetDeflate(in.mode.params)
	}
}

func (in *instance) Next(src []byte) (int, bool, error) {
	n, err := in.c.Next(src, &in.ev)
	return n, err == nil && in.ev.Kind != None, err
}

func (in *instance) Finish() (bool, error) { return false, in.c.Finish() }
func (in *instance) Event() any            { return &in.ev }
func (in *instance) Steps() uint64         { return in.c.Steps() }

func (in *instance) AppendOwed(dst []byte, limit int) []byte { return in.c.AppendOwed(dst, limit) }

func (in *instance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *instance) Render(log *codectest.Log) { renderEvent(log, &in.ev) }

func renderEvent(log *codectest.Log, ev *Event) {
	switch {
	case ev.Kind == Data:
		if ev.First {
			log.Event("%s", ev.Opcode)
		}
		if len(ev.Payload) > 0 {
			log.Data("  data", ev.Payload)
		}
		if ev.Last {
			log.Event("end")
		}
	case ev.Kind == Control && ev.Opcode == Close:
		log.Event("close %d %s", ev.Code, codectest.Quote(ev.Reason))
	case ev.Kind == Control:
		log.Event("%s %s", ev.Opcode, codectest.Quote(ev.Payload))
	default:
		log.Event("event of kind %d", ev.Kind)
	}
}

// errNoSense makes the kit check that a call which made no sense changed nothing.
var errNoSense = &Error{Scope: codec.ScopeMisuse, Reason: "made no sense"}

func adapt(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseMode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	return mode.adapter(), nil
}

func (mode *caseMode) adapter() codectest.Adapter {
	call := func(name string, do func(c *Conn) error) codectest.Call {
		return codectest.Call{Name: name, Do: func(in codectest.Instance) error { return do(&in.(*instance).c) }}
	}
	var scratch []byte
	sent := func(out []byte, err error) error { return err }
	a := codectest.Adapter{
		New:          func() codectest.Instance { return newInstance(mode) },
		MaxTail:      MaxTail,
		Work:         16,
		WorkBase:     64,
		WritesSource: true,
		Scratch:      mode.deflate,
		Calls: []codectest.Call{
			call("AppendMessage", func(c *Conn) error { return sent(c.AppendMessage(scratch, Text, []byte("x"))) }),
			call("AppendMessage of no text", func(c *Conn) error { return sent(c.AppendMessage(scratch, Text, []byte("\xff"))) }),
			call("AppendFragment", func(c *Conn) error { return sent(c.AppendFragment(scratch, Binary, []byte("x"), false)) }),
			call("AppendFragment of a close", func(c *Conn) error { return sent(c.AppendFragment(scratch, Close, nil, true)) }),
			call("AppendMessageHeader", func(c *Conn) error { return sent(c.AppendMessageHeader(scratch, Binary, -1)) }),
			call("AppendPing", func(c *Conn) error { return sent(c.AppendPing(scratch, make([]byte, 126))) }),
			call("AppendPong", func(c *Conn) error { return sent(c.AppendPong(scratch, nil)) }),
			call("AppendClose", func(c *Conn) error { return sent(c.AppendClose(scratch, CloseNormal, nil)) }),
			call("AppendClose with 1005", func(c *Conn) error { return sent(c.AppendClose(scratch, CloseNoStatus, []byte("x"))) }),
			call("questions", func(c *Conn) error {
				c.Closed()
				c.CloseCode()
				c.CloseSent()
				c.CloseReceived()
				c.Idle()
				c.Owes()
				c.Deadline()
				c.Steps()
				c.Role()
				c.AppendOwed(nil, 0)
				_ = c.Err()
				return errNoSense
			}),
		},
		Encode: func() func(dst []byte, in codectest.Instance) ([]byte, error) {
			enc := &encoder{least: 4096, free: int(mode.cfg.Limits.fragments()) / 2}
			if mode.cfg.Limits.Frame > 0 {
				enc.least = 0
			}
			enc.c.Init(1-mode.role, &mode.cfg)
			return func(dst []byte, in codectest.Instance) ([]byte, error) {
				return enc.append(dst, &in.(*instance).ev)
			}
		},
	}
	if mode.deflate {
		a.Work, a.WorkBase = 16+1032, 64 // 1032 bytes for each is the most that deflate can say
	}
	return a
}

// encoder sends what events tell: as many fragments as there are pieces at first, then fragments of at least so many bytes, so
// that small reads do not make too many.
type encoder struct {
	c     Conn
	free  int
	least int
	op    Opcode
	held  []byte
}

func (e *encoder) append(dst []byte, ev *Event) (out []byte, err error) {
	if ev.Kind == Data {
		e.op, e.held = ev.Opcode, append(e.held, ev.Payload...)
		if e.free--; !ev.Last && e.free < 0 && len(e.held) < e.least {
			return dst, nil
		}
		p := e.held
		e.held = e.held[:0]
		return e.c.AppendFragment(dst, ev.Opcode, p, ev.Last)
	}
	if len(e.held) > 0 {
		if dst, err = e.c.AppendFragment(dst, e.op, e.held, false); err != nil {
			return dst, err
		}
		e.held = e.held[:0]
	}
	switch ev.Opcode {
	case Ping:
		return e.c.AppendPing(dst, ev.Payload)
	case Pong:
		return e.c.AppendPong(dst, ev.Payload)
	}
	return e.c.AppendClose(dst, ev.Code, ev.Reason)
}

// Every case has the log in its file, and every law holds on its input. At the end: each reason that bytes can cause is given
// by some case, and each threat row of the connection has its cases. (WS-08 and WS-10 are about the handshake and the keys.)
func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, adapt)
	if sum.Cases < 250 {
		t.Errorf("%d cases, want at least 250", sum.Cases)
	}
	for r := ok + 1; r < numReasons; r++ {
		if reasons[r].code != 0 && !notFromBytes[r] && sum.Reasons[reasons[r].text] == 0 {
			t.Errorf("no case is refused with %q", reasons[r].text)
		}
	}
	for _, row := range []string{"WS-01", "WS-02", "WS-03", "WS-04", "WS-05", "WS-06", "WS-07", "WS-09"} {
		if sum.Sources[row] == 0 {
			t.Errorf("no case for threat row %s", row)
		}
	}
}

// notFromBytes are the reasons that no input gives by itself.
var notFromBytes = map[reason]bool{rCloseTimeout: true, rPongTimeout: true, rJoined: true}

// The verdict in a case's mode line was written by hand, from the RFCs: what must become of the input, without the words of
// this implementation.
func TestGoldenVerdicts(t *testing.T) {
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		mode, err := parseMode(c.Mode)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		in := newInstance(&mode)
		src := append([]byte(nil), c.Input...)
		for got := true; got && err == nil; {
			var n int
			n, got, err = in.Next(src)
			src = src[n:]
		}
		if err == nil && c.Mode.Has("eof") {
			err = in.c.Finish()
		}
		var got string
		switch {
		case err != nil:
			got = fmt.Sprint(int(in.c.CloseCode()))
		case in.c.CloseReceived():
			got = "closed"
		case len(src) > 0 || in.c.in != atHeader || in.c.flags&inMessage != 0:
			got = "more"
		default:
			got = "ok"
		}
		if got != mode.verdict {
			t.Errorf("%s:%d: %s: verdict %s, got %s (%v)", c.File, c.Line, c.Name, mode.verdict, got, err)
		}
	}
}
