// Command peer-nethttp serves the benchmark's pages with net/http.
package main

import (
	"net/http"
	"runtime"

	"github.com/purewire/purewire/bench/internal/peer"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	s := &http.Server{Addr: f.Addr, Handler: peer.Handler()}
	peer.Run(s.ListenAndServe)
}
