//go:build linux || darwin || freebsd

package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/server"
)

func TestChiOnTheReactor(t *testing.T) {
	srv, err := server.New(server.Config{Handler: router()})
	require.NoError(t, err)
	r, err := reactor.New(srv, reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	tr := &http.Transport{}
	client := &http.Client{Transport: tr, Timeout: time.Minute}
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/users/7", 200, "user 7\n"},
		{"DELETE", "/users/7", 204, ""},
		{"PUT", "/users/7", 405, ""},
		{"GET", "/nobody", 404, "404 page not found\n"},
		{"GET", "/panic", 500, ""},
		{"GET", "/users/after-the-panic", 200, "user after-the-panic\n"},
	} {
		req, err := http.NewRequest(tt.method, "http://"+r.Addrs()[0].String()+tt.path, nil)
		require.NoError(t, err)
		res, err := client.Do(req) // asks for gzip, which the middleware answers with, chunked
		require.NoError(t, err, tt.path)
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		require.Equal(t, tt.status, res.StatusCode, tt.path)
		require.Equal(t, tt.body, string(b))
	}
	tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rep := r.Shutdown(ctx)
	require.Zero(t, rep.TimedOut)
	require.Zero(t, rep.Crashed)
}
