package client

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed: the Transport was closed.
	ErrClosed = errors.New("client: closed")
	// ErrServerClosed: the server ended the connection before the response was complete.
	ErrServerClosed = errors.New("client: server closed the connection")
	// ErrUnresponsive: the server did not answer a PING (Transport.Keepalive). It is a timeout as net.Error says it.
	ErrUnresponsive error = timeout("client: server does not answer")
	// ErrHeaderTimeout: no response head came within Transport.ResponseHeaderTimeout. It is a timeout as net.Error says it.
	ErrHeaderTimeout error = timeout("client: timeout awaiting the response head")
	// ErrNoExtendedConnect: the server does not allow extended CONNECT (RFC 8441).
	ErrNoExtendedConnect = errors.New("client: server does not allow extended CONNECT")
	errEarlySwitch       = errors.New("client: server switched protocols before it had the whole request")
	errNoPlain           = errors.New("client: Protocols allow none for http URLs")
	errNotHTTP2          = errors.New("client: server does not speak HTTP/2")
	// ErrTooBig: a response that Transport decompressed is over MaxDecompressed.
	ErrTooBig = errors.New("client: decompressed response is over the limit")
)

type timeout string

func (t timeout) Error() string   { return string(t) }
func (t timeout) Timeout() bool   { return true }
func (t timeout) Temporary() bool { return true }

// ProtocolError tells that the server broke the protocol. It unwraps to the codec's error.
type ProtocolError struct{ Err error }

// Error returns the codec's reason.
func (e *ProtocolError) Error() string { return "client: server broke the protocol: " + e.Err.Error() }

// Unwrap returns the codec's error.
func (e *ProtocolError) Unwrap() error { return e.Err }

// ResetError tells that the server gave up one HTTP/2 stream, or the client did. It unwraps to the http2.ErrorCode.
type ResetError struct{ Code error }

// Error returns the code.
func (e *ResetError) Error() string { return "client: stream reset: " + e.Code.Error() }

// Unwrap returns the http2.ErrorCode.
func (e *ResetError) Unwrap() error { return e.Code }

// ProxyError tells that a proxy refused to connect.
type ProxyError struct {
	// Proxy is the proxy's address, Status what it said (0 for socks5).
	Proxy  string
	Status int
	// Reason is the phrase or reply code.
	Reason string
}

// Error returns what the proxy said.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("client: proxy %s refused to connect: %d %s", e.Proxy, e.Status, e.Reason)
}
