package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/stretchr/testify/require"
)

// wires are the ways to reach a net/http server.
var wires = []string{"h1", "h1 tls", "h2c", "h2 tls"}

// start serves h with net/http on a wire and returns a client for it.
func start(t *testing.T, wire string, h http.Handler) (*http.Client, *client.Transport, string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	tr := &client.Transport{Proxy: client.NoProxy}
	p := new(http.Protocols)
	p.SetHTTP1(true)
	switch wire {
	case "h2c":
		p.SetUnencryptedHTTP2(true)
		tr.Protocols = client.H2C
	case "h2 tls":
		p.SetHTTP2(true)
	}
	s.Config.Protocols = p
	if strings.HasSuffix(wire, "tls") {
		s.EnableHTTP2 = wire == "h2 tls"
		s.StartTLS()
		tr.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		tr.TLS.NextProtos = nil
	} else {
		s.Start()
	}
	t.Cleanup(func() { _ = tr.Close(); s.Close() })
	return &http.Client{Transport: tr, Timeout: soon}, tr, s.URL
}

func onAll(t *testing.T, h http.Handler, f func(t *testing.T, c *http.Client, url string, h2 bool)) {
	for _, w := range wires {
		t.Run(w, func(t *testing.T) {
			c, _, url := start(t, w, h)
			f(t, c, url, strings.HasPrefix(w, "h2"))
		})
	}
}

func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(b)
}

func mux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %q %q", r.Method, r.Proto, r.URL.RawQuery, r.UserAgent(), r.Header["X-In"])
	})
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("X-Trailer", fmt.Sprint(r.Trailer))
		_, _ = w.Write(b)
	})
	m.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		for range 64 {
			_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 4096))
		}
	})
	m.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "content")
		w.Header().Set("X-Sum", "42")
	})
	m.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		_, _ = io.WriteString(w, "done")
	})
	m.HandleFunc("/status/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		w.WriteHeader(n)
	})
	m.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			_, _ = io.WriteString(w, "plain")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(bytes.Repeat([]byte("zip"), 1000))
		_ = z.Close()
	})
	m.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	m.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello", http.StatusFound) })
	m.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusExpectationFailed) })
	return m
}

func TestGet(t *testing.T) {
	onAll(t, mux(), func(t *testing.T, c *http.Client, url string, h2 bool) {
		proto := "HTTP/1.1"
		if h2 {
			proto = "HTTP/2.0"
		}
		for range 5 {
			req, _ := http.NewRequest("GET", url+"/hello?a=b", nil)
			req.Header["X-In"] = []string{"one", "two"}
			resp, err := c.Do(req)
			require.Equal(t, fmt.Sprintf("GET %s a=b %q [\"one\" \"two\"]", proto, client.DefaultUserAgent), read(t, resp, err))
			require.Equal(t, proto, resp.Proto)
			require.NotEmpty(t, resp.Header.Get("Date"))
		}
		resp, err := c.Head(url + "/hello")
		require.Empty(t, read(t, resp, err))
		for _, n := range []int{204, 304, 404, 500} {
			resp, err := c.Get(fmt.Sprintf("%s/status/%d", url, n))
			require.Empty(t, read(t, resp, err))
			require.Equal(t, n, resp.StatusCode)
		}
		resp, err = c.Get(url + "/redirect")
		require.Contains(t, read(t, resp, err), "GET")
		resp, err = c.Get(url + "/big")
		require.Equal(t, strings.Repeat("0123456789abcdef", 64*4096), read(t, resp, err))
		resp, err = c.Get(url + "/trailers")
		require.Equal(t, "content", read(t, resp, err))
		require.Equal(t, http.Header{"X-Sum": {"42"}}, resp.Trailer)
		resp, err = c.Get(url + "/gzip")
		require.Equal(t, strings.Repeat("zip", 1000), read(t, resp, err))
		require.True(t, resp.Uncompressed)
		resp, err = c.Get(url + "/abort")
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.Error(t, err, "a response that was cut off is no whole response")
		resp.Body.Close()
		resp, err = c.Get(url + "/hello")
		require.Contains(t, read(t, resp, err), "GET")
	})
}

