package fuzz

import (
	"bytes"
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
)

// wsMessage is a message or a control frame as an application knows it.
type wsMessage struct {
	op   ws.Opcode
	data []byte
	code ws.CloseCode // of a close
}

// wsEnd is one end of a WebSocket connection.
type wsEnd struct {
	*ws.Conn
	name    string
	in      *link // what it reads
	out     *link // what it writes
	ev      ws.Event
	sent    []wsMessage // messages that the other end must see, in order; Pings and the Close too
	seen    int         // of those of the other end
	open    *wsMessage  // a message of which fragments were sent
	part    []byte      // of the message that is being read
	pongs   int
	closing bool
}

// wsAgreement reads what both ends have agreed on.
func wsAgreement(p *Program) (cfg *ws.Config, d *ws.Deflate) {
	keys := uint32(0x01020304)
	cfg = &ws.Config{Pool: ws.NewFreeList(2), Rand: func() uint32 { keys = keys*1664525 + 1013904223; return keys }}
	cfg.DeflateMin = Pick(p, -1, 0, 20)
	cfg.DeflateHistory = Pick(p, 0, -1, 100)
	cfg.Limits.Fruitless, cfg.Limits.Fragments = -1, -1
	if c := p.Byte(); c&1 == 1 {
		d = &ws.Deflate{ServerNoTakeover: c&2 != 0, ClientNoTakeover: c&4 != 0, ServerBits: 8 + c>>3&7, ClientBits: 15 - c>>3&7}
	}
	return cfg, d
}

func wsNew(role ws.Role, cfg *ws.Config, d *ws.Deflate) *ws.Conn {
	c := new(ws.Conn)
	c.Init(role, cfg)
	if d != nil {
		c.SetDeflate(*d)
	}
	return c
}

// wsPair lets two ends talk: each message arrives whole, once and in order; each Ping is answered; whoever closes, both are closed in
// the end.
func wsPair(p *Program) {
	cfg, d := wsAgreement(p)
	var up, down link
	s := &wsEnd{Conn: wsNew(ws.Server, cfg, d), name: "server", in: &up, out: &down}
	c := &wsEnd{Conn: wsNew(ws.Client, cfg, d), name: "client", in: &down, out: &up}
	for p.More() {
		k, peer := s, c
		if p.Bool() {
			k, peer = c, s
		}
		k.step(p, peer)
	}
	for range 4 {
		for _, k := range []*wsEnd{s, c} {
			k.end(p)
			k.out.out = k.AppendOwed(k.out.out, 1<<20)
			k.out.carry(-1)
		}
		s.read(p, c)
		c.read(p, s)
	}
	if up.broken || down.broken {
		for _, k := range []*wsEnd{s, c} {
			err := k.Finish()
			var e *ws.Error
			if err == nil && !k.CloseReceived() || err != nil && (!errors.As(err, &e) || e.Scope != codec.ScopeConn || e.Code != ws.CloseAbnormal) {
				p.Fail("%s: the connection broke: Finish says %v, Close frame read: %t", k.name, err, k.CloseReceived())
			}
		}
		return
	}
	for i, k := range []*wsEnd{s, c} {
		peer := []*wsEnd{c, s}[i]
		if k.seen != len(peer.sent) {
			p.Fail("%s has seen %d of %d messages", k.name, k.seen, len(peer.sent))
		}
		if k.Owes() || len(k.out.out) > 0 || len(k.in.in) > 0 {
			p.Fail("%s still owes something, or has not read all", k.name)
		}
		if closed := s.closing || c.closing; k.Closed() != closed {
			p.Fail("%s: closed is %t, somebody has closed: %t", k.name, k.Closed(), closed)
		}
	}
}

// mute tells that nothing but the answer to a Close frame can be sent any more.
func (k *wsEnd) mute() bool { return k.CloseSent() || k.CloseReceived() }

// step lets one end do something.
func (k *wsEnd) step(p *Program, peer *wsEnd) {
	switch p.N(10) {
	case 0, 1:
		k.message(p)
	case 2, 3:
		k.fragment(p, p.N(3) == 0)
	case 4:
		if k.mute() {
			return
		}
		m := wsMessage{op: ws.Ping, data: p.Bytes(125)}
		var err error
		k.out.out, err = k.AppendPing(k.out.out, m.data)
		p.must(err, "%s: ping", k.name)
		k.sent = append(k.sent, m)
	case 5:
		k.out.out = k.AppendOwed(k.out.out, 1+p.N(200))
	case 6, 7:
		k.out.carry(p.Size())
		peer.read(p, k)
	case 8:
		if p.N(16) == 15 && !k.mute() {
			k.open = nil
			m := wsMessage{op: ws.Close, code: Pick(p, ws.CloseNormal, ws.CloseGoingAway, 4000, ws.CloseNoStatus)}
			if m.code != ws.CloseNoStatus {
				m.data = []byte("bye")
			}
			var err error
			k.out.out, err = k.AppendClose(k.out.out, m.code, m.data)
			p.must(err, "%s: close", k.name)
			k.sent, k.closing = append(k.sent, m), true
		}
	case 9:
		if p.N(64) == 63 {
			k.out.broken = true
		}
	}
}

