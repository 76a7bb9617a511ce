package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

// features is a service that does what the test's metadata says.
func features(cfg rpc.ServerConfig) *rpc.Server {
	s := kinds(cfg)
	s.Unary("/t.F/Unary", func(ctx context.Context, req []byte) ([]byte, error) {
		st := rpc.StreamOf(ctx)
		md := st.Metadata()
		if err := st.SetHeader(rpc.Metadata{"x-head": {"h", "i"}, "x-copy-bin": md["x-in-bin"]}); err != nil {
			return nil, err
		}
		if err := st.SetTrailer(rpc.Metadata{"x-end": {md.Get("x-in")}, "x-end-bin": {"\x00\r\n\xff"}}); err != nil {
			return nil, err
		}
		switch md.Get("x-do") {
		case "fail":
			return nil, &rpc.Error{Code: grpc.AlreadyExists, Message: "line\r\nbreak 50% ☺", Details: []byte("\x08\x06details")}
		case "wrap":
			return nil, fmt.Errorf("wrapped: %w", rpc.Errorf(grpc.Aborted, "in %d", 1))
		case "plain":
			return nil, errors.New("something")
		case "ok":
			return nil, &rpc.Error{Code: grpc.OK, Message: "not ok"}
		case "panic":
			panic("secret")
		case "big":
			return make([]byte, 2000), nil
		}
		return req, nil
	})
	s.Bidi("/t.F/Late", func(st *rpc.Stream) error {
		if err := st.SendHeader(); err != nil {
			return err
		}
		if rpc.CodeOf(st.SetHeader(rpc.Metadata{"a": {"b"}})) != grpc.Internal || rpc.CodeOf(st.SendHeader()) != grpc.Internal ||
			rpc.CodeOf(st.SetEncoding("gzip")) != grpc.Internal {
			return errors.New("late header accepted")
		}
		if _, err := st.Recv(); err != nil {
			return err
		}
		panic(errors.New("late"))
	})
	return s
}

func TestMetadataAndStatus(t *testing.T) {
	var mu sync.Mutex
	var panics []string
	srv := features(rpc.ServerConfig{OnPanic: func(method string, v any, stack []byte) {
		mu.Lock()
		defer mu.Unlock()
		panics = append(panics, fmt.Sprint(method, " ", v, " ", len(stack) > 0))
	}})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		mu.Lock()
		panics = nil
		mu.Unlock()
		for do, want := range map[string]grpc.Code{"": grpc.OK, "fail": grpc.AlreadyExists, "wrap": grpc.Aborted, "plain": grpc.Unknown,
			"ok": grpc.Unknown, "panic": grpc.Internal} {
			call := &rpc.Call{Metadata: rpc.Metadata{"x-in": {"v"}, "x-in-bin": {"\x00\x01", "", "\xff,"}}}
			if do != "" {
				call.Metadata.Add("x-do", do)
			}
			reply, err := c.Unary(ctx, "/t.F/Unary", []byte("req"), call)
			code(t, want, err)
			require.Equal(t, []string{"h", "i"}, call.Header["x-head"])
			require.Equal(t, []string{"\x00\x01", "", "\xff,"}, call.Header["x-copy-bin"])
			require.Equal(t, "v", call.Trailer.Get("x-end"))
			require.Equal(t, "\x00\r\n\xff", call.Trailer.Get("x-end-bin"))
			for name := range call.Trailer {
				require.NotContains(t, name, "grpc-")
			}
			switch do {
			case "":
				require.Equal(t, "req", string(reply))
			case "fail":
				var e *rpc.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "line\r\nbreak 50% ☺", e.Message)
				require.Equal(t, "\x08\x06details", string(e.Details))
			case "panic":
				require.NotContains(t, err.Error(), "secret")
			}
		}
		s, err := c.Stream(ctx, "/t.F/Late", nil)
		require.NoError(t, err)
		_, err = s.Header() // without a message of the server
		require.NoError(t, err)
		require.NoError(t, s.Send(nil))
		_, err = s.Recv()
		code(t, grpc.Internal, err)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"/t.F/Unary secret true", "/t.F/Late late true"}, panics)
		// The server lives.
		_, err = c.Unary(ctx, "/t.Kinds/Echo", nil, nil)
		require.NoError(t, err)
	})
}

