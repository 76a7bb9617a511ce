package tlswrap

import (
	"crypto/tls"
	"errors"
)

var (
	// ErrTruncated: the peer's side of the connection ended without close_notify (RFC 8446 section 6.1).
	ErrTruncated = errors.New("tlswrap: connection ended without close_notify")
	// ErrHandshakeTimeout: the handshake did not end within Options.HandshakeTimeout.
	ErrHandshakeTimeout = errors.New("tlswrap: handshake took too long")
	// ErrNotTLS: what the peer sent first is no TLS handshake.
	ErrNotTLS = errors.New("tlswrap: the peer does not speak TLS")
	// ErrHello: the ClientHello exceeds Options.MaxHello.
	ErrHello = errors.New("tlswrap: ClientHello is too long")
	// ErrHandshakeSize: the peer's side of the handshake exceeds Options.MaxHandshake.
	ErrHandshakeSize = errors.New("tlswrap: handshake has too many bytes")
)

// RefusedError: Options.OnHello refused the client.
type RefusedError struct {
	// Alert is the alert that the client got.
	Alert byte
}

// Error names the alert.
func (e *RefusedError) Error() string {
	return "tlswrap: OnHello refused: " + tls.AlertError(e.Alert).Error()
}

// errWait tells crypto/tls that there is no record yet. Its Temporary method keeps crypto/tls from ending the connection
// with it.
var errWait error = waitError{}

type waitError struct{}

func (waitError) Error() string   { return "tlswrap: no whole record yet" }
func (waitError) Timeout() bool   { return false }
func (waitError) Temporary() bool { return true }

// Alerts of RFC 8446 section 6 that are sent without crypto/tls.
const (
	alertUnexpectedMessage = 10
	alertDecodeError       = 50
)

// appendAlert appends a fatal alert in plaintext, as it may be sent before the handshake.
func appendAlert(dst []byte, code byte) []byte { return append(dst, 21, 3, 1, 0, 2, 2, code) }