func TestUpload(t *testing.T) {
	onAll(t, mux(), func(t *testing.T, c *http.Client, url string, h2 bool) {
		for _, n := range []int{0, 1, 16384, 70_000, 3_000_000} {
			data := bytes.Repeat([]byte("purewire"), n/8+1)[:n]
			resp, err := c.Post(url+"/echo", "", bytes.NewReader(data))
			require.Equal(t, sha256.Sum256(data), sha256.Sum256([]byte(read(t, resp, err))))
			require.Equal(t, fmt.Sprint(n), resp.Header.Get("X-Length"))
			req, _ := http.NewRequest("PUT", url+"/echo", struct{ io.Reader }{bytes.NewReader(data)})
			req.Trailer = http.Header{"X-T": {"v"}}
			resp, err = c.Do(req)
			require.Equal(t, sha256.Sum256(data), sha256.Sum256([]byte(read(t, resp, err))))
			require.Equal(t, "map[X-T:[v]]", resp.Header.Get("X-Trailer"))
		}
	})
}

// A body that fails, or lies about its length, ends the request.
func TestUploadFails(t *testing.T) {
	onAll(t, mux(), func(t *testing.T, c *http.Client, url string, h2 bool) {
		bad := errors.New("disk on fire")
		_, err := c.Post(url+"/echo", "", io.MultiReader(strings.NewReader("some"), errReader{bad}))
		require.ErrorIs(t, err, bad)
		for _, n := range []int64{3, 9} {
			req, _ := http.NewRequest("POST", url+"/echo", struct{ io.Reader }{strings.NewReader("12345")})
			req.ContentLength = n
			_, err := c.Do(req)
			require.ErrorContains(t, err, "length", "%d", n)
		}
		resp, err := c.Get(url + "/hello")
		require.Contains(t, read(t, resp, err), "GET")
	})
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func TestInformational(t *testing.T) {
	onAll(t, mux(), func(t *testing.T, c *http.Client, url string, h2 bool) {
		var got []string
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				got = append(got, fmt.Sprint(code, h.Get("Link")))
				return nil
			},
		})
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/hints", nil)
		resp, err := c.Do(req)
		require.Equal(t, "done", read(t, resp, err))
		require.Equal(t, []string{"103</a>"}, got)
	})
}

func TestExpectContinue(t *testing.T) {
	onAll(t, mux(), func(t *testing.T, c *http.Client, url string, h2 bool) {
		var continued atomic.Bool
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got100Continue: func() { continued.Store(true) }})
		req, _ := http.NewRequestWithContext(ctx, "POST", url+"/echo", strings.NewReader("waited"))
		req.Header.Set("Expect", "100-continue")
		resp, err := c.Do(req)
		require.Equal(t, "waited", read(t, resp, err))
		require.True(t, continued.Load())
		req, _ = http.NewRequest("POST", url+"/refuse", errReader{errors.New("never read")})
		req.Header.Set("Expect", "100-continue")
		resp, err = c.Do(req)
		require.Empty(t, read(t, resp, err))
		require.Equal(t, 417, resp.StatusCode)
		resp, err = c.Get(url + "/hello")
		require.Contains(t, read(t, resp, err), "GET")
	})
}

// Cancelling ends the request at the server, before and after the head, and a timeout is a timeout.
func TestCancel(t *testing.T) {
	gone, entered := make(chan struct{}, 10), make(chan struct{}, 1)
	m := mux()
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "head" {
			w.(http.Flusher).Flush()
		} else {
			entered <- struct{}{}
		}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	onAll(t, m, func(t *testing.T, c *http.Client, url string, h2 bool) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-entered; cancel() }()
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/wait", nil)
		_, err := c.Do(req)
		require.ErrorIs(t, err, context.Canceled)
		<-gone
		ctx, cancel = context.WithCancel(context.Background())
		req, _ = http.NewRequestWithContext(ctx, "GET", url+"/wait?head", nil)
		resp, err := c.Do(req)
		require.NoError(t, err)
		cancel()
		_, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.Canceled)
		<-gone
		resp.Body.Close()
		req, _ = http.NewRequest("GET", url+"/wait?head", nil)
		resp, err = c.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		<-gone
		resp, err = c.Get(url + "/hello")
		require.Contains(t, read(t, resp, err), "GET")
	})
}

