//go:build linux || darwin || freebsd

// Command chi runs an unchanged chi router, middleware and all, on the reactor.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/server"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8085", "where to listen")
	flag.Parse()
	srv, err := server.New(server.Config{Handler: router()})
	if err != nil {
		log.Fatal(err)
	}
	r, err := reactor.New(srv, reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Listen("tcp", *addr, listen.Config{}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/\n", r.Addrs()[0])
	log.Fatal(r.Run())
}

// router is an ordinary chi application.
func router() http.Handler {
	c := chi.NewRouter()
	c.Use(middleware.RequestID, middleware.Recoverer, middleware.Compress(5))
	c.Route("/users/{id}", func(c chi.Router) {
		c.Get("/", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "user %s\n", chi.URLParam(r, "id"))
		})
		c.Delete("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	})
	c.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("contained by the middleware") })
	return c
}
