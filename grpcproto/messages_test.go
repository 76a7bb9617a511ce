package grpcproto_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// invalid is a field of a message that has no end.
const invalid = "\x0a\x7f"

// TestUndecodable: error.md: "Error parsing request protocol buffer" and "Error parsing response protocol buffer" are
// GRPC_STATUS_INTERNAL, in all kinds.
func TestUndecodable(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	c, ctx := dial(t, srv), bound(t)
	_, err := c.Unary(ctx, greet.Greeter_Hello_FullMethodName, []byte(invalid), nil)
	code(t, grpc.Internal, err)
	_, err = c.Unary(ctx, greet.Greeter_Hello_FullMethodName, []byte(`{"name":1}`), &rpc.Call{Subtype: "json"})
	code(t, grpc.Internal, err)
	for _, method := range []string{greet.Greeter_Everybody_FullMethodName, greet.Greeter_Again_FullMethodName, greet.Greeter_Chat_FullMethodName} {
		s, err := c.Stream(ctx, method, nil)
		require.NoError(t, err)
		require.NoError(t, s.Send([]byte(invalid)))
		_ = s.CloseSend()
		_, err = s.Recv()
		code(t, grpc.Internal, err)
		require.NotContains(t, err.Error(), "proto:")
	}

	// And on the client's side, of a server that sends them: the call ends, for the server as well.
	raw := rpc.NewServer(rpc.ServerConfig{})
	raw.Unary(greet.Greeter_Hello_FullMethodName, func(context.Context, []byte) ([]byte, error) { return []byte(invalid), nil })
	raw.ClientStream(greet.Greeter_Everybody_FullMethodName, func(*rpc.Stream) ([]byte, error) { return []byte(invalid), nil })
	ended := make(chan struct{}, 2)
	over := func() { // long before the call's deadline, which would end it as well
		t.Helper()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the server's side goes on")
		}
	}
	forever := func(s *rpc.Stream) error {
		defer func() { ended <- struct{}{} }()
		if err := s.Send([]byte(invalid)); err != nil { // the client may be so fast that it has reset the stream
			return err
		}
		<-s.Context().Done()
		return nil
	}
	raw.ServerStream(greet.Greeter_Again_FullMethodName, func(_ []byte, s *rpc.Stream) error { return forever(s) })
	raw.Bidi(greet.Greeter_Chat_FullMethodName, forever)
	g := greet.NewGreeterClient(dial(t, raw))
	_, err = g.Hello(ctx, &greet.HelloRequest{})
	code(t, grpc.Internal, err)
	all, err := g.Everybody(ctx)
	require.NoError(t, err)
	_, err = all.CloseAndRecv()
	code(t, grpc.Internal, err)
	again, err := g.Again(ctx, &greet.AgainRequest{})
	require.NoError(t, err)
	_, err = again.Recv()
	code(t, grpc.Internal, err)
	over()
	chat, err := g.Chat(ctx)
	require.NoError(t, err)
	_, err = chat.Recv()
	code(t, grpc.Internal, err)
	over()
}

