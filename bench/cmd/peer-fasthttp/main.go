// Command peer-fasthttp serves the benchmark's pages with fasthttp.
package main

import (
	"runtime"

	"github.com/valyala/fasthttp"

	"github.com/purewire/purewire/bench/internal/peer"
)

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	plain := []byte(peer.Plaintext)
	s := &fasthttp.Server{
		Name:        peer.Server,
		Concurrency: 1 << 20,
		Handler: func(ctx *fasthttp.RequestCtx) {
			switch string(ctx.Path()) {
			case "/plaintext", "/upload":
				ctx.SetContentType("text/plain")
				ctx.SetBody(plain)
			case "/1mb":
				ctx.SetContentType("application/octet-stream")
				ctx.Response.SetBodyRaw(peer.Download)
			default:
				ctx.SetStatusCode(fasthttp.StatusNotFound)
			}
		},
	}
	if cfg := f.TLS(); cfg != nil {
		s.TLSConfig = cfg
		peer.Run(func() error { return s.ListenAndServeTLS(f.Addr, "", "") })
	}
	peer.Run(func() error { return s.ListenAndServe(f.Addr) })
}
