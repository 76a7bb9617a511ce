package rpc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

// post sends a request as it is and returns the response with the status that it ended with.
func post(t *testing.T, tr http.RoundTripper, url string, h map[string]string, body io.Reader) (*http.Response, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(bound(t), "POST", url, body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	for k, v := range h {
		if r.Header.Set(k, v); v == "" {
			r.Header.Del(k)
		}
	}
	if h[":method"] != "" {
		r.Method = h[":method"]
		r.Header.Del(":method")
	}
	resp, err := tr.RoundTrip(r)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	status := resp.Header.Get("Grpc-Status")
	if status == "" {
		status = resp.Trailer.Get("Grpc-Status")
	}
	return resp, status, string(b)
}

func frame(n uint32, flag byte, data string) string {
	return string([]byte{flag, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + data
}

// TestHeads: G-02 and G-04: what is wrong with a request is answered with a fixed status, and the server goes on.
func TestHeads(t *testing.T) {
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		ok := frame(2, 0, "hi")
		for _, v := range []struct {
			path   string
			h      map[string]string
			http   int
			status string
		}{
			{"/t.Kinds/Echo", nil, 200, "0"},
			{"/t.Kinds/Echo", map[string]string{"Content-Type": "application/grpc+proto; x=y"}, 200, "0"},
			{"/t.Kinds/Echo", map[string]string{"Content-Type": "application/json"}, 415, ""},
			{"/t.Kinds/Echo", map[string]string{"Content-Type": "application/grpcx"}, 415, ""},
			{"/t.Kinds/Echo", map[string]string{"Content-Type": ""}, 415, ""},
			{"/t.Kinds/Echo", map[string]string{"TE": ""}, 200, "13"},
			{"/t.Kinds/Echo", map[string]string{":method": "PUT"}, 200, "13"},
			{"/t.Kinds/Echo", map[string]string{"Grpc-Timeout": "99999999H"}, 200, "0"},
			{"/t.Kinds/Echo", map[string]string{"Grpc-Timeout": "999999999H"}, 200, "13"},
			{"/t.Kinds/Echo", map[string]string{"Grpc-Timeout": "1x"}, 200, "13"},
			{"/t.Kinds/Echo", map[string]string{"X-A-Bin": "AAE="}, 200, "0"},
			{"/t.Kinds/Echo", map[string]string{"X-A-Bin": "!"}, 200, "13"},
			{"/t.Kinds/Echo", map[string]string{"Grpc-Encoding": "identity"}, 200, "0"},
			{"/t.Kinds/Echo", map[string]string{"Grpc-Encoding": "br"}, 200, "12"},
			{"//t.Kinds/Echo", nil, 200, "12"},
			{"/t.Kinds//Echo", nil, 200, "12"},
			{"/t.Kinds/Echo/", nil, 200, "12"},
			{"/t.Kinds/Ech%6f", nil, 200, "12"},
			{"/t.Kinds%2fEcho", nil, 200, "12"},
			{"/t.Kinds/Echo?a", nil, 200, "12"},
			{"/t.Kinds/../t.Kinds/Echo", nil, 200, "12"},
			{"/t.kinds/Echo", nil, 200, "12"},
			{"/", nil, 200, "12"},
		} {
			resp, status, body := post(t, c.Transport, c.Base+v.path, v.h, strings.NewReader(ok))
			require.Equal(t, v.http, resp.StatusCode, "%s %v", v.path, v.h)
			require.Equal(t, v.status, status, "%s %v", v.path, v.h)
			if status == "0" {
				require.Equal(t, ok, body)
			} else {
				require.Empty(t, body)
			}
			if v.h["Grpc-Encoding"] == "br" {
				// "the server MUST include a grpc-accept-encoding response header which includes the algorithms that it supports"
				require.Equal(t, "gzip,deflate", resp.Header.Get("Grpc-Accept-Encoding"))
			}
		}
		// Plain gRPC needs HTTP/2.
		resp, _, _ := post(t, transport(t, client.HTTP1), c.Base+"/t.Kinds/Echo", map[string]string{"TE": ""}, strings.NewReader(ok))
		require.Contains(t, []int{200, 505}, resp.StatusCode)
		resp, _, _ = post(t, &http.Transport{DisableKeepAlives: true}, c.Base+"/t.Kinds/Echo", nil, strings.NewReader(ok))
		require.Equal(t, 505, resp.StatusCode)
	})
}

// TestMessageBombs: G-01: the limit holds from the prefix, while inflating, and at the end.
func TestMessageBombs(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(make([]byte, 10<<20))
	require.NoError(t, z.Close())
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		for _, v := range []struct{ body, encoding, status string }{
			{frame(1<<32-1, 0, ""), "", "8"},
			{frame(4<<20+1, 0, "x"), "", "8"},
			{frame(10, 0, "short"), "", "13"},
			{"\x00\x00", "", "13"},
			{frame(1, 2, "x"), "", "13"},
			{frame(1, 1, "x"), "", "13"},     // no encoding was announced
			{frame(1, 1, "x"), "gzip", "13"}, // not gzip
			{frame(uint32(packed.Len()), 1, packed.String()), "gzip", "8"},
			{"", "", "12"},
			{frame(0, 0, "") + frame(0, 0, ""), "", "12"},
			{frame(0, 0, ""), "", "0"},
		} {
			_, status, _ := post(t, c.Transport, c.Base+"/t.Kinds/Echo", map[string]string{"Grpc-Encoding": v.encoding}, strings.NewReader(v.body))
			require.Equal(t, v.status, status, "%q", v.body[:min(len(v.body), 10)])
		}
		_, status, _ := post(t, transport(t, client.HTTP1), c.Base+"/t.Kinds/Echo",
			map[string]string{"Content-Type": "application/grpc-web-text"}, strings.NewReader("!!!!"))
		require.Equal(t, "13", status)
	})
}

