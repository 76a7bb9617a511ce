package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	"github.com/purewire/purewire/codec/http2"
	"github.com/stretchr/testify/require"
)

// h2client is net/http's client, speaking HTTP/2 without TLS.
func h2client(t testing.TB) *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: p}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

// onBoth runs f with a client and the base URL of the server on each driver.
func onBoth(t *testing.T, cfg Config, f func(t *testing.T, c *http.Client, url string)) {
	s, err := New(cfg)
	require.NoError(t, err)
	for name, addr := range equalServers(t, s) {
		t.Run(name, func(t *testing.T) { f(t, h2client(t), "http://"+addr) })
	}
}

func fetch(t *testing.T, c *http.Client, method, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	require.NoError(t, err)
	resp, err := c.Do(req)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 2, resp.ProtoMajor)
	return resp, string(b)
}

func h2mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
		fmt.Fprintf(w, "hello %s %s %q", r.Method, r.Host, r.Header["X-In"])
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		fmt.Fprintf(w, "%d %x %v %v", n, h.Sum(nil), err, r.Trailer)
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16)) // 1 MiB
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "content")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("/status/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		w.WriteHeader(n)
	})
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) { panic("no") })
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "short")
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		_, ok := w.(http.Hijacker)
		fmt.Fprint(w, ok)
	})
	return mux
}

func TestH2Handler(t *testing.T) {
	onBoth(t, Config{Handler: h2mux()}, func(t *testing.T, c *http.Client, url string) {
		resp, body := fetch(t, c, "GET", url+"/hello", nil)
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, "HTTP/2.0", resp.Header.Get("X-Proto"))
		require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
		require.NotEmpty(t, resp.Header.Get("Date"))
		require.Equal(t, int64(len(body)), resp.ContentLength)
		require.Contains(t, body, "hello GET 127.0.0.1:")

		resp, body = fetch(t, c, "HEAD", url+"/hello", nil)
		require.Empty(t, body)
		require.Equal(t, 200, resp.StatusCode)

		resp, _ = fetch(t, c, "GET", url+"/nowhere", nil)
		require.Equal(t, 404, resp.StatusCode)
		for _, n := range []int{204, 304, 205, 404, 503} {
			resp, body = fetch(t, c, "GET", fmt.Sprintf("%s/status/%d", url, n), nil)
			require.Equal(t, n, resp.StatusCode)
			require.Empty(t, body)
		}
		resp, body = fetch(t, c, "GET", url+"/panic", nil)
		require.Equal(t, 500, resp.StatusCode)
		require.Equal(t, "500 Internal Server Error\n", body)
		_, body = fetch(t, c, "GET", url+"/hijack", nil)
		require.Equal(t, "false", body, "there is no connection to take over on HTTP/2")

		resp, body = fetch(t, c, "GET", url+"/trailers", nil)
		require.Equal(t, "content", body)
		require.Equal(t, http.Header{"X-Sum": {"42"}, "X-Late": {"yes"}}, resp.Trailer)

		for _, path := range []string{"/abort", "/short"} {
			resp, err := c.Get(url + path)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			require.Error(t, err, "%s: the client sees that it is not whole", path)
		}
		_, body = fetch(t, c, "GET", url+"/bytes", nil)
		require.Equal(t, strings.Repeat("0123456789abcdef", 1<<16), body)
	})
}

