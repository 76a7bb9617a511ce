package reflection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	_ "github.com/purewire/purewire/grpcproto/internal/odd"
	"github.com/purewire/purewire/grpcproto/reflection"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func start(t testing.TB, srv *rpc.Server) *rpc.Client {
	svc, err := server.New(server.Config{Handler: srv})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	t.Cleanup(func() { _ = tr.Close(); _ = s.Close() })
	return &rpc.Client{Base: "http://" + l.Addr().String(), Transport: tr}
}

// serveAll has everything that a usual server has.
func serveAll(t testing.TB) *rpc.Client {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	new(health.Server).Register(srv)
	reflection.Register(srv, reflection.Config{})
	return start(t, srv)
}

// talk is a stream of reflection whose messages are written in JSON and coded by protobuf's library, out of the descriptors that the
// service itself tells: what is coded by hand is held to them.
type talk struct {
	t        testing.TB
	s        *rpc.ClientStream
	req, res protoreflect.MessageDescriptor
	cancel   func()
}

func open(t testing.TB, c *rpc.Client, method string) *talk {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s, err := c.Stream(ctx, method, nil)
	require.NoError(t, err)
	// file_by_filename "grpc/reflection/v1/reflection.proto"
	name := "grpc/reflection/v1/reflection.proto"
	require.NoError(t, s.Send(append([]byte{0x1a, byte(len(name))}, name...)))
	b, err := s.Recv()
	require.NoError(t, err)
	// The answer ends with the FileDescriptorProto, which begins with its name; so does the original request in it.
	at := bytes.LastIndex(b, append([]byte{0x0a, byte(len(name))}, name...))
	var fd descriptorpb.FileDescriptorProto
	require.NoError(t, proto.Unmarshal(b[at:], &fd))
	f, err := protodesc.NewFile(&fd, nil)
	require.NoError(t, err)
	ms := f.Messages()
	return &talk{t, s, ms.ByName("ServerReflectionRequest"), ms.ByName("ServerReflectionResponse"), cancel}
}

// ask sends a request and returns the answer in JSON, without the original request, which it compares.
func (k *talk) ask(request string) string {
	k.t.Helper()
	req := dynamicpb.NewMessage(k.req)
	require.NoError(k.t, protojson.Unmarshal([]byte(request), req))
	b, err := proto.Marshal(req)
	require.NoError(k.t, err)
	require.NoError(k.t, k.s.Send(b))
	b, err = k.s.Recv()
	require.NoError(k.t, err)
	res := dynamicpb.NewMessage(k.res)
	require.NoError(k.t, proto.UnmarshalOptions{}.Unmarshal(b, res))
	require.Empty(k.t, res.GetUnknown())
	original := k.res.Fields().ByName("original_request")
	require.True(k.t, proto.Equal(req, res.Get(original).Message().Interface()))
	res.Clear(original)
	out, err := protojson.Marshal(res)
	require.NoError(k.t, err)
	return string(out)
}

// files asks for files and returns their names in the order in which they came.
func (k *talk) files(request string) (names []string) {
	k.t.Helper()
	req := dynamicpb.NewMessage(k.req)
	require.NoError(k.t, protojson.Unmarshal([]byte(request), req))
	b, err := proto.Marshal(req)
	require.NoError(k.t, err)
	require.NoError(k.t, k.s.Send(b))
	b, err = k.s.Recv()
	require.NoError(k.t, err)
	res := dynamicpb.NewMessage(k.res)
	require.NoError(k.t, proto.Unmarshal(b, res))
	field := k.res.Fields().ByName("file_descriptor_response")
	require.True(k.t, res.Has(field), "%v", res)
	list := res.Get(field).Message().Get(field.Message().Fields().ByNumber(1)).List()
	for i := range list.Len() {
		var fd descriptorpb.FileDescriptorProto
		require.NoError(k.t, proto.Unmarshal(list.Get(i).Bytes(), &fd))
		names = append(names, fd.GetName())
	}
	return names
}

