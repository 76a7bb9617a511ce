//go:build linux || darwin || freebsd

package grpcrpc_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/interop/grpcrpc"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// servers start the test service and return its address.
var servers = map[string]func(t *testing.T) string{
	"rpc on stdnet":  func(t *testing.T) string { return onStdnet(t, service()) },
	"rpc on reactor": func(t *testing.T) string { return onReactor(t, service()) },
	"grpc-go": func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := grpc.NewServer()
		pb.RegisterTestServiceServer(s, interop.NewTestServer())
		go func() { _ = s.Serve(l) }()
		t.Cleanup(s.Stop)
		return l.Addr().String()
	},
}

// drivers serve a handler on package server and return its address.
var drivers = map[string]func(t *testing.T, h http.Handler) string{"stdnet": onStdnet, "reactor": onReactor}

func onStdnet(t *testing.T, h http.Handler) string { return onStdnetWith(t, server.Config{Handler: h}) }

func onStdnetWith(t *testing.T, cfg server.Config) string {
	svc, err := server.New(cfg)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func onReactor(t *testing.T, h http.Handler) string {
	return onReactorWith(t, server.Config{Handler: h})
}

func onReactorWith(t *testing.T, cfg server.Config) string {
	svc, err := server.New(cfg)
	require.NoError(t, err)
	r, err := reactor.New(svc, reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	t.Cleanup(func() { _ = r.Close() })
	return r.Addrs()[0].String()
}

// service is grpc-go's test service, by its generated stubs, on package rpc.
func service() *rpc.Server {
	srv := rpc.NewServer(rpc.ServerConfig{})
	pb.RegisterTestServiceServer(grpcrpc.Registrar{Server: srv}, interop.NewTestServer())
	return srv
}

// clients connect to an address.
var clients = map[string]func(t *testing.T, addr string) grpc.ClientConnInterface{
	"grpc-go": func(t *testing.T, addr string) grpc.ClientConnInterface { return dial(t, addr) },
	"grpc-go gzip": func(t *testing.T, addr string) grpc.ClientConnInterface {
		return dial(t, addr, grpc.WithDefaultCallOptions(grpc.UseCompressor("gzip")))
	},
	"rpc":      func(t *testing.T, addr string) grpc.ClientConnInterface { return ours(t, addr, "") },
	"rpc gzip": func(t *testing.T, addr string) grpc.ClientConnInterface { return ours(t, addr, "gzip") },
}

func dial(t *testing.T, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	c, err := grpc.NewClient("passthrough:///"+addr, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func ours(t *testing.T, addr, encoding string) grpcrpc.Conn {
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	t.Cleanup(func() { _ = tr.Close() })
	return grpcrpc.Conn{Client: &rpc.Client{Base: "http://" + addr, Transport: tr}, Encoding: encoding}
}

// TestCases runs grpc-go's interop cases, which end the process when they fail, on every pair but grpc-go with itself.
func TestCases(t *testing.T) {
	for sn, serve := range servers {
		addr := serve(t)
		for cn, connect := range clients {
			if sn == "grpc-go" && (cn == "grpc-go" || cn == "grpc-go gzip") {
				continue
			}
			t.Run(cn+" to "+sn, func(t *testing.T) {
				cc := connect(t, addr)
				tc := pb.NewTestServiceClient(cc)
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				defer cancel()
				for _, c := range []struct {
					name string
					do   func(context.Context, pb.TestServiceClient, ...grpc.CallOption)
				}{
					{"empty_unary", interop.DoEmptyUnaryCall},
					{"large_unary", interop.DoLargeUnaryCall},
					{"client_streaming", interop.DoClientStreaming},
					{"server_streaming", interop.DoServerStreaming},
					{"ping_pong", interop.DoPingPong},
					{"empty_stream", interop.DoEmptyStream},
					{"timeout_on_sleeping_server", interop.DoTimeoutOnSleepingServer},
					{"cancel_after_begin", interop.DoCancelAfterBegin},
					{"cancel_after_first_response", interop.DoCancelAfterFirstResponse},
					{"status_code_and_message", interop.DoStatusCodeAndMessage},
					{"special_status_message", interop.DoSpecialStatusMessage},
					{"custom_metadata", interop.DoCustomMetadata},
				} {
					t.Run(c.name, func(t *testing.T) { c.do(ctx, tc) })
				}
				t.Run("unimplemented_service", func(t *testing.T) {
					interop.DoUnimplementedService(ctx, pb.NewUnimplementedServiceClient(cc))
				})
				t.Run("unimplemented_method", func(t *testing.T) {
					err := cc.Invoke(ctx, "/grpc.testing.TestService/UnimplementedCall", &pb.Empty{}, &pb.Empty{})
					require.Equal(t, codes.Unimplemented, status.Code(err), "%v", err)
				})
			})
		}
	}
}
