package servertest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
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
					sweep(t, p, std, sides["server writes"], memlink.Fault{Kind: k}, 1)
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
					if k == memlink.Split || k == memlink.Stall || k == memlink.Short && !at.write {
						continue
					}
					t.Run(fmt.Sprintf("%v/net-http=%v/%s/%v", p, std, name, k), func(t *testing.T) {
						sweep(t, p, std, at, memlink.Fault{Kind: k, Delay: time.Second}, 23)
					})
				}
			}
		}
	}
}
