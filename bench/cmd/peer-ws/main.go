//go:build linux

// Command peer-ws echoes WebSocket messages with the library that -mode names, each as its own documentation does it. All
// run on one core. gobwas gets a small epoll loop, since it has none; bare is the floor: an epoll loop that knows how long a
// frame is, and nothing else.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/purewire/purewire/bench/internal/peer"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	serve, ok := map[string]func(addr string) error{
		"gorilla": serveGorilla, "coder": serveCoder, "gws": serveGws, "gobwas": serveGobwas, "bare": serveBare,
		"reactor": serveReactor, "reactor-http": serveReactorHTTP, "stdnet": serveStdnet, "stdnet-read": serveStdnetRead,
	}[f.Mode]
	if !ok {
		peer.Fatal(fmt.Errorf("no mode %q", f.Mode))
	}
	profile()
	peer.Run(func() error { return serve(f.Addr) })
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
	time.AfterFunc(3*time.Second, func() {
		pprof.StopCPUProfile()
		file.Close()
	})
}
