//go:build linux || darwin || freebsd

package grpcrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	codec "github.com/purewire/purewire/codec/grpc"
	ourh2 "github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
)

// onDrivers serves the test service with a configuration on each driver.
func onDrivers(t *testing.T, cfg server.Config, f func(t *testing.T, addr string)) {
	cfg.Handler = service()
	for name, serve := range map[string]func(*testing.T, server.Config) string{"stdnet": onStdnetWith, "reactor": onReactorWith} {
		t.Run(name, func(t *testing.T) { f(t, serve(t, cfg)) })
	}
}

// counted is a net.Conn that counts the PING frames that come in and are no answers, and the connections.
type counted struct {
	net.Conn
	r *io.PipeWriter
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_, _ = c.r.Write(p[:n])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // drivers interrupt reads
		_ = c.r.CloseWithError(err)
	}
	return n, err
}

// counter reads frames behind a client's back.
type counter struct {
	conns, pings, aways atomic.Int32
}

func (c *counter) dial(ctx context.Context, addr string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c.conns.Add(1)
	pr, pw := io.Pipe()
	go func() {
		fr := http2.NewFramer(io.Discard, pr)
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				_, _ = io.Copy(io.Discard, pr)
				return
			}
			switch f := f.(type) {
			case *http2.PingFrame:
				if !f.IsAck() {
					c.pings.Add(1)
				}
			case *http2.GoAwayFrame:
				c.aways.Add(1)
			}
		}
	}()
	return counted{nc, pw}, nil
}

// TestPingsToGo: the server's PINGs to grpc-go's client keep an idle stream; nobody is dropped.
func TestPingsToGo(t *testing.T) {
	onDrivers(t, server.Config{Keepalive: server.Keepalive{PingAfter: 10 * time.Millisecond, PingTimeout: 20 * time.Second}}, func(t *testing.T, addr string) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		n := new(counter)
		c := pb.NewTestServiceClient(dial(t, addr, grpc.WithContextDialer(n.dial)))
		s, err := c.FullDuplexCall(ctx)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return n.pings.Load() >= 20 }, time.Minute, 5*time.Millisecond)
		require.NoError(t, s.Send(&pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{{Size: 9}}}))
		m, err := s.Recv()
		require.NoError(t, err)
		require.Len(t, m.Payload.Body, 9)
		require.EqualValues(t, 1, n.conns.Load())
	})
}

// TestAgeOfGo: connections that end of old age lose no call of grpc-go's client.
func TestAgeOfGo(t *testing.T) {
	onDrivers(t, server.Config{Keepalive: server.Keepalive{MaxAge: 30 * time.Millisecond}}, func(t *testing.T, addr string) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		n := new(counter)
		c := pb.NewTestServiceClient(dial(t, addr, grpc.WithContextDialer(n.dial)))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for n.conns.Load() < 5 && ctx.Err() == nil {
					if _, err := c.EmptyCall(ctx, &pb.Empty{}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		require.GreaterOrEqual(t, n.conns.Load(), int32(5))
		require.GreaterOrEqual(t, n.aways.Load(), int32(4))
	})
}

// TestAgeOfOurs: the same from grpc-go's server, to package rpc's client.
func TestAgeOfOurs(t *testing.T) {
	addr := goServerWith(t, grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 30 * time.Millisecond}))
	var conns atomic.Int32
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conns.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(func() { _ = tr.Close() })
	c := &rpc.Client{Base: "http://" + addr, Transport: tr}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for conns.Load() < 5 && ctx.Err() == nil {
				if _, err := c.Unary(ctx, testService+"EmptyCall", nil, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.GreaterOrEqual(t, conns.Load(), int32(5))
}

func goServerWith(t *testing.T, opts ...grpc.ServerOption) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer(opts...)
	pb.RegisterTestServiceServer(s, interop.NewTestServer())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// TestEnforcedByGo: grpc-go's server takes PINGs amiss that come too often; the client learns it, and later calls are not harmed.
func TestEnforcedByGo(t *testing.T) {
	addr := goServerWith(t, grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Hour}))
	n := new(counter)
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C, Keepalive: client.Keepalive{PingAfter: 500 * time.Millisecond},
		Dial: func(ctx context.Context, _, addr string) (net.Conn, error) { return n.dial(ctx, addr) }}
	t.Cleanup(func() { _ = tr.Close() })
	c := &rpc.Client{Base: "http://" + addr, Transport: tr}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := c.Stream(ctx, testService+"FullDuplexCall", nil)
	require.NoError(t, err)
	_, err = s.Recv() // the server closes the connection under it
	require.ErrorIs(t, err, codec.Unavailable)
	require.Eventually(t, func() bool { return n.aways.Load() == 1 }, time.Minute, time.Millisecond)
	// The next connection asks half as often, and the third time is one too many: this call is over before that, on a busy machine, too.
	_, err = c.Unary(ctx, testService+"EmptyCall", nil, nil)
	require.NoError(t, err)
	require.EqualValues(t, 2, n.conns.Load())
}

