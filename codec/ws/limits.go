package ws

import (
	"math"
	"time"
)

// The defaults of Limits and Config.
const (
	DefaultMessage      = 1 << 20
	DefaultFragments    = 1024
	DefaultFruitless    = 1024
	DefaultDeflateMin   = 256
	DefaultHistory      = 4096
	DefaultCloseTimeout = 5 * time.Second
)

// MaxTail is the longest tail that Next leaves unread: a control frame that lacks its last byte.
const MaxTail = 2 + 4 + MaxControl - 1

// Limits bounds what the peer can make a connection accept. Zero means the default, negative means no limit.
type Limits struct {
	// Message bounds one message in bytes, after inflation. Default 1 MiB. A frame that would exceed it is refused by its
	// header, before a byte of it is read; inflated bytes as they appear: 1009.
	Message int64
	// Frame bounds the declared payload of one data frame. Default: no other bound than Message. 1009.
	Frame int64
	// Fragments bounds the frames of one message: so many, and one more for each KiB of it. Default 1024. 1008.
	Fragments int
	// Fruitless bounds pings, pongs and empty data frames, together: each takes one from this budget. A data frame with
	// n bytes gives 1+n/64 back, and Advance 15 a second, up to the full budget. Default 1024. 1008.
	Fruitless int
}

// Config is what many connections share. It must not be changed while one of them uses it.
type Config struct {
	Limits Limits
	// Rand returns 32 unpredictable bits: the masking key of a frame (RFC 6455 section 10.3: from a strong source of
	// entropy). The client role needs it: without it every Append call is misuse and nothing owed is sent.
	Rand func() uint32
	// Pool lends the state of permessage-deflate. Nil: it is allocated when needed and left to the garbage collector. It
	// is called from wherever the connections are used: if that is more than one goroutine it must bear it.
	Pool Pool
	// DeflateMin is the length in bytes from which messages are deflated, where that is agreed. Zero means 256, negative
	// all of them.
	DeflateMin int
	// DeflateHistory is how many bytes of what it has sent a connection keeps, where context takeover is agreed for its
	// direction: messages to come are deflated against them. Zero means 4096, negative the whole window.
	DeflateHistory int
	// NoUTF8 turns the validation of text off, in both directions. Danger: what reaches the application, or the peer, may be
	// no text (RFC 6455 section 8.1 demands the check).
	NoUTF8 bool
	// PingInterval is how long the peer may be silent before it is owed a Ping. Zero or negative: no keepalive.
	PingInterval time.Duration
	// PongTimeout is how long it may be silent behind that before the connection counts as dead. Zero or negative:
	// PingInterval.
	PongTimeout time.Duration
	// CloseTimeout is how long the peer may take to answer our Close frame. Zero means 5 s, negative for ever.
	CloseTimeout time.Duration
}

// defaultConfig stands for a nil Config.
var defaultConfig = new(Config)

func limit(v, def int64) int64 {
	switch {
	case v < 0:
		return math.MaxInt64
	case v == 0:
		return def
	}
	return v
}

func (l *Limits) message() int64   { return limit(l.Message, DefaultMessage) }
func (l *Limits) frame() int64     { return limit(l.Frame, math.MaxInt64) }
func (l *Limits) fragments() int64 { return limit(int64(l.Fragments), DefaultFragments) }
func (l *Limits) fruitless() int64 { return limit(int64(l.Fruitless), DefaultFruitless) }

func (c *Config) closeTimeout() time.Duration {
	if c.CloseTimeout == 0 {
		return DefaultCloseTimeout
	}
	return c.CloseTimeout
}

func (c *Config) pongTimeout() time.Duration {
	if c.PongTimeout <= 0 {
		return c.PingInterval
	}
	return c.PongTimeout
}

func (c *Config) deflateMin() int {
	if c.DeflateMin == 0 {
		return DefaultDeflateMin
	}
	return c.DeflateMin
}

func (c *Config) deflateHistory() int {
	switch {
	case c.DeflateHistory < 0:
		return maxWindow
	case c.DeflateHistory == 0:
		return DefaultHistory
	}
	return c.DeflateHistory
}
