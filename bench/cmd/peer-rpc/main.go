// Command peer-rpc serves bench.Echo with package rpc: -mode is a driver (reactor, stdnet), or one with "-http" behind it for the
// server as an http.Handler.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/purewire/purewire/bench/internal/peer"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
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
	profile()
	peer.Run(func() error {
		switch driver {
		case "reactor":
			r, err := reactor.New(svc, reactor.Config{Loops: 1})
			if err != nil {
				return err
			}
			if err := r.Listen("tcp", f.Addr, listen.Config{Backlog: 1024}); err != nil {
				return err
			}
			return r.Run()
		case "stdnet":
			l, err := listen.Net("tcp", f.Addr, listen.Config{Backlog: 1024})
			if err != nil {
				return err
			}
			return stdnet.New(svc, stdnet.Config{}).Serve(l)
		}
		return fmt.Errorf("-mode %q: unknown driver", f.Mode)
	})
}

// profile writes a CPU profile of the first seconds of load to the file that BENCH_CPUPROFILE names.
func profile() {
	name := os.Getenv("BENCH_CPUPROFILE")
	if name == "" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		peer.Fatal(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		peer.Fatal(err)
	}
	time.AfterFunc(4*time.Second, func() {
		pprof.StopCPUProfile()
		file.Close()
	})
}
