package servertest_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/server/servertest"
	"github.com/purewire/purewire/websocket"
)

// WebSockets work, over HTTP/1.1 by DialContext and over HTTP/2 by Transport, in virtual time.
func TestWebSocket(t *testing.T) {
	up := &websocket.Upgrader{Handler: &websocket.Handler{
		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
			_ = c.TrySend(op, []byte(strings.ToUpper(string(p))))
		},
	}}
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.H2C, servertest.HTTP2} {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := servertest.Options{Protocol: p}
				o.Config.HTTP2.ExtendedConnect = true
				s := servertest.New(up, o)
				defer s.Close()
				d := &websocket.Dialer{NetDial: s.DialContext}
				if p != servertest.HTTP1 {
					d.RoundTripper = s.Transport
				}
				c, err := d.Dial(t.Context(), strings.Replace(s.URL, "http", "ws", 1)+"/chat")
				require.NoError(t, err)
				for i := range 3 {
					time.Sleep(10 * time.Second)
					require.NoError(t, c.Send(t.Context(), websocket.Text, fmt.Appendf(nil, "message %d", i)))
					_, b, err := c.ReadMessage(t.Context())
					require.NoError(t, err)
					require.Equal(t, fmt.Sprintf("MESSAGE %d", i), string(b))
				}
				require.NoError(t, c.Close(ws.CloseNormal, ""))
			})
		})
	}
}

// A proxy in front of a server: two of them in one bubble.
func TestTwoServers(t *testing.T) {
	for _, p := range protocols {
		synctest.Test(t, func(t *testing.T) {
			back := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second)
				fmt.Fprint(w, r.Proto, " ", r.Header.Get("X-Forwarded-For"))
			}), servertest.Options{Protocol: p})
			defer back.Close()
			u, err := url.Parse(back.URL)
			require.NoError(t, err)
			proxy := &httputil.ReverseProxy{Transport: back.Transport, Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(u)
				r.SetXForwarded()
			}}
			front := servertest.New(proxy, servertest.Options{Protocol: p})
			defer front.Close()
			text, err := get(front.Client(), front.URL)
			require.NoError(t, err)
			proto := "HTTP/1.1"
			if p == servertest.H2C || p == servertest.HTTP2 {
				proto = "HTTP/2.0"
			}
			require.Equal(t, proto+" 198.51.100.1", text)
		})
	}
}

// Transport's fields are the caller's until the first request.
func TestTransportFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute) }),
			servertest.Options{Config: server.Config{Deadlines: server.Deadlines{Handler: -1, Request: -1}}})
		defer s.Close()
		s.Transport.ResponseHeaderTimeout = 5 * time.Second
		start := time.Now()
		_, err := get(s.Client(), s.URL)
		require.ErrorIs(t, err, client.ErrHeaderTimeout)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}
