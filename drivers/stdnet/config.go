package stdnet

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of Config.
const (
	DefaultReadBuffer  = 64 << 10
	DefaultHighWater   = 64 << 10
	DefaultKillWater   = 1 << 20
	DefaultMaxTail     = 1 << 20
	DefaultMaxPosts    = 1024
	DefaultWriteStall  = 30 * time.Second
	DefaultLingerTime  = 2 * time.Second
	DefaultLingerBytes = 4 << 20
	DefaultHandshake   = 10 * time.Second
)

// Config holds the limits of a Server. The zero value is ready to use: a zero field means the default named in its
// comment, a negative field means "none". Fields that package reactor also has mean the same there.
type Config struct {
	// ReadBuffer is the size in bytes of the pooled buffer that one read fills, 64 KiB by default. It cannot be "none".
	// A waiting TCP or Unix connection holds no read buffer, any other net.Conn holds 4 KiB.
	ReadBuffer int
	// HighWater is how many unsent bytes a connection may hold before the driver stops calling Transmit, 64 KiB by
	// default. It cannot be "none".
	HighWater int
	// KillWater is how many unsent bytes end the connection with drivers.ErrKillWater, by default 1 MiB or twice HighWater if
	// that is more. Only a machine that ignores Turn.Max reaches it. It must not be below HighWater.
	KillWater int
	// MaxTail is how many bytes a machine that wants input may leave unread, 1 MiB by default. More end the connection
	// with drivers.ErrTail.
	MaxTail int
	// MaxPosts is how many accepted Link.Post calls may be outstanding on one connection, 1024 by default. More are
	// refused with drivers.ErrBusy.
	MaxPosts int
	// MaxConns is how many connections live at once, none (unlimited) by default. At the limit the server stops accepting
	// until one ends, or with EvictIdle makes room; ServeConn refuses with drivers.ErrBusy.
	MaxConns int
	// EvictIdle makes room at MaxConns when somebody connects: the longest idle of up to 64 sampled connections is asked to
	// leave (drivers.Drainer) and closed. Idle is one with nothing unread, unsent or in flight. If there is none, the new
	// connection waits for a place. It needs MaxConns.
	EvictIdle bool
	// WriteStall ends a connection with drivers.ErrWriteStall when the peer took no byte of pending output for this long,
	// 30 s by default.
	WriteStall time.Duration
	// LingerTime is how long a connection that the machine closes is still read after all output was sent and the sending
	// side shut down (RFC 9112 section 9.6), 2 s by default. Negative closes without lingering.
	LingerTime time.Duration
	// LingerBytes is how many bytes are discarded while lingering, 4 MiB by default.
	LingerBytes int
	// Handshake ends a net.Conn that is a *tls.Conn when its handshake, which comes before Accept, takes this long, 10 s by default. Package
	// tlswrap has limits of its own, and more of them.
	Handshake time.Duration
	// OnPanic is told of a panic in a machine, a posted function or a function started by Go, with its stack. The
	// connection is closed, everything else goes on. Nil ignores it; Report.Crashed counts it in any case. It may be
	// called from several goroutines at once.
	OnPanic func(value any, stack []byte)
	// OnAcceptError is told of every error of a listener that the server survives by waiting, such as too many open
	// files. Nil ignores it.
	OnAcceptError func(err error)
}

var errConfig = errors.New("purewire: invalid stdnet.Config")

// Validate reports the first field that makes no sense, as an error that names it.
func (c Config) Validate() error {
	c = c.resolve()
	switch {
	case c.ReadBuffer < 1:
		return fmt.Errorf("%w: ReadBuffer must be positive", errConfig)
	case c.HighWater < 1:
		return fmt.Errorf("%w: HighWater must be positive", errConfig)
	case c.KillWater > 0 && c.KillWater < c.HighWater:
		return fmt.Errorf("%w: KillWater %d is below HighWater %d", errConfig, c.KillWater, c.HighWater)
	case c.EvictIdle && c.MaxConns <= 0:
		return fmt.Errorf("%w: EvictIdle without MaxConns", errConfig)
	}
	return nil
}

func (c Config) resolve() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.ReadBuffer, DefaultReadBuffer)
	def(&c.HighWater, DefaultHighWater)
	def(&c.MaxTail, DefaultMaxTail)
	def(&c.MaxPosts, DefaultMaxPosts)
	def(&c.LingerBytes, DefaultLingerBytes)
	if c.KillWater == 0 {
		c.KillWater = max(DefaultKillWater, 2*c.HighWater)
	}
	if c.WriteStall == 0 {
		c.WriteStall = DefaultWriteStall
	}
	if c.Handshake == 0 {
		c.Handshake = DefaultHandshake
	}
	if c.LingerTime == 0 {
		c.LingerTime = DefaultLingerTime
	}
	return c
}
