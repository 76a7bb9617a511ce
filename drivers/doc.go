// Package drivers is the seam between protocol logic and sockets.
//
// A Machine is the protocol logic of one connection. It never touches a socket, a clock or a goroutine: a driver calls
// it. A driver (package stdnet, package reactor, or your own event loop) owns the socket, the buffers and the clock and
// knows no protocol. Both sides of the seam are small enough to be written by hand; package drivertest holds a driver to
// every promise on this page.
//
// # One turn of a connection
//
//	bytes arrive ─▶ Receive(turn, src, dst) ─▶ n consumed, output appended to dst
//	                     │
//	                     ├─ Status has WantOutput ─▶ Transmit(turn, dst), as often as there is room
//	                     ├─ Status has HasPayload ─▶ Payload() goes out right behind dst, by reference
//	                     ├─ Status has Switch     ─▶ Successor() takes over, unread bytes and all
//	                     ├─ Status has Closing    ─▶ flush, shut down writing, linger (unless Complete), close
//	                     └─ Deadline()            ─▶ the driver calls Advance when it is due
//
// # TLS
//
// Package tlswrap is a Service around a Service: it speaks TLS on any driver. The Link that the inner Accept gets also has
// ConnectionState() *tls.ConnectionState, which is complete by then; stdnet's Links of a *tls.Conn have it too.
//
// # Promises of a driver
//
//   - Machine methods are never called concurrently with each other and never re-entered. They are usually called from
//     one goroutine, not always from the same one.
//   - Bytes that Receive did not consume are presented again, unchanged, with more behind them. After Receive consumed
//     nothing, the driver calls it again only when there are more bytes, or after Wake, Post or Advance ran, or after
//     output drained, while Status has WantInput. Once a machine regains WantInput, unread bytes that the driver already
//     holds are presented without waiting for more.
//   - While Status lacks WantInput the driver does not read the socket (back-pressure); it may hold what it already read.
//   - Output is sent in order. Transmit is called only while the driver's unsent bytes are below its high-water mark.
//   - A machine with output pending that still has WantInput is still fed: a stalled writer never stops the reading side.
//   - PeerClosed is called once, after every byte before the FIN was presented (though not necessarily consumed). A reset
//     is not a FIN: it leads to Closed.
//   - Advance is called at or soon after Deadline. Deadlines may move freely; drivers re-check lazily.
//   - After a function given to Go has returned, Advance is called, unless the connection has ended.
//   - Wake and Post are safe from any goroutine, before and after the end of the connection. Each accepted Post runs
//     exactly once.
//   - Closed is called exactly once, last, whatever happened. Accept that returns a machine implies Closed.
package drivers
