// Package listen opens listening stream sockets the way servers want them: SO_REUSEADDR always, a settable backlog,
// optional SO_REUSEPORT, TCP_NODELAY for everything that is accepted, Unix sockets that clean up after themselves, and
// sockets that somebody else opened (borrowed descriptors, systemd socket activation). Both drivers use it.
//
// Every failure is an *Error, which unwraps to the errno:
//
//	_, err := listen.Open("tcp", "127.0.0.1:80", listen.Config{})
//	errors.Is(err, syscall.EACCES)
//
// On systems without BSD sockets Open returns an error that unwraps to errors.ErrUnsupported; Net works everywhere.
package listen

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// Config says how to open a listening socket. The zero value is ready to use.
type Config struct {
	// Backlog is how many finished handshakes the kernel queues: 0 = 128, negative = as many as the system allows.
	Backlog int
	// ReusePort sets SO_REUSEPORT, so that several sockets (of one user) share the port. TCP only.
	ReusePort bool
	// V6Only keeps a "tcp" or "tcp6" wildcard socket from accepting IPv4.
	V6Only bool
	// SendBuffer and ReceiveBuffer are SO_SNDBUF and SO_RCVBUF of accepted connections in bytes, which the kernel doubles
	// for its own bookkeeping. 0 = the kernel tunes each connection by itself, which suits long fat links.
	SendBuffer, ReceiveBuffer int
	// KeepExisting refuses to replace a stale Unix socket file. By default a socket file that nobody listens on is
	// removed first. A live one, or a file that is no socket, is never touched.
	KeepExisting bool
	// KeepPath leaves the Unix socket file in place on Close. By default it is removed if it is still ours.
	KeepPath bool
}

// DefaultBacklog is the backlog of a zero Config.
const DefaultBacklog = 128

// MaxPath is the longest path of a Unix socket, in bytes (sun_path less its terminating zero byte).
const MaxPath = 107

// Backlogged returns the number that is given to listen(2).
func (c Config) Backlogged() int {
	switch {
	case c.Backlog == 0:
		return DefaultBacklog
	case c.Backlog < 0:
		return 1<<16 - 1 // the kernel lowers it to its own maximum (somaxconn)
	}
	return c.Backlog
}

// Error tells which step failed, on what, and the system's errno.
type Error struct {
	// Op is the failing step: "parse", "socket", "setsockopt", "bind", "listen", "accept", "getsockname", "unlink", "inherit".
	Op string
	// Net and Addr are what was asked for. Addr may be empty for descriptors.
	Net, Addr string
	// Errno is the system's reason, 0 if the failure is not the system's.
	Errno syscall.Errno
	// Err is the reason where there is no errno.
	Err error
}

// Error returns a message with the step, the address and the reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("listen: ")
	b.WriteString(e.Op)
	for _, s := range []string{e.Net, e.Addr} {
		if s != "" {
			b.WriteByte(' ')
			b.WriteString(s)
		}
	}
	b.WriteString(": ")
	switch {
	case e.Errno != 0:
		b.WriteString(e.Errno.Error())
		b.WriteString(" (errno ")
		b.WriteString(strconv.Itoa(int(e.Errno)))
		b.WriteString(")")
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the syscall.Errno, or the other reason.
func (e *Error) Unwrap() error {
	if e.Errno != 0 {
		return e.Errno
	}
	return e.Err
}

// Timeout reports whether the errno says so. It makes Error a net.Error.
func (e *Error) Timeout() bool { return e.Errno != 0 && e.Errno.Timeout() }

// Temporary reports whether a later try may work: EAGAIN, EINTR, no descriptors left, an aborted connection.
func (e *Error) Temporary() bool { return e.Errno != 0 && e.Errno.Temporary() }

var (
	errPath    = errors.New("path of a Unix socket is empty or longer than 107 bytes")
	errNetwork = errors.New("unknown network: want tcp, tcp4, tcp6 or unix")
	errClosed  = net.ErrClosed
)

// fail makes an *Error from any error, digging out the errno.
func fail(op, network, addr string, err error) error {
	e := &Error{Op: op, Net: network, Addr: addr}
	if !errors.As(err, &e.Errno) {
		e.Err = err
	}
	return e
}
