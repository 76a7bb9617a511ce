package server

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/http1"
)

func count(s, sub string) int { return strings.Count(s, sub) }

// H1-04. RFC 9112 section 9.3-7: "the server MUST either read the entire request message body or close the connection".
func TestUnreadBodyIsNeverARequest(t *testing.T) {
	evil := "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
	evils := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/evil", func(http.ResponseWriter, *http.Request) { evils++ })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	srv, err := New(Config{Handler: mux})
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(evil))
	req := head + evil
	rounds := 10_000 / 64
	if testing.Short() {
		rounds = 4
	}
	local := srv.NewLocal()
	for cut := range 64 {
		at := len(req) - 64 + cut
		for range rounds {
			r := newRigOn(t, srv)
			r.turn.Local = local
			r.send(req[:at]).send(req[at:] + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
			r.until("two answers", func() bool { return count(string(r.wire), "\r\n\r\nok") == 2 })
			r.end(nil)
		}
	}
	if evils != 0 {
		t.Fatalf("%d requests came out of bodies", evils)
	}
}

// H1-04: an unread body below the limit is dropped, above it the connection closes.
func TestUnreadBodyLimit(t *testing.T) {
	for _, native := range []bool{false, true} {
		cfg := Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })}
		if native {
			cfg.Native = NativeFunc(func(c *Ctx) { _ = c.ReplyString(200, "text/plain", "ok") })
		}
		for _, c := range []struct {
			size  int
			close bool
		}{{256<<10 - 1, false}, {256<<10 + 1, true}} {
			r := newRig(t, cfg)
			r.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", c.size))
			for sent := 0; sent < c.size && !r.closed; {
				n := min(c.size-sent, 8000)
				r.send(strings.Repeat("x", n))
				sent += n
			}
			if c.close {
				r.until("the close", func() bool { return r.closed })
			} else {
				r.idle().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").until("the second answer", func() bool { return count(string(r.wire), "ok") == 2 })
			}
			if got := strings.Contains(string(r.wire), "Connection: close"); got != c.close {
				t.Errorf("native %v, %d bytes: Connection: close is %v", native, c.size, got)
			}
		}
		// A chunked body tells its length too late for the head; then the close alone says it.
		r := newRig(t, cfg)
		r.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		for i := 0; i < 100 && !r.closed; i++ {
			r.send("1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n")
			r.until("the answer", func() bool { return strings.Contains(string(r.wire), "ok") })
		}
		r.until("the close", func() bool { return r.closed })
	}
}

// H1-05. RFC 9110 section 10.1.1: {100 sent, not sent} x {body at once, late, never} x {200, 401, 417}: the second request is
// parsed at the right byte, or the connection is closed.
func TestExpectMatrix(t *testing.T) {
	runs := 0
	for _, read := range []bool{true, false} {
		for _, when := range []string{"at once", "late", "never"} {
			for _, status := range []int{200, 401, 417} {
				runs++
				seen := make(chan string, 8)
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen <- r.URL.Path
					if r.URL.Path == "/first" {
						if read {
							_, _ = io.ReadAll(r.Body)
						}
						w.WriteHeader(status)
					}
				})
				r := newRig(t, Config{Handler: h})
				expect := "100-continue"
				if status == 417 && !read {
					expect = "teapot" // RFC 9110 section 10.1.1-5: an unknown expectation may be answered 417
				}
				body := "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
				next := "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
				head := fmt.Sprintf("POST /first HTTP/1.1\r\nHost: a\r\nExpect: %s\r\nContent-Length: %d\r\n\r\n", expect, len(body))
				switch when {
				case "at once":
					r.send(head + body + next)
				case "late":
					r.send(head)
					if read && expect == "100-continue" {
						r.until("100", func() bool { return strings.HasPrefix(string(r.wire), "HTTP/1.1 100 Continue\r\n\r\n") })
					}
					r.send(body + next)
				case "never":
					r.send(head)
					if read && expect == "100-continue" {
						r.until("100", func() bool { return strings.HasPrefix(string(r.wire), "HTTP/1.1 100 Continue\r\n\r\n") })
						r.sendFIN()
					}
				}
				r.until("the end", func() bool {
					return r.closed || count(string(r.wire), "HTTP/1.1 200") >= 1 && len(r.in) == 0 && r.m.(*conn).st == stHead
				})
				if n := count(string(r.wire), "100 Continue"); n > 1 {
					t.Errorf("%d times 100", n)
				}
				r.end(nil)
				r.goers.Wait()
				close(seen)
				for p := range seen {
					if p == "/evil" {
						t.Errorf("read %v, body %s, %d: the body was taken for a request", read, when, status)
					}
				}
			}
		}
	}
	if runs != 18 {
		t.Fatal(runs)
	}
	// RFC 9110 section 15.2-1: "A server MUST NOT send a 1xx response to an HTTP/1.0 client."
	r := newRig(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) })})
	r.send("POST / HTTP/1.0\r\nContent-Length: 1\r\nX: y\r\n\r\n").send("x").until("the answer", func() bool { return r.closed })
	if strings.Contains(string(r.wire), " 100 ") {
		t.Error("100 to HTTP/1.0")
	}
}

