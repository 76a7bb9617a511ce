//go:build linux || darwin || freebsd

package grpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/purewire/purewire/client"
)

// httpClient is net/http's client over HTTP/2 alone.
func httpClient(p place) (*http.Client, func()) {
	tr := &http.Transport{TLSClientConfig: p.tls, Protocols: new(http.Protocols)}
	if p.tls != nil {
		tr.Protocols.SetHTTP2(true)
	} else {
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	return &http.Client{Transport: tr}, tr.CloseIdleConnections
}

const service = "/grpc.testing.TestService/"

// procedures are the four kinds of calls as connect-go serves them, under the names of grpc-go's test service.
func procedures(ended chan<- error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(service+"UnaryCall", connect.NewUnaryHandler(service+"UnaryCall",
		func(_ context.Context, req *connect.Request[pb.SimpleRequest]) (*connect.Response[pb.SimpleResponse], error) {
			if st := req.Msg.GetResponseStatus(); st != nil {
				return nil, connect.NewError(connect.Code(st.Code), errors.New(st.Message))
			}
			res := connect.NewResponse(&pb.SimpleResponse{Payload: req.Msg.Payload})
			res.Header().Set("X-Copy", req.Header().Get("X-Some"))
			res.Trailer().Set("X-End", "end")
			return res, nil
		}))
	mux.Handle(service+"StreamingInputCall", connect.NewClientStreamHandler(service+"StreamingInputCall",
		func(_ context.Context, s *connect.ClientStream[pb.StreamingInputCallRequest]) (*connect.Response[pb.StreamingInputCallResponse], error) {
			sum := 0
			for s.Receive() {
				sum += len(s.Msg().GetPayload().GetBody())
			}
			return connect.NewResponse(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)}), s.Err()
		}))
	mux.Handle(service+"StreamingOutputCall", connect.NewServerStreamHandler(service+"StreamingOutputCall",
		func(_ context.Context, req *connect.Request[pb.StreamingOutputCallRequest], s *connect.ServerStream[pb.StreamingOutputCallResponse]) error {
			for _, k := range req.Msg.ResponseParameters {
				if err := s.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: make([]byte, k.Size)}}); err != nil {
					return err
				}
			}
			return nil
		}))
	mux.Handle(service+"FullDuplexCall", connect.NewBidiStreamHandler(service+"FullDuplexCall",
		func(_ context.Context, s *connect.BidiStream[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
			for {
				in, err := s.Receive()
				if errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
				for _, k := range in.ResponseParameters {
					if err := s.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: make([]byte, k.Size)}}); err != nil {
						return err
					}
				}
			}
		}))
	mux.Handle(service+"HalfDuplexCall", connect.NewBidiStreamHandler(service+"HalfDuplexCall",
		func(ctx context.Context, s *connect.BidiStream[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
			if _, err := s.Receive(); err != nil {
				return err
			}
			if err := s.Send(&pb.StreamingOutputCallResponse{}); err != nil {
				return err
			}
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}))
	return mux
}

// TestConnect: connect-go's handlers, called by connect-go's clients in all three protocols, through net/http's transport and
// through ours.
func TestConnect(t *testing.T) {
	ended := make(chan error, 16)
	everywhere(t, procedures(ended), func(t *testing.T, p place) {
		theirs, stop := httpClient(p)
		defer stop()
		tr := &client.Transport{TLS: p.tls, Protocols: client.HTTP2 | client.H2C}
		defer tr.CloseIdleConnections()
		for name, hc := range map[string]*http.Client{"net-http": theirs, "purewire": {Transport: tr}} {
			for protocol, opts := range map[string][]connect.ClientOption{
				"connect":  nil,
				"json":     {connect.WithProtoJSON()},
				"grpc":     {connect.WithGRPC(), connect.WithSendGzip()},
				"grpc-web": {connect.WithGRPCWeb()},
			} {
				t.Run(name+"/"+protocol, func(t *testing.T) { callConnect(t, hc, p.url()+service, ended, opts) })
			}
		}
	})
}

