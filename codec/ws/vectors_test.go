package ws

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/http1"
)

// The handshake, the timers, what a connection sends and the stateless functions give what the vectors say. At the end: each reason of the
// handshake, of misuse and of time is given by some vector.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, "../../corpus/ws/vectors", func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		serverVectors(ops)
		clientVectors(ops)
		connVectors(ops)
		sendVectors(ops)
		joinerVectors(ops)
		frameVectors(ops)
		return ops
	})
	want := HandshakeReasons()
	for r := rPutRSV; r <= rPutControlFragment; r++ {
		want = append(want, reasons[r].text)
	}
	for r := rCloseTimeout; r <= rJoined; r++ {
		want = append(want, reasons[r].text)
	}
	for _, r := range want {
		if !sum.Has(r) {
			t.Errorf("no vector is refused with %q", r)
		}
	}
}

func vectorFields(a *codectest.Args) (f []codec.Field) {
	for a.Has("f") {
		n, v, _ := bytes.Cut(a.NamedBytes("f"), []byte(": "))
		f = append(f, codec.Field{Name: n, Value: v})
	}
	return f
}

// vectorDeflate takes the flags deflate, server-takeover and client-takeover, and sbits= and cbits=.
func vectorDeflate(a *codectest.Args) *DeflateOptions {
	o := &DeflateOptions{ServerTakeover: a.Flag("server-takeover"), ClientTakeover: a.Flag("client-takeover"),
		ServerBits: int(a.NamedInt("sbits")), ClientBits: int(a.NamedInt("cbits"))}
	if !a.Flag("deflate") {
		return nil
	}
	return o
}

func vectorProtocols(a *codectest.Args) (list []string) {
	for a.Has("protocol") {
		list = append(list, string(a.NamedBytes("protocol")))
	}
	return list
}

func refusal(err error) string {
	var he *HandshakeError
	var e *Error
	var h1 *http1.Error
	switch {
	case errors.As(err, &he):
		return fmt.Sprintf("refused %d %s", he.Status, strings.TrimPrefix(he.Error(), "ws: handshake: "))
	case errors.As(err, &e) && e.Scope == codec.ScopeMisuse:
		return "misuse " + strings.TrimPrefix(e.Error(), "ws: ")
	case errors.As(err, &e):
		return fmt.Sprintf("error %s, %v, at %d", e.Reason, e.Unwrap(), e.Off)
	case errors.As(err, &h1):
		return "http1 " + h1.Reason
	}
	return fmt.Sprintf("an unknown error %v", err)
}

func agreement(h *Handshake) string {
	out := "protocol " + codectest.Quote(h.Protocol)
	if h.HasDeflate {
		out += fmt.Sprintf(" deflate server %d %v client %d %v", h.Deflate.ServerBits, !h.Deflate.ServerNoTakeover, h.Deflate.ClientBits, !h.Deflate.ClientNoTakeover)
	}
	return out
}

