//go:build linux || darwin || freebsd

package grpcrpc_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	codec "github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The cases client_compressed_unary, client_compressed_streaming, server_compressed_unary and server_compressed_streaming of
// interop-test-descriptions.md. grpc-go's own test service and client lack them, so both are written here, on package rpc and on
// grpc-go.

const testService = "/grpc.testing.TestService/"

var errExpected = rpc.Errorf(codec.InvalidArgument, "expect_compressed is not what came")

// compressingService is the service on package rpc.
func compressingService() *rpc.Server {
	srv := rpc.NewServer(rpc.ServerConfig{})
	srv.Unary(testService+"UnaryCall", func(ctx context.Context, req []byte) ([]byte, error) {
		m := new(pb.SimpleRequest)
		if err := proto.Unmarshal(req, m); err != nil {
			return nil, err
		}
		s := rpc.StreamOf(ctx)
		if m.ExpectCompressed.GetValue() != s.MessageCompressed() {
			return nil, errExpected
		}
		if err := s.SetEncoding("gzip"); err != nil {
			return nil, err
		}
		s.Compress(m.ResponseCompressed.GetValue())
		return proto.Marshal(&pb.SimpleResponse{Payload: zeros(m.ResponseSize)})
	})
	srv.ClientStream(testService+"StreamingInputCall", func(s *rpc.Stream) ([]byte, error) {
		sum := 0
		for {
			b, err := s.Recv()
			if err == io.EOF {
				return proto.Marshal(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
			}
			if err != nil {
				return nil, err
			}
			m := new(pb.StreamingInputCallRequest)
			if err := proto.Unmarshal(b, m); err != nil {
				return nil, err
			}
			if m.ExpectCompressed.GetValue() != s.MessageCompressed() {
				return nil, errExpected
			}
			sum += len(m.Payload.GetBody())
		}
	})
	srv.ServerStream(testService+"StreamingOutputCall", func(req []byte, s *rpc.Stream) error {
		m := new(pb.StreamingOutputCallRequest)
		if err := proto.Unmarshal(req, m); err != nil {
			return err
		}
		if err := s.SetEncoding("gzip"); err != nil {
			return err
		}
		for _, p := range m.ResponseParameters {
			b, err := proto.Marshal(&pb.StreamingOutputCallResponse{Payload: zeros(p.Size)})
			if err != nil {
				return err
			}
			s.Compress(p.Compressed.GetValue())
			if err := s.Send(b); err != nil {
				return err
			}
		}
		return nil
	})
	return srv
}

func zeros(n int32) *pb.Payload { return &pb.Payload{Body: make([]byte, n)} }

func boolean(b bool) *pb.BoolValue { return &pb.BoolValue{Value: b} }

// goService is the service on grpc-go. It can only compress all messages of a response, or none.
type goService struct {
	pb.UnimplementedTestServiceServer
}

func (goService) UnaryCall(ctx context.Context, m *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if m.ExpectCompressed.GetValue() != seenIn(ctx).last() {
		return nil, status.Error(codes.InvalidArgument, "expect_compressed is not what came")
	}
	if m.ResponseCompressed.GetValue() {
		if err := grpc.SetSendCompressor(ctx, "gzip"); err != nil {
			return nil, err
		}
	}
	return &pb.SimpleResponse{Payload: zeros(m.ResponseSize)}, nil
}

func (goService) StreamingInputCall(s pb.TestService_StreamingInputCallServer) error {
	sum := 0
	for {
		m, err := s.Recv()
		if err == io.EOF {
			return s.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		if m.ExpectCompressed.GetValue() != seenIn(s.Context()).last() {
			return status.Error(codes.InvalidArgument, "expect_compressed is not what came")
		}
		sum += len(m.Payload.GetBody())
	}
}

func (goService) StreamingOutputCall(m *pb.StreamingOutputCallRequest, s pb.TestService_StreamingOutputCallServer) error {
	for i, p := range m.ResponseParameters {
		if i == 0 && p.Compressed.GetValue() {
			if err := grpc.SetSendCompressor(s.Context(), "gzip"); err != nil {
				return err
			}
		}
		if err := s.Send(&pb.StreamingOutputCallResponse{Payload: zeros(p.Size)}); err != nil {
			return err
		}
	}
	return nil
}

// seen notes for grpc-go which messages came compressed: it does not say itself, but tells how long they were before and after.
type seen struct{ list chan bool }

type seenKey struct{}

func seenIn(ctx context.Context) *seen { return ctx.Value(seenKey{}).(*seen) }

func (s *seen) last() bool { return <-s.list }

func (s *seen) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if s.list == nil {
		return context.WithValue(ctx, seenKey{}, &seen{make(chan bool, 16)})
	}
	return context.WithValue(ctx, seenKey{}, s)
}

func (*seen) HandleRPC(ctx context.Context, st stats.RPCStats) {
	if in, ok := st.(*stats.InPayload); ok {
		seenIn(ctx).list <- in.CompressedLength != in.Length
	}
}

func (*seen) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*seen) HandleConn(context.Context, stats.ConnStats)                       {}

func goServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer(grpc.StatsHandler(new(seen)))
	pb.RegisterTestServiceServer(s, goService{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// TestCompressedCases: package rpc's client with package rpc's server on both drivers, and with grpc-go's.
func TestCompressedCases(t *testing.T) {
	addrs := map[string]string{"grpc-go": goServer(t)}
	for driver, serve := range drivers {
		addrs["rpc on "+driver] = serve(t, compressingService())
	}
	for name, addr := range addrs {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			c := ours(t, addr, "").Client
			unary := func(encoding string, m *pb.SimpleRequest) (*rpc.Call, error) {
				b, err := proto.Marshal(m)
				require.NoError(t, err)
				call := &rpc.Call{Encoding: encoding}
				b, err = c.Unary(ctx, testService+"UnaryCall", b, call)
				if err == nil {
					reply := new(pb.SimpleResponse)
					require.NoError(t, proto.Unmarshal(b, reply))
					require.Len(t, reply.Payload.Body, int(m.ResponseSize))
				}
				return call, err
			}
			large := func(expect, respond bool) *pb.SimpleRequest {
				return &pb.SimpleRequest{ResponseSize: 314159, Payload: zeros(271828), ExpectCompressed: boolean(expect), ResponseCompressed: boolean(respond)}
			}
			// client_compressed_unary: the probe first.
			_, err := unary("", large(true, false))
			require.ErrorIs(t, err, codec.InvalidArgument)
			_, err = unary("gzip", large(false, false))
			require.ErrorIs(t, err, codec.InvalidArgument)
			_, err = unary("gzip", large(true, false))
			require.NoError(t, err)
			_, err = unary("", large(false, false))
			require.NoError(t, err)
			// server_compressed_unary
			for _, on := range []bool{true, false} {
				call, err := unary("", large(false, on))
				require.NoError(t, err)
				require.Equal(t, on, call.ReplyCompressed)
			}
			// client_compressed_streaming
			input := func(first bool) (int32, error) {
				s, err := c.Stream(ctx, testService+"StreamingInputCall", &rpc.Call{Encoding: "gzip"})
				require.NoError(t, err)
				for i, m := range []*pb.StreamingInputCallRequest{
					{ExpectCompressed: boolean(true), Payload: zeros(27182)}, {ExpectCompressed: boolean(false), Payload: zeros(45904)},
				} {
					b, err := proto.Marshal(m)
					require.NoError(t, err)
					s.Compress(i == 0 && first)
					if err := s.Send(b); err == io.EOF {
						break
					}
				}
				b, err := s.CloseAndRecv()
				reply := new(pb.StreamingInputCallResponse)
				if err == nil {
					require.NoError(t, proto.Unmarshal(b, reply))
				}
				return reply.AggregatedPayloadSize, err
			}
			_, err = input(false)
			require.ErrorIs(t, err, codec.InvalidArgument)
			n, err := input(true)
			require.NoError(t, err)
			require.EqualValues(t, 73086, n)
			// server_compressed_streaming: grpc-go cannot change within a response.
			ways := [][2]bool{{true, true}, {false, false}}
			if name != "grpc-go" {
				ways = append(ways, [2]bool{true, false}, [2]bool{false, true})
			}
			for _, way := range ways {
				m := &pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{
					{Compressed: boolean(way[0]), Size: 31415}, {Compressed: boolean(way[1]), Size: 92653}}}
				b, err := proto.Marshal(m)
				require.NoError(t, err)
				s, err := c.Stream(ctx, testService+"StreamingOutputCall", nil)
				require.NoError(t, err)
				require.NoError(t, s.Send(b))
				require.NoError(t, s.CloseSend())
				for i, p := range m.ResponseParameters {
					b, err := s.Recv()
					require.NoError(t, err)
					reply := new(pb.StreamingOutputCallResponse)
					require.NoError(t, proto.Unmarshal(b, reply))
					require.Len(t, reply.Payload.Body, int(p.Size))
					require.Equal(t, way[i], s.MessageCompressed())
				}
				_, err = s.Recv()
				require.Equal(t, io.EOF, err)
			}
		})
	}
}

// TestCompressedGo: grpc-go's client with package rpc's server. It compresses all messages of a call, or none.
func TestCompressedGo(t *testing.T) {
	for driver, serve := range drivers {
		t.Run(driver, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			in := &seen{make(chan bool, 16)}
			c := pb.NewTestServiceClient(dial(t, serve(t, compressingService()), grpc.WithStatsHandler(in)))
			gz := grpc.UseCompressor("gzip")
			large := &pb.SimpleRequest{ResponseSize: 314159, Payload: zeros(271828), ExpectCompressed: boolean(true)}
			_, err := c.UnaryCall(ctx, large)
			require.Equal(t, codes.InvalidArgument, status.Code(err))
			for _, on := range []bool{true, false} {
				large.ResponseCompressed = boolean(on)
				reply, err := c.UnaryCall(ctx, large, gz)
				require.NoError(t, err)
				require.Len(t, reply.Payload.Body, 314159)
				require.Equal(t, on, in.last())
			}
			for _, on := range []bool{true, false} {
				var opts []grpc.CallOption
				if on {
					opts = append(opts, gz)
				}
				s, err := c.StreamingInputCall(ctx, opts...)
				require.NoError(t, err)
				for _, n := range []int32{27182, 45904} {
					require.NoError(t, s.Send(&pb.StreamingInputCallRequest{ExpectCompressed: boolean(on), Payload: zeros(n)}))
				}
				reply, err := s.CloseAndRecv()
				require.NoError(t, err)
				require.EqualValues(t, 73086, reply.AggregatedPayloadSize)
				in.last()
			}
			s, err := c.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{
				{Compressed: boolean(true), Size: 31415}, {Compressed: boolean(false), Size: 92653}}})
			require.NoError(t, err)
			for _, on := range []bool{true, false} {
				_, err := s.Recv()
				require.NoError(t, err)
				require.Equal(t, on, in.last())
			}
			_, err = s.Recv()
			require.Equal(t, io.EOF, err)
		})
	}
}
