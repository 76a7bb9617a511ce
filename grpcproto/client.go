package grpcproto

import (
	"context"
	"io"

	"github.com/purewire/purewire/rpc"
	"google.golang.org/protobuf/proto"
)

// ClientCall is a streaming call on the client's side.
type ClientCall interface {
	// Context is the call's.
	Context() context.Context
	// Stream has the header, the trailers and the encoding of the call. Its Send and Recv take and return bytes.
	Stream() *rpc.ClientStream
}

// ClientStreamingClient is a call that sends any number of messages and gets one.
type ClientStreamingClient[Req, Res any] interface {
	ClientCall
	// Send sends a message, and keeps nothing of it. It waits as long as flow control has it wait. io.EOF means that the call has
	// ended: CloseAndRecv tells how.
	Send(*Req) error
	// CloseAndRecv tells the server that no message will follow, and returns its reply.
	CloseAndRecv() (*Res, error)
}

// ServerStreamingClient is a call that gets any number of messages.
type ServerStreamingClient[Res any] interface {
	ClientCall
	// Recv returns the next message, which belongs to the caller; io.EOF when the call has ended with OK, else a status. A caller
	// that does not receive to the end must cancel the call's context.
	Recv() (*Res, error)
}

// BidiStreamingClient is a call that sends and gets any number of messages, in any order.
type BidiStreamingClient[Req, Res any] interface {
	ClientCall
	// Send is that of ClientStreamingClient; Recv tells how the call has ended.
	Send(*Req) error
	// CloseSend tells the server that no message will follow.
	CloseSend() error
	// Recv is that of ServerStreamingClient.
	Recv() (*Res, error)
}

type clientStream[Req, Res any] struct {
	s *rpc.ClientStream
	f format
}

func (s clientStream[Req, Res]) Context() context.Context  { return s.s.Context() }
func (s clientStream[Req, Res]) Stream() *rpc.ClientStream { return s.s }
func (s clientStream[Req, Res]) CloseSend() error          { return s.s.CloseSend() }
func (s clientStream[Req, Res]) Send(m *Req) error {
	return s.f.send(any(m).(proto.Message), s.s.Send)
}

func (s clientStream[Req, Res]) Recv() (*Res, error) {
	m, err := receive[Res](s.f, s.s.Recv)
	if err != nil {
		s.s.Cancel() // it has ended, unless it is the message that cannot be decoded
	}
	return m, err
}

func (s clientStream[Req, Res]) CloseAndRecv() (*Res, error) {
	return receive[Res](s.f, s.s.CloseAndRecv)
}

// begin prepares a call.
func begin(opts []CallOption) (*rpc.Call, format, error) {
	call := new(rpc.Call)
	for _, o := range opts {
		if o.before != nil {
			o.before(call)
		}
	}
	f, err := formatOf(call.Subtype)
	return call, f, err
}

// CallUnary makes a unary call of method, "/Service/Method". The error is a status, see rpc.StatusOf.
func CallUnary[Req, Res any, PReq Message[Req], PRes Message[Res]](ctx context.Context, c *rpc.Client, method string, req PReq, opts ...CallOption) (PRes, error) {
	call, f, err := begin(opts)
	if err != nil {
		return nil, err
	}
	var b []byte
	err = f.send(req, func(frame []byte) (err error) {
		b, err = c.Unary(ctx, method, frame, call)
		return err
	})
	for _, o := range opts {
		if o.after != nil {
			o.after(call)
		}
	}
	if err != nil {
		return nil, err
	}
	res := PRes(new(Res))
	if err := f.decode(b, res); err != nil {
		return nil, err
	}
	return res, nil
}

func stream[Req, Res any](ctx context.Context, c *rpc.Client, method string, opts []CallOption) (s clientStream[Req, Res], err error) {
	call, f, err := begin(opts)
	if err != nil {
		return s, err
	}
	st, err := c.Stream(ctx, method, call)
	return clientStream[Req, Res]{st, f}, err
}

// CallClientStreaming begins a call that sends any number of messages and gets one. It does not wait for the server. The call must be
// brought to its end, as rpc.Client.Stream says, as those of the other two streaming kinds.
func CallClientStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](ctx context.Context, c *rpc.Client, method string, opts ...CallOption) (ClientStreamingClient[Req, Res], error) {
	s, err := stream[Req, Res](ctx, c, method, opts)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// CallServerStreaming begins a call that sends one message, and gets any number.
func CallServerStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](ctx context.Context, c *rpc.Client, method string, req PReq, opts ...CallOption) (ServerStreamingClient[Res], error) {
	s, err := stream[Req, Res](ctx, c, method, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Send((*Req)(req)); err != nil && err != io.EOF { // Recv tells how a call has ended
		s.s.Cancel()
		return nil, err
	}
	return s, s.CloseSend()
}

// CallBidiStreaming begins a call that sends and gets any number of messages. It does not wait for the server.
func CallBidiStreaming[Req, Res any, PReq Message[Req], PRes Message[Res]](ctx context.Context, c *rpc.Client, method string, opts ...CallOption) (BidiStreamingClient[Req, Res], error) {
	s, err := stream[Req, Res](ctx, c, method, opts)
	if err != nil {
		return nil, err
	}
	return s, nil
}
