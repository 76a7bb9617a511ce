package servertest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/server/servertest"
)

// reference starts net/http's server over a link of its own and returns net/http's client for it.
func reference(t *testing.T, h http.Handler, p servertest.Protocol) (c *http.Client, url string) {
	l := memlink.Listen(memlink.Config{})
	ps := new(http.Protocols)
	ps.SetHTTP1(p == servertest.HTTP1)
	ps.SetUnencryptedHTTP2(p == servertest.H2C)
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, Protocols: ps}}
	s.Start()
	t.Cleanup(s.Close)
	tr := &http.Transport{DialContext: l.DialContext, Protocols: ps}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}, "http://server.test"
}

// conversation is a handler and what a client sees of it.
type conversation struct {
	handler http.HandlerFunc
	// client returns what is to be equal.
	client func(t *testing.T, c *http.Client, url string) string
	// only1 is for what HTTP/2 does not have.
	only1 bool
}

// answer describes a response, but for fields that servers choose.
func answer(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		err = io.ErrUnexpectedEOF // their texts differ
	}
	var fields []string
	for k, v := range resp.Header {
		if k != "Date" && k != "Trailer" {
			fields = append(fields, fmt.Sprint(k, v))
		}
	}
	slices.Sort(fields)
	content := string(b)
	if len(b) > 100 {
		content = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	return fmt.Sprintf("%s %s %v %d %q %v trailer %v", resp.Proto, resp.Status, fields, resp.ContentLength, content, err, resp.Trailer)
}

