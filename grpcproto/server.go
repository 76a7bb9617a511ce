package grpcproto

import (
	"context"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"google.golang.org/protobuf/proto"
)

// ServerCall is a call on the server's side.
type ServerCall interface {
	// Context ends with the call. rpc.StreamOf of it returns what Stream does.
	Context() context.Context
	// Stream has the metadata, the header, the trailers and the encoding of the call. Its Send and Recv take and return bytes.
	Stream() *rpc.Stream
}

// ClientStreamingServer is what a handler of a client stream receives from.
type ClientStreamingServer[Req any] interface {
	ServerCall
	// Recv returns the next message, which belongs to the caller; io.EOF when the client has finished. A handler should return any
	// other error.
	Recv() (*Req, error)
}

// ServerStreamingServer is what a handler of a server stream sends to.
type ServerStreamingServer[Res any] interface {
	ServerCall
	// Send sends a message, and keeps nothing of it. It waits as long as flow control has it wait.
	Send(*Res) error
}

// BidiStreamingServer is what a handler of a bidirectional stream has.
type BidiStreamingServer[Req, Res any] interface {
	ServerCall
	// Recv is that of ClientStreamingServer.
	Recv() (*Req, error)
	// Send is that of ServerStreamingServer.
	Send(*Res) error
}

type serverStream[Req, Res any] struct {
	s *rpc.Stream
	f format
}

func (s serverStream[Req, Res]) Context() context.Context { return s.s.Context() }
func (s serverStream[Req, Res]) Stream() *rpc.Stream      { return s.s }
func (s serverStream[Req, Res]) Recv() (*Req, error)      { return receive[Req](s.f, s.s.Recv) }
func (s serverStream[Req, Res]) Send(m *Res) error {
	return s.f.send(any(m).(proto.Message), s.s.Send)
}

// reply encodes what a handler has returned.
func reply[T any](f format, m *T, err error) ([]byte, error) {
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, &rpc.Error{Code: grpc.Internal, Message: rNilReply}
	}
	return f.appendTo(nil, any(m).(proto.Message))
}

// HandleUnary registers a unary method, as the other three do those of the other kinds: method is "/Service/Method". It panics on
// another form, and if the method is registered already. The request belongs to the handler; its reply must not be changed
// afterwards, and a nil one without an error is answered INTERNAL.
func HandleUnary[Req, Res any, PReq Message[Req], PRes Message[Res]](s *rpc.Server, method string, h func(context.Context, PReq) (PRes, error)) {
	s.Unary(method, func(ctx context.Context, b []byte) ([]byte, error) {
		f, err := formatOf(rpc.StreamOf(ctx).Subtype())
		if err != nil {
			return nil, err
		}
		req := PReq(new(Req))
		if err := f.decode(b, req); err != nil {
			return nil, err
		}
		res, err := h(ctx, req)
		return reply(f, (*Res)(res), err)
	})
}

// HandleClientStreaming registers a method that receives any number of messages and returns one.
func HandleClientStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](s *rpc.Server, method string, h func(ClientStreamingServer[Req]) (PRes, error)) {
	s.ClientStream(method, func(st *rpc.Stream) ([]byte, error) {
		f, err := formatOf(st.Subtype())
		if err != nil {
			return nil, err
		}
		res, err := h(serverStream[Req, Res]{st, f})
		return reply(f, (*Res)(res), err)
	})
}

// HandleServerStreaming registers a method that is given one message and sends any number.
func HandleServerStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](s *rpc.Server, method string, h func(PReq, ServerStreamingServer[Res]) error) {
	s.ServerStream(method, func(b []byte, st *rpc.Stream) error {
		f, err := formatOf(st.Subtype())
		if err != nil {
			return err
		}
		req := PReq(new(Req))
		if err := f.decode(b, req); err != nil {
			return err
		}
		return h(req, serverStream[Req, Res]{st, f})
	})
}

// HandleBidiStreaming registers a method that receives and sends any number of messages, in any order.
func HandleBidiStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](s *rpc.Server, method string, h func(BidiStreamingServer[Req, Res]) error) {
	s.Bidi(method, func(st *rpc.Stream) error {
		f, err := formatOf(st.Subtype())
		if err != nil {
			return err
		}
		return h(serverStream[Req, Res]{st, f})
	})
}