func TestResponseHeaderTimeout(t *testing.T) {
	m := mux()
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, w := range wires {
		c, tr, url := start(t, w, m)
		tr.ResponseHeaderTimeout = 30 * time.Millisecond
		_, err := c.Get(url + "/wait")
		require.ErrorIs(t, err, client.ErrHeaderTimeout)
		var ne net.Error
		require.True(t, errors.As(err, &ne) && ne.Timeout())
	}
}

// Both directions at the same time.
func TestFullDuplex(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.(http.Flusher).Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(bytes.ToUpper(buf[:n]))
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	onAll(t, h, func(t *testing.T, c *http.Client, url string, h2 bool) {
		pr, pw := io.Pipe()
		resp, err := c.Post(url, "", pr)
		require.NoError(t, err)
		for i := range 10 {
			msg := fmt.Sprint("ping ", i)
			_, _ = io.WriteString(pw, msg)
			buf := make([]byte, len(msg))
			_, err = io.ReadFull(resp.Body, buf)
			require.NoError(t, err)
			require.Equal(t, strings.ToUpper(msg), string(buf))
		}
		pw.Close()
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
	})
}

// HTTP/1.1 connections are reused, the last used first; HTTP/2 needs one for all.
func TestPool(t *testing.T) {
	for _, w := range wires {
		t.Run(w, func(t *testing.T) {
			var conns atomic.Int32
			m := mux()
			release, entered := make(chan struct{}), make(chan struct{}, 20)
			m.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { entered <- struct{}{}; <-release })
			c, tr, url := start(t, w, m)
			ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
				if !i.Reused {
					conns.Add(1)
				}
			}})
			get := func(path string) {
				req, _ := http.NewRequestWithContext(ctx, "GET", url+path, nil)
				resp, err := c.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			for range 10 {
				get("/hello")
			}
			require.Equal(t, int32(1), conns.Load())
			var wg sync.WaitGroup
			for range 20 {
				wg.Add(1)
				go func() { defer wg.Done(); get("/slow") }()
			}
			for range 20 {
				<-entered
			}
			close(release)
			wg.Wait()
			if strings.HasPrefix(w, "h2") {
				require.Equal(t, int32(1), conns.Load())
				return
			}
			require.Equal(t, int32(20), conns.Load(), "19 more beside the idle one")
			require.Eventually(t, func() bool { return tr.IdleCount() == client.DefaultMaxIdlePerHost }, soon, time.Millisecond)
			tr.CloseIdleConnections()
			require.Equal(t, 0, tr.IdleCount())
			get("/hello")
			require.Equal(t, int32(21), conns.Load())
		})
	}
}

func TestIdleTimeout(t *testing.T) {
	var open atomic.Int32
	s := httptest.NewUnstartedServer(mux())
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		switch st {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	defer s.Close()
	tr := &client.Transport{IdleTimeout: 30 * time.Millisecond, Proxy: client.NoProxy}
	defer tr.Close()
	resp, err := (&http.Client{Transport: tr}).Get(s.URL + "/hello")
	read(t, resp, err)
	require.Eventually(t, func() bool { return open.Load() == 0 && tr.IdleCount() == 0 }, soon, time.Millisecond)
}

// A connection that the server closed while it was idle costs nothing: the request goes out again on a new one. A request that is not
// idempotent does not.
func TestStaleRetry(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var requests atomic.Int32
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				buf := make([]byte, 4096)
				// Answers one request, and closes on the next without an answer.
				for i := range 2 {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					requests.Add(1)
					if i == 0 {
						_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				}
			}()
		}
	}()
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	c := &http.Client{Transport: tr, Timeout: soon}
	url := "http://" + l.Addr().String()
	for range 5 {
		resp, err := c.Get(url)
		require.Equal(t, "ok", read(t, resp, err))
	}
	require.Equal(t, int32(9), requests.Load(), "four were sent twice")
	resp, err := c.Get(url)
	read(t, resp, err)
	_, err = c.Post(url, "", strings.NewReader("x"))
	require.Error(t, err)
	require.True(t, errors.Is(err, client.ErrServerClosed) || strings.Contains(err.Error(), "reset"), "%v", err)
}

