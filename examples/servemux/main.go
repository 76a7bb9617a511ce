//go:build linux || darwin || freebsd

// Command servemux runs an unchanged http.ServeMux on the reactor: no goroutine per connection, the same handlers.
// Start it, then: curl http://127.0.0.1:8084/hello/World
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/server"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8084", "where to listen")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name"))
	})
	mux.HandleFunc("POST /sum", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
			return
		}
		sum := 0
		for s := range strings.FieldsSeq(string(b)) {
			n, err := strconv.Atoi(s)
			if err != nil {
				http.Error(w, "numbers only", http.StatusBadRequest)
				return
			}
			sum += n
		}
		fmt.Fprintln(w, sum)
	})

	srv, err := server.New(server.Config{Handler: mux})
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	go func() {
		<-ctx.Done()
		stop()
		r.Shutdown(context.Background())
	}()
	if err := r.Run(); err != nil {
		log.Fatal(err)
	}
}
