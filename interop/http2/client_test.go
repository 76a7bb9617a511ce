package http2_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xnet "golang.org/x/net/http2"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
)

// goHandler is the application of Go's servers in these tests.
func goHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/big/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("Content-Length", r.PathValue("n"))
		w.Write(patterned(n))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Octets")
		n, _ := io.Copy(w, r.Body)
		w.Header().Set("X-Octets", strconv.FormatInt(n, 10))
		w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Sum"))
	})
	mux.HandleFunc("/fields", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Host", r.Host)
		w.Header().Set("X-Cookie", r.Header.Get("Cookie"))
		w.Header().Set("X-Big", r.Header.Get("X-Big"))
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(103)
		w.WriteHeader(204)
	})
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(413) // without reading the body
	})
	return mux
}

// goServers starts the HTTP/2 servers of Go and returns their addresses.
func goServers(t *testing.T, frames uint32) map[string]string {
	h := goHandler()
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { ln.Close() })
		return ln
	}
	ln := listen()
	x := &xnet.Server{MaxReadFrameSize: frames, MaxConcurrentStreams: 50, MaxUploadBufferPerStream: 70000}
	base := &http.Server{}
	require.NoError(t, xnet.ConfigureServer(base, x))
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go x.ServeConn(nc, &xnet.ServeConnOpts{Handler: h, BaseConfig: base})
		}
	}()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	std := &http.Server{Handler: h, Protocols: &protocols}
	ln2 := listen()
	go std.Serve(ln2)
	t.Cleanup(func() { std.Close() })
	return map[string]string{"x/net": ln.Addr().String(), "net/http": ln2.Addr().String()}
}

// answer is what came back for one request.
type answer struct {
	status   int
	interim  []int
	fields   []codec.Field
	body     []byte
	trailers []codec.Field
	code     http2.ErrorCode
	reason   string
	reset    bool
	done     chan struct{}
}

// caller is a client application on a link.
type caller struct {
	l       *link
	out     map[uint32]*outgoing
	waiting map[uint32]*answer
	late    []func() bool // requests that wait for a free stream
}

func dial(t *testing.T, addr string, p *http2.Profile) *caller {
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	c := &caller{l: newLink(nc, http2.Client, p), out: map[uint32]*outgoing{}, waiting: map[uint32]*answer{}}
	c.l.handle = c.handle
	c.l.pump = c.pump
	go c.l.run()
	t.Cleanup(func() { nc.Close(); <-c.l.gone })
	return c
}

func clone(list []codec.Field) (out []codec.Field) {
	for _, f := range list {
		out = append(out, codec.Field{Name: bytes.Clone(f.Name), Value: bytes.Clone(f.Value)})
	}
	return out
}

func (c *caller) handle(l *link, ev *http2.Event) {
	a := c.waiting[ev.Stream]
	switch ev.Kind {
	case http2.Response:
		a.status, a.fields = ev.Status, clone(ev.Fields)
	case http2.Informational:
		a.interim = append(a.interim, ev.Status)
	case http2.Data:
		if a != nil {
			a.body = append(a.body, ev.Data...)
		}
		l.Consumed(ev.Stream, len(ev.Data))
	case http2.Trailers:
		a.trailers = clone(ev.Fields)
	case http2.StreamReset, http2.StreamError:
		if a != nil {
			a.reset, a.code, a.reason = true, ev.Code, ev.Reason
			delete(c.waiting, ev.Stream)
			close(a.done)
		}
		delete(c.out, ev.Stream)
		l.Release(ev.Stream)
		return
	default:
		return
	}
	if ev.EndStream {
		delete(c.waiting, ev.Stream)
		close(a.done)
	}
}

func (c *caller) pump(l *link) {
	for len(c.late) > 0 && c.late[0]() {
		c.late = c.late[1:]
	}
	for range 64 {
		id, _, n := l.NextWritable()
		if n == 0 || !sendOne(l, id, n, c.out) {
			break
		}
	}
	for id, o := range c.out {
		if o.end && len(o.data) == 0 {
			finish(l, id, o)
			delete(c.out, id)
		}
	}
}

// send starts a request as soon as a stream is free.
func (c *caller) send(method, path string, list []codec.Field, body []byte, trailers []codec.Field) *answer {
	a := &answer{done: make(chan struct{})}
	start := func() bool {
		if c.l.CanOpen() == 0 {
			return false
		}
		head := http2.RequestHead{Method: []byte(method), Scheme: []byte("http"), Authority: []byte("example.com"), Path: []byte(path)}
		end := body == nil && trailers == nil
		out, id, err := c.l.AppendRequest(c.l.out, &head, list, end)
		if err != nil {
			panic(err)
		}
		c.l.out = out
		c.waiting[id] = a
		if !end {
			c.out[id] = &outgoing{data: body, end: true, trailers: trailers}
			c.l.Ready(id, true)
		}
		return true
	}
	if !c.l.do(func() { c.late = append(c.late, start) }) {
		a.reset, a.reason = true, "the connection is gone"
		close(a.done)
	}
	return a
}