// TestMetadataRefused: what may not be sent is a misuse, and never reaches the wire.
func TestMetadataRefused(t *testing.T) {
	c := &rpc.Client{Base: "http://127.0.0.1:1", Transport: transport(t, client.H2C)}
	for _, md := range []rpc.Metadata{{"Upper": {"x"}}, {"grpc-x": {"x"}}, {"te": {"x"}}, {"x": {"a\r\nb"}}, {"": {"x"}}, {"x": {" a"}}} {
		_, err := c.Unary(bound(t), "/a.B/C", nil, &rpc.Call{Metadata: md})
		code(t, grpc.Internal, err)
		var e *rpc.Error
		require.ErrorAs(t, err, &e)
		require.NotContains(t, e.Message, "connection failed")
	}
	_, err := c.Unary(bound(t), "/a.B/C", nil, nil) // the twin is sent, to nobody
	code(t, grpc.Unavailable, err)
	for _, base := range []string{"", "nothing", "http://"} {
		_, err = (&rpc.Client{Base: base}).Unary(bound(t), "/a.B/C", nil, nil)
		code(t, grpc.Unimplemented, err)
	}
}

func TestEncodings(t *testing.T) {
	big := bytes.Repeat([]byte("compress me "), 20_000)
	for _, cfg := range []rpc.ServerConfig{{}, {Compress: true}, {Encodings: []*rpc.Encoding{}}, {Encodings: []*rpc.Encoding{rpc.Deflate}}} {
		onAll(t, kinds(cfg), func(t *testing.T, c *rpc.Client) {
			ctx := bound(t)
			for _, name := range []string{"", "gzip", "deflate", "identity"} {
				want := grpc.OK
				if cfg.Encodings != nil && (name == "gzip" || name == "deflate" && len(cfg.Encodings) == 0) {
					want = grpc.Unimplemented // "the server MUST respond with status UNIMPLEMENTED"
				}
				reply, err := c.Unary(ctx, "/t.Kinds/Echo", big, &rpc.Call{Encoding: name})
				code(t, want, err)
				if want == grpc.OK {
					require.True(t, bytes.Equal(big, reply))
				}
				s, err := c.Stream(ctx, "/t.Kinds/Chat", &rpc.Call{Encoding: name})
				require.NoError(t, err)
				for i := range 4 {
					s.Compress(i%2 == 0)
					_ = s.Send(big[:i*1000])
					m, err := s.Recv()
					code(t, want, err)
					if err == nil {
						require.True(t, bytes.Equal(big[:i*1000], m))
					}
				}
				_ = s.CloseSend()
				_, err = s.Recv()
				require.Error(t, err)
			}
			_, err := c.Unary(ctx, "/t.Kinds/Echo", nil, &rpc.Call{Encoding: "br"})
			code(t, grpc.Unimplemented, err)
		})
	}
}

func TestLimits(t *testing.T) {
	srv := features(rpc.ServerConfig{MaxReceive: 1000, MaxSend: 1500})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		for _, enc := range []string{"", "gzip"} {
			for n, want := range map[int]grpc.Code{1000: grpc.OK, 1001: grpc.ResourceExhausted} {
				_, err := c.Unary(ctx, "/t.Kinds/Echo", make([]byte, n), &rpc.Call{Encoding: enc})
				code(t, want, err)
				s, err := c.Stream(ctx, "/t.Kinds/Chat", &rpc.Call{Encoding: enc})
				require.NoError(t, err)
				_ = s.Send(make([]byte, n))
				_, err = s.Recv()
				code(t, want, err)
				_ = s.CloseSend()
				for err == nil {
					_, err = s.Recv()
				}
			}
		}
		_, err := c.Unary(ctx, "/t.F/Unary", nil, &rpc.Call{Metadata: rpc.Metadata{"x-do": {"big"}}})
		code(t, grpc.ResourceExhausted, err)

		small := *c
		small.MaxReceive, small.MaxSend = 500, 700
		for n, want := range map[int]grpc.Code{500: grpc.OK, 501: grpc.ResourceExhausted, 701: grpc.ResourceExhausted} {
			_, err := small.Unary(ctx, "/t.Kinds/Echo", make([]byte, n), nil)
			code(t, want, err)
		}
	})
}

