package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

// engines runs fn against a server for h on both drivers.
func engines(t *testing.T, cfg Config, fn func(t *testing.T, addr string)) {
	t.Helper()
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, addr := range equalServers(t, srv) {
		t.Run(name, func(t *testing.T) { fn(t, addr) })
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { c.Close() })
	return c
}

// H117, SV31: a hijacked connection carries on at the right byte, with deadlines, from several goroutines.
func TestHijack(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("write after hijack: %v", err)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
		echo := func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}
		switch r.URL.Path {
		case "/inside":
			echo()
		case "/outside":
			go echo()
		case "/both":
			done := make(chan struct{})
			go func() { defer close(done); echo() }()
			<-done
		case "/deadline":
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			b := make([]byte, 10)
			_, _ = io.ReadFull(c, b[:5])
			_, err := c.Read(b)
			fmt.Fprint(c, errors.Is(err, os.ErrDeadlineExceeded))
		}
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		for _, path := range []string{"/inside", "/outside", "/both", "/deadline"} {
			c := dial(t, addr)
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst", path)
			br := bufio.NewReader(c)
			resp, err := http.ReadResponse(br, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatal(path, err)
			}
			want := "firstsecond"
			if path == "/deadline" {
				want = "true"
			} else {
				got := make([]byte, 5)
				if _, err := io.ReadFull(br, got); err != nil || string(got) != "first" {
					t.Fatal(path, err, string(got))
				}
				big := bytes.Repeat([]byte("z"), 300_000)
				go func() { _, _ = c.Write(big); _ = c.(*net.TCPConn).CloseWrite() }()
				want = string(big)
			}
			rest, err := io.ReadAll(br)
			if err != nil || string(rest) != want {
				t.Fatalf("%s: %v, %d bytes %.40q", path, err, len(rest), rest)
			}
		}
	})
}

// RE09: the context ends when the peer leaves, with a typed cause; derived contexts and Cause work.
func TestContextCause(t *testing.T) {
	got := make(chan error, 4)
	begun := make(chan struct{}, 4)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		if _, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); !ok {
			t.Error("no local address")
		}
		if _, ok := r.Context().Value(http.ServerContextKey).(*http.Server); !ok {
			t.Error("no server")
		}
		begun <- struct{}{}
		<-ctx.Done()
		got <- context.Cause(ctx)
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		c := dial(t, addr)
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-begun
		c.Close()
		select {
		case err := <-got:
			if !errors.Is(err, ErrPeerClosed) {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the context did not end")
		}
	})
	for want, end := range map[error]func(r *rig){
		ErrShutdown: func(r *rig) { r.end(drivers.ErrClosed) },
		ErrTimeout:  func(r *rig) { r.pass(30 * time.Second) },
	} {
		r := newRig(t, Config{Handler: h})
		r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-begun
		end(r)
		if err := <-got; !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// SV14: a handler that does not begin its response in time is answered for; later writes fail.
func TestHandlerDeadline(t *testing.T) {
	release, result := make(chan struct{}), make(chan error, 1)
	r := newRig(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		_, err := w.Write(make([]byte, 5000))
		result <- err
	})})
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").pass(30*time.Second - 1)
	if r.closed {
		t.Fatal("early")
	}
	r.pass(1)
	if !r.closed || !strings.HasPrefix(string(r.wire), "HTTP/1.1 503 ") {
		t.Fatalf("closed %v %q", r.closed, r.wire)
	}
	close(release)
	if err := <-result; !errors.Is(err, http.ErrHandlerTimeout) {
		t.Fatal(err)
	}
}

// SV18: panics are contained.
func TestPanics(t *testing.T) {
	var seen atomic.Int32
	cfg := Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				_, _ = w.Write(make([]byte, 5000))
			}
			w.Header().Set("X-Secret", "1")
			panic("boom")
		}),
		Hooks: Hooks{OnError: []func(*Exchange, error){func(_ *Exchange, err error) {
			var p *PanicError
			if errors.As(err, &p) && p.Value == "boom" && len(p.Stack) > 0 {
				seen.Add(1)
			}
		}}},
	}
	r := newRig(t, cfg)
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").until("the close", func() bool { return r.closed })
	if s := string(r.wire); !strings.HasPrefix(s, "HTTP/1.1 500 ") || strings.Contains(s, "Secret") || strings.Contains(s, "boom") {
		t.Errorf("%q", s)
	}
	r = newRig(t, cfg)
	r.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n").until("the abort", func() bool { return r.abort })
	cfg.Native = NativeFunc(func(c *Ctx) {
		_ = c.ReplyString(200, "text/plain", "half")
		panic("boom")
	})
	r = newRig(t, cfg)
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !r.abort {
		t.Error("a native panic behind an answer does not drop the connection")
	}
	cfg.Native = NativeFunc(func(c *Ctx) { panic("boom") })
	r = newRig(t, cfg)
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !r.closed || !strings.HasPrefix(string(r.wire), "HTTP/1.1 500 ") {
		t.Errorf("%q", r.wire)
	}
	if seen.Load() != 4 {
		t.Errorf("%d panics reported", seen.Load())
	}
}