// TestUnencodable: a string that is not UTF-8 cannot be encoded, on either side; nothing of it is sent.
func TestUnencodable(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	grpcproto.HandleUnary(srv, "/t.S/Bad", func(context.Context, *greet.HelloRequest) (*greet.HelloReply, error) {
		return &greet.HelloReply{Text: "\xff"}, nil
	})
	grpcproto.HandleUnary(srv, "/t.S/Nil", func(context.Context, *greet.HelloRequest) (*greet.HelloReply, error) { return nil, nil })
	grpcproto.HandleClientStreaming(srv, "/t.S/NilToo", func(grpcproto.ClientStreamingServer[greet.HelloRequest]) (*greet.HelloReply, error) {
		return nil, nil
	})
	grpcproto.HandleBidiStreaming(srv, "/t.S/Sends", func(s grpcproto.BidiStreamingServer[greet.HelloRequest, greet.HelloReply]) error {
		return s.Send(&greet.HelloReply{Text: "\xff"})
	})
	c, ctx := dial(t, srv), bound(t)
	for _, method := range []string{"/t.S/Bad", "/t.S/Nil"} {
		_, err := grpcproto.CallUnary[greet.HelloRequest, greet.HelloReply](ctx, c, method, &greet.HelloRequest{})
		code(t, grpc.Internal, err)
	}
	_, err := grpcproto.CallUnary[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/Nowhere", &greet.HelloRequest{Name: "\xff"})
	code(t, grpc.Internal, err) // rather than UNIMPLEMENTED, which the server would say
	_, err = grpcproto.CallServerStreaming[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/Nowhere", &greet.HelloRequest{Name: "\xff"})
	code(t, grpc.Internal, err)
	up, err := grpcproto.CallClientStreaming[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/NilToo")
	require.NoError(t, err)
	_, err = up.CloseAndRecv()
	code(t, grpc.Internal, err)
	both, err := grpcproto.CallBidiStreaming[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/Sends")
	require.NoError(t, err)
	_, err = both.Recv()
	code(t, grpc.Internal, err)
}

func TestSubtypes(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	c, ctx := dial(t, srv), bound(t)
	text, err := c.Unary(ctx, greet.Greeter_Hello_FullMethodName, []byte(`{"name":"J", "new field": 1}`), &rpc.Call{Subtype: "json"})
	require.NoError(t, err)
	require.JSONEq(t, `{"text":"Hello, J!"}`, string(text))
	_, err = c.Unary(ctx, greet.Greeter_Hello_FullMethodName, []byte("\x0a\x01J"), &rpc.Call{Subtype: "proto"})
	require.NoError(t, err)
	_, err = c.Unary(ctx, greet.Greeter_Hello_FullMethodName, nil, &rpc.Call{Subtype: "xml"})
	code(t, grpc.Unimplemented, err)
	for _, method := range []string{greet.Greeter_Everybody_FullMethodName, greet.Greeter_Again_FullMethodName, greet.Greeter_Chat_FullMethodName} {
		s, err := c.Stream(ctx, method, &rpc.Call{Subtype: "xml"})
		require.NoError(t, err)
		_ = s.Send(nil)
		_ = s.CloseSend()
		_, err = s.Recv()
		code(t, grpc.Unimplemented, err)
		require.Contains(t, err.Error(), "Content-Type")
	}
}

func TestOptions(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	var got atomic.Value // rpc.Metadata
	grpcproto.HandleUnary(srv, "/t.S/Meta", func(ctx context.Context, r *greet.HelloRequest) (*greet.HelloReply, error) {
		s := rpc.StreamOf(ctx)
		got.Store(s.Metadata())
		if err := errors.Join(s.SetHeader(rpc.Metadata{"h": {"1"}}), s.SetTrailer(rpc.Metadata{"t-bin": {"\x00\xff"}})); err != nil {
			return nil, err
		}
		if r.Name == "fail" {
			return nil, rpc.Errorf(grpc.Aborted, "as asked")
		}
		return &greet.HelloReply{Text: strings.Repeat("a", len(r.Name))}, nil
	})
	grpcproto.HandleBidiStreaming(srv, "/t.S/Stream", func(s grpcproto.BidiStreamingServer[greet.HelloRequest, greet.HelloReply]) error {
		if s.Stream() != rpc.StreamOf(s.Context()) {
			return rpc.Errorf(grpc.Internal, "another stream")
		}
		return s.Stream().SetHeader(s.Stream().Metadata())
	})
	c, ctx := dial(t, srv), bound(t)
	call := func(name string, opts ...grpcproto.CallOption) error {
		_, err := grpcproto.CallUnary[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/Meta", &greet.HelloRequest{Name: name}, opts...)
		return err
	}
	md := rpc.Metadata{"k": {"v"}}
	var h, tr rpc.Metadata
	require.NoError(t, call("x", grpcproto.Metadata(md), grpcproto.Metadata(rpc.Metadata{"k": {"w"}}), grpcproto.Header(&h), grpcproto.Trailer(&tr), grpcproto.CallOption{}))
	require.Equal(t, []string{"v", "w"}, got.Load().(rpc.Metadata)["k"])
	require.Equal(t, rpc.Metadata{"k": {"v"}}, md)
	require.Equal(t, "1", h.Get("h"))
	require.Equal(t, "\x00\xff", tr.Get("t-bin"))
	tr = nil
	code(t, grpc.Aborted, call("fail", grpcproto.Trailer(&tr)))
	require.Equal(t, "\x00\xff", tr.Get("t-bin"))

	long := strings.Repeat("n", 100)
	code(t, grpc.ResourceExhausted, call(long, grpcproto.MaxSend(101)))
	require.NoError(t, call(long, grpcproto.MaxSend(102), grpcproto.MaxReceive(102))) // two bytes of tag and length
	code(t, grpc.ResourceExhausted, call(long, grpcproto.MaxReceive(101)))
	code(t, grpc.Unimplemented, call("x", grpcproto.Encoding("zip")))
	require.NoError(t, call("x", grpcproto.WaitForReady()))

	s, err := grpcproto.CallBidiStreaming[greet.HelloRequest, greet.HelloReply](ctx, c, "/t.S/Stream", grpcproto.Metadata(rpc.Metadata{"echo": {"e"}}))
	require.NoError(t, err)
	_, err = s.Recv()
	require.Equal(t, io.EOF, err)
	h, err = s.Stream().Header()
	require.NoError(t, err)
	require.Equal(t, "e", h.Get("echo"))
	require.Error(t, s.Context().Err()) // nothing is left of a call that has ended
}

// TestSenders: several goroutines send on one stream; every message arrives whole.
func TestSenders(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	grpcproto.HandleServerStreaming(srv, "/t.S/Many", func(r *greet.AgainRequest, s grpcproto.ServerStreamingServer[greet.HelloReply]) error {
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				text := strings.Repeat(string(rune('a'+i)), 100+i)
				for range r.Times {
					_ = s.Send(&greet.HelloReply{Text: text})
				}
			})
		}
		wg.Wait()
		return nil
	})
	s, err := grpcproto.CallServerStreaming[greet.AgainRequest, greet.HelloReply](bound(t), dial(t, srv), "/t.S/Many", &greet.AgainRequest{Times: 50})
	require.NoError(t, err)
	seen := make(map[string]int)
	for {
		m, err := s.Recv()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		seen[m.Text]++
	}
	require.Len(t, seen, 4)
	for text, n := range seen {
		require.Equal(t, 50, n)
		require.Equal(t, strings.Repeat(text[:1], len(text)), text)
	}
}

func TestDetails(t *testing.T) {
	require.Nil(t, grpcproto.Details(nil))
	require.Nil(t, grpcproto.Details(io.EOF))
	err := grpcproto.ErrorWith(grpc.NotFound, "caf\xe9", &greet.Problem{Field: "a"}, &greet.HelloReply{Text: "b"})
	code(t, grpc.NotFound, err)
	d := grpcproto.Details(err)
	require.Len(t, d, 2)
	require.True(t, proto.Equal(&greet.Problem{Field: "a"}, d[0]))
	require.True(t, proto.Equal(&greet.HelloReply{Text: "b"}, d[1]))
	code(t, grpc.Internal, grpcproto.ErrorWith(grpc.NotFound, "", &greet.Problem{Field: "\xff"}))
	code(t, grpc.NotFound, grpcproto.ErrorWith(grpc.NotFound, ""))

	// What others send: types that nobody has, fields that nobody knows, and what is cut off.
	known, e := anypb.New(&greet.Problem{Field: "a"})
	require.NoError(t, e)
	b, e := proto.Marshal(known)
	require.NoError(t, e)
	detail := "\x1a" + string(rune(len(b))) + string(b)
	unknown := "\x1a\x05\x0a\x03x/y"
	for raw, want := range map[string]int{
		detail: 1, detail + detail: 2, unknown + detail: 1, "\x25abcd" + detail: 1, "\x08\x05\x12\x01m" + detail: 1,
		"\x1a\x01\x0a" + detail: 1, detail + "\x1a\x7f": 1, detail + "\x80": 1, detail + "\x25a": 1, "": 0,
	} {
		require.Len(t, grpcproto.Details(&rpc.Error{Code: grpc.Unknown, Details: []byte(raw)}), want, "%q", raw)
	}
}
