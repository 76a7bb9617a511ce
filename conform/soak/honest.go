package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long an honest request may take in all. None of them needs more than 3 s on an idle machine.
const patience = 60 * time.Second

// honest is a group of clients that do nothing wrong, and check every answer.
type honest struct {
	addr  string
	right atomic.Int64

	mu        sync.Mutex
	wrong     int64
	errors    []string // the first few
	latencies []time.Duration
}

// bad counts one wrong answer.
func (h *honest) bad(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong++
	if len(h.errors) < 10 {
		h.errors = append(h.errors, fmt.Sprintf("%s: %v", what, err))
	}
}

// once asks for /plaintext on a connection of its own.
func (h *honest) once() error {
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	return (&client{h: h, http: &http.Client{Transport: t, Timeout: patience}}).plain("/plaintext")
}

// each sends one request of every sort, so that the server has opened what it opens once: the runtime's own epoll descriptor
// comes with the first timer.
func (h *honest) each() error {
	t := &http.Transport{DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	c := &client{h: h, http: &http.Client{Transport: t, Timeout: patience}, rnd: rand.New(rand.NewPCG(1, 1))}
	return errors.Join(c.plain("/plaintext"), c.plain("/native/plaintext"), c.echo(10, true), c.upload(100_000, false),
		c.bytes(300_000, true), c.events(), c.missing(), c.pipeline())
}

// start runs the clients until ctx ends. A request under way is finished and counts.
func (h *honest) start(ctx context.Context, wg *sync.WaitGroup, seed uint64) {
	for i := range 8 {
		wg.Go(func() {
			t := &http.Transport{DisableKeepAlives: i == 7}
			defer t.CloseIdleConnections()
			c := &client{h: h, http: &http.Client{Transport: t, Timeout: patience}, rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
			for sleep(ctx, time.Duration(c.rnd.IntN(60))*time.Millisecond) {
				c.ask()
			}
		})
	}
	for i, f := range []func(*client) error{(*client).pipeline, (*client).slowUpload, (*client).slowDownload} {
		wg.Go(func() {
			c := &client{h: h, rnd: rand.New(rand.NewPCG(seed, uint64(100+i)))}
			for sleep(ctx, time.Duration(c.rnd.IntN(200))*time.Millisecond) {
				if err := f(c); err != nil {
					h.bad([]string{"pipeline", "slow upload", "slow download"}[i], err)
				} else {
					h.right.Add([]int64{pipelined, 1, 1}[i])
				}
			}
		})
	}
}

// sleep waits for d; false means that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

// client is one honest client.
type client struct {
	h    *honest
	http *http.Client
	rnd  *rand.Rand
}

// ask sends one request of a random sort.
func (c *client) ask() {
	var what string
	var err error
	begun := time.Now()
	switch n := c.rnd.IntN(20); {
	case n < 4:
		what, err = "plaintext", c.plain("/plaintext")
	case n < 8:
		what, err = "native", c.plain("/native/plaintext")
	case n < 12:
		what, err = "echo", c.echo(c.rnd.IntN(2000), n%2 == 0)
	case n < 15:
		what, err = "upload", c.upload(c.rnd.IntN(200_000), n%2 == 0)
	case n < 18:
		what, err = "bytes", c.bytes(c.rnd.IntN(300_000), n%2 == 0)
	case n == 18:
		what, err = "sse", c.events()
	default:
		what, err = "missing", c.missing()
	}
	took := time.Since(begun)
	if err != nil {
		c.h.bad(fmt.Sprintf("%s (after %v)", what, took.Round(time.Millisecond)), err)
		return
	}
	c.h.right.Add(1)
	if what == "plaintext" || what == "native" {
		c.h.mu.Lock()
		if len(c.h.latencies) < 1<<20 {
			c.h.latencies = append(c.h.latencies, took)
		}
		c.h.mu.Unlock()
	}
}

// do sends a request and returns the whole body of an answer that must have the given status.
func (c *client) do(method, path string, status int, body io.Reader) (http.Header, []byte, error) {
	req, err := http.NewRequest(method, "http://"+c.h.addr+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("X-Soak", "honest")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("status %d, want %d", resp.StatusCode, status)
	}
	return resp.Header, b, err
}

func (c *client) plain(path string) error {
	_, b, err := c.do("GET", path, 200, nil)
	if err == nil && string(b) != "Hello, World!" {
		err = fmt.Errorf("got %.100q", b)
	}
	return err
}

func (c *client) missing() error {
	_, _, err := c.do("GET", "/no/such/"+strconv.Itoa(c.rnd.IntN(1000)), 404, nil)
	return err
}

// random returns n letters.
func (c *client) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(c.rnd.IntN(26))
	}
	return b
}

// content makes a request body, of declared length or chunked.
func content(b []byte, chunked bool) io.Reader {
	if chunked {
		return io.MultiReader(bytes.NewReader(b))
	}
	return bytes.NewReader(b)
}

func (c *client) echo(n int, chunked bool) error {
	body := c.random(n + 1)
	target := "/echo?q=" + strconv.Itoa(c.rnd.Int())
	_, b, err := c.do("POST", target, 200, content(body, chunked))
	if err != nil {
		return err
	}
	return isEcho(b, "POST", target, string(body), chunked)
}

