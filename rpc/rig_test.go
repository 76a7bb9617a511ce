package rpc_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// engines start a handler and return its address: package server on both drivers, and net/http.
var engines = map[string]func(t testing.TB, h http.Handler) string{"stdnet": onStdnet, "reactor": onReactor, "nethttp": onNetHTTP}

func onStdnet(t testing.TB, h http.Handler) string {
	return onStdnetWith(t, server.Config{Handler: h})
}

func onStdnetWith(t testing.TB, cfg server.Config) string {
	svc, err := server.New(cfg)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Shutdown(ctx)
		_ = s.Close()
	})
	return l.Addr().String()
}

func onReactor(t testing.TB, h http.Handler) string {
	svc, err := server.New(server.Config{Handler: h})
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

func onNetHTTP(t testing.TB, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// transport is package client over HTTP/2 without TLS, or over HTTP/1.1.
func transport(t testing.TB, p client.Protocols) *client.Transport {
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: p}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// onAll runs f with a client of srv on every engine.
func onAll(t *testing.T, srv http.Handler, f func(t *testing.T, c *rpc.Client)) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			addr := start(t, srv)
			f(t, &rpc.Client{Base: "http://" + addr, Transport: transport(t, client.H2C)})
		})
	}
}

func bound(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func code(t testing.TB, want grpc.Code, err error) {
	t.Helper()
	require.Equal(t, want.String(), rpc.CodeOf(err).String(), "%v", err)
}

// kinds is a service with one method of each kind.
func kinds(cfg rpc.ServerConfig) *rpc.Server {
	s := rpc.NewServer(cfg)
	s.Unary("/t.Kinds/Echo", func(ctx context.Context, req []byte) ([]byte, error) { return req, nil })
	s.ClientStream("/t.Kinds/Sum", func(st *rpc.Stream) ([]byte, error) {
		count, size := 0, 0
		for {
			m, err := st.Recv()
			if err == io.EOF {
				return fmt.Appendf(nil, "%d %d", count, size), nil
			}
			if err != nil {
				return nil, err
			}
			count++
			size += len(m)
		}
	})
	s.ServerStream("/t.Kinds/Count", func(req []byte, st *rpc.Stream) error {
		n := 0
		_, _ = fmt.Sscan(string(req), &n)
		for i := range n {
			if err := st.Send(fmt.Append(nil, i)); err != nil {
				return err
			}
		}
		return nil
	})
	s.Bidi("/t.Kinds/Chat", func(st *rpc.Stream) error {
		for {
			m, err := st.Recv()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := st.Send(m); err != nil {
				return err
			}
		}
	})
	return s
}
