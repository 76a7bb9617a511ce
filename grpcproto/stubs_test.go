package grpcproto_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/grpcproto/internal/healthpb"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
	"github.com/stretchr/testify/require"
)

// ways are the options with which the four kinds are called.
var ways = map[string][]grpcproto.CallOption{
	"plain": nil,
	"gzip":  {grpcproto.Encoding("gzip")},
	"json":  {grpcproto.JSON()},
}

func TestKinds(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	for name, start := range drivers {
		addr := start(t, srv)
		for way, opts := range ways {
			t.Run(name+" "+way, func(t *testing.T) {
				ctx := bound(t)
				c := greet.NewGreeterClient(connect(t, addr))
				reply, err := c.Hello(ctx, &greet.HelloRequest{Name: "Ada", Mood: greet.Mood_MOOD_LOUD}, opts...)
				require.NoError(t, err)
				require.Equal(t, "HELLO, ADA!", reply.Text)

				all, err := c.Everybody(ctx, opts...)
				require.NoError(t, err)
				for i := range 100 {
					require.NoError(t, all.Send(&greet.HelloRequest{Name: fmt.Sprint(i)}))
				}
				reply, err = all.CloseAndRecv()
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(reply.Text, "Hello, 0, 1, 2,") && strings.HasSuffix(reply.Text, " 99!"), reply.Text)

				again, err := c.Again(ctx, &greet.AgainRequest{Who: &greet.HelloRequest{Name: "Bob"}, Times: greeter.MaxTimes}, opts...)
				require.NoError(t, err)
				for range greeter.MaxTimes {
					reply, err := again.Recv()
					require.NoError(t, err)
					require.Equal(t, "Hello, Bob!", reply.Text)
				}
				_, err = again.Recv()
				require.Equal(t, io.EOF, err)

				chat, err := c.Chat(ctx, opts...)
				require.NoError(t, err)
				for i := range 20 { // each answer before the next question
					require.NoError(t, chat.Send(&greet.HelloRequest{Name: fmt.Sprint(i)}))
					reply, err := chat.Recv()
					require.NoError(t, err)
					require.Equal(t, fmt.Sprintf("Hello, %d!", i), reply.Text)
				}
				require.NoError(t, chat.CloseSend())
				_, err = chat.Recv()
				require.Equal(t, io.EOF, err)
			})
		}
	}
}

// TestWeb: the same stubs over gRPC-Web, which has unary calls and server streams, on HTTP/1.1.
func TestWeb(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	for name, start := range drivers {
		addr := start(t, srv)
		for _, wire := range []grpc.Wire{grpc.WebBinary, grpc.WebText} {
			for way, opts := range ways {
				t.Run(fmt.Sprint(name, wire, way), func(t *testing.T) {
					tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.HTTP1}
					defer tr.Close()
					c, ctx := greet.NewGreeterClient(&rpc.Client{Base: "http://" + addr, Transport: tr, Wire: wire}), bound(t)
					reply, err := c.Hello(ctx, &greet.HelloRequest{Name: "Web"}, opts...)
					require.NoError(t, err)
					require.Equal(t, "Hello, Web!", reply.Text)
					again, err := c.Again(ctx, &greet.AgainRequest{Who: &greet.HelloRequest{Name: "W"}, Times: 10}, opts...)
					require.NoError(t, err)
					for range 10 {
						reply, err = again.Recv()
						require.NoError(t, err)
						require.Equal(t, "Hello, W!", reply.Text)
					}
					_, err = again.Recv()
					require.Equal(t, io.EOF, err)
					_, err = c.Hello(ctx, &greet.HelloRequest{}, opts...)
					code(t, grpc.InvalidArgument, err)
					require.Len(t, grpcproto.Details(err), 1)
				})
			}
		}
	}
}

