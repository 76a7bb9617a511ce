package grpcproto_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// drivers start a handler and return its address. The reactor joins them where it runs.
var drivers = map[string]func(t testing.TB, h http.Handler) string{"stdnet": onStdnet}

func onStdnet(t testing.TB, h http.Handler) string {
	svc, err := server.New(server.Config{Handler: h})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// dial returns a client of a handler that runs on stdnet.
func dial(t testing.TB, h http.Handler) *rpc.Client { return connect(t, onStdnet(t, h)) }

func connect(t testing.TB, addr string) *rpc.Client {
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	t.Cleanup(func() { _ = tr.Close() })
	return &rpc.Client{Base: "http://" + addr, Transport: tr}
}

func bound(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func code(t testing.TB, want grpc.Code, err error) {
	t.Helper()
	require.Equal(t, want.String(), rpc.CodeOf(err).String(), "%v", err)
}
