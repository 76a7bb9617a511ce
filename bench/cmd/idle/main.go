//go:build linux

// Command idle opens many keep-alive connections, does one request on each, and holds them while it reads how much
// resident memory the server's processes have gained. It prints one line of JSON.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/bench/internal/proc"
)

// atOnce is how many connections are being opened at the same time.
const atOnce = 64

// Result is the line of JSON.
type Result struct {
	Conns         int
	Before, After int64   // resident bytes
	PerConn       float64 // bytes
	Alive         int     // connections that answered a second request at the end
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address of the server")
	conns := flag.Int("conns", 10000, "connections")
	settle := flag.Duration("settle", 3*time.Second, "time to rest before each reading")
	secure := flag.Bool("tls", false, "TLS 1.3 instead of plain text")
	ws := flag.Bool("ws", false, "WebSockets: the request is a message of 128 bytes that is echoed")
	h2 := flag.Bool("http2", false, "HTTP/2: prior knowledge, or ALPN with -tls")
	pidList := flag.String("pids", "", "processes of the server, with commas between")
	flag.Parse()
	r, err := run(*addr, *conns, *settle, *pidList, *secure, *ws, *h2)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
}

func run(addr string, conns int, settle time.Duration, pidList string, secure, ws, h2 bool) (r Result, err error) {
	if err := proc.RaiseFiles(); err != nil {
		return r, err
	}
	var pids []int
	for s := range strings.SplitSeq(pidList, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return r, err
		}
		pids = append(pids, n)
	}
	_, port, _ := strings.Cut(addr, ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		return r, err
	}
	open := func() (io.ReadWriteCloser, error) {
		return openPlain(&unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}})
	}
	if secure {
		open = func() (io.ReadWriteCloser, error) { return openSecure(addr, h2) }
	}
	req, end := []byte("GET /plaintext HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"), "\r\n\r\nHello, World!"
	ask := askFor(req, end)
	if h2 {
		ask = askHTTP2
		plain := open
		open = func() (io.ReadWriteCloser, error) {
			c, err := plain()
			if err == nil {
				err = greetHTTP2(c)
			}
			return c, err
		}
	}
	if ws {
		plain := open
		open = func() (io.ReadWriteCloser, error) {
			c, err := plain()
			if err == nil {
				err = askFor([]byte("GET / HTTP/1.1\r\nHost: "+addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), "\r\n\r\n")(c)
			}
			return c, err
		}
		// With a masking key of zeros, what comes back is what went out.
		end = strings.Repeat("x", 128)
		req = []byte("\x81\xfe\x00\x80\x00\x00\x00\x00" + end)
		ask = askFor(req, end)
	}
	// A little traffic first, so that what a server allocates once is not counted as the connections'.
	for range 10 {
		c, err := open()
		if err != nil {
			return r, err
		}
		err = ask(c)
		c.Close()
		if err != nil {
			return r, err
		}
	}
	time.Sleep(settle)
	if r.Before, err = proc.RSS(pids); err != nil {
		return r, err
	}
	all := make([]io.ReadWriteCloser, 0, conns)
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	// Some at a time: on a busy machine every round trip may have to wait its turn.
	type opened struct {
		c   io.ReadWriteCloser
		err error
	}
	news := make(chan opened)
	for left := conns; left > 0; left = conns - len(all) {
		n := min(left, atOnce)
		for range n {
			go func() {
				c, err := open()
				if err == nil {
					err = ask(c)
				}
				news <- opened{c, err}
			}()
		}
		for range n {
			o := <-news
			if o.c != nil {
				all = append(all, o.c)
			}
			if err == nil && o.err != nil {
				err = fmt.Errorf("connection %d: %w", len(all), o.err)
			}
		}
		if err != nil {
			return r, err
		}
	}
	time.Sleep(settle)
	if r.After, err = proc.RSS(pids); err != nil {
		return r, err
	}
	r.Conns = conns
	r.PerConn = float64(r.After-r.Before) / float64(conns)
	for i := 0; i < len(all); i += 100 {
		if ask(all[i]) == nil {
			r.Alive++
		}
	}
	if want := (conns + 99) / 100; r.Alive != want {
		return r, fmt.Errorf("only %d of %d connections were still alive", r.Alive, want)
	}
	return r, nil
}

// raw is a blocking socket: it costs this program nothing but its descriptor.
type raw int

func (fd raw) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (fd raw) Write(p []byte) (int, error) { return unix.Write(int(fd), p) }
func (fd raw) Close() error                { return unix.Close(int(fd)) }

func openSecure(addr string, h2 bool) (io.ReadWriteCloser, error) {
	cfg := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	if h2 {
		cfg.NextProtos = []string{"h2"}
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, cfg)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(2 * time.Minute))
}

func openPlain(sa unix.Sockaddr) (io.ReadWriteCloser, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	tv := unix.NsecToTimeval(int64(5 * time.Second))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	if err := proc.Connect(fd, sa); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return raw(fd), nil
}

// askFor returns a function that sends one request and reads its answer, which has a known end.
func askFor(req []byte, end string) func(io.ReadWriteCloser) error {
	return func(c io.ReadWriteCloser) error {
		if _, err := c.Write(req); err != nil {
			return err
		}
		var in []byte
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return fmt.Errorf("after %d bytes: %w", len(in), err)
			}
			if in = append(in, buf[:n]...); strings.HasSuffix(string(in), end) {
				return nil
			}
		}
	}
}
