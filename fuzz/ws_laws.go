package fuzz

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/ws"
)

var wsTargets = []*Target{
	{Name: "WSServer", Codec: "ws", Corpus: "ws", Dict: "ws", role: "server", factory: wsAdapter, max: wsMax,
		About: "the laws on a server's connection, in every mode of the corpus"},
	{Name: "WSClient", Codec: "ws", Corpus: "ws", Dict: "ws", role: "client", factory: wsAdapter, max: wsMax,
		About: "the laws on a client's connection, in every mode of the corpus"},
	{Name: "WSOps", Codec: "ws", Dict: "ws", run: wsOps, seeds: randomPrograms(3, 8, 200),
		About: "calls in any order and bytes of any kind on a connection: the peer reads all that it sends"},
	{Name: "WSPair", Codec: "ws", Dict: "ws", run: wsPair, seeds: randomPrograms(4, 8, 300),
		About: "two ends with fragments, compression, pings and the closing handshake over a link"},
	{Name: "WSHandshake", Codec: "ws", Dict: "wshandshake", run: wsHandshake, seeds: wsHandshakes,
		About: "an opening handshake between any two policies, and with fields of any bytes"},
}

// wsMax is the longest input in bytes: its pieces are fewer than the fragments that a message may have by default.
const wsMax = 3000

// wsMode is the mode line of a golden case, see corpus/ws/README.md.
type wsMode struct {
	role    ws.Role
	cfg     ws.Config
	deflate bool
	params  ws.Deflate
}

func parseWSMode(m *codectest.Mode) (c *wsMode, err error) {
	c = new(wsMode)
	if m.Has("client") {
		c.role = ws.Client
	} else if !m.Has("server") {
		return c, errors.New("neither server nor client")
	}
	c.cfg.Rand = func() uint32 { return 0x04030201 }
	c.cfg.Limits = ws.Limits{Message: int64(m.Int("message")), Frame: int64(m.Int("frame")), Fragments: m.Int("fragments"), Fruitless: m.Int("fruitless")}
	c.cfg.NoUTF8 = m.Has("noutf8")
	m.Get("verdict")
	if !m.Has("deflate") {
		return c, nil
	}
	c.deflate = true
	c.params = ws.Deflate{ServerBits: 15, ClientBits: 15, ServerNoTakeover: true, ClientNoTakeover: true}
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
	c.cfg.Pool = ws.NewFreeList(4)
	return c, nil
}

// wsInstance adapts a Conn.
type wsInstance struct {
	c    ws.Conn
	ev   ws.Event
	mode *wsMode
}

func (in *wsInstance) Reset() {
	in.c.Init(in.mode.role, &in.mode.cfg)
	if in.mode.deflate {
		in.c.SetDeflate(in.mode.params)
	}
}

func (in *wsInstance) Next(src []byte) (int, bool, error) {
	n, err := in.c.Next(src, &in.ev)
	return n, err == nil && in.ev.Kind != ws.None, err
}

func (in *wsInstance) Finish() (bool, error)                   { return false, in.c.Finish() }
func (in *wsInstance) Event() any                              { return &in.ev }
func (in *wsInstance) Steps() uint64                           { return in.c.Steps() }
func (in *wsInstance) AppendOwed(dst []byte, limit int) []byte { return in.c.AppendOwed(dst, limit) }

func (in *wsInstance) Fault(err error) codectest.Fault {
	var e *ws.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *wsInstance) Render(log *codectest.Log) {
	ev := &in.ev
	switch {
	case ev.Kind == ws.Data:
		if ev.First {
			log.Event("%s", ev.Opcode)
		}
		if len(ev.Payload) > 0 {
			log.Data("  data", ev.Payload)
		}
		if ev.Last {
			log.Event("end")
		}
	case ev.Kind == ws.Control && ev.Opcode == ws.Close:
		log.Event("close %d %s", ev.Code, codectest.Quote(ev.Reason))
	case ev.Kind == ws.Control:
		log.Event("%s %s", ev.Opcode, codectest.Quote(ev.Payload))
	default:
		log.Event("event of kind %d", ev.Kind)
	}
}

func wsAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	mode, err := parseWSMode(m)
	if err != nil {
		return codectest.Adapter{}, err
	}
	a := codectest.Adapter{
		New: func() codectest.Instance {
			in := &wsInstance{mode: mode}
			in.Reset()
			return in
		},
		MaxTail: ws.MaxTail, Work: 16, WorkBase: 64, WritesSource: true, Scratch: mode.deflate,
	}
	if mode.cfg.Limits.Fragments == 0 {
		// Encoded again, each piece of a message is a fragment: wsMax keeps them within the default limit, in pieces of 3 bytes as well.
		a.Encode = func() func(dst []byte, in codectest.Instance) ([]byte, error) {
			c := new(ws.Conn)
			c.Init(1-mode.role, &mode.cfg)
			return func(dst []byte, in codectest.Instance) ([]byte, error) { return wsEncode(c, dst, &in.(*wsInstance).ev) }
		}
	}
	if mode.deflate {
		a.Work = 16 + 1032 // 1032 bytes for each is the most that deflate can say
	}
	return a, nil
}

// wsEncode sends what an event tells.
func wsEncode(c *ws.Conn, dst []byte, ev *ws.Event) ([]byte, error) {
	switch {
	case ev.Kind == ws.Data:
		return c.AppendFragment(dst, ev.Opcode, ev.Payload, ev.Last)
	case ev.Opcode == ws.Ping:
		return c.AppendPing(dst, ev.Payload)
	case ev.Opcode == ws.Pong:
		return c.AppendPong(dst, ev.Payload)
	}
	return c.AppendClose(dst, ev.Code, ev.Reason)
}
