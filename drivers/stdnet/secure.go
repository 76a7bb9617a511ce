package stdnet

import (
	"crypto/tls"
	"sync/atomic"
	"time"
)

// secureConn is a net.Conn that has something to agree on with its peer first: *tls.Conn.
type secureConn interface {
	Handshake() error
	ConnectionState() tls.ConnectionState
}

// secureLink is the Link of a machine whose net.Conn speaks TLS.
type secureLink struct {
	*link
	sc    secureConn
	state atomic.Pointer[tls.ConnectionState]
}

// ConnectionState returns what the handshake came to. All callers share the result.
func (l *secureLink) ConnectionState() *tls.ConnectionState {
	if s := l.state.Load(); s != nil {
		return s
	}
	s := l.sc.ConnectionState()
	l.state.CompareAndSwap(nil, &s)
	return l.state.Load()
}

// handshake comes before Accept, so that the service knows what was agreed on. mu is not held.
func (c *conn) handshake(sc secureConn) error {
	if sc.ConnectionState().HandshakeComplete {
		return nil
	}
	if d := c.srv.cfg.Handshake; d > 0 {
		_ = c.nc.SetDeadline(time.Now().Add(d))
	}
	if err := sc.Handshake(); err != nil {
		return err
	}
	return c.nc.SetDeadline(time.Time{})
}
