package tlswrap

import (
	"net"
	"time"
)

// shim is the net.Conn that crypto/tls reads records from and writes records to. During the handshake it waits, on the handshake's
// goroutine; afterwards it never does.
type shim conn

var _ net.Conn = (*shim)(nil)

// Read gives the rest of one record.
func (s *shim) Read(p []byte) (int, error) {
	if h := s.hs; h != nil {
		return h.read(p)
	}
	l := s.w
	if l == nil || len(l.rec) == 0 {
		return 0, errWait
	}
	n := copy(p, l.rec)
	l.rec = l.rec[n:]
	return n, nil
}

// Write appends to the output of the call.
func (s *shim) Write(p []byte) (int, error) {
	if h := s.hs; h != nil {
		return h.write(p)
	}
	if s.w == nil {
		return 0, net.ErrClosed
	}
	s.w.dst = append(s.w.dst, p...)
	return len(p), nil
}

// Close is for crypto/tls, which closes after failures of the handshake: the machine does that.
func (s *shim) Close() error { return nil }

// LocalAddr is the driver's.
func (s *shim) LocalAddr() net.Addr { return s.outer.LocalAddr() }

// RemoteAddr is the driver's.
func (s *shim) RemoteAddr() net.Addr { return s.outer.RemoteAddr() }

// SetDeadline does nothing: nothing here waits but the handshake, which the machine's deadline ends.
func (s *shim) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *shim) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *shim) SetWriteDeadline(time.Time) error { return nil }
