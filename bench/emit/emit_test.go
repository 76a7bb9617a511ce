package emit

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/valyala/fasthttp"
)

const date = "Sun, 06 Nov 1994 08:49:37 GMT"

func purewireHead() *http1.ResponseHead {
	return &http1.ResponseHead{
		Status: 200, Framing: http1.Length, Length: 13, Date: []byte(date),
		Fields: []codec.Field{
			{Name: []byte("Server"), Value: []byte("purewire")},
			{Name: []byte("Content-Type"), Value: []byte("text/plain; charset=utf-8")},
		},
	}
}

func fasthttpHead() *fasthttp.ResponseHeader {
	var h fasthttp.ResponseHeader
	h.SetStatusCode(200)
	h.SetServer("purewire")
	h.SetContentType("text/plain; charset=utf-8")
	h.SetContentLength(13)
	return &h
}

func nethttpHead() http.Header {
	return http.Header{"Server": {"purewire"}, "Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {"13"}, "Date": {date}}
}

// All three must write the same four fields, or the figures compare nothing.
func TestSameFields(t *testing.T) {
	var e http1.Encoder
	own, err := e.AppendResponse(nil, purewireHead())
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := nethttpHead().Write(&w); err != nil {
		t.Fatal(err)
	}
	for peer, text := range map[string]string{
		"purewire": string(own), "fasthttp": string(fasthttpHead().AppendBytes(nil)), "nethttp": "HTTP/1.1 200 OK\r\n" + w.String() + "\r\n",
	} {
		for _, want := range []string{"HTTP/1.1 200 OK\r\n", "Server: purewire\r\n", "Content-Type: text/plain; charset=utf-8\r\n", "Content-Length: 13\r\n", "Date: "} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q: %q", peer, want, text)
			}
		}
		if n := strings.Count(text, "\r\n"); n != 6 {
			t.Errorf("%s writes %d lines: %q", peer, n, text)
		}
	}
}

func BenchmarkResponseHead(b *testing.B) {
	dst := make([]byte, 0, 512)
	b.Run("purewire", func(b *testing.B) {
		h := purewireHead()
		b.ReportAllocs()
		for b.Loop() {
			var e http1.Encoder
			dst, _ = e.AppendResponse(dst[:0], h)
		}
	})
	b.Run("purewire static", func(b *testing.B) {
		s, err := http1.NewStatic(purewireHead(), []byte("Hello, World!"))
		if err != nil {
			b.Fatal(err)
		}
		now := []byte(date)
		b.ReportAllocs()
		for b.Loop() {
			dst = s.Append(dst[:0], false, false, now)
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		h := fasthttpHead()
		b.ReportAllocs()
		for b.Loop() {
			dst = h.AppendBytes(dst[:0])
		}
	})
	b.Run("nethttp", func(b *testing.B) {
		h := nethttpHead()
		var w bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			w.Reset()
			w.WriteString("HTTP/1.1 200 OK\r\n")
			_ = h.Write(&w)
			w.WriteString("\r\n")
		}
	})
}
