package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/http2"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
	"github.com/stretchr/testify/require"
)

// overH2 serves an echo, by http.Handler and natively, on both drivers, and calls f with the address of each.
func overH2(t *testing.T, closed chan *websocket.CloseError, f func(t *testing.T, addr string)) {
	echo := &websocket.Upgrader{
		Options:     websocket.Options{Deflate: &ws.DeflateOptions{}},
		Protocols:   []string{"chat"},
		CheckOrigin: websocket.AnyOrigin,
		Handler: &websocket.Handler{
			OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
				if err := c.TrySend(op, p); err != nil {
					t.Error(err)
				}
			},
			OnClose: func(c *websocket.Conn, err *websocket.CloseError) { closed <- err },
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/echo", echo)
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "plain ", r.Proto) })
	srv, err := server.New(server.Config{
		Handler: mux, HTTP2: http2.Config{ExtendedConnect: true},
		Native: server.NativeFunc(func(x *server.Ctx) {
			if string(x.Path()) == "/native" {
				echo.ServeNative(x)
			} else {
				x.Pass()
			}
		}),
	})
	require.NoError(t, err)
	t.Run("stdnet", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := stdnet.New(srv, stdnet.Config{})
		go func() { _ = s.Serve(l) }()
		defer s.Close()
		f(t, l.Addr().String())
	})
	t.Run("reactor", func(t *testing.T) {
		r, err := reactor.New(srv, reactor.Config{Loops: 1})
		require.NoError(t, err)
		require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
		require.NoError(t, r.Start())
		defer r.Close()
		f(t, r.Addrs()[0].String())
	})
}

// WS12: WebSocket over HTTP/2, both ends, beside other requests of the same connection.
func TestOverHTTP2(t *testing.T) {
	closed := make(chan *websocket.CloseError, 100)
	overH2(t, closed, func(t *testing.T, addr string) {
		tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
		defer tr.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		for _, path := range []string{"/echo", "/native"} {
			for _, deflate := range []*ws.DeflateOptions{nil, {}} {
				d := &websocket.Dialer{Options: websocket.Options{Deflate: deflate}, RoundTripper: tr, Protocols: []string{"other", "chat"}}
				c, err := d.Dial(ctx, "ws://"+addr+path)
				require.NoError(t, err, path)
				require.Equal(t, "chat", c.Protocol())
				for _, n := range []int{0, 5, 70_000, 700_000} {
					msg := bytes.Repeat([]byte("x"), n)
					require.NoError(t, c.Send(ctx, websocket.Binary, msg))
					op, got, err := c.ReadMessage(ctx)
					require.NoError(t, err)
					require.Equal(t, websocket.Binary, op)
					require.True(t, bytes.Equal(msg, got), "%d bytes came as %d", n, len(got))
				}
				if path == "/native" {
					// Over the server's limit: the reason arrives, though the message is still under way.
					c2, err := d.Dial(ctx, "ws://"+addr+path)
					require.NoError(t, err)
					_ = c2.Send(ctx, websocket.Binary, make([]byte, 3_000_000))
					_, _, err = c2.ReadMessage(ctx)
					var ce *websocket.CloseError
					require.ErrorAs(t, err, &ce)
					require.Equal(t, ws.CloseTooBig, ce.Code)
					require.Equal(t, ws.CloseTooBig, (<-closed).Code)
				}
				resp, err := (&http.Client{Transport: tr}).Get("http://" + addr + "/plain")
				require.NoError(t, err)
				text, err := client.Text(resp)
				require.NoError(t, err)
				require.Equal(t, "plain HTTP/2.0", text)
				require.NoError(t, c.Close(ws.CloseNormal, "bye"))
				require.Equal(t, ws.CloseNormal, (<-closed).Code)
			}
		}
		// Many on one connection.
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				c, err := (&websocket.Dialer{RoundTripper: tr}).Dial(ctx, "ws://"+addr+"/native")
				if err != nil {
					t.Error(err)
					return
				}
				for j := range 20 {
					want := fmt.Sprint(i, " ", j)
					if err := c.Send(ctx, websocket.Text, []byte(want)); err != nil {
						t.Error(err)
						return
					}
					if _, got, err := c.ReadMessage(ctx); err != nil || string(got) != want {
						t.Errorf("%q, %v, want %q", got, err, want)
						return
					}
				}
				_ = c.Close(ws.CloseNormal, "")
			}()
		}
		wg.Wait()
		for range 20 {
			<-closed
		}
		// Refused like any other handshake.
		_, err := (&websocket.Dialer{RoundTripper: tr}).Dial(ctx, "ws://"+addr+"/plain")
		var de *websocket.DialError
		require.True(t, err == nil || errors.As(err, &de))
		// A client that leaves without a word.
		c, err := (&websocket.Dialer{RoundTripper: tr}).Dial(ctx, "ws://"+addr+"/echo")
		require.NoError(t, err)
		c.Abort()
		require.Error(t, <-closed)
	})
}

// A server that does not announce RFC 8441 is not asked.
func TestOverHTTP2NotOffered(t *testing.T) {
	srv, err := server.New(server.Config{Handler: http.NotFoundHandler()})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := stdnet.New(srv, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	tr := &client.Transport{Protocols: client.H2C, Proxy: client.NoProxy}
	defer tr.Close()
	_, err = (&websocket.Dialer{RoundTripper: tr, Timeout: time.Minute}).Dial(context.Background(), "ws://"+l.Addr().String()+"/")
	require.ErrorIs(t, err, client.ErrNoExtendedConnect)
}
