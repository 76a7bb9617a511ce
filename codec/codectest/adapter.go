package codectest

import "errors"

// Adapter tells the kit about one kind of codec, in one configuration. Only New is required; every other field either
// states a promise of the codec's documentation that the kit then checks, or gives the kit a way to reach a law that
// cannot be seen through New alone.
type Adapter struct {
	// New returns a codec in its initial state.
	New func() Instance

	// MaxTail is the longest tail in bytes that the codec documents: how much it may leave unconsumed when it asks for
	// more (law 2). Zero: it must consume everything it is shown. Negative: not bounded, not checked.
	MaxTail int

	// Work is the factor k of law 3: feeding an input of any length, cut in any way, may cost at most
	// Work*len(input)+WorkBase steps. It needs an Instance that is a Stepper. Zero or negative: not checked.
	Work int
	// WorkBase is the constant part of the bound, in steps. Negative counts as zero.
	WorkBase int

	// WritesSource says that the codec may write to the part of src that it consumes in the same call (law 5: unmasking,
	// decryption). Without it the kit reports every write to src.
	WritesSource bool
	// Scratch says that slices in an event may point to memory other than src, as for a codec that decompresses. Without
	// it every slice in an event must lie inside the bytes that the same call consumed.
	Scratch bool

	// EOF says that the end of input follows the bytes: the kit calls Finish (see Finisher) behind them.
	EOF bool

	// Calls are further methods of the codec, to be called at every moment (law 8).
	Calls []Call

	// Script returns the calls of the encoding side for laws 4, 6 and 10: a fresh encoder, and calls on it that are made
	// in order. It may include calls that fail.
	Script func() []AppendCall

	// Encode returns a fresh re-encoder for law 10: a function that appends the encoding of the event that in.Next has
	// just reported. Nil: no re-encoding is checked. ErrNoEncoding: the event has no encoding, a list that a limit has cut short for
	// instance, and none of the input is checked.
	Encode func() func(dst []byte, in Instance) ([]byte, error)
}

// ErrNoEncoding is what the function that Adapter.Encode returns says of an event that no encoding could have.
var ErrNoEncoding = errors.New("codectest: the event has no encoding")

// Instance is one codec with one event, adapted. Its methods only pass calls on.
type Instance interface {
	// Next calls the codec once: n is what it consumed, got tells whether there is an event (the kind is not None).
	// It must not allocate by itself: law 4 counts it. What a connection's owner does between two events without looking
	// at the bytes (resuming a paused decoder, answering a request) belongs here, before the call.
	Next(src []byte) (n int, got bool, err error)
	// Event returns a pointer to the event struct that Next fills, always the same one, so that the kit can poison it
	// before a call and look for slices in it afterwards.
	Event() any
	// Render writes the event that Next or Finish has just reported to the log. It has no other effect.
	Render(log *Log)
	// Fault explains an error that the codec returned.
	Fault(err error) Fault
	// Reset brings the codec to its initial state without allocating. The event keeps its arrays.
	Reset()
}

// Fault is what the kit compares of an error.
type Fault struct {
	// Reason is the constant token of the failing branch, e.g. "9112-5.1-2: whitespace before colon".
	Reason string
	// Off is the offset in the connection's input at which the error was found, -1 for none.
	Off int64
	// Misuse tells that the error blames the caller (codec.ScopeMisuse), not the peer.
	Misuse bool
}

// Stepper is implemented by instances that count their work (law 3).
type Stepper interface {
	// Steps returns the work done since New or Reset in steps, roughly: bytes looked at.
	Steps() uint64
}

// Ower is implemented by instances of codecs that owe output by themselves: acks, window updates, pongs, goaway.
type Ower interface {
	// AppendOwed appends owed output to dst, about max bytes of it, and returns it.
	AppendOwed(dst []byte, max int) []byte
}

// Finisher is implemented by instances of codecs that can be told of the end of input.
type Finisher interface {
	// Finish tells that no byte will follow. got tells whether there is an event.
	Finish() (got bool, err error)
}

// Ender is implemented by instances of codecs that can come to the end of their protocol before the end of the input,
// such as HTTP/1 at a tunnel: from then on the rest belongs to another protocol and no tail is too long.
type Ender interface {
	// Ended tells whether the codec has handed the connection over.
	Ended() bool
}

// Call is a method of the codec that may come at any time (law 8): it makes sense and returns nil, or it returns a misuse
// error and changes nothing.
type Call struct {
	// Name is what a report calls it.
	Name string
	// Do makes the call on an instance that New has returned.
	Do func(in Instance) error
}

// AppendCall is one call of an encoder.
type AppendCall struct {
	// Name is what a report calls it.
	Name string
	// Do makes the call. It is made once for each list that Script returns.
	Do func(dst []byte) ([]byte, error)
	// Want, if not nil, writes what a decoder (Adapter.New) must log for the bytes of this call (law 10). It is not asked
	// for calls that fail.
	Want func(log *Log)
}
