package native_test

import (
	"context"
	"fmt"
	"net"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/native"
	"github.com/purewire/purewire/server"
)

// A method that only computes runs where the bytes come in. The rest of the service, and every call that needs more than that, has
// its goroutine.
func Example() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	short := native.New(srv)
	short.Unary("/example.Text/Reverse", func(_ *native.Call, req, dst []byte) ([]byte, error) {
		for i := range req {
			dst = append(dst, req[len(req)-1-i])
		}
		return dst, nil
	})
	svc, err := server.New(server.Config{Handler: srv, Native: short})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	defer s.Close()

	tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
	defer tr.Close()
	c := &rpc.Client{Base: "http://" + l.Addr().String(), Transport: tr}
	reply, err := c.Unary(context.Background(), "/example.Text/Reverse", []byte("stressed"), nil)
	fmt.Printf("%s %v\n", reply, err)
	// Output: desserts <nil>
}
