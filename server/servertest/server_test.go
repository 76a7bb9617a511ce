package servertest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/server/servertest"
)

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }

// get returns the content, or what went wrong.
func get(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestRaw(t *testing.T) {
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.HTTP1TLS} {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					b, err := io.ReadAll(r.Body)
					got = append(got, fmt.Sprint(r.Method, r.URL.Path, string(b), err))
					w.Header()["Date"] = nil
					w.WriteHeader(http.StatusNoContent)
				}), servertest.Options{Protocol: p})
				defer s.Close()
				// Three requests in one piece, then in pieces of every size.
				all := "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n"
				none := "HTTP/1.1 204 No Content\r\n\r\n"
				for size := 1; size <= len(all); size += 1 + size/3 {
					var pieces [][]byte
					for b := []byte(all); len(b) > 0; b = b[min(size, len(b)):] {
						pieces = append(pieces, b[:min(size, len(b))])
					}
					got = nil
					out, err := s.Raw(pieces...)
					require.NoError(t, err)
					require.Equal(t, none+none+none, string(out))
					require.Equal(t, []string{"GET/a<nil>", "POST/babc<nil>", "GET/c<nil>"}, got)
				}
				// Smuggling: two lengths. The rest of the bytes is no request.
				got = nil
				out, err := s.Raw([]byte("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"))
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(string(out), "HTTP/1.1 400 "), "%s", out)
				require.Equal(t, 1, strings.Count(string(out), "HTTP/1.1"))
				require.Empty(t, got)
				// Nothing in, nothing out. Also in pieces.
				out, err = s.Raw(nil, nil)
				require.NoError(t, err)
				require.Empty(t, out)
			})
		})
	}
}

// Every piece of Raw is a read of its own.
func TestRawPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads []string
		s := servertest.New(nil, servertest.Options{Config: server.Config{Native: server.NativeFunc(func(c *server.Ctx) {
			await(c, &reads)
		})}})
		defer s.Close()
		out, err := s.Raw([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\na"), []byte("bc"), []byte("def"))
		require.NoError(t, err)
		require.Contains(t, string(out), "200 OK")
		require.Equal(t, []string{"a", "bc", "def"}, reads)
	})
}

func await(c *server.Ctx, reads *[]string) {
	for {
		switch p, state := c.PollBody(); state {
		case server.BodyReady:
			*reads = append(*reads, string(p))
		case server.BodyPending:
			c.AwaitBody(func(c *server.Ctx) { await(c, reads) })
			return
		default:
			_ = c.ReplyString(200, "text/plain", "ok")
			return
		}
	}
}

// A response that ends with its connection, and does not get there, must not look complete: the connection is reset, and under TLS there is no
// closure alert.
func TestRawReset(t *testing.T) {
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.HTTP1TLS} {
		for _, complete := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, "the beginning")
					w.(http.Flusher).Flush()
					time.Sleep(time.Second)
					if !complete {
						panic(http.ErrAbortHandler)
					}
				}), servertest.Options{Protocol: p})
				defer s.Close()
				out, err := s.Raw([]byte("GET / HTTP/1.0\r\n\r\n"))
				require.True(t, strings.HasSuffix(string(out), "\r\n\r\nthe beginning"), "%s", out)
				if complete {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, syscall.ECONNRESET)
				}
			})
		}
	}
}

