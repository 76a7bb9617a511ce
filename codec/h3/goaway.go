package h3

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/varint"
)

// away is how far the connection's end has come.
type away struct {
	step awayStep
	owed bool   // GOAWAY is to be sent
	last uint64 // what it names
	due  codec.Time

	received bool // the peer has sent GOAWAY
	peerLast uint64
}

type awayStep uint8

const (
	awayNot   awayStep = iota
	awayFirst          // the first GOAWAY, which refuses nothing, is owed or sent
	awayFinal          // the last one is owed or sent
)

// shutdownWait is how long Shutdown waits before the last GOAWAY.
const shutdownWait = time.Second

// maxRequest is the largest identifier of a request stream.
const maxRequest = varint.Max - 3

// refuses reports whether a request comes after the last one that we process.
func (a *away) refuses(id uint64) bool { return a.step == awayFinal && id >= a.last }

// Shutdown begins an orderly end. A server tells the client to send no more requests and takes those that are under way: it sends a GOAWAY
// that refuses nothing, and a second (see Advance), or when GoAway is called, the one that names the first request it does
// not take. A client sends no more requests, and says so. When the requests are done, Done is true.
//
// RFC 9114 section 5.2-8: an endpoint that is attempting to gracefully shut down a connection can send a GOAWAY frame with a value set to the
// maximum possible value (2^62-4 for servers, 2^62-1 for clients). After allowing time for any in-flight requests or pushes to arrive,
// the endpoint can send another GOAWAY frame indicating which requests or pushes it might accept before the end of the connection.
func (c *Conn) Shutdown() {
	if c.failed() || c.away.step != awayNot {
		return
	}
	if c.role == Client {
		c.GoAway()
		return
	}
	c.away.step, c.away.owed, c.away.last = awayFirst, true, maxRequest
	c.away.due = c.now.Add(shutdownWait)
}

// GoAway refuses all requests that have not been opened yet; those that are open go on. A client, which never takes pushes, says
// that it takes none from push 0 on.
func (c *Conn) GoAway() {
	if c.failed() || c.away.step == awayFinal {
		return
	}
	c.away.step, c.away.owed, c.away.due = awayFinal, true, codec.Never
	if c.away.last = c.next; c.role == Client {
		c.away.last = 0
	}
}

// Done reports whether the connection can be closed: it has failed, or GOAWAY was sent and no request is open; and nothing is
// owed. RFC 9114 section 5.2-11: the error code is H3_NO_ERROR unless it has failed.
func (c *Conn) Done() bool {
	if c.failed() {
		return true
	}
	return c.away.step == awayFinal && !c.away.owed && c.Idle()
}

// goAwayFrame: GOAWAY.
func (c *Conn) goAwayFrame(p []byte, ev *Event) Fault {
	id, f := ParseGoAway(p)
	a := &c.away
	switch {
	case f != ok:
		return f
	// RFC 9114 section 7.2.6-3: A client MUST treat receipt of a GOAWAY frame containing a stream ID of any other type as a connection
	// error of type H3_ID_ERROR.
	case c.role == Client && id%4 != 0:
		return fGoAwayStream
	// RFC 9114 section 5.2-7: Receiving a GOAWAY containing a larger identifier than previously received MUST be treated as a connection
	// error of type H3_ID_ERROR.
	case a.received && id > a.peerLast:
		return fGoAwayRises
	}
	if a.received && !c.spend(10, c.theirs[0]) {
		return ok
	}
	a.received, a.peerLast = true, id
	ev.Kind, ev.LastStream = GoAwayReceived, id
	if c.role == Server {
		return ok
	}
	// RFC 9114 section 5.2-5.1: if the client has already sent requests with a stream ID greater than or equal to the identifier contained in the
	// GOAWAY frame, those requests will not be processed. Clients can safely retry unprocessed requests on a different HTTP connection.
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		if s.kind == kRequest && s.id != freeSlot && s.id >= id {
			s.flags |= sRetry
			c.pending |= pendRetry
		}
	}
	return ok
}

// Pending reports whether Poll, or Next, has an event that needs no input.
func (c *Conn) Pending() bool { return c.pending != 0 }

// nextPending reports the next of the events that need no input, in the order of the table, or that the connection has failed over it.
func (c *Conn) nextPending(ev *Event) bool {
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		switch {
		case s.flags&(sRetry|sTimedOut|sResume) == 0:
			continue
		case s.has(sRetry):
			ev.Kind, ev.Stream, ev.User, ev.Code, ev.Retry, ev.EndStream = StreamReset, s.id, s.user, RequestRejected, s.phase == wantHead, false
			if c.abortStream(int32(i), RequestCancelled); c.failed() {
				ev.Kind = None
			}
		case s.has(sTimedOut):
			c.streamFault(fTableTimeout, int32(i), ev)
		default:
			s.flags &^= sResume
			ev.Kind, ev.Stream, ev.User = Unblocked, s.id, s.user
		}
		return true
	}
	c.pending = 0
	return false
}

// Advance tells the time, at the beginning of each turn. What is due then comes out of Poll or Next. A Conn that is never told the time has
// no timeouts and budgets that only work refills.
func (c *Conn) Advance(now codec.Time) {
	if c.failed() {
		return
	}
	c.now = now
	c.flood.refill(c.p, now)
	if c.away.due.Reached(now) {
		c.GoAway()
	}
	if c.waiting == 0 {
		return
	}
	for i := range c.tab.slots {
		if s := &c.tab.slots[i]; s.due.Reached(now) {
			s.due = codec.Never
			s.flags |= sTimedOut
			c.pending |= pendTimeout
		}
	}
}

// Deadline returns when Advance wants to be called, codec.Never for not at all.
func (c *Conn) Deadline() codec.Time {
	if c.failed() {
		return codec.Never
	}
	at := c.away.due
	if c.waiting > 0 {
		for i := range c.tab.slots {
			at = codec.Earliest(at, c.tab.slots[i].due)
		}
	}
	return at
}
