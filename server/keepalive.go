package server

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// Keepalive says how long HTTP/2 connections live, and how to find out that a client is gone which said nothing (a machine without
// power, a NAT that forgot). Zero is the default, negative is none. Related settings are elsewhere: a connection without streams ends
// after Deadlines.Idle, and how often a client may send PING frames is HTTP2.Limits.PingInterval and PingIdle.
type Keepalive struct {
	// PingAfter: a client that was silent for so long is sent a PING, whether it has streams or not. Default none.
	PingAfter time.Duration
	// PingTimeout is how long the client may take to answer, or to say anything else; then the connection is dropped and
	// contexts end with ErrUnresponsive. Default 20 s.
	PingTimeout time.Duration
	// MaxAge is how old a connection becomes before the client is told to open no more streams on it (GOAWAY), as is good behind a load
	// balancer. Each connection's own is up to a tenth longer or shorter, so that those that began together do not end
	// together. Default none.
	MaxAge time.Duration
	// MaxAgeGrace is how long streams may go on after that; then the connection is closed and contexts end with ErrShutdown.
	// Default none: as long as they like.
	MaxAgeGrace time.Duration
}

// DefaultPingTimeout is the default of Keepalive.PingTimeout.
const DefaultPingTimeout = 20 * time.Second

func (k Keepalive) withDefaults() Keepalive {
	return Keepalive{PingAfter: pick(k.PingAfter, 0), PingTimeout: pick(k.PingTimeout, DefaultPingTimeout), MaxAge: pick(k.MaxAge, 0), MaxAgeGrace: pick(k.MaxAgeGrace, 0)}
}

// h2keep is what a connection needs for it, if anything is set.
type h2keep struct {
	heard   codec.Time // the last bytes of the client's
	asked   codec.Time // when the PING was sent that awaits its answer, Never: none does
	pingBy  codec.Time // look again
	ageBy   codec.Time // GOAWAY
	graceBy codec.Time // and the end
}

// newKeep returns nil if nothing is set.
func (s *Server) newKeep(now codec.Time) *h2keep {
	d := &s.keep
	if d.PingAfter == 0 && d.MaxAge == 0 {
		return nil
	}
	k := &h2keep{heard: now, pingBy: never0(now, d.PingAfter), ageBy: codec.Never}
	if d.MaxAge > 0 {
		// Fibonacci hashing spreads successive connections over the whole range.
		spread := int64(s.aged.Add(1)*0x9E3779B97F4A7C15>>44) - 1<<19 // 20 bits, around 0
		k.ageBy = now.Add(d.MaxAge + time.Duration(float64(d.MaxAge)/10*float64(spread)/(1<<19)))
	}
	return k
}

// hear notes that something came.
func (k *h2keep) hear(now codec.Time, after time.Duration) {
	if k.heard = now; k.asked != codec.Never {
		k.asked, k.pingBy = codec.Never, now.Add(after)
	}
}

// deadline is when keepalive wants to be called.
func (k *h2keep) deadline() codec.Time {
	if k == nil {
		return codec.Never
	}
	return codec.Earliest(k.pingBy, codec.Earliest(k.ageBy, k.graceBy))
}

// keepalive does what is due.
func (c *h2conn) keepalive(t *drivers.Turn) {
	k := c.keep
	if k == nil || c.has(h2Closing|h2Abort) {
		return
	}
	d := &c.srv.keep
	if k.ageBy.Reached(t.Now) {
		k.ageBy, k.graceBy = codec.Never, never0(t.Now, d.MaxAgeGrace)
		c.c.Shutdown()
	}
	if k.graceBy.Reached(t.Now) {
		k.graceBy = codec.Never
		c.flags |= h2Closing
		c.dropAll(ErrShutdown)
		return
	}
	if !k.pingBy.Reached(t.Now) {
		return
	}
	if c.has(h2Full) {
		k.hear(t.Now, d.PingAfter) // we do not listen: HTTP2.Limits.StallTimeout is for clients that do not read
	}
	switch {
	case k.asked == codec.Never:
		if k.pingBy = k.heard.Add(d.PingAfter); !k.pingBy.Reached(t.Now) {
			return
		}
		_ = c.c.Ping(pingOpaque) // if one is under way still, that is as good
		k.asked, k.pingBy = t.Now, never0(t.Now, d.PingTimeout)
	default:
		k.pingBy = codec.Never
		c.srv.onError(nil, ErrUnresponsive)
		c.flags |= h2Abort
		c.dropAll(ErrUnresponsive)
	}
}

var pingOpaque = [8]byte{'p', 'u', 'r', 'e', ' ', 'y', 'o', 'u'}
