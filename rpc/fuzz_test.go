package rpc_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
)

// FuzzServer: whatever a request is, the server answers it once: with HTTP status 415 or 505, or with one grpc-status; handlers only see
// the path that was registered, byte for byte (G-02).
func FuzzServer(f *testing.F) {
	for _, s := range []struct{ method, path, contentType, encoding, timeout, md, body string }{
		{"POST", "/t.Kinds/Echo", "application/grpc", "", "", "", frame(2, 0, "hi")},
		{"POST", "/t.Kinds/Chat", "application/grpc+proto", "gzip", "1S", "AAE=", frame(1, 1, "x")},
		{"POST", "/t.Kinds/Sum", "application/grpc-web", "identity", "99999999H", "!", frame(0, 0, "")},
		{"POST", "/t.Kinds/Count", "application/grpc-web-text", "", "0n", "", "AAAAAAEz"},
		{"GET", "/t.Kinds//Echo", "application/json", "br", "x", ",", "\x00\x00"},
		{"POST", "/t.Kinds/Ech%6f", "application/grpc", "deflate", "1", "AA,AA", frame(1<<32-1, 0, "")},
		{"POST", "/t.Kinds/Echo?q", "application/grpc", "", "", "", frame(0, 0x80, "")},
	} {
		f.Add(s.method, s.path, s.contentType, s.encoding, s.timeout, s.md, s.body, true)
		f.Add(s.method, s.path, s.contentType, s.encoding, s.timeout, s.md, s.body, false)
	}
	known := map[string]bool{"/t.Kinds/Echo": true, "/t.Kinds/Sum": true, "/t.Kinds/Count": true, "/t.Kinds/Chat": true}
	f.Fuzz(func(t *testing.T, method, path, contentType, encoding, timeout, md, body string, second bool) {
		srv := kinds(rpc.ServerConfig{
			MaxReceive: 1 << 16,
			Unary: []rpc.UnaryInterceptor{func(ctx context.Context, m string, req []byte, next rpc.UnaryFunc) ([]byte, error) {
				if m != path || !known[m] {
					t.Errorf("the interceptor sees %q of %q", m, path)
				}
				return next(ctx, req)
			}},
			Stream: []rpc.StreamInterceptor{func(s *rpc.Stream, next rpc.StreamFunc) error {
				if s.Method() != path || !known[path] {
					t.Errorf("the interceptor sees %q of %q", s.Method(), path)
				}
				return next(s)
			}},
			OnPanic: func(method string, v any, stack []byte) { t.Errorf("%s: %v\n%s", method, v, stack) },
		})
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Method, r.RequestURI = method, path
		if second {
			r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
		}
		set := func(k, v string) {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		set("Content-Type", contentType)
		set("Grpc-Encoding", encoding)
		set("Grpc-Timeout", timeout)
		set("X-A-Bin", md)
		set("Te", "trailers")
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		switch res := w.Result(); res.StatusCode {
		case 415, 505:
			if w.Body.Len() > 0 {
				t.Errorf("%d with a body", res.StatusCode)
			}
		case 200:
			status := append(res.Header["Grpc-Status"], res.Trailer["Grpc-Status"]...)
			wire, _, ok := grpc.ContentType([]byte(res.Header.Get("Content-Type")))
			if !ok {
				t.Fatalf("content-type %q", res.Header.Get("Content-Type"))
			}
			if wire != grpc.Plain && len(status) == 0 {
				return // in the body: FuzzClient looks there
			}
			n, err := strconv.Atoi(strings.Join(status, " and "))
			if err != nil || n < 0 || n > 16 {
				t.Errorf("grpc-status %q", status)
			}
		default:
			t.Errorf("HTTP status %d", res.StatusCode)
		}
	})
}

// FuzzClient: whatever a response is, a call ends, with a status that has a code, and messages are not longer than the limit.
func FuzzClient(f *testing.F) {
	trailers := "grpc-status: 0\r\n"
	for _, s := range []struct{ contentType, encoding, status, body string }{
		{"application/grpc", "", "0", frame(1, 0, "x")},
		{"application/grpc", "gzip", "", frame(1, 1, "x")},
		{"application/grpc-web", "", "", frame(1, 0, "x") + frame(uint32(len(trailers)), 0x80, trailers)},
		{"application/grpc-web+proto", "gzip", "", frame(3, 0x81, "abc")},
		{"application/grpc-web-text", "", "", "AAAAAAF4gAAAAA=="},
		{"text/html", "br", "17", "hello"},
		{"application/grpc-web", "", "8", frame(9, 0x80, "no colon!")},
	} {
		for wire := range byte(3) {
			f.Add(200, s.contentType, s.encoding, s.status, s.body, wire)
		}
	}
	f.Add(503, "", "", "", "busy", byte(0))
	f.Fuzz(func(t *testing.T, code int, contentType, encoding, status, body string, wire byte) {
		if code < 200 || code > 999 {
			return
		}
		const limit = 1 << 12
		c := &rpc.Client{Base: "http://a", Wire: grpc.Wire(wire % 3), MaxReceive: limit, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			res := &http.Response{StatusCode: code, ProtoMajor: 2, Header: http.Header{}, Trailer: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
			if body == "" {
				res.Body = http.NoBody
			}
			for k, v := range map[string]string{"Content-Type": contentType, "Grpc-Encoding": encoding} {
				if v != "" {
					res.Header[k] = []string{v}
				}
			}
			if status != "" {
				res.Trailer["Grpc-Status"] = []string{status}
			}
			return res, nil
		})}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		reply, err := c.Unary(ctx, "/a.B/C", []byte("q"), nil)
		if err == nil && len(reply) > limit {
			t.Errorf("a reply of %d bytes", len(reply))
		}
		if err != nil && rpc.StatusOf(err).Code == grpc.OK {
			t.Errorf("%v is no status", err)
		}
		s, err := c.Stream(ctx, "/a.B/C", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.CloseSend()
		for n := 0; ; n++ {
			m, err := s.Recv()
			if err != nil {
				if again, same := s.Recv(); again != nil || same != err {
					t.Errorf("%v, and then %v", err, same)
				}
				return
			}
			if len(m) > limit || n > len(body) {
				t.Fatalf("message %d of %d bytes", n, len(m))
			}
		}
	})
}

// FuzzEcho: what a client of any wire sends comes back through a server, message for message.
func FuzzEcho(f *testing.F) {
	f.Add([]byte("a,bb,,ccc"), byte(0), true)
	f.Add([]byte(","), byte(1), false)
	f.Add(bytes.Repeat([]byte("long "), 5000), byte(2), true)
	srv := kinds(rpc.ServerConfig{})
	f.Fuzz(func(t *testing.T, data []byte, wire byte, compress bool) {
		c := &rpc.Client{Base: "http://a", Wire: grpc.Wire(wire % 3), Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(b))
			in.RequestURI = r.URL.Path
			in.Header, in.Proto, in.ProtoMajor, in.ProtoMinor = r.Header, "HTTP/2.0", 2, 0
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, in)
			res := w.Result()
			for k, v := range w.Header() {
				if name, ok := strings.CutPrefix(k, http.TrailerPrefix); ok {
					if res.Trailer == nil {
						res.Trailer = http.Header{}
					}
					res.Trailer[name] = v
				}
			}
			return res, nil
		})}
		call := new(rpc.Call)
		if compress {
			call.Encoding = "gzip"
		}
		s, err := c.Stream(context.Background(), "/t.Kinds/Chat", call)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Split(data, []byte(","))
		for _, m := range want {
			if err := s.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.CloseSend()
		for i := range want {
			m, err := s.Recv()
			if err != nil || !bytes.Equal(m, want[i]) {
				t.Fatalf("message %d: %q %v, not %q", i, m, err, want[i])
			}
		}
		if _, err := s.Recv(); err != io.EOF {
			t.Fatal(err)
		}
	})
}
