package websocket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/websocket"
)

// An Upgrader is an http.Handler. Under any net/http server, behind any mux, its callbacks serve the connections.
func ExampleUpgrader() {
	shout := &websocket.Upgrader{Handler: &websocket.Handler{
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			_ = c.TrySend(op, []byte(strings.ToUpper(string(p))))
		},
	}}
	s := httptest.NewServer(shout)
	defer s.Close()

	ctx := context.Background()
	c, err := websocket.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1))
	if err != nil {
		panic(err)
	}
	_ = c.Send(ctx, websocket.Text, []byte("hello"))
	_, p, err := c.ReadMessage(ctx)
	fmt.Println(string(p), err)
	_ = c.Close(ws.CloseNormal, "")
	// Output: HELLO <nil>
}

// Without a Handler a connection is read and written like a file, here inside of the http.Handler that has upgraded it.
func ExampleUpgrader_Upgrade() {
	var up websocket.Upgrader
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		for {
			op, p, err := c.ReadMessage(r.Context())
			if err != nil {
				return
			}
			_ = c.Send(r.Context(), op, append([]byte("you said "), p...))
		}
	}))
	defer s.Close()
	ctx := context.Background()
	c, err := websocket.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1))
	if err != nil {
		panic(err)
	}
	w := c.NextWriter(ctx, websocket.Text)
	_, _ = io.WriteString(w, "hel")
	_, _ = io.WriteString(w, "lo")
	_ = w.Close()
	_, r, err := c.NextReader(ctx)
	if err != nil {
		panic(err)
	}
	p, _ := io.ReadAll(r)
	fmt.Println(string(p))
	_ = c.Close(ws.CloseNormal, "")
	_, _, err = c.ReadMessage(ctx)
	fmt.Println(websocket.CloseStatus(err) == ws.CloseNormal)
	// Output:
	// you said hello
	// true
}

// A message for many connections is encoded once, and sent by reference where it is large.
func ExampleGroup() {
	var room websocket.Group
	entered := make(chan struct{}, 3)
	up := &websocket.Upgrader{Handler: &websocket.Handler{
		OnOpen:  func(c *websocket.Conn) { room.Add(c); entered <- struct{}{} },
		OnClose: func(c *websocket.Conn, _ *websocket.CloseError) { room.Remove(c) },
	}}
	s := httptest.NewServer(up)
	defer s.Close()
	ctx := context.Background()
	var guests []*websocket.Conn
	for range 3 {
		c, err := websocket.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1))
		if err != nil {
			panic(err)
		}
		guests = append(guests, c)
		<-entered
	}
	m, _ := websocket.NewPrepared(websocket.Text, []byte("dinner is served"))
	fmt.Println(room.Broadcast(m, (*websocket.Conn).Abort), "guests")
	for _, c := range guests {
		_, p, _ := c.ReadMessage(ctx)
		fmt.Println(string(p))
		c.Abort()
	}
	// Output:
	// 3 guests
	// dinner is served
	// dinner is served
	// dinner is served
}
