package codec

import "time"

// Time is a point on the caller's monotonic clock, in nanoseconds. The origin is the caller's choice; 0 means "never".
// A codec never reads a clock: it is told the time, and it answers with the next time it wants to be called.
// time.Now() does not type-check as a Time, so wall-clock time cannot slip in by accident.
type Time int64

// Never is the zero Time: no deadline.
const Never Time = 0

// Add returns t+d. Never plus anything is Never. The sum saturates at the largest Time.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	s := t + Time(d)
	if d > 0 && s < t {
		return 1<<63 - 1
	}
	return s
}

// Sub returns the duration t-u. It is meaningless if either is Never.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Reached reports whether the deadline t is due at now. Never is never due.
func (t Time) Reached(now Time) bool { return t != Never && now >= t }

// Earliest returns the earlier of two deadlines, where Never is later than everything.
func Earliest(a, b Time) Time {
	if a == Never || (b != Never && b < a) {
		return b
	}
	return a
}

// Scope says how far an error reaches.
type Scope uint8

const (
	// ScopeConn ends the connection: send what AppendOwed gives, flush, close.
	ScopeConn Scope = iota + 1
	// ScopeStream ends one stream; the connection lives on.
	ScopeStream
	// ScopeMisuse is a bug of the caller: the call made no sense now and changed nothing.
	// No bytes from a peer ever cause it.
	ScopeMisuse
)

// String returns "conn", "stream", "misuse" or "none".
func (s Scope) String() string {
	switch s {
	case ScopeConn:
		return "conn"
	case ScopeStream:
		return "stream"
	case ScopeMisuse:
		return "misuse"
	}
	return "none"
}

// Field is one header or trailer field line. Name and Value are views: see the law of lent slices in the package
// documentation for how long they are valid. Codecs keep the order, the spelling and the duplicates of the wire.
type Field struct {
	Name, Value []byte
	// Sensitive asks encoders that compress (HPACK, QPACK) to never index the field (RFC 7541 section 7.1.3).
	// HTTP/1 ignores it.
	Sensitive bool
}