// text is n bytes of UTF-8 that compress well or not.
func text(p *Program, n int) []byte {
	b := content(7, n, n)
	shift := p.N(8)
	for i := range b {
		b[i] = 'a' + b[i]>>shift%26
	}
	return b
}

func (k *wsEnd) payload(p *Program) (ws.Opcode, []byte) {
	if p.Bool() {
		return ws.Text, text(p, p.Size())
	}
	if p.Bool() {
		return ws.Binary, bytes.Clone(p.Bytes(200))
	}
	return ws.Binary, content(9, 0, p.Size())
}

func (k *wsEnd) message(p *Program) {
	if k.mute() || k.open != nil {
		return
	}
	op, data := k.payload(p)
	var err error
	switch p.N(4) {
	case 0:
		if k.Role() == ws.Client {
			return // its payload would have to be masked
		}
		if k.out.out, err = k.AppendMessageHeader(k.out.out, op, int64(len(data))); err == nil {
			k.out.out = append(k.out.out, data...)
		}
	case 1:
		m, err := ws.NewPrepared(op, data, nil)
		p.must(err, "prepared")
		k.out.out, err = k.AppendPrepared(k.out.out, m)
		p.must(err, "%s: prepared message", k.name)
	default:
		k.out.out, err = k.AppendMessage(k.out.out, op, data)
	}
	p.must(err, "%s: message", k.name)
	k.sent = append(k.sent, wsMessage{op: op, data: data})
}

func (k *wsEnd) fragment(p *Program, last bool) {
	if k.mute() {
		return
	}
	op, data := k.payload(p)
	if k.open == nil {
		k.open = &wsMessage{op: op}
	} else if op = k.open.op; op == ws.Text {
		data = text(p, len(data))
	}
	if len(k.open.data)+len(data) > ws.DefaultMessage { // more the other end need not take: here it ends
		data, last = nil, true
	}
	var err error
	k.out.out, err = k.AppendFragment(k.out.out, op, data, last)
	p.must(err, "%s: fragment", k.name)
	if k.open.data = append(k.open.data, data...); last {
		k.sent, k.open = append(k.sent, *k.open), nil
	}
}

// end finishes the message that is open.
func (k *wsEnd) end(p *Program) {
	if k.open != nil && !k.mute() {
		k.fragment(p, true)
	}
}

// read reads what has arrived.
func (k *wsEnd) read(p *Program, peer *wsEnd) {
	for {
		n, err := k.Next(k.in.in, &k.ev)
		if err != nil {
			p.Fail("%s: %v", k.name, err)
		}
		k.event(p, peer)
		k.in.consume(n)
		if k.ev.Kind == ws.None {
			return
		}
	}
}

func (k *wsEnd) event(p *Program, peer *wsEnd) {
	ev := &k.ev
	m := wsMessage{op: ev.Opcode, data: ev.Payload}
	switch {
	case ev.Kind == ws.None:
		return
	case ev.Kind == ws.Data:
		if ev.First && len(k.part) > 0 {
			p.Fail("%s: a message inside another", k.name)
		}
		k.part = append(k.part, ev.Payload...)
		if !ev.Last {
			return
		}
		m.data, k.part = k.part, nil
	case ev.Opcode == ws.Pong:
		k.pongs++
		for _, s := range k.sent {
			if s.op == ws.Ping && bytes.Equal(s.data, ev.Payload) {
				return
			}
		}
		p.Fail("%s: a Pong for nothing: %q", k.name, ev.Payload)
	case ev.Opcode == ws.Close:
		m.code, m.data = ev.Code, ev.Reason
		if !peer.closing {
			// The answer to our own: RFC 6455 section 5.5.1, "typically echos the status code".
			if !k.closing || ev.Code != k.sent[len(k.sent)-1].code {
				p.Fail("%s: closed with %d by nobody", k.name, ev.Code)
			}
			return
		}
	}
	if k.seen >= len(peer.sent) {
		p.Fail("%s: a %v that nobody has sent", k.name, m.op)
	}
	if want := peer.sent[k.seen]; m.op != want.op || m.code != want.code || !bytes.Equal(m.data, want.data) {
		p.Fail("%s: message %d is %v %d %.60q, sent was %v %d %.60q", k.name, k.seen, m.op, m.code, m.data, want.op, want.code, want.data)
	}
	k.seen++
}

