package rpc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

func TestKinds(t *testing.T) {
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		for _, n := range []int{0, 1, 5, 16 << 10, 200_000, 3 << 20} {
			msg := bytes.Repeat([]byte("abcdefg."), n/8+1)[:n]
			reply, err := c.Unary(ctx, "/t.Kinds/Echo", msg, nil)
			require.NoError(t, err)
			require.True(t, bytes.Equal(msg, reply), "%d bytes", n)
		}

		s, err := c.Stream(ctx, "/t.Kinds/Sum", nil)
		require.NoError(t, err)
		for range 100 {
			require.NoError(t, s.Send(make([]byte, 1000)))
		}
		reply, err := s.CloseAndRecv()
		require.NoError(t, err)
		require.Equal(t, "100 100000", string(reply))
		require.Equal(t, io.EOF, s.Send(nil))

		for _, n := range []int{0, 1, 3000} {
			s, err = c.Stream(ctx, "/t.Kinds/Count", nil)
			require.NoError(t, err)
			require.NoError(t, s.Send(fmt.Append(nil, n)))
			require.NoError(t, s.CloseSend())
			for i := range n {
				m, err := s.Recv()
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint(i), string(m))
			}
			_, err = s.Recv()
			require.Equal(t, io.EOF, err)
			_, err = s.Recv()
			require.Equal(t, io.EOF, err)
		}

		// Truly incremental: each message is answered before the next is sent.
		s, err = c.Stream(ctx, "/t.Kinds/Chat", nil)
		require.NoError(t, err)
		for i := range 50 {
			require.NoError(t, s.Send(fmt.Append(nil, i)))
			m, err := s.Recv()
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m))
		}
		require.NoError(t, s.CloseSend())
		require.NoError(t, s.CloseSend())
		_, err = s.Recv()
		require.Equal(t, io.EOF, err)
	})
}

// TestParallel sends and receives at once, on several streams of one connection.
func TestParallel(t *testing.T) {
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		var wg sync.WaitGroup
		for k := range 8 {
			wg.Go(func() {
				s, err := c.Stream(ctx, "/t.Kinds/Chat", nil)
				if err != nil {
					t.Error(err)
					return
				}
				const n = 200
				msg := bytes.Repeat([]byte{byte('a' + k)}, 2000)
				wg.Go(func() {
					for range n {
						if err := s.Send(msg); err != nil {
							t.Error(err)
						}
					}
					_ = s.CloseSend()
				})
				for i := range n {
					if m, err := s.Recv(); err != nil || !bytes.Equal(m, msg) {
						t.Errorf("message %d: %d bytes, %v", i, len(m), err)
						return
					}
				}
				if _, err := s.Recv(); err != io.EOF {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestCardinality: statuscodes.md, "Request cardinality violation" and "Response cardinality violation": UNIMPLEMENTED.
func TestCardinality(t *testing.T) {
	srv := kinds(rpc.ServerConfig{})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		for n, want := range []grpc.Code{grpc.Unimplemented, grpc.OK, grpc.Unimplemented} {
			for _, method := range []string{"/t.Kinds/Echo", "/t.Kinds/Count"} {
				s, err := c.Stream(ctx, method, nil)
				require.NoError(t, err)
				for range n {
					require.NoError(t, s.Send(nil))
				}
				require.NoError(t, s.CloseSend())
				for err == nil {
					_, err = s.Recv()
				}
				if err == io.EOF {
					err = nil
				}
				code(t, want, err)
			}
			_, err := c.Unary(ctx, "/t.Kinds/Count", fmt.Append(nil, n), nil)
			code(t, want, err)
		}
	})
}

func TestUnknown(t *testing.T) {
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		ctx := bound(t)
		_, err := c.Unary(ctx, "/t.Kinds/None", nil, nil)
		code(t, grpc.Unimplemented, err)
		require.ErrorContains(t, err, "unknown method")
		_, err = c.Unary(ctx, "/t.None/Echo", nil, nil)
		code(t, grpc.Unimplemented, err)
		require.ErrorContains(t, err, "unknown service")
		_, err = c.Unary(ctx, "/t.Kinds/Echo/", nil, nil)
		code(t, grpc.Unimplemented, err)
	})
}

// TestDeadline: the server's handler is told, and the client does not wait for it.
func TestDeadline(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	ended := make(chan error, 10)
	srv.Bidi("/t.D/Recv", func(s *rpc.Stream) error {
		if _, ok := s.Context().Deadline(); !ok {
			t.Error("no deadline")
		}
		_, err := s.Recv() // nothing comes
		ended <- err
		return err
	})
	srv.Bidi("/t.D/Send", func(s *rpc.Stream) (err error) {
		for err == nil {
			err = s.Send(make([]byte, 10_000)) // nobody receives
		}
		ended <- err
		return err
	})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		_, err := c.Unary(bound(t), "/t.D/None", nil, nil) // the connection is there
		code(t, grpc.Unimplemented, err)
		for _, method := range []string{"/t.D/Recv", "/t.D/Send"} {
			// A call whose time is up before it reached its handler is over, too: then the next one has more time.
			for limit := 60 * time.Millisecond; ; limit *= 5 {
				ctx, cancel := context.WithTimeout(bound(t), limit)
				s, err := c.Stream(ctx, method, nil)
				if method == "/t.D/Send" {
					<-ctx.Done()
				}
				for err == nil {
					_, err = s.Recv()
				}
				cancel()
				code(t, grpc.DeadlineExceeded, err)
				var got error
				select {
				case got = <-ended:
				case <-time.After(5 * time.Second):
					require.Less(t, limit, 10*time.Second, "the handler was never told")
					continue
				}
				require.Contains(t, []grpc.Code{grpc.DeadlineExceeded, grpc.Canceled}, rpc.CodeOf(got), "%v", got)
				break
			}
		}
		ctx, cancel := context.WithTimeout(bound(t), -1)
		defer cancel()
		_, err = c.Unary(ctx, "/t.D/Recv", nil, nil)
		code(t, grpc.DeadlineExceeded, err)
	})
}

// TestCancel: the client's cancellation resets the stream, which ends the context of the handler.
func TestCancel(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	ended := make(chan error, 1)
	srv.Bidi("/t.C/Wait", func(s *rpc.Stream) error {
		_ = s.Send([]byte("here"))
		<-s.Context().Done()
		ended <- s.Context().Err()
		return s.Context().Err()
	})
	onAll(t, srv, func(t *testing.T, c *rpc.Client) {
		ctx, cancel := context.WithCancel(bound(t))
		s, err := c.Stream(ctx, "/t.C/Wait", nil)
		require.NoError(t, err)
		_, err = s.Recv()
		require.NoError(t, err)
		cancel()
		_, err = s.Recv()
		code(t, grpc.Canceled, err)
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}
