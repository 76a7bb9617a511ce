package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	"github.com/stretchr/testify/require"
)

// late is a transport whose first round trips fail to connect, as those of a server that has not started. Like every transport,
// it closes the body.
type late struct {
	next  http.RoundTripper
	fails int32
	err   error
	tries atomic.Int32
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.tries.Add(1) > l.fails {
		return l.next.RoundTrip(r)
	}
	_ = r.Body.Close()
	return nil, l.err
}

var refused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}

func TestWaitForReady(t *testing.T) {
	addr := onStdnet(t, kinds(rpc.ServerConfig{}))
	start := func(fails int32, err error) (*rpc.Client, *late) {
		l := &late{next: transport(t, client.H2C), fails: fails, err: err}
		return &rpc.Client{Base: "http://" + addr, Transport: l}, l
	}
	ready := func() *rpc.Call { return &rpc.Call{WaitForReady: true} }

	c, l := start(3, refused)
	reply, err := c.Unary(bound(t), "/t.Kinds/Echo", []byte("hello"), ready())
	require.NoError(t, err)
	require.Equal(t, "hello", string(reply))
	require.EqualValues(t, 4, l.tries.Load())

	c, l = start(2, refused) // what is sent meanwhile is not lost
	s, err := c.Stream(bound(t), "/t.Kinds/Sum", ready())
	require.NoError(t, err)
	require.NoError(t, s.Send([]byte("abc")))
	require.NoError(t, s.Send([]byte("de")))
	reply, err = s.CloseAndRecv()
	require.NoError(t, err)
	require.Equal(t, "2 5", string(reply))
	require.EqualValues(t, 3, l.tries.Load())

	// The twins: a call that does not wait fails with the first attempt, as do errors that are not those of dialing.
	c, l = start(1, refused)
	_, err = c.Unary(bound(t), "/t.Kinds/Echo", nil, nil)
	code(t, grpc.Unavailable, err)
	require.EqualValues(t, 1, l.tries.Load())
	c, l = start(1, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")})
	_, err = c.Unary(bound(t), "/t.Kinds/Echo", nil, ready())
	code(t, grpc.Unavailable, err)
	require.EqualValues(t, 1, l.tries.Load())

	// It waits until its deadline, or until somebody cancels it.
	c, _ = start(1<<30, refused)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Unary(ctx, "/t.Kinds/Echo", nil, ready())
	code(t, grpc.DeadlineExceeded, err)
	s, err = c.Stream(bound(t), "/t.Kinds/Chat", ready())
	require.NoError(t, err)
	s.Cancel()
	_, err = s.Recv()
	code(t, grpc.Canceled, err)
}

// TestWaitForServer: package client's own errors of dialing are recognized, and the server is found once it is there.
func TestWaitForServer(t *testing.T) {
	server := onStdnet(t, kinds(rpc.ServerConfig{}))
	var tries atomic.Int32
	tr := transport(t, client.H2C)
	tr.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if tries.Add(1) <= 2 {
			var d net.Dialer
			return d.DialContext(ctx, network, closedPort)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}
	c := &rpc.Client{Base: "http://" + server, Transport: tr}
	reply, err := c.Unary(bound(t), "/t.Kinds/Echo", []byte("x"), &rpc.Call{WaitForReady: true})
	require.NoError(t, err)
	require.Equal(t, "x", string(reply))
	require.EqualValues(t, 3, tries.Load())
}

// closedPort is an address that refuses connections: port 1 is not handed out to anybody, and nothing listens there.
const closedPort = "127.0.0.1:1"

func TestCancelStream(t *testing.T) {
	onAll(t, kinds(rpc.ServerConfig{}), func(t *testing.T, c *rpc.Client) {
		s, err := c.Stream(bound(t), "/t.Kinds/Chat", nil)
		require.NoError(t, err)
		require.NoError(t, s.Send([]byte("a")))
		m, err := s.Recv()
		require.NoError(t, err)
		require.Equal(t, "a", string(m))
		s.Cancel()
		s.Cancel()
		_, err = s.Recv()
		code(t, grpc.Canceled, err)

		// The twin: a call that has ended stays as it ended.
		s, err = c.Stream(bound(t), "/t.Kinds/Chat", nil)
		require.NoError(t, err)
		require.NoError(t, s.CloseSend())
		_, err = s.Recv()
		require.Equal(t, io.EOF, err)
		s.Cancel()
		_, err = s.Recv()
		require.Equal(t, io.EOF, err)
	})
}

// ready is a transport whose responses are there completely, as those of a fast server and a slow client.
type ready struct{}

func (ready) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 2, Header: http.Header{"Content-Type": {"application/grpc"}},
		Body:    io.NopCloser(bytes.NewReader([]byte("\x00\x00\x00\x00\x01a\x00\x00\x00\x00\x01b"))),
		Trailer: http.Header{"Grpc-Status": {"0"}}}, nil
}

