// Command client makes one call of each kind to the example server:
//
//	go run ./example/client
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/rpc"
)

func main() {
	base := flag.String("base", "http://127.0.0.1:50051", "where the server is")
	flag.Parse()
	tr := &client.Transport{Protocols: client.H2C | client.HTTP2, Proxy: client.NoProxy}
	defer tr.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, greet.NewGreeterClient(&rpc.Client{Base: *base, Transport: tr})); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, c greet.GreeterClient) error {
	// The server may be started later than this.
	reply, err := c.Hello(ctx, &greet.HelloRequest{Name: "World"}, grpcproto.WaitForReady())
	if err != nil {
		return err
	}
	fmt.Println("Hello:", reply.Text)

	all, err := c.Everybody(ctx, grpcproto.Encoding("gzip"))
	if err != nil {
		return err
	}
	for _, name := range []string{"Ada", "Grace"} {
		if err := all.Send(&greet.HelloRequest{Name: name}); err != nil {
			break // the reply tells why
		}
	}
	if reply, err = all.CloseAndRecv(); err != nil {
		return err
	}
	fmt.Println("Everybody:", reply.Text)

	again, err := c.Again(ctx, &greet.AgainRequest{Who: &greet.HelloRequest{Name: "Echo"}, Times: 3})
	if err != nil {
		return err
	}
	n := 0
	for ; ; n++ {
		if _, err = again.Recv(); err != nil {
			break
		}
	}
	if err != io.EOF {
		return err
	}
	fmt.Println("Again:", n, "times")

	chat, err := c.Chat(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"Alan", "Edsger"} {
		if err := chat.Send(&greet.HelloRequest{Name: name, Mood: greet.Mood_MOOD_LOUD}); err != nil {
			break
		}
		if reply, err = chat.Recv(); err != nil {
			return err
		}
		fmt.Println("Chat:", reply.Text)
	}
	_ = chat.CloseSend()
	if _, err := chat.Recv(); err != io.EOF {
		return err
	}

	_, err = c.Hello(ctx, &greet.HelloRequest{})
	fmt.Println("Nobody:", err)
	for _, d := range grpcproto.Details(err) {
		fmt.Println("  detail:", d.(*greet.Problem).Field)
	}
	return nil
}
