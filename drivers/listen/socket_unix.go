//go:build linux || darwin || freebsd

package listen

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is a listening socket. Its methods are safe for concurrent use; Close while another goroutine is inside Accept
// is not (wait for readability with your own poller instead).
type Socket struct {
	mu      sync.Mutex
	fd      int
	owned   bool
	closed  bool
	network string
	addr    net.Addr
	path    string // Unix socket file to remove on Close
	dev     uint64
	ino     uint64
}

// Open opens, binds and starts a listening socket. network is "tcp", "tcp4", "tcp6" or "unix"; addr is "host:port" (port 0
// lets the system choose, see Addr) or a path of at most 107 bytes ("@name" is Linux's abstract namespace). The socket does not
// block and is closed on exec. Errors are *Error.
func Open(network, addr string, c Config) (*Socket, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return openTCP(network, addr, c)
	case "unix":
		return openUnix(addr, c)
	}
	return nil, &Error{Op: "parse", Net: network, Addr: addr, Err: errNetwork}
}

func openTCP(network, addr string, c Config) (*Socket, error) {
	ta, err := net.ResolveTCPAddr(network, addr)
	if err != nil {
		return nil, fail("parse", network, addr, err)
	}
	ip4 := ta.IP.To4()
	wild := len(ta.IP) == 0 || ta.IP.IsUnspecified()
	family := unix.AF_INET6
	if network == "tcp4" || (ip4 != nil && network != "tcp6") && (!wild || len(ta.IP) != 0) {
		family = unix.AF_INET
	}
	s, err := bindTCP(family, network, ta, c)
	if err != nil && family == unix.AF_INET6 && network == "tcp" && wild && len(ta.IP) == 0 {
		// A host without IPv6 still gets its wildcard listener.
		if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
			return bindTCP(unix.AF_INET, network, ta, c)
		}
	}
	return s, err
}

func bindTCP(family int, network string, ta *net.TCPAddr, c Config) (*Socket, error) {
	name := ta.String()
	fd, err := newSocket(family)
	if err != nil {
		return nil, fail("socket", network, name, err)
	}
	ok := false
	defer func() {
		if !ok {
			unix.Close(fd)
		}
	}()
	set := func(level, opt, v int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, opt, v)
		}
	}
	set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	// Linux and the BSDs hand TCP_NODELAY down to accepted sockets; Accept sets it again where that is not known.
	set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if c.ReusePort {
		set(unix.SOL_SOCKET, reusePort, 1)
	}
	// Accepted sockets inherit both.
	if c.SendBuffer > 0 {
		set(unix.SOL_SOCKET, unix.SO_SNDBUF, c.SendBuffer)
	}
	if c.ReceiveBuffer > 0 {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, c.ReceiveBuffer)
	}
	var sa unix.Sockaddr
	if family == unix.AF_INET {
		a := &unix.SockaddrInet4{Port: ta.Port}
		copy(a.Addr[:], ta.IP.To4())
		sa = a
	} else {
		v6only := 0
		if c.V6Only || network == "tcp6" {
			v6only = 1
		}
		set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, v6only)
		a := &unix.SockaddrInet6{Port: ta.Port}
		copy(a.Addr[:], ta.IP.To16())
		if ta.Zone != "" {
			ifi, zerr := net.InterfaceByName(ta.Zone)
			if zerr != nil {
				return nil, fail("parse", network, name, zerr)
			}
			a.ZoneId = uint32(ifi.Index)
		}
		sa = a
	}
	if err != nil {
		return nil, fail("setsockopt", network, name, err)
	}
	if err = unix.Bind(fd, sa); err != nil {
		return nil, fail("bind", network, name, err)
	}
	if err = unix.Listen(fd, c.Backlogged()); err != nil {
		return nil, fail("listen", network, name, err)
	}
	s, err := describe(fd)
	if err != nil {
		return nil, err
	}
	s.owned, ok = true, true
	return s, nil
}

func openUnix(path string, c Config) (*Socket, error) {
	if path == "" || len(path) > MaxPath || strings.IndexByte(path, 0) >= 0 {
		return nil, &Error{Op: "parse", Net: "unix", Addr: path, Errno: unix.ENAMETOOLONG, Err: errPath}
	}
	abstract := path[0] == '@'
	if !abstract && !c.KeepExisting {
		if err := unlinkStale(path); err != nil {
			return nil, err
		}
	}
	fd, err := newSocket(unix.AF_UNIX)
	if err != nil {
		return nil, fail("socket", "unix", path, err)
	}
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, fail("bind", "unix", path, err)
	}
	s := &Socket{fd: fd, owned: true, network: "unix", addr: &net.UnixAddr{Name: path, Net: "unix"}}
	if !abstract && !c.KeepPath {
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil {
			s.path, s.dev, s.ino = path, uint64(st.Dev), uint64(st.Ino)
		}
	}
	if err = unix.Listen(fd, c.Backlogged()); err != nil {
		s.Close()
		return nil, fail("listen", "unix", path, err)
	}
	return s, nil
}

