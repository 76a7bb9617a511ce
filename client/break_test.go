package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/stretchr/testify/require"
)

// soon bounds what must happen, on a machine that may be busy.
const soon = time.Minute

func within[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(soon):
		t.Fatal("never happened: " + what)
	}
	return v
}

// rawServer gives each connection to serve, with its number.
func rawServer(t *testing.T, serve func(n int, nc net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 0; ; n++ {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer nc.Close(); serve(n, nc) }()
		}
	}()
	return "http://" + l.Addr().String()
}

// rawH2 is a server's end of an HTTP/2 connection, frame by frame.
type rawH2 struct{ nc net.Conn }

type frame struct {
	kind, flags byte
	id          uint32
	data        []byte
}

// Frame types, and the one flag that matters here.
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	endStream                                                       = 1
)

func newRawH2(nc net.Conn) rawH2 {
	_, _ = io.ReadFull(nc, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	r := rawH2{nc}
	r.write(frameSettings, 0, 0, nil)
	return r
}

func (r rawH2) write(kind, flags byte, id uint32, p []byte) {
	b := []byte{byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p)), kind, flags}
	_, _ = r.nc.Write(append(binary.BigEndian.AppendUint32(b, id), p...))
}

// next returns the next frame of a type, false at the end.
func (r rawH2) next(want ...byte) (frame, bool) {
	for {
		var h [9]byte
		if _, err := io.ReadFull(r.nc, h[:]); err != nil {
			return frame{}, false
		}
		f := frame{h[3], h[4], binary.BigEndian.Uint32(h[5:]), make([]byte, int(h[0])<<16|int(h[1])<<8|int(h[2]))}
		if _, err := io.ReadFull(r.nc, f.data); err != nil {
			return frame{}, false
		}
		if f.kind == frameSettings && f.flags == 0 {
			r.write(frameSettings, 1, 0, nil)
		}
		if bytes.IndexByte(want, f.kind) >= 0 {
			return f, true
		}
	}
}

// rest waits until the client has closed.
func (r rawH2) rest() { _, _ = io.Copy(io.Discard, r.nc) }

func (r rawH2) respond(id uint32) { r.write(frameHeaders, 4, id, []byte{0x88}) } // :status 200, END_HEADERS

func (r rawH2) goAway(last uint32) {
	r.write(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, last), 0, 0, 0, 0))
}

func h2c(t *testing.T) (*http.Client, *client.Transport) {
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	t.Cleanup(func() { _ = tr.Close() })
	return &http.Client{Transport: tr, Timeout: soon}, tr
}

// A GOAWAY that refuses a stream makes the request go again on another connection, body included; one that does not lets it end.
func TestGoAway(t *testing.T) {
	closed := make(chan struct{}, 2)
	addr := rawServer(t, func(n int, nc net.Conn) {
		r := newRawH2(nc)
		f, _ := r.next(frameHeaders)
		id := f.id
		if n == 0 {
			r.goAway(0)
			r.rest()
			closed <- struct{}{}
			return
		}
		var body []byte
		for f.kind != frameData || f.flags&endStream == 0 {
			ok := false
			if f, ok = r.next(frameData); !ok {
				return
			}
			body = append(body, f.data...)
		}
		r.goAway(id)
		r.respond(id)
		r.write(frameData, endStream, id, body)
		r.rest()
		closed <- struct{}{}
	})
	c, _ := h2c(t)
	resp, err := c.Post(addr, "", strings.NewReader("content"))
	require.Equal(t, "content", read(t, resp, err))
	within(t, closed, "the client ends a connection that refuses its streams")
	within(t, closed, "the client ends a connection after its last stream")
}

