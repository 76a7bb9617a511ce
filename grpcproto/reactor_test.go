//go:build linux || darwin || freebsd

package grpcproto_test

import (
	"net/http"
	"testing"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

func init() { drivers["reactor"] = onReactor }

func onReactor(t testing.TB, h http.Handler) string {
	svc, err := server.New(server.Config{Handler: h})
	require.NoError(t, err)
	r, err := reactor.New(svc, reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	t.Cleanup(func() { _ = r.Close() })
	return r.Addrs()[0].String()
}
