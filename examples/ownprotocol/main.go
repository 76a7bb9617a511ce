//go:build linux || darwin || freebsd

// Command ownprotocol drives a protocol of its own, a little key-value store, on the reactor. There is no HTTP anywhere:
// the protocol is the machine in kv.go. Start it, then: printf 'SET a b\nGET a\n' | nc 127.0.0.1 8083
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8083", "where to listen")
	flag.Parse()
	r, err := reactor.New(&store{m: map[string]string{}}, reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Listen("tcp", *addr, listen.Config{}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("tcp://%s\n", r.Addrs()[0])
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
