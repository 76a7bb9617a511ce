package rpc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

func packed(t testing.TB, s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// TestWebResponses: what a server of gRPC-Web may send, and what it may not, has a fixed status.
func TestWebResponses(t *testing.T) {
	type answer struct {
		header map[string]string
		body   string
	}
	var current atomic.Pointer[answer]
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		now := current.Load()
		w.Header().Set("Content-Type", "application/grpc-web")
		for k, v := range now.header {
			w.Header().Set(k, v)
		}
		_ = http.NewResponseController(w).Flush() // no Content-Length
		_, _ = io.WriteString(w, now.body)
	})
	msg := frame(1, 0, "x")
	block := func(s string) string { return frame(uint32(len(s)), 0x80, s) }
	zipped := func(s string) string {
		z := packed(t, s)
		return frame(uint32(len(z)), 0x81, z)
	}
	gz := map[string]string{"Grpc-Encoding": "gzip"}
	for _, p := range []client.Protocols{client.HTTP1, client.H2C} {
		onAll(t, h, func(t *testing.T, c *rpc.Client) {
			c.Wire, c.Transport = grpc.WebBinary, transport(t, p)
			for i, v := range []struct {
				answer
				want    grpc.Code
				trailer string
			}{
				{answer{nil, msg + block("grpc-status: 0\r\nx-t: v\r\n")}, grpc.OK, "v"},
				{answer{nil, block("grpc-status: 9\r\nx-t: v\r\n")}, grpc.FailedPrecondition, "v"},
				// Names have no case.
				{answer{nil, msg + block("Grpc-Status: 0\r\nX-t: V\r\n")}, grpc.OK, "V"},
				{answer{nil, msg + block("grpc status: 0\r\n")}, grpc.Internal, ""},
				// "10000001b: a compressed trailer".
				{answer{gz, msg + zipped("grpc-status: 9\r\nx-t: v\r\n")}, grpc.FailedPrecondition, "v"},
				{answer{gz, msg + zipped("grpc-status: 0\r\n")}, grpc.OK, ""},
				{answer{nil, msg + zipped("grpc-status: 0\r\n")}, grpc.Internal, ""},
				{answer{gz, msg + frame(3, 0x81, "abc")}, grpc.Internal, ""},
				{answer{gz, msg + zipped("x: "+strings.Repeat("a", 17<<10)+"\r\n")}, grpc.ResourceExhausted, ""},
				{answer{gz, msg + zipped("grpc-status: 0\r\nx: "+strings.Repeat("a", 15<<10)+"\r\n")}, grpc.OK, ""},
				// Trailers-Only has no body; if there is one, its trailers count.
				{answer{map[string]string{"Grpc-Status": "8"}, ""}, grpc.ResourceExhausted, ""},
				{answer{map[string]string{"Grpc-Status": "8"}, block("grpc-status: 9\r\n")}, grpc.FailedPrecondition, ""},
				{answer{map[string]string{"Grpc-Status": "8"}, msg + block("grpc-status: 0\r\n")}, grpc.OK, ""},
				// The body ends without a status.
				{answer{nil, msg}, grpc.Unknown, ""},
				// Another format, another wire.
				{answer{map[string]string{"Content-Type": "application/grpc-web+proto"}, msg + block("grpc-status: 0\r\n")}, grpc.OK, ""},
				{answer{map[string]string{"Content-Type": "application/grpc-web+json"}, msg + block("grpc-status: 0\r\n")}, grpc.Internal, ""},
				{answer{map[string]string{"Content-Type": "application/grpc-web-text"}, msg}, grpc.Internal, ""},
				{answer{map[string]string{"Content-Type": "application/grpc"}, msg}, grpc.Internal, ""},
			} {
				current.Store(&v.answer)
				call := new(rpc.Call)
				reply, err := c.Unary(bound(t), "/a.B/C", nil, call)
				require.Equal(t, v.want.String(), rpc.CodeOf(err).String(), "%d: %v", i, err)
				if err == nil {
					require.Equal(t, "x", string(reply))
				}
				if v.trailer != "" {
					require.Equal(t, v.trailer, call.Trailer.Get("x-t"), i)
				}
			}
		})
	}
}

// TestSubtypeOfClient: the server answers in the format of the request, and a client takes no other.
func TestSubtypeOfClient(t *testing.T) {
	srv := kinds(rpc.ServerConfig{})
	onAll(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Lie") != "" {
			r.Header.Set("Content-Type", "application/grpc+json")
		}
		srv.ServeHTTP(w, r)
	}), func(t *testing.T, c *rpc.Client) {
		for _, sub := range []string{"", "proto", "json", "Own"} {
			c := &rpc.Client{Base: c.Base, Transport: c.Transport, Subtype: sub}
			reply, err := c.Unary(bound(t), "/t.Kinds/Echo", []byte("a"), nil)
			require.NoError(t, err)
			require.Equal(t, "a", string(reply))
			_, err = c.Unary(bound(t), "/t.Kinds/Echo", nil, &rpc.Call{Metadata: rpc.Metadata{"x-lie": {"1"}}})
			if sub == "json" {
				require.NoError(t, err)
				continue
			}
			code(t, grpc.Internal, err)
			require.ErrorContains(t, err, "not in the format of the request")
		}
	})
}

// lateCtx is a context whose timer is behind its clock.
type lateCtx struct {
	context.Context
	by time.Time
}

func (c lateCtx) Deadline() (time.Time, bool) { return c.by, true }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestResetAtDeadline: a server that sees the deadline first resets the stream with CANCEL; that is no cancellation to the caller.
func TestResetAtDeadline(t *testing.T) {
	for _, passed := range []bool{true, false} {
		ctx := lateCtx{bound(t), time.Now().Add(time.Hour)}
		if passed {
			ctx.by = time.Now().Add(20 * time.Millisecond)
		}
		c := &rpc.Client{Base: "http://a", Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			if passed {
				time.Sleep(time.Until(ctx.by))
			}
			return nil, http2.Cancel
		})}
		_, err := c.Unary(ctx, "/a.B/C", nil, nil)
		if passed {
			code(t, grpc.DeadlineExceeded, err)
		} else {
			code(t, grpc.Canceled, err)
		}
	}
}
