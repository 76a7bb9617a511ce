package ws

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The walk brings two connected ends and a model of RFC 6455 sections 5.5.1 and 7.1 through every order in which both can send
// messages, pings and Close frames, read what is under way, answer, and lose the connection, to the point where no new state comes.

// modelEnd is one end of the closing handshake, as the RFC has it.
type modelEnd struct {
	sent, got     bool // Close frames
	pong, closing bool // owed: a Pong, the answer to a Close frame
	cut           bool // the input has ended without a Close frame
	gone          bool // its transport is closed
}

// modelPair is two ends and what is under way to each: d message, p Ping, o Pong, c Close, E the end.
type modelPair struct {
	end [2]modelEnd // the server's, the client's
	to  [2]string
}

// underway bounds what is under way to an end, beside Close frames and ends.
func underway() int {
	if testing.Short() {
		return 1
	}
	return 2
}

// closeMove is a move of one end.
type closeMove struct {
	end  int
	name string
}

var closeMoves = []string{"message", "ping", "close", "owed", "read", "drop"}

// apply moves the model and says what must come out; ok is false if the move cannot be made here.
func (m *modelPair) apply(mv closeMove) (out string, ok bool) {
	e, peer := &m.end[mv.end], 1-mv.end
	put := func(frame string) { m.to[peer] += frame }
	full := len(m.to[peer]) >= underway()
	if e.gone {
		return "", false
	}
	// 5.5.1-4: "The application MUST NOT send any more data frames after sending a Close frame." 1.4-3: nor is there a reason to send
	// any to one who has sent a Close frame, for he discards it.
	over := e.sent || e.got || e.cut
	switch mv.name {
	case "message", "ping":
		if over {
			return "misuse", true
		}
		if full {
			return "", false
		}
		put(mv.name[:1])
		if mv.name == "message" {
			m.to[peer] = m.to[peer][:len(m.to[peer])-1] + "d"
		}
		return "sent", true
	case "close":
		if e.sent || e.cut {
			return "misuse", true
		}
		e.sent, e.closing, e.pong = true, false, false // nothing may follow it
		put("c")
		return "sent", true
	case "owed":
		if full && e.pong {
			return "", false
		}
		// 5.5.1-3: "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame
		// in response." 5.5.2-3: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response".
		for _, owed := range []struct {
			flag *bool
			name string
		}{{&e.pong, "o"}, {&e.closing, "c"}} {
			if *owed.flag {
				*owed.flag = false
				put(owed.name)
				out += owed.name
			}
		}
		e.sent = e.sent || strings.Contains(out, "c")
		return out, true
	case "read":
		if m.to[mv.end] == "" {
			return "", false
		}
		next := m.to[mv.end][:1]
		m.to[mv.end] = m.to[mv.end][1:]
		switch next {
		case "p":
			// Behind our own Close frame nothing is sent.
			e.pong = !e.sent
		case "c":
			// 5.5.2-3: no Pong for one "it already received a Close frame" from.
			e.got, e.pong, e.closing = true, false, !e.sent
		case "E":
			// 7.1.5: without a Close frame the code is 1006.
			if !e.got {
				e.cut, e.pong = true, false
				return "cut 1006", true
			}
			return "end", true
		}
		return next, true
	case "drop":
		// 7.1.1: the transport is closed, in order or not.
		e.gone = true
		put("E")
		return "dropped", true
	}
	return "", false
}

// closed is the state CLOSED of 7.1.4, as far as frames go: both Close frames have passed.
func (e *modelEnd) closed() bool { return e.sent && e.got || e.cut }

// closePair is the two ends that are walked.
type closePair struct {
	end [2]Conn
	to  [2][][]byte
	ev  Event
}

// apply makes the move and says what came out.
func (p *closePair) apply(mv closeMove) string {
	c, peer := &p.end[mv.end], 1-mv.end
	var frame []byte
	var err error
	switch mv.name {
	case "message":
		frame, err = c.AppendMessage(nil, Text, []byte("d"))
	case "ping":
		frame, err = c.AppendPing(nil, []byte("p"))
	case "close":
		frame, err = c.AppendClose(nil, CloseNormal, nil)
	case "owed":
		out := ""
		for c.Owes() {
			frame := c.AppendOwed(nil, 1)
			if len(frame) == 0 {
				return out + " and something that does not come"
			}
			out += kindOf(frame)
			p.to[peer] = append(p.to[peer], frame)
		}
		return out
	case "read":
		frame := p.to[mv.end][0]
		p.to[mv.end] = p.to[mv.end][1:]
		return p.read(c, frame)
	case "drop":
		p.to[peer] = append(p.to[peer], nil)
		return "dropped"
	}
	if err != nil {
		if len(frame) > 0 {
			return "frames with an error"
		}
		return "misuse"
	}
	p.to[peer] = append(p.to[peer], frame)
	return "sent"
}

// kindOf is the letter of a frame.
func kindOf(frame []byte) string {
	return map[Opcode]string{Text: "d", Ping: "p", Pong: "o", Close: "c"}[Opcode(frame[0]&15)]
}

