// Package websocket serves and opens WebSocket connections (RFC 6455, RFC 7692) on the drivers of this module. The protocol
// itself is package codec/ws; this package connects it to HTTP servers, to callbacks, to goroutines and queues.
//
// # Callbacks, or reads
//
// A connection with a Handler is served by callbacks on its owner: on the reactor that costs no goroutine, and an idle
// connection holds no buffer. A connection without one is read by goroutines: ReadMessage, NextReader, NetConn. Sending is the
// same for both and safe from any goroutine: TrySend never waits, Send waits for room.
//
//	u := &websocket.Upgrader{Handler: &websocket.Handler{
//		OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) { _ = c.TrySend(op, p) },
//	}}
//	mux.Handle("/echo", u)                       // under any net/http server
//	srv, err := server.New(server.Config{Native: u}) // or without net/http
//
// # Output and back-pressure
//
// What is sent inside of a callback goes straight into the driver's output; what is sent from elsewhere waits in a queue until
// the driver comes, which takes all of it at once: many frames, one system call. When more than Options.HighWater bytes wait,
// TrySend returns ErrFull, Send waits, and the connection is not read any more, so that a peer that sends without reading
// stops itself. Payloads from 16 KiB on are not copied again on their way to the kernel.
//
// # Where connections come from
//
// Upgrader works under package server, on both drivers, where the connection becomes another machine of the same driver
// (server.Switcher), and under any other net/http server, where it is hijacked and served by package stdnet on a goroutine of its
// own. Dialer opens client connections over package stdnet, or over a reactor.
//
// The connection itself is a pure drivers.Machine. This package imports drivers/stdnet for exactly two ends that need a
// socket: Dial and hijacked connections.
//
// # Memory
//
// An idle connection costs its Conn, about 350 bytes, and what its driver keeps. At most Options.HighWater and one message
// wait for the peer, at most Options.Limits.Message bytes of a message that comes in pieces, and without a Handler at most
// Options.ReadAhead bytes, and one read of the driver more, for the reader.
package websocket
