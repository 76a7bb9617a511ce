//go:build linux

package main

import (
	"context"
	"net"
	"net/http"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

func serveGorilla(addr string) error {
	up := gorilla.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			t, p, err := c.ReadMessage()
			if err != nil || c.WriteMessage(t, p) != nil {
				return
			}
		}
	}))
}

func serveCoder(addr string) error {
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := coder.Accept(w, r, &coder.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		ctx := context.Background()
		for {
			t, p, err := c.Read(ctx)
			if err != nil || c.Write(ctx, t, p) != nil {
				return
			}
		}
	}))
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

func serveGws(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return gws.NewServer(gwsEcho{}, &gws.ServerOption{}).RunListener(l)
}
