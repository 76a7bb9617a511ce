//go:build linux || darwin || freebsd

package grpcurl

import (
	"slices"
	"testing"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	v1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	_ "google.golang.org/grpc/reflection/grpc_testing"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// requests are what both servers are asked. Both have the same registry behind them.
func requests() (all []*v1.ServerReflectionRequest) {
	for _, f := range []string{"greet.proto", "reflection/grpc_testing/proto2_ext.proto", "reflection/grpc_testing/test.proto",
		"grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "google/protobuf/descriptor.proto", "nowhere.proto", ""} {
		all = append(all, &v1.ServerReflectionRequest{Host: "h", MessageRequest: &v1.ServerReflectionRequest_FileByFilename{FileByFilename: f}})
	}
	for _, s := range []string{"greet.v1.Greeter", "greet.v1.Greeter.Chat", "greet.v1.HelloRequest", "greet.v1.HelloRequest.name", "greet.v1.Mood",
		"greet.v1.MOOD_LOUD", "greet.v1", "grpc.testing.SearchService", "grpc.testing.SearchResponse.Result", "grpc.testing.Extension.whatzit",
		"grpc.testing.foo", "grpc.health.v1.Health", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc.reflection.v1.ServerReflection",
		"grpc.reflection.v1alpha.ServerReflection", "google.protobuf.FieldOptions", "nobody.Here", "not a name", ".greet.v1.Greeter", ""} {
		all = append(all, &v1.ServerReflectionRequest{MessageRequest: &v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: s}})
	}
	// A service has no extensions: grpc-go answers all_extension_numbers_of_type with none, we with NOT_FOUND, as of any other name that
	// is no message's. It is not asked for here.
	for _, typ := range []string{"grpc.testing.ToBeExtended", "greet.v1.HelloRequest", "nobody.Here", ""} {
		all = append(all, &v1.ServerReflectionRequest{MessageRequest: &v1.ServerReflectionRequest_AllExtensionNumbersOfType{AllExtensionNumbersOfType: typ}})
		for _, n := range []int32{13, 17, 19, 23, 29, 0, -1, 1 << 30} {
			all = append(all, &v1.ServerReflectionRequest{MessageRequest: &v1.ServerReflectionRequest_FileContainingExtension{
				FileContainingExtension: &v1.ExtensionRequest{ContainingType: typ, ExtensionNumber: n}}})
		}
	}
	return append(all, all...) // again, when files have been sent
}

// plain takes out of an answer what is free: the text of an error, and the order of files. Files are compared as messages.
func plain(t *testing.T, r *v1.ServerReflectionResponse) (*v1.ServerReflectionResponse, []string) {
	var names []string
	switch m := r.MessageResponse.(type) {
	case *v1.ServerReflectionResponse_ErrorResponse:
		require.NotEmpty(t, m.ErrorResponse.ErrorMessage)
		m.ErrorResponse.ErrorMessage = ""
	case *v1.ServerReflectionResponse_FileDescriptorResponse:
		for _, b := range m.FileDescriptorResponse.FileDescriptorProto {
			var f descriptorpb.FileDescriptorProto
			require.NoError(t, proto.Unmarshal(b, &f))
			f.SourceCodeInfo = nil
			names = append(names, f.String())
		}
		slices.Sort(names[1:]) // the file that was asked for comes first
		m.FileDescriptorResponse.FileDescriptorProto = nil
	}
	return r, names
}

// TestSameAnswers asks grpc-go's reflection and ours the same, over one stream each.
func TestSameAnswers(t *testing.T) {
	reference, err := v1.NewServerReflectionClient(dial(t, theirs(t), insecure.NewCredentials())).ServerReflectionInfo(bound(t))
	require.NoError(t, err)
	answers := make(map[int]*v1.ServerReflectionResponse)
	for i, r := range requests() {
		require.NoError(t, reference.Send(r))
		answers[i], err = reference.Recv()
		require.NoError(t, err)
	}
	everywhere(t, func(t *testing.T, cc *grpc.ClientConn) {
		s, err := v1.NewServerReflectionClient(cc).ServerReflectionInfo(bound(t))
		require.NoError(t, err)
		files, failures, numbers := 0, 0, 0
		for i, r := range requests() {
			require.NoError(t, s.Send(r))
			have, err := s.Recv()
			require.NoError(t, err)
			want, wantFiles := plain(t, proto.CloneOf(answers[i]))
			have, haveFiles := plain(t, have)
			require.True(t, proto.Equal(want, have), "%v:\n%v\n%v", r, want, have)
			require.Equal(t, wantFiles, haveFiles, "%v", r)
			switch have.MessageResponse.(type) {
			case *v1.ServerReflectionResponse_FileDescriptorResponse:
				files++
			case *v1.ServerReflectionResponse_ErrorResponse:
				failures++
			case *v1.ServerReflectionResponse_AllExtensionNumbersResponse:
				numbers++
			}
		}
		require.Greater(t, files, 40)
		require.Greater(t, failures, 40)
		require.Equal(t, 4, numbers)
		// A request that asks for nothing ends the call with both.
		require.NoError(t, s.Send(&v1.ServerReflectionRequest{}))
		_, err = s.Recv()
		require.Equal(t, codes.InvalidArgument, status.Code(err), "%v", err)
	})
}

// TestClient: the reflection client that grpcurl has builds descriptors of what it is told, in both versions.
func TestClient(t *testing.T) {
	everywhere(t, func(t *testing.T, cc *grpc.ClientConn) {
		ctx := bound(t)
		for name, c := range map[string]*grpcreflect.Client{
			"v1":      grpcreflect.NewClientV1(ctx, v1.NewServerReflectionClient(cc)),
			"v1alpha": grpcreflect.NewClientV1Alpha(ctx, grpc_reflection_v1alpha.NewServerReflectionClient(cc)),
			"auto":    grpcreflect.NewClientAuto(ctx, cc),
		} {
			t.Run(name, func(t *testing.T) {
				defer c.Reset()
				names, err := c.ListServices()
				require.NoError(t, err)
				require.Equal(t, []protoreflect.FullName{"greet.v1.Greeter", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
					"grpc.reflection.v1alpha.ServerReflection"}, names)
				for _, n := range names {
					f, err := c.FileContainingSymbol(n)
					require.NoError(t, err)
					require.NotNil(t, f.Services().ByName(n.Name()), n)
				}
				numbers, err := c.AllExtensionNumbersForType("grpc.testing.ToBeExtended")
				require.NoError(t, err)
				require.Equal(t, []protoreflect.FieldNumber{13, 17, 19, 23, 29}, numbers)
				f, err := c.FileContainingExtension("grpc.testing.ToBeExtended", 23)
				require.NoError(t, err)
				require.Equal(t, "reflection/grpc_testing/proto2_ext2.proto", f.Path())
				_, err = c.FileByFilename("nowhere.proto")
				require.Error(t, err)
			})
		}
	})
}