// flood gives n times the same message, and counts what was taken.
type flood struct {
	unit  string
	left  atomic.Int64
	taken atomic.Int64
}

func (f *flood) Read(p []byte) (int, error) {
	n := min(int64(len(p)/len(f.unit)), f.left.Load())
	if n == 0 {
		return 0, io.EOF
	}
	for i := range int(n) {
		copy(p[i*len(f.unit):], f.unit)
	}
	f.left.Add(-n)
	f.taken.Add(n)
	return int(n) * len(f.unit), nil
}

// TestUndelivered: G-03: of a million messages that nobody receives, what has left the client is bounded by the windows and
// buffers of the connection; nothing is queued here. The twin: as many that are received all arrive.
func TestUndelivered(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	var gate atomic.Pointer[chan struct{}]
	srv.Bidi("/t.G/Hold", func(s *rpc.Stream) error {
		release := *gate.Load()
		_ = s.SendHeader()
		select {
		case <-release:
		case <-s.Context().Done():
			return s.Context().Err()
		}
		n := 0
		for {
			m, err := s.Recv()
			if err == io.EOF {
				return s.Send(fmt.Append(nil, n))
			}
			if err != nil {
				return err
			}
			n += 1 - len(m)
		}
	})
	for _, name := range []string{"stdnet", "reactor"} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			gate.Store(&release)
			addr := engines[name](t, srv)
			f := &flood{unit: frame(0, 0, "")}
			const total = 1_000_000
			f.left.Store(total)
			r, err := http.NewRequestWithContext(bound(t), "POST", "http://"+addr+"/t.G/Hold", f)
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/grpc")
			r.Header.Set("TE", "trailers")
			r.ContentLength = -1
			resp, err := transport(t, client.H2C).RoundTrip(r)
			require.NoError(t, err)
			last := int64(-1)
			for last != f.taken.Load() { // until it stands still
				last = f.taken.Load()
				time.Sleep(30 * time.Millisecond)
			}
			require.Less(t, last*5, int64(2<<20), "bytes that nobody received")
			close(release)
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, frame(7, 0, "1000000"), string(b))
			require.Equal(t, "0", resp.Trailer.Get("Grpc-Status"))
		})
	}
}

