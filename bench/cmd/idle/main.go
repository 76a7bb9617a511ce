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
	pidList := flag.String("pids", "", "processes of the server, with commas between")
	flag.Parse()
	r, err := run(*addr, *conns, *settle, *pidList, *secure, *ws)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
}

func run(addr string, conns int, settle time.Duration, pidList string, secure, ws bool) (r Result, err error) {
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
		open = func() (io.ReadWriteCloser, error) { return openSecure(addr) }
	}
	req, end := []byte("GET /plaintext HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"), "\r\n\r\nHello, World!"
	if ws {
		plain := open
		open = func() (io.ReadWriteCloser, error) {
			c, err := plain()
			if err == nil {
				err = ask(c, []byte("GET / HTTP/1.1\r\nHost: "+addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), "\r\n\r\n")
			}
			return c, err
		}
		// With a masking key of zeros, what comes back is what went out.
		end = strings.Repeat("x", 128)
		req = []byte("\x81\xfe\x00\x80\x00\x00\x00\x00" + end)
	}
	// A little traffic first, so that what a server allocates once is not counted as the connections'.
	for range 10 {
		c, err := open()
		if err != nil {
			return r, err
		}
		err = ask(c, req, end)
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
	for range conns {
		c, err := open()
		if err != nil {
			return r, fmt.Errorf("connection %d: %w", len(all), err)
		}
		all = append(all, c)
		if err := ask(c, req, end); err != nil {
			return r, fmt.Errorf("connection %d: %w", len(all), err)
		}
	}
	time.Sleep(settle)
	if r.After, err = proc.RSS(pids); err != nil {
		return r, err
	}
	r.Conns = conns
	r.PerConn = float64(r.After-r.Before) / float64(conns)
	for i := 0; i < len(all); i += 100 {
		if ask(all[i], req, end) == nil {
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

func openSecure(addr string) (io.ReadWriteCloser, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
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

// ask sends one request and reads its answer, which has a known end.
func ask(c io.ReadWriter, req []byte, end string) error {
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