func serverVectors(ops map[string]codectest.VectorOp) {
	ops["accept-key"] = func(a *codectest.Args) string { k := AcceptKey(a.Bytes()); return string(k[:]) }
	ops["is-upgrade"] = func(a *codectest.Args) string { return fmt.Sprint(IsUpgrade(vectorFields(a))) }
	ops["accept"] = func(a *codectest.Args) string {
		acc := &Acceptor{Protocols: vectorProtocols(a), Deflate: vectorDeflate(a)}
		if a.Has("origin") {
			good := a.Named("origin")
			acc.CheckOrigin = func(origin, host []byte) bool { return string(origin) == good && len(host) > 0 }
		}
		r := &Request{Method: []byte("GET"), Minor: 1, Host: []byte("server.example.com"), Extended: a.Flag("extended")}
		if a.Has("method") {
			r.Method = a.NamedBytes("method")
		}
		if a.Has("minor") {
			r.Minor = uint8(a.NamedInt("minor"))
		}
		if a.Has("host") {
			r.Host = a.NamedBytes("host")
		}
		// The request of RFC 6455 section 1.2, but for the fields of the flags without-.
		for _, f := range []codec.Field{fieldsOf("Upgrade", "websocket")[0], fieldsOf("Connection", "Upgrade")[0],
			fieldsOf("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")[0], fieldsOf("Sec-WebSocket-Version", "13")[0]} {
			if !a.Flag("without-"+strings.ToLower(strings.TrimPrefix(string(f.Name), "Sec-WebSocket-"))) && !r.Extended {
				r.Fields = append(r.Fields, f)
			}
		}
		r.Fields = append(r.Fields, vectorFields(a)...)
		var extra []codec.Field
		if a.Has("extra") {
			n, v, _ := bytes.Cut(a.NamedBytes("extra"), []byte(": "))
			extra = []codec.Field{{Name: n, Value: v}}
		}
		var h Handshake
		if err := acc.Check(r, &h); err != nil {
			var he *HandshakeError
			errors.As(err, &he)
			return refusal(err) + "\n" + codectest.Quote(he.AppendReject(nil))
		}
		if r.Extended {
			return agreement(&h) + "\n" + fieldText(h.AppendFields(nil))
		}
		out, err := h.AppendAccept([]byte("front"), extra)
		if err != nil {
			return agreement(&h) + "\n" + refusal(err) + "\n" + codectest.Quote(out)
		}
		return agreement(&h) + "\n" + codectest.Quote(bytes.TrimPrefix(out, []byte("front")))
	}
}

func fieldText(fields []codec.Field) string {
	out := []byte{}
	for _, f := range fields {
		out = append(append(append(append(out, f.Name...), ": "...), f.Value...), '\r', '\n')
	}
	return codectest.Quote(out)
}

func clientVectors(ops map[string]codectest.VectorOp) {
	var o Opening
	ops["open"] = func(a *codectest.Args) string {
		o = Opening{Host: a.NamedBytes("host"), Target: a.NamedBytes("target"), Origin: a.NamedBytes("origin"), Protocols: vectorProtocols(a),
			Deflate: vectorDeflate(a), Fields: vectorFields(a), Extended: a.Flag("extended")}
		copy(o.Nonce[:], "the sample nonce")
		if o.Extended {
			f, err := o.AppendFields(nil)
			if err != nil {
				return refusal(err)
			}
			return fieldText(f)
		}
		out, err := o.AppendRequest([]byte("front"))
		if err != nil {
			return refusal(err) + "\n" + codectest.Quote(out)
		}
		return codectest.Quote(bytes.TrimPrefix(out, []byte("front")))
	}
	// answer has the fields of a good response, but for those of the flags without-.
	ops["answer"] = func(a *codectest.Args) string {
		var f []codec.Field
		for _, good := range []codec.Field{fieldsOf("Upgrade", "websocket")[0], fieldsOf("Connection", "Upgrade")[0],
			fieldsOf("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")[0]} {
			if !a.Flag("without-"+strings.ToLower(strings.TrimPrefix(string(good.Name), "Sec-WebSocket-"))) && !o.Extended {
				f = append(f, good)
			}
		}
		f = append(f, vectorFields(a)...)
		var h Handshake
		if err := o.Check(int(a.Int()), f, &h); err != nil {
			return refusal(err)
		}
		return agreement(&h)
	}
	ops["wire"] = func(a *codectest.Args) string {
		q := WireQuestion{Only1: a.Flag("only1")}
		switch {
		case a.Flag("on"):
			q.Connect = SettingOn
		case a.Flag("off"):
			q.Connect = SettingOff
		}
		q.Scheme = a.Word()
		if a.More() {
			q.ALPN = a.Word()
		}
		return DecideWire(q).String()
	}
	ops["offer-alpn"] = func(a *codectest.Args) string { h2 := a.Flag("h2"); return fmt.Sprint(OfferALPN(a.Word(), h2)) }
}

// vectorConn is the connection of a case.
type vectorConn struct {
	c   Conn
	cfg Config
	m   *Prepared
}

// law calls an append, with the law of append: what is in front stays, a refusal appends nothing.
func (v *vectorConn) law(call func(dst []byte) ([]byte, error)) string {
	out, err := call(append(make([]byte, 0, 64), "front"...))
	rest, kept := bytes.CutPrefix(out, []byte("front"))
	switch {
	case !kept || err != nil && len(rest) > 0:
		return "the law of append is broken"
	case err != nil:
		return refusal(err)
	}
	return codectest.Quote(rest)
}

