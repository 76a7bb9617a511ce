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
	s := &http.Server{Addr: f.Addr, Handler: peer.Handler(), TLSConfig: f.TLS()}
	if s.TLSConfig != nil {
		peer.Run(func() error { return s.ListenAndServeTLS("", "") })
	}
	peer.Run(s.ListenAndServe)
}
