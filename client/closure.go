package client

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// ErrTruncated: a TLS connection ended without a closure alert: somebody may have cut it. It wraps io.ErrUnexpectedEOF.
var ErrTruncated = fmt.Errorf("client: TLS connection ended without closure alert: %w", io.ErrUnexpectedEOF)

// honest is what lies below TLS, with an end that is an error: crypto/tls passes that on, while an io.EOF between two records it takes for
// the end of the stream. After a closure alert it does not read on.
//
// RFC 9112 section 9.8-4: "A response that has neither chunked transfer coding nor Content-Length is complete only if a valid closure
// alert has been received. Treating an incomplete message as complete could expose implementations to attack."
type honest struct{ net.Conn }

func (c honest) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = ErrTruncated
	}
	return n, err
}

// SetLinger is for the driver, which resets a connection that is given up.
func (c honest) SetLinger(sec int) error {
	if h, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		return h.SetLinger(sec)
	}
	return errors.ErrUnsupported
}
