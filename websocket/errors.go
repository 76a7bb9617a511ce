package websocket

import (
	"errors"
	"strconv"

	"github.com/purewire/purewire/codec/ws"
)

var (
	// ErrFull: so much output waits that the message was not taken. OnDrain tells when to try again; Send waits.
	ErrFull = errors.New("websocket: output queue is full")
	// ErrOpen: a message is being sent in fragments, and another one cannot be sent between them (RFC 6455 section 5.4-9).
	ErrOpen = errors.New("websocket: a message is open")
	// ErrProtocol: the request came by HTTP/2, where nothing is upgraded (RFC 9113 section 8.6), and is no extended CONNECT
	// for websocket (RFC 8441).
	ErrProtocol = errors.New("websocket: request is neither HTTP/1.1 nor an extended CONNECT")
	// ErrHandler: the connection has a Handler, so there is nothing to read.
	ErrHandler = errors.New("websocket: messages go to the connection's Handler")
)

// CloseError is why a connection ended. Sending and reading fail with it from then on.
type CloseError struct {
	// Code is that of the peer's Close frame, ws.CloseNoStatus if it had none; otherwise that of the failure, or
	// ws.CloseAbnormal if the transport ended without a Close frame.
	Code ws.CloseCode
	// Reason is the peer's, valid UTF-8.
	Reason string
	// Remote says that the peer's Close frame was read.
	Remote bool
	// Err is what went wrong: a *ws.Error for a violation of the protocol, the driver's error for a transport that failed,
	// nil for a Close frame.
	Err error
}

// Error names code and cause.
func (e *CloseError) Error() string {
	s := "websocket: closed with " + strconv.Itoa(int(e.Code))
	switch {
	case e.Err != nil:
		s += ": " + e.Err.Error()
	case e.Reason != "":
		s += ": " + strconv.Quote(e.Reason)
	}
	return s
}

// Unwrap returns Err, or the code: errors.Is(err, ws.CloseGoingAway) works for both.
func (e *CloseError) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	return e.Code
}

// CloseStatus returns the close code in err: that of a *CloseError, 0 if it is none.
func CloseStatus(err error) ws.CloseCode {
	var e *CloseError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}
