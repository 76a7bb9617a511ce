package server

import (
	"context"
	"io"
	"log"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// onStdnet and onReactor serve svc until the test ends, and return the address.
func onStdnet(t testing.TB, svc drivers.Service) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
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

func onReactor(t testing.TB, svc drivers.Service) string {
	r, err := reactor.New(svc, reactor.Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Listen("tcp", "127.0.0.1:0", listen.Config{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		r.Shutdown(ctx)
		_ = r.Close()
	})
	return r.Addrs()[0].String()
}

// equalServers starts the server on both drivers and returns their addresses.
func equalServers(t *testing.T, s *Server) map[string]string {
	return map[string]string{"stdnet": onStdnet(t, s), "reactor": onReactor(t, s)}
}
