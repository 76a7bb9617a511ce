package rpc_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
)

// serve runs a handler with package server on a free port.
func serve(srv *rpc.Server) (addr string, stop func()) {
	svc, err := server.New(server.Config{Handler: srv,
		Deadlines: server.Deadlines{BodyIdle: -1, BodyMinRate: -1, Handler: -1, Request: -1}})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	return l.Addr().String(), func() { _ = s.Close() }
}

func Example() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	srv.Unary("/greet.Greeter/Hello", func(ctx context.Context, req []byte) ([]byte, error) {
		if len(req) == 0 {
			return nil, rpc.Errorf(grpc.InvalidArgument, "no name")
		}
		return append([]byte("hello "), req...), nil
	})
	addr, stop := serve(srv)
	defer stop()

	tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
	defer tr.Close()
	c := &rpc.Client{Base: "http://" + addr, Transport: tr}
	reply, err := c.Unary(context.Background(), "/greet.Greeter/Hello", []byte("wire"), nil)
	fmt.Println(string(reply), err)
	_, err = c.Unary(context.Background(), "/greet.Greeter/Hello", nil, nil)
	fmt.Println(err)
	// Output:
	// hello wire <nil>
	// grpc: INVALID_ARGUMENT: no name
}

func ExampleClient_Stream() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	srv.Bidi("/echo.Echo/Chat", func(s *rpc.Stream) error {
		for {
			msg, err := s.Recv()
			if err == io.EOF {
				return s.SetTrailer(rpc.Metadata{"said": {"goodbye"}})
			}
			if err != nil {
				return err
			}
			if err := s.Send(msg); err != nil {
				return err
			}
		}
	})
	addr, stop := serve(srv)
	defer stop()

	tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
	defer tr.Close()
	c := &rpc.Client{Base: "http://" + addr, Transport: tr}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // or receive to the end
	s, err := c.Stream(ctx, "/echo.Echo/Chat", nil)
	if err != nil {
		panic(err)
	}
	for _, m := range []string{"one", "two"} {
		_ = s.Send([]byte(m))
		reply, _ := s.Recv()
		fmt.Println(string(reply))
	}
	_ = s.CloseSend()
	_, err = s.Recv()
	fmt.Println(err, s.Trailer().Get("said"))
	// Output:
	// one
	// two
	// EOF goodbye
}
