// Package memlink has connections that live in memory: a net.Listener to dial, pairs of net.Conn, and a wrapper that makes any net.Conn
// misbehave as told. It is for tests and simulations of whatever speaks over a net.Conn.
//
//	l := memlink.Listen(memlink.Config{})
//	go srv.Serve(l)
//	nc, err := l.Dial(ctx)
//
// # How it differs from net.Pipe
//
// net.Pipe has no buffer, no half-close and no reset: a Write waits for its Reads, so that two ends that both write before they read wait for
// each other for ever, which no socket does. A link has a buffer in each direction (Config.Buffer), and ends as TCP does:
//
//	CloseWrite       the peer reads what was written, then io.EOF; it may still write
//	CloseRead        what the peer writes from now on fails with EPIPE
//	Close            both; with octets that came and were not read it is a reset, as on TCP (RFC 1122 section 4.2.2.13)
//	Reset            the peer reads what has come, then ECONNRESET; its writes fail at once
//
// Errors are *net.OpError around net.ErrClosed, os.ErrDeadlineExceeded, syscall.ECONNRESET, syscall.EPIPE or syscall.ECONNREFUSED, as those of
// package net are. io.EOF comes bare.
//
// # Virtual time
//
// Nothing here polls, spins or asks the network. Waiting is durable in the sense of testing/synctest, and deadlines, latency and delays
// are timers: in a bubble an hour passes as soon as everybody waits. What is made in a bubble must be used in that bubble.
//
// # Faults
//
// A Plan says what goes wrong at one end of a connection and at which octet: short reads, writes in pieces, delays in either direction, errors that
// pass (a timeout without a deadline, EINTR, EAGAIN), a reset, an early end. Wrap applies it to any net.Conn; Config.Faults gives every
// connection of a Listener its plans. Random makes a plan from a seed; the plan is a plain list, so that what failed can be
// printed, repeated, and shortened by hand.
//
// # Limits and memory
//
// A connection holds at most Config.Buffer octets in each direction, 64 KiB by default, and nothing for an idle one. A Listener holds at
// most Config.Backlog connections that nobody accepted; Dial waits beyond that.
package memlink
