package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/websocket"
)

// answer is a server that answers every connection with the same bytes, after it has read a request head.
func answer(t *testing.T, what string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 4096)
				n := 0
				for !strings.Contains(string(b[:n]), "\r\n\r\n") {
					k, err := c.Read(b[n:])
					if n += k; err != nil {
						return
					}
				}
				_, _ = io.WriteString(c, what)
				if what == "" {
					_, _ = c.Read(b) // silence
				}
			}()
		}
	}()
	return "ws://" + l.Addr().String() + "/"
}

func TestDialRefused(t *testing.T) {
	ctx := soon(t)
	for _, bad := range []string{"http://127.0.0.1/", "ws:///", "ws://a/#b", "ws://u@a/", "://", "127.0.0.1:80"} {
		_, err := websocket.Dial(ctx, bad)
		require.Error(t, err, bad)
	}
	for _, c := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"no", "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nX-Why: because\r\n\r\nstay out", 403, "stay ou"},
		{"chunked", "HTTP/1.1 500 Oops\r\nX-Why: because\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 500, "abc"},
		{"until close", "HTTP/1.1 404 Not Found\r\nX-Why: because\r\n\r\ngone", 404, "gone"},
		{"long", "HTTP/1.1 404 Not Found\r\nX-Why: because\r\n\r\n" + strings.Repeat("x", 5000), 404, strings.Repeat("x", 1024)},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\nX-Why: because\r\nContent-Length: 0\r\n\r\n", 302, ""},
		{"another key", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX-Why: because\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 101, ""},
		{"hints before", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 Unauthorized\r\nX-Why: because\r\nContent-Length: 0\r\n\r\n", 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := websocket.Dial(ctx, answer(t, c.answer))
			var e *websocket.DialError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.status, e.Status)
			require.Equal(t, c.body, string(e.Body))
			require.Equal(t, "because", e.Header.Get("X-Why"))
			require.True(t, websocket.IsRefused(err))
			var h *ws.HandshakeError
			require.ErrorAs(t, err, &h)
			require.NotEmpty(t, err.Error())
		})
	}
	for _, c := range []struct{ name, answer string }{
		{"garbage", "SSH-2.0-x\r\n\r\n"}, {"half an answer", "HTTP/1.1 101 Switch"}, {"nothing", "\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := websocket.Dial(ctx, answer(t, c.answer))
			var e *websocket.DialError
			require.ErrorAs(t, err, &e)
			require.Zero(t, e.Status)
			require.False(t, websocket.IsRefused(err))
		})
	}
	t.Run("silence", func(t *testing.T) {
		d := websocket.Dialer{Timeout: 30 * time.Millisecond}
		_, err := d.Dial(ctx, answer(t, ""))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		stop, cancel := context.WithCancel(ctx)
		time.AfterFunc(10*time.Millisecond, cancel)
		_, err = websocket.Dial(stop, answer(t, ""))
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("nobody", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_ = l.Close()
		_, err = websocket.Dial(ctx, "ws://"+l.Addr().String())
		require.Error(t, err)
	})
	t.Run("what cannot be sent", func(t *testing.T) {
		for _, d := range []*websocket.Dialer{
			{Protocols: []string{"a b"}}, {Header: http.Header{"Host": {"x"}}}, {Header: http.Header{"X": {"a\nb"}}},
		} {
			_, err := d.Dial(ctx, answer(t, "HTTP/1.1 200 OK\r\n\r\n"))
			var e *websocket.DialError
			require.Error(t, err)
			require.False(t, errors.As(err, &e), "nothing was tried")
		}
	})
}

