//go:build linux || darwin || freebsd

// Command wsecho is a WebSocket echo without net/http and without a goroutine per connection, and a client for it.
//
//	go run ./examples/wsecho                          serve
//	go run ./examples/wsecho -dial ws://127.0.0.1:8080/ hello    send one text and print what comes back
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	dial := flag.String("dial", "", "ws URL to send the arguments to, instead of serving")
	flag.Parse()
	var err error
	if *dial != "" {
		err = ask(*dial, strings.Join(flag.Args(), " "))
	} else {
		err = serve(*addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	echo := &websocket.Upgrader{
		Options:     websocket.Options{Deflate: &ws.DeflateOptions{}},
		CheckOrigin: websocket.AnyOrigin,
		Handler: &websocket.Handler{
			// On the connection's event loop: it must not block, and TrySend never does.
			OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) { _ = c.TrySend(op, p) },
		},
	}
	srv, err := server.New(server.Config{Native: echo})
	if err != nil {
		return err
	}
	r, err := reactor.New(srv, reactor.Config{})
	if err != nil {
		return err
	}
	if err := r.Listen("tcp", addr, listen.Config{}); err != nil {
		return err
	}
	fmt.Printf("echo on ws://%s/ \n", r.Addrs()[0])
	return r.Run()
}

func ask(url, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := websocket.Dial(ctx, url)
	if err != nil {
		return err
	}
	if err := c.Send(ctx, websocket.Text, []byte(text)); err != nil {
		return err
	}
	_, p, err := c.ReadMessage(ctx)
	if err != nil {
		return err
	}
	fmt.Println(string(p))
	_ = c.Close(ws.CloseNormal, "")
	_, _, err = c.ReadMessage(ctx) // the server's goodbye
	if websocket.CloseStatus(err) != ws.CloseNormal {
		return err
	}
	return nil
}