// H1-16: one byte every 9 s does not extend the 10 s of a head.
func TestSlowHead(t *testing.T) {
	r := newRig(t, Config{Native: NativeFunc(func(c *Ctx) {})})
	r.send("G")
	r.pass(9 * time.Second).send("E")
	if r.closed {
		t.Fatal("closed early")
	}
	r.pass(time.Second - 1)
	if r.closed {
		t.Fatal("closed early")
	}
	r.pass(1)
	if !r.closed || !strings.HasPrefix(string(r.wire), "HTTP/1.1 408 ") {
		t.Fatalf("at 10 s: closed %v, %q", r.closed, r.wire)
	}
}

// H1-16: a slow body is told by its rate, and by silence. The twin is as slow as allowed.
func TestSlowBody(t *testing.T) {
	cfg := Config{Native: NativeFunc(func(c *Ctx) {
		c.ReadBody(1<<20, func(c *Ctx, b []byte) { _ = c.ReplyString(200, "", fmt.Sprint(len(b))) })
	}), Deadlines: Deadlines{Handler: -1, Request: -1}}
	head := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
	r := newRig(t, cfg)
	r.send(head)
	for i := 0; i < 60 && !r.closed; i++ {
		r.send("x").pass(time.Second)
		if i < 4 && r.closed {
			t.Fatal("closed within the grace")
		}
	}
	if !r.closed || r.turn.Now.Sub(0)-time.Hour > 6*time.Second || !strings.HasPrefix(string(r.wire), "HTTP/1.1 408 ") {
		t.Fatalf("1 byte/s: closed %v after %v: %q", r.closed, time.Duration(r.turn.Now)-time.Hour, r.wire)
	}
	honest := newRig(t, cfg)
	honest.send(head)
	for range 400 {
		honest.send(strings.Repeat("x", 250)).pass(time.Second)
	}
	if !strings.HasSuffix(string(honest.wire), "100000") {
		t.Fatalf("250 bytes/s: closed %v %q", honest.closed, honest.wire)
	}
}

// H1-16: a peer that reads nothing is the driver's to notice (WriteStall); Deadlines.Write bounds it here.
func TestSlowRead(t *testing.T) {
	r := newRig(t, Config{Native: NativeFunc(func(c *Ctx) { _ = c.ReplyString(200, "", "x") }), Deadlines: Deadlines{Write: 2 * time.Second}})
	r.stall = true
	r.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").pass(2*time.Second - 1)
	if r.closed {
		t.Fatal("early")
	}
	if r.pass(1); !r.abort {
		t.Fatal("a peer that does not read is not dropped")
	}
}

