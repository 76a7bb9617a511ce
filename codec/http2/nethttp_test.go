package http2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// echo is a server application: it answers each request with the hash of its content in a trailer, and with as much content
// as the path asks for.
type echo struct {
	c     Conn
	out   []byte
	tasks map[uint32]*echoTask
}

type echoTask struct {
	hash [32]byte
	got  []byte
	left int
}

func (e *echo) event(ev *Event) {
	task := e.tasks[ev.Stream]
	switch ev.Kind {
	case Request:
		task = &echoTask{}
		task.left, _ = strconv.Atoi(string(ev.Path[1:]))
		e.tasks[ev.Stream] = task
	case Data:
		task.got = append(task.got, ev.Data...)
		e.c.Consumed(ev.Stream, len(ev.Data))
	case Trailers:
		for _, f := range ev.Fields {
			task.got = append(task.got, f.Value...)
		}
	case StreamReset, StreamError:
		delete(e.tasks, ev.Stream)
		e.c.Release(ev.Stream)
		return
	default:
		return
	}
	if ev.EndStream {
		task.hash = sha256.Sum256(task.got)
		e.out, _ = e.c.AppendInformational(e.out, ev.Stream, 103, []codec.Field{field("link", "</x>")})
		e.out, _ = e.c.AppendResponse(e.out, ev.Stream, 200, []codec.Field{field("trailer", "hash"), field("x-size", strconv.Itoa(task.left))}, false)
		if task.left == 0 {
			e.trail(ev.Stream, task)
		} else {
			e.c.Ready(ev.Stream, true)
		}
	}
}

func (e *echo) trail(id uint32, task *echoTask) {
	e.out, _ = e.c.AppendTrailers(e.out, id, []codec.Field{field("hash", fmt.Sprintf("%x", task.hash))})
	delete(e.tasks, id)
}

func (e *echo) pump() {
	chunk := bytes.Repeat([]byte("purewire"), 8192)
	for len(e.out) < 1<<20 {
		id, _, n := e.c.NextWritable()
		if n == 0 {
			return
		}
		task := e.tasks[id]
		e.out, n, _ = e.c.AppendData(e.out, id, chunk[:min(len(chunk), task.left)], false)
		if task.left -= n; task.left == 0 {
			e.trail(id, task)
		}
	}
}

// run drives a Conn over nc until the connection ends: event for each event, pump at the end of each turn.
func run(c *Conn, nc net.Conn, out *[]byte, start time.Time, event func(ev *Event), pump func(), lock *sync.Mutex, wake chan struct{}) error {
	var ev Event
	buf, w := make([]byte, 1<<17), 0
	reads := make(chan int)
	again := make(chan int)
	go func() {
		defer close(reads)
		for from := range again {
			n, err := nc.Read(buf[from:])
			if err != nil {
				return
			}
			reads <- n
		}
	}()
	defer nc.Close()
	defer close(again)
	again <- 0
	for {
		lock.Lock()
		pump()
		*out = c.AppendOwed(*out, 1<<20)
		b := append([]byte(nil), *out...)
		*out = (*out)[:0]
		done := c.Done()
		lock.Unlock()
		if len(b) > 0 {
			if _, err := nc.Write(b); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		select {
		case <-wake:
			continue
		case n, more := <-reads:
			if !more {
				return io.EOF
			}
			w += n
		}
		lock.Lock()
		c.Advance(codec.Time(time.Since(start)) + 1)
		r := 0
		for {
			n, err := c.Next(buf[r:w], &ev)
			r += n
			if err != nil {
				nc.Write(c.AppendOwed(nil, 1<<20))
				lock.Unlock()
				return err
			}
			if ev.Kind == None {
				break
			}
			event(&ev)
		}
		lock.Unlock()
		w = copy(buf, buf[r:w])
		again <- w
	}
}

// loopback returns both ends of a TCP connection.
func loopback(t *testing.T) (a, b net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{a, b} {
		c.SetDeadline(time.Now().Add(5 * time.Minute))
		t.Cleanup(func() { c.Close() })
	}
	return a, b
}

// TestServeNetHTTP: the client of net/http talks to a Conn: uploads and downloads beyond the windows, many at once, trailers in both
// directions, 1xx, cancels, and an orderly end.
func TestServeNetHTTP(t *testing.T) {
	a, b := loopback(t)
	e := &echo{tasks: map[uint32]*echoTask{}}
	e.c.Init(Server, Config{Limits: Limits{Streams: 16}, Window: WindowPolicy{Stream: 20000, Conn: 65535, Max: 1 << 20}}.Profile())
	var lock sync.Mutex
	wake := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() { ended <- run(&e.c, b, &e.out, time.Now(), e.event, e.pump, &lock, wake) }()

	dials := make(chan net.Conn, 1)
	dials <- a
	// There is no second connection. The transport asks for one if a request comes before the first is in its pool, where its dialer's
	// goroutine puts it after it has been used already; who waits for the dial then gets the first.
	over := make(chan struct{})
	defer close(over)
	tr := &http.Transport{Protocols: cleartext(), DialContext: func(context.Context, string, string) (net.Conn, error) {
		select {
		case c := <-dials:
			return c, nil
		case <-over:
			return nil, errors.New("second connection")
		}
	}}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	exchange := func(up, down int) error {
		body := bytes.Repeat([]byte{byte(up)}, up)
		req, _ := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("http://a.test/%d", down), bytes.NewReader(body))
		if up%2 == 1 { // of unknown length, with a trailer
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
			req.Trailer = http.Header{"More": {"tail"}}
			body = append(body, "tail"...)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || int(n) != down || resp.StatusCode != 200 {
			return fmt.Errorf("%d of %d octets: %v", n, down, err)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(body)); resp.Trailer.Get("Hash") != want {
			return fmt.Errorf("hash %q, want %q", resp.Trailer.Get("Hash"), want)
		}
		return nil
	}
	if err := exchange(3, 3); err != nil { // all others use the same connection
		t.Fatal(err)
	}
	// Fewer at once than the server allows, those included whose cancellation it has not confirmed yet: the transport would open a second
	// connection instead of waiting.
	turn := make(chan struct{}, 6)
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for i := range 40 {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if err := exchange(i*i*97, i*i*211); err != nil {
				errs <- fmt.Errorf("exchange %d: %w", i, err)
			}
		})
	}
	for range 5 { // cancelled in the middle
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			ctx, cancel := context.WithCancel(ctx)
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://a.test/100000000", nil)
			resp, err := tr.RoundTrip(req)
			if err != nil {
				errs <- err
				cancel()
				return
			}
			io.CopyN(io.Discard, resp.Body, 100000)
			cancel()
			resp.Body.Close()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if err := exchange(5, 5); err != nil {
		t.Error(err)
	}
	lock.Lock()
	e.c.Shutdown()
	lock.Unlock()
	wake <- struct{}{}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(e.tasks) != 0 || e.c.recvWin.held != 0 {
		t.Errorf("%d tasks left, %+v", len(e.tasks), e.c.recvWin)
	}
}

