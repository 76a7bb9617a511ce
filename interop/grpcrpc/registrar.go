package grpcrpc

import (
	"context"
	"io"

	codec "github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Registrar is a grpc.ServiceRegistrar: generated Register functions register with an rpc.Server.
type Registrar struct{ Server *rpc.Server }

// RegisterService registers all methods of a service.
func (r Registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	for _, m := range desc.Methods {
		r.Server.Unary("/"+desc.ServiceName+"/"+m.MethodName, func(ctx context.Context, req []byte) ([]byte, error) {
			s := &stream{rpc.StreamOf(ctx)}
			dec := func(v any) error { return proto.Unmarshal(req, v.(proto.Message)) }
			reply, err := m.Handler(impl, s.context(), dec, nil)
			if err != nil {
				return nil, statusError(err)
			}
			return proto.Marshal(reply.(proto.Message))
		})
	}
	for _, m := range desc.Streams {
		r.Server.Bidi("/"+desc.ServiceName+"/"+m.StreamName, func(st *rpc.Stream) error {
			return statusError(m.Handler(impl, &stream{st}))
		})
	}
}

// statusError makes an *rpc.Error of grpc-go's.
func statusError(err error) error {
	if err == nil {
		return nil
	}
	if st, ok := status.FromError(err); ok {
		e := &rpc.Error{Code: codec.Code(st.Code()), Message: st.Message()}
		if len(st.Details()) > 0 {
			e.Details, _ = proto.Marshal(st.Proto())
		}
		return e
	}
	return err
}

// stream is a grpc.ServerStream, and the ServerTransportStream that grpc.SetHeader and the like look for.
type stream struct{ s *rpc.Stream }

func (s *stream) context() context.Context {
	md := metadata.MD{}
	for k, v := range s.s.Metadata() {
		md[k] = v
	}
	ctx := metadata.NewIncomingContext(s.s.Context(), md)
	return grpc.NewContextWithServerTransportStream(ctx, transportStream{s})
}

func (s *stream) Context() context.Context       { return s.context() }
func (s *stream) SetHeader(md metadata.MD) error { return s.s.SetHeader(rpc.Metadata(md)) }
func (s *stream) SetTrailer(md metadata.MD)      { _ = s.s.SetTrailer(rpc.Metadata(md)) }
func (s *stream) SendHeader(md metadata.MD) error {
	if err := s.SetHeader(md); err != nil {
		return err
	}
	return s.s.SendHeader()
}

func (s *stream) SendMsg(v any) error {
	b, err := proto.Marshal(v.(proto.Message))
	if err != nil {
		return err
	}
	return s.s.Send(b)
}

func (s *stream) RecvMsg(v any) error {
	b, err := s.s.Recv()
	if err == io.EOF {
		return err
	}
	if err != nil {
		st := rpc.StatusOf(err)
		return status.Error(grpcCode(st.Code), st.Message)
	}
	return proto.Unmarshal(b, v.(proto.Message))
}

type transportStream struct{ *stream }

func (t transportStream) Method() string                  { return t.s.Method() }
func (t transportStream) SetTrailer(md metadata.MD) error { return t.s.SetTrailer(rpc.Metadata(md)) }
