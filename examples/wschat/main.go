// Command wschat is a chat room for browsers on any net/http mux: what one says, all see. It runs on package stdnet, and would
// run the same on package reactor or under net/http's own server.
//
//	go run ./examples/wschat
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

const page = `<!doctype html><meta charset="utf-8"><title>chat</title>
<pre id="all"></pre><form><input autofocus><button>Say</button></form>
<script>
const s = new WebSocket(location.origin.replace(/^http/, "ws") + "/room"), say = document.querySelector("input");
s.onmessage = e => document.querySelector("#all").textContent += e.data + "\n";
document.querySelector("form").onsubmit = e => { e.preventDefault(); s.send(say.value); say.value = ""; };
</script>`

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	if err := serve(*addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	var room websocket.Group
	up := &websocket.Upgrader{
		Options: websocket.Options{Limits: ws.Limits{Message: 1000}}, // longer lines end the connection with 1009
		Handler: &websocket.Handler{
			OnOpen:  func(c *websocket.Conn) { room.Add(c) },
			OnClose: func(c *websocket.Conn, _ *websocket.CloseError) { room.Remove(c) },
			OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
				m, err := websocket.NewPrepared(op, p) // encoded once for all
				if err == nil {
					room.Broadcast(m, (*websocket.Conn).Abort) // who does not read is dropped
				}
			},
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	})
	mux.Handle("/room", up)
	srv, err := server.New(server.Config{Handler: mux})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("chat on http://%s/ \n", l.Addr())
	return stdnet.New(srv, stdnet.Config{}).Serve(l)
}