func seconds(a *codectest.Args, name string) time.Duration {
	return time.Duration(a.NamedInt(name)) * time.Second
}

func connVectors(ops map[string]codectest.VectorOp) {
	v := new(vectorConn)
	sendOps(ops, v)
	ops["conn"] = func(a *codectest.Args) string {
		role := Server
		if a.Flag("client") {
			role = Client
		}
		v.cfg = Config{PingInterval: seconds(a, "ping"), PongTimeout: seconds(a, "pong"), CloseTimeout: seconds(a, "close"), DeflateMin: int(a.NamedInt("min")),
			DeflateHistory: int(a.NamedInt("history"))}
		v.cfg.Limits.Fruitless = int(a.NamedInt("fruitless"))
		if !a.Flag("norand") {
			v.cfg.Rand = func() uint32 { return 0x04030201 }
		}
		cfg := &v.cfg
		if a.Flag("defaults") {
			cfg = nil
		}
		v.c.Init(role, cfg)
		if a.Flag("deflate") {
			bits := uint8(15)
			if a.Has("bits") {
				bits = uint8(a.NamedInt("bits"))
			}
			takeover := a.Flag("takeover")
			v.c.SetDeflate(Deflate{ServerBits: bits, ClientBits: bits, ServerNoTakeover: !takeover, ClientNoTakeover: !takeover})
		}
		return ""
	}
	// Times are seconds behind the 1000th.
	ops["advance"] = func(a *codectest.Args) string {
		if err := v.c.Advance(codec.Time(1000e9 + a.Int()*1e9)); err != nil {
			return refusal(err)
		}
		return ""
	}
	ops["deadline"] = func(*codectest.Args) string {
		switch d := v.c.Deadline(); {
		case d == codec.Never:
			return "never"
		case d.Reached(1000e9):
			return "at once"
		default:
			return fmt.Sprint(int64(d-1000e9) / 1e9)
		}
	}
	ops["feed"] = func(a *codectest.Args) string {
		var ev Event
		var log codectest.Log
		src := a.Bytes()
		for {
			n, err := v.c.Next(src, &ev)
			if err != nil {
				log.Event("%s", refusal(err))
			}
			if src = src[n:]; err != nil || ev.Kind == None {
				break
			}
			renderEvent(&log, &ev)
		}
		if len(src) > 0 {
			log.Event("left %d", len(src))
		}
		return strings.Join(log.Lines(), "\n")
	}
	ops["owed"] = func(a *codectest.Args) string {
		limit := 1 << 20
		if a.More() {
			limit = int(a.Int())
		}
		owes := v.c.Owes()
		return fmt.Sprintf("%v %s", owes, codectest.Quote(v.c.AppendOwed(nil, limit)))
	}
	ops["finish"] = func(*codectest.Args) string {
		if err := v.c.Finish(); err != nil {
			return refusal(err)
		}
		return "clean"
	}
	ops["state"] = func(*codectest.Args) string {
		return fmt.Sprintf("closed %v, sent %v, received %v, %v, idle %v, error %v", v.c.Closed(), v.c.CloseSent(), v.c.CloseReceived(),
			v.c.CloseCode(), v.c.Idle(), v.c.Err() != nil)
	}
}

