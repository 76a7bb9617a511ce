//go:build linux || darwin || freebsd

package grpc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/purewire/purewire/server"
)

func dial(t *testing.T, p place) *grpc.ClientConn {
	creds := insecure.NewCredentials()
	if p.tls != nil {
		creds = credentials.NewTLS(p.tls)
	}
	cc, err := grpc.NewClient(p.addr, grpc.WithTransportCredentials(creds))
	require.NoError(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// watched is the server of gRPC's interoperability tests, and tells what its handlers see of cancellation and of the peer.
type watched struct {
	pb.TestServiceServer
	ended chan error // contexts of half-duplex calls
}

// HalfDuplexCall answers nothing: it waits for the end of its context.
func (w *watched) HalfDuplexCall(stream pb.TestService_HalfDuplexCallServer) error {
	_ = stream.SendHeader(metadata.Pairs("x-began", "yes"))
	<-stream.Context().Done()
	w.ended <- stream.Context().Err()
	return stream.Context().Err()
}

// CacheableUnaryCall tells of its caller in metadata, and compresses its answer.
func (w *watched) CacheableUnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	who, ok := peer.FromContext(ctx)
	if !ok {
		return nil, status.Error(codes.Internal, "no peer")
	}
	auth := "none"
	if who.AuthInfo != nil {
		auth = who.AuthInfo.AuthType()
	}
	md, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetHeader(ctx, metadata.Join(metadata.Pairs("x-auth", auth), metadata.MD{"x-copy-bin": md["x-some-bin"], "x-copy": md["x-some"]}))
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-end-bin", "\x00\x01\xff"))
	return &pb.SimpleResponse{Payload: in.Payload}, nil
}

func newGRPC(t *testing.T) (*grpc.Server, *watched) {
	w := &watched{TestServiceServer: interop.NewTestServer(), ended: make(chan error, 16)}
	s := grpc.NewServer()
	pb.RegisterTestServiceServer(s, w)
	return s, w
}

// TestInterop runs the cases of gRPC's own interoperability suite that need no accounts or balancers.
func TestInterop(t *testing.T) {
	s, _ := newGRPC(t)
	everywhere(t, s, func(t *testing.T, p place) {
		cc := dial(t, p)
		tc := pb.NewTestServiceClient(cc)
		ctx := within(t, time.Minute)
		for _, c := range []struct {
			name string
			do   func()
		}{
			{"empty_unary", func() { interop.DoEmptyUnaryCall(ctx, tc) }},
			{"large_unary", func() { interop.DoLargeUnaryCall(ctx, tc) }},
			{"client_streaming", func() { interop.DoClientStreaming(ctx, tc) }},
			{"server_streaming", func() { interop.DoServerStreaming(ctx, tc) }},
			{"ping_pong", func() { interop.DoPingPong(ctx, tc) }},
			{"empty_stream", func() { interop.DoEmptyStream(ctx, tc) }},
			{"timeout_on_sleeping_server", func() { interop.DoTimeoutOnSleepingServer(ctx, tc) }},
			{"cancel_after_begin", func() { interop.DoCancelAfterBegin(ctx, tc) }},
			{"cancel_after_first_response", func() { interop.DoCancelAfterFirstResponse(ctx, tc) }},
			{"custom_metadata", func() { interop.DoCustomMetadata(ctx, tc) }},
			{"status_code_and_message", func() { interop.DoStatusCodeAndMessage(ctx, tc) }},
			{"special_status_message", func() { interop.DoSpecialStatusMessage(ctx, tc) }},
			{"unimplemented_method", func() { interop.DoUnimplementedMethod(ctx, cc) }},
			{"unimplemented_service", func() { interop.DoUnimplementedService(ctx, pb.NewUnimplementedServiceClient(cc)) }},
		} {
			// A case that fails ends the program with its own message: it stands behind this name.
			t.Log(c.name)
			c.do()
		}
	})
}

// TestCallsAreSeen: what a handler of grpc-go learns of its caller, and what the caller gets back.
func TestCallsAreSeen(t *testing.T) {
	s, w := newGRPC(t)
	everywhere(t, s, func(t *testing.T, p place) {
		tc := pb.NewTestServiceClient(dial(t, p))

		t.Run("metadata", func(t *testing.T) {
			ctx := metadata.AppendToOutgoingContext(within(t, 2*time.Minute), "x-some-bin", "\x00\xfe,\n", "x-some", "a", "x-some", "b")
			var head, tail metadata.MD
			payload := &pb.Payload{Body: bytes.Repeat([]byte("0123456789"), 10000)}
			res, err := tc.CacheableUnaryCall(ctx, &pb.SimpleRequest{Payload: payload}, grpc.Header(&head), grpc.Trailer(&tail), grpc.UseCompressor(gzip.Name))
			require.NoError(t, err)
			require.Equal(t, payload.Body, res.Payload.Body)
			require.Equal(t, []string{"\x00\xfe,\n"}, head["x-copy-bin"])
			require.Equal(t, []string{"a", "b"}, head["x-copy"])
			require.Equal(t, []string{"\x00\x01\xff"}, tail["x-end-bin"])
			if p.tls != nil {
				require.Equal(t, []string{"tls"}, head["x-auth"], "the handler knows that it is called over TLS")
			} else {
				require.Equal(t, []string{"none"}, head["x-auth"])
			}
		})

		t.Run("a cancelled call ends its handler", func(t *testing.T) {
			ctx, cancel := context.WithCancel(within(t, 2*time.Minute))
			stream, err := tc.HalfDuplexCall(ctx)
			require.NoError(t, err)
			head, err := stream.Header()
			require.NoError(t, err)
			require.Equal(t, []string{"yes"}, head["x-began"], "metadata comes before any message")
			cancel()
			require.ErrorIs(t, <-w.ended, context.Canceled)
		})

		t.Run("a deadline is the handler's too", func(t *testing.T) {
			// On a busy machine the time may be up before the call has reached its handler: then the next one has more.
			for limit := 200 * time.Millisecond; ; limit *= 5 {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				stream, err := tc.HalfDuplexCall(ctx)
				if err == nil {
					_, err = stream.Recv()
				}
				cancel()
				require.Equal(t, codes.DeadlineExceeded, status.Code(err))
				select {
				case err = <-w.ended:
					require.Error(t, err)
					return
				case <-time.After(5 * time.Second):
					require.Less(t, limit, 10*time.Second, "the handler was never told")
				}
			}
		})

		t.Run("a limit of the server's", func(t *testing.T) {
			_, err := tc.UnaryCall(within(t, 2*time.Minute), &pb.SimpleRequest{Payload: &pb.Payload{Body: make([]byte, 5<<20)}})
			require.Equal(t, codes.ResourceExhausted, status.Code(err), "the answer comes although the message was not read")
		})

		t.Run("many at once", func(t *testing.T) {
			ctx := within(t, 2*time.Minute)
			var all sync.WaitGroup
			errs := make(chan error, 100)
			for i := range 100 {
				all.Add(1)
				go func() {
					defer all.Done()
					errs <- oneOfMany(ctx, tc, i)
				}()
			}
			all.Wait()
			close(errs)
			for err := range errs {
				require.NoError(t, err)
			}
		})
	})
}

func oneOfMany(ctx context.Context, tc pb.TestServiceClient, i int) error {
	size := int32(1 + i*1000)
	switch i % 3 {
	case 0:
		res, err := tc.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: size, Payload: &pb.Payload{Body: make([]byte, size)}})
		if err != nil {
			return err
		}
		if n := len(res.Payload.Body); n != int(size) {
			return fmt.Errorf("call %d: %d bytes of %d", i, n, size)
		}
		return nil
	case 1:
		stream, err := tc.StreamingInputCall(ctx)
		if err != nil {
			return err
		}
		for range 10 {
			if err := stream.Send(&pb.StreamingInputCallRequest{Payload: &pb.Payload{Body: make([]byte, size)}}); err != nil {
				return err
			}
		}
		res, err := stream.CloseAndRecv()
		if err != nil {
			return err
		}
		if res.AggregatedPayloadSize != 10*size {
			return fmt.Errorf("call %d: %d bytes of %d arrived", i, res.AggregatedPayloadSize, 10*size)
		}
		return nil
	}
	stream, err := tc.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	for k := range int32(5) {
		err := stream.Send(&pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{{Size: size + k}}})
		if err != nil {
			return err
		}
		res, err := stream.Recv()
		if err != nil {
			return err
		}
		if n := len(res.Payload.Body); n != int(size+k) {
			return fmt.Errorf("call %d: %d bytes of %d", i, n, size+k)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("call %d: %v behind the last message", i, err)
	}
	return nil
}