// RFC 9113 section 8.7: a refused stream can be tried again. A server that has no room for a stream has none for a connection either: all
// attempts go on the one that there is.
func TestRefusedStaysOnItsConnection(t *testing.T) {
	var conns atomic.Int32
	addr := rawServer(t, func(_ int, nc net.Conn) {
		conns.Add(1)
		r := newRawH2(nc)
		for n := 0; ; n++ {
			f, ok := r.next(frameHeaders)
			switch {
			case !ok:
				return
			case n < 5:
				r.write(frameReset, 0, f.id, []byte{0, 0, 0, 7}) // REFUSED_STREAM
			default:
				r.respond(f.id)
				r.write(frameData, endStream, f.id, []byte("at last"))
			}
		}
	})
	c, _ := h2c(t)
	resp, err := c.Get(addr)
	require.Equal(t, "at last", read(t, resp, err))
	require.Equal(t, int32(1), conns.Load())
}

// RFC 9113 section 8.5: the directions of a tunnel end by themselves: what the client still has to say after the server's END_STREAM is sent.
func TestTunnelHalfClosed(t *testing.T) {
	got := make(chan string, 1)
	addr := rawServer(t, func(n int, nc net.Conn) {
		r := newRawH2(nc)
		f, _ := r.next(frameHeaders)
		id := f.id
		r.respond(id)
		r.write(frameData, endStream, id, []byte("bye"))
		var all []byte
		for {
			f, ok := r.next(frameData, frameReset)
			switch {
			case !ok:
				return
			case f.kind == frameReset:
				got <- fmt.Sprintf("reset: %d", f.data[3])
			default:
				if all = append(all, f.data...); f.flags&endStream != 0 {
					got <- string(all)
				}
			}
		}
	})
	_, tr := h2c(t)
	open := func() io.ReadWriteCloser {
		u, _ := url.Parse(addr)
		resp, err := tr.RoundTrip(&http.Request{Method: "CONNECT", URL: u, Host: "far.example:1", Header: http.Header{}})
		require.NoError(t, err)
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "bye", string(b))
		return resp.Body.(io.ReadWriteCloser)
	}
	rw := open()
	_, err := rw.Write([]byte("last words"))
	require.NoError(t, err)
	require.NoError(t, rw.(interface{ CloseWrite() error }).CloseWrite())
	require.Equal(t, "last words", within(t, got, "the end"))
	require.NoError(t, rw.Close())
	require.NoError(t, tr.Close())
	_, tr = h2c(t)
	rw = open()
	require.NoError(t, rw.Close())
	require.Equal(t, "reset: 8", within(t, got, "the reset"))
}

// A switched HTTP/1.1 connection whose server has finished is closed with its Body.
func TestTunnelClosedAfterServer(t *testing.T) {
	ended := make(chan error, 1)
	addr := rawServer(t, func(n int, nc net.Conn) {
		_, _ = nc.Read(make([]byte, 4096))
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye")
		_ = nc.(*net.TCPConn).CloseWrite()
		_, err := io.Copy(io.Discard, nc)
		ended <- err
	})
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	req, _ := http.NewRequest("GET", addr, nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "x")
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "bye", string(b))
	require.NoError(t, resp.Body.Close())
	within(t, ended, "the connection is closed")
}

