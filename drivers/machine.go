package drivers

import (
	"errors"
	"net"

	"github.com/purewire/purewire/codec"
)

// Turn is what a machine may use during one call: the time and the worker's scratch space. It belongs to the driver and
// is only valid during the call.
type Turn struct {
	// Now is the driver's monotonic clock, read at least once per batch of work.
	Now codec.Time
	// Unix is the wall clock in whole seconds since 1970, for Date headers. It may lag by up to a second.
	Unix int64
	// Max is how many bytes a machine should append to dst in this call, at most. One indivisible unit (a head, a frame)
	// may overshoot it.
	Max int
	// Local is what Service.NewLocal returned for this worker: parsers' events, caches, scratch. A connection that
	// waits holds none of it.
	Local any
}

// Status is the set of a machine's wishes after a call.
type Status uint8

const (
	// WantInput asks the driver to read and to call Receive.
	WantInput Status = 1 << iota
	// WantOutput says that Transmit has bytes to append now.
	WantOutput
	// HasPayload says that, behind everything appended so far, the bytes of Payloader.Payload go out by reference.
	// While it is set neither Receive nor Transmit appends to dst.
	HasPayload
	// Switch says that Successor.Successor returns the machine that takes over this connection. All output appended so
	// far is still sent first; unread input goes to the successor.
	Switch
	// Closing asks the driver to send all output, shut down the sending side, linger so that the peer can read it
	// (RFC 9112 section 9.6), and close. Input is discarded from now on; WantInput is ignored.
	Closing
	// Abort asks the driver to close at once, unsent output and all.
	Abort
	// Complete, beside Closing, says that the peer has promised to send nothing more and kept it so far: the driver closes as
	// soon as all output is sent, without lingering.
	Complete
)

// Machine is one connection's protocol logic. See the package documentation for who calls what when.
type Machine interface {
	// Receive is given unread bytes. It consumes a prefix and returns its length. It may append output to dst and
	// returns dst in any case; it must not read or write dst[:len(dst)]. src is lent for the call only; the machine
	// may write to it (WebSocket unmasks in place) only in src[:n].
	Receive(t *Turn, src, dst []byte) (n int, out []byte)
	// Transmit appends output to dst and returns it.
	Transmit(t *Turn, dst []byte) []byte
	// PeerClosed tells that the peer has finished sending. What was asked may still be answered.
	PeerClosed(t *Turn)
	// Advance tells that time has passed: a deadline is due, or somebody called Link.Wake.
	Advance(t *Turn)
	// Deadline returns when Advance wants to be called, codec.Never for not at all.
	Deadline() codec.Time
	// Status returns the machine's wishes. It is cheap and free of effects.
	Status() Status
	// Closed tells that the connection is gone: the last call. err is nil after an orderly close that the machine asked
	// for, otherwise the reason (a reset, a write stall, ErrClosed for a driver that was closed, ...).
	Closed(err error)
}

// Payloader is implemented by machines that send large payloads by reference (Status HasPayload).
type Payloader interface {
	// Payload returns the bytes to send next. They must stay unchanged until PayloadSent has accounted for them or Closed
	// was called.
	Payload() []byte
	// PayloadSent tells that the first n bytes of Payload were handed to the kernel; the next Payload starts behind them.
	PayloadSent(t *Turn, n int)
}

// Successor is implemented by machines that can be replaced (Status Switch): an HTTP connection that becomes a WebSocket,
// a CONNECT tunnel, a hijacked connection.
type Successor interface {
	// Successor returns the machine that takes over. It is called once. The old machine gets no call after that, not even
	// Closed. The new machine gets PeerClosed if the old one already had it.
	Successor(t *Turn) Machine
}

// Link is a machine's handle on its own connection. All its methods are safe from any goroutine at any time.
type Link interface {
	// Wake asks the driver to call Advance and then to look at Status. Calls are coalesced.
	Wake()
	// Post runs fn on the connection's owner, as if it were a call of the machine, and then looks at Status. If it returns
	// nil, fn is called exactly once: with a nil error, or with ErrClosed if the connection ended first. ErrClosed and
	// ErrBusy (too many posts outstanding) mean that fn is not called.
	Post(fn func(t *Turn, err error)) error
	// Go runs fn where it may block, outside of any machine call, and soon. The reactor uses a goroutine; stdnet may use
	// the connection's own. Go is called from machine methods only. After fn has returned Advance is called, as if fn's last
	// act had been Wake: fn need not call Wake itself just before it returns, and on stdnet it is cheaper not to.
	Go(fn func())
	// Pump is called from inside a function started by Go that waits for something the machine receives or sends. A driver
	// that makes progress by itself returns false at once: wait on your own condition. Otherwise it moves bytes until the
	// machine was called at least once, and returns true: look at your condition again.
	Pump() bool
	// Watch tells that a function started by Go wants to learn of the peer's leaving while it does not call Pump. It is
	// idempotent until that function returns.
	Watch()
	// LocalAddr and RemoteAddr return the connection's addresses.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	// Unsent returns how many bytes wait in the driver, given by the machine but not yet taken by the kernel.
	Unsent() int
}

// Service makes machines: one per accepted connection.
type Service interface {
	// NewLocal returns the scratch space that one worker (a reactor loop, a pooled stdnet worker) lends to machines
	// through Turn.Local. It may return nil.
	NewLocal() any
	// Accept returns the machine for a new connection, or nil to refuse it (the driver closes it).
	Accept(t *Turn, l Link) Machine
}

// ServiceFunc adapts a function to a Service without scratch space.
type ServiceFunc func(t *Turn, l Link) Machine

// NewLocal returns nil.
func (f ServiceFunc) NewLocal() any { return nil }

// Accept calls f.
func (f ServiceFunc) Accept(t *Turn, l Link) Machine { return f(t, l) }

var (
	// ErrClosed: the connection or the driver is closed.
	ErrClosed = errors.New("purewire: closed")
	// ErrBusy: too many posts are outstanding on this connection.
	ErrBusy = errors.New("purewire: too many posts outstanding")
	// ErrWriteStall: the peer took no bytes for the driver's WriteStall time.
	ErrWriteStall = errors.New("purewire: peer stopped reading")
	// ErrKillWater: the machine ignored Turn.Max and left more output unsent than the driver's KillWater.
	ErrKillWater = errors.New("purewire: unsent output exceeds KillWater")
	// ErrTail: the machine left more unread bytes than the driver's MaxTail, although it wanted input.
	ErrTail = errors.New("purewire: unread tail exceeds MaxTail")
)

// Report is what a drain achieved.
type Report struct {
	// Drained connections ended by themselves before the deadline, TimedOut were closed at it. InFlight of those had
	// a request or unsent output at that time. Crashed counts workers that ended with a panic.
	Drained, TimedOut, InFlight, Crashed int
}

// Drainer is implemented by machines that can be asked to finish: answer what is in flight, tell the peer, close.
type Drainer interface {
	// Drain asks the machine to come to Closing by itself, soon. An idle connection closes now.
	Drain(t *Turn)
	// InFlight reports whether work would be lost if the connection were closed now.
	InFlight() bool
}