// TestQuietStream: deadlines for slow requests are not for a conversation in which nobody has something to say.
func TestQuietStream(t *testing.T) {
	s, _ := newGRPC(t)
	everywhereWith(t, server.Config{Handler: s, Deadlines: impatient}, func(t *testing.T, p place) {
		stream, err := pb.NewTestServiceClient(dial(t, p)).FullDuplexCall(within(t, 2*time.Minute))
		require.NoError(t, err)
		for i := range int32(3) {
			if i > 0 {
				time.Sleep(pause)
			}
			require.NoError(t, stream.Send(&pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{{Size: 1 + i}}}))
			res, err := stream.Recv()
			require.NoError(t, err)
			require.Len(t, res.Payload.Body, int(1+i))
		}
		require.NoError(t, stream.CloseSend())
		_, err = stream.Recv()
		require.ErrorIs(t, err, io.EOF)
	})
}

// TestSilentCaller is the twin: before anything was answered the deadlines hold.
func TestSilentCaller(t *testing.T) {
	s, _ := newGRPC(t)
	everywhereWith(t, server.Config{Handler: s, Deadlines: impatient}, func(t *testing.T, p place) {
		stream, err := pb.NewTestServiceClient(dial(t, p)).FullDuplexCall(within(t, 2*time.Minute))
		require.NoError(t, err)
		_, err = stream.Recv() // the call sends nothing either
		require.Error(t, err)
		require.NotEqual(t, codes.DeadlineExceeded, status.Code(err), "the server ended it, long before the caller would have")
	})
}

// TestTrailersOnly: a call that fails at once is answered by a single HEADERS frame (Trailers-Only), here seen from net/http's client.
func TestTrailersOnly(t *testing.T) {
	s, _ := newGRPC(t)
	everywhere(t, s, func(t *testing.T, p place) {
		hc, stop := httpClient(p)
		defer stop()
		req, err := http.NewRequestWithContext(within(t, 2*time.Minute), "POST", p.url()+"/grpc.testing.TestService/Nothing", bytes.NewReader(make([]byte, 5)))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		res, err := hc.Do(req)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		require.Empty(t, b)
		require.Equal(t, 200, res.StatusCode)
		code := res.Header.Get("Grpc-Status") + res.Trailer.Get("Grpc-Status")
		require.Equal(t, "12", code, "UNIMPLEMENTED, once, in head or trailers")
	})
}
