//go:build linux || darwin || freebsd

package listen

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, network, addr string, c Config) *Socket {
	t.Helper()
	s, err := Open(network, addr, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func opt(t *testing.T, fd, level, name int) int {
	t.Helper()
	v, err := unix.GetsockoptInt(fd, level, name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func accept(t *testing.T, s *Socket) int {
	t.Helper()
	for range 20_000 {
		fd, err := s.AcceptFD()
		if err == nil {
			t.Cleanup(func() { unix.Close(fd) })
			return fd
		}
		if !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nobody came")
	return -1
}

func TestTCP(t *testing.T) {
	for _, network := range []string{"tcp", "tcp4"} {
		s := open(t, network, "127.0.0.1:0", Config{})
		if s.Addr().(*net.TCPAddr).Port == 0 {
			t.Fatal("no port")
		}
		if opt(t, s.FD(), unix.SOL_SOCKET, unix.SO_REUSEADDR) == 0 {
			t.Error("SO_REUSEADDR is off")
		}
		_, err := s.AcceptFD()
		var e *Error
		if !errors.As(err, &e) || e.Op != "accept" || e.Errno != syscall.EAGAIN || !errors.Is(err, syscall.EAGAIN) || !e.Temporary() {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fd := accept(t, s)
		if opt(t, fd, unix.IPPROTO_TCP, unix.TCP_NODELAY) == 0 {
			t.Error("TCP_NODELAY is off")
		}
		if fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); fl&unix.O_NONBLOCK == 0 {
			t.Error("blocking")
		}
		if fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); fl&unix.FD_CLOEXEC == 0 {
			t.Error("inherited on exec")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil || s.FD() != -1 {
			t.Fatal("Close is not idempotent", err)
		}
		if _, err := s.AcceptFD(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestWildcards(t *testing.T) {
	for _, x := range []struct{ network, addr, dial string }{
		{"tcp", ":0", "127.0.0.1"}, {"tcp", "0.0.0.0:0", "127.0.0.1"}, {"tcp4", ":0", "127.0.0.1"}, {"tcp6", "[::1]:0", "::1"}, {"tcp", "[::]:0", "::1"},
	} {
		s, err := Open(x.network, x.addr, Config{})
		if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			continue // a host without IPv6
		}
		if err != nil {
			t.Fatal(x, err)
		}
		_, port, _ := net.SplitHostPort(s.Addr().String())
		c, err := net.Dial("tcp", net.JoinHostPort(x.dial, port))
		if x.dial == "::1" && errors.Is(err, syscall.EADDRNOTAVAIL) {
			s.Close()
			continue // the same, where sockets of that family exist
		}
		if err != nil {
			t.Error(x, err)
		} else {
			c.Close()
		}
		s.Close()
	}
}

func TestErrors(t *testing.T) {
	s := open(t, "tcp", "127.0.0.1:0", Config{})
	_, err := Open("tcp", s.Addr().String(), Config{})
	var e *Error
	if !errors.As(err, &e) || e.Op != "bind" || e.Errno != syscall.EADDRINUSE || !errors.Is(err, syscall.EADDRINUSE) ||
		e.Addr != s.Addr().String() || !strings.Contains(err.Error(), "errno 98") && syscall.EADDRINUSE == 98 {
		t.Fatal(err)
	}
	for _, x := range [][2]string{{"udp", "127.0.0.1:0"}, {"tcp", "no port"}, {"unix", ""}, {"unix", "a\x00b"}, {"unix", strings.Repeat("x", 108)}} {
		if _, err := Open(x[0], x[1], Config{}); !errors.As(err, &e) || e.Op != "parse" {
			t.Error(x, err)
		}
	}
	if _, err := Borrow(-1); !errors.Is(err, syscall.EBADF) {
		t.Error(err)
	}
}

func TestBacklog(t *testing.T) {
	for given, want := range map[int]int{0: 128, 7: 7, -1: 65535} {
		if got := (Config{Backlog: given}).Backlogged(); got != want {
			t.Error(given, got)
		}
	}
}

func TestReusePort(t *testing.T) {
	a := open(t, "tcp", "127.0.0.1:0", Config{ReusePort: true})
	b := open(t, "tcp", a.Addr().String(), Config{ReusePort: true})
	if a.Addr().String() != b.Addr().String() {
		t.Fatal(a.Addr(), b.Addr())
	}
	if _, err := Open("tcp", a.Addr().String(), Config{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
}

func TestBorrow(t *testing.T) {
	s := open(t, "tcp", "127.0.0.1:0", Config{})
	b, err := Borrow(s.FD())
	if err != nil || b.Owned() || b.Addr().String() != s.Addr().String() {
		t.Fatal(err, b)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal("the owner's socket was closed", err)
	}
	c.Close()
	fd, err := newSocket(unix.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := Borrow(fd); err == nil {
		t.Fatal("borrowed a socket that does not listen")
	}
}

func TestUnix(t *testing.T) {
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	// A stale file: bound, never removed, nobody listens.
	open(t, "unix", path, Config{KeepPath: true}).Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("KeepPath did not keep it")
	}
	if _, err := Open("unix", path, Config{KeepExisting: true}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	s := open(t, "unix", path, Config{})
	if _, err := Open("unix", path, Config{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal("a live socket was replaced", err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	accept(t, s)
	s.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the file is left")
	}
	// Somebody else's file at our path is not ours to remove, and a plain file never is.
	s = open(t, "unix", path, Config{})
	os.Remove(path)
	os.WriteFile(path, []byte("x"), 0o600)
	s.Close()
	if _, err := Open("unix", path, Config{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "x" {
		t.Fatal("a plain file was removed")
	}
	long := dir + "/" + strings.Repeat("x", MaxPath-len(dir)-1)
	open(t, "unix", long, Config{})
	if _, err := Open("unix", long+"x", Config{}); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Fatal(err)
	}
}

func TestNet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, x := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", path}} {
		l, err := Net(x[0], x[1], Config{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := net.Dial(l.Addr().Network(), l.Addr().String()); err == nil {
				c.Close()
			}
		}()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := net.Dial(l.Addr().Network(), l.Addr().String()); err == nil {
			t.Fatal("still open")
		}
	}
	if _, err := os.Lstat(path); err == nil {
		t.Fatal("the file is left")
	}
}

func TestInherited(t *testing.T) {
	env := func(pid, fds, names string) func(string) string {
		return func(k string) string {
			return map[string]string{"LISTEN_PID": pid, "LISTEN_FDS": fds, "LISTEN_FDNAMES": names}[k]
		}
	}
	for _, x := range []struct {
		pid, fds, names string
		n               int
		want            string
		bad             bool
	}{
		{"", "", "", 0, "", false}, {"7", "2", "", 2, "unknown unknown", false}, {"7", "2", "web:", 2, "web unknown", false},
		{"8", "2", "", 0, "", false}, {"7", "0", "", 0, "", false}, {"7", "-1", "", 0, "", true}, {"7", "x", "", 0, "", true},
		{"x", "1", "", 0, "", true}, {"7", "2", "a", 0, "", true}, {"7", "99999", "", 0, "", true},
	} {
		n, names, err := ParseInherited(env(x.pid, x.fds, x.names), 7)
		var e *Error
		if n != x.n || strings.Join(names, " ") != x.want || (err != nil) != x.bad || x.bad && !errors.As(err, &e) {
			t.Errorf("%+v: %d %q %v", x, n, names, err)
		}
	}
	s := open(t, "tcp", "127.0.0.1:0", Config{})
	d, err := unix.FcntlInt(uintptr(s.FD()), unix.F_DUPFD_CLOEXEC, 200)
	if err != nil {
		t.Fatal(err)
	}
	list, err := adoptFrom(d, []string{"web"})
	if err != nil || len(list) != 1 || list[0].Name != "web" || !list[0].Socket.Owned() || list[0].Socket.Addr().String() != s.Addr().String() {
		t.Fatal(list, err)
	}
	list[0].Socket.Close()
	if _, err := adoptFrom(d, []string{"web"}); !errors.Is(err, syscall.EBADF) {
		t.Fatal("not closed", err)
	}
}

func TestBufferSizesAreInherited(t *testing.T) {
	s := open(t, "tcp", "127.0.0.1:0", Config{SendBuffer: 96 << 10, ReceiveBuffer: 48 << 10})
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fd := accept(t, s)
	for name, want := range map[int]int{unix.SO_SNDBUF: 96 << 10, unix.SO_RCVBUF: 48 << 10} {
		if got := opt(t, fd, unix.SOL_SOCKET, name); got < want || got > 2*want {
			t.Errorf("option %d is %d, wanted %d or its double", name, got, want)
		}
	}
}