// TestErrors: every kind passes a status on, with its details.
func TestErrors(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	c, ctx := greet.NewGreeterClient(dial(t, srv)), bound(t)
	refused := func(err error, field string) {
		t.Helper()
		code(t, grpc.InvalidArgument, err)
		require.Len(t, grpcproto.Details(err), 1)
		require.Equal(t, field, grpcproto.Details(err)[0].(*greet.Problem).Field)
	}
	_, err := c.Hello(ctx, &greet.HelloRequest{})
	refused(err, "name")
	all, err := c.Everybody(ctx)
	require.NoError(t, err)
	_, err = all.CloseAndRecv()
	refused(err, "name")
	again, err := c.Again(ctx, &greet.AgainRequest{Times: 1})
	require.NoError(t, err)
	_, err = again.Recv()
	refused(err, "name")
	chat, err := c.Chat(ctx)
	require.NoError(t, err)
	require.NoError(t, chat.Send(&greet.HelloRequest{}))
	_, err = chat.Recv()
	refused(err, "name")
	again, err = c.Again(ctx, &greet.AgainRequest{Times: -1})
	require.NoError(t, err)
	_, err = again.Recv()
	code(t, grpc.OutOfRange, err)
}

// none implements nothing: every method answers for it.
type none struct {
	greet.UnimplementedGreeterServer
}

func TestUnimplemented(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, none{})
	require.Equal(t, []string{"greet.v1.Greeter"}, srv.Services())
	require.Panics(t, func() { greet.RegisterGreeterServer(srv, none{}) }) // twice
	require.Panics(t, func() {
		greet.RegisterGreeterServer(rpc.NewServer(rpc.ServerConfig{}), struct {
			*greet.UnimplementedGreeterServer
		}{})
	})
	c, ctx := greet.NewGreeterClient(dial(t, srv)), bound(t)
	_, err := c.Hello(ctx, &greet.HelloRequest{})
	code(t, grpc.Unimplemented, err)
	require.Contains(t, err.Error(), greet.Greeter_Hello_FullMethodName)
	all, err := c.Everybody(ctx)
	require.NoError(t, err)
	_, err = all.CloseAndRecv()
	code(t, grpc.Unimplemented, err)
	again, err := c.Again(ctx, &greet.AgainRequest{})
	require.NoError(t, err)
	_, err = again.Recv()
	code(t, grpc.Unimplemented, err)
	chat, err := c.Chat(ctx)
	require.NoError(t, err)
	_, err = chat.Recv()
	code(t, grpc.Unimplemented, err)
}

// healthy implements grpc.health.v1.Health by its stubs.
type healthy struct {
	healthpb.UnimplementedHealthServer
}

func (healthy) Check(_ context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if r.Service != "a.B" {
		return nil, rpc.Errorf(grpc.NotFound, "unknown")
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_NOT_SERVING}, nil
}

func (healthy) Watch(r *healthpb.HealthCheckRequest, s grpcproto.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	for _, st := range []healthpb.HealthCheckResponse_ServingStatus{2, 1} {
		if err := s.Send(&healthpb.HealthCheckResponse{Status: st}); err != nil {
			return err
		}
	}
	return nil
}

// TestHealth: the typed stubs of the health service and package rpc/health, which codes its messages by hand, understand each other.
func TestHealth(t *testing.T) {
	var h health.Server
	srv := rpc.NewServer(rpc.ServerConfig{})
	h.Register(srv)
	ctx, cancel := context.WithCancel(bound(t))
	c := healthpb.NewHealthClient(dial(t, srv))
	res, err := c.Check(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, res.Status)
	_, err = c.Check(ctx, &healthpb.HealthCheckRequest{Service: "a.B"})
	code(t, grpc.NotFound, err)
	w, err := c.Watch(ctx, &healthpb.HealthCheckRequest{Service: "a.B"})
	require.NoError(t, err)
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{3, 1, 2} {
		res, err := w.Recv()
		require.NoError(t, err)
		require.Equal(t, want, res.Status)
		if want == 3 {
			h.Set("a.B", health.Serving)
		} else {
			h.Set("a.B", health.NotServing)
		}
	}
	cancel()
	_, err = w.Recv()
	code(t, grpc.Canceled, err)

	srv = rpc.NewServer(rpc.ServerConfig{}) // and the other way round
	healthpb.RegisterHealthServer(srv, healthy{})
	rc := dial(t, srv)
	st, err := health.Check(bound(t), rc, "a.B")
	require.NoError(t, err)
	require.Equal(t, health.NotServing, st)
	_, err = health.Check(bound(t), rc, "")
	code(t, grpc.NotFound, err)
	var seen []health.Status
	err = health.Watch(bound(t), rc, "a.B", func(st health.Status) { seen = append(seen, st) })
	require.Equal(t, io.EOF, err)
	require.Equal(t, []health.Status{health.NotServing, health.Serving}, seen)
}
