// Package client is an HTTP client over HTTP/1.1 and HTTP/2. The protocol of a connection is a pure machine (it implements the
// seam of package drivers and touches no socket); Transport is an http.RoundTripper that dials connections, hands them to
// package stdnet, and pools them.
//
//	c := &http.Client{Transport: &client.Transport{}}
//	resp, err := c.Get("https://example.com/")
//
// Redirects and cookies come from http.Client. What Transport does:
//
//   - it speaks HTTP/2 where TLS negotiates it (ALPN), or by prior knowledge (Protocols), and HTTP/1.1 elsewhere;
//   - all requests to an HTTP/2 origin share a connection, up to the server's limit of streams;
//   - idle HTTP/1.1 connections are reused, the last used first: at most MaxIdlePerHost of an origin, MaxIdle in all, for
//     IdleTimeout;
//   - bodies stream both ways with back-pressure; trailers, 1xx responses, Expect: 100-continue, upgrades (101) and extended
//     CONNECT work;
//   - a request is sent again by itself only where the server cannot have seen it, or where it is idempotent, its body can be
//     read again, and a reused connection ended before the first byte of a response;
//   - proxies: http and https by absolute form and CONNECT, socks5; taken from the environment unless told otherwise.
//
// Client, on top of it, has the conveniences: a base URL, authentication, JSON, retries with jitter, errors for statuses.
//
// # Errors
//
// An error that the network made is a net.Error or wraps one (Timeout tells timeouts); one that the peer made by breaking the
// protocol is a *ProtocolError, which unwraps to the codec's error and so to its reason; ErrClosed, ErrTruncated and context errors are
// what they are. StatusError is made by Check, never by Transport.
//
// # Limits and memory
//
// A response head is bounded by Limits of the codec (64 KiB by default), a body by nothing: it waits in the connection until
// it is read, at most 64 KiB of it on HTTP/1.1 and a stream window on HTTP/2. What Transport decompresses by itself is bounded
// by MaxDecompressed.
package client
