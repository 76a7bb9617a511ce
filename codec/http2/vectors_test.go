package http2

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// What a connection sends, its windows, and its clock, as scripts: corpus/http2/vectors.
func TestVectors(t *testing.T) {
	codectest.RunVectors(t, "../../corpus/http2/vectors", func() map[string]codectest.VectorOp {
		v := &vectorConn{}
		ops := map[string]codectest.VectorOp{}
		v.setup(ops)
		v.peer(ops)
		v.sending(ops)
		v.scheduling(ops)
		v.ending(ops)
		textVectors(ops)
		return ops
	})
}

type vectorConn struct {
	c   Conn
	cfg Config
}

func millis(a *codectest.Args, name string) time.Duration {
	return time.Duration(a.NamedInt(name)) * time.Millisecond
}

func (v *vectorConn) setup(ops map[string]codectest.VectorOp) {
	// All times are milliseconds behind the start; -1 turns a limit off.
	ops["conn"] = func(a *codectest.Args) string {
		role := Server
		if a.Flag("client") {
			role = Client
		}
		v.cfg = Config{
			Limits: Limits{SettingsTimeout: millis(a, "settings-timeout"), StallTimeout: millis(a, "stall"), StallBytes: int(a.NamedInt("stall-bytes")),
				PingInterval: millis(a, "ping-interval"), PingIdle: a.Flag("ping-idle"), Fruitless: int(a.NamedInt("fruitless")), Pings: int(a.NamedInt("pings")),
				Resets: int(a.NamedInt("resets")), ResetRate: int(a.NamedInt("reset-rate")), Requests: int(a.NamedInt("requests"))},
			Window:    WindowPolicy{Stream: uint32(a.NamedInt("window")), Conn: uint32(a.NamedInt("connwindow")), Max: uint32(a.NamedInt("maxwindow"))},
			NoHuffman: true, HeaderTable: int(a.NamedInt("table")), EncoderTable: -1,
		}
		result := ""
		if a.Has("upgraded") {
			result = done(v.c.InitUpgraded(role, v.cfg.Profile(), a.NamedBytes("upgraded")))
		} else {
			v.c.Init(role, v.cfg.Profile())
		}
		v.c.Advance(codec.Time(time.Hour))
		return result
	}
	ops["advance"] = func(a *codectest.Args) string {
		v.c.Advance(codec.Time(time.Hour + time.Duration(a.Int())*time.Millisecond))
		return v.feed(nil)
	}
	ops["deadline"] = func(*codectest.Args) string {
		d := v.c.Deadline()
		if d == codec.Never {
			return "never"
		}
		return fmt.Sprint(int64(d-codec.Time(time.Hour)) / int64(time.Millisecond))
	}
	ops["owed"] = func(a *codectest.Args) string {
		limit := 1 << 16
		if a.More() {
			limit = int(a.Int())
		}
		owes := v.c.Owes()
		out := frames(v.c.AppendOwed(nil, limit))
		if owes == (out == "") && limit > 0 {
			return "Owes is wrong"
		}
		return out
	}
}

// frames tells what the octets are: a line for each frame with type, flags, stream and payload.
func frames(b []byte) string {
	var lines []string
	if rest, is := bytes.CutPrefix(b, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); is {
		lines, b = append(lines, "preface"), rest
	}
	for len(b) > 0 {
		var h FrameHeader
		if ParseFrameHeader(b, &h) == 0 {
			return "half a frame"
		}
		b = b[FrameHeaderLen:]
		n := min(int(h.Length), len(b))
		lines = append(lines, fmt.Sprintf("%s %02x stream %d length %d %s", h.Type, uint8(h.Flags), h.Stream, h.Length, codectest.Quote(b[:n])))
		b = b[n:]
	}
	return strings.Join(lines, "\n")
}

// feed gives octets of the peer to the connection and logs the events.
func (v *vectorConn) feed(src []byte) string {
	var ev Event
	var log codectest.Log
	for {
		n, err := v.c.Next(src, &ev)
		src = src[n:]
		if err != nil {
			log.Event("%s", failure(err))
			break
		}
		if ev.Kind == None {
			break
		}
		renderConnEvent(&log, &ev)
		if ev.Kind == StreamError || ev.Kind == StreamReset {
			_ = v.c.Release(ev.Stream)
		}
	}
	return strings.Join(log.Lines(), "\n")
}

func failure(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "an unknown error " + err.Error()
	}
	if e.Scope == codec.ScopeMisuse {
		return "misuse " + strings.TrimPrefix(e.Error(), "http2: ")
	}
	return fmt.Sprintf("%v %s at %d", e.Unwrap(), e.Reason, e.Off)
}

