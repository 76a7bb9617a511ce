// Command peer-rpc serves bench.Echo with package rpc: -mode is a driver (reactor, stdnet), or one with "-http" behind it for the
// server as an http.Handler.
package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/purewire/purewire/bench/internal/peer"
	"github.com/purewire/purewire/bench/internal/pure"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/native"
	"github.com/purewire/purewire/server"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	driver, kind, _ := strings.Cut(f.Mode, "-")
	s := rpc.NewServer(rpc.ServerConfig{})
	var cfg server.Config
	cfg.Handler = s
	switch kind {
	case "":
		h := native.New(s)
		h.Unary("/bench.Echo/Once", func(_ *native.Call, req, dst []byte) ([]byte, error) { return append(dst, req...), nil })
		cfg.Native = h
	case "http":
		s.Unary("/bench.Echo/Once", func(_ context.Context, req []byte) ([]byte, error) { return req, nil })
	default:
		peer.Fatal(fmt.Errorf("-mode %q: unknown kind of handler", f.Mode))
	}
	svc, err := server.New(cfg)
	if err != nil {
		peer.Fatal(err)
	}
	peer.Profile()
	peer.Run(func() error { return pure.Serve(driver, f.Addr, svc) })
}
