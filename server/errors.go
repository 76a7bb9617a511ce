package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// Causes of a request context's cancellation, to be read with context.Cause, and of failing reads and writes.
var (
	// ErrPeerClosed: the peer left.
	ErrPeerClosed = errors.New("server: peer closed the connection")
	// ErrTimeout: a deadline of Deadlines expired.
	ErrTimeout error = timeoutError{}
	// ErrShutdown: the server was closed while the request was in flight.
	ErrShutdown = errors.New("server: shutting down")
	// ErrUnresponsive: the client did not answer a PING (Keepalive).
	ErrUnresponsive = errors.New("server: peer does not answer")
	// ErrAnswered: the request already has its answer, or its connection is gone.
	ErrAnswered = errors.New("server: request is already answered")
)

// errTrailer is what Ctx.ReplyTrailers says of a field that may not stand in a trailer section.
var errTrailer = errors.New("server: field may not be sent as a trailer")

type timeoutError struct{}

func (timeoutError) Error() string   { return "server: deadline expired" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// PanicError is reported to Hooks.OnError when a handler panicked.
type PanicError struct {
	// Value is what was passed to panic.
	Value any
	// Stack is the panicking goroutine's stack.
	Stack []byte
}

// Error returns the panic value as text.
func (e *PanicError) Error() string { return fmt.Sprintf("server: panic in handler: %v", e.Value) }

// Unwrap returns the panic value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errorStatus is the status to answer a decoder's error with.
func errorStatus(err error) int {
	var s http1.Status
	if errors.As(err, &s) && s >= 400 && s < 600 {
		return int(s)
	}
	return http.StatusBadRequest
}

// errorBody is the fixed text of an error response. Nothing of the request is in it.
func errorBody(status int, reason string) string {
	s := strconv.Itoa(status) + " " + http1.ReasonPhrase(status)
	if reason != "" {
		s += ": " + reason
	}
	return s + "\n"
}

var (
	nameContentType = []byte("Content-Type")
	nameRetryAfter  = []byte("Retry-After")
	textPlain       = []byte("text/plain; charset=utf-8")
)

// appendError appends a whole error response. retry is the Retry-After value, empty for none.
func (l *local) appendError(dst []byte, unix int64, minor uint8, status int, reason, retry string, head, close bool) []byte {
	body := errorBody(status, reason)
	l.fields = append(l.fields[:0], codec.Field{Name: nameContentType, Value: textPlain})
	if retry != "" {
		l.fields = append(l.fields, codec.Field{Name: nameRetryAfter, Value: []byte(retry)})
	}
	l.head = http1.ResponseHead{
		Status: status, HTTP10: minor == 0, Fields: l.fields, Framing: http1.Length, Length: int64(len(body)),
		ToHEAD: head, Close: close, Date: l.date(unix),
	}
	var enc http1.Encoder
	out, err := enc.AppendResponse(dst, &l.head)
	if err != nil {
		return dst
	}
	if head {
		return out
	}
	if out, err = enc.AppendBody(out, []byte(body)); err != nil {
		return dst
	}
	if out, err = enc.AppendEnd(out, nil); err != nil {
		return dst
	}
	return out
}
