package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec/grpc"
)

// Error is the status of a call that did not end with OK.
type Error struct {
	// Code is the status code. grpc.OK in an Error that a handler returns counts as grpc.Unknown.
	Code grpc.Code
	// Message is for people. Any text can be sent.
	Message string
	// Details is a serialized google.rpc.Status, empty for none (grpc-status-details-bin).
	Details []byte
}

// Error returns the code's name and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Error()
	}
	return e.Code.Error() + ": " + e.Message
}

// Unwrap returns the Code: errors.Is(err, grpc.NotFound) works.
func (e *Error) Unwrap() error { return e.Code }

// Errorf returns an *Error.
func Errorf(c grpc.Code, format string, args ...any) error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// StatusOf makes a status of an error: nil of nil; an *Error in its chain as it is; the Code and Reason of a *grpc.Error; a bare
// grpc.Code; DEADLINE_EXCEEDED and CANCELLED for the errors of contexts; else UNKNOWN with the error's text.
func StatusOf(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Code == grpc.OK {
			return &Error{Code: grpc.Unknown, Message: e.Message, Details: e.Details}
		}
		return e
	}
	var g *grpc.Error
	if errors.As(err, &g) {
		return &Error{Code: g.Code, Message: g.Reason}
	}
	var c grpc.Code
	switch {
	case errors.As(err, &c) && c != grpc.OK:
		return &Error{Code: c}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: grpc.DeadlineExceeded, Message: rDeadline}
	case errors.Is(err, context.Canceled):
		return &Error{Code: grpc.Canceled, Message: rCanceled}
	}
	return &Error{Code: grpc.Unknown, Message: err.Error()}
}

// CodeOf is StatusOf's code, grpc.OK for nil.
func CodeOf(err error) grpc.Code {
	if s := StatusOf(err); s != nil {
		return s.Code
	}
	return grpc.OK
}

// The messages of statuses that this package makes itself.
const (
	rDeadline    = "grpc-Timeout: the deadline has passed"
	rCanceled    = "grpc-Cancellation: the call was cancelled"
	rPanic       = "grpc-Status: the handler failed"
	rNoService   = "grpc-Path: unknown service"
	rNoMethod    = "grpc-Path: unknown method"
	rNoRequest   = "grpc-Cardinality: no request message"
	rManyRequest = "grpc-Cardinality: more than one request message"
	rNoReply     = "grpc-Cardinality: no response message"
	rManyReply   = "grpc-Cardinality: more than one response message"
	rSendTooLong = "grpc-LengthPrefixedMessage: message to be sent is over the limit"
	rEnded       = "grpc-Stream: the call has ended"
	rHeadSent    = "grpc-Response-Headers: the header section was sent already"
	rNotAccepted = "grpc-Message-Encoding: the peer does not accept this encoding"
	rSubtype     = "grpc-Content-Type: the response is not in the format of the request"
	rNoEncoding  = "grpc-Message-Encoding: no such encoding is configured"
	rURL         = "grpc-Path: the method is not /Service/Method, or the base is no URL"
	rNoSubtype   = "grpc-Content-Type: the subtype is no token"
	rTransport   = "grpc-HTTP2: the connection failed: "
	rCut         = "grpc-HTTP2: the server gave the request up"
	rReset       = "grpc-Errors: the stream was reset"
)
