package grpcproto_test

//lint:file-ignore SA1019 a deprecated service is what is tested

import (
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/internal/odd"
	"github.com/purewire/purewire/grpcproto/internal/odd/oddloose"
	stubs "github.com/purewire/purewire/grpcproto/internal/odd/oddstubs"
	"github.com/purewire/purewire/grpcproto/internal/odd/req"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

type oddServer struct {
	stubs.UnimplementedFirstServiceServer
	asked atomic.Int32
}

func (s *oddServer) DoIt(_ context.Context, r *req.Ask) (*emptypb.Empty, error) {
	s.asked.Store(r.GetNumber())
	return &emptypb.Empty{}, nil
}

func (s *oddServer) Type(_ context.Context, r *odd.Outer_Inner) (*req.Ask, error) {
	return &req.Ask{Number: proto.Int32(int32(len(r.GetS())))}, nil
}

type secondServer struct {
	stubs.UnimplementedSecondServer
}

func (secondServer) Fold(s grpcproto.ClientStreamingServer[req.Ask]) (*odd.Outer, error) {
	out := &odd.Outer{Count: map[string]int64{}}
	for {
		r, err := s.Recv()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out.Count["sum"] += int64(r.GetNumber())
	}
}

// TestOdd runs what was generated of unusual names, of another package's messages, and into a package of its own.
func TestOdd(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	impl := new(oddServer)
	stubs.RegisterFirstServiceServer(srv, impl)
	stubs.RegisterSecondServer(srv, secondServer{})
	stubs.RegisterEmptyServer(srv, stubs.UnimplementedEmptyServer{})
	require.Equal(t, []string{"odd.v1.Second", "odd.v1.first_service"}, srv.Services())
	rc, ctx := dial(t, srv), bound(t)
	first, second := stubs.NewFirstServiceClient(rc), stubs.NewSecondClient(rc)
	_, err := first.DoIt(ctx, &req.Ask{Number: proto.Int32(7)})
	require.NoError(t, err)
	require.EqualValues(t, 7, impl.asked.Load())
	n, err := first.Type(ctx, &odd.Outer_Inner{S: proto.String("four")})
	require.NoError(t, err)
	require.EqualValues(t, 4, n.GetNumber())
	fold, err := second.Fold(ctx)
	require.NoError(t, err)
	for i := range int32(5) {
		require.NoError(t, fold.Send(&req.Ask{Number: &i}))
	}
	out, err := fold.CloseAndRecv()
	require.NoError(t, err)
	require.EqualValues(t, 10, out.GetCount()["sum"])
	both, err := second.Both(ctx)
	require.NoError(t, err)
	_, err = both.Recv()
	code(t, grpc.Unimplemented, err)

	d := stubs.FirstService_ServiceDescriptor()
	require.Equal(t, protoreflect.FullName(stubs.FirstService_ServiceName), d.FullName())
	require.True(t, d.Options().(*descriptorpb.ServiceOptions).GetDeprecated())
	require.True(t, d.Methods().ByName("do_it").Options().(*descriptorpb.MethodOptions).GetDeprecated())
	require.True(t, d.Methods().ByName("Watch").IsStreamingServer())
	require.Equal(t, protoreflect.FullName(stubs.Empty_ServiceName), stubs.Empty_ServiceDescriptor().FullName())
}

// bare embeds nothing: require_unimplemented_servers=false.
type bare struct{ n int64 }

func (b bare) Fold(grpcproto.ClientStreamingServer[req.Ask]) (*odd.Outer, error) {
	return &odd.Outer{Count: map[string]int64{"n": b.n}}, nil
}

func (bare) Both(grpcproto.BidiStreamingServer[req.Ask, odd.Outer]) error { return nil }

func TestLoose(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	oddloose.RegisterSecondServer(srv, bare{5})
	fold, err := oddloose.NewSecondClient(dial(t, srv)).Fold(bound(t))
	require.NoError(t, err)
	out, err := fold.CloseAndRecv()
	require.NoError(t, err)
	require.EqualValues(t, 5, out.GetCount()["n"])
}
