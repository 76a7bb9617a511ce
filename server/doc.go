// Package server is an HTTP/1.1 (RFC 9112, RFC 9110) and HTTP/2 (RFC 9113) server as a pure machine: it implements the seam of
// package drivers and never touches a socket. Package stdnet or package reactor, or your own event loop, moves the bytes. A
// connection speaks HTTP/2 if TLS has negotiated it or if it begins with the client preface; handlers need not know.
//
//	srv, err := server.New(server.Config{Handler: mux})
//	// hand srv to a driver: it is a drivers.Service
//
// # Two kinds of handlers
//
// An http.Handler runs unchanged. It may block: the driver runs it where that is fine (the reactor on a goroutine,
// stdnet on the connection's own). Every optional interface of net/http's ResponseWriter works: Flusher, Hijacker,
// io.ReaderFrom, io.StringWriter, and http.ResponseController with deadlines and full duplex. Pusher is absent, as it is in
// net/http on HTTP/1.
//
// A NativeHandler runs on the connection's owner and must not block. It sees views of the request, appends its answer
// straight to the output, and allocates nothing. It can stream with back-pressure, take bodies as they arrive, answer
// later from another goroutine (Ctx.Detach), or pass the request on to the http.Handler (Ctx.Pass).
//
// # What differs from net/http
//
// Requests that RFC 9112 tells a server to reject are rejected, where net/http is lenient. A panic answers 500 if nothing
// was sent. Every handler may read its body while it writes (EnableFullDuplex is always on), and Error bodies never
// repeat anything of the request. The table in docs/server.md lists each difference with its paragraph.
//
// # Limits and memory
//
// An idle connection costs its machine (about 250 bytes) and whatever the driver keeps; no buffer and no goroutine.
// While an http.Handler runs, at most 64 KiB of its output and 64 KiB plus one read of its input wait in memory. At most
// Config.MaxPipelined answers, or 128 KiB, wait for a peer that does not read.
package server
