package grpcproto_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/rpc"
)

// serving starts a server for an example, here net/http's; package server on a driver does it as well.
func serving(srv *rpc.Server) (c *rpc.Client, stop func()) {
	s := httptest.NewUnstartedServer(srv)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
	return &rpc.Client{Base: s.URL, Transport: tr}, func() { _ = tr.Close(); s.Close() }
}

// A generated service: its implementation is registered, its client makes typed calls.
func Example() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	conn, stop := serving(srv)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := greet.NewGreeterClient(conn)
	reply, err := c.Hello(ctx, &greet.HelloRequest{Name: "Ada"})
	fmt.Println(reply.GetText(), err)

	again, err := c.Again(ctx, &greet.AgainRequest{Who: &greet.HelloRequest{Name: "Bob"}, Times: 2}, grpcproto.Encoding("gzip"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		reply, err := again.Recv()
		if err == io.EOF {
			break
		}
		fmt.Println(reply.GetText(), err)
	}

	_, err = c.Hello(ctx, &greet.HelloRequest{})
	fmt.Println(errors.Is(err, grpc.InvalidArgument), grpcproto.Details(err)[0].(*greet.Problem).GetField())
	// Output:
	// Hello, Ada! <nil>
	// Hello, Bob! <nil>
	// Hello, Bob! <nil>
	// true name
}

// A method without a stub.
func ExampleHandleUnary() {
	srv := rpc.NewServer(rpc.ServerConfig{})
	grpcproto.HandleUnary(srv, "/shop.v1.Shop/Greet", func(ctx context.Context, req *greet.HelloRequest) (*greet.HelloReply, error) {
		who := rpc.StreamOf(ctx).Metadata().Get("x-user")
		return &greet.HelloReply{Text: req.GetName() + " from " + who}, nil
	})
	conn, stop := serving(srv)
	defer stop()
	reply, err := grpcproto.CallUnary[greet.HelloRequest, greet.HelloReply](context.Background(), conn, "/shop.v1.Shop/Greet",
		&greet.HelloRequest{Name: "Hi"}, grpcproto.Metadata(rpc.Metadata{"x-user": {"Eve"}}))
	fmt.Println(reply.GetText(), err)
	// Output: Hi from Eve <nil>
}