// chunked hides how long its content is.
func chunked(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

var conversations = map[string]conversation{
	"get": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", r.Host+r.RequestURI)
			fmt.Fprintf(w, "%s %v", r.Method, r.ContentLength)
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			resp, err := c.Get(url + "/a?b=c")
			return answer(t, resp, err)
		},
	},
	"head, empty, not found": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/head":
				w.Header().Set("Content-Length", "12")
			case "/empty":
				w.WriteHeader(http.StatusNoContent)
			default:
				http.NotFound(w, r)
			}
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			resp, err := c.Head(url + "/head")
			s := answer(t, resp, err)
			resp, err = c.Get(url + "/empty")
			s += answer(t, resp, err)
			resp, err = c.Get(url + "/x")
			return s + answer(t, resp, err)
		},
	},
	"bodies": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			w.Header().Set("X-Read", fmt.Sprint(len(b), err))
			w.Write(b)
		},
		client: func(t *testing.T, c *http.Client, url string) (s string) {
			for _, n := range []int{0, 1, 1000, 300_000} {
				for _, body := range []io.Reader{strings.NewReader(strings.Repeat("b", n)), chunked(strings.Repeat("c", n))} {
					resp, err := c.Post(url, "text/plain", body)
					s += answer(t, resp, err) + "\n"
				}
			}
			return s
		},
	},
	"trailers": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v", b, r.Trailer)
			w.(http.Flusher).Flush()
			w.Header().Set("X-Sum", "42")
			w.Header().Set(http.TrailerPrefix+"X-Late", "43")
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			req, err := http.NewRequest("POST", url, chunked("content"))
			require.NoError(t, err)
			req.Trailer = http.Header{"X-Mine": {"7"}}
			resp, err := c.Do(req)
			return answer(t, resp, err)
		},
	},
	"interim responses": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			time.Sleep(20 * time.Second)
			io.WriteString(w, "final")
		},
		client: func(t *testing.T, c *http.Client, url string) (s string) {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				s += fmt.Sprint(code, h)
				return nil
			}})
			req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
			require.NoError(t, err)
			resp, err := c.Do(req)
			return s + answer(t, resp, err)
		},
	},
	"expect continue": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v", b, err)
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			req, err := http.NewRequest("POST", url, strings.NewReader("content"))
			require.NoError(t, err)
			req.Header.Set("Expect", "100-continue")
			resp, err := c.Do(req)
			return answer(t, resp, err)
		},
	},
	// What is flushed is there, while the handler waits; virtual time tells when.
	"streaming": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			for i := range 3 {
				fmt.Fprintf(w, "piece %d\n", i)
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		},
		client: func(t *testing.T, c *http.Client, url string) (s string) {
			start := time.Now()
			resp, err := c.Get(url)
			require.NoError(t, err)
			defer resp.Body.Close()
			for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
				s += fmt.Sprint(sc.Text(), time.Since(start))
			}
			return s + fmt.Sprint(time.Since(start))
		},
	},
	// Both directions at once, line by line.
	"ping pong": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			for sc := bufio.NewScanner(r.Body); sc.Scan(); {
				fmt.Fprintf(w, "%s!\n", sc.Text())
				w.(http.Flusher).Flush()
			}
		},
		client: func(t *testing.T, c *http.Client, url string) (s string) {
			r, w := io.Pipe()
			resp, err := c.Post(url, "text/plain", r)
			require.NoError(t, err)
			defer resp.Body.Close()
			sc := bufio.NewScanner(resp.Body)
			for i := range 5 {
				fmt.Fprintf(w, "line %d\n", i)
				require.True(t, sc.Scan())
				s += sc.Text()
			}
			require.NoError(t, w.Close())
			return s + fmt.Sprint(sc.Scan(), sc.Err())
		},
	},
	"abort": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "the beginning")
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
			panic(http.ErrAbortHandler)
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			resp, err := c.Get(url)
			return answer(t, resp, err)
		},
	},
	"concurrency": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			b, _ := io.ReadAll(r.Body)
			w.Write(b)
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			var wg sync.WaitGroup
			start := time.Now()
			ok := make([]bool, 40)
			for i := range ok {
				wg.Go(func() {
					want := bytes.Repeat([]byte{byte(i)}, 300*i)
					resp, err := c.Post(url, "", bytes.NewReader(want))
					if err == nil {
						defer resp.Body.Close()
						b, err := io.ReadAll(resp.Body)
						ok[i] = err == nil && bytes.Equal(b, want)
					}
				})
			}
			wg.Wait()
			return fmt.Sprint(ok, time.Since(start)) // they did not wait for each other
		},
	},
	"hijack": {
		only1: true,
		handler: func(w http.ResponseWriter, r *http.Request) {
			nc, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer nc.Close()
			io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					return
				}
				io.WriteString(nc, strings.ToUpper(line))
			}
		},
		client: func(t *testing.T, c *http.Client, url string) string {
			req, err := http.NewRequest("GET", url, nil)
			require.NoError(t, err)
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "shout")
			resp, err := c.Do(req)
			require.NoError(t, err)
			rw := resp.Body.(io.ReadWriteCloser)
			defer rw.Close()
			_, err = io.WriteString(rw, "hello\n")
			require.NoError(t, err)
			line, err := bufio.NewReader(rw).ReadString('\n')
			return fmt.Sprint(resp.StatusCode, resp.Header.Get("Upgrade"), line, err)
		},
	},
}

// Our server with either client does as net/http's server with its own.
func TestEqualToNetHTTP(t *testing.T) {
	for name, conv := range conversations {
		for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.H2C} {
			if conv.only1 && p != servertest.HTTP1 {
				continue
			}
			t.Run(name+"/"+p.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, url := reference(t, conv.handler, p)
					want := conv.client(t, c, url)
					s := servertest.New(conv.handler, servertest.Options{Protocol: p})
					defer s.Close()
					require.Equal(t, want, conv.client(t, s.NetHTTP(), s.URL), "net/http's client")
					require.Equal(t, want, conv.client(t, s.Client(), s.URL), "our client")
				})
			})
		}
	}
}

// A handler's context is cancelled when its client goes, whichever client that is.
func TestContextOfGoneClient(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, ended := make(chan bool), make(chan error, 1)
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					began <- true
					<-r.Context().Done()
					ended <- r.Context().Err()
				}), servertest.Options{Protocol: p})
				defer s.Close()
				for _, c := range []*http.Client{s.Client(), s.NetHTTP()} {
					ctx, cancel := context.WithCancel(t.Context())
					req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
					require.NoError(t, err)
					go func() { <-began; cancel() }()
					_, err = c.Do(req)
					require.ErrorIs(t, err, context.Canceled)
					require.Equal(t, context.Canceled, <-ended)
				}
			})
		})
	}
}
