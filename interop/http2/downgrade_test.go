package http2_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http2/hpack"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
)

// gateway turns HTTP/2 requests into HTTP/1.1, as a proxy does.
type gateway struct {
	c      http2.Conn
	ev     http2.Event
	stream uint32
	enc    *hpack.Encoder
	block  bytes.Buffer
	wire   []byte
	out    []byte
	fields []codec.Field
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{stream: 1}
	g.c.Init(http2.Server, http2.Config{Limits: http2.Limits{Resets: -1, Fruitless: -1}}.Profile())
	g.enc = hpack.NewEncoder(&g.block)
	src := http2.AppendSettings([]byte(http2.ClientPreface))
	g.feed(t, src)
	return g
}

func (g *gateway) feed(t *testing.T, src []byte) (kind http2.Kind) {
	kind = http2.None
	for {
		n, err := g.c.Next(src, &g.ev)
		src = src[n:]
		if err != nil {
			t.Fatalf("the connection ended: %s", failed(err))
		}
		if g.ev.Kind == http2.None {
			break
		}
		kind = g.ev.Kind
		if kind == http2.Request {
			g.convert()
			g.out, _ = g.c.AppendResponse(g.out[:0], g.ev.Stream, 200, nil, true)
			if !g.ev.EndStream {
				g.c.Reset(g.ev.Stream, http2.NoError)
			}
		}
	}
	g.out = g.c.AppendOwed(g.out[:0], 1<<20)
	return kind
}

// convert writes the request of the event as HTTP/1.1 to g.wire; it is empty if the HTTP/1 encoder refuses.
func (g *gateway) convert() {
	ev := &g.ev
	h := http1.RequestHead{Method: ev.Method, Target: ev.Path, Host: ev.Authority, Framing: http1.NoBody}
	if string(ev.Method) == "CONNECT" {
		h.Target = ev.Authority
	}
	g.fields = g.fields[:0]
	for _, f := range ev.Fields {
		switch string(f.Name) {
		case "host", "content-length", "te", "expect":
		default:
			g.fields = append(g.fields, f)
		}
	}
	h.Fields = g.fields
	switch {
	case ev.ContentLength >= 0 && ev.ContentLength <= 1000:
		h.Framing, h.Length = http1.Length, ev.ContentLength
	case !ev.EndStream:
		h.Framing = http1.Chunked
	}
	var e http1.Encoder
	g.wire = g.wire[:0]
	wire, err := e.AppendRequest(g.wire, &h)
	switch {
	case err != nil:
		return
	case h.Framing == http1.Length:
		wire, err = e.AppendBody(wire, bytes.Repeat([]byte("x"), int(h.Length)))
	case h.Framing == http1.Chunked:
		wire, err = e.AppendBody(wire, []byte("GET /body HTTP/1.1\r\nHost: b\r\n\r\n"))
	}
	if err == nil {
		wire, err = e.AppendEnd(wire, nil)
	}
	if err == nil {
		g.wire = wire
	}
}

// request sends a field list as one HTTP/2 request and reports whether it came out as HTTP/1.1.
func (g *gateway) request(t *testing.T, list []hpack.HeaderField, end bool) bool {
	g.block.Reset()
	for _, f := range list {
		g.enc.WriteField(f)
	}
	g.wire = g.wire[:0]
	g.feed(t, http2.AppendHeaders(nil, g.stream, g.block.Bytes(), end, 0, nil))
	g.stream += 2
	return len(g.wire) > 0
}

const guard = "GET /guard HTTP/1.1\r\nHost: guard\r\n\r\n"

// seen is what a parser makes of the bytes: one line for each request.
type seen func(wire []byte) []string

func byNetHTTP(wire []byte) (out []string) {
	r := bufio.NewReader(bytes.NewReader(wire))
	for {
		req, err := http.ReadRequest(r)
		if err == io.EOF {
			return out
		}
		if err != nil {
			return append(out, "error "+err.Error())
		}
		target := req.RequestURI
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return append(out, "error "+err.Error())
		}
		out = append(out, req.Method+" "+target+" "+req.Host)
	}
}

func byFastHTTP(wire []byte) (out []string) {
	r := bufio.NewReader(bytes.NewReader(wire))
	var req fasthttp.Request
	for {
		if err := req.Read(r); err != nil {
			if err == io.EOF {
				return out
			}
			return append(out, "error "+err.Error())
		}
		out = append(out, fmt.Sprintf("%s %s %s", req.Header.Method(), req.Header.RequestURI(), req.Header.Host()))
	}
}

