//go:build linux

package main

import (
	"context"
	"net"
	"net/http"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

var upgrader = &websocket.Upgrader{
	CheckOrigin: websocket.AnyOrigin,
	Handler: &websocket.Handler{
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) { _ = c.TrySend(op, p) },
	},
}

func onReactor(addr string, cfg server.Config) error {
	srv, err := server.New(cfg)
	if err != nil {
		return err
	}
	r, err := reactor.New(srv, reactor.Config{Loops: 1})
	if err != nil {
		return err
	}
	if err := r.Listen("tcp", addr, listen.Config{Backlog: 1024}); err != nil {
		return err
	}
	return r.Run()
}

func onStdnet(addr string, cfg server.Config) error {
	srv, err := server.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return stdnet.New(srv, stdnet.Config{}).Serve(l)
}

func serveReactor(addr string) error     { return onReactor(addr, server.Config{Native: upgrader}) }
func serveReactorHTTP(addr string) error { return onReactor(addr, server.Config{Handler: upgrader}) }
func serveStdnet(addr string) error      { return onStdnet(addr, server.Config{Native: upgrader}) }

// serveStdnetRead reads and writes in the http.Handler, as users of gorilla do.
func serveStdnetRead(addr string) error {
	return onStdnet(addr, server.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		var p []byte
		for {
			var op websocket.Opcode
			if op, p, err = c.AppendMessage(context.Background(), p[:0]); err != nil || c.Send(context.Background(), op, p) != nil {
				return
			}
		}
	})})
}