func sendOps(ops map[string]codectest.VectorOp, v *vectorConn) {
	ops["message"] = func(a *codectest.Args) string {
		op, p := opcodeOf(a.Word()), a.Bytes()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendMessage(dst, op, p) })
	}
	ops["fragment"] = func(a *codectest.Args) string {
		fin := a.Flag("fin")
		op, p := opcodeOf(a.Word()), a.Bytes()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendFragment(dst, op, p, fin) })
	}
	ops["reference"] = func(a *codectest.Args) string {
		op, n := opcodeOf(a.Word()), a.Int()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendMessageHeader(dst, op, n) })
	}
	ops["ping"] = func(a *codectest.Args) string {
		p := a.Bytes()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendPing(dst, p) })
	}
	ops["pong"] = func(a *codectest.Args) string {
		p := a.Bytes()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendPong(dst, p) })
	}
	ops["close"] = func(a *codectest.Args) string {
		code, why := CloseCode(a.Int()), a.Bytes()
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendClose(dst, code, why) })
	}
	ops["prepare"] = func(a *codectest.Args) string {
		var pool Pool
		if a.Flag("deflate") {
			pool = NewFreeList(1)
		}
		m, err := NewPrepared(opcodeOf(a.Word()), a.Bytes(), pool)
		if err != nil {
			return refusal(err)
		}
		v.m = m
		return fmt.Sprint(m.Len())
	}
	ops["prepared"] = func(a *codectest.Args) string {
		return v.law(func(dst []byte) ([]byte, error) { return v.c.AppendPrepared(dst, v.m) })
	}
	ops["prepared-frame"] = func(a *codectest.Args) string {
		f, err := v.c.PreparedFrame(v.m)
		if err != nil {
			return refusal(err)
		}
		return codectest.Quote(f)
	}
}

func opcodeOf(s string) Opcode {
	for op := Opcode(0); op < 16; op++ {
		if op.String() == s {
			return op
		}
	}
	return 3
}

// sendVectors has the codes of Close frames.
func sendVectors(ops map[string]codectest.VectorOp) {
	ops["close-code"] = func(a *codectest.Args) string {
		c := CloseCode(a.Int())
		return fmt.Sprintf("%v %v", c.Error(), c.OnWire())
	}
	ops["opcode"] = func(a *codectest.Args) string {
		op := Opcode(a.Int())
		return fmt.Sprintf("%v control %v", op, op.IsControl())
	}
	ops["deflater"] = func(a *codectest.Args) string { return fmt.Sprint(NewDeflater(int(a.Int())).Bits()) }
}

func joinerVectors(ops map[string]codectest.VectorOp) {
	j := new(Joiner)
	ops["joiner"] = func(a *codectest.Args) string { *j = Joiner{Max: int(a.NamedInt("max"))}; return "" }
	ops["join"] = func(a *codectest.Args) string {
		ev := Event{Kind: Data, Opcode: Text, First: a.Flag("first"), Last: a.Flag("last")}
		if a.Flag("control") {
			ev.Kind = Control
		}
		ev.Payload = a.Bytes()
		m, done, err := j.Add(&ev)
		switch {
		case err != nil:
			return refusal(err)
		case done:
			return "whole " + codectest.Quote(m)
		}
		return fmt.Sprint("open ", j.Open())
	}
	ops["release"] = func(*codectest.Args) string { j.Release(); return fmt.Sprint("holds ", len(j.buf)) }
}

// frameVectors has the header of a frame by itself.
func frameVectors(ops map[string]codectest.VectorOp) {
	var h Header
	ops["parse-header"] = func(a *codectest.Args) string {
		var rules Rules
		for name, r := range map[string]Rules{"from-client": FromClient, "from-server": FromServer, "no-message": NoMessage, "in-message": InMessage, "rsv1": RSV1} {
			if a.Flag(name) {
				rules |= r
			}
		}
		n, err := ParseHeader(a.Bytes(), &h, rules)
		switch {
		case err != nil:
			return refusal(err)
		case n == 0:
			return "more"
		}
		return fmt.Sprintf("%d fin %v rsv %d %v masked %v key %x length %d", n, h.Fin, h.RSV, h.Opcode, h.Masked, h.Key, h.Length)
	}
	ops["append-header"] = func(a *codectest.Args) string {
		p := Header{Fin: a.Flag("fin"), RSV: uint8(a.NamedInt("rsv")), Masked: a.Has("key"), Length: a.NamedInt("length")}
		copy(p.Key[:], a.NamedHex("key"))
		p.Opcode = Opcode(a.Int())
		out, err := AppendHeader([]byte("front"), &p)
		if err != nil {
			return refusal(err) + " " + codectest.Quote(out)
		}
		return codectest.Quote(bytes.TrimPrefix(out, []byte("front")))
	}
}
