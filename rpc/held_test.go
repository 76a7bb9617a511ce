package rpc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	"github.com/stretchr/testify/require"
)

// rawClient is a client that sends whatever the windows allow, and counts.
type rawClient struct {
	t    *testing.T
	nc   net.Conn
	c    http2.Conn
	id   uint32
	in   []byte
	head bool // the response's head is here
	end  bool
	body []byte
	sent int
	by   time.Time
}

func newRawClient(t *testing.T, addr, path string) *rawClient {
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	r := &rawClient{t: t, nc: nc, by: time.Now().Add(time.Minute)}
	r.c.Init(http2.Client, nil)
	out := r.c.AppendOwed(nil, 1<<20)
	field := func(n, v string) codec.Field { return codec.Field{Name: []byte(n), Value: []byte(v)} }
	out, r.id, err = r.c.AppendRequest(out, &http2.RequestHead{Method: []byte("POST"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte(path)},
		[]codec.Field{field("content-type", "application/grpc"), field("te", "trailers")}, false)
	require.NoError(t, err)
	_, err = nc.Write(out)
	require.NoError(t, err)
	return r
}

// send sends of p what may be sent.
func (r *rawClient) send(p []byte, end bool) int {
	out, n, err := r.c.AppendData(nil, r.id, p, end)
	require.NoError(r.t, err)
	_, err = r.nc.Write(out)
	require.NoError(r.t, err)
	r.sent += n
	return n
}

// hear takes what the server sends, and waits a moment for it. It reports whether something came.
func (r *rawClient) hear() bool {
	require.True(r.t, time.Now().Before(r.by), "never happened")
	require.NoError(r.t, r.nc.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	buf := make([]byte, 16<<10)
	n, err := r.nc.Read(buf)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Fatal(err)
	}
	r.in = append(r.in, buf[:n]...)
	var ev http2.Event
	for {
		k, err := r.c.Next(r.in, &ev)
		require.NoError(r.t, err)
		r.in = r.in[k:]
		switch ev.Kind {
		case http2.None:
			_, err = r.nc.Write(r.c.AppendOwed(nil, 1<<20))
			require.NoError(r.t, err)
			return n > 0
		case http2.Response:
			r.head = true
		case http2.Data:
			r.body = append(r.body, ev.Data...)
			require.NoError(r.t, r.c.Consumed(ev.Stream, len(ev.Data)))
		case http2.Trailers:
			r.end = true
		case http2.StreamReset, http2.StreamError:
			r.t.Fatal(ev.Kind, ev.Reason)
		}
	}
}

// TestHeld: THREATS G-03 by its figure: with a window of 64 KiB, a server holds at most 64 KiB of what a handler does not receive,
// however small the messages are. The twin: as soon as they are received, all of a hundred thousand arrive.
func TestHeld(t *testing.T) {
	const window, total = 65535, 100_000
	for _, size := range []int{0, 10} {
		unit := []byte(frame(uint32(size), 0, strings.Repeat("m", size)))
		for _, driver := range []string{"stdnet", "reactor"} {
			t.Run(fmt.Sprintf("%s, messages of %d bytes", driver, size), func(t *testing.T) {
				release := make(chan struct{})
				srv := rpc.NewServer(rpc.ServerConfig{})
				srv.ClientStream("/t.H/Hold", func(s *rpc.Stream) ([]byte, error) {
					if err := s.SendHeader(); err != nil {
						return nil, err
					}
					select {
					case <-release:
					case <-s.Context().Done():
						return nil, s.Context().Err()
					}
					for n := 0; ; n++ {
						m, err := s.Recv()
						if err == io.EOF {
							return fmt.Append(nil, n), nil
						}
						if err != nil || len(m) != size {
							return nil, fmt.Errorf("%d bytes, %w", len(m), err)
						}
					}
				})
				cfg := server.Config{Handler: srv, HTTP2: http2.Config{Window: http2.WindowPolicy{Stream: window}}}
				var addr string
				if driver == "stdnet" {
					addr = onStdnetWith(t, cfg)
				} else {
					addr = onReactorWith(t, cfg)
				}
				r := newRawClient(t, addr, "/t.H/Hold")
				body := bytes.Repeat(unit, total)
				for !r.head { // SETTINGS tell the window, and the handler waits
					r.hear()
				}
				for quiet := 0; quiet < 3; {
					if n := r.send(body[r.sent:], false); n == 0 {
						if quiet++; r.hear() {
							quiet = 0
						}
					}
				}
				require.LessOrEqual(t, r.sent, window, "bytes that nobody received")
				require.Greater(t, r.sent, window-len(unit))
				close(release)
				for r.sent < len(body) {
					if r.send(body[r.sent:], true) == 0 {
						r.hear()
					}
				}
				for !r.end {
					r.hear()
				}
				count := fmt.Sprint(total)
				require.Equal(t, frame(uint32(len(count)), 0, count), string(r.body))
			})
		}
	}
}