// H116: 100 (Continue) is sent by the first read; a body read late, in pieces, with back-pressure arrives whole.
func TestUploadAndDownload(t *testing.T) {
	const size = 3 << 20
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond)
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Got", fmt.Sprint(n))
		big := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		_, _ = w.Write(big[:100_000])
		_, _ = w.Write(big[100_000:200_000])
		_, _ = io.Copy(w, bytes.NewReader(big[200_000:]))
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		tr := &http.Transport{ExpectContinueTimeout: time.Minute}
		defer tr.CloseIdleConnections()
		for i := range 4 {
			body := io.Reader(bytes.NewReader(make([]byte, size)))
			if i%2 == 1 {
				body = io.MultiReader(body) // chunked
			}
			req, _ := http.NewRequest("POST", "http://"+addr, body)
			if i > 1 {
				req.Header.Set("Expect", "100-continue")
			}
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(b) != size || resp.Header.Get("X-Got") != fmt.Sprint(size) {
				t.Fatal(i, err, len(b), resp.Header)
			}
		}
	})
}

// Full duplex: a handler answers piece by piece while the body is still coming.
func TestFullDuplex(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		br := bufio.NewReader(r.Body)
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "got "+line)
			w.(http.Flusher).Flush()
		}
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		pr, pw := io.Pipe()
		req, _ := http.NewRequest("POST", "http://"+addr, pr)
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		go func() { _, _ = io.WriteString(pw, "one\n") }()
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		br := bufio.NewReader(resp.Body)
		for _, s := range []string{"one", "two", "three"} {
			if s != "one" {
				go func() { _, _ = io.WriteString(pw, s+"\n") }()
			}
			line, err := br.ReadString('\n')
			if err != nil || line != "got "+s+"\n" {
				t.Fatal(err, line)
			}
		}
		pw.Close()
		if _, err := br.ReadByte(); err != io.EOF {
			t.Fatal(err)
		}
	})
}

// SV14: ResponseController deadlines.
func TestControllerDeadlines(t *testing.T) {
	got := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		_, err := io.ReadAll(r.Body)
		got <- err
	})
	engines(t, Config{Handler: h}, func(t *testing.T, addr string) {
		c := dial(t, addr)
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
		if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(b), "Connection: close") {
			t.Fatalf("%v %q", err, b)
		}
	})
}

// SV12: Drain closes idle connections, lets requests finish, and says close.
func TestDrain(t *testing.T) {
	release := make(chan struct{})
	cfg := Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release })}
	r := newRig(t, cfg)
	r.m.(drivers.Drainer).Drain(&r.turn)
	if r.settle(); !r.closed {
		t.Fatal("an idle connection stays")
	}
	r = newRig(t, cfg)
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	d := r.m.(drivers.Drainer)
	if d.Drain(&r.turn); !d.InFlight() || r.closed {
		t.Fatal("a request in flight is not counted")
	}
	close(release)
	r.until("the close", func() bool { return r.closed })
	if !strings.Contains(string(r.wire), "Connection: close") {
		t.Fatalf("%q", r.wire)
	}
}

// SV16: requests beyond MaxInFlight are shed with 503 and Retry-After, and the connection stays.
func TestShed(t *testing.T) {
	release := make(chan struct{})
	srv, err := New(Config{MaxInFlight: 1, RetryAfter: 1500 * time.Millisecond,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release })})
	if err != nil {
		t.Fatal(err)
	}
	a, b := newRigOn(t, srv), newRigOn(t, srv)
	a.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	b.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if s := b.take(); !strings.HasPrefix(s, "HTTP/1.1 503 ") || !strings.Contains(s, "Retry-After: 2\r\n") || b.closed {
		t.Fatalf("%q", s)
	}
	close(release)
	a.idle()
	if srv.InFlight() != 0 {
		t.Fatal(srv.InFlight())
	}
	b.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").idle()
	if s := b.take(); !strings.HasPrefix(s, "HTTP/1.1 200 ") {
		t.Fatalf("%q", s)
	}
}