func (p *closePair) read(c *Conn, frame []byte) string {
	if frame == nil {
		if err := c.Finish(); err != nil {
			var e *Error
			if errors.As(err, &e) {
				return fmt.Sprintf("cut %d", e.Code)
			}
			return err.Error()
		}
		return "end"
	}
	n, err := c.Next(slices.Clone(frame), &p.ev)
	switch {
	case err != nil:
		return err.Error()
	case n != len(frame):
		return fmt.Sprintf("%d octets left", len(frame)-n)
	case p.ev.Kind == None:
		return "dropped"
	case p.ev.Kind == Data:
		return "d"
	}
	return map[Opcode]string{Ping: "p", Pong: "o", Close: "c"}[p.ev.Opcode]
}

// agrees tells whether both are in the same state.
func (p *closePair) agrees(m *modelPair) error {
	for i := range p.end {
		c, e := &p.end[i], &m.end[i]
		code := CloseAbnormal
		if e.got {
			code = CloseNormal
		}
		if c.CloseSent() != e.sent || c.CloseReceived() != e.got || c.Owes() != (e.pong || e.closing) || c.Closed() != e.closed() || c.CloseCode() != code ||
			(c.Err() != nil) != e.cut {
			return fmt.Errorf("end %d: sent %v got %v owes %v closed %v code %d err %v, the model says %+v", i, c.CloseSent(), c.CloseReceived(), c.Owes(),
				c.Closed(), c.CloseCode(), c.Err(), *e)
		}
		wire := ""
		for _, frame := range p.to[i] {
			if frame == nil {
				wire += "E"
			} else {
				wire += kindOf(frame)
			}
		}
		if wire != m.to[i] {
			return fmt.Errorf("under way to end %d is %q, the model says %q", i, wire, m.to[i])
		}
		// 5.5.1-4: nothing follows a Close frame.
		if k := strings.IndexByte(wire, 'c'); k >= 0 && strings.Trim(wire[k+1:], "E") != "" {
			return fmt.Errorf("%q is under way to end %d", wire, i)
		}
	}
	return nil
}

func (p *closePair) init() {
	cfg := &Config{Rand: func() uint32 { return 0x01020304 }}
	p.end[0].Init(Server, cfg)
	p.end[1].Init(Client, cfg)
}

// settles reads and answers until nothing is under way: if one has begun to close and nobody dropped the connection, both are
// closed then (7.1.2, 7.1.3), whatever had happened before.
func settles(m modelPair, p *closePair) error {
	begun := m.end[0].sent || m.end[1].sent
	for again := true; again; {
		again = false
		for i := range m.end {
			for _, name := range []string{"read", "owed"} {
				if m.end[i].gone {
					return nil
				}
				mv := closeMove{i, name}
				want, ok := m.apply(mv)
				if !ok || want == "" {
					continue
				}
				again = true
				if got := p.apply(mv); got != want {
					return fmt.Errorf("settling, %v gives %q, not %q", mv, got, want)
				}
			}
		}
	}
	for i := range p.end {
		if begun && !p.end[i].Closed() && !m.end[1-i].gone {
			return fmt.Errorf("end %d does not close", i)
		}
	}
	return p.agrees(&m)
}

// TestCloseWalk: every interleaving.
func TestCloseWalk(t *testing.T) {
	type node struct {
		m    modelPair
		from int
		by   closeMove
	}
	nodes := []node{{from: -1}}
	seen := map[string]bool{}
	steps, longest := 0, 0
	var path []closeMove
	for at := 0; at < len(nodes); at++ {
		path = path[:0]
		for k := at; nodes[k].from >= 0; k = nodes[k].from {
			path = append(path, nodes[k].by)
		}
		slices.Reverse(path)
		longest = max(longest, len(path))
		replay := func() *closePair {
			p := new(closePair)
			p.init()
			for _, mv := range path {
				p.apply(mv)
			}
			return p
		}
		if err := settles(nodes[at].m, replay()); err != nil {
			t.Fatalf("after %v: %v", path, err)
		}
		for end := range 2 {
			for _, name := range closeMoves {
				mv := closeMove{end, name}
				m := nodes[at].m
				want, can := m.apply(mv)
				if !can {
					continue
				}
				p := replay()
				got := p.apply(mv)
				steps++
				if err := p.agrees(&m); got != want || err != nil {
					t.Fatalf("after %v, %v gives %q, the RFC says %q (%v)", path, mv, got, want, err)
				}
				key := fmt.Sprint(m, p.end[0].flags, p.end[0].in, p.end[1].flags, p.end[1].in)
				if !seen[key] {
					seen[key] = true
					nodes = append(nodes, node{m, at, mv})
				}
			}
		}
	}
	t.Logf("%d states, %d steps, the longest way has %d moves", len(nodes), steps, longest)
	if len(nodes) < 500 {
		t.Errorf("only %d states", len(nodes))
	}
}