func TestH2Upload(t *testing.T) {
	onBoth(t, Config{Handler: h2mux()}, func(t *testing.T, c *http.Client, url string) {
		for _, n := range []int{0, 1, 16384, 16385, 300_000, 5_000_000} {
			data := bytes.Repeat([]byte("x"), n)
			want := fmt.Sprintf("%d %x <nil> map[]", n, sha256.Sum256(data))
			_, body := fetch(t, c, "POST", url+"/sum", bytes.NewReader(data))
			require.Equal(t, want, body)
			_, body = fetch(t, c, "POST", url+"/sum", struct{ io.Reader }{bytes.NewReader(data)}) // no length
			require.Equal(t, want, body)
			_, body = fetch(t, c, "POST", url+"/echo", struct{ io.Reader }{bytes.NewReader(data)})
			require.Equal(t, len(data), len(body))
		}
		// A body that the handler ignores does not hurt the next requests.
		for range 20 {
			resp, _ := fetch(t, c, "POST", url+"/status/202", bytes.NewReader(make([]byte, 100_000)))
			require.Equal(t, 202, resp.StatusCode)
		}
		// Trailers of a request.
		req, _ := http.NewRequest("POST", url+"/sum", struct{ io.Reader }{strings.NewReader("abc")})
		req.Trailer = http.Header{"X-T": {"v"}}
		resp, err := c.Do(req)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Contains(t, string(b), "map[X-T:[v]]")
	})
}

func TestH2Hints(t *testing.T) {
	onBoth(t, Config{Handler: h2mux()}, func(t *testing.T, c *http.Client, url string) {
		var hints []string
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, h.Get("Link")))
			return nil
		}})
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/hints", nil)
		resp, err := c.Do(req)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Equal(t, "done", string(b))
		require.Empty(t, resp.Header.Get("Link"))
		require.Equal(t, []string{"103</a.css>; rel=preload"}, hints)
	})
}

// Many streams at once: each gets its own answer, and a slow one holds nobody up.
func TestH2Concurrent(t *testing.T) {
	var gate atomic.Pointer[chan struct{}]
	mux := h2mux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		<-*gate.Load()
		_, _ = io.WriteString(w, "slow")
	})
	onBoth(t, Config{Handler: mux}, func(t *testing.T, c *http.Client, url string) {
		release := make(chan struct{})
		gate.Store(&release)
		slow := make(chan string, 1)
		go func() {
			resp, err := c.Get(url + "/slow")
			if err != nil {
				slow <- err.Error()
				return
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			slow <- string(b)
		}()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				want := strings.Repeat(fmt.Sprint(i, " "), 10_000)
				resp, err := c.Post(url+"/echo", "", strings.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(b) != want {
					t.Errorf("stream %d: %d bytes, %v", i, len(b), err)
				}
			}()
		}
		wg.Wait()
		close(release)
		require.Equal(t, "slow", <-slow)
	})
}

// A client that cancels ends the handler's context, and only that stream.
func TestH2Cancel(t *testing.T) {
	cause := make(chan error, 1)
	mux := h2mux()
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		cause <- context.Cause(r.Context())
	})
	onBoth(t, Config{Handler: mux}, func(t *testing.T, c *http.Client, url string) {
		ctx, cancel := context.WithCancel(context.Background())
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/wait", nil)
		resp, err := c.Do(req)
		require.NoError(t, err)
		cancel()
		require.ErrorIs(t, <-cause, ErrPeerClosed)
		resp.Body.Close()
		_, body := fetch(t, c, "GET", url+"/hello", nil)
		require.Contains(t, body, "hello")
	})
}

// Both directions flow at the same time.
func TestH2FullDuplex(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
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
	onBoth(t, Config{Handler: mux}, func(t *testing.T, c *http.Client, url string) {
		pr, pw := io.Pipe()
		req, _ := http.NewRequest("POST", url, pr)
		resp, err := c.Do(req)
		require.NoError(t, err)
		for i := range 10 {
			msg := fmt.Sprint("ping ", i)
			_, _ = io.WriteString(pw, msg)
			buf := make([]byte, len(msg))
			_, err := io.ReadFull(resp.Body, buf)
			require.NoError(t, err)
			require.Equal(t, strings.ToUpper(msg), string(buf))
		}
		pw.Close()
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
	})
}

