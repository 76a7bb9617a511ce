//go:build linux

// Command load is the benchmark's generator: one epoll loop on one core that keeps -conns connections busy for a fixed
// time and accounts the server's processor time over exactly that window. It prints one line of JSON.
//
// It checks that every answer begins with the status line of a 200 and has the length of the first one, which it parses
// whole; it does not parse the others, so that it is faster than what it measures.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/bench/internal/proc"
)

// Result is the line of JSON.
type Result struct {
	// Requests were answered within the window; Bytes of answers were received and Sent bytes of requests sent.
	Requests, Bytes, Sent int64
	// Seconds is the length of the window.
	Seconds float64
	// ServerCPU is what the server's processes used in the window, in nanoseconds; User and System are its sampled parts.
	ServerCPU, User, System int64
	// P50 and P99 are the time from sending a batch of requests to having its answers, in microseconds.
	P50, P99 float64
	// Errors counts connections that failed.
	Errors int64
	// RSS is the servers' resident memory at the end, in bytes.
	RSS int64
}

func main() {
	var (
		addr     = flag.String("addr", "127.0.0.1:8080", "address of the server")
		scenario = flag.String("scenario", "plaintext", "plaintext, tfb, pipeline, close, download, upload, tls, or ws and a size such as ws128 or ws16k")
		conns    = flag.Int("conns", 64, "connections")
		depth    = flag.Int("depth", 16, "requests in one batch of scenario pipeline")
		window   = flag.Duration("time", 2*time.Second, "time to measure")
		warm     = flag.Duration("warm", 300*time.Millisecond, "time before that")
		cpu      = flag.Int("cpu", -1, "core to run on, -1 for any")
		pids     = flag.String("pids", "", "processes of the server, with commas between")
	)
	flag.Parse()
	if err := run(*addr, *scenario, *conns, *depth, *cpu, *warm, *window, *pids); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(addr, scenario string, conns, depth, cpu int, warm, window time.Duration, pidList string) error {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if cpu >= 0 {
		if err := proc.Pin(cpu); err != nil {
			return err
		}
	}
	if err := proc.RaiseFiles(); err != nil {
		return err
	}
	var pids []int
	for s := range strings.SplitSeq(pidList, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		pids = append(pids, n)
	}
	var s source
	var err error
	if scenario == "tls" {
		s, err = newSecure(addr, conns)
	} else {
		s, err = newPlain(addr, scenario, conns, depth)
	}
	if err != nil {
		return err
	}
	if err := s.until(time.Now().Add(warm)); err != nil {
		return err
	}
	before, err := proc.ReadCPU(pids)
	if err != nil {
		return err
	}
	s.reset()
	t0 := time.Now()
	if err := s.until(t0.Add(window)); err != nil {
		return err
	}
	took := time.Since(t0)
	after, err := proc.ReadCPU(pids)
	if err != nil {
		return err
	}
	used := after.Sub(before)
	r, lat := s.result()
	r.Seconds = took.Seconds()
	r.ServerCPU, r.User, r.System = int64(used.Total), int64(used.User), int64(used.System)
	r.P50, r.P99 = lat.quantile(0.5), lat.quantile(0.99)
	if r.RSS, err = proc.RSS(pids); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// source is what makes the load.
type source interface {
	// until keeps the connections busy until a time.
	until(end time.Time) error
	// reset forgets what was counted so far.
	reset()
	result() (Result, *histogram)
}

func newPlain(addr, scenario string, conns, depth int) (*generator, error) {
	g, err := newGenerator(addr, scenario, depth)
	if err != nil {
		return nil, err
	}
	for range conns {
		if err := g.open(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *generator) reset() { g.Result, g.lat = Result{}, histogram{} }

func (g *generator) result() (Result, *histogram) { return g.Result, &g.lat }

// requestFor returns the bytes of one request, and whether the connection ends after it.
func requestFor(scenario, addr string) (req []byte, once bool, err error) {
	host := "Host: " + addr + "\r\n"
	switch scenario {
	case "plaintext", "pipeline", "tls":
		return []byte("GET /plaintext HTTP/1.1\r\n" + host + "\r\n"), false, nil
	case "tfb":
		return []byte("GET /plaintext HTTP/1.1\r\n" + host +
			"Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7\r\n" +
			"Connection: keep-alive\r\n\r\n"), false, nil
	case "close":
		return []byte("GET /plaintext HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"), true, nil
	case "download":
		return []byte("GET /1mb HTTP/1.1\r\n" + host + "\r\n"), false, nil
	case "upload":
		body := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
		return append([]byte("POST /upload HTTP/1.1\r\n"+host+"Content-Type: application/octet-stream\r\nContent-Length: "+
			strconv.Itoa(len(body))+"\r\n\r\n"), body...), false, nil
	}
	return nil, false, fmt.Errorf("no scenario %q", scenario)
}

type conn struct {
	want int // bytes of answers still to come
	sent int // bytes of the batch already sent
	at   int64
	fd   int
	out  bool // waits for EPOLLOUT
	half bool // all answers are here, only the FIN is awaited
}

type generator struct {
	Result
	sa     unix.SockaddrInet4
	ep     int
	conns  []*conn // by fd
	req    []byte
	batch  int
	once   bool
	answer int    // length of one answer, 0 until the first
	begins []byte // how every answer begins
	hello  []byte // WebSocket: the handshake of every connection
	buf    []byte
	lat    histogram
	now    int64
	base   time.Time
}

func newGenerator(addr, scenario string, depth int) (*generator, error) {
	g := &generator{batch: 1, buf: make([]byte, 256<<10), base: time.Now()}
	if err := parseAddr(addr, &g.sa); err != nil {
		return nil, err
	}
	var err error
	g.begins = okLine
	if size, ok := messageSize(scenario); ok {
		if err := g.webSocket(addr, size); err != nil {
			return nil, err
		}
		g.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		return g, err
	}
	if g.req, g.once, err = requestFor(scenario, addr); err != nil {
		return nil, err
	}
	if g.answer, err = g.probe(); err != nil {
		return nil, err
	}
	if scenario == "pipeline" {
		g.batch = depth
		g.req = bytes.Repeat(g.req, depth)
	}
	g.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return g, err
}

func parseAddr(addr string, sa *unix.SockaddrInet4) error {
	host, port, ok := strings.Cut(addr, ":")
	n, err := strconv.Atoi(port)
	if !ok || err != nil || host != "127.0.0.1" {
		return fmt.Errorf("address %q is not 127.0.0.1:port", addr)
	}
	sa.Addr, sa.Port = [4]byte{127, 0, 0, 1}, n
	return nil
}

// probe does one request on a blocking socket and returns the length of its answer.
func (g *generator) probe() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	tv := unix.NsecToTimeval(int64(5 * time.Second))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
	if err := proc.Connect(fd, &g.sa); err != nil {
		return 0, fmt.Errorf("connecting: %w", err)
	}
	for p := g.req; len(p) > 0; {
		n, err := unix.Write(fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("sending the probe: %w", err)
		}
		p = p[n:]
	}
	var in []byte
	for {
		n, err := unix.Read(fd, g.buf)
		if err == unix.EINTR {
			continue
		}
		if n == 0 && err == nil {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, fmt.Errorf("reading the probe's answer after %d bytes %.80q: %w", len(in), in, err)
		}
		in = append(in, g.buf[:n]...)
		i := bytes.Index(in, []byte("\r\n\r\n"))
		if i < 0 {
			continue
		}
		if !bytes.HasPrefix(in, okLine) {
			return 0, fmt.Errorf("answer begins with %.40q", in)
		}
		length := -1
		for line := range strings.SplitSeq(string(in[:i]), "\r\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
				if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
					return 0, err
				}
			}
		}
		if length < 0 {
			return 0, fmt.Errorf("answer without Content-Length: %q", in[:i])
		}
		if total := i + 4 + length; len(in) >= total {
			return total, nil
		}
	}
}

var okLine = []byte("HTTP/1.1 200 ")

func (g *generator) open() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	// Loopback completes the handshake at once unless the server's backlog is full.
	if err := proc.Connect(fd, &g.sa); err != nil {
		unix.Close(fd)
		return fmt.Errorf("connecting: %w", err)
	}
	if g.hello != nil {
		if err := g.shake(fd); err != nil {
			unix.Close(fd)
			return err
		}
	}
	unix.SetNonblock(fd, true)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	for fd >= len(g.conns) {
		g.conns = append(g.conns, nil)
	}
	c := &conn{fd: fd}
	g.conns[fd] = c
	if err := unix.EpollCtl(g.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}); err != nil {
		return err
	}
	g.begin(c)
	return nil
}

