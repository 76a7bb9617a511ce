//go:build linux || darwin || freebsd

package server

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// asker sends requests on one connection and reads their answers, allocating nothing: every buffer is
// made once.
type asker struct {
	t   *testing.T
	c   net.Conn
	req []byte
	buf []byte
	// batch is how many requests req holds, length the bytes of their answers together.
	batch, length int
}

// newAsker asks once, to learn how long an answer is, and checks it.
func newAsker(t *testing.T, addr, req, body string, batch int) *asker {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	// No deadline per request: setting one is the client's work, and this one bounds the test.
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	a := &asker{t: t, c: c, req: []byte(req), buf: make([]byte, 64<<10)}
	if _, err := c.Write(a.req); err != nil {
		t.Fatal(err)
	}
	for !bytes.HasSuffix(a.buf[:a.length], []byte("\r\n\r\n"+body)) {
		n, err := c.Read(a.buf[a.length:])
		if err != nil {
			t.Fatalf("%v after %q", err, a.buf[:a.length])
		}
		a.length += n
	}
	if !bytes.HasPrefix(a.buf, []byte("HTTP/1.1 200 OK\r\n")) {
		t.Fatalf("got %q", a.buf[:a.length])
	}
	a.req, a.batch, a.length = bytes.Repeat(a.req, batch), batch, a.length*batch
	return a
}

// ask runs one batch. It allocates nothing unless it fails.
func (a *asker) ask() {
	if _, err := a.c.Write(a.req); err != nil {
		a.t.Fatal(err)
	}
	for got := 0; got < a.length; {
		n, err := a.c.Read(a.buf[got:a.length])
		if err != nil {
			a.t.Fatal(err)
		}
		got += n
	}
	if !bytes.HasPrefix(a.buf, ok200) {
		a.t.Fatalf("got %q", a.buf[:a.length])
	}
}

var ok200 = []byte("HTTP/1.1 200 OK\r\n")

// mallocs returns what the whole process allocates while it asks for n requests.
func (a *asker) mallocs(n int) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n / a.batch {
		a.ask()
	}
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// The native path of the reactor allocates nothing per request from end to end: a real socket, the event loop, the
// decoder, the handler, the encoder, the socket again; alone, pipelined, and with a body in the request.
func TestNativeAllocatesNothingOnReactor(t *testing.T) {
	text, xid := bytes.Repeat([]byte("0123456789"), 100), []byte("X-Id")
	s, err := New(Config{Native: NativeFunc(func(c *Ctx) {
		switch string(c.Path()) {
		case "/hello":
			_ = c.ReplyString(200, "text/plain", "Hello, World!")
		case "/field":
			_ = c.SetField(xid, c.Header("x-id")).Reply(200, "text/plain", text)
		case "/read":
			for {
				if _, state := c.PollBody(); state != BodyReady {
					break
				}
			}
			_ = c.Reply(200, "text/plain", text)
		default:
			_ = c.Error(404)
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	addr := onReactor(t, s)
	// The collector allocates for itself, at times of its own.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, c := range []struct {
		name, req, body string
		batch           int
	}{
		{"string", "GET /hello HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n", "Hello, World!", 1},
		{"pipelined", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "Hello, World!", 16},
		{"field and bytes", "GET /field?a=b HTTP/1.1\r\nHost: a\r\nX-Id: 17\r\n\r\n", string(text), 1},
		{"body", "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", string(text), 1},
		{"chunked body", "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", string(text), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			const requests = 10_000
			a := newAsker(t, addr, c.req, c.body, c.batch)
			a.mallocs(1600) // warm up: pools and lists reach their size
			// The runtime may allocate now and then, for a thread or a timer, on a busy machine more often; an allocation per request, or
			// per batch of 16, would be 625 at least, every time.
			n := a.mallocs(requests)
			for i := 0; i < 5 && n > requests/1000; i++ {
				n = min(n, a.mallocs(requests))
			}
			t.Logf("%d allocations in %d requests", n, requests)
			if n > requests/1000 {
				t.Errorf("%d allocations in %d requests", n, requests)
			}
		})
	}
}

// What TestNativeAllocatesNothingOnReactor counts, it would see: a handler that allocates once is found.
func TestAllocationIsSeen(t *testing.T) {
	var kept []byte
	s, err := New(Config{Native: NativeFunc(func(c *Ctx) {
		kept = fmt.Appendf(nil, "%d bytes", len(c.Target()))
		_ = c.Reply(200, "text/plain", kept)
	})})
	if err != nil {
		t.Fatal(err)
	}
	a := newAsker(t, onReactor(t, s), "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "2 bytes", 1)
	if n := a.mallocs(1000); n < 1000 {
		t.Errorf("%d allocations seen in 1000 requests that allocate", n)
	}
}
