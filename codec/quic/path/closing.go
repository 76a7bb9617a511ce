package path

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// CloseState says how far the end of a connection is (RFC 9000 section 10.2).
type CloseState uint8

// The states.
const (
	// Open is a connection that nobody has closed.
	Open CloseState = iota
	// Closing: we have closed it, and answer packets with CONNECTION_CLOSE, ever more rarely.
	Closing
	// Draining: the peer has closed it. Nothing may be sent.
	Draining
	// Closed: the time is over, all state can be thrown away.
	Closed
)

// String returns "open", "closing", "draining", "closed" or "unknown".
func (s CloseState) String() string {
	switch s {
	case Open:
		return "open"
	case Closing:
		return "closing"
	case Draining:
		return "draining"
	case Closed:
		return "closed"
	}
	return "unknown"
}

// Closer is the end of a connection: when CONNECTION_CLOSE is sent, and when everything can be forgotten. The zero value is Open.
type Closer struct {
	state    CloseState
	end      codec.Time
	received uint64 // packets since closing
	answer   uint64 // the number of received packets that is answered next
	due      bool
}

// State returns the state.
func (c *Closer) State() CloseState { return c.state }

// Close closes the connection from our side: a CONNECTION_CLOSE frame is due. pto is the current probe timeout. In another state than Open it does
// nothing.
func (c *Closer) Close(now codec.Time, pto time.Duration) {
	if c.state != Open {
		return
	}
	// 9000-10.2-5: "These states SHOULD persist for at least three times the current PTO interval".
	c.state, c.end, c.due, c.answer = Closing, now.Add(3*pto), true, 1
}

// PeerClosed takes a CONNECTION_CLOSE frame of the peer. If we had not closed before, one frame in answer is due, which should have the code NO_ERROR (9000-10.2.2-2); nothing
// more is sent.
func (c *Closer) PeerClosed(now codec.Time, pto time.Duration) {
	switch c.state {
	case Open:
		c.state, c.end, c.due = Draining, now.Add(3*pto), true
	case Closing:
		// 9000-10.2.2-3: "the draining state ends when the closing state would have ended."
		c.state, c.due = Draining, false
	}
}

// Reset takes a stateless reset of the peer: nothing is sent any more.
func (c *Closer) Reset(now codec.Time, pto time.Duration) {
	// 9000-10.3.1-5: "the endpoint MUST enter the draining period and not send any further packets on this connection."
	switch c.state {
	case Open:
		c.state, c.end = Draining, now.Add(3*pto)
	case Closing, Draining: // the answer to a CONNECTION_CLOSE that is still due is not sent either
		c.state, c.due = Draining, false
	}
}

// Abort ends a connection of which nothing is to be kept, silently: the idle timeout (9000-10.1-1), or no validated path (9000-9.3.2-3).
func (c *Closer) Abort() { *c = Closer{state: Closed} }

// Received says that a packet has arrived for the connection. While Closing, the first one is answered with CONNECTION_CLOSE, then the second, the
// fourth, the eighth, and so on.
func (c *Closer) Received() {
	if c.state != Closing {
		return
	}
	// 9000-10.2.1-3: "An endpoint SHOULD limit the rate at which it generates packets in the closing state."
	c.received++
	if c.received >= c.answer {
		c.due = true
		c.answer *= 2
	}
}

// Due tells whether a packet with CONNECTION_CLOSE should be sent now. The anti-amplification limit of the path holds for it as for every other packet
// (9000-10.2.1-7).
func (c *Closer) Due() bool { return c.due }

// Sent says that it is sent.
func (c *Closer) Sent() { c.due = false }

// Deadline returns when Advance ends the state, Never if there is nothing to wait for.
func (c *Closer) Deadline() codec.Time {
	if c.state == Closing || c.state == Draining {
		return c.end
	}
	return codec.Never
}

// Advance tells the time. ended is true once: the connection is Closed.
func (c *Closer) Advance(now codec.Time) (ended bool) {
	if !c.Deadline().Reached(now) {
		return false
	}
	c.state, c.due = Closed, false
	return true
}
