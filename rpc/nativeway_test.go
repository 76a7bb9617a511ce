package rpc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/native"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// nativeMethods registers methods that show all that a native.Call can do.
func nativeMethods(h *native.Handler) {
	h.Unary("/t.N/Echo", func(_ *native.Call, req, dst []byte) ([]byte, error) { return append(dst, req...), nil })
	h.Unary("/t.N/Do", func(c *native.Call, req, dst []byte) ([]byte, error) {
		_, has := c.Timeout()
		for k, v := range map[string]string{"x-method": c.Method(), "x-bin": string(c.Metadata("x-in-bin")), "x-timeout": fmt.Sprint(has), "x-in": string(c.Metadata("x-in"))} {
			if err := c.SetTrailer(k, v); err != nil {
				return nil, err
			}
		}
		if string(c.Metadata("x-header")) != "" {
			if err := c.SetHeader("x-h-bin", "\x00\xff"); err != nil {
				return nil, err
			}
		}
		switch string(req) {
		case "fail":
			return nil, &rpc.Error{Code: grpc.AlreadyExists, Message: "line\r\nbreak 50%", Details: []byte("\x08\x06")}
		case "plain":
			return nil, io.ErrUnexpectedEOF
		case "panic":
			panic("native")
		case "name":
			return nil, c.SetTrailer("Upper", "x")
		case "value":
			return nil, c.SetHeader("x", "a\nb")
		case "grow":
			return append(dst, bytes.Repeat([]byte("g"), 200_000)...), nil
		}
		return append(dst, "done"...), nil
	})
}

// onWays serves h with and without the short way, on both drivers.
func onWays(t *testing.T, cfg rpc.ServerConfig, f func(t *testing.T, c *rpc.Client)) {
	for _, way := range []string{"short", "long"} {
		for _, driver := range []string{"stdnet", "reactor"} {
			t.Run(way+" "+driver, func(t *testing.T) {
				srv := rpc.NewServer(cfg)
				h := native.New(srv)
				nativeMethods(h)
				sc := server.Config{Handler: srv}
				if way == "short" {
					sc.Native = h
				}
				addr := ""
				if driver == "stdnet" {
					addr = onStdnetWith(t, sc)
				} else {
					addr = onReactorWith(t, sc)
				}
				f(t, &rpc.Client{Base: "http://" + addr, Transport: transport(t, client.H2C)})
			})
		}
	}
}

func onReactorWith(t testing.TB, cfg server.Config) string {
	svc, err := server.New(cfg)
	require.NoError(t, err)
	r, err := reactor.New(svc, reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		r.Shutdown(ctx)
		_ = r.Close()
	})
	return r.Addrs()[0].String()
}

