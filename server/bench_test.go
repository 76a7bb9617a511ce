package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkHandler is one request through an http.Handler, without a socket; a goroutine starts and a wake-up comes back, as on the reactor.
func BenchmarkHandler(b *testing.B) {
	text := []string{"text/plain"}
	r := newRig(b, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = text
		_, _ = io.WriteString(w, "Hello, World!")
	})})
	b.ReportAllocs()
	for b.Loop() {
		r.send("GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n\r\n").idle()
		r.wire = r.wire[:0]
	}
}

// BenchmarkNative is one of 16 pipelined requests through a native handler, without a socket.
func BenchmarkNative(b *testing.B) {
	r := newRig(b, Config{Native: NativeFunc(func(c *Ctx) { _ = c.ReplyString(200, "text/plain", "Hello, World!") })})
	in, out := []byte(strings.Repeat("GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n\r\n", 16)), make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		r.m.Receive(&r.turn, in, out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16, "ns/request")
}