// A handler that is too slow is answered for, but it still runs and still counts.
func TestShedBehindSlowHandler(t *testing.T) {
	release := make(chan struct{})
	srv, err := New(Config{MaxInFlight: 1, Deadlines: Deadlines{Handler: time.Second},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release })})
	if err != nil {
		t.Fatal(err)
	}
	a, b := newRigOn(t, srv), newRigOn(t, srv)
	a.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").pass(time.Second)
	if s := a.take(); !strings.HasPrefix(s, "HTTP/1.1 503 ") {
		t.Fatalf("%q", s)
	}
	b.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if s := b.take(); !strings.HasPrefix(s, "HTTP/1.1 503 ") || srv.InFlight() != 1 {
		t.Fatalf("%q, %d in flight", s, srv.InFlight())
	}
	close(release)
	a.until("the slow handler to return", func() bool { return srv.InFlight() == 0 })
	b.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").idle()
	if s := b.take(); !strings.HasPrefix(s, "HTTP/1.1 200 ") {
		t.Fatalf("%q", s)
	}
}

// H114: the request limit closes with Connection: close on the last response.
func TestMaxRequests(t *testing.T) {
	for _, native := range []bool{true, false} {
		cfg := Config{MaxRequestsPerConn: 3, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})}
		if native {
			cfg.Native = NativeFunc(func(c *Ctx) {})
		}
		r := newRig(t, cfg)
		r.send(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5)).until("the close", func() bool { return r.closed })
		s := string(r.wire)
		if count(s, "HTTP/1.1 200") != 3 || count(s, "Connection: close") != 1 {
			t.Errorf("native %v: %q", native, s)
		}
	}
}

// SV14: idle connections and silent new ones are closed without a word.
func TestIdleAndFirstByte(t *testing.T) {
	cfg := Config{Native: NativeFunc(func(c *Ctx) {})}
	r := newRig(t, cfg)
	if r.pass(10*time.Second - 1); r.closed {
		t.Fatal("early")
	}
	if r.pass(1); !r.closed || len(r.wire) != 0 {
		t.Fatalf("%v %q", r.closed, r.wire)
	}
	r = newRig(t, cfg)
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").take()
	if r.pass(60*time.Second - 1); r.closed {
		t.Fatal("early")
	}
	if r.pass(1); !r.closed || len(r.wire) != 0 {
		t.Fatalf("%v %q", r.closed, r.wire)
	}
	// SV21: Blade's preset drops after 2000 ms.
	cfg.Deadlines = BladeDefaults()
	r = newRig(t, cfg)
	if r.send("G").pass(2000*time.Millisecond - 1); r.closed {
		t.Fatal("early")
	}
	if r.pass(1); !r.closed {
		t.Fatal("not dropped")
	}
	if err := (&Config{Deadlines: Deadlines{Request: time.Second}}).Validate(); err == nil {
		t.Fatal("Request shorter than Handler is accepted")
	}
}

// SV20: each hook may be set several times; they run in order.
func TestHooks(t *testing.T) {
	var log []string
	note := func(s string) { log = append(log, s) }
	hooks := Hooks{
		OnConnect:    []func(ConnInfo){func(ConnInfo) { note("c1") }, func(c ConnInfo) { note("c2 " + c.Remote.String()) }},
		OnDisconnect: []func(ConnInfo, error){func(ConnInfo, error) { note("d1") }, func(ConnInfo, error) { note("d2") }},
		OnReceive:    []func(*Exchange){func(x *Exchange) { note("r " + x.Method + " " + x.Target) }},
		OnReply:      []func(*Exchange){func(x *Exchange) { note(fmt.Sprint("a ", x.Status, " ", x.Bytes, " ", x.Request != nil)) }},
	}
	want := "c1,c2 198.51.100.7:4711,r GET /x,a 404 5 %v,d1,d2"
	for _, native := range []bool{false, true} {
		log = nil
		cfg := Config{Hooks: hooks, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			_, _ = io.WriteString(w, "hello")
		})}
		if native {
			cfg.Native = NativeFunc(func(c *Ctx) { _ = c.ReplyString(404, "", "hello") })
		}
		r := newRig(t, cfg)
		r.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").idle().sendFIN().until("the close", func() bool { return r.closed })
		if got := strings.Join(log, ","); got != fmt.Sprintf(want, !native) {
			t.Errorf("%s", got)
		}
	}
	if _, err := New(Config{Hooks: Hooks{OnError: []func(*Exchange, error){nil}}}); err == nil {
		t.Error("a nil hook is accepted")
	}
}

