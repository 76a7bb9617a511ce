package tlswrap

import (
	"crypto/tls"
	"io"
	"net"
)

// NewListener is tls.NewListener for those who serve a *tls.Conn themselves, with two differences: cfg must pass Validate, and a
// connection that ends without close_notify reads ErrTruncated instead of io.EOF, wherever it ends. On purewire's drivers
// New is the better choice.
func NewListener(l net.Listener, cfg *tls.Config) (net.Listener, error) {
	if err := Validate(cfg); err != nil {
		return nil, err
	}
	return tls.NewListener(honest{l}, cfg), nil
}

// honest makes the end of the transport an error, which crypto/tls passes on; an io.EOF between two records it would take for
// the end of the stream.
type honest struct{ net.Listener }

func (l honest) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return honestConn{c}, nil
}

type honestConn struct{ net.Conn }

// Read turns io.EOF into ErrTruncated: crypto/tls does not read on after close_notify.
func (c honestConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = ErrTruncated
	}
	return n, err
}