// RFC 9110 section 7.8: "A client cannot begin using an upgraded protocol on the connection until it has completely sent the request message".
func TestEarlySwitch(t *testing.T) {
	addr := rawServer(t, func(n int, nc net.Conn) {
		_, _ = nc.Read(make([]byte, 4096))
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, nc)
	})
	tr := &client.Transport{Proxy: client.NoProxy}
	defer tr.Close()
	pr, pw := io.Pipe()
	req, _ := http.NewRequest("POST", addr, pr)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "x")
	_, err := tr.RoundTrip(req)
	require.ErrorContains(t, err, "switched protocols before")
	for err = nil; err == nil; { // one Read may have been waiting
		_, err = pw.Write([]byte("x"))
	}
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// However a request ends, its body is closed, also while a Read of it waits: nobody is left behind.
func TestBodyIsClosed(t *testing.T) {
	m := mux()
	entered := make(chan struct{}, 1)
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices that the client has left only while it reads
	})
	m.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(413)
	})
	onAll(t, m, func(t *testing.T, c *http.Client, url string, h2 bool) {
		closed := func(pw *io.PipeWriter) {
			t.Helper()
			done := make(chan error, 1)
			go func() {
				for {
					if _, err := pw.Write([]byte("x")); err != nil {
						done <- err
						return
					}
				}
			}()
			require.ErrorIs(t, within(t, done, "the body is closed"), io.ErrClosedPipe)
		}
		ctx, cancel := context.WithCancel(context.Background())
		pr, pw := io.Pipe()
		watch := &closeSpy{Reader: pr, closed: make(chan struct{})}
		req, _ := http.NewRequestWithContext(ctx, "POST", url+"/wait", struct{ io.ReadCloser }{closer{watch, pr}})
		go func() { <-entered; cancel() }()
		_, err := c.Do(req)
		require.ErrorIs(t, err, context.Canceled)
		within(t, watch.closed, "the body is closed although it has nothing to give")
		closed(pw)

		pr, pw = io.Pipe()
		req, _ = http.NewRequest("POST", url+"/early", pr)
		resp, err := c.Do(req)
		if err == nil {
			require.Equal(t, 413, resp.StatusCode)
			resp.Body.Close()
		}
		closed(pw)
	})
}

type closeSpy struct {
	io.Reader
	once   sync.Once
	closed chan struct{}
}

type closer struct {
	*closeSpy
	pr *io.PipeReader
}

func (c closer) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.pr.Close()
}

// Transport.Close ends responses under way with ErrClosed.
func TestCloseUnderWay(t *testing.T) {
	m := mux()
	m.HandleFunc("/forever", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	for _, w := range wires {
		c, tr, url := start(t, w, m)
		resp, err := c.Get(url + "/forever")
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		_, err = io.ReadAll(resp.Body)
		require.ErrorIs(t, err, client.ErrClosed, w)
		resp.Body.Close()
	}
}

// ResponseHeaderTimeout runs from the end of the request, however long that takes.
func TestResponseHeaderTimeoutAfterUpload(t *testing.T) {
	for _, w := range wires {
		t.Run(w, func(t *testing.T) {
			t.Parallel()
			c, tr, url := start(t, w, mux())
			tr.ResponseHeaderTimeout = 4 * time.Second
			pr, pw := io.Pipe()
			go func() {
				for range 5 {
					_, _ = io.WriteString(pw, "slow ")
					time.Sleep(time.Second)
				}
				pw.Close()
			}()
			resp, err := c.Post(url+"/echo", "", pr)
			require.Equal(t, "slow slow slow slow slow ", read(t, resp, err))
		})
	}
}

// Of a server that allows one stream at a time all requests are answered, and those cancelled while they wait leave nothing behind.
func TestOneStreamAtATime(t *testing.T) {
	var now, most atomic.Int32
	hold := make(chan struct{})
	m := http.NewServeMux()
	m.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) { <-hold })
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		_, _ = io.Copy(w, r.Body)
		now.Add(-1)
	})
	s := httptest.NewUnstartedServer(m)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1}
	s.Start()
	defer s.Close()
	c, _ := h2c(t)
	var all sync.WaitGroup
	held := make(chan error, 1)
	go func() { _, err := c.Get(s.URL + "/hold"); held <- err }()
	for i := range 40 {
		all.Go(func() {
			if i%2 == 0 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*time.Millisecond)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, "POST", s.URL, strings.NewReader("x"))
				resp, err := c.Do(req)
				if err == nil {
					resp.Body.Close()
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				return
			}
			resp, err := c.Post(s.URL, "", strings.NewReader(fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != fmt.Sprint(i) {
				t.Errorf("%q %v", b, err)
			}
		})
	}
	time.AfterFunc(100*time.Millisecond, func() { close(hold) })
	all.Wait()
	require.NoError(t, within(t, held, "the held request ends"))
}