func byOurs(wire []byte) (out []string) {
	var d http1.Decoder
	var ev http1.Event
	d.InitRequest(http1.Options{}.Profile())
	for {
		n, err := d.Next(wire, &ev)
		wire = wire[n:]
		switch {
		case err != nil:
			return append(out, "error "+err.Error())
		case ev.Kind == http1.None:
			if len(wire) > 0 {
				out = append(out, "rest")
			}
			return out
		case ev.Kind == http1.Request:
			out = append(out, fmt.Sprintf("%s %s %s", ev.Method, ev.Target, ev.Authority))
		case ev.Kind == http1.End:
			d.Resume()
		}
	}
}

// one checks that the request is exactly one to every parser, and that what follows it is what follows it.
func (g *gateway) one(t *testing.T, list []hpack.HeaderField) {
	wire := append(bytes.Clone(g.wire), guard...)
	method, target, host := "", "", ""
	for _, f := range list {
		switch f.Name {
		case ":method":
			method = f.Value
		case ":path":
			target = f.Value
		case ":authority":
			host = f.Value
		case "host":
			if host == "" {
				host = f.Value
			}
		}
	}
	if method == "CONNECT" {
		return // what follows is a tunnel: there is no second request
	}
	want := method + " " + target + " " + host
	for name, parse := range map[string]seen{"ours": byOurs, "net/http": byNetHTTP, "fasthttp": byFastHTTP} {
		got := parse(wire)
		if len(got) == 2 && got[0] == want && got[1] == "GET /guard guard" {
			continue
		}
		if len(got) == 1 && strings.HasPrefix(got[0], "error ") {
			continue // refused as a whole: nothing is smuggled
		}
		t.Errorf("%q became %q, which %s reads as %q, not %q", list, g.wire, name, got, want)
	}
}

// smuggling lists what has been used to make two requests of one: a line of HTTP/1 in a name, a value or a pseudo-header field,
// framing fields, and hosts that differ. Each must be refused.
var smuggling = func() (all [][]hpack.HeaderField) {
	base := []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "/"}}
	add := func(extra ...hpack.HeaderField) {
		all = append(all, append(append([]hpack.HeaderField{}, base...), extra...))
	}
	set := func(name, value string) {
		list := append([]hpack.HeaderField{}, base...)
		for i := range list {
			if list[i].Name == name {
				list[i].Value = value
			}
		}
		all = append(all, list)
	}
	inject := []string{"\r\n", "\n", "\r", "\x00", "\r\nTransfer-Encoding: chunked", "\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n", "\nx: y", "\x0b", "\x0c", "\x1f", "\x7f"}
	for _, s := range inject {
		add(hpack.HeaderField{Name: "x", Value: "a" + s + "b"})
		add(hpack.HeaderField{Name: "x", Value: s + "b"})
		add(hpack.HeaderField{Name: "x", Value: "a" + s})
		add(hpack.HeaderField{Name: "x" + s + "y", Value: "b"})
		add(hpack.HeaderField{Name: "x: y" + s, Value: "b"})
		set(":method", "GET"+s)
		set(":method", "GET / HTTP/1.1"+s)
		set(":path", "/"+s)
		set(":path", "/ HTTP/1.1"+s)
		set(":authority", "a.example"+s)
		set(":scheme", "https"+s)
		add(hpack.HeaderField{Name: "cookie", Value: "a=b" + s})
	}
	for _, s := range []string{" ", "\t", "/ ", "/a b", "/a\tb", "a", "http://a.example/", "//", "?", "", "*", "/#", "/\x80"} {
		if s != "//" {
			set(":path", s)
		}
	}
	for _, s := range []string{"", " ", "GET ", " GET", "G T", "GET/", "GET,POST", "G:T", "G\x80T", "\"GET\""} {
		set(":method", s)
	}
	for _, s := range []string{"", "u@a.example", "a.example/", "a b", "a,b", "a.example:x", "a.example:70000", "[::1", "a?b", "a#b", "a\\b"} {
		set(":authority", s)
	}
	for _, s := range []string{"chunked", "identity", "gzip, chunked", "", "Chunked"} {
		add(hpack.HeaderField{Name: "transfer-encoding", Value: s})
		add(hpack.HeaderField{Name: "Transfer-Encoding", Value: s})
		add(hpack.HeaderField{Name: "transfer-encoding ", Value: s})
	}
	for _, s := range []string{"1, 1", "+1", "-1", "0x1", "1 ", " 1", "", "1\r\n", "99999999999999999999", "1_0", "１"} {
		add(hpack.HeaderField{Name: "content-length", Value: s})
	}
	add(hpack.HeaderField{Name: "content-length", Value: "0"}, hpack.HeaderField{Name: "content-length", Value: "5"})
	add(hpack.HeaderField{Name: "content-length", Value: "5"}, hpack.HeaderField{Name: "content-length", Value: "5"})
	for _, name := range []string{"connection", "proxy-connection", "keep-alive", "upgrade", "Host", "Connection", "", " ", "a b", "a\tb", "(a)", "a/b", "a@b", "[a]", "a\x80", ":a", "a:", "a:b", ":path", ":method", ":authority", ":scheme", ":status", ":protocol"} {
		add(hpack.HeaderField{Name: name, Value: "x"})
	}
	add(hpack.HeaderField{Name: "te", Value: "chunked"})
	add(hpack.HeaderField{Name: "te", Value: "trailers, chunked"})
	for _, s := range []string{"b.example", "a.example:1", "", "a.example, b.example", "a.example\r\nx: y"} {
		add(hpack.HeaderField{Name: "host", Value: s})
	}
	add(hpack.HeaderField{Name: "host", Value: "a.example"}, hpack.HeaderField{Name: "host", Value: "a.example"})
	return all
}()

