package grpcrpc

import (
	"context"
	"io"
	"maps"

	codec "github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Conn is a grpc.ClientConnInterface: generated clients make their calls with an rpc.Client.
type Conn struct {
	Client *rpc.Client
	// Encoding of request messages, "" for none.
	Encoding string
}

func grpcCode(c codec.Code) codes.Code { return codes.Code(c) }

// goError makes grpc-go's error of a status.
func goError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	st := rpc.StatusOf(err)
	return status.Error(grpcCode(st.Code), st.Message)
}

func (c Conn) call(ctx context.Context) *rpc.Call {
	md, _ := metadata.FromOutgoingContext(ctx)
	return &rpc.Call{Metadata: rpc.Metadata(md), Encoding: c.Encoding}
}

// Invoke makes a unary call. Of the options, grpc.Header and grpc.Trailer are honoured.
func (c Conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	b, err := proto.Marshal(args.(proto.Message))
	if err != nil {
		return err
	}
	call := c.call(ctx)
	b, err = c.Client.Unary(ctx, method, b, call)
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = maps.Clone(metadata.MD(call.Header))
		case grpc.TrailerCallOption:
			*o.TrailerAddr = maps.Clone(metadata.MD(call.Trailer))
		}
	}
	if err != nil {
		return goError(err)
	}
	return proto.Unmarshal(b, reply.(proto.Message))
}

// NewStream begins a streaming call.
func (c Conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.Client.Stream(ctx, method, c.call(ctx))
	if err != nil {
		return nil, goError(err)
	}
	return &clientStream{s, desc}, nil
}

type clientStream struct {
	s    *rpc.ClientStream
	desc *grpc.StreamDesc
}

func (s *clientStream) Header() (metadata.MD, error) {
	md, err := s.s.Header()
	return metadata.MD(md), goError(err)
}
func (s *clientStream) Trailer() metadata.MD     { return metadata.MD(s.s.Trailer()) }
func (s *clientStream) CloseSend() error         { return s.s.CloseSend() }
func (s *clientStream) Context() context.Context { return s.s.Context() }

func (s *clientStream) SendMsg(v any) error {
	b, err := proto.Marshal(v.(proto.Message))
	if err != nil {
		return err
	}
	return goError(s.s.Send(b))
}

func (s *clientStream) RecvMsg(v any) (err error) {
	var b []byte
	if s.desc.ServerStreams {
		b, err = s.s.Recv()
	} else {
		b, err = s.s.CloseAndRecv()
	}
	if err != nil {
		return goError(err)
	}
	return proto.Unmarshal(b, v.(proto.Message))
}
