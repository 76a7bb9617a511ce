// Package stdnet runs machines (see package drivers) on any net.Conn: one goroutine per connection, plain Go, everywhere
// Go runs. TCP, Unix sockets, in-memory pipes and crypto/tls all work; the limits and the promises are those of package
// drivers, and package drivertest holds both drivers to them.
//
//	s := stdnet.New(drivers.ServiceFunc(accept), stdnet.Config{})
//	go s.Serve(listener)
//	...
//	report := s.Shutdown(ctx)
//
// # TLS
//
// There are two ways. Package tlswrap puts TLS between any driver and the service; it keeps what is said below of sockets, limits handshakes,
// and tells truncation from the end. Or serve a listener of crypto/tls like any other: the handshake comes before Accept (see
// Config.Handshake), and the Link has ConnectionState() *tls.ConnectionState in both cases. tlswrap.NewListener makes such a
// listener tell truncation from the end too.
//
// # What a connection costs
//
// A goroutine with its stack, a small struct, and the descriptor. On TCP and Unix sockets a waiting connection holds no
// read buffer: it waits for readiness and borrows a worker (buffers and Turn.Local) only while there is something to do.
// Any other net.Conn holds 4 KiB to read into.
//
// # Blocking functions
//
// Link.Go runs its function on the connection's own goroutine, right after the turn that asked for it: no goroutine per
// request, no hand-over. While it runs, whoever has something to do for the connection does it under the connection's
// lock: the function itself inside Link.Pump, a helper goroutine for Wake, Post and deadlines, a reading goroutine after
// Link.Watch. A second function that starts while the first one runs gets a goroutine of its own.
//
// # Stalled output
//
// Output is written directly. What the kernel does not take at once is left to a writer goroutine that lives until all
// is sent; reading goes on meanwhile. A net.Conn without descriptor (a pipe, TLS) always sends through it, because its
// Write may block.
package stdnet