// peer has the frames of the other end.
func (v *vectorConn) peer(ops map[string]codectest.VectorOp) {
	ops["peer-octets"] = func(a *codectest.Args) string { return v.feed(a.Bytes()) }
	ops["peer-settings"] = func(a *codectest.Args) string {
		var list []Setting
		for name, id := range map[string]SettingID{"window": SettingInitialWindowSize, "streams": SettingMaxConcurrentStreams, "frame": SettingMaxFrameSize, "connect": SettingEnableConnectProtocol} {
			if a.Has(name) {
				list = append(list, Setting{ID: id, Value: uint32(a.NamedInt(name))})
			}
		}
		var out []byte
		if a.Flag("first") && v.c.Role() == Server {
			out = append(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"...)
		}
		return v.feed(AppendSettings(out, list...))
	}
	ops["peer-ack"] = func(*codectest.Args) string { return v.feed(AppendSettingsAck(nil)) }
	ops["peer-request"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		return v.feed(AppendHeaders(nil, uint32(a.Uint()), []byte("\x83\x86\x84\x01\x06a.test"), end, MinFrameSize, nil))
	}
	ops["peer-response"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		return v.feed(AppendHeaders(nil, uint32(a.Uint()), []byte("\x88"), end, MinFrameSize, nil))
	}
	// A field section of literals that are not indexed; the fields of a request that it has already may be said by the flag get.
	ops["peer-head"] = func(a *codectest.Args) string {
		var block []byte
		if a.Flag("get") {
			block = append(block, "\x82\x86\x84"...)
		}
		for _, f := range vectorFields(a) {
			block = append(append(block, 0, byte(len(f.Name))), f.Name...)
			block = append(append(block, byte(len(f.Value))), f.Value...)
		}
		end := a.Flag("end")
		return v.feed(AppendHeaders(nil, uint32(a.Uint()), block, end, MinFrameSize, nil))
	}
	ops["peer-data"] = func(a *codectest.Args) string {
		end, pad := a.Flag("end"), -1
		if a.Has("pad") {
			pad = int(a.NamedInt("pad"))
		}
		id, n := uint32(a.Uint()), int(a.Int())
		out := append(AppendDataHeader(nil, id, n, pad, end), bytes.Repeat([]byte("x"), n)...)
		return v.feed(AppendPadding(out, max(pad, 0)))
	}
	ops["peer-window"] = func(a *codectest.Args) string {
		return v.feed(AppendWindowUpdate(nil, uint32(a.Uint()), uint32(a.Uint())))
	}
	ops["peer-ping"] = func(a *codectest.Args) string {
		ack := a.Flag("ack")
		return v.feed(AppendPing(nil, [8]byte(a.Bytes()), ack))
	}
	ops["peer-goaway"] = func(a *codectest.Args) string { return v.feed(AppendGoAway(nil, uint32(a.Uint()), NoError, nil)) }
	ops["peer-reset"] = func(a *codectest.Args) string { return v.feed(AppendRSTStream(nil, uint32(a.Uint()), Cancel)) }
	ops["finish"] = func(*codectest.Args) string {
		if err := v.c.Finish(); err != nil {
			return failure(err)
		}
		return v.feed(nil)
	}
}

// done is the result of a call that has none but its error.
func done(err error) string {
	if err != nil {
		return failure(err)
	}
	return ""
}

func vectorFields(a *codectest.Args) (f []codec.Field) {
	for a.Has("f") {
		n, val, _ := bytes.Cut(a.NamedBytes("f"), []byte(": "))
		f = append(f, codec.Field{Name: n, Value: val})
	}
	return f
}

// law calls an append with the law of append: what is in front stays, a refusal appends nothing.
func law(call func(dst []byte) ([]byte, error)) string {
	out, err := call(append(make([]byte, 0, 64), "front"...))
	rest, kept := bytes.CutPrefix(out, []byte("front"))
	switch {
	case !kept || err != nil && len(rest) > 0:
		return "the law of append is broken"
	case err != nil:
		return failure(err)
	}
	return frames(rest)
}

func (v *vectorConn) sending(ops map[string]codectest.VectorOp) {
	ops["request"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		h := RequestHead{Protocol: a.NamedBytes("protocol"), Scheme: []byte("http"), Authority: []byte("a.test"), Path: []byte("/")}
		if a.Flag("bare") {
			h.Scheme, h.Path = nil, nil
		}
		h.Method = a.Bytes()
		f := vectorFields(a)
		return law(func(dst []byte) ([]byte, error) { out, _, err := v.c.AppendRequest(dst, &h, f, end); return out, err })
	}
	ops["response"] = func(a *codectest.Args) string {
		end, f := a.Flag("end"), vectorFields(a)
		id, status := uint32(a.Uint()), int(a.Int())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendResponse(dst, id, status, f, end) })
	}
	ops["informational"] = func(a *codectest.Args) string {
		f := vectorFields(a)
		id, status := uint32(a.Uint()), int(a.Int())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendInformational(dst, id, status, f) })
	}
	ops["trailers"] = func(a *codectest.Args) string {
		f, id := vectorFields(a), uint32(a.Uint())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendTrailers(dst, id, f) })
	}
	ops["data"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		id, p := uint32(a.Uint()), a.Bytes()
		n := 0
		s := law(func(dst []byte) (out []byte, err error) {
			out, n, err = v.c.AppendData(dst, id, p, end)
			return out, err
		})
		return strings.TrimPrefix(fmt.Sprintf("%s\ntook %d of %d", s, n, len(p)), "\n")
	}
	ops["data-header"] = func(a *codectest.Args) string {
		end := a.Flag("end")
		id, size := uint32(a.Uint()), int(a.Int())
		return law(func(dst []byte) (out []byte, err error) {
			out, _, err = v.c.AppendDataHeader(dst, id, size, end)
			return out, err
		})
	}
	ops["consumed"] = func(a *codectest.Args) string { return done(v.c.Consumed(uint32(a.Uint()), int(a.Int()))) }
	ops["reset"] = func(a *codectest.Args) string { return done(v.c.Reset(uint32(a.Uint()), Cancel)) }
	ops["release"] = func(a *codectest.Args) string { return done(v.c.Release(uint32(a.Uint()))) }
	ops["user"] = func(a *codectest.Args) string { return done(v.c.SetUser(uint32(a.Uint()), uint32(a.Uint()))) }
	ops["ping"] = func(a *codectest.Args) string { return done(v.c.Ping([8]byte(a.Bytes()))) }
	ops["ready"] = func(a *codectest.Args) string { off := a.Flag("off"); return done(v.c.Ready(uint32(a.Uint()), !off)) }
}

