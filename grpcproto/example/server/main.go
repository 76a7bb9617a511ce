//go:build linux || darwin || freebsd

// Command server serves greet.v1.Greeter, with health and reflection beside it, so that grpcurl needs no .proto file.
// Start it in folder grpcproto:
//
//	go run ./example/server
//	grpcurl -plaintext 127.0.0.1:50051 list
//	grpcurl -plaintext -d '{"name":"World"}' 127.0.0.1:50051 greet.v1.Greeter/Hello
//
// With -cert and -key it serves TLS.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/grpcproto/reflection"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
	"github.com/purewire/purewire/server"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:50051", "where to listen")
	driver := flag.String("driver", "reactor", "reactor or stdnet")
	cert := flag.String("cert", "", "certificate chain; none: plain text")
	key := flag.String("key", "", "its key")
	flag.Parse()
	if err := run(*addr, *driver, *cert, *key); err != nil {
		log.Fatal(err)
	}
}

// service is the handler of all calls, and what tells their health.
func service() (*rpc.Server, *health.Server) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	reflection.Register(srv, reflection.Config{})
	h := new(health.Server)
	h.Register(srv)
	h.Set(greet.Greeter_ServiceName, health.Serving)
	return srv, h
}

// patience is how long calls may take to end when the server stops.
const patience = 10 * time.Second

func run(addr, driver, cert, key string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	calls, h := service()
	web, err := server.New(server.Config{
		Handler:   calls,
		Deadlines: server.Deadlines{BodyIdle: -1, BodyMinRate: -1, Handler: -1, Request: -1}, // streams may be silent for long
	})
	if err != nil {
		return err
	}
	var svc drivers.Service = web
	scheme := "http"
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return err
		}
		scheme = "https"
		svc, err = tlswrap.New(web, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}, tlswrap.Options{})
		if err != nil {
			return err
		}
	}
	if driver == "stdnet" {
		l, err := listen.Net("tcp", addr, listen.Config{})
		if err != nil {
			return err
		}
		s := stdnet.New(svc, stdnet.Config{})
		fmt.Printf("%s://%s/\n", scheme, l.Addr())
		done := make(chan struct{})
		go func() {
			defer close(done)
			<-ctx.Done()
			h.Shutdown()
			bound, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			s.Shutdown(bound)
		}()
		if err := s.Serve(l); !errors.Is(err, drivers.ErrClosed) {
			return err
		}
		<-done // Serve returns at the beginning of a shutdown
		return nil
	}
	r, err := reactor.New(svc, reactor.Config{})
	if err != nil {
		return err
	}
	if err := r.Listen("tcp", addr, listen.Config{}); err != nil {
		return err
	}
	fmt.Printf("%s://%s/\n", scheme, r.Addrs()[0])
	go func() {
		<-ctx.Done()
		h.Shutdown()
		bound, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r.Shutdown(bound)
	}()
	return r.Run()
}
