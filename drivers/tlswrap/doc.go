// Package tlswrap puts TLS between a driver and a service: ciphertext in, plaintext out, through the seam of package drivers on
// both sides. It is crypto/tls as it comes with Go, versions 1.2 and 1.3, and works the same on every driver.
//
//	svc, err := tlswrap.New(httpServer, tlsConfig, tlswrap.Options{})
//	r, err := reactor.New(svc, reactor.Config{})   // or stdnet.New(svc, stdnet.Config{})
//
// The inner service's Accept is called after the handshake. The drivers.Link that it gets implements
//
//	ConnectionState() *tls.ConnectionState
//
// so a service can choose what to speak by NegotiatedProtocol in Accept, and a request can tell who asked.
//
// # A connection's life
//
//	hello      bytes stay with the driver until the whole ClientHello is there: no goroutine, no TLS state
//	queued     Options.MaxHandshakes handshakes are under way: wait
//	handshake  crypto/tls runs on a goroutine started with Link.Go, fed with whole records
//	open       crypto/tls is called by the connection's owner, one whole record at a time: no goroutine, no lock contention
//	closing    close_notify (or an alert) is the last record; then the driver flushes, lingers and closes
//
// From accept to the end of the handshake one deadline counts (Options.HandshakeTimeout).
//
// # The end of the stream
//
// RFC 8446 section 6.1: the peer's close_notify is what becomes PeerClosed of the inner machine. A FIN without it is a truncation, which an
// attacker can cause: the connection is closed at once and the inner machine's Closed gets ErrTruncated. Once the inner machine asked for
// Closing it does not matter any more how the peer leaves. On Closing a close_notify is sent behind the last byte; the
// peer's is not waited for.
//
// # Memory
//
// A connection that waits holds crypto/tls's state, whose largest part is the buffer of the largest record it has read, and no
// more than the inner machine's own. Plaintext and ciphertext pass through buffers of the worker. docs/tls.md has figures.
package tlswrap
