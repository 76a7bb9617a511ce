package servertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers/memlink"
	"github.com/purewire/purewire/server"
	"github.com/purewire/purewire/server/servertest"
)

// content is what requests and responses carry.
const content = "All of it, or an error: there is nothing between them."

// trial is a server that answers in every framing, and checks what it gets.
type trial struct {
	t       *testing.T
	partial atomic.Int32 // requests whose content was cut and reported as whole
}

func (tr *trial) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if r.Method == "POST" && err == nil && string(b) != content {
		tr.partial.Add(1)
	}
	switch r.URL.Path {
	case "/length":
		io.WriteString(w, content)
	case "/chunks":
		w.Header().Set("Trailer", "X-Sum")
		for s := content; s != ""; s = s[min(20, len(s)):] {
			io.WriteString(w, s[:min(20, len(s))])
			w.(http.Flusher).Flush()
		}
		w.Header().Set("X-Sum", "42")
	case "/none":
		w.WriteHeader(http.StatusNoContent)
	}
}

// ask makes one request. It reports whether there was an answer; an answer that is not the right one fails the test.
func ask(t *testing.T, c *http.Client, method, url, path string) error {
	t.Helper()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(content)
	}
	req, err := http.NewRequest(method, url+path, body)
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	status, want, sum := 200, content, ""
	switch {
	case path == "/none":
		status, want = 204, ""
	case path == "/chunks":
		sum = "42"
	}
	if method == "HEAD" {
		want, sum = "", ""
	}
	require.Equal(t, status, resp.StatusCode)
	require.Equal(t, want, string(b), "a part was reported as the whole")
	require.Equal(t, sum, resp.Trailer.Get("X-Sum"))
	return nil
}

// side says where a fault is.
type side struct {
	accepted, write bool
}

func (s side) plan(f memlink.Fault, told func(bool, memlink.Fault)) (dialed, accepted memlink.Plan) {
	p := memlink.Plan{OnFault: told}
	if s.write {
		p.Write = []memlink.Fault{f}
	} else {
		p.Read = []memlink.Fault{f}
	}
	if s.accepted {
		return memlink.Plan{}, p
	}
	return p, memlink.Plan{}
}

var sides = map[string]side{
	"server writes": {true, true}, "server reads": {true, false}, "client writes": {false, true}, "client reads": {false, false},
}

// pick returns how thorough to be: with -short, which is for the race detector, less.
func pick[T any](full, short T) T {
	if testing.Short() {
		return short
	}
	return full
}

// run makes a few requests over a first connection with the given plans; later connections are sound. It returns how many failed.
func run(t *testing.T, p servertest.Protocol, std bool, dialed, accepted memlink.Plan) (failed int) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trial{t: t}
		s := servertest.New(tr, servertest.Options{Protocol: p, Link: memlink.Config{Faults: func(n int) (a, b memlink.Plan) {
			if n == 0 {
				return dialed, accepted
			}
			return a, b
		}}, Config: server.Config{}})
		defer s.Close()
		c := s.Client()
		if std {
			c = s.NetHTTP()
		}
		c.Timeout = time.Hour // of virtual time: nothing may hang
		for _, r := range [][2]string{{"GET", "/length"}, {"POST", "/chunks"}, {"GET", "/chunks"}, {"POST", "/none"}, {"HEAD", "/length"}} {
			if ask(t, c, r[0], s.URL, r[1]) != nil {
				failed++
				break
			}
		}
		if failed > 0 { // and the client goes on
			require.NoError(t, ask(t, c, "GET", s.URL, "/length"))
		}
		require.Zero(t, tr.partial.Load(), "the handler took a part of the content for the whole")
	})
	return failed
}

// sweep puts a fault at every octet (or every step octets) until it is beyond the conversation.
func sweep(t *testing.T, p servertest.Protocol, std bool, at side, f memlink.Fault, step int64) {
	failures := 0
	for f.At = 0; ; f.At += step {
		var hit atomic.Bool
		d, a := at.plan(f, func(bool, memlink.Fault) { hit.Store(true) })
		failures += run(t, p, std, d, a)
		if t.Failed() {
			t.Fatalf("with %v", f)
		}
		if f.Kind != memlink.Split && !hit.Load() || f.At > 10_000 {
			break
		}
	}
	require.Greater(t, f.At, int64(200), "the conversation was not that short")
	switch f.Kind {
	case memlink.Split, memlink.Delay:
		require.Zero(t, failures, "nothing was wrong")
	case memlink.Reset, memlink.End:
		require.NotZero(t, failures)
	}
}

// With a reset, or an end, at every octet that the server sends the client has all of an answer or an error.
func TestCutAnywhere(t *testing.T) {
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.H2C} {
		for _, std := range []bool{false, true} {
			for _, k := range []memlink.Kind{memlink.Reset, memlink.End} {
				t.Run(fmt.Sprintf("%v/net-http=%v/%v", p, std, k), func(t *testing.T) {
					sweep(t, p, std, sides["server writes"], memlink.Fault{Kind: k}, pick[int64](1, 7))
				})
			}
		}
	}
}