// reopen replaces a connection that ended.
func (g *generator) reopen(c *conn) error {
	unix.Close(c.fd)
	g.conns[c.fd] = nil
	return g.open()
}

func (g *generator) begin(c *conn) {
	c.want, c.sent, c.at = g.answer*g.batch, 0, int64(time.Since(g.base))
	g.push(c)
}

// push sends what is left of a batch.
func (g *generator) push(c *conn) {
	if n := sysWrite(c.fd, g.req[c.sent:]); n > 0 {
		c.sent += n
		g.Sent += int64(n)
	}
	if blocked := c.sent < len(g.req); blocked != c.out {
		c.out = blocked
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(c.fd)}
		if blocked {
			ev.Events |= unix.EPOLLOUT
		}
		unix.EpollCtl(g.ep, unix.EPOLL_CTL_MOD, c.fd, &ev)
	}
}

// until runs the loop until a time.
func (g *generator) until(end time.Time) error {
	events := make([]unix.EpollEvent, 256)
	for {
		n := sysWait(g.ep, events, 0)
		if n == 0 {
			var err error
			if n, err = unix.EpollWait(g.ep, events, 100); err != nil && err != unix.EINTR {
				return err
			}
		}
		now := time.Now()
		if now.After(end) {
			return nil
		}
		g.now = int64(now.Sub(g.base))
		for i := range max(n, 0) {
			c := g.conns[events[i].Fd]
			if c == nil {
				continue
			}
			if events[i].Events&unix.EPOLLOUT != 0 {
				g.push(c)
			}
			if events[i].Events&^uint32(unix.EPOLLOUT) != 0 {
				if err := g.readable(c); err != nil {
					return err
				}
			}
		}
		if g.Errors > 1000 {
			return fmt.Errorf("%d connections failed", g.Errors)
		}
	}
}

func (g *generator) readable(c *conn) error {
	n := sysRead(c.fd, g.buf)
	switch {
	case n == 0 && c.half:
		return g.reopen(c)
	case n == -int(unix.EAGAIN):
		return nil
	case n <= 0 || n > c.want:
		g.Errors++
		return g.reopen(c)
	}
	if c.want == g.answer*g.batch && (n < len(g.begins) || !bytes.Equal(g.buf[:len(g.begins)], g.begins)) {
		return fmt.Errorf("answer begins with %.40q", g.buf[:n])
	}
	g.Bytes += int64(n)
	if c.want -= n; c.want > 0 {
		return nil
	}
	g.Requests += int64(g.batch)
	g.lat.add(g.now - c.at)
	if g.once {
		// A server that closed at once is seen in the same wake-up.
		c.half = true
		if sysRead(c.fd, g.buf) == 0 {
			return g.reopen(c)
		}
		return nil
	}
	g.begin(c)
	return nil
}
