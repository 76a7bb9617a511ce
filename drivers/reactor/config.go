package reactor

import (
	"fmt"
	"time"
)

// Config sets up a Reactor. Zero values are the documented defaults, negative ones mean "none" where that makes sense.
type Config struct {
	// Loops is the number of event loops: 0 = GOMAXPROCS.
	Loops int
	// LockThread gives each loop an OS thread of its own. Functions started with Link.Go are then always scheduled on other
	// threads, which makes short ones slower; it helps loops that never use Go and share the machine with other work.
	LockThread bool
	// PinCores implies LockThread and binds loop i to the i-th CPU that the process may use (Linux only).
	PinCores bool
	// ReusePort opens one listening socket per loop, with SO_REUSEPORT: the kernel spreads connections evenly by hash. Otherwise
	// all loops watch one socket (EPOLLEXCLUSIVE), and a loop that has time takes the next connection. TCP only.
	ReusePort bool
	// ReadBuffer is the size in bytes of the one buffer per loop that sockets are read into: 0 = 64 KiB, at least 512.
	ReadBuffer int
	// HighWater is how many unsent bytes the driver holds before it stops asking a machine for output: 0 = 64 KiB.
	HighWater int
	// KillWater closes a connection with ErrKillWater when unsent bytes exceed it, because a machine ignored Turn.Max:
	// 0 = 1 MiB or twice HighWater, if that is more, negative = no limit.
	KillWater int
	// MaxTail closes a connection with ErrTail when a machine that wants input leaves more unread bytes than that: 0 = 1 MiB, negative = no
	// limit. While it does not want input, up to one read more may be held for it.
	MaxTail int
	// WriteStall closes a connection with ErrWriteStall when its peer takes no byte of waiting output for so long: 0 = 30 s,
	// negative = never.
	WriteStall time.Duration
	// LingerTime and LingerBytes bound the lingering close (RFC 9112 section 9.6): how long and how many bytes are still read and thrown
	// away after the sending side was shut down. 0 = 2 s and 4 MiB; a negative LingerTime closes without lingering, a negative
	// LingerBytes means no limit.
	LingerTime  time.Duration
	LingerBytes int
	// MaxConns is how many connections may be open; beyond it they wait in the listen queue: 0 or negative = no limit.
	MaxConns int
	// MaxPerSource is how many connections one IPv4 address or IPv6 /64 may have; more are closed at once: 0 or negative = no limit.
	MaxPerSource int
	// EvictIdle makes room at MaxConns: the longest idle of up to 64 sampled connections of the loop is asked to leave (Drainer) or closed.
	EvictIdle bool
	// AcceptBatch is how many connections one listener may accept per turn: 0 = 64.
	AcceptBatch int
	// AcceptPause is how long a loop leaves its listeners alone when descriptors or memory run out: 0 = 50 ms.
	AcceptPause time.Duration
	// TurnBytes is how many bytes of output one connection may make per turn before the others are served: 0 = 256 KiB.
	TurnBytes int
	// TurnReads is how many full read buffers one connection may take per turn: 0 = 4. A read that does not fill the buffer always
	// ends the turn.
	TurnReads int
	// Workers is how many goroutines run functions given to Link.Go at the same time; more wait: 0 = 16384, negative = no limit.
	Workers int
	// MaxPosts is how many posts may be outstanding per connection: 0 = 1024, negative = no limit.
	MaxPosts int
}

// Validate reports the first setting that makes no sense.
func (c Config) Validate() error {
	bad := func(name string, v any) error { return fmt.Errorf("reactor: Config.%s = %v makes no sense", name, v) }
	switch {
	case c.Loops < 0 || c.Loops > 1024:
		return bad("Loops", c.Loops)
	case c.ReadBuffer < 0 || c.ReadBuffer > 0 && c.ReadBuffer < 512:
		return bad("ReadBuffer", c.ReadBuffer)
	case c.HighWater < 0:
		return bad("HighWater", c.HighWater)
	case c.AcceptBatch < 0:
		return bad("AcceptBatch", c.AcceptBatch)
	case c.AcceptPause < 0:
		return bad("AcceptPause", c.AcceptPause)
	case c.TurnBytes < 0:
		return bad("TurnBytes", c.TurnBytes)
	case c.TurnReads < 0:
		return bad("TurnReads", c.TurnReads)
	}
	d := c.resolved(1)
	if d.KillWater < d.HighWater {
		return bad("KillWater (below HighWater)", c.KillWater)
	}
	if c.EvictIdle && c.MaxConns <= 0 {
		return bad("EvictIdle without MaxConns", c.EvictIdle)
	}
	return nil
}

const unlimited = int(^uint(0) >> 1)

// resolved puts the defaults in place; limits that are "none" become very large.
func (c Config) resolved(procs int) Config {
	def := func(p *int, d int) {
		if *p == 0 {
			*p = d
		} else if *p < 0 {
			*p = unlimited
		}
	}
	def(&c.Loops, procs)
	def(&c.ReadBuffer, 64<<10)
	def(&c.HighWater, 64<<10)
	def(&c.KillWater, max(1<<20, 2*c.HighWater))
	def(&c.MaxTail, 1<<20)
	def(&c.MaxConns, unlimited)
	def(&c.AcceptBatch, 64)
	def(&c.TurnBytes, 256<<10)
	def(&c.TurnReads, 4)
	def(&c.Workers, 16384)
	def(&c.MaxPosts, 1024)
	def(&c.LingerBytes, 4<<20)
	if c.WriteStall == 0 {
		c.WriteStall = 30 * time.Second
	}
	if c.LingerTime == 0 {
		c.LingerTime = 2 * time.Second
	}
	if c.AcceptPause == 0 {
		c.AcceptPause = 50 * time.Millisecond
	}
	c.LockThread = c.LockThread || c.PinCores
	return c
}
