package http2_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xnet "golang.org/x/net/http2"

	"github.com/purewire/purewire/codec/http2"
)

// clients returns the HTTP clients of Go that speak HTTP/2 with prior knowledge: the transport of x/net and that of net/http.
func clients(t *testing.T) map[string]*http.Client {
	x := &xnet.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	std := &http.Transport{Protocols: &protocols}
	t.Cleanup(func() { x.CloseIdleConnections(); std.CloseIdleConnections() })
	return map[string]*http.Client{
		"x/net":    {Transport: x, Timeout: 20 * time.Second},
		"net/http": {Transport: std, Timeout: 20 * time.Second},
	}
}

// Our server machine under Go's clients.
func TestServerUnderGoClients(t *testing.T) {
	for name, client := range clients(t) {
		t.Run(name, func(t *testing.T) {
			addr, links := echoServer(t, http2.Config{Limits: http2.Limits{Streams: 250}}.Profile())
			url := "http://" + addr
			do := func(req *http.Request) (*http.Response, []byte) {
				t.Helper()
				resp, err := client.Do(req)
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				resp.Body.Close()
				require.Equal(t, 2, resp.ProtoMajor)
				return resp, body
			}
			request := func(method, path string, body io.Reader) *http.Request {
				req, err := http.NewRequest(method, url+path, body)
				require.NoError(t, err)
				return req
			}

			req := request("GET", "/fields", nil)
			req.Header.Set("Cookie", "a=b; c=d")
			req.AddCookie(&http.Cookie{Name: "e", Value: "f"})
			req.Header.Set("X-Big", strings.Repeat("x", 40000)) // CONTINUATION
			resp, _ := do(req)
			require.Equal(t, "GET", resp.Header.Get("X-Method"))
			require.Equal(t, addr, resp.Header.Get("X-Authority"))
			require.Equal(t, "http", resp.Header.Get("X-Scheme"))
			require.Equal(t, "a=b; c=d; e=f", resp.Header.Get("X-Cookie"))
			require.Len(t, resp.Header.Get("X-Big"), 40000)

			for _, n := range []int{0, 1, 16384, 65535, 65536, 1 << 20, 5 << 20} {
				resp, body := do(request("GET", fmt.Sprintf("/big/%d", n), nil))
				require.EqualValues(t, n, resp.ContentLength)
				require.True(t, bytes.Equal(patterned(n), body), "%d octets", n)
			}
			for _, n := range []int{1, 65536, 3 << 20} {
				req := request("POST", "/echo", io.MultiReader(bytes.NewReader(patterned(n)))) // no length
				req.Trailer = http.Header{"X-Sum": nil}
				req.Trailer.Set("X-Sum", "abc")
				resp, body := do(req)
				require.True(t, bytes.Equal(patterned(n), body), "%d octets", n)
				require.Equal(t, fmt.Sprint(n), resp.Trailer.Get("X-Octets"))
				require.Equal(t, "abc", resp.Trailer.Get("X-Sum"))
			}

			var hints []int
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints = append(hints, code)
				require.Equal(t, "</a.css>", h.Get("Link"))
				return nil
			}}
			req = request("GET", "/info", nil)
			resp, _ = do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
			require.Equal(t, 204, resp.StatusCode)
			require.Equal(t, []int{103}, hints)

			_, err := client.Do(request("GET", "/reset", nil))
			require.ErrorContains(t, err, "INTERNAL_ERROR")

			// Many at once, large and small, both directions.
			var wg sync.WaitGroup
			errs := make(chan error, 200)
			for i := range 100 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					n := 1000 + i*3000
					var resp *http.Response
					var err error
					if i%2 == 0 {
						resp, err = client.Get(fmt.Sprintf("%s/big/%d", url, n))
					} else {
						resp, err = client.Post(url+"/echo", "", bytes.NewReader(patterned(n)))
					}
					if err != nil {
						errs <- err
						return
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					if err != nil || !bytes.Equal(body, patterned(n)) {
						errs <- fmt.Errorf("%d of %d octets, %v", len(body), n, err)
					}
				}()
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				t.Error(err)
			}

			// A client that gives up: RST_STREAM; the connection lives on.
			ctx, cancel := context.WithCancel(context.Background())
			resp, err = client.Do(request("GET", "/big/50000000", nil).WithContext(ctx))
			require.NoError(t, err)
			io.CopyN(io.Discard, resp.Body, 100000)
			cancel()
			_, err = io.Copy(io.Discard, resp.Body)
			require.Error(t, err)
			resp.Body.Close()
			do(request("GET", "/big/1", nil))

			// A client that does not read one stream can still read others.
			slow, err := client.Do(request("GET", "/big/10000000", nil))
			require.NoError(t, err)
			_, body := do(request("GET", "/big/100000", nil))
			require.Len(t, body, 100000)
			rest, err := io.ReadAll(slow.Body)
			require.NoError(t, err)
			require.True(t, bytes.Equal(patterned(10000000), rest))

			for i, l := range links() {
				require.Equal(t, "none", failed(l.err), "connection %d", i)
			}
			require.LessOrEqual(t, len(links()), 2)

			// Graceful shutdown while a response is under way: it is complete, and the next request is on a new connection.
			before := len(links())
			slow, err = client.Do(request("GET", "/big/3000000", nil))
			require.NoError(t, err)
			l := links()[before-1]
			require.True(t, l.do(l.Shutdown))
			rest, err = io.ReadAll(slow.Body)
			require.NoError(t, err)
			require.True(t, bytes.Equal(patterned(3000000), rest))
			select {
			case <-l.gone:
				require.Equal(t, "none", failed(l.err))
			case <-time.After(time.Minute):
				t.Error("the connection does not end")
			}
			do(request("GET", "/big/1", nil))
			require.Greater(t, len(links()), before)
		})
	}
}

// Header lists over the limit are answered, not dropped.
func TestServerHeaderLimit(t *testing.T) {
	for name, client := range clients(t) {
		t.Run(name, func(t *testing.T) {
			addr, links := echoServer(t, http2.Config{Limits: http2.Limits{HeaderFields: 60}}.Profile())
			req, _ := http.NewRequest("GET", "http://"+addr+"/fields", nil)
			for i := range 100 {
				req.Header.Set(fmt.Sprintf("X-%d", i), "y")
			}
			resp, err := client.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 431, resp.StatusCode)
			resp, err = client.Get("http://" + addr + "/fields")
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 200, resp.StatusCode)
			require.Len(t, links(), 1)
		})
	}
}

// A client that is faster than its stream limit waits or is refused, and everything gets through.
func TestServerStreamLimit(t *testing.T) {
	for name, client := range clients(t) {
		t.Run(name, func(t *testing.T) {
			addr, links := echoServer(t, http2.Config{Limits: http2.Limits{Streams: 3}}.Profile())
			var wg sync.WaitGroup
			errs := make(chan error, 50)
			for range 50 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					resp, err := client.Get("http://" + addr + "/big/20000")
					if err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					if err != nil {
						errs <- err
					}
				}()
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				t.Error(err)
			}
			for _, l := range links() {
				var e *http2.Error
				if errors.As(l.err, &e) {
					t.Error(failed(l.err))
				}
			}
		})
	}
}