// TestNativeSame: a native method answers the same whichever way a call takes: G-01, G-02 and G-04 among the calls.
func TestNativeSame(t *testing.T) {
	ok := frame(2, 0, "hi")
	z := packed(t, "inflated")
	calls := []struct {
		path, body string
		h          map[string]string
	}{
		{"/t.N/Echo", ok, nil},
		{"/t.N/Echo", frame(0, 0, ""), nil},
		{"/t.N/Echo", frame(100_000, 0, strings.Repeat("e", 100_000)), nil},
		{"/t.N/Echo", frame(3, 0, "pro"), map[string]string{"Content-Type": "application/grpc+proto"}},
		{"/t.N/Echo", frame(3, 0, "own"), map[string]string{"Content-Type": "application/grpc+own"}},
		{"/t.N/Echo", ok, map[string]string{"Content-Type": "application/json"}},
		{"/t.N/Echo", ok, map[string]string{"Te": ""}},
		{"/t.N/Echo", ok, map[string]string{":method": "PUT"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Timeout": "99999999H"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Timeout": "1x"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Timeout": "0n"}},
		{"/t.N/Echo", ok, map[string]string{"X-A-Bin": "AAE="}},
		{"/t.N/Echo", ok, map[string]string{"X-A-Bin": "!"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Encoding": "identity"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Encoding": "br"}},
		{"/t.N/Echo", ok, map[string]string{"Grpc-Encoding": "gzip"}},
		{"/t.N/Echo", frame(uint32(len(z)), 1, z), map[string]string{"Grpc-Encoding": "gzip"}},
		{"/t.N/Echo", frame(uint32(len(z)), 1, z), nil},
		{"/t.N/Echo", frame(1, 2, "x"), nil},
		{"/t.N/Echo", frame(1<<32-1, 0, ""), nil},
		{"/t.N/Echo", frame(200_001, 0, "x"), nil},
		{"/t.N/Echo", frame(10, 0, "short"), nil},
		{"/t.N/Echo", "\x00\x00", nil},
		{"/t.N/Echo", "", nil},
		{"/t.N/Echo", ok + ok, nil},
		{"/t.N/Echo?a", ok, nil},
		{"//t.N/Echo", ok, nil},
		{"/t.N/Ech%6f", ok, nil},
		{"/t.N/None", ok, nil},
		{"/t.None/Echo", ok, nil},
		{"/t.N/Do", frame(0, 0, ""), map[string]string{"X-In": "v", "X-In-Bin": "AP8,AA", "Grpc-Timeout": "1H"}},
		{"/t.N/Do", frame(0, 0, ""), map[string]string{"X-Header": "v"}},
		{"/t.N/Do", frame(4, 0, "fail"), nil},
		{"/t.N/Do", frame(4, 0, "fail"), map[string]string{"X-Header": "v"}},
		{"/t.N/Do", frame(5, 0, "plain"), nil},
		{"/t.N/Do", frame(5, 0, "panic"), nil},
		{"/t.N/Do", frame(4, 0, "name"), nil},
		{"/t.N/Do", frame(5, 0, "value"), nil},
		{"/t.N/Do", frame(4, 0, "grow"), nil},
		{"/t.N/Do", frame(4, 0, "grow"), map[string]string{"X-Header": "v"}},
	}
	var want []string
	cfg := rpc.ServerConfig{MaxReceive: 200_000, MaxSend: 150_000}
	onWays(t, cfg, func(t *testing.T, c *rpc.Client) {
		var got []string
		for _, v := range calls {
			res, status, body := post(t, c.Transport, c.Base+v.path, v.h, strings.NewReader(v.body))
			all := http.Header{}
			for _, h := range []http.Header{res.Header, res.Trailer} {
				for k, vs := range h {
					if k != "Date" && k != "Content-Length" {
						all[k] = append(all[k], vs...)
					}
				}
			}
			got = append(got, fmt.Sprintf("%s %v %q: %d %s %d bytes %.40q %v", v.path, v.h, v.body[:min(len(v.body), 12)], res.StatusCode, status, len(body), body, all))
		}
		if want == nil {
			want = got
		}
		for i := range got {
			require.Equal(t, want[i], got[i])
		}
	})
	for i, code := range map[int]string{0: " 0 ", 10: " 4 ", 19: " 8 ", 20: " 8 ", 21: " 13 ", 23: " 12 ", 24: " 12 ", 30: " 0 ", 32: " 6 ", 34: " 2 ", 35: " 13 ", 36: " 13 ", 38: " 8 "} {
		require.Contains(t, want[i], ": 200"+code)
	}
	require.Contains(t, want[30], "X-In:[v]")
	require.Contains(t, want[30], base64.RawStdEncoding.EncodeToString([]byte{0, 255}))
}

// TestNativeWays: what the short way does not do goes the long one, and nobody notices.
func TestNativeWays(t *testing.T) {
	onWays(t, rpc.ServerConfig{}, func(t *testing.T, c *rpc.Client) {
		for _, n := range []int{0, 1, 70_000, 3_000_000} {
			msg := bytes.Repeat([]byte("n"), n)
			for _, enc := range []string{"", "gzip"} {
				reply, err := c.Unary(bound(t), "/t.N/Echo", msg, &rpc.Call{Encoding: enc})
				require.NoError(t, err)
				require.True(t, bytes.Equal(msg, reply))
			}
			for _, p := range []client.Protocols{client.HTTP1, client.H2C} {
				web := &rpc.Client{Base: c.Base, Transport: transport(t, p), Wire: grpc.WebText}
				reply, err := web.Unary(bound(t), "/t.N/Echo", msg, nil)
				require.NoError(t, err)
				require.True(t, bytes.Equal(msg, reply))
			}
		}
		// Pieces, one by one; and a call that is cancelled between them.
		for range 20 {
			ctx, cancel := context.WithCancel(bound(t))
			pr, pw := io.Pipe()
			r, err := http.NewRequestWithContext(ctx, "POST", c.Base+"/t.N/Echo", pr)
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/grpc")
			r.Header.Set("Te", "trailers")
			go func() {
				_, _ = io.WriteString(pw, "\x00\x00")
				_, _ = io.WriteString(pw, "\x00\x00\x03a")
				cancel()
			}()
			_, err = c.Transport.RoundTrip(r)
			require.ErrorIs(t, err, context.Canceled)
			_ = pw.Close()
		}
		reply, err := c.Unary(bound(t), "/t.N/Echo", []byte("still"), nil)
		require.NoError(t, err)
		require.Equal(t, "still", string(reply))
	})
}

// TestNativeInterceptor: no way leads round an interceptor.
func TestNativeInterceptor(t *testing.T) {
	deny := func(context.Context, string, []byte, rpc.UnaryFunc) ([]byte, error) {
		return nil, grpc.PermissionDenied
	}
	onWays(t, rpc.ServerConfig{Unary: []rpc.UnaryInterceptor{deny}}, func(t *testing.T, c *rpc.Client) {
		_, err := c.Unary(bound(t), "/t.N/Echo", nil, nil)
		code(t, grpc.PermissionDenied, err)
	})
	onWays(t, rpc.ServerConfig{Compress: true}, func(t *testing.T, c *rpc.Client) {
		call := new(rpc.Call)
		res, _, _ := post(t, c.Transport, c.Base+"/t.N/Echo", map[string]string{"Grpc-Accept-Encoding": "gzip"}, strings.NewReader(frame(0, 0, "")))
		require.Equal(t, "gzip", res.Header.Get("Grpc-Encoding"))
		_, err := c.Unary(bound(t), "/t.N/Echo", nil, call)
		require.NoError(t, err)
	})
	var mu sync.Mutex
	var panics []string
	onWays(t, rpc.ServerConfig{OnPanic: func(method string, v any, stack []byte) {
		mu.Lock()
		defer mu.Unlock()
		panics = append(panics, fmt.Sprintf("%s %v %v", method, v, len(stack) > 0))
	}}, func(t *testing.T, c *rpc.Client) {
		_, err := c.Unary(bound(t), "/t.N/Do", []byte("panic"), nil)
		code(t, grpc.Internal, err)
	})
	require.Equal(t, slices.Repeat([]string{"/t.N/Do native true"}, 4), panics)
}