// THREATS H2-14: none of the vectors gets through, and the honest ones beside them do.
func TestDowngradeVectors(t *testing.T) {
	g := newGateway(t)
	if len(smuggling) < 200 {
		t.Errorf("only %d vectors", len(smuggling))
	}
	for _, list := range smuggling {
		if g.request(t, list, false) {
			t.Errorf("%q became %q", list, g.wire)
		}
	}
	honest := [][]hpack.HeaderField{
		{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "/a?b=c&d=%0d%0a"}},
		{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "/"}, {Name: "content-length", Value: "37"}, {Name: "te", Value: "trailers"}},
		{{Name: ":method", Value: "PUT"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "//x"}, {Name: "cookie", Value: "a=b"}, {Name: "cookie", Value: "c=d"}},
		{{Name: ":method", Value: "OPTIONS"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "*"}, {Name: "host", Value: "a.example"}},
	}
	for _, list := range honest {
		if !g.request(t, list, list[0].Value == "GET" || list[0].Value == "OPTIONS") {
			t.Errorf("%q is refused", list)
			continue
		}
		g.one(t, list)
	}
}

// Random lists, nearly right: each is one request to every parser, or none.
func TestDowngradeRandom(t *testing.T) {
	n := 1000000
	if testing.Short() {
		n = 50000
	}
	g := newGateway(t)
	r := rand.New(rand.NewPCG(5, 6))
	names := []string{":method", ":scheme", ":authority", ":path", ":status", ":protocol", "host", "content-length", "transfer-encoding", "te", "cookie", "x", "connection", "expect", "upgrade", "trailer", "a-b"}
	values := []string{"GET", "POST", "OPTIONS", "https", "a.example", "/", "*", "/a?b", "5", "0", "chunked", "trailers", "x y", "", "a=b", "100-continue", "a.example:80", "PUT"}
	nasty := "\r\n\x00 \t:,;/@#?%[]()\\\"AZ\x7f\x80\xff"
	spoil := func(s string) string {
		at := r.IntN(len(s) + 1)
		return s[:at] + string(nasty[r.IntN(len(nasty))]) + s[at:]
	}
	through := 0
	for range n {
		list := []hpack.HeaderField{{Name: ":method", Value: values[r.IntN(3)]}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "/a"}}
		for range r.IntN(4) {
			list = append(list, hpack.HeaderField{Name: names[r.IntN(len(names))], Value: values[r.IntN(len(values))]})
		}
		for range r.IntN(3) {
			f := &list[r.IntN(len(list))]
			switch r.IntN(5) {
			case 0:
				f.Name = spoil(f.Name)
			case 1, 2:
				f.Value = spoil(f.Value)
			case 3:
				f.Value = values[r.IntN(len(values))]
			default:
				f.Name = names[r.IntN(len(names))]
			}
		}
		if g.request(t, list, r.IntN(2) == 0) {
			through++
			g.one(t, list)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d of %d requests got through", through, n)
	if through < n/20 || through > n*3/4 {
		t.Errorf("%d of %d requests got through: the mixture is wrong", through, n)
	}
}