// Every other fault, on every side.
func TestFaults(t *testing.T) {
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.H2C} {
		for _, std := range []bool{false, true} {
			for name, at := range sides {
				for k := memlink.Split; k <= memlink.End; k++ {
					if k == memlink.Delay && std && p == servertest.H2C && name == "client writes" {
						continue // net/http's HTTP/2 client holds a mutex while it writes: in a bubble time stands still
					}
					if passes := k == memlink.Timeout || k == memlink.Interrupt || k == memlink.Again; passes && std && name == "client reads" {
						continue // net/http's client takes what came before such an error for a whole line: it expects read errors to stay
					}
					if k == memlink.Split || k == memlink.Stall || k == memlink.Short && !at.write {
						continue
					}
					t.Run(fmt.Sprintf("%v/net-http=%v/%s/%v", p, std, name, k), func(t *testing.T) {
						sweep(t, p, std, at, memlink.Fault{Kind: k, Delay: time.Second}, pick[int64](23, 61))
					})
				}
			}
		}
	}
}

// Octet by octet in every direction, nothing changes.
func TestOctetByOctet(t *testing.T) {
	one := memlink.Plan{ReadMax: 1, WriteMax: 1}
	for _, p := range protocols {
		for _, std := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/net-http=%v", p, std), func(t *testing.T) {
				require.Zero(t, run(t, p, std, one, one))
			})
		}
	}
}

// Plans from seeds, over TLS too: small pieces and a delay change nothing, one fault more is an error or nothing.
func TestRandomPlans(t *testing.T) {
	for _, p := range protocols {
		for _, std := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/net-http=%v", p, std), func(t *testing.T) {
				failed := 0
				for seed := range pick(uint64(24), 6) {
					kinds := []memlink.Kind{memlink.Split}
					hurts := seed%3 != 0
					if !std || p != servertest.H2C && p != servertest.HTTP2 { // see TestFaults
						kinds = append(kinds, memlink.Delay)
					}
					if hurts {
						kinds = append(kinds, []memlink.Kind{memlink.Reset, memlink.End}[seed/3%2])
					}
					dialed, accepted := memlink.Random(seed, 2000, kinds...), memlink.Random(seed+1000, 2000, memlink.Split)
					if seed%2 == 1 {
						dialed, accepted = accepted, dialed
					}
					n := run(t, p, std, dialed, accepted)
					if t.Failed() || !hurts && n > 0 {
						t.Fatalf("%d failed with dialed: %v accepted: %v", n, dialed, accepted)
					}
					failed += n
				}
				require.NotZero(t, failed)
			})
		}
	}
}

// A stalled peer costs no more than the time limit, wherever it stalls.
func TestStallAnywhere(t *testing.T) {
	for _, p := range []servertest.Protocol{servertest.HTTP1, servertest.H2C} {
		for octet := int64(0); octet < 120; octet += 17 {
			synctest.Test(t, func(t *testing.T) {
				s := servertest.New(&trial{t: t}, servertest.Options{Protocol: p, Link: memlink.Config{Faults: func(n int) (a, b memlink.Plan) {
					return a, memlink.Plan{Write: []memlink.Fault{{At: octet, Kind: memlink.Stall}}}
				}}})
				defer s.Close()
				c := s.Client()
				c.Timeout = 5 * time.Second // before the server's driver, and HTTP/2's wait for SETTINGS, have had enough
				start := time.Now()
				var ne net.Error
				err := ask(t, c, "GET", s.URL, "/chunks")
				require.True(t, errors.As(err, &ne) && ne.Timeout() || errors.Is(err, context.DeadlineExceeded), "%v", err)
				require.Equal(t, 5*time.Second, time.Since(start).Truncate(time.Second))
			})
		}
	}
}

// All connections of the pool are dead, and nobody knows yet: a request that may be repeated finds a live one.
func TestStalePool(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				var known sync.Map
				s := servertest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, old := known.LoadOrStore(r.RemoteAddr, true); old && broken.Load() {
						panic(http.ErrAbortHandler) // a firewall that forgot what it knew
					}
					time.Sleep(time.Second)
					io.WriteString(w, content)
				}), servertest.Options{Protocol: p, Link: memlink.Config{}})
				defer s.Close()
				for round := range 3 {
					var wg sync.WaitGroup
					for range 8 {
						wg.Go(func() { require.NoError(t, ask(t, s.Client(), "GET", s.URL, "/length")) })
					}
					wg.Wait()
					if round == 2 {
						break
					}
					s.Link.Reset()
					require.NoError(t, ask(t, s.Client(), "GET", s.URL, "/length"), "as soon as they are reset")
				}
				if p == servertest.HTTP1 || p == servertest.HTTP1TLS {
					require.Equal(t, 8, s.Transport.IdleCount())
					broken.Store(true)
					require.NoError(t, ask(t, s.Client(), "GET", s.URL, "/length"))
				}
			})
		})
	}
}
