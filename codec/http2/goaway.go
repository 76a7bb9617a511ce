package http2

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// away is how far the connection's end has come.
type away struct {
	step awayStep
	code ErrorCode
	last uint32 // of the GOAWAY that we send
	due  codec.Time

	received bool   // the peer has sent GOAWAY
	peerLast uint32 // with this last stream
}

type awayStep uint8

const (
	awayNot   awayStep = iota
	awayFirst          // the first GOAWAY, which refuses nothing, is owed or sent
	awayFinal          // the last one is owed
	awaySent           // the last one was sent
)

// shutdownWait is how long Shutdown waits for the answer to the PING behind the first GOAWAY.
const shutdownWait = time.Second

// refuses reports whether a stream of the peer's comes after the last one that we process.
func (a *away) refuses(id uint32) bool { return a.step >= awayFinal && id > a.last }

// close owes the last GOAWAY. The last stream may only fall (RFC 9113 section 6.8).
func (a *away) close(code ErrorCode, last uint32) {
	if a.step >= awayFinal {
		last = min(last, a.last)
	}
	a.step, a.code, a.last, a.due = awayFinal, code, last, codec.Never
}

// Shutdown begins an orderly end. A server tells the client to open no more streams and takes those that are under way: it
// sends GOAWAY with the highest stream identifier, waits for one round trip (at most a second), and sends the GOAWAY that names the
// last stream. A client opens no more streams. When the streams are done, Done is true.
//
// RFC 9113 section 6.8: a server that is attempting to gracefully shut down a connection SHOULD send an initial GOAWAY frame
// with the last stream identifier set to 2^31-1 and a NO_ERROR code; after allowing time for any in-flight stream creation (at
// least one round-trip time), the server MAY send another GOAWAY frame with an updated last stream identifier.
func (c *Conn) Shutdown() {
	if c.failed() || c.away.step != awayNot {
		return
	}
	if c.role == Client {
		c.GoAway(NoError)
		return
	}
	c.away.step, c.away.code, c.away.last = awayFirst, NoError, MaxStreamID
	c.away.due = c.now.Add(shutdownWait)
	c.owed.away, c.owed.probeClose = true, true
}

// closeFinally is the second step of Shutdown.
func (c *Conn) closeFinally() {
	if c.away.step == awayFirst {
		c.GoAway(NoError)
	}
}

// GoAway refuses all streams that the peer has not opened yet, with the code as the reason. Streams that are open go on.
func (c *Conn) GoAway(code ErrorCode) {
	if c.failed() || c.away.step >= awayFinal {
		return
	}
	c.away.close(code, c.lastPeer())
	c.owed.away, c.owed.probeClose, c.owed.closing = true, false, false
}

// Done reports whether the connection can be closed: it has failed, or GOAWAY was sent and no stream is open; and nothing is
// owed.
func (c *Conn) Done() bool {
	if c.Owes() {
		return false
	}
	return c.failed() || c.away.step == awaySent && c.peers == 0 && c.owns == 0
}

// goAwayFrame: GOAWAY.
func (c *Conn) goAwayFrame(p []byte, ev *Event) {
	var g GoAway
	ParseGoAway(p, &g)
	a := &c.away
	// RFC 9113 section 6.8: endpoints MUST NOT increase the value they send in the last stream identifier.
	if a.received && g.LastStream > a.peerLast {
		c.fail(fGoAwayRises, 0)
		return
	}
	if a.received && !c.spend(10, 0) {
		return
	}
	a.received, a.peerLast = true, g.LastStream
	ev.Kind, ev.LastStream, ev.Code, ev.Data = GoAwayReceived, g.LastStream, g.Code, g.Debug
	// RFC 9113 section 6.8: streams of ours above the last one were not and will not be processed: they can be treated as though
	// they had never been created.
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		if s.id > g.LastStream && s.has(sOwn) && !s.state.closed() {
			c.close(int32(i), reset)
			s.flags |= sRetry | sHeld
			c.pending |= pendRetry
		}
	}
}

// Pending reports whether Next has an event that needs no input.
func (c *Conn) Pending() bool { return c.pending != 0 }

// nextPending reports the next of the events that need no input, in the order of the table.
func (c *Conn) nextPending(ev *Event) bool {
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		var f Fault
		switch {
		case !s.has(sRetry | sTimedOut | sCut):
			continue
		case s.flags&sRetry != 0:
			ev.Kind, ev.Code, ev.Retry = StreamReset, RefusedStream, true
		case s.flags&sTimedOut != 0:
			f = fStalled
		default:
			f = fCut
		}
		if f != ok {
			ev.Kind, ev.Code, ev.Reason, ev.Retry = StreamError, f.Code(), f.Reason(), false
		}
		ev.Stream, ev.User = s.id, s.user
		s.flags &^= sRetry | sTimedOut | sCut
		return true
	}
	c.pending = 0
	return false
}

// Finish tells that no byte will follow: the peer has closed its side. It is an error inside a frame or before the first one. What was asked as a
// whole can still be answered; streams that the peer has not ended are over: Next tells it for each of them, with a StreamError.
func (c *Conn) Finish() error {
	if c.failed() {
		return &c.err
	}
	if c.closed {
		return nil
	}
	c.closed = true
	if c.in.busy() || c.phase != wantFrames {
		c.fail(fEOF, 0)
		return &c.err
	}
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		if s.id != 0 && (s.state == open || s.state == halfLocal) {
			c.owed.reset(s.id, fCut.Code())
			c.close(int32(i), reset)
			s.flags |= sCut | sHeld
			c.pending |= pendCut
		}
	}
	return nil
}
