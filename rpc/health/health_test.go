package health

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

func start(t testing.TB, h *Server) *rpc.Client {
	srv := rpc.NewServer(rpc.ServerConfig{})
	h.Register(srv)
	svc, err := server.New(server.Config{Handler: srv})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	t.Cleanup(func() { _ = tr.Close(); _ = s.Close() })
	return &rpc.Client{Base: "http://" + l.Addr().String(), Transport: tr}
}

func TestHealth(t *testing.T) {
	var h Server
	c := start(t, &h)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := Check(ctx, c, "")
	require.NoError(t, err)
	require.Equal(t, Serving, st)
	_, err = Check(ctx, c, "a.B")
	require.ErrorIs(t, err, grpc.NotFound)
	_, err = Check(ctx, c, strings.Repeat("x", MaxService+1))
	require.ErrorIs(t, err, grpc.InvalidArgument)
	_, err = Check(ctx, c, strings.Repeat("x", MaxService)) // the twin: looked up
	require.ErrorIs(t, err, grpc.NotFound)

	seen := make(chan Status, 8)
	watched := make(chan error, 1)
	wctx, stop := context.WithCancel(ctx)
	go func() { watched <- Watch(wctx, c, "a.B", func(st Status) { seen <- st }) }()
	require.Equal(t, ServiceUnknown, <-seen)
	for _, want := range []Status{Serving, NotServing, Unknown, Serving} {
		h.Set("a.B", want)
		require.Equal(t, want, <-seen)
		st, err = Check(ctx, c, "a.B")
		require.NoError(t, err)
		require.Equal(t, want, st)
	}
	h.Set("a.B", Serving) // no change, no message
	h.Shutdown()
	require.Equal(t, NotServing, <-seen)
	h.Set("a.B", Serving)
	st, err = Check(ctx, c, "a.B")
	require.NoError(t, err)
	require.Equal(t, NotServing, st)
	stop()
	require.ErrorIs(t, <-watched, grpc.Canceled)
	require.Empty(t, seen)
}

func TestMessages(t *testing.T) {
	name, err := parseRequest([]byte("\x10\x05\x0a\x01a\x1d1234\x21\x00\x00\x00\x00\x00\x00\x00\x00")) // unknown fields are skipped
	require.NoError(t, err)
	require.Equal(t, "a", name)
	for _, bad := range []string{"\x0a", "\x0a\x02a", "\x08\x01", "\x00\x00", "\x08", "\x15123", "\x110", "\x0b", "\x80"} {
		_, err := parseRequest([]byte(bad))
		require.ErrorIs(t, err, grpc.Internal, "%q", bad)
	}
	_, err = parseRequest([]byte("\x0a\x01\xff"))
	require.ErrorIs(t, err, grpc.InvalidArgument)
	_, err = parseResponse([]byte("\x0a\x00"))
	require.ErrorIs(t, err, grpc.Internal)
	st, err := parseResponse(appendResponse(nil, NotServing))
	require.NoError(t, err)
	require.Equal(t, NotServing, st)
}
