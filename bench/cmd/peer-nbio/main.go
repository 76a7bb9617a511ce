// Command peer-nbio serves the benchmark's pages with nbio: one poller, handlers run by the poller itself.
package main

import (
	"net/http"
	"runtime"
	"strconv"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"

	"github.com/purewire/purewire/bench/internal/peer"
)

// withLength sets Content-Length for the small pages: nbio would use the chunked coding otherwise.
func withLength(h http.Handler) http.Handler {
	n := []string{strconv.Itoa(len(peer.Plaintext))}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = n
		h.ServeHTTP(w, r)
	})
}

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	logging.SetLevel(logging.LevelNone)
	e := nbhttp.NewEngine(nbhttp.Config{
		Network:        "tcp",
		Addrs:          []string{f.Addr},
		MaxLoad:        1 << 20,
		NPoller:        1,
		IOMod:          nbhttp.IOModNonBlocking,
		ServerExecutor: func(fn func()) { fn() },
		Handler:        withLength(peer.Handler()),
	})
	peer.Run(func() error {
		if err := e.Start(); err != nil {
			return err
		}
		select {}
	})
}