func (k *talk) fails(request string, code grpc.Code) {
	k.t.Helper()
	got := k.ask(request)
	var e struct {
		ErrorResponse struct {
			ErrorCode    int
			ErrorMessage string
		}
	}
	require.NoError(k.t, json.Unmarshal([]byte(got), &e))
	require.Equal(k.t, int(code), e.ErrorResponse.ErrorCode, got)
	require.True(k.t, strings.HasPrefix(e.ErrorResponse.ErrorMessage, "grpc-Reflection: "), got)
}

func TestBothVersions(t *testing.T) {
	c := serveAll(t)
	for _, method := range []string{reflection.MethodV1, reflection.MethodV1Alpha} {
		k := open(t, c, method)
		require.JSONEq(t, `{"listServicesResponse":{"service":[{"name":"greet.v1.Greeter"},{"name":"grpc.health.v1.Health"},
			{"name":"grpc.reflection.v1.ServerReflection"},{"name":"grpc.reflection.v1alpha.ServerReflection"}]}}`, k.ask(`{"listServices":""}`))
		require.JSONEq(t, `{"validHost":"here","allExtensionNumbersResponse":{"baseTypeName":"odd.v1.Outer","extensionNumber":[100,150]}}`,
			k.ask(`{"host":"here","allExtensionNumbersOfType":"odd.v1.Outer"}`))
		require.JSONEq(t, `{"allExtensionNumbersResponse":{"baseTypeName":"greet.v1.HelloReply"}}`, k.ask(`{"allExtensionNumbersOfType":"greet.v1.HelloReply"}`))
		require.NoError(t, k.s.CloseSend())
		_, err := k.s.Recv()
		require.Equal(t, io.EOF, err)
	}
}

func TestFiles(t *testing.T) {
	c := serveAll(t)
	k := open(t, c, reflection.MethodV1)
	require.Equal(t, []string{"greet.proto"}, k.files(`{"fileByFilename":"greet.proto"}`))
	// With what it imports; again without, since the stream has sent that.
	odd := []string{"odd.proto", "google/protobuf/empty.proto", "req/req.proto"}
	require.Equal(t, odd, k.files(`{"fileContainingExtension":{"containingType":"odd.v1.Outer","extensionNumber":150}}`))
	require.Equal(t, odd[:1], k.files(`{"fileContainingExtension":{"containingType":"odd.v1.Outer","extensionNumber":100}}`))
	require.Equal(t, odd[1:2], k.files(`{"fileByFilename":"google/protobuf/empty.proto"}`))
	require.Equal(t, odd, open(t, c, reflection.MethodV1).files(`{"fileByFilename":"odd.proto"}`)) // another stream
	for symbol, file := range map[string]string{
		"greet.v1.Greeter": "greet.proto", "greet.v1.Greeter.Hello": "greet.proto", "greet.v1.HelloRequest": "greet.proto",
		"greet.v1.HelloRequest.name": "greet.proto", "greet.v1.Mood": "greet.proto", "greet.v1.MOOD_LOUD": "greet.proto",
		"odd.v1.Outer.Inner": "odd.proto", "odd.v1.Outer.choice": "odd.proto", "odd.v1.note": "odd.proto",
		"grpc.health.v1.Health": "grpc/health/v1/health.proto", "grpc.reflection.v1.ErrorResponse": "grpc/reflection/v1/reflection.proto",
		"grpc.reflection.v1alpha.ServerReflection": "grpc/reflection/v1alpha/reflection.proto",
	} {
		require.Equal(t, file, k.files(`{"fileContainingSymbol":"` + symbol + `"}`)[0], symbol)
	}
}

