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
	if f.HTTP2 {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP2(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	}
	if s.TLSConfig != nil {
		peer.Run(func() error { return s.ListenAndServeTLS("", "") })
	}
	peer.Run(s.ListenAndServe)
}