func TestH2Native(t *testing.T) {
	static, err := http1.NewStatic(&http1.ResponseHead{Status: 200, Date: http1.AppendDate(nil, 0),
		Fields: []codec.Field{{Name: []byte("Content-Type"), Value: []byte("text/plain")}}}, []byte("Hello, World!"))
	require.NoError(t, err)
	big := bytes.Repeat([]byte("purewire"), 50_000)
	released := make(chan struct{}, 10)
	wakers := make(chan Waker, 10)
	native := NativeFunc(func(x *Ctx) {
		switch string(x.Path()) {
		case "/static":
			x.Static(static)
		case "/reply":
			_ = x.SetField([]byte("X-Query"), x.Query()).ReplyString(201, "text/x", fmt.Sprintf("%d.%d %s", x.Major(), x.Minor(), x.Method()))
		case "/copy":
			_ = x.Reply(200, "", big)
		case "/ref":
			_ = x.ReplyRef(200, "", big, func() { released <- struct{}{} })
		case "/stream":
			n := 0
			wk, err := x.Stream(200, "", -1, func(dst []byte, max int) ([]byte, Flow) {
				n++
				dst = append(dst, fmt.Sprint("piece ", n, ";")...)
				switch {
				case n == 5:
					return dst, FlowEnd
				case n == 2:
					go func() { (<-wakers).Wake() }() // not before it waits
					return dst, FlowWait
				}
				return dst, FlowMore
			})
			if err == nil && string(x.Method()) != "HEAD" {
				wakers <- wk
			}
		case "/body":
			x.ReadBody(1<<20, func(x *Ctx, body []byte) { _ = x.Reply(200, "", body) })
		case "/count":
			n := 0
			var more func(x *Ctx)
			more = func(x *Ctx) {
				for {
					p, st := x.PollBody()
					n += len(p)
					switch st {
					case BodyPending:
						x.AwaitBody(more)
						return
					case BodyEOF:
						_ = x.ReplyString(200, "", fmt.Sprint(n))
						return
					}
				}
			}
			more(x)
		case "/detach":
			d := x.Detach()
			go func() {
				_ = d.Reply(202, "text/plain", []codec.Field{{Name: []byte("X-D"), Value: []byte("y")}}, []byte("later "+d.Path))
			}()
		case "/panic":
			panic("native")
		case "/nothing":
		case "/abort":
			x.Abort()
		default:
			x.Pass()
		}
	})
	onBoth(t, Config{Handler: h2mux(), Native: native}, func(t *testing.T, c *http.Client, url string) {
		resp, body := fetch(t, c, "GET", url+"/static", nil)
		require.Equal(t, "Hello, World!", body)
		require.Equal(t, "text/plain", resp.Header.Get("Content-Type"))
		require.Equal(t, int64(13), resp.ContentLength)
		require.NotEmpty(t, resp.Header.Get("Date"))
		resp, body = fetch(t, c, "HEAD", url+"/static", nil)
		require.Empty(t, body)
		require.Equal(t, int64(13), resp.ContentLength)
		resp, body = fetch(t, c, "PUT", url+"/reply?a=b", nil)
		require.Equal(t, 201, resp.StatusCode)
		require.Equal(t, "2.0 PUT", body)
		require.Equal(t, "a=b", resp.Header.Get("X-Query"))
		_, body = fetch(t, c, "GET", url+"/copy", nil)
		require.Equal(t, string(big), body)
		_, body = fetch(t, c, "GET", url+"/ref", nil)
		require.Equal(t, string(big), body)
		<-released
		_, _ = fetch(t, c, "HEAD", url+"/ref", nil)
		<-released
		_, body = fetch(t, c, "GET", url+"/stream", nil)
		require.Equal(t, "piece 1;piece 2;piece 3;piece 4;piece 5;", body)
		_, _ = fetch(t, c, "HEAD", url+"/stream", nil)
		_, body = fetch(t, c, "POST", url+"/body", strings.NewReader("small"))
		require.Equal(t, "small", body)
		_, body = fetch(t, c, "POST", url+"/body", bytes.NewReader(big))
		require.Equal(t, string(big), body)
		resp, _ = fetch(t, c, "POST", url+"/body", bytes.NewReader(make([]byte, 2<<20)))
		require.Equal(t, 413, resp.StatusCode)
		resp, _ = fetch(t, c, "POST", url+"/body", struct{ io.Reader }{bytes.NewReader(make([]byte, 2<<20))})
		require.Equal(t, 413, resp.StatusCode)
		_, body = fetch(t, c, "POST", url+"/count", bytes.NewReader(make([]byte, 3<<20)))
		require.Equal(t, fmt.Sprint(3<<20), body)
		resp, body = fetch(t, c, "GET", url+"/detach", nil)
		require.Equal(t, 202, resp.StatusCode)
		require.Equal(t, "later /detach", body)
		require.Equal(t, "y", resp.Header.Get("X-D"))
		resp, _ = fetch(t, c, "GET", url+"/panic", nil)
		require.Equal(t, 500, resp.StatusCode)
		resp, body = fetch(t, c, "GET", url+"/nothing", nil)
		require.Equal(t, "200 ", fmt.Sprint(resp.StatusCode, " ", body))
		_, err := c.Get(url + "/abort")
		require.Error(t, err)
		_, body = fetch(t, c, "GET", url+"/hello", nil)
		require.Contains(t, body, "hello GET", "passed on")
	})
}