func TestNotFound(t *testing.T) {
	k := open(t, serveAll(t), reflection.MethodV1)
	k.fails(`{"fileByFilename":"nowhere.proto"}`, grpc.NotFound)
	k.fails(`{"fileByFilename":""}`, grpc.NotFound)
	k.fails(`{"fileContainingSymbol":"greet.v1.Nobody"}`, grpc.NotFound)
	k.fails(`{"fileContainingSymbol":"not a name"}`, grpc.NotFound)
	k.fails(`{"fileContainingExtension":{"containingType":"odd.v1.Outer","extensionNumber":101}}`, grpc.NotFound)
	k.fails(`{"fileContainingExtension":{"containingType":"odd.v1.Outer","extensionNumber":-1}}`, grpc.NotFound)
	k.fails(`{"fileContainingExtension":{}}`, grpc.NotFound)
	k.fails(`{"allExtensionNumbersOfType":"greet.v1.Nobody"}`, grpc.NotFound)
	k.fails(`{"allExtensionNumbersOfType":"greet.v1.Greeter"}`, grpc.NotFound) // a service
	long := strings.Repeat("a", reflection.MaxName)
	k.fails(`{"fileContainingSymbol":"`+long+`"}`, grpc.NotFound) // the twin: looked up
	k.fails(`{"fileContainingSymbol":"`+long+`a"}`, grpc.InvalidArgument)
	k.fails(`{"fileByFilename":"`+long+`a"}`, grpc.InvalidArgument)
	k.fails(`{"allExtensionNumbersOfType":"`+long+`a"}`, grpc.InvalidArgument)
	k.fails(`{"fileContainingExtension":{"containingType":"`+long+`a"}}`, grpc.InvalidArgument)
	require.Contains(t, k.ask(`{"listServices":"`+long+`a"}`), "greet.v1.Greeter") // means nothing
}

// TestMalformed: messages that are not valid, or ask for nothing, end the call.
func TestMalformed(t *testing.T) {
	c := serveAll(t)
	for raw, want := range map[string]grpc.Code{
		"\x0a":                              grpc.Internal, // cut off
		"\x80":                              grpc.Internal,
		"\x22\x7f":                          grpc.Internal,
		"\x2a\x02\x0a\x7f":                  grpc.Internal, // inside of the ExtensionRequest
		"\x0a\x01\xff\x3a\x00":              grpc.Internal, // not UTF-8: the host, a name, a type
		"\x22\x01\xff":                      grpc.Internal,
		"\x2a\x03\x0a\x01\xff":              grpc.Internal,
		"\x1b":                              grpc.Internal,        // a group without an end
		"\x20\x01":                          grpc.InvalidArgument, // of other types: unknown fields
		"\x08\x01\x28\x01":                  grpc.InvalidArgument,
		"\x15abc":                           grpc.Internal,
		"":                                  grpc.InvalidArgument,
		"\x0a\x01h":                         grpc.InvalidArgument, // only a host
		"\x42\x01x\x48\x01\x55abcd\x10\x05": grpc.InvalidArgument, // fields that nobody knows
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		s, err := c.Stream(ctx, reflection.MethodV1, nil)
		require.NoError(t, err)
		require.NoError(t, s.Send([]byte(raw)))
		_, err = s.Recv()
		require.Equal(t, want.String(), rpc.CodeOf(err).String(), "%q: %v", raw, err)
		cancel()
	}
	// The twins: unknown fields beside a known one, and of several in the oneof the last one counts.
	s, err := c.Stream(t.Context(), reflection.MethodV1, nil)
	require.NoError(t, err)
	require.NoError(t, s.Send([]byte("\x42\x01x\x48\x01\x55abcd\x2a\x07\x0a\x03a.B\x10\x05\x1a\x01f\x3a\x00")))
	b, err := s.Recv()
	require.NoError(t, err)
	require.Contains(t, string(b), "greet.v1.Greeter")
	s.Cancel()
}