// TestCancelWins: of a call that was cancelled nothing more is received, though it is there.
func TestCancelWins(t *testing.T) {
	c := &rpc.Client{Base: "http://127.0.0.1:1", Transport: ready{}}
	for _, cancel := range []bool{true, false} {
		s, err := c.Stream(bound(t), "/t.Kinds/Count", nil)
		require.NoError(t, err)
		m, err := s.Recv()
		require.NoError(t, err)
		require.Equal(t, "a", string(m))
		if cancel {
			s.Cancel()
			for range 2 {
				_, err = s.Recv()
				code(t, grpc.Canceled, err)
			}
			continue
		}
		m, err = s.Recv() // the twin
		require.NoError(t, err)
		require.Equal(t, "b", string(m))
		_, err = s.Recv()
		require.Equal(t, io.EOF, err)
	}
}

func TestCallLimits(t *testing.T) {
	addr := onStdnet(t, kinds(rpc.ServerConfig{}))
	c := &rpc.Client{Base: "http://" + addr, Transport: transport(t, client.H2C), MaxSend: 100, MaxReceive: 50}
	echo := func(n int, call *rpc.Call) error {
		_, err := c.Unary(bound(t), "/t.Kinds/Echo", bytes.Repeat([]byte("a"), n), call)
		return err
	}
	require.NoError(t, echo(50, nil))
	code(t, grpc.ResourceExhausted, echo(51, nil))                                  // MaxReceive
	code(t, grpc.ResourceExhausted, echo(101, &rpc.Call{MaxReceive: -1}))           // MaxSend
	require.NoError(t, echo(100, &rpc.Call{MaxReceive: 100}))                       // another limit for this call
	code(t, grpc.ResourceExhausted, echo(101, &rpc.Call{MaxReceive: 100}))          // of which the other stays
	require.NoError(t, echo(1000, &rpc.Call{MaxReceive: -1, MaxSend: -1}))          // none
	code(t, grpc.ResourceExhausted, echo(10, &rpc.Call{MaxSend: 9}))                // less than the client's
	code(t, grpc.ResourceExhausted, echo(10, &rpc.Call{MaxReceive: 9}))             // and so
	require.NoError(t, echo(9, &rpc.Call{MaxReceive: 9, MaxSend: 9, Subtype: "x"})) // the twin
}

func TestSubtype(t *testing.T) {
	srv := rpc.NewServer(rpc.ServerConfig{})
	srv.Unary("/t.S/Type", func(ctx context.Context, _ []byte) ([]byte, error) { return []byte(rpc.StreamOf(ctx).Subtype()), nil })
	require.Equal(t, []string{"t.S"}, srv.Services())
	addr := onStdnet(t, srv)
	c := &rpc.Client{Base: "http://" + addr, Transport: transport(t, client.H2C)}
	for _, want := range []string{"", "proto", "json", "vnd.a+b"} {
		reply, err := c.Unary(bound(t), "/t.S/Type", nil, &rpc.Call{Subtype: want})
		require.NoError(t, err)
		require.Equal(t, want, string(reply))
	}
	for _, bad := range []string{"a b", "a;b", "a\r\nb", "\x7f", "ä"} {
		_, err := c.Unary(bound(t), "/t.S/Type", nil, &rpc.Call{Subtype: bad})
		code(t, grpc.Internal, err)
	}
}
