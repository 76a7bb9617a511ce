package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
)

// An http.ServeMux and a native handler behind one server, on package stdnet.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from http.Handler") })
	srv, err := server.New(server.Config{
		Handler: mux,
		Native: server.NativeFunc(func(c *server.Ctx) {
			if string(c.Path()) == "/fast" {
				_ = c.ReplyString(200, "text/plain", "from NativeHandler")
				return
			}
			c.Pass()
		}),
	})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	d := stdnet.New(srv, stdnet.Config{})
	go d.Serve(l)
	defer d.Shutdown(context.Background())
	for _, path := range []string{"/hello", "/fast"} {
		resp, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			panic(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(string(b))
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// from http.Handler
	// from NativeHandler
}
