package http2

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// calm watches how quickly the peer's PING frames follow each other, if Limits.PingInterval says so: gRPC's proposal A8 ("client-side
// keepalive") and A9 ("server-side connection management").
type calm struct {
	last    codec.Time // the PING before
	strikes uint8      // those that came too early
	excused bool       // something was sent since
}

const (
	// idlePings is the shortest time between PING frames on a connection without streams, if they are not allowed there at all.
	idlePings = 2 * time.Hour
	// maxStrikes is how many PING frames may come too early.
	maxStrikes = 2
)

// pingsOften counts a PING of the peer's; it reports whether that is one too many.
func (c *Conn) pingsOften() bool {
	k := &c.calm
	if c.p.pingInterval == 0 {
		return false
	}
	last := k.last
	k.last = c.now
	if k.excused {
		// A peer that got something may want to know how long that took.
		k.excused, k.strikes = false, 0
		return false
	}
	least := c.p.pingInterval
	if c.peers == 0 && c.owns == 0 && !c.p.pingIdle {
		least = max(least, idlePings)
	}
	if last != codec.Never && c.now.Sub(last) < least {
		k.strikes++
	}
	return k.strikes > maxStrikes
}

// tooManyPings is the debug data by which gRPC clients know that they ping too often.
var tooManyPings = []byte("too_many_pings")

// debug is the debug data of GOAWAY.
func (c *Conn) debug() []byte {
	if c.err.Reason == fPingsOften.Reason() {
		return tooManyPings
	}
	return nil
}
