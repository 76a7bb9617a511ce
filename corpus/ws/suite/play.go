package suite

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Verdict is what a case says about a peer.
type Verdict int

const (
	// Pass: as it must be.
	Pass Verdict = iota
	// NonStrict: within the protocol, but late or with less than asked for.
	NonStrict
	// Informational: the protocol leaves it open.
	Informational
	// Unimplemented: the peer declined the extension.
	Unimplemented
	// Failed: wrong.
	Failed
)

// String returns "pass", "non-strict", "informational", "unimplemented" or "FAILED".
func (v Verdict) String() string {
	return []string{"pass", "non-strict", "informational", "unimplemented", "FAILED"}[v]
}

// Result is the outcome of a case.
type Result struct {
	Verdict Verdict
	// Detail says what was not as it should be.
	Detail string
}

// Link is a connection to a peer.
type Link struct {
	Wire Wire
	// Client says that we are the client: what we send is masked, what comes is not.
	Client bool
	// Deflate is what was agreed on, nil for nothing.
	Deflate *Deflate
	// Patience is how long the peer may take for what it must do, Quiet how long "nothing comes" is waited for.
	Patience, Quiet time.Duration
	// Prompt is how long a peer that looks at a text as it comes may take to refuse it (a step "fail?"); 0 for as long as Quiet.
	Prompt time.Duration
	// Most bounds the messages of an echo, 0 for as many as the case has. MostBytes bounds them by their size; at
	// least one is sent.
	Most, MostBytes int
}

// player is a case being played.
type player struct {
	*Link
	in    []byte // read and not yet used
	gone  error  // why nothing more can be read
	chop  int
	key   uint32
	left  int // of a frame that was begun
	phase int
	out   packer
	back  unpacker
	// of a message that comes
	op      byte
	packed  bool
	open    bool
	message []byte
	lax     string
	ended   bool
	due     []byte // to be written
}

// event is a message, a pong, a close, the end, or that nothing came.
type event struct {
	kind string // text, binary, pong, close, end, quiet, or what is wrong with a frame
	p    []byte
	code uint16 // of a close, 0 without
}

func (e event) String() string {
	switch {
	case e.kind == "close" && e.code == 0:
		return "a close without a code"
	case e.kind == "close":
		return fmt.Sprintf("close %d %q", e.code, e.p)
	case len(e.p) > 40:
		return fmt.Sprintf("%s of %d bytes, %q...", e.kind, len(e.p), e.p[:40])
	case e.p != nil:
		return fmt.Sprintf("%s %q", e.kind, e.p)
	}
	return e.kind
}

// Play plays the case on a connection whose opening handshake is done. It does not close the wire.
func (c *Case) Play(l *Link) Result {
	p := &player{Link: l, key: 0x9e3779b9}
	if d := l.Deflate; d != nil {
		p.out.keep, p.out.bits, p.back.keep, p.back.bits = !d.ServerNoTakeover, d.ServerBits, !d.ClientNoTakeover, d.ClientBits
		if l.Client {
			p.out.keep, p.out.bits, p.back.keep, p.back.bits = !d.ClientNoTakeover, d.ClientBits, !d.ServerNoTakeover, d.ServerBits
		}
	} else if c.Offer != "" {
		return Result{Unimplemented, "declined " + c.Offer}
	}
	steps := c.steps
	if end := steps[len(steps)-1].verb; end != "fail" && end != "closed" {
		steps = append(slices.Clip(steps), step{verb: "close", codes: []uint16{1000}}, step{verb: "closed", codes: []uint16{1000}})
	}
	for _, s := range steps {
		if err := p.step(s); err != nil {
			if c.Informational {
				return Result{Informational, err.Error()}
			}
			return Result{Failed, err.Error()}
		}
		if p.ended {
			break
		}
	}
	switch {
	case c.Informational:
		return Result{Informational, p.lax}
	case p.lax != "":
		return Result{NonStrict, p.lax}
	}
	return Result{}
}