// SV10, SV17: errors of a HandlerE become sanitised answers.
func TestHandlerE(t *testing.T) {
	for _, expose := range []bool{false, true} {
		var seen error
		cfg := Config{ExposeErrors: expose,
			Hooks: Hooks{OnError: []func(*Exchange, error){func(_ *Exchange, err error) { seen = err }}},
			Handler: HandlerE(func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("X-Half", "1")
				return fmt.Errorf("wrapped: %w", &StatusError{Status: 422, Err: errors.New("secret")})
			})}
		r := newRig(t, cfg)
		r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").idle()
		s := string(r.wire)
		if !strings.HasPrefix(s, "HTTP/1.1 422 ") || strings.Contains(s, "X-Half") || strings.Contains(s, "secret") != expose || seen == nil {
			t.Errorf("expose %v: %q, %v", expose, s, seen)
		}
	}
	for err, want := range map[error]int{&http.MaxBytesError{}: 413, context.DeadlineExceeded: 504, io.ErrUnexpectedEOF: 400, errors.New("x"): 500,
		&StatusError{Status: 200}: 500, ErrPeerClosed: 499} {
		if got := StatusOf(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

// SV24: only trusted proxies are believed, from right to left.
func TestRealIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct{ peer, xff, fwd, xfh, wantAddr, wantHost string }{
		{"10.0.0.1:5", "1.1.1.1", "", "pub.example, other", "1.1.1.1:0", "pub.example"},
		{"10.0.0.1:5", "6.6.6.6, 1.1.1.1, 10.2.2.2", "", "", "1.1.1.1:0", "orig"},
		{"9.9.9.9:5", "1.1.1.1", "", "evil", "9.9.9.9:5", "orig"},
		{"10.0.0.1:5", "1.1.1.1, bogus", "", "", "10.0.0.1:5", "orig"},
		{"10.0.0.1:5", "", `for="[2001:4860::1]:99";host=h.example`, "ignored", "[2001:4860::1]:99", "h.example"},
		{"10.0.0.1:5", "", `for=6.6.6.6;host=evil, for="1.1.1.1:7";host="a,b", for=10.1.1.1;host=x`, "", "1.1.1.1:7", "orig"},
		{"10.0.0.1:5", "", `for=_hidden`, "", "10.0.0.1:5", "orig"},
		{"10.0.0.1:5", "1.1.1.1", "", "a b", "1.1.1.1:0", "orig"},
		{"[2001:db8::9]:5", "::ffff:1.1.1.1", "", "", "1.1.1.1:0", "orig"},
		{"junk", "1.1.1.1", "", "", "junk", "orig"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = c.peer, "orig"
		for k, v := range map[string]string{"X-Forwarded-For": c.xff, "Forwarded": c.fwd, "X-Forwarded-Host": c.xfh} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		RealIP(trusted)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != c.wantAddr || r.Host != c.wantHost {
				t.Errorf("%+v: got %s %s", c, r.RemoteAddr, r.Host)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// tlsRig is a link that speaks TLS.
type tlsRig struct{ *rig }

func (tlsRig) ConnectionState() *tls.ConnectionState {
	return &tls.ConnectionState{ServerName: "sni.example"}
}

// SV19: the TLS state of a link that has one is on the request, and the peer's address always is.
func TestRequestTLS(t *testing.T) {
	r := newRig(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RemoteAddr, " ")
		if r.TLS != nil {
			fmt.Fprint(w, r.TLS.ServerName)
		}
	})})
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").idle()
	if s := r.take(); !strings.HasSuffix(s, "\r\n\r\n198.51.100.7:4711 ") {
		t.Fatalf("%q", s)
	}
	r.m.Closed(nil)
	r.m = r.srv.Accept(&r.turn, tlsRig{r})
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").idle()
	if s := r.take(); !strings.HasSuffix(s, "198.51.100.7:4711 sni.example") {
		t.Fatalf("%q", s)
	}
}
