package http2

import (
	"bytes"
	"testing"

	"github.com/purewire/purewire/codec"
)

// requestFrames are the preface and n requests of one client, as they look when its dynamic table has been filled.
func requestFrames(n int) (start, rest []byte) {
	var c Conn
	c.Init(Client, Config{Limits: Limits{Requests: -1}}.Profile())
	out := c.AppendOwed(nil, 1<<20)
	c.phase = wantFrames // as if the server's SETTINGS had come
	fields := []codec.Field{field("user-agent", "h2load nghttp2/1.52.0"), field("accept", "*/*")}
	for range n {
		out, _, _ = c.AppendRequest(out, &RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("127.0.0.1:8080"), Path: []byte("/hello")}, fields, true)
		if start == nil {
			start, out = out, nil
		}
	}
	return start, out
}

// BenchmarkServe is what a server does for a small request and its response: 32 requests in one read, one write.
func BenchmarkServe(b *testing.B) {
	const batch, rounds = 32, 1000
	start, rest := requestFrames(1 + batch*rounds)
	body := bytes.Repeat([]byte("x"), 12)
	response := []codec.Field{field("content-type", "text/plain"), field("content-length", "12"), field("date", "Sat, 21 Nov 2026 08:00:00 GMT")}
	size := len(rest) / (batch * rounds)
	if size*batch*rounds != len(rest) {
		b.Fatal("requests of different sizes")
	}
	var c Conn
	var ev Event
	out := make([]byte, 0, 1<<16)
	reset := func() {
		c.Init(Server, nil)
		c.Advance(1)
		out = c.AppendOwed(out[:0], 1<<16)
		for at := 0; at < len(start); {
			n, err := c.Next(start[at:], &ev)
			if err != nil {
				b.Fatal(err)
			}
			at += n
			if ev.Kind == Request {
				out, _ = c.AppendResponse(out[:0], ev.Stream, 200, nil, true)
			}
		}
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i += batch {
		round := i / batch % rounds
		if round == 0 {
			reset()
		}
		src := rest[round*batch*size:][:batch*size]
		out = out[:0]
		for {
			n, err := c.Next(src, &ev)
			if err != nil {
				b.Fatal(err)
			}
			src = src[n:]
			if ev.Kind == None {
				break
			}
			if out, err = c.AppendResponse(out, ev.Stream, 200, response, false); err != nil {
				b.Fatal(err)
			}
			if out, _, err = c.AppendData(out, ev.Stream, body, true); err != nil {
				b.Fatal(err)
			}
		}
		out = c.AppendOwed(out, 1<<16)
	}
}