// MaxInFlight sheds, and counts down again.
func TestH2Shed(t *testing.T) {
	type gates struct{ entered, release chan struct{} }
	var now atomic.Pointer[gates]
	mux := http.NewServeMux()
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		g := now.Load()
		close(g.entered)
		<-g.release
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {})
	onBoth(t, Config{Handler: mux, MaxInFlight: 1}, func(t *testing.T, c *http.Client, url string) {
		g := &gates{make(chan struct{}), make(chan struct{})}
		now.Store(g)
		first := make(chan int, 1)
		go func() {
			resp, err := c.Get(url + "/wait")
			if err != nil {
				first <- 0
				return
			}
			resp.Body.Close()
			first <- resp.StatusCode
		}()
		<-g.entered
		resp, _ := fetch(t, c, "GET", url+"/", nil)
		require.Equal(t, 503, resp.StatusCode)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		close(g.release)
		require.Equal(t, 200, <-first)
		require.Eventually(t, func() bool {
			resp, _ := fetch(t, c, "GET", url+"/", nil)
			return resp.StatusCode == 200
		}, 30*time.Second, time.Millisecond)
	})
}

// MaxRequestsPerConn and Connection: close finish a connection by GOAWAY; no request is lost.
func TestH2Retire(t *testing.T) {
	mux := h2mux()
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	onBoth(t, Config{Handler: mux, MaxRequestsPerConn: 3}, func(t *testing.T, c *http.Client, url string) {
		for range 20 {
			fetch(t, c, "GET", url+"/hello", nil)
		}
		for range 5 {
			fetch(t, c, "GET", url+"/close", nil)
		}
	})
}

func TestH2Hooks(t *testing.T) {
	var mu sync.Mutex
	var log []string
	note := func(s string) { mu.Lock(); log = append(log, s); mu.Unlock() }
	cfg := Config{Handler: h2mux(), Hooks: Hooks{
		OnConnect:    []func(ConnInfo){func(c ConnInfo) { note(fmt.Sprint("connect ", c.ID)) }},
		OnDisconnect: []func(ConnInfo, error){func(c ConnInfo, err error) { note(fmt.Sprint("disconnect ", c.ID)) }},
		OnReceive:    []func(*Exchange){func(x *Exchange) { note("receive " + x.Target) }},
		OnReply:      []func(*Exchange){func(x *Exchange) { note(fmt.Sprint("reply ", x.Status, " ", x.Bytes)) }},
	}}
	s, err := New(cfg)
	require.NoError(t, err)
	addr := onReactor(t, s)
	c := h2client(t)
	_, body := fetch(t, c, "GET", "http://"+addr+"/hello?x", nil)
	c.CloseIdleConnections()
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(log) == 4 }, 30*time.Second, time.Millisecond)
	require.Equal(t, []string{"connect 1", "receive /hello?x", fmt.Sprint("reply 200 ", len(body)), "disconnect 1"}, log)
}