func TestDial(t *testing.T) {
	for _, p := range protocols {
		synctest.Test(t, func(t *testing.T) {
			s := servertest.New(http.HandlerFunc(hello), servertest.Options{Protocol: p})
			defer s.Close()
			nc, err := s.Dial(t.Context())
			require.NoError(t, err)
			tc, secure := nc.(*tls.Conn)
			require.Equal(t, p == servertest.HTTP1TLS || p == servertest.HTTP2, secure)
			if secure {
				require.Equal(t, map[servertest.Protocol]string{servertest.HTTP1TLS: "http/1.1", servertest.HTTP2: "h2"}[p], tc.ConnectionState().NegotiatedProtocol)
			}
			require.NoError(t, nc.Close())
			nc, err = s.DialContext(t.Context(), "tcp", "any:80")
			require.NoError(t, err)
			require.NoError(t, nc.Close())
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = s.Dial(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// A handshake that fails is Dial's and Raw's error.
func TestDialHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.New(http.HandlerFunc(hello), servertest.Options{Protocol: servertest.HTTP2, TLS: &tls.Config{NextProtos: []string{"other"}}})
		defer s.Close()
		_, err := s.Dial(t.Context())
		require.ErrorContains(t, err, "no application protocol")
		_, err = s.Raw([]byte("x"))
		require.ErrorContains(t, err, "no application protocol")
		s.Close()
		_, err = s.Raw([]byte("x"))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// One's own certificate is trusted, too.
func TestOwnCertificate(t *testing.T) {
	cert, _ := certificate(t, "other.test")
	s := servertest.New(http.HandlerFunc(hello), servertest.Options{Protocol: servertest.HTTP2, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	defer s.Close()
	for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
		text, err := get(c, "https://other.test/")
		require.NoError(t, err)
		require.Equal(t, "hello", text)
		_, err = get(c, s.URL)
		require.ErrorContains(t, err, "certificate is valid for other.test")
	}
}

func TestNative(t *testing.T) {
	for _, p := range protocols {
		synctest.Test(t, func(t *testing.T) {
			native := server.NativeFunc(func(c *server.Ctx) {
				if string(c.Path()) == "/fast" {
					_ = c.ReplyString(200, "text/plain", "fast")
					return
				}
				c.Pass()
			})
			s := servertest.New(http.HandlerFunc(hello), servertest.Options{Protocol: p, Config: server.Config{Native: native}})
			defer s.Close()
			for path, want := range map[string]string{"/fast": "fast", "/": "hello"} {
				text, err := get(s.Client(), s.URL+path)
				require.NoError(t, err)
				require.Equal(t, want, text)
			}
		})
	}
}

func TestNobodyHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.New(nil, servertest.Options{})
		defer s.Close()
		resp, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 404, resp.StatusCode)
		// Options.Config.Handler stays where New is given none.
		s = servertest.New(nil, servertest.Options{Config: server.Config{Handler: http.HandlerFunc(hello)}})
		defer s.Close()
		text, err := get(s.Client(), s.URL)
		require.NoError(t, err)
		require.Equal(t, "hello", text)
	})
}

func TestBadOptions(t *testing.T) {
	for _, o := range []servertest.Options{
		{Protocol: 4},
		{Config: server.Config{DisableHTTP1: true, DisableHTTP2: true}},
		{Driver: stdnet.Config{ReadBuffer: -1}},
	} {
		require.Panics(t, func() { servertest.New(http.HandlerFunc(hello), o) })
	}
	require.Equal(t, "Protocol(4)", servertest.Protocol(4).String())
}

// Nothing is left of a closed server: whatever a bubble started must end, or synctest fails.
func TestCloseEndsEverything(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended atomic.Int32
				stay := map[string]http.HandlerFunc{
					"/context": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
					"/body":    func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) },
					"/write": func(w http.ResponseWriter, r *http.Request) {
						for {
							if _, err := w.Write(make([]byte, 1<<16)); err != nil {
								return
							}
						}
					},
					"/sleep": func(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Second) },
					"/hijack": func(w http.ResponseWriter, r *http.Request) {
						if nc, _, err := http.NewResponseController(w).Hijack(); err == nil {
							_, _ = nc.Read(make([]byte, 1))
						}
					},
				}
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer ended.Add(1)
					stay[r.URL.Path](w, r)
				}), servertest.Options{Protocol: p})
				var ours, others sync.WaitGroup
				var bodies []io.Closer
				ask := func(wg *sync.WaitGroup, c *http.Client, path string) {
					body, w := io.Pipe()
					bodies = append(bodies, w)
					wg.Go(func() {
						resp, err := c.Post(s.URL+path, "", body)
						if path == "/write" {
							require.NoError(t, err)
							_, err = io.Copy(io.Discard, &late{resp.Body, 20 * time.Second})
						}
						require.Error(t, err)
					})
				}
				if p == servertest.H2C || p == servertest.HTTP2 {
					delete(stay, "/hijack") // RFC 9113 has nothing to take over
				}
				for path := range stay {
					ask(&ours, s.Client(), path)
					ask(&others, s.NetHTTP(), path)
				}
				idle, err := s.Dial(t.Context())
				require.NoError(t, err)
				defer idle.Close()
				synctest.Wait()
				start := time.Now()
				s.Close()
				require.EqualValues(t, 2*len(stay), ended.Load())
				require.LessOrEqual(t, time.Since(start), 21*time.Second)
				ours.Wait()
				for _, b := range bodies { // net/http's client waits for a request's content, our own does not
					b.Close()
				}
				others.Wait()
				s.Close() // again is harmless
				_, err = get(s.Client(), s.URL+"/context")
				require.ErrorIs(t, err, client.ErrClosed)
				_, err = get(s.NetHTTP(), s.URL+"/context")
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
			})
		})
	}
}