// H1-16: 10,000 slow connections cost at most 2 KiB each and no goroutine.
func TestSlowConnectionsAreSmall(t *testing.T) {
	srv, err := New(Config{Handler: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	rig := newRigOn(t, srv)
	var before, after runtime.MemStats
	goroutines := runtime.NumGoroutine()
	runtime.GC()
	runtime.ReadMemStats(&before)
	conns := make([]*conn, n)
	for i := range conns {
		c := srv.Accept(&rig.turn, rig).(*conn)
		c.Receive(&rig.turn, []byte("GET / HT"), nil)
		conns[i] = c
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	if per > 2048 || runtime.NumGoroutine() > goroutines {
		t.Fatalf("%d bytes and %d goroutines for %d connections", per, runtime.NumGoroutine()-goroutines, n)
	}
	t.Logf("%d bytes per slow connection", per)
	runtime.KeepAlive(conns)
}

// H1-17: a flood of pipelined requests without reading surfaces at most 64 and little output; with reading all are answered.
func TestPipelineFlood(t *testing.T) {
	const n = 100_000
	handled := 0
	srv, err := New(Config{Native: NativeFunc(func(c *Ctx) { handled++; _ = c.ReplyString(200, "text/plain", "Hello, World!") })})
	if err != nil {
		t.Fatal(err)
	}
	one := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	r := newRigOn(t, srv)
	r.stall = true
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	part := strings.Repeat(one, 1000)
	for range n / 1000 {
		if r.m.Status()&1 == 0 { // no WantInput: the driver leaves it in the kernel
			break
		}
		r.send(part)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); handled > 64 || len(r.out) > 256<<10 || grown > 512<<10 {
		t.Fatalf("handled %d, output %d, heap %+d", handled, len(r.out), grown)
	}
	r.stall = false
	r.send("")
	got := count(r.take(), "Hello, World!")
	for handled < n {
		r.send(part)
		got += count(r.take(), "Hello, World!")
	}
	if got != handled {
		t.Fatalf("%d answers to %d requests", got, handled)
	}
	// Finished output is visible although the next request is incomplete.
	p := newRigOn(t, srv)
	if p.send(one + "GET /par"); count(string(p.wire), "Hello") != 1 {
		t.Fatalf("%q", p.wire)
	}
}

// a request followed by FIN is answered, at every cut.
func TestHalfCloseIsAnswered(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	})
	for _, native := range []bool{true, false} {
		cfg := Config{Handler: h}
		if native {
			cfg.Native = NativeFunc(func(c *Ctx) { c.ReadBody(100, func(c *Ctx, b []byte) { _ = c.Reply(200, "", b) }) })
		}
		srv, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		req := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
		for i := range 1000 {
			cut := i % len(req)
			r := newRigOn(t, srv)
			r.send(req[:cut]).send(req[cut:]).sendFIN().until("the close", func() bool { return r.closed })
			if !strings.HasSuffix(string(r.wire), "\r\n\r\nhello") {
				t.Fatalf("run %d: %q", i, r.wire)
			}
		}
	}
}

// a reset at every point of an exchange ends the connection once, without a panic or a goroutine left.
func TestResetAnywhere(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	disconnects := 0
	srv, err := New(Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
			_, _ = w.Write(make([]byte, 200_000))
		}),
		Hooks: Hooks{OnDisconnect: []func(ConnInfo, error){func(ConnInfo, error) { disconnects++ }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n12345678"
	for i := range 64 {
		r := newRigOn(t, srv)
		r.stall = i%2 == 0
		r.send(req[:min(i, len(req))])
		r.end(io.ErrClosedPipe)
		r.goers.Wait()
	}
	if disconnects != 64 {
		t.Fatalf("%d disconnects", disconnects)
	}
	for range 3000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("goroutines left")
}

// H1-04, H1-16: what the decoder refuses is answered with its status and closes; nothing of the request comes back.
func TestRejectEchoesNothing(t *testing.T) {
	for _, expose := range []bool{false, true} {
		r := newRig(t, Config{ExposeErrors: expose})
		r.send("GET /secret HTTP/1.1\r\nHost: a\r\nHost: secret\r\n\r\n")
		if !r.closed || !strings.HasPrefix(string(r.wire), "HTTP/1.1 400 Bad Request\r\n") || strings.Contains(string(r.wire), "secret") {
			t.Errorf("%q", r.wire)
		}
	}
}

// The native path allocates nothing.
func TestNativeAllocatesNothing(t *testing.T) {
	static, err := http1.NewStatic(&http1.ResponseHead{Status: 200, Date: datePlaceholder}, []byte("Hello, World!"))
	if err != nil {
		t.Fatal(err)
	}
	reqs := map[string]string{
		"static": "GET /static HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n",
		"reply":  "GET /reply?x=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n",
		"body":   "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	}
	hello := []byte("Hello, World!")
	onBody := func(c *Ctx, b []byte) { _ = c.Reply(200, "text/plain", b) }
	srv, err := New(Config{Native: NativeFunc(func(c *Ctx) {
		switch string(c.Path()) {
		case "/static":
			c.Static(static)
		case "/body":
			c.ReadBody(100, onBody)
		default:
			if c.Header("user-agent") == nil {
				c.Abort()
			}
			_ = c.Reply(200, "text/plain", hello)
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range reqs {
		r := newRigOn(t, srv)
		in, out := []byte(strings.Repeat(req, 16)), make([]byte, 0, 64<<10)
		allocs := testing.AllocsPerRun(100, func() {
			n, o := r.m.Receive(&r.turn, in, out)
			if n != len(in) || len(o) == 0 {
				t.Fatalf("%s: consumed %d, gave %d", name, n, len(o))
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations per 16 requests", name, allocs)
		}
	}
}