// Protocols binds: a server that does not choose HTTP/2 gets no HTTP/1.1 request if only HTTP/2 is allowed.
func TestOnlyHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(mux())
	s.TLS = &tls.Config{NextProtos: []string{}}
	s.StartTLS()
	defer s.Close()
	cfg := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.NextProtos = nil
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.HTTP2, TLS: cfg}
	defer tr.Close()
	_, err := (&http.Client{Transport: tr}).Get(s.URL + "/hello")
	require.Error(t, err)
	_, err = (&http.Client{Transport: tr}).Get("http" + strings.TrimPrefix(s.URL, "https") + "/hello")
	require.ErrorContains(t, err, "Protocols")
}

// A proxy over TLS is trusted as Transport.TLS says.
func TestProxyTLS(t *testing.T) {
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s", r.RequestURI)
	}))
	defer proxy.Close()
	u, _ := url.Parse(proxy.URL)
	cfg := proxy.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.NextProtos = nil
	tr := &client.Transport{Proxy: http.ProxyURL(u), TLS: cfg}
	defer tr.Close()
	resp, err := (&http.Client{Transport: tr}).Get("http://origin.example/path")
	require.Equal(t, "http://origin.example/path", read(t, resp, err))
}

// Requests that wait for another's dial do not wait for one failed dial after the other.
func TestDialsFailTogether(t *testing.T) {
	var dials, asked atomic.Int32
	start := make(chan struct{})
	all := make(chan struct{})
	direct := func(*http.Request) (*url.URL, error) { asked.Add(1); return nil, nil } // every request asks right before it dials or waits
	tr := &client.Transport{Proxy: direct, Protocols: client.H2C, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) == 1 {
			<-start
		} else if dials.Load() == 5 {
			close(all)
		}
		if dials.Load() > 1 {
			select {
			case <-all:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return nil, errors.New("no route")
	}}
	defer tr.Close()
	errs := make(chan error, 5)
	for range 5 {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), soon)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://host.example/", nil)
			_, err := tr.RoundTrip(req)
			errs <- err
		}()
	}
	require.Eventually(t, func() bool { return asked.Load() == 5 }, soon, time.Millisecond)
	for range 20 { // a process that is held up sleeps one of these for nothing, not all
		time.Sleep(5 * time.Millisecond)
	}
	close(start)
	for range 5 {
		require.ErrorContains(t, within(t, errs, "a dial's error"), "no route")
	}
}

// Everything at once: reads to the end, early closes, cancellations at any moment, idle connections that go away. At the end nobody is left.
func TestStorm(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, w := range wires {
		t.Run(w, func(t *testing.T) {
			c, tr, url := start(t, w, mux())
			tr.IdleTimeout = 2 * time.Millisecond
			tr.MaxIdlePerHost = 2
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					for j := range 12 {
						ctx, cancel := context.WithCancel(context.Background())
						req, _ := http.NewRequestWithContext(ctx, "POST", url+"/echo", strings.NewReader(strings.Repeat("x", 100_000)))
						kind := (i + j) % 4
						switch kind {
						case 1:
							time.AfterFunc(time.Duration(j)*200*time.Microsecond, cancel)
						case 2:
							req, _ = http.NewRequestWithContext(ctx, "GET", url+"/big", nil)
						}
						resp, err := c.Do(req)
						switch {
						case kind == 1 && err != nil:
							if !errors.Is(err, context.Canceled) {
								t.Error(err)
							}
						case err != nil:
							t.Error(err)
						case kind == 2:
							_, _ = io.ReadFull(resp.Body, make([]byte, 1000))
							resp.Body.Close()
						default:
							b, err := io.ReadAll(resp.Body)
							if kind != 1 && (err != nil || len(b) != 100_000) {
								t.Errorf("%d %v", len(b), err)
							}
							resp.Body.Close()
						}
						cancel()
						if j == 6 {
							tr.CloseIdleConnections()
						}
					}
				})
			}
			all.Wait()
			tr.CloseIdleConnections()
		})
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+4 }, soon, 10*time.Millisecond)
}