// wsOps calls a connection in any order and shows it bytes of any kind. What it refuses leaves no trace, what its peer sends never makes
// it blame its caller, and another connection in the peer's role reads everything that it sends.
func wsOps(p *Program) {
	cfg, d := wsAgreement(p)
	cfg.NoUTF8 = p.N(8) == 7
	if p.Bool() {
		cfg.Limits = ws.Limits{Message: 2000, Frame: 1500, Fragments: 4, Fruitless: 6}
	}
	role := ws.Role(p.N(2))
	c := wsNew(role, cfg, d)
	reader := *cfg
	reader.Limits = ws.Limits{Message: -1, Frame: -1, Fragments: -1, Fruitless: -1}
	peer := wsNew(1-role, &reader, d)
	var ev, peerEvent ws.Event
	var in, out []byte
	now := codec.Time(1)
	raw := 0 // bytes of a message's payload that the caller owes
	for p.More() {
		before, wasSent := len(out), c.CloseSent()
		var err error
		op := p.N(12)
		if raw > 0 && op < 8 {
			op = 11
		}
		switch op {
		case 0:
			out, err = c.AppendMessage(out, ws.Opcode(p.N(16)), p.Bytes(200))
		case 1:
			out, err = c.AppendFragment(out, ws.Opcode(p.N(16)), p.Bytes(200), p.Bool())
		case 2:
			out, err = c.AppendPing(out, p.Bytes(140))
		case 3:
			out, err = c.AppendPong(out, p.Bytes(140))
		case 4:
			if p.N(4) == 3 {
				out, err = c.AppendClose(out, ws.CloseCode(p.N(20)*250+p.N(16)), p.Bytes(140))
			}
		case 5:
			if role == ws.Server {
				n := p.N(100)
				if out, err = c.AppendMessageHeader(out, ws.Binary, int64(n)-1); err == nil {
					raw = n - 1
				}
			}
		case 6:
			now += codec.Time(p.Byte()) << 24
			if err := c.Advance(now); err != nil && c.Err() == nil {
				p.Fail("Advance: %v, and Err knows nothing", err)
			}
		case 7:
			out = c.AppendOwed(out, p.N(200))
		case 8, 9:
			h := ws.Header{Fin: p.N(4) > 0, Opcode: ws.Opcode(p.N(16)), Masked: role == ws.Server, RSV: byte(Pick(p, 0, 0, 4, 1))}
			b := bytes.Clone(p.Bytes(200))
			h.Length = int64(len(b))
			if made, err := ws.AppendHeader(nil, &h); err == nil {
				in = append(append(in, made...), b...)
			}
		case 10:
			in = append(in, p.Bytes(60)...)
		case 11:
			out = append(out, make([]byte, raw)...)
			raw = 0
		}
		if err != nil {
			var e *ws.Error
			if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || len(out) != before || c.CloseSent() != wasSent {
				p.Fail("call %d: %v, and %q was appended", op, err, out[before:])
			}
		}
		in = wsRead(p, c, in, &ev)
		if raw == 0 {
			out = wsCheck(p, peer, out, &peerEvent)
		}
	}
	out = append(out, make([]byte, raw)...)
	out = c.AppendOwed(out, 1<<20)
	if out = wsCheck(p, peer, out, &peerEvent); len(out) > 0 {
		p.Fail("the peer waits for more behind %q", out)
	}
	if c.Owes() {
		p.Fail("it still owes something")
	}
	if c.Err() != nil && !errors.Is(c.Err(), ws.CloseAbnormal) && !peer.CloseReceived() {
		p.Fail("it has failed (%v), and the peer was not told", c.Err())
	}
}

// wsRead shows c what has arrived and returns what it has not consumed.
func wsRead(p *Program, c *ws.Conn, in []byte, ev *ws.Event) []byte {
	failed := c.Err()
	for {
		n, err := c.Next(in, ev)
		in = in[n:]
		if err != nil {
			var e *ws.Error
			if !errors.As(err, &e) || e.Scope == codec.ScopeMisuse || c.Err() != err || failed != nil && failed != err {
				p.Fail("bytes of a peer: %v, then %v", failed, err)
			}
			return nil
		}
		if ev.Kind == ws.None {
			return in
		}
	}
}

// wsCheck lets the peer read what c has sent.
func wsCheck(p *Program, peer *ws.Conn, out []byte, ev *ws.Event) []byte {
	for {
		n, err := peer.Next(out, ev)
		if err != nil {
			p.Fail("the peer fails at %q: %v", out, err)
		}
		out = out[n:]
		if ev.Kind == ws.None {
			return out
		}
	}
}