// unlinkStale removes a socket file that nobody listens on. A live socket is EADDRINUSE, so is any other kind of file.
func unlinkStale(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fail("unlink", "unix", path, err)
	}
	if fi.Mode()&os.ModeSocket == 0 {
		return &Error{Op: "bind", Net: "unix", Addr: path, Errno: unix.EADDRINUSE}
	}
	fd, err := newSocket(unix.AF_UNIX)
	if err != nil {
		return fail("socket", "unix", path, err)
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	unix.Close(fd)
	switch err {
	case unix.ECONNREFUSED:
		if err = os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fail("unlink", "unix", path, err)
		}
		return nil
	case unix.ENOENT:
		return nil
	}
	return &Error{Op: "bind", Net: "unix", Addr: path, Errno: unix.EADDRINUSE}
}

// Borrow makes a Socket of a descriptor that listens already and stays the caller's: Close leaves it open. The
// descriptor is switched to non-blocking.
func Borrow(fd int) (*Socket, error) {
	if v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil {
		return nil, fail("getsockopt", "", "", err)
	} else if v == 0 {
		return nil, &Error{Op: "getsockopt", Errno: unix.EINVAL, Err: errors.New("not a listening socket")}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fail("setsockopt", "", "", err)
	}
	return describe(fd)
}

// Adopt is Borrow for a descriptor that becomes the Socket's own: Close closes it.
func Adopt(fd int) (*Socket, error) {
	s, err := Borrow(fd)
	if err == nil {
		unix.CloseOnExec(fd)
		s.owned = true
	}
	return s, err
}

// describe asks the kernel what fd is bound to.
func describe(fd int) (*Socket, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fail("getsockname", "", "", err)
	}
	s := &Socket{fd: fd}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		s.network, s.addr = "tcp", &net.TCPAddr{IP: append(net.IP(nil), a.Addr[:]...), Port: a.Port}
	case *unix.SockaddrInet6:
		t := &net.TCPAddr{IP: append(net.IP(nil), a.Addr[:]...), Port: a.Port}
		if a.ZoneId != 0 {
			if ifi, err := net.InterfaceByIndex(int(a.ZoneId)); err == nil {
				t.Zone = ifi.Name
			}
		}
		s.network, s.addr = "tcp", t
	case *unix.SockaddrUnix:
		s.network, s.addr = "unix", &net.UnixAddr{Name: a.Name, Net: "unix"}
	default:
		return nil, &Error{Op: "getsockname", Errno: unix.EAFNOSUPPORT}
	}
	return s, nil
}

// FD returns the descriptor. It stays the Socket's; it is -1 after Close.
func (s *Socket) FD() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fd
}

// Network returns "tcp" or "unix".
func (s *Socket) Network() string { return s.network }

// Addr returns the local address, with the port that the system chose.
func (s *Socket) Addr() net.Addr { return s.addr }

// Owned reports whether Close closes the descriptor (Open, Adopt) or leaves it to its owner (Borrow).
func (s *Socket) Owned() bool { return s.owned }

// AcceptFD accepts one connection: a descriptor that does not block, is closed on exec and, for TCP, has TCP_NODELAY set.
// It is the caller's. With no connection waiting the *Error unwraps to syscall.EAGAIN. EINTR is retried.
func (s *Socket) AcceptFD() (int, error) {
	for {
		lfd := s.FD()
		if lfd < 0 {
			return -1, &Error{Op: "accept", Net: s.network, Addr: s.addr.String(), Err: errClosed}
		}
		fd, err := acceptFD(lfd)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, fail("accept", s.network, s.addr.String(), err)
		}
		if s.network == "tcp" {
			if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err == unix.EINVAL {
				err = nil // a BSD tells so that the peer has gone already
			}
			if err != nil {
				unix.Close(fd)
				return -1, fail("setsockopt", s.network, s.addr.String(), err)
			}
		}
		return fd, nil
	}
}

// Close closes the socket if it is owned and removes its Unix socket file if that is still the one it made. Calls after the first
// do nothing and return nil.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.path != "" {
		var st unix.Stat_t
		if unix.Lstat(s.path, &st) == nil && uint64(st.Dev) == s.dev && uint64(st.Ino) == s.ino {
			os.Remove(s.path)
		}
	}
	fd := s.fd
	s.fd = -1
	if !s.owned {
		return nil
	}
	if err := unix.Close(fd); err != nil {
		return fail("close", s.network, s.addr.String(), err)
	}
	return nil
}

// netListener couples the runtime's listener with the Socket whose file and descriptor it shares.
type netListener struct {
	net.Listener
	s *Socket
}

// Close closes both.
func (l *netListener) Close() error {
	err := l.Listener.Close()
	if e := l.s.Close(); err == nil {
		err = e
	}
	return err
}

// SyscallConn gives access to the descriptor.
func (l *netListener) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := l.Listener.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Net returns a net.Listener over a duplicate of the descriptor. Closing it closes the Socket too.
func (s *Socket) Net() (net.Listener, error) {
	d, err := unix.FcntlInt(uintptr(s.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fail("dup", s.network, s.addr.String(), err)
	}
	f := os.NewFile(uintptr(d), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fail("listen", s.network, s.addr.String(), err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // Socket does that, with a look at whose file it is
	}
	return &netListener{l, s}, nil
}

// Net opens a socket as Open does and returns it as a net.Listener.
func Net(network, addr string, c Config) (net.Listener, error) {
	s, err := Open(network, addr, c)
	if err != nil {
		return nil, err
	}
	l, err := s.Net()
	if err != nil {
		s.Close()
	}
	return l, err
}
