//go:build linux || darwin || freebsd

package grpcurl

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
)

// TestGoClient: grpc-go's client calls a generated service, in all kinds, compressed or not, and package rpc/health.
func TestGoClient(t *testing.T) {
	everywhere(t, func(t *testing.T, cc *grpc.ClientConn) {
		for _, opts := range [][]grpc.CallOption{nil, {grpc.UseCompressor("gzip")}} {
			ctx := bound(t)
			var reply greet.HelloReply
			require.NoError(t, cc.Invoke(ctx, greet.Greeter_Hello_FullMethodName, &greet.HelloRequest{Name: "Go"}, &reply, opts...))
			require.Equal(t, "Hello, Go!", reply.Text)
			err := cc.Invoke(ctx, greet.Greeter_Hello_FullMethodName, &greet.HelloRequest{}, &reply, opts...)
			require.Equal(t, codes.InvalidArgument, status.Code(err))
			st, _ := status.FromError(err)
			require.Equal(t, "name is missing", st.Message())
			require.Len(t, st.Details(), 1)
			require.Equal(t, "name", st.Details()[0].(*greet.Problem).Field)

			up, err := cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, greet.Greeter_Everybody_FullMethodName, opts...)
			require.NoError(t, err)
			for i := range 3 {
				require.NoError(t, up.SendMsg(&greet.HelloRequest{Name: fmt.Sprint(i)}))
			}
			require.NoError(t, up.CloseSend())
			require.NoError(t, up.RecvMsg(&reply))
			require.Equal(t, "Hello, 0, 1, 2!", reply.Text)

			down, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, greet.Greeter_Again_FullMethodName, opts...)
			require.NoError(t, err)
			require.NoError(t, down.SendMsg(&greet.AgainRequest{Who: &greet.HelloRequest{Name: "x"}, Times: 100}))
			require.NoError(t, down.CloseSend())
			n := 0
			for ; err == nil; n++ {
				err = down.RecvMsg(&reply)
			}
			require.Equal(t, io.EOF, err)
			require.Equal(t, 101, n)

			chat, err := cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, greet.Greeter_Chat_FullMethodName, opts...)
			require.NoError(t, err)
			for i := range 10 {
				require.NoError(t, chat.SendMsg(&greet.HelloRequest{Name: fmt.Sprint(i)}))
				require.NoError(t, chat.RecvMsg(&reply))
				require.Equal(t, fmt.Sprintf("Hello, %d!", i), reply.Text)
			}
			require.NoError(t, chat.CloseSend())
			require.Equal(t, io.EOF, chat.RecvMsg(&reply))

			res, err := grpc_health_v1.NewHealthClient(cc).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, opts...)
			require.NoError(t, err)
			require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, res.Status)
		}
	})
}

// TestGoServer: grpcproto's calls, and package rpc/health, of grpc-go's server.
func TestGoServer(t *testing.T) {
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	defer tr.Close()
	c, ctx := &rpc.Client{Base: "http://" + theirs(t), Transport: tr}, bound(t)
	res, err := grpcproto.CallUnary[grpc_health_v1.HealthCheckRequest, grpc_health_v1.HealthCheckResponse](ctx, c,
		grpc_health_v1.Health_Check_FullMethodName, &grpc_health_v1.HealthCheckRequest{}, grpcproto.Encoding("gzip"))
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, res.Status)
	w, err := grpcproto.CallServerStreaming[grpc_health_v1.HealthCheckRequest, grpc_health_v1.HealthCheckResponse](ctx, c,
		grpc_health_v1.Health_Watch_FullMethodName, &grpc_health_v1.HealthCheckRequest{Service: "a.B"})
	require.NoError(t, err)
	res, err = w.Recv()
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN, res.Status)
	w.Stream().Cancel()
	st, err := health.Check(ctx, c, "")
	require.NoError(t, err)
	require.Equal(t, health.Serving, st)
}