// isEcho checks an answer of /echo.
func isEcho(b []byte, method, target, body string, chunked bool) error {
	var e struct {
		Method, Target, Body string
		Chunked              bool
		Fields               http.Header
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("%w in %.100q", err, b)
	}
	if e.Method != method || e.Target != target || e.Body != body || e.Chunked != chunked || e.Fields.Get("X-Soak") != "honest" {
		return fmt.Errorf("sent %s %s (%d bytes, chunked %v), the server saw %.300q", method, target, len(body), chunked, b)
	}
	return nil
}

func (c *client) upload(n int, chunked bool) error {
	body := c.random(n + 1)
	_, b, err := c.do("PUT", "/upload", 200, content(body, chunked))
	if err != nil {
		return err
	}
	return isUpload(b, body)
}

// isUpload checks an answer of /upload.
func isUpload(b, body []byte) error {
	sum := sha256.Sum256(body)
	var u struct {
		Bytes  int
		SHA256 string
	}
	if err := json.Unmarshal(b, &u); err != nil {
		return fmt.Errorf("%w in %.100q", err, b)
	}
	if u.Bytes != len(body) || u.SHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("sent %d bytes, the server saw %s", len(body), b)
	}
	return nil
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"

// isBytes checks a body of /bytes/n.
func isBytes(b []byte, n int) error {
	if len(b) != n {
		return fmt.Errorf("%d bytes, want %d", len(b), n)
	}
	for i, x := range b {
		if x != alphabet[i%len(alphabet)] {
			return fmt.Errorf("byte %d is %q", i, x)
		}
	}
	return nil
}

func (c *client) bytes(n int, chunked bool) error {
	path := "/bytes/" + strconv.Itoa(n)
	if chunked {
		path += "?chunked"
	}
	if c.rnd.IntN(4) == 0 {
		head, b, err := c.do("HEAD", path, 200, nil)
		if err == nil && (len(b) > 0 || !chunked && head.Get("Content-Length") != strconv.Itoa(n)) {
			err = fmt.Errorf("HEAD has %d bytes, fields %v", len(b), head)
		}
		return err
	}
	_, b, err := c.do("GET", path, 200, nil)
	if err != nil {
		return err
	}
	return isBytes(b, n)
}

func (c *client) events() error {
	_, b, err := c.do("GET", "/sse?every=10ms&count=3", 200, nil)
	if err == nil && strings.Count(string(b), "event: tick\n") != 3 {
		err = fmt.Errorf("got %.300q", b)
	}
	return err
}

// pipelined is how many requests pipeline sends at once.
const pipelined = 12

// dial connects and bounds what follows by patience.
func (c *client) dial() (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", c.h.addr, patience)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), conn.SetDeadline(time.Now().Add(patience))
}

// pipeline sends several requests before it reads, then half-closes: every answer must come, in order, and then the end.
func (c *client) pipeline() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	var out bytes.Buffer
	var targets []string
	for i := range pipelined {
		targets = append(targets, fmt.Sprintf("/echo?%d.%d", i, c.rnd.Int()))
		fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: a\r\nX-Soak: honest\r\nContent-Length: %d\r\n\r\n%s", targets[i], len(targets[i]), targets[i])
	}
	for b := out.Bytes(); len(b) > 0; {
		n := min(len(b), 1+c.rnd.IntN(1000))
		if _, err := conn.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	for i, target := range targets {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("answer %d: status %d, %v", i, resp.StatusCode, err)
		}
		if err := isEcho(b, "POST", target, target, false); err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
	}
	if b, err := in.ReadByte(); err != io.EOF {
		return fmt.Errorf("behind the last answer: byte %q, %v", b, err)
	}
	return nil
}

// slowUpload sends 8 KiB in small pieces within two seconds: slow, but above every minimum.
func (c *client) slowUpload() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	body := c.random(8 << 10)
	fmt.Fprintf(conn, "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(body))
	for b := body; len(b) > 0; b = b[512:] {
		time.Sleep(time.Duration(c.rnd.IntN(250)) * time.Millisecond)
		if _, err := conn.Write(b[:512]); err != nil {
			return err
		}
	}
	return c.answered(conn, func(b []byte) error { return isUpload(b, body) })
}

// slowDownload reads 4 MiB with pauses: the server's output waits for it.
func (c *client) slowDownload() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	const n = 4 << 20
	fmt.Fprintf(conn, "GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n", n)
	return c.answered(&hesitant{conn, c.rnd}, func(b []byte) error { return isBytes(b, n) })
}

// hesitant reads with pauses.
type hesitant struct {
	io.Reader
	rnd *rand.Rand
}

func (h *hesitant) Read(p []byte) (int, error) {
	time.Sleep(time.Duration(h.rnd.IntN(40)) * time.Millisecond)
	return h.Reader.Read(p)
}

// answered reads one answer of status 200 and gives its body to check.
func (c *client) answered(r io.Reader, check func(b []byte) error) error {
	resp, err := http.ReadResponse(bufio.NewReaderSize(r, 64<<10), nil)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return check(b)
}