// step plays one step.
func (p *player) step(s step) error {
	switch s.verb {
	case "chop":
		p.chop = s.n
	case "send":
		p.send(s.op, !s.more, s.rsv, s.p)
	case "close":
		body := s.p
		if len(s.codes) > 0 {
			body = append([]byte{byte(s.codes[0] >> 8), byte(s.codes[0])}, s.p...)
		}
		p.send(8, true, 0, body)
	case "begin":
		p.due = append(p.due, header(s.op, true, 0, p.Client, p.newKey(), s.n)...)
		p.left, p.phase = s.n, 0
	case "data":
		if p.left -= len(s.p); p.left < 0 {
			return errors.New("the case sends more than its frame holds")
		}
		p.due = append(p.due, p.mask(s.p)...)
	case "want":
		return p.want(s)
	case "quiet":
		p.flush()
		if e := p.next(p.Quiet); e.kind != "quiet" {
			return p.unless(s.lax, fmt.Errorf("%s, want nothing", e))
		}
	case "fail":
		return p.fail(s)
	case "closed":
		return p.closed(s.codes)
	case "echo":
		return p.echo(s)
	}
	return nil
}

// unless makes an error of a lax step a remark.
func (p *player) unless(lax bool, err error) error {
	if lax {
		p.lax = err.Error()
		return nil
	}
	return err
}

func (p *player) want(s step) error {
	p.flush()
	kind := map[byte]string{1: "text", 2: "binary", 10: "pong"}[s.op]
	e := p.next(p.Patience)
	if e.kind == kind && bytes.Equal(e.p, s.p) {
		return nil
	}
	err := fmt.Errorf("%s, want %s", e, event{kind: kind, p: s.p})
	if s.lax && (e.kind == "close" && slices.Contains([]uint16{0, 1000, 1002, 1007}, e.code) || e.kind == "end") {
		// The connection ended before what was right had its answer.
		p.lax, p.ended = err.Error(), true
		return nil
	}
	return err
}

// fail expects that the peer fails the connection.
func (p *player) fail(s step) error {
	p.flush()
	wait := p.Patience
	if s.lax {
		if wait = p.Prompt; wait == 0 {
			wait = p.Quiet
		}
	}
	e := p.next(wait)
	if e.kind == "end" || e.kind == "close" && (e.code == 0 || slices.Contains(s.codes, e.code)) {
		if e.kind == "close" {
			p.bye(e)
		}
		p.ended = true
		return nil
	}
	return p.unless(s.lax && e.kind == "quiet", fmt.Errorf("%s, want the connection failed with %d", e, s.codes))
}

// bye answers a Close frame.
func (p *player) bye(e event) {
	body := []byte{byte(e.code >> 8), byte(e.code)}
	if e.code == 0 {
		body = nil
	}
	p.send(8, true, 0, body)
	p.flush()
}

// closed expects the answer to our Close frame, and that a server then drops the connection.
func (p *player) closed(codes []uint16) error {
	p.flush()
	e := p.next(p.Patience)
	if e.kind != "close" || e.code != 0 && !slices.Contains(codes, e.code) || e.code == 0 && slices.Contains(codes, 1000) && !slices.Contains(codes, 0) {
		return fmt.Errorf("%s, want close %d", e, codes)
	}
	p.ended = true
	if !p.Client {
		return nil
	}
	if e := p.next(p.Patience); e.kind != "end" {
		return p.unless(e.kind == "quiet", fmt.Errorf("%s behind the close, want the end of the connection", e))
	}
	return nil
}

// echo sends messages and expects each of them back.
func (p *player) echo(s step) error {
	stream, at := data[s.data](), 0
	n := s.n
	if p.Most > 0 {
		n = min(n, p.Most)
	}
	if p.MostBytes > 0 {
		n = min(n, max(1, p.MostBytes/max(s.size, 1)))
	}
	kind := map[byte]string{1: "text", 2: "binary"}[s.op]
	for i := range n {
		var message []byte
		message, at = stream.window(nil, at, s.size)
		payload, rsv := message, byte(0)
		if p.Deflate != nil {
			payload, rsv = p.out.pack(message), 4
		}
		op := s.op
		for {
			part := payload
			if s.frame > 0 {
				part = payload[:min(s.frame, len(payload))]
			}
			payload = payload[len(part):]
			p.send(op, len(payload) == 0, rsv, part)
			if op, rsv = 0, 0; len(payload) == 0 {
				break
			}
		}
		p.flush()
		if e := p.next(p.Patience); e.kind != kind || !bytes.Equal(e.p, message) {
			return fmt.Errorf("message %d: %s, want %s", i+1, e, event{kind: kind, p: message})
		}
	}
	return nil
}