// late is a reader who sleeps first.
type late struct {
	io.Reader
	d time.Duration
}

func (l *late) Read(p []byte) (int, error) {
	time.Sleep(l.d)
	l.d = 0
	return l.Reader.Read(p)
}

// Outside of a bubble, too.
func TestNoGoroutinesLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, p := range protocols {
		s := servertest.New(http.HandlerFunc(hello), servertest.Options{Protocol: p})
		for range 3 {
			for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
				text, err := get(c, s.URL)
				require.NoError(t, err)
				require.Equal(t, "hello", text)
			}
		}
		s.Close()
	}
	for limit := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestShutdown(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(10 * time.Second)
					io.WriteString(w, "finished")
				}), servertest.Options{Protocol: p})
				defer s.Close()
				got := make(chan string, 1)
				go func() {
					text, err := get(s.Client(), s.URL)
					got <- fmt.Sprint(text, err)
				}()
				synctest.Wait()
				start := time.Now()
				r := s.Shutdown(t.Context())
				require.Equal(t, "finished<nil>", <-got)
				require.Equal(t, 10*time.Second, time.Since(start).Truncate(10*time.Second))
				require.Equal(t, 1, r.Drained)
				require.Zero(t, r.TimedOut+r.InFlight+r.Crashed)
				_, err := s.Dial(t.Context())
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
			})
		})
	}
}

// The network breaks under requests; the next one works.
func TestCloseClientConnections(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var slow atomic.Bool
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if slow.Load() {
						<-r.Context().Done()
						return
					}
					io.WriteString(w, "hello")
				}), servertest.Options{Protocol: p})
				defer s.Close()
				for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
					slow.Store(true)
					got := make(chan error, 1)
					go func() {
						req, _ := http.NewRequest("POST", s.URL, strings.NewReader("once")) // it is not tried again
						_, err := c.Do(req)
						got <- err
					}()
					synctest.Wait()
					s.CloseClientConnections()
					require.Error(t, <-got)
					slow.Store(false)
					text, err := get(c, s.URL)
					require.NoError(t, err)
					require.Equal(t, "hello", text)
				}
			})
		})
	}
}

// The server's deadlines are those of a real one, in virtual time.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.New(http.HandlerFunc(hello), servertest.Options{})
		defer s.Close()
		nc, err := s.Dial(t.Context())
		require.NoError(t, err)
		start := time.Now()
		_, err = io.WriteString(nc, "GET / HTTP/1.1\r\nHos")
		require.NoError(t, err)
		out, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(out, []byte("HTTP/1.1 408 ")), "%s", out)
		require.Equal(t, server.DefaultHead, time.Since(start).Round(time.Second))
		require.NoError(t, nc.Close())
	})
}

// Options.Link is the connections'.
func TestLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addr := &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 8080}
		s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey), " ", r.RemoteAddr)
		}), servertest.Options{Link: memlink.Config{Latency: time.Second, Addr: addr}})
		defer s.Close()
		start := time.Now()
		text, err := get(s.Client(), s.URL)
		require.NoError(t, err)
		require.Equal(t, "203.0.113.9:8080 198.51.100.1:49152", text)
		require.Equal(t, 2*time.Second, time.Since(start))

		// A stalled network, and a client that has had enough.
		s = servertest.New(http.HandlerFunc(hello), servertest.Options{Link: memlink.Config{Faults: func(int) (c, s memlink.Plan) {
			return memlink.Plan{}, memlink.Plan{Write: []memlink.Fault{{At: 10, Kind: memlink.Stall}}}
		}}})
		defer s.Close()
		for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
			c.Timeout = time.Minute
			start = time.Now()
			_, err = get(c, s.URL)
			var ne net.Error
			require.True(t, errors.As(err, &ne) && ne.Timeout() || errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
			require.Equal(t, time.Minute, time.Since(start).Truncate(time.Second))
		}
	})
}