// TestAskNetHTTP: a Conn in the client role talks to the server of net/http.
func TestAskNetHTTP(t *testing.T) {
	a, b := loopback(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Trailer", "Hash")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(200)
		n, _ := strconv.Atoi(r.URL.Path[1:])
		w.Write(make([]byte, n))
		w.Header().Set("Hash", fmt.Sprintf("%x", sha256.Sum256(body)))
	})
	srv := &http.Server{Handler: handler, Protocols: cleartext(), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 10}}
	l := &oneListener{conns: make(chan net.Conn, 1), addr: b.LocalAddr()}
	l.conns <- b
	go srv.Serve(l)
	defer srv.Close()
	type ask struct {
		up   []byte
		sent int
		down int
		got  int
		hash string
	}
	var c Conn
	c.Init(Client, Config{Window: WindowPolicy{Stream: 30000, Conn: 100000}}.Profile())
	var out []byte
	asks := map[uint32]*ask{}
	done, early := 0, 0
	const total = 60
	var waiting []*ask
	for i := range total {
		waiting = append(waiting, &ask{up: bytes.Repeat([]byte{byte(i)}, i*i*50), down: i * i * 70})
	}
	event := func(ev *Event) {
		k := asks[ev.Stream]
		switch ev.Kind {
		case Informational:
			early++
		case Response:
			if ev.Status != 200 {
				t.Errorf("stream %d: %d", ev.Stream, ev.Status)
			}
		case Data:
			k.got += len(ev.Data)
			c.Consumed(ev.Stream, len(ev.Data))
		case Trailers:
			k.hash = string(ev.Fields[0].Value)
		case StreamReset, StreamError:
			c.Release(ev.Stream)
			if !ev.Retry {
				t.Errorf("stream %d: %v %s", ev.Stream, ev.Code, ev.Reason)
				done++
			}
			waiting = append(waiting, k) // before its SETTINGS had come, the server allowed less than was hoped for
			return
		}
		if k != nil && ev.EndStream {
			if want := fmt.Sprintf("%x", sha256.Sum256(k.up)); k.got != k.down || k.hash != want {
				t.Errorf("stream %d: %d of %d octets, hash %q", ev.Stream, k.got, k.down, k.hash)
			}
			done++
		}
	}
	pump := func() {
		for len(waiting) > 0 && c.OpenBlocked() == NotBlocked {
			k := waiting[0]
			waiting, k.sent = waiting[1:], 0
			var id uint32
			var err error
			out, id, err = c.AppendRequest(out, &RequestHead{Method: []byte("POST"), Scheme: []byte("http"), Authority: []byte("a.test"), Path: fmt.Appendf(nil, "/%d", k.down)}, nil, len(k.up) == 0)
			if err != nil {
				t.Error(err)
				return
			}
			asks[id] = k
			if len(k.up) > 0 {
				c.Ready(id, true)
			}
		}
		for len(out) < 1<<20 {
			id, _, n := c.NextWritable()
			if n == 0 {
				break
			}
			k := asks[id]
			out, n, _ = c.AppendData(out, id, k.up[k.sent:], true)
			k.sent += n
		}
		if done == total {
			c.Shutdown()
		}
	}
	if err := run(&c, a, &out, time.Now(), event, pump, new(sync.Mutex), nil); err != nil {
		t.Error(err)
	}
	if done != total || early != total || c.Streams() != 0 || c.recvWin.held != 0 {
		t.Errorf("%d of %d done, %d early hints, %d streams", done, total, early, c.Streams())
	}
}

// cleartext is HTTP/2 with prior knowledge.
func cleartext() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// oneListener gives a server one connection.
type oneListener struct {
	conns chan net.Conn
	addr  net.Addr
	once  sync.Once
}

func (l *oneListener) Accept() (net.Conn, error) {
	if c, more := <-l.conns; more {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneListener) Close() error   { l.once.Do(func() { close(l.conns) }); return nil }
func (l *oneListener) Addr() net.Addr { return l.addr }