// TestResponses: G-04 on the client's side: what a server may answer wrongly has a fixed status.
func TestResponses(t *testing.T) {
	type answer struct {
		code     int
		h        map[string]string
		body     string
		trailers map[string]string
	}
	grpcType := map[string]string{"Content-Type": "application/grpc"}
	var current atomic.Pointer[answer]
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := *current.Load()
		_, _ = io.Copy(io.Discard, r.Body)
		for k, v := range now.h {
			w.Header().Set(k, v)
		}
		w.WriteHeader(now.code)
		_, _ = io.WriteString(w, now.body)
		if now.body == "abort" {
			panic(http.ErrAbortHandler)
		}
		for k, v := range now.trailers {
			w.Header().Set(http.TrailerPrefix+k, v)
		}
	})
	with := func(kv ...string) map[string]string {
		m := map[string]string{"Content-Type": "application/grpc"}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	ok := frame(1, 0, "x")
	onAll(t, h, func(t *testing.T, c *rpc.Client) {
		for i, v := range []struct {
			a    answer
			want grpc.Code
		}{
			{answer{200, grpcType, ok, map[string]string{"Grpc-Status": "0"}}, grpc.OK},
			{answer{200, grpcType, ok, map[string]string{"Grpc-Status": "5"}}, grpc.NotFound},
			{answer{200, grpcType, ok, map[string]string{"Grpc-Status": "x"}}, grpc.Unknown},
			{answer{200, grpcType, ok, map[string]string{"Grpc-Status": "0", "X-A-Bin": "!"}}, grpc.Internal},
			{answer{200, grpcType, ok, map[string]string{"X-Other": "0"}}, grpc.Unknown},
			{answer{200, grpcType, ok, nil}, grpc.Unknown},
			{answer{200, grpcType, "", map[string]string{"Grpc-Status": "0"}}, grpc.Unimplemented},
			{answer{200, grpcType, ok + ok, map[string]string{"Grpc-Status": "0"}}, grpc.Unimplemented},
			{answer{200, grpcType, ok[:5], map[string]string{"Grpc-Status": "0"}}, grpc.Internal},
			{answer{200, grpcType, frame(1, 7, "x"), map[string]string{"Grpc-Status": "0"}}, grpc.Internal},
			{answer{200, grpcType, frame(5<<20, 0, "x"), map[string]string{"Grpc-Status": "0"}}, grpc.ResourceExhausted},
			{answer{200, with("Grpc-Status", "7", "Grpc-Message", "no%0a"), "", nil}, grpc.PermissionDenied},
			{answer{503, with("Grpc-Status", "7"), "", nil}, grpc.PermissionDenied},
			{answer{200, with("Grpc-Status", "0"), "", nil}, grpc.Unimplemented},
			{answer{200, with("Grpc-Encoding", "br"), ok, map[string]string{"Grpc-Status": "0"}}, grpc.Internal},
			{answer{200, with("X-A-Bin", "!"), ok, map[string]string{"Grpc-Status": "0"}}, grpc.Internal},
			{answer{200, map[string]string{"Content-Type": "text/html"}, "hello", nil}, grpc.Unknown},
			{answer{400, nil, "x", nil}, grpc.Internal},
			{answer{401, nil, "x", nil}, grpc.Unauthenticated},
			{answer{403, nil, "x", nil}, grpc.PermissionDenied},
			{answer{404, nil, "x", nil}, grpc.Unimplemented},
			{answer{429, nil, "x", nil}, grpc.Unavailable},
			{answer{502, nil, "x", nil}, grpc.Unavailable},
			{answer{500, nil, "x", nil}, grpc.Unknown},
			{answer{200, grpcType, "abort", nil}, grpc.Internal}, // RST_STREAM(INTERNAL_ERROR)
		} {
			current.Store(&v.a)
			_, err := c.Unary(bound(t), "/a.B/C", nil, nil)
			require.Equal(t, v.want.String(), rpc.CodeOf(err).String(), "%d: %v", i, err)
		}
	})
}

// TestNoLeaks: calls that fail, are cancelled or abandoned with their context leave no goroutine.
func TestNoLeaks(t *testing.T) {
	srv := kinds(rpc.ServerConfig{})
	addr := onStdnet(t, srv)
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	c := &rpc.Client{Base: "http://" + addr, Transport: tr}
	_, err := c.Unary(bound(t), "/t.Kinds/Echo", nil, nil)
	require.NoError(t, err)
	before := runtime.NumGoroutine()
	for i := range 30 {
		ctx, cancel := context.WithCancel(bound(t))
		s, err := c.Stream(ctx, []string{"/t.Kinds/Chat", "/t.Kinds/None", "/t.Kinds/Count"}[i%3], nil)
		require.NoError(t, err)
		_ = s.Send([]byte("1"))
		if i%2 == 0 && i%3 != 2 { // Count answers when the client has finished
			_, _ = s.Recv()
		}
		cancel()
	}
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before+2 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before+2)
	require.NoError(t, tr.Close())
}

// TestWebText: PROTOCOL-WEB.md: each frame of the response is base64 by itself; the request is decoded as it comes.
func TestWebText(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/t.Kinds/Count", strings.NewReader(base64.StdEncoding.EncodeToString([]byte(frame(1, 0, "2")))))
	r.Header.Set("Content-Type", "application/grpc-web-text+proto")
	kinds(rpc.ServerConfig{}).ServeHTTP(w, r)
	b64 := base64.StdEncoding.EncodeToString
	trailers := "grpc-status: 0\r\n"
	require.Equal(t, "application/grpc-web-text+proto", w.Header().Get("Content-Type"))
	require.Equal(t, b64([]byte(frame(1, 0, "0")))+b64([]byte(frame(1, 0, "1")))+b64([]byte(frame(uint32(len(trailers)), 0x80, trailers))), w.Body.String())
}
