//go:build linux || darwin || freebsd

package grpcrpc_test

import (
	"bytes"
	"context"
	"fmt"
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
	"rpc on stdnet": func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := stdnet.New(service(t), stdnet.Config{})
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		return l.Addr().String()
	},
	"rpc on reactor": func(t *testing.T) string {
		r, err := reactor.New(service(t), reactor.Config{Loops: 1})
		require.NoError(t, err)
		require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
		require.NoError(t, r.Start())
		t.Cleanup(func() { _ = r.Close() })
		return r.Addrs()[0].String()
	},
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

// service is grpc-go's test service, by its generated stubs, on package rpc.
func service(t *testing.T) *server.Server {
	srv := rpc.NewServer(rpc.ServerConfig{})
	pb.RegisterTestServiceServer(grpcrpc.Registrar{Server: srv}, interop.NewTestServer())
	s, err := server.New(server.Config{Handler: srv})
	require.NoError(t, err)
	return s
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
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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

// compressing is the service of the client_compressed and server_compressed cases of interop-test-descriptions.md, which
// grpc-go's test service does not have.
func compressing() *rpc.Server {
	srv := rpc.NewServer(rpc.ServerConfig{})
	srv.Unary("/t.C/Echo", func(ctx context.Context, req []byte) ([]byte, error) {
		s := rpc.StreamOf(ctx)
		if err := s.SetEncoding("gzip"); err != nil {
			return nil, err
		}
		s.Compress(len(req) > 1000)
		return req, nil
	})
	srv.Bidi("/t.C/Chat", func(s *rpc.Stream) error {
		if err := s.SetEncoding("gzip"); err != nil {
			return err
		}
		for i := 0; ; i++ {
			m, err := s.Recv()
			if err != nil {
				return nil
			}
			s.Compress(i%2 == 0)
			if err := s.Send(m); err != nil {
				return err
			}
		}
	})
	return srv
}

// raw passes bytes through grpc-go's client as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                       { return "proto" }

// TestServerCompressed: server_compressed_unary and server_compressed_streaming with grpc-go's client: compressed messages, and
// uncompressed ones in a compressed stream; client_compressed_unary and _streaming come with UseCompressor.
func TestServerCompressed(t *testing.T) {
	svc, err := server.New(server.Config{Handler: http.Handler(compressing())})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	for _, opts := range [][]grpc.CallOption{{grpc.ForceCodec(raw{})}, {grpc.ForceCodec(raw{}), grpc.UseCompressor("gzip")}} {
		cc := dial(t, l.Addr().String())
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, n := range []int{0, 10, 100_000} {
			in, out := bytes.Repeat([]byte("a"), n), []byte("x")
			require.NoError(t, cc.Invoke(ctx, "/t.C/Echo", &in, &out, opts...))
			require.True(t, bytes.Equal(in, out))
		}
		st, err := cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/t.C/Chat", opts...)
		require.NoError(t, err)
		for i := range 6 {
			in, out := fmt.Appendf(nil, "%d %s", i, bytes.Repeat([]byte("b"), i*1000)), []byte(nil)
			require.NoError(t, st.SendMsg(&in))
			require.NoError(t, st.RecvMsg(&out))
			require.True(t, bytes.Equal(in, out))
		}
	}
}
