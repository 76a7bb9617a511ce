package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

func h1client(t testing.TB) *http.Client {
	tr := new(http.Transport)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

func trailersOf(kv ...string) (list []codec.Field) {
	for i := 0; i < len(kv); i += 2 {
		list = append(list, codec.Field{Name: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	return list
}

// TestReplyTrailers: RFC 9110 section 6.5, over HTTP/1.1 and HTTP/2, with content that fits the windows and content that waits for them.
func TestReplyTrailers(t *testing.T) {
	sizes := map[string]int{"/none": 0, "/some": 128, "/many": 3_000_000}
	native := NativeFunc(func(c *Ctx) {
		c.SetField([]byte("X-Head"), []byte("h"))
		body := bytes.Repeat([]byte("b"), sizes[string(c.Path())])
		own := trailersOf("Grpc-Status", "0", "x-end", "e")
		if err := c.ReplyTrailers(200, "application/grpc", body, own); err != nil {
			t.Error(err)
		}
		for i := range body { // both were lent only
			body[i] = 'x'
		}
		for i := range own {
			clear(own[i].Value)
		}
		if err := c.ReplyTrailers(200, "", nil, nil); err != ErrAnswered {
			t.Error("a second answer:", err)
		}
	})
	for _, c := range []*http.Client{h1client(t), h2client(t)} {
		onBoth(t, Config{Native: native}, func(t *testing.T, _ *http.Client, url string) {
			for path, size := range sizes {
				for _, method := range []string{"GET", "HEAD"} {
					r, err := http.NewRequestWithContext(context.Background(), method, url+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					res, err := c.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(res.Body)
					if err != nil {
						t.Fatal(err)
					}
					_ = res.Body.Close()
					if res.Header.Get("X-Head") != "h" || res.Header.Get("Content-Type") != "application/grpc" {
						t.Errorf("head %v", res.Header)
					}
					if method == "HEAD" {
						if len(b) > 0 || res.Trailer.Get("x-end") != "" {
							t.Errorf("the answer to HEAD has %d bytes and %v", len(b), res.Trailer)
						}
						continue
					}
					if len(b) != size || bytes.Count(b, []byte("b")) != size {
						t.Errorf("%d bytes of %d", len(b), size)
					}
					if fmt.Sprint(res.Trailer) != "map[Grpc-Status:[0] X-End:[e]]" || res.Header.Get("Content-Length") != "" {
						t.Errorf("%s: trailers %v, length %q", path, res.Trailer, res.Header.Get("Content-Length"))
					}
				}
			}
		})
	}
}

// TestReplyTrailersRefused: what may not be sent is refused before anything is.
func TestReplyTrailersRefused(t *testing.T) {
	native := NativeFunc(func(c *Ctx) {
		for _, bad := range [][]codec.Field{
			trailersOf("a", "b\r\nc: d"), trailersOf("a b", "c"), trailersOf("", ""), trailersOf("a", " b"),
			trailersOf("Content-Length", "1"), trailersOf("transfer-encoding", "chunked"), trailersOf("ok", "1", ":status", "200"),
		} {
			if err := c.ReplyTrailers(200, "", []byte("x"), bad); err != errTrailer {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if err := c.ReplyTrailers(99, "", []byte("x"), trailersOf("a", "b")); err == nil {
			t.Error("status 99")
		}
		if err := c.ReplyTrailers(200, "", []byte("fine"), nil); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []*http.Client{h1client(t), h2client(t)} {
		onBoth(t, Config{Native: native}, func(t *testing.T, _ *http.Client, url string) {
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || string(b) != "fine" || res.ContentLength != 4 {
				t.Errorf("%q %v, length %d", b, err, res.ContentLength)
			}
		})
	}
	// HTTP/1.0 has no chunked coding, and so no trailers.
	r := newRig(t, Config{Native: NativeFunc(func(c *Ctx) { _ = c.ReplyTrailers(200, "", []byte("old"), trailersOf("a", "b")) })})
	r.send("GET / HTTP/1.0\r\n\r\n")
	if got := string(r.out) + string(r.wire); !strings.HasSuffix(got, "\r\n\r\nold") || strings.Contains(got, "a: b") {
		t.Errorf("HTTP/1.0: %q", got)
	}
}