func (v *vectorConn) scheduling(ops map[string]codectest.VectorOp) {
	ops["next-writable"] = func(*codectest.Args) string {
		id, _, n := v.c.NextWritable()
		return fmt.Sprintf("stream %d, %d octets", id, n)
	}
	ops["set-priority"] = func(a *codectest.Args) string {
		p := Priority{Urgency: uint8(a.NamedInt("u")), Incremental: a.Flag("i")}
		if err := v.c.SetPriority(uint32(a.Uint()), p); err != nil {
			return failure(err)
		}
		return ""
	}
	ops["priority-update"] = func(a *codectest.Args) string {
		p := Priority{Urgency: uint8(a.NamedInt("u")), Incremental: a.Flag("i")}
		id := uint32(a.Uint())
		return law(func(dst []byte) ([]byte, error) { return v.c.AppendPriorityUpdate(dst, id, p) })
	}
	ops["writable"] = func(a *codectest.Args) string { return fmt.Sprint(v.c.Writable(uint32(a.Uint()))) }
	ops["blocked"] = func(a *codectest.Args) string { return v.c.Blocked(uint32(a.Uint())).String() }
	ops["can-open"] = func(*codectest.Args) string { return fmt.Sprint(v.c.CanOpen(), " ", v.c.OpenBlocked()) }
}

func (v *vectorConn) ending(ops map[string]codectest.VectorOp) {
	ops["shutdown"] = func(*codectest.Args) string { v.c.Shutdown(); return "" }
	ops["goaway"] = func(*codectest.Args) string { v.c.GoAway(EnhanceYourCalm); return "" }
	ops["state"] = func(*codectest.Args) string {
		return fmt.Sprintf("done %v, idle %v, streams %d, error %v", v.c.Done(), v.c.Idle(), v.c.Streams(), v.c.Err() != nil)
	}
}

// textVectors has the functions that need no connection.
func textVectors(ops map[string]codectest.VectorOp) {
	ops["alt-svc"] = func(a *codectest.Args) string {
		out, fits := AppendAltSvc(nil, uint32(a.Uint()), string(a.Bytes()), string(a.Bytes()))
		return strings.TrimPrefix(fmt.Sprintf("%s\nfits %v", frames(out), fits), "\n")
	}
	ops["origin"] = func(a *codectest.Args) string {
		var list []string
		for a.More() {
			list = append(list, string(a.Bytes()))
		}
		out, fits := AppendOrigin(nil, list...)
		return strings.TrimPrefix(fmt.Sprintf("%s\nfits %v", frames(out), fits), "\n")
	}
	ops["priority"] = func(a *codectest.Args) string {
		p, valid := ParsePriorityField(a.Bytes())
		return fmt.Sprintf("urgency %d incremental %v valid %v %s", p.Urgency, p.Incremental, valid, codectest.Quote(AppendPriorityField(nil, p)))
	}
	ops["padding"] = func(a *codectest.Args) string { return codectest.Quote(AppendPadding(nil, int(a.Int()))) }
	ops["code"] = func(a *codectest.Args) string { return ErrorCode(a.Uint()).Error() }
	ops["kind"] = func(a *codectest.Args) string { return Kind(a.Uint()).String() + " " + Block(a.Uint()).String() }
	ops["upgrade-settings"] = func(*codectest.Args) string { return string(AppendUpgradeSettings(nil, nil)) }
	ops["decode-upgrade"] = func(a *codectest.Args) string {
		out, err := DecodeUpgradeSettings(nil, a.Bytes())
		if err != nil {
			return err.Error()
		}
		return codectest.Quote(out)
	}
}
