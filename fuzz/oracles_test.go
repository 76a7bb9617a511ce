package fuzz

import (
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/codec/ws"
)

// fails runs body and returns what it has failed with, "" if it has not.
func fails(body func(p *Program)) (what string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case violation:
			what = string(v)
		default:
			panic(v)
		}
	}()
	body(&Program{data: make([]byte, 64)})
	return ""
}

// The watcher of HTTP/2 lets legal frames pass and finds each kind of illegal ones.
func TestHTTP2Watcher(t *testing.T) {
	var enc hpack.Encoder
	block := enc.AppendBlock(nil, []codec.Field{{Name: []byte(":status"), Value: []byte("200")}})
	head := http2.AppendHeaders(nil, 1, block, false, 16384, nil)
	data := func(id uint32, n int, end bool) []byte {
		return append(http2.AppendDataHeader(nil, id, n, -1, end), make([]byte, n)...)
	}
	open := http2.AppendFrameHeader(nil, http2.FrameHeader{Type: http2.FrameHeaders, Stream: 1, Length: 1})
	for _, c := range []struct {
		name  string
		role  http2.Role
		heard []byte
		sent  []byte
		want  string
	}{
		{"a response", http2.Server, nil, join(head, data(1, 5, true), http2.AppendSettings(nil)), ""},
		{"within a window that has grown", http2.Server, join(http2.AppendWindowUpdate(nil, 0, 10), http2.AppendWindowUpdate(nil, 1, 10)), join(head, data(1, 16384, false), data(1, 16384, false), data(1, 16384, false), data(1, 16384, false), data(1, 9, false)), ""},
		{"beyond a window", http2.Server, nil, join(head, data(1, 16384, false), data(1, 16384, false), data(1, 16384, false), data(1, 16384, false)), "beyond a window"},
		{"beyond the window of a stream", http2.Server, http2.AppendWindowUpdate(nil, 0, 1<<20), join(head, data(1, 16384, false), data(1, 16384, false), data(1, 16384, false), data(1, 16384, false)), "beyond a window"},
		{"content before a head", http2.Server, nil, data(1, 1, false), "head sent false"},
		{"content behind the end", http2.Server, nil, join(head, data(1, 1, true), data(1, 1, false)), "ended true"},
		{"content behind a reset", http2.Server, nil, join(head, http2.AppendRSTStream(nil, 1, http2.Cancel), data(1, 1, false)), "ended true"},
		{"a head behind the end", http2.Server, nil, join(head, data(1, 1, true), head), "behind its end"},
		{"a frame inside a field block", http2.Server, nil, join(open, []byte{0x88}, http2.AppendSettings(nil)), "inside of a field block"},
		{"a continuation of nothing", http2.Server, nil, http2.AppendContinuation(nil, 1, nil, true), "behind no field block"},
		{"a block that is none", http2.Server, nil, http2.AppendHeaders(nil, 1, []byte{0xff, 0xff}, true, 16384, nil), "cannot be decoded"},
		{"an acknowledgment too many", http2.Server, nil, http2.AppendSettingsAck(nil), "nobody has sent"},
		{"the acknowledgment", http2.Server, http2.AppendSettings(nil), http2.AppendSettingsAck(nil), ""},
		{"a window of nothing more", http2.Server, nil, http2.AppendWindowUpdate(nil, 0, 0), "WINDOW_UPDATE"},
		{"push", http2.Server, nil, http2.AppendPushPromise(nil, 1, 2, block, 16384), "sent PUSH_PROMISE"},
		{"a ping on a stream", http2.Server, nil, append(http2.AppendFrameHeader(nil, http2.FrameHeader{Type: http2.FramePing, Length: 8, Stream: 1}), make([]byte, 8)...), "sent {"},
		{"no preface", http2.Client, nil, http2.AppendSettings(nil), "begins with"},
		{"an idle stream", http2.Client, nil, join([]byte(http2.ClientPreface), http2.AppendRSTStream(nil, 1, http2.Cancel)), "idle"},
		{"an even stream", http2.Client, nil, join([]byte(http2.ClientPreface), http2.AppendHeaders(nil, 2, block, false, 16384, nil)), "opened stream 2"},
	} {
		got := fails(func(p *Program) {
			w := newHTTP2Watcher(p, c.role)
			for len(c.heard) > 0 {
				var h http2.FrameHeader
				n := http2.ParseFrameHeader(c.heard, &h) + int(h.Length)
				w.heard(c.heard[:n])
				c.heard = c.heard[n:]
			}
			w.saw(c.sent[:len(c.sent)/2])
			w.saw(c.sent[len(c.sent)/2:])
		})
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// What checkHTTP1 finds if the bytes are not those of the message.
func TestHTTP1Oracle(t *testing.T) {
	request := func() *http1Message {
		return &http1Message{request: &http1.RequestHead{Method: []byte("GET"), Target: []byte("/a"), Host: []byte("h"), Framing: http1.NoBody,
			Fields: []codec.Field{{Name: []byte("A"), Value: []byte("b")}}}}
	}
	for wire, want := range map[string]string{
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n":                                                "",
		"GET /b HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n":                                                "read as",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nB: c\r\n\r\n":                                        "fields: 2 arrived",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nConnection: close\r\n\r\n":                           "keep-alive false",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 1\r\n\r\nx":                          "content",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n":              "behind it",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 90\r\n\r\n":                          "not whole",
		"GET /a HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n":                                               "whitespace",
		"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n": "trailers",
	} {
		got := fails(func(p *Program) { checkHTTP1(p, request(), []byte(wire)) })
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
	}
}

// Two ends that have agreed on different things, or a link that changes a byte, do not pass.
func TestWSPairFinds(t *testing.T) {
	keys := uint32(1)
	cfg := &ws.Config{DeflateMin: -1, Rand: func() uint32 { keys++; return keys }, Pool: ws.NewFreeList(1)}
	talk := func(p *Program, deflate bool, bend int) {
		var up, down link
		var d *ws.Deflate
		if deflate {
			d = &ws.Deflate{ServerBits: 15, ClientBits: 15}
		}
		s := &wsEnd{Conn: wsNew(ws.Server, cfg, nil), name: "server", in: &up, out: &down}
		c := &wsEnd{Conn: wsNew(ws.Client, cfg, d), name: "client", in: &down, out: &up}
		msg := wsMessage{op: ws.Binary, data: content(1, 0, 50)}
		var err error
		up.out, err = c.AppendMessage(nil, ws.Binary, append(msg.data[:len(msg.data):len(msg.data)], make([]byte, 100)...))
		p.must(err, "message")
		msg.data = append(msg.data, make([]byte, 100)...)
		c.sent = append(c.sent, msg)
		if bend > 0 {
			up.out[bend] ^= 1
		}
		up.carry(-1)
		s.read(p, c)
		if s.seen != 1 {
			p.Fail("seen %d", s.seen)
		}
	}
	if got := fails(func(p *Program) { talk(p, false, 0) }); got != "" {
		t.Error(got)
	}
	if got := fails(func(p *Program) { talk(p, true, 0) }); !strings.Contains(got, "server: ws: 6455-5.2") {
		t.Errorf("compressed for one end only: %q", got)
	}
	for bend, want := range map[int]string{0: "", 1: "", 20: "message 0 is"} {
		if got := fails(func(p *Program) { talk(p, false, max(bend, 1)) }); got == "" || !strings.Contains(got, want) {
			t.Errorf("byte %d changed: %q", bend, got)
		}
	}
}

// A broken link carries nothing, and what waits is lost.
func TestLink(t *testing.T) {
	var l link
	l.out = []byte("abcdef")
	if n := l.carry(4); n != 4 || string(l.in) != "abcd" || string(l.out) != "ef" {
		t.Errorf("%d, %q, %q", n, l.in, l.out)
	}
	l.consume(3)
	if n := l.carry(-1); n != 2 || string(l.in) != "def" || l.total != 6 {
		t.Errorf("%d, %q, %d", n, l.in, l.total)
	}
	l.out, l.broken = []byte("lost"), true
	if n := l.carry(-1); n != 0 || len(l.out) != 0 || string(l.in) != "def" {
		t.Errorf("%d, %q, %q", n, l.in, l.out)
	}
}

func TestProgram(t *testing.T) {
	p := &Program{data: []byte{7, 1, 0xff, 3, 'a', 'b', 'c', 0xff, 0xf0, 200, 1}}
	if p.N(5) != 2 || !p.Bool() || Pick(p, "x", "y") != "y" || string(p.Bytes(10)) != "abc" || p.Size() != 0xffff || string(p.Bytes(255)) != "\x01" {
		t.Error("choices are not those of the bytes")
	}
	if p.More() || p.Byte() != 0 || p.N(9) != 0 || len(p.Bytes(9)) != 0 || p.Size() != 0 {
		t.Error("behind the end every choice is 0")
	}
}
