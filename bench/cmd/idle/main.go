//go:build linux

// Command idle opens many keep-alive connections, or WebSockets, does one request on each (has one message of 128 bytes
// echoed), and holds them while it reads how much resident memory the server's processes have gained. It prints one line of JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
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
	ws := flag.Bool("ws", false, "WebSockets")
	pidList := flag.String("pids", "", "processes of the server, with commas between")
	flag.Parse()
	r, err := run(*addr, *conns, *settle, *pidList, *ws)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
}

func run(addr string, conns int, settle time.Duration, pidList string, ws bool) (r Result, err error) {
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
	sa := &unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}}
	req, end := []byte("GET /plaintext HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"), "\r\n\r\nHello, World!"
	var hello []byte
	if ws {
		hello = []byte("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		// A text of 128 bytes, with a masking key of zeros: what comes back is the same but for the key.
		end = strings.Repeat("x", 128)
		req = []byte("\x81\xfe\x00\x80\x00\x00\x00\x00" + end)
	}
	open := func() (int, error) {
		fd, err := open(sa)
		if err == nil && ws {
			err = ask(fd, hello, "\r\n\r\n")
		}
		return fd, err
	}
	// A little traffic first, so that what a server allocates once is not counted as the connections'.
	for range 10 {
		fd, err := open()
		if err != nil {
			return r, err
		}
		err = ask(fd, req, end)
		unix.Close(fd)
		if err != nil {
			return r, err
		}
	}
	time.Sleep(settle)
	if r.Before, err = proc.RSS(pids); err != nil {
		return r, err
	}
	fds := make([]int, 0, conns)
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	for range conns {
		fd, err := open()
		if err != nil {
			return r, fmt.Errorf("connection %d: %w", len(fds), err)
		}
		fds = append(fds, fd)
		if err := ask(fd, req, end); err != nil {
			return r, fmt.Errorf("connection %d: %w", len(fds), err)
		}
	}
	time.Sleep(settle)
	if r.After, err = proc.RSS(pids); err != nil {
		return r, err
	}
	r.Conns = conns
	r.PerConn = float64(r.After-r.Before) / float64(conns)
	for i := 0; i < len(fds); i += 100 {
		if ask(fds[i], req, end) == nil {
			r.Alive++
		}
	}
	if want := (conns + 99) / 100; r.Alive != want {
		return r, fmt.Errorf("only %d of %d connections were still alive", r.Alive, want)
	}
	return r, nil
}

func open(sa unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	tv := unix.NsecToTimeval(int64(5 * time.Second))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	if err := proc.Connect(fd, sa); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ask sends one request and reads its answer, which has a known end.
func ask(fd int, req []byte, end string) error {
	if _, err := unix.Write(fd, req); err != nil {
		return err
	}
	var in []byte
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("closed after %d bytes", len(in))
		}
		if in = append(in, buf[:n]...); strings.HasSuffix(string(in), end) {
			return nil
		}
	}
}