// TestOwnFiles: a server that describes what it has no generated code for.
func TestOwnFiles(t *testing.T) {
	str := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
	opt := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	ext := func(name, of string, n int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Extendee: &of, Number: &n, Type: str, Label: opt}
	}
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: proto.String("own.proto"), Package: proto.String("own"), Dependency: []string{"missing.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name:           proto.String("M"),
			ExtensionRange: []*descriptorpb.DescriptorProto_ExtensionRange{{Start: proto.Int32(10), End: proto.Int32(20)}},
			Extension:      []*descriptorpb.FieldDescriptorProto{ext("inner", ".own.M", 12)},
		}},
		Extension: []*descriptorpb.FieldDescriptorProto{ext("outer", ".own.M", 11)},
		Service:   []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S")}},
	}}}
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(set)
	require.NoError(t, err)
	srv := rpc.NewServer(rpc.ServerConfig{})
	reflection.Register(srv, reflection.Config{Files: files, Services: func() []string { return []string{"z.Z", "own.S"} }})
	k := open(t, start(t, srv), reflection.MethodV1Alpha)
	require.JSONEq(t, `{"listServicesResponse":{"service":[{"name":"own.S"},{"name":"z.Z"}]}}`, k.ask(`{"listServices":"*"}`))
	require.Equal(t, []string{"own.proto"}, k.files(`{"fileContainingSymbol":"own.S"}`)) // without what is missing
	require.JSONEq(t, `{"allExtensionNumbersResponse":{"baseTypeName":"own.M","extensionNumber":[11,12]}}`, k.ask(`{"allExtensionNumbersOfType":"own.M"}`))
	require.Equal(t, []string{"own.proto"}, k.files(`{"fileContainingExtension":{"containingType":"own.M","extensionNumber":12}}`))
	k.fails(`{"fileContainingSymbol":"greet.v1.Greeter"}`, grpc.NotFound) // of generated code it knows nothing
	k.fails(`{"fileByFilename":"missing.proto"}`, grpc.NotFound)
	require.Equal(t, []string{"grpc/health/v1/health.proto"}, k.files(`{"fileContainingSymbol":"grpc.health.v1.Health"}`))

	// A resolver that cannot be listed has no extensions, unless they are given.
	srv = rpc.NewServer(rpc.ServerConfig{})
	reflection.Register(srv, reflection.Config{Files: resolver{files}})
	k = open(t, start(t, srv), reflection.MethodV1)
	require.JSONEq(t, `{"allExtensionNumbersResponse":{"baseTypeName":"own.M"}}`, k.ask(`{"allExtensionNumbersOfType":"own.M"}`))
	k.fails(`{"fileByFilename":"missing.proto"}`, grpc.NotFound) // a placeholder is no file
	srv = rpc.NewServer(rpc.ServerConfig{})
	reflection.Register(srv, reflection.Config{Files: resolver{files}, Extensions: protoregistry.GlobalTypes})
	k = open(t, start(t, srv), reflection.MethodV1)
	require.Equal(t, "odd.proto", k.files(`{"fileContainingExtension":{"containingType":"odd.v1.Outer","extensionNumber":100}}`)[0])
	require.Panics(t, func() { reflection.Register(srv, reflection.Config{}) })
}

// resolver is not a *protoregistry.Files, and gives what a file imports though it does not have it.
type resolver struct{ *protoregistry.Files }

func (r resolver) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if path == "missing.proto" {
		own, err := r.Files.FindFileByPath("own.proto")
		return own.Imports().Get(0).FileDescriptor, err
	}
	return r.Files.FindFileByPath(path)
}

// TestMany: one stream asks as often as it likes, and what it has asked for is not kept.
func TestMany(t *testing.T) {
	k := open(t, serveAll(t), reflection.MethodV1)
	for range 500 {
		require.Equal(t, []string{"greet.proto"}, k.files(`{"fileContainingSymbol":"greet.v1.Greeter"}`))
	}
	k.cancel()
	_, err := k.s.Recv()
	require.Equal(t, grpc.Canceled, rpc.CodeOf(err))
}
