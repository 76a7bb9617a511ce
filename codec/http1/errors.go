package http1

import "github.com/purewire/purewire/codec"

// Status is the typed code of an Error: the status to answer with. errors.Is(err, http1.Status(431)) works.
type Status int

// Error returns the standard reason phrase.
func (s Status) Error() string { return "http1: " + ReasonPhrase(int(s)) }

// Error is every error of this package.
type Error struct {
	Scope  codec.Scope
	Code   Status
	Stream uint64 // always 0
	Off    int64  // offset in the connection's input
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "http1: " + e.Reason }

// Unwrap returns the status.
func (e *Error) Unwrap() error { return e.Code }
