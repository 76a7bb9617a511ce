//go:build linux

// Command peer-ws echoes WebSocket messages with the library that -mode names, each as its own documentation does it. All
// run on one core. gobwas gets a small epoll loop, since it has none; bare is the floor: an epoll loop that knows how long a
// frame is, and nothing else.
package main

import (
	"fmt"
	"runtime"

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
	peer.Profile()
	peer.Run(func() error { return serve(f.Addr) })
}