// TestPingsFromGo: grpc-go's server asks silent clients, once a second at most. An idle stream of package rpc's client lives on.
func TestPingsFromGo(t *testing.T) {
	addr := goServerWith(t, grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Second, Timeout: 10 * time.Second}))
	n := new(counter)
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C,
		Dial: func(ctx context.Context, _, addr string) (net.Conn, error) { return n.dial(ctx, addr) }}
	t.Cleanup(func() { _ = tr.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := (&rpc.Client{Base: "http://" + addr, Transport: tr}).Stream(ctx, testService+"FullDuplexCall", nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return n.pings.Load() >= 2 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, s.CloseSend())
	_, err = s.Recv()
	require.Equal(t, io.EOF, err)
}

// TestEnforced: the other way round: whoever sends PINGs too often is told so in the words that grpc-go's client looks for. (grpc-go's
// own never asks more often than every ten seconds, so a frame writer stands in for it.) The twin is TestTwinGoKeepalive.
func TestEnforced(t *testing.T) {
	onDrivers(t, server.Config{HTTP2: ourh2.Config{Limits: ourh2.Limits{PingInterval: time.Hour}}}, func(t *testing.T, addr string) {
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer nc.Close()
		require.NoError(t, nc.SetDeadline(time.Now().Add(time.Minute)))
		_, err = io.WriteString(nc, http2.ClientPreface)
		require.NoError(t, err)
		fr := http2.NewFramer(nc, nc)
		require.NoError(t, fr.WriteSettings())
		for i := range 4 {
			require.NoError(t, fr.WritePing(false, [8]byte{byte(i)}))
		}
		for answers := 0; ; {
			f, err := fr.ReadFrame()
			require.NoError(t, err)
			switch f := f.(type) {
			case *http2.PingFrame:
				answers++
			case *http2.GoAwayFrame:
				require.Equal(t, http2.ErrCodeEnhanceYourCalm, f.ErrCode)
				require.Equal(t, "too_many_pings", string(f.DebugData()))
				require.LessOrEqual(t, answers, 3)
				_, err := io.Copy(io.Discard, nc)
				require.NoError(t, err)
				return
			}
		}
	})
}

// TestTwinGoKeepalive: grpc-go's client measures the path with PINGs while it receives much; that is not held against it.
func TestTwinGoKeepalive(t *testing.T) {
	onDrivers(t, server.Config{HTTP2: ourh2.Config{Limits: ourh2.Limits{PingInterval: time.Hour}}}, func(t *testing.T, addr string) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		n := new(counter)
		c := pb.NewTestServiceClient(dial(t, addr, grpc.WithContextDialer(n.dial)))
		for range 100 {
			m, err := c.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: 100_000, Payload: &pb.Payload{Body: make([]byte, 1000)}})
			require.NoError(t, err)
			require.Len(t, m.Payload.Body, 100_000)
		}
		require.EqualValues(t, 1, n.conns.Load())
		require.Zero(t, n.aways.Load())
	})
}
