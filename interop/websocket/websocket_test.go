// Package websocket_test holds package websocket against coder/websocket, a server and a client that people use, over real
// connections: chi in front of our Upgrader on both drivers, and their Accept behind our Dialer.
package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

// serve starts h on both drivers and on Go's own server.
func serve(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	srv, err := server.New(server.Config{Handler: h})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := stdnet.New(srv, stdnet.Config{})
	go func() { _ = d.Serve(l) }()
	t.Cleanup(func() { _ = d.Close() })
	r, err := reactor.New(srv, reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
	require.NoError(t, r.Start())
	t.Cleanup(func() { _ = r.Close() })
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return map[string]string{"stdnet": l.Addr().String(), "reactor": r.Addrs()[0].String(), "nethttp": s.Listener.Addr().String()}
}

// messages are what goes to and fro.
func messages() [][]byte {
	noise := make([]byte, 3<<20)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(noise)
	return [][]byte{nil, []byte("hello"), []byte(strings.Repeat("compresses well ", 5000)), noise[:125], noise[:126], noise[:65536], noise}
}

var modes = map[string]coder.CompressionMode{
	"plain": coder.CompressionDisabled, "context takeover": coder.CompressionContextTakeover, "no context takeover": coder.CompressionNoContextTakeover,
}

// coder's client, through chi and its middleware, with every compression it has.
func TestCoderClient(t *testing.T) {
	up := &websocket.Upgrader{
		Protocols: []string{"echo"},
		Options: websocket.Options{
			Limits:  ws.Limits{Message: -1},
			Deflate: &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true},
		},
	}
	mux := chi.NewRouter()
	mux.Use(middleware.RequestID, middleware.RealIP, middleware.Recoverer, middleware.Compress(5))
	mux.Get("/echo/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := chi.URLParam(r, "name")
		_, err := up.Upgrade(w, r, &websocket.Handler{
			OnOpen:    func(c *websocket.Conn) { _ = c.TrySend(websocket.Text, []byte(name)) },
			OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) { _ = c.TrySend(op, p) },
		})
		require.NoError(t, err)
	})
	for driver, addr := range serve(t, mux) {
		for mode, m := range modes {
			t.Run(driver+"/"+mode, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				defer cancel()
				c, resp, err := coder.Dial(ctx, "ws://"+addr+"/echo/gopher", &coder.DialOptions{Subprotocols: []string{"x", "echo"}, CompressionMode: m})
				require.NoError(t, err)
				defer func() { _ = c.CloseNow() }()
				require.Equal(t, "echo", c.Subprotocol())
				require.Equal(t, m != coder.CompressionDisabled, resp.Header.Get("Sec-WebSocket-Extensions") != "")
				c.SetReadLimit(-1)
				_, p, err := c.Read(ctx)
				require.NoError(t, err)
				require.Equal(t, "gopher", string(p))
				for _, want := range messages() {
					require.NoError(t, c.Write(ctx, coder.MessageBinary, want))
					typ, got, err := c.Read(ctx)
					require.NoError(t, err)
					require.Equal(t, coder.MessageBinary, typ)
					require.True(t, bytes.Equal(want, got), "%d bytes", len(got))
				}
				w, err := c.Writer(ctx, coder.MessageText)
				require.NoError(t, err)
				for range 100 {
					_, err = io.WriteString(w, "piece by piece ")
					require.NoError(t, err)
				}
				require.NoError(t, w.Close())
				_, p, err = c.Read(ctx)
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("piece by piece ", 100), string(p))
				reading := c.CloseRead(ctx) // a Ping is answered to somebody who reads
				require.NoError(t, c.Ping(ctx))
				require.NoError(t, reading.Err())
				require.NoError(t, c.Close(4000, "done"))
			})
		}
	}
}

// Our client against coder's server, on stdnet and on a reactor.
func TestCoderServer(t *testing.T) {
	for mode, m := range modes {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{"echo"}, CompressionMode: m, CompressionThreshold: 1})
			if err != nil {
				return
			}
			defer func() { _ = c.CloseNow() }()
			c.SetReadLimit(-1)
			for {
				typ, p, err := c.Read(r.Context())
				if err != nil {
					return
				}
				if string(p) == "bye" {
					_ = c.Close(4001, "as you wish")
					return
				}
				if c.Write(r.Context(), typ, p) != nil {
					return
				}
			}
		}))
		r, err := reactor.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), reactor.Config{Loops: 1})
		require.NoError(t, err)
		require.NoError(t, r.Start())
		for driver, loop := range map[string]websocket.Loop{"stdnet": nil, "reactor": r} {
			t.Run(driver+"/"+mode, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				defer cancel()
				d := websocket.Dialer{Protocols: []string{"echo"}, Loop: loop, Options: websocket.Options{
					Limits: ws.Limits{Message: -1}, Deflate: &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true},
				}}
				c, err := d.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1))
				require.NoError(t, err)
				require.Equal(t, "echo", c.Protocol())
				require.Equal(t, m != coder.CompressionDisabled, c.Deflated())
				for _, want := range messages() {
					require.NoError(t, c.Send(ctx, websocket.Binary, want))
					_, got, err := c.ReadMessage(ctx)
					require.NoError(t, err)
					require.True(t, bytes.Equal(want, got), "%d bytes", len(got))
				}
				require.NoError(t, c.Send(ctx, websocket.Text, []byte("bye")))
				_, _, err = c.ReadMessage(ctx)
				var e *websocket.CloseError
				require.True(t, errors.As(err, &e), "%v", err)
				require.Equal(t, &websocket.CloseError{Code: 4001, Reason: "as you wish", Remote: true}, e)
			})
		}
		_ = r.Close()
		s.Close()
	}
}