func callConnect(t *testing.T, hc connect.HTTPClient, base string, ended <-chan error, opts []connect.ClientOption) {
	ctx := within(t, 2*time.Minute)

	unary := connect.NewClient[pb.SimpleRequest, pb.SimpleResponse](hc, base+"UnaryCall", opts...)
	for _, size := range []int{0, 1, 70000, 2 << 20} {
		req := connect.NewRequest(&pb.SimpleRequest{Payload: &pb.Payload{Body: make([]byte, size)}})
		req.Header().Set("X-Some", "some")
		res, err := unary.CallUnary(ctx, req)
		require.NoError(t, err)
		require.Len(t, res.Msg.Payload.Body, size)
		require.Equal(t, "some", res.Header().Get("X-Copy"))
		require.Equal(t, "end", res.Trailer().Get("X-End"))
	}
	_, err := unary.CallUnary(ctx, connect.NewRequest(&pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: 9, Message: "ümläut\n%"}}))
	require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err))
	require.ErrorContains(t, err, "ümläut\n%")

	in := connect.NewClient[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse](hc, base+"StreamingInputCall", opts...).CallClientStream(ctx)
	for range 20 {
		require.NoError(t, in.Send(&pb.StreamingInputCallRequest{Payload: &pb.Payload{Body: make([]byte, 50000)}}))
	}
	sum, err := in.CloseAndReceive()
	require.NoError(t, err)
	require.EqualValues(t, 1000000, sum.Msg.AggregatedPayloadSize)

	var sizes []*pb.ResponseParameters
	for i := range int32(20) {
		sizes = append(sizes, &pb.ResponseParameters{Size: 1 + 5000*i})
	}
	out, err := connect.NewClient[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse](hc, base+"StreamingOutputCall", opts...).
		CallServerStream(ctx, connect.NewRequest(&pb.StreamingOutputCallRequest{ResponseParameters: sizes}))
	require.NoError(t, err)
	for _, k := range sizes {
		require.True(t, out.Receive(), "%v", out.Err())
		require.Len(t, out.Msg().Payload.Body, int(k.Size))
	}
	require.False(t, out.Receive())
	require.NoError(t, out.Err())
	require.NoError(t, out.Close())

	duplex := connect.NewClient[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse](hc, base+"FullDuplexCall", opts...)
	both := duplex.CallBidiStream(ctx)
	for i := range int32(10) {
		require.NoError(t, both.Send(&pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{{Size: 1 + i}}}))
		m, err := both.Receive()
		require.NoError(t, err)
		require.Len(t, m.Payload.Body, int(1+i))
	}
	require.NoError(t, both.CloseRequest())
	_, err = both.Receive()
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, both.CloseResponse())

	gone, cancel := context.WithCancel(ctx)
	defer cancel()
	both = connect.NewClient[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse](hc, base+"HalfDuplexCall", opts...).CallBidiStream(gone)
	require.NoError(t, both.Send(&pb.StreamingOutputCallRequest{}))
	_, err = both.Receive()
	require.NoError(t, err)
	cancel()
	_, err = both.Receive()
	require.Equal(t, connect.CodeCanceled, connect.CodeOf(err))
	require.ErrorIs(t, <-ended, context.Canceled, "the handler's context ends with the call")
}

// TestCross: grpc-go's client calls connect-go's handlers, and connect-go's client calls grpc-go's server.
func TestCross(t *testing.T) {
	t.Run("grpc-go calls connect-go", func(t *testing.T) {
		everywhere(t, procedures(make(chan error, 16)), func(t *testing.T, p place) {
			tc := pb.NewTestServiceClient(dial(t, p))
			ctx := within(t, 2*time.Minute)
			for i := 1; i < 9; i++ {
				if i%3 != 0 { // its unary handler has no sizes
					require.NoError(t, oneOfMany(ctx, tc, i))
				}
			}
			_, err := tc.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: 5, Message: "none"}})
			require.Equal(t, codes.NotFound, status.Code(err))
			_, err = tc.EmptyCall(ctx, &pb.Empty{})
			require.Equal(t, codes.Unimplemented, status.Code(err), "a 404 of the mux")
		})
	})
	t.Run("connect-go calls grpc-go", func(t *testing.T) {
		s, _ := newGRPC(t)
		everywhere(t, s, func(t *testing.T, p place) {
			hc, stop := httpClient(p)
			defer stop()
			ctx := within(t, 2*time.Minute)
			res, err := connect.NewClient[pb.SimpleRequest, pb.SimpleResponse](hc, p.url()+service+"UnaryCall", connect.WithGRPC()).
				CallUnary(ctx, connect.NewRequest(&pb.SimpleRequest{ResponseSize: 300000}))
			require.NoError(t, err)
			require.Len(t, res.Msg.Payload.Body, 300000)
		})
	})
}