func TestInterceptors(t *testing.T) {
	var log []string
	var mu sync.Mutex
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, s)
	}
	unary := func(name string) rpc.UnaryInterceptor {
		return func(ctx context.Context, method string, req []byte, next rpc.UnaryFunc) ([]byte, error) {
			note(name + " " + method)
			if string(req) == "stop at "+name {
				return nil, rpc.Errorf(grpc.PermissionDenied, "no")
			}
			reply, err := next(ctx, req)
			note("/" + name)
			return append(reply, name...), err
		}
	}
	type key struct{}
	stream := func(name string) rpc.StreamInterceptor {
		return func(s *rpc.Stream, next rpc.StreamFunc) error {
			before, _ := s.Context().Value(key{}).(string)
			note(before + name + " " + s.Method())
			s.SetContext(context.WithValue(s.Context(), key{}, name))
			err := next(s)
			note("/" + name)
			return err
		}
	}
	srv := kinds(rpc.ServerConfig{Unary: []rpc.UnaryInterceptor{unary("a"), unary("b")}, Stream: []rpc.StreamInterceptor{stream("c"), stream("d")}})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		mu.Lock()
		log = nil
		mu.Unlock()
		reply, err := c.Unary(ctx, "/t.Kinds/Echo", []byte("x"), nil)
		require.NoError(t, err)
		require.Equal(t, "xba", string(reply))
		_, err = c.Unary(ctx, "/t.Kinds/Echo", []byte("stop at a"), nil)
		code(t, grpc.PermissionDenied, err)
		_, err = c.Unary(ctx, "/t.Kinds/Count", []byte("1"), nil)
		require.NoError(t, err)
		mu.Lock()
		require.Equal(t, []string{"a /t.Kinds/Echo", "b /t.Kinds/Echo", "/b", "/a", "a /t.Kinds/Echo",
			"c /t.Kinds/Count", "cd /t.Kinds/Count", "/d", "/c"}, log)
		mu.Unlock()

		cc := *c
		cc.UnaryInterceptors = []rpc.UnaryClientInterceptor{
			func(ctx context.Context, m string, req []byte, call *rpc.Call, next rpc.UnaryCaller) ([]byte, error) {
				return next(ctx, m, append(req, '1'), call)
			},
			func(ctx context.Context, m string, req []byte, call *rpc.Call, next rpc.UnaryCaller) ([]byte, error) {
				return next(ctx, m, append(req, '2'), call)
			}}
		cc.StreamInterceptors = []rpc.StreamClientInterceptor{
			func(ctx context.Context, m string, call *rpc.Call, next rpc.StreamCaller) (*rpc.ClientStream, error) {
				return next(ctx, "/t.Kinds/"+m, call)
			}}
		reply, err = cc.Unary(ctx, "/t.Kinds/Echo", []byte("0"), nil)
		require.NoError(t, err)
		require.Equal(t, "012ba", string(reply))
		s, err := cc.Stream(ctx, "Sum", nil)
		require.NoError(t, err)
		reply, err = s.CloseAndRecv()
		require.NoError(t, err)
		require.Equal(t, "0 0", string(reply))
	})
}

// TestWeb: PROTOCOL-WEB.md, both forms, over HTTP/1.1 and HTTP/2.
func TestWeb(t *testing.T) {
	srv := features(rpc.ServerConfig{})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		for _, p := range []client.Protocols{client.HTTP1, client.H2C} {
			for _, wire := range []grpc.Wire{grpc.WebBinary, grpc.WebText} {
				web := *c
				web.Transport, web.Wire = transport(t, p), wire
				for _, n := range []int{0, 1, 2, 100_000} {
					for _, enc := range []string{"", "gzip"} {
						msg := bytes.Repeat([]byte("w"), n)
						reply, err := web.Unary(ctx, "/t.Kinds/Echo", msg, &rpc.Call{Encoding: enc})
						require.NoError(t, err)
						require.True(t, bytes.Equal(msg, reply))
					}
				}
				call := &rpc.Call{Metadata: rpc.Metadata{"x-do": {"fail"}, "x-in": {"v"}}}
				_, err := web.Unary(ctx, "/t.F/Unary", nil, call)
				code(t, grpc.AlreadyExists, err)
				require.Contains(t, err.Error(), "line\r\nbreak 50% ☺")
				require.Equal(t, "v", call.Trailer.Get("x-end"))
				_, err = web.Unary(ctx, "/t.F/None", nil, nil) // Trailers-Only
				code(t, grpc.Unimplemented, err)
				s, err := web.Stream(ctx, "/t.Kinds/Count", nil)
				require.NoError(t, err)
				require.NoError(t, s.Send([]byte("100")))
				require.NoError(t, s.CloseSend())
				for i := range 100 {
					m, err := s.Recv()
					require.NoError(t, err)
					require.Equal(t, fmt.Sprint(i), string(m))
				}
				_, err = s.Recv()
				require.Equal(t, io.EOF, err)
			}
		}
	})
}

func TestRegister(t *testing.T) {
	s := kinds(rpc.ServerConfig{})
	for _, path := range []string{"/t.Kinds/Echo", "t.Kinds/Echo", "/t.Kinds", "/a/b/c", ""} {
		require.Panics(t, func() { s.Unary(path, nil) }, path)
	}
	require.Nil(t, rpc.StreamOf(context.Background()))
	require.Equal(t, grpc.OK, rpc.CodeOf(nil))
	require.Equal(t, grpc.DeadlineExceeded, rpc.CodeOf(fmt.Errorf("x: %w", context.DeadlineExceeded)))
	require.Equal(t, grpc.NotFound, rpc.CodeOf(grpc.NotFound))
	require.True(t, strings.HasPrefix((&rpc.Error{Code: grpc.NotFound}).Error(), "grpc: "))
}