// An upgraded connection is the response's Body.
func TestUpgrade(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(nc, rw)
	})
	c, _, url := start(t, "h1", h)
	c.Timeout = 0 // http.Client hides the Writer of the Body behind a timeout
	req, _ := http.NewRequest("GET", url, nil)
	req.Header.Set("Connection", "upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := c.Do(req)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	rwc := resp.Body.(io.ReadWriteCloser)
	for range 3 {
		_, err = rwc.Write([]byte("hello"))
		require.NoError(t, err)
		buf := make([]byte, 5)
		_, err = io.ReadFull(rwc, buf)
		require.NoError(t, err)
		require.Equal(t, "hello", string(buf))
	}
	require.NoError(t, rwc.Close())
}

// A server that breaks the protocol is told so, and the reason names the paragraph.
func TestProtocolError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				_, _ = nc.Read(make([]byte, 4096))
				_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
				_, _ = io.Copy(io.Discard, nc)
			}()
		}
	}()
	for _, p := range []client.Protocols{client.HTTP1, client.H2C} {
		tr := &client.Transport{Proxy: client.NoProxy, Protocols: p}
		_, err = (&http.Client{Transport: tr, Timeout: soon}).Get("http://" + l.Addr().String())
		var pe *client.ProtocolError
		require.ErrorAs(t, err, &pe)
		require.Contains(t, err.Error(), "911")
		tr.Close()
	}
}

func TestBadRequests(t *testing.T) {
	tr := &client.Transport{}
	for _, url := range []string{"ftp://h/", "http:///", "h/"} {
		req, err := http.NewRequest("GET", url, nil)
		require.NoError(t, err)
		_, err = tr.RoundTrip(req)
		require.Error(t, err, url)
	}
	_, err := tr.RoundTrip(&http.Request{})
	require.Error(t, err)
	c, _, url := start(t, "h1", mux())
	req, _ := http.NewRequest("GET", url+"/hello", nil)
	req.Header["X-Bad"] = []string{"a\r\nb"}
	_, err = c.Do(req)
	require.Error(t, err)
	resp, err := c.Get(url + "/hello")
	require.Contains(t, read(t, resp, err), "GET")
}

func TestClose(t *testing.T) {
	m := mux()
	entered := make(chan struct{}, 1)
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) { entered <- struct{}{}; <-r.Context().Done() })
	for _, w := range wires {
		c, tr, url := start(t, w, m)
		done := make(chan error, 1)
		go func() {
			_, err := c.Get(url + "/wait")
			done <- err
		}()
		<-entered
		_ = tr.Close()
		require.Error(t, <-done)
		_, err := c.Get(url + "/hello")
		require.ErrorIs(t, err, client.ErrClosed)
	}
}

func TestDecompressionLimit(t *testing.T) {
	c, tr, url := start(t, "h1", mux())
	tr.MaxDecompressed = 2999
	resp, err := c.Get(url + "/gzip")
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, client.ErrTooBig)
	require.Len(t, b, 2999)
	resp.Body.Close()
	c, tr, url = start(t, "h2c", mux())
	tr.MaxDecompressed = 3000
	resp, err = c.Get(url + "/gzip")
	require.Len(t, read(t, resp, err), 3000)
	c, tr, url = start(t, "h1", mux())
	tr.DisableCompression = true
	resp, err = c.Get(url + "/gzip")
	require.Equal(t, "plain", read(t, resp, err))
}

func TestNoGoroutineLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, w := range wires {
		t.Run(w, func(t *testing.T) {
			c, _, url := start(t, w, mux())
			for range 20 {
				resp, err := c.Post(url+"/echo", "", strings.NewReader("x"))
				read(t, resp, err)
			}
		})
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+4 }, soon, 10*time.Millisecond)
}