// wss over crypto/tls, with a certificate that only the Dialer's configuration knows.
func TestDialTLS(t *testing.T) {
	u := &websocket.Upgrader{Handler: echoHandler(), Options: websocket.Options{Deflate: &ws.DeflateOptions{}}}
	s := httptest.NewTLSServer(u)
	defer s.Close()
	addr := "wss://" + s.Listener.Addr().String()
	_, err := websocket.Dial(soon(t), addr)
	require.Error(t, err, "the certificate is unknown")
	d := websocket.Dialer{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig, Options: websocket.Options{Deflate: &ws.DeflateOptions{}}}
	c, err := d.Dial(soon(t), addr)
	require.NoError(t, err)
	require.True(t, c.Deflated())
	for _, n := range []int{5, 500_000} {
		want := strings.Repeat("s", n)
		require.NoError(t, c.Send(soon(t), websocket.Text, []byte(want)))
		_, got, err := c.ReadMessage(soon(t))
		require.NoError(t, err)
		require.True(t, want == string(got))
	}
	require.NoError(t, c.Close(ws.CloseNormal, ""))
	_, _, err = c.ReadMessage(soon(t))
	require.ErrorIs(t, err, ws.CloseNormal)

	d = websocket.Dialer{TLS: &tls.Config{InsecureSkipVerify: true}, Loop: (*reactor.Reactor)(nil)}
	_, err = d.Dial(soon(t), addr)
	require.Error(t, err, "a Loop does no TLS")
}

// A client on a reactor: callbacks, no goroutine; and reads, from goroutines.
func TestDialOnLoop(t *testing.T) {
	u := &websocket.Upgrader{Handler: echoHandler()}
	r, err := reactor.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), reactor.Config{Loops: 1})
	require.NoError(t, err)
	require.NoError(t, r.Start())
	defer r.Close()
	each(t, sites(t, u), func(t *testing.T, s site) {
		got := make(chan string, 1)
		closed := make(chan *websocket.CloseError, 1)
		d := websocket.Dialer{Loop: r, Handler: &websocket.Handler{
			OnOpen:    func(c *websocket.Conn) { _ = c.TrySend(websocket.Text, []byte("hello")) },
			OnMessage: func(c *websocket.Conn, _ websocket.Opcode, p []byte) { got <- string(p) },
			OnClose:   func(c *websocket.Conn, err *websocket.CloseError) { closed <- err },
		}}
		c, err := d.Dial(soon(t), s.url("/"))
		require.NoError(t, err)
		require.Equal(t, "hello", <-got)
		require.NoError(t, c.Close(4001, "enough"))
		require.Equal(t, ws.CloseCode(4001), next(t, closed).Code)

		d2 := websocket.Dialer{Loop: r}
		c, err = d2.Dial(soon(t), s.url("/"))
		require.NoError(t, err)
		require.NoError(t, c.Send(soon(t), websocket.Binary, []byte("read")))
		_, p, err := c.ReadMessage(soon(t))
		require.NoError(t, err)
		require.Equal(t, "read", string(p))
		c.Abort()
		_, _, err = c.ReadMessage(soon(t))
		require.Error(t, err)
	})
	d := websocket.Dialer{Loop: r, Timeout: 30 * time.Millisecond}
	_, err = d.Dial(soon(t), answer(t, ""))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	d = websocket.Dialer{Loop: r}
	_, err = d.Dial(soon(t), answer(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
	require.True(t, websocket.IsRefused(err))
}

// A client says goodbye first and waits for the server to close; a server that does not is left after a while.
func TestClientCloses(t *testing.T) {
	t.Parallel() // it waits
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	ended := make(chan error, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		b := make([]byte, 4096)
		n, _ := nc.Read(b)
		_, rest, _ := strings.Cut(string(b[:n]), "Sec-WebSocket-Key: ")
		key, _, _ := strings.Cut(rest, "\r\n")
		accept := ws.AcceptKey([]byte(key))
		_, _ = io.WriteString(nc, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "+string(accept[:])+"\r\n\r\n")
		_, _ = nc.Read(b)                // the Close frame
		_, _ = nc.Write([]byte{0x88, 0}) // answered, but TCP stays open
		_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
		_, err = nc.Read(b)
		ended <- err
	}()
	d := websocket.Dialer{Options: websocket.Options{CloseTimeout: 2 * time.Second}}
	c, err := d.Dial(soon(t), "ws://"+l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, c.Close(ws.CloseNormal, "bye"))
	_, _, err = c.ReadMessage(soon(t))
	require.Equal(t, ws.CloseNoStatus, websocket.CloseStatus(err))
	require.ErrorIs(t, <-ended, io.EOF)
	require.ErrorIs(t, c.Send(soon(t), websocket.Text, nil), ws.CloseNoStatus)
}