// UpgradeH2C: the request becomes stream 1, its answer comes as HTTP/2.
func TestH2Upgrade(t *testing.T) {
	for _, native := range []bool{false, true} {
		cfg := Config{Handler: h2mux(), UpgradeH2C: true}
		if native {
			cfg.Native = NativeFunc(func(x *Ctx) { _ = x.ReplyString(200, "", "hello native "+string(x.Path())) })
		}
		r := newRig(t, cfg)
		settings := http2.AppendUpgradeSettings(nil, http2.Config{}.Profile())
		r.send("GET /hello HTTP/1.1\r\nHost: a\r\nX-In: 1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: " + string(settings) + "\r\n\r\n")
		r.until("the answer", func() bool { return bytes.Contains(r.wire, []byte("hello")) })
		head, rest, _ := bytes.Cut(r.wire, []byte("\r\n\r\n"))
		require.Contains(t, string(head), "HTTP/1.1 101 ")
		require.Contains(t, string(head), "Upgrade: h2c")
		var c http2.Conn
		require.NoError(t, c.InitUpgraded(http2.Client, nil, nil))
		var ev http2.Event
		var got string
		for {
			n, err := c.Next(rest, &ev)
			require.NoError(t, err)
			rest = rest[n:]
			if ev.Kind == http2.None {
				break
			}
			switch ev.Kind {
			case http2.Response:
				require.Equal(t, uint32(1), ev.Stream)
				require.Equal(t, 200, ev.Status)
			case http2.Data:
				got += string(ev.Data)
			}
		}
		require.Contains(t, got, "hello")
		// The connection goes on: preface, and another request.
		out := c.AppendOwed(nil, 1<<16)
		out, _, err := c.AppendRequest(out, &http2.RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/hello")}, nil, true)
		require.NoError(t, err)
		mark := len(r.wire)
		r.send(string(out))
		r.until("the answer", func() bool { return bytes.Contains(r.wire[mark:], []byte("hello")) })
	}
	// What is not asked for rightly is served as HTTP/1.1; so is everything by default.
	for _, c := range []struct {
		cfg    Config
		fields string
	}{
		{Config{Handler: h2mux()}, "HTTP2-Settings: AAMAAABk\r\n"},
		{Config{Handler: h2mux(), UpgradeH2C: true}, ""},
		{Config{Handler: h2mux(), UpgradeH2C: true}, "HTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n"},
		{Config{Handler: h2mux(), UpgradeH2C: true}, "HTTP2-Settings: !\r\n"},
		{Config{Handler: h2mux(), UpgradeH2C: true}, "HTTP2-Settings: AAMA\r\n"},
	} {
		r := newRig(t, c.cfg)
		r.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + c.fields + "\r\n")
		r.until("the answer", func() bool { return bytes.Contains(r.wire, []byte("hello")) })
		require.Contains(t, string(r.wire), "HTTP/1.1 200 ", "%q", c.fields)
	}
}

// DisableHTTP1: who does not send the preface gets no HTTP/1.1 answer.
func TestH2Only(t *testing.T) {
	r := newRig(t, Config{Handler: h2mux(), DisableHTTP1: true})
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	r.until("the answer", func() bool { return r.closed })
	require.NotContains(t, string(r.wire), "HTTP/1.1")
	onBoth(t, Config{Handler: h2mux(), DisableHTTP1: true}, func(t *testing.T, c *http.Client, url string) {
		_, body := fetch(t, c, "GET", url+"/hello", nil)
		require.Contains(t, body, "hello")
	})
	_, err := New(Config{DisableHTTP1: true, DisableHTTP2: true})
	require.Error(t, err)
	r = newRig(t, Config{Handler: h2mux(), DisableHTTP2: true})
	r.send(http2.ClientPreface)
	r.until("the answer", func() bool { return r.closed })
	require.Contains(t, string(r.wire), "HTTP/1.1 505 ")
}