// newKey returns the next masking key.
func (p *player) newKey() [4]byte {
	p.key = p.key*1664525 + 1013904223
	return [4]byte{byte(p.key), byte(p.key >> 8), byte(p.key >> 16), byte(p.key >> 24)}
}

// mask returns b as it goes on the wire, as the next bytes of the frame.
func (p *player) mask(b []byte) []byte {
	if !p.Client {
		return b
	}
	b = bytes.Clone(b)
	for i := range b {
		b[i] ^= byte(p.key >> (8 * (p.phase & 3)))
		p.phase++
	}
	return b
}

func (p *player) send(op byte, fin bool, rsv byte, payload []byte) {
	p.due = append(p.due, header(op, fin, rsv, p.Client, p.newKey(), len(payload))...)
	p.phase = 0
	p.due = append(p.due, p.mask(payload)...)
	if p.chop < 0 {
		p.flush()
	}
}

// flush writes what is due. The peer may have closed: what it said is found by reading.
func (p *player) flush() {
	due := p.due
	p.due = nil
	size := len(due)
	if p.chop > 0 {
		size = p.chop
	}
	for part := range slices.Chunk(due, max(size, 1)) {
		if _, err := p.Wire.Write(part); err != nil {
			return
		}
	}
}

// next returns what comes next.
func (p *player) next(wait time.Duration) event {
	until := time.Now().Add(wait)
	var room [64 << 10]byte
	for {
		for {
			f, n := cut(p.in)
			if n == 0 {
				break
			}
			p.in = p.in[n:]
			if e := p.take(f); e.kind != "" {
				return e
			}
		}
		if p.gone != nil {
			return event{kind: "end"}
		}
		n, err := p.Wire.Read(room[:], time.Until(until))
		p.in = append(p.in, room[:n]...)
		switch {
		case n > 0 || err == nil:
		case errors.Is(err, ErrQuiet):
			return event{kind: "quiet"}
		default:
			p.gone = err
		}
	}
}

// take makes an event of a frame, if it is one.
func (p *player) take(f frame) event {
	bad := func(what string) event { return event{kind: "a frame " + what, p: f.payload} }
	data := f.op <= 2
	switch {
	case f.masked == p.Client:
		return bad("that is masked or not as it should")
	case f.rsv != 0 && (f.rsv != 4 || p.Deflate == nil || f.op != 1 && f.op != 2):
		return bad("with reserved bits")
	case !data && (!f.fin || len(f.payload) > 125):
		return bad("of control that is too long or in fragments")
	case data && (f.op == 0) != p.open:
		return bad("out of order")
	}
	switch f.op {
	case 0, 1, 2:
		if f.op != 0 {
			p.op, p.packed, p.message = f.op, f.rsv != 0, nil
		}
		p.message = append(p.message, f.payload...)
		if p.open = !f.fin; p.open {
			return event{}
		}
		if p.packed {
			m, err := p.back.unpack(p.message)
			if err != nil {
				return bad("that does not inflate: " + err.Error())
			}
			p.message = m
		}
		return event{kind: []string{1: "text", 2: "binary"}[p.op], p: append([]byte{}, p.message...)}
	case 8:
		if len(f.payload) == 0 {
			return event{kind: "close"}
		}
		if len(f.payload) == 1 {
			return bad("of close with one byte")
		}
		return event{kind: "close", code: uint16(f.payload[0])<<8 | uint16(f.payload[1]), p: f.payload[2:]}
	case 9:
		p.send(10, true, 0, f.payload)
		p.flush()
		return event{}
	case 10:
		return event{kind: "pong", p: append([]byte{}, f.payload...)}
	}
	return bad("with an unknown opcode")
}

// Say sends a text, if it is not empty, and closes the connection in good order. It is no case: it tells a client that is
// judged how many cases there are, or that its turn is over.
func Say(l *Link, text string) {
	p := &player{Link: l}
	if text != "" {
		p.send(1, true, 0, []byte(text))
	}
	p.send(8, true, 0, []byte{1000 >> 8, 1000 & 0xff})
	_ = p.closed([]uint16{1000})
}