func (c *caller) wait(t *testing.T, a *answer) *answer {
	t.Helper()
	select {
	case <-a.done:
	case <-c.l.gone:
		select {
		case <-a.done:
		default:
			t.Fatalf("the connection ended: %s", failed(c.l.err))
		}
	case <-time.After(time.Minute):
		t.Fatal("no answer")
	}
	return a
}

// Our client machine against Go's servers.
func TestClientAgainstGoServers(t *testing.T) {
	for _, frames := range []uint32{16384, 1 << 20} {
		for name, addr := range goServers(t, frames) {
			t.Run(fmt.Sprintf("%s/%d", name, frames), func(t *testing.T) {
				c := dial(t, addr, nil)
				for _, n := range []int{0, 1, 16384, 65535, 65536, 1 << 20, 5 << 20} {
					a := c.wait(t, c.send("GET", fmt.Sprintf("/big/%d", n), nil, nil, nil))
					require.Equal(t, 200, a.status)
					require.True(t, bytes.Equal(patterned(n), a.body), "%d octets", n)
				}
				for _, n := range []int{0, 1, 70001, 3 << 20} {
					a := c.wait(t, c.send("POST", "/echo", fields("trailer", "x-sum"), patterned(n), fields("x-sum", "abc")))
					require.True(t, bytes.Equal(patterned(n), a.body), "%d of %d octets", len(a.body), n)
					require.Equal(t, strconv.Itoa(n), get(a.trailers, "x-octets"))
					require.Equal(t, "abc", get(a.trailers, "x-sum"))
				}
				big := string(bytes.Repeat([]byte("x"), 50000))
				a := c.wait(t, c.send("GET", "/fields", fields("cookie", "a=b", "cookie", "c=d", "x-big", big), nil, nil))
				require.Equal(t, "a=b; c=d", get(a.fields, "x-cookie"))
				require.Equal(t, "example.com", get(a.fields, "x-host"))
				require.Equal(t, big, get(a.fields, "x-big"))

				a = c.wait(t, c.send("GET", "/info", nil, nil, nil))
				require.Equal(t, 204, a.status)
				require.Equal(t, []int{103}, a.interim)

				a = c.wait(t, c.send("GET", "/abort", nil, nil, nil))
				require.True(t, a.reset)
				require.Equal(t, http2.InternalError, a.code)

				// The server answers without reading: RST_STREAM with NO_ERROR behind a complete response.
				a = c.wait(t, c.send("POST", "/refuse", nil, patterned(1<<20), nil))
				require.Equal(t, 413, a.status)
				require.False(t, a.reset)

				var all []*answer
				for i := range 200 {
					if i%2 == 0 {
						all = append(all, c.send("GET", fmt.Sprintf("/big/%d", 1000+i*1000), nil, nil, nil))
					} else {
						all = append(all, c.send("POST", "/echo", nil, patterned(1000+i*1000), nil))
					}
				}
				for i, a := range all {
					c.wait(t, a)
					require.False(t, a.reset, "%d: %s %s", i, a.code, a.reason)
					require.True(t, bytes.Equal(patterned(1000+i*1000), a.body), "%d", i)
				}
				require.True(t, c.l.do(func() { c.l.Shutdown() }))
				select {
				case <-c.l.gone:
				case <-time.After(time.Minute):
					t.Error("the connection does not end")
				}
				require.Equal(t, "none", failed(c.l.err))
			})
		}
	}
}

// Our two machines on one pipe.
func TestClientAgainstServer(t *testing.T) {
	addr, _ := echoServer(t, http2.Config{Window: http2.WindowPolicy{Max: 8 << 20}}.Profile())
	c := dial(t, addr, http2.Config{Window: http2.WindowPolicy{Max: 8 << 20}}.Profile())
	var all []*answer
	for i := range 300 {
		all = append(all, c.send("POST", "/echo", fields("content-length", strconv.Itoa(i*500)), patterned(i*500), nil))
	}
	for i, a := range all {
		c.wait(t, a)
		require.True(t, !a.reset && bytes.Equal(patterned(i*500), a.body), "%d: %d octets, %s", i, len(a.body), a.reason)
		require.Equal(t, strconv.Itoa(i*500), get(a.trailers, "x-octets"))
	}
}
