package websocket_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/websocket"
)

// What is no good handshake is answered with the status that says so, and the connection serves the next request.
func TestRefused(t *testing.T) {
	const good = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	u := &websocket.Upgrader{Handler: echoHandler()}
	each(t, sites(t, u), func(t *testing.T, s site) {
		for _, c := range []struct {
			name, head string
			status     int
			fields     http.Header
		}{
			// RFC 6455 section 10.2: "If the |Origin| is not acceptable" the server responds with 403.
			{"origin", "GET / HTTP/1.1\r\nOrigin: http://evil.example\r\n" + good, 403, nil},
			{"null origin", "GET / HTTP/1.1\r\nOrigin: null\r\n" + good, 403, nil},
			// RFC 6455 section 4.2.2: another version is answered 426 and told the right one.
			{"version", "GET / HTTP/1.1\r\n" + strings.Replace(good, ": 13", ": 8", 1), 426, http.Header{"Sec-Websocket-Version": {"13"}}},
			{"no upgrade", "GET / HTTP/1.1\r\nHost: a\r\n", 426, http.Header{"Sec-Websocket-Version": {"13"}}},
			{"method", "HEAD / HTTP/1.1\r\n" + good, 405, http.Header{"Allow": {"GET"}}},
			{"key", "GET / HTTP/1.1\r\n" + strings.Replace(good, "dGhl", "", 1), 400, nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				nc, err := net.Dial("tcp", s.addr)
				require.NoError(t, err)
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(time.Minute))
				br := bufio.NewReader(nc)
				for range 2 {
					_, _ = io.WriteString(nc, c.head+"\r\n")
					method, _, _ := strings.Cut(c.head, " ")
					r, err := http.ReadResponse(br, &http.Request{Method: method})
					require.NoError(t, err)
					require.Equal(t, c.status, r.StatusCode)
					for name, values := range c.fields {
						require.Equal(t, values, r.Header[name])
					}
					_, _ = io.Copy(io.Discard, r.Body)
				}
			})
		}
		// The same origin is fine, and so is a program without one.
		p := rawDial(t, s.addr, "", "Origin: http://"+s.addr)
		require.Equal(t, 101, p.resp.StatusCode)
	})
}

// router is what chi and its like do: routes with parameters, and middleware that wraps the ResponseWriter.
func router(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /rooms/{id}/socket", h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "7")
		mux.ServeHTTP(&logged{ResponseWriter: w}, r)
	})
}

type logged struct {
	http.ResponseWriter
	status int
}

func (l *logged) WriteHeader(status int) { l.status = status; l.ResponseWriter.WriteHeader(status) }

func (l *logged) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// Behind routers and middleware, with what they have to say in the request and in the response.
func TestBehindMiddleware(t *testing.T) {
	u := &websocket.Upgrader{}
	h := router(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		room := r.PathValue("id")
		_, _ = u.Upgrade(w, r, &websocket.Handler{
			OnOpen: func(c *websocket.Conn) { _ = c.TrySend(websocket.Text, []byte("room "+room)) },
		})
	}))
	each(t, append(sitesFor(t, server.Config{Handler: h}, "-http"), foreign(t, h)), func(t *testing.T, s site) {
		d := websocket.Dialer{Header: http.Header{"Cookie": {"a=b"}}}
		c, err := d.Dial(soon(t), s.url("/rooms/42/socket"))
		require.NoError(t, err)
		_, p, err := c.ReadMessage(soon(t))
		require.NoError(t, err)
		require.Equal(t, "room 42", string(p))
		require.NoError(t, c.Close(ws.CloseNormal, ""))

		p2 := rawDialPath(t, s.addr, "/rooms/1/socket")
		require.Equal(t, "7", p2.resp.Header.Get("X-Request-Id"))
	})
}

// A request with content cannot be switched: 400, and no connection.
func TestUpgradeWithContent(t *testing.T) {
	u := &websocket.Upgrader{Handler: &websocket.Handler{OnOpen: func(*websocket.Conn) { t.Error("opened") }}}
	mux := http.NewServeMux()
	mux.Handle("/", u)
	all := append(sitesFor(t, server.Config{Handler: mux}, "-http"), sitesFor(t, server.Config{Native: u}, "-native")...)
	each(t, all, func(t *testing.T, s site) {
		nc, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(nc), nil)
		require.NoError(t, err)
		require.Equal(t, 400, r.StatusCode)
	})
}

// RFC 9113 section 8.6: HTTP/2 has no 101. A request that came by it is answered 505, by whichever server.
func TestUpgradeOverHTTP2(t *testing.T) {
	u := &websocket.Upgrader{Handler: &websocket.Handler{OnOpen: func(*websocket.Conn) { t.Error("opened") }}}
	got := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := u.Upgrade(w, r, nil)
		got <- err
	})
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: &p}
	defer tr.CloseIdleConnections()
	ours := append(sitesFor(t, server.Config{Handler: h}, ""), sitesFor(t, server.Config{Native: server.NativeFunc(func(c *server.Ctx) {
		if err := c.Switch([]byte("websocket"), nil); err != server.ErrSwitch {
			t.Error(err)
		}
		_, err := u.UpgradeNative(c, nil)
		got <- err
	})}, "")...)
	type target struct {
		client *http.Client
		url    string
	}
	all := []target{{s.Client(), s.URL}}
	for _, s := range ours {
		all = append(all, target{&http.Client{Transport: tr}, "http://" + s.addr})
	}
	for _, c := range all {
		res, err := c.client.Get(c.url)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		require.Equal(t, 2, res.ProtoMajor)
		require.Equal(t, 505, res.StatusCode)
		require.ErrorIs(t, <-got, websocket.ErrProtocol)
	}
}
