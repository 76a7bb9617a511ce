//go:build !(linux || darwin || freebsd)

package listen

import (
	"errors"
	"net"
)

// Socket is a listening socket. On this system none can be made.
type Socket struct{}

// Open returns an *Error that unwraps to errors.ErrUnsupported. Use Net here.
func Open(network, addr string, c Config) (*Socket, error) {
	return nil, &Error{Op: "socket", Net: network, Addr: addr, Err: errors.ErrUnsupported}
}

// Borrow returns an *Error that unwraps to errors.ErrUnsupported.
func Borrow(fd int) (*Socket, error) {
	return nil, &Error{Op: "getsockopt", Err: errors.ErrUnsupported}
}

// Adopt returns an *Error that unwraps to errors.ErrUnsupported.
func Adopt(fd int) (*Socket, error) { return Borrow(fd) }

// FD returns -1.
func (s *Socket) FD() int { return -1 }

// Network returns "".
func (s *Socket) Network() string { return "" }

// Addr returns nil.
func (s *Socket) Addr() net.Addr { return nil }

// Owned returns false.
func (s *Socket) Owned() bool { return false }

// AcceptFD returns an *Error that unwraps to errors.ErrUnsupported.
func (s *Socket) AcceptFD() (int, error) {
	return -1, &Error{Op: "accept", Err: errors.ErrUnsupported}
}

// Close does nothing.
func (s *Socket) Close() error { return nil }

// Net returns an *Error that unwraps to errors.ErrUnsupported.
func (s *Socket) Net() (net.Listener, error) {
	return nil, &Error{Op: "listen", Err: errors.ErrUnsupported}
}

// Net opens a net.Listener with net.Listen. Here Config has no effect, except that the path of a Unix socket is checked.
func Net(network, addr string, c Config) (net.Listener, error) {
	if network == "unix" && (addr == "" || len(addr) > MaxPath) {
		return nil, &Error{Op: "parse", Net: network, Addr: addr, Err: errPath}
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, fail("listen", network, addr, err)
	}
	return l, nil
}
