package server

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// Hooks observe what a server does. Each list is called in order. OnConnect, OnDisconnect and OnReceive run on the connection's
// owner, the others there or on a handler's goroutine; none may block. Empty lists cost nothing.
type Hooks struct {
	// OnConnect is called when a connection was accepted.
	OnConnect []func(ConnInfo)
	// OnDisconnect is called once per accepted connection, when it is gone. err is nil after an orderly close.
	OnDisconnect []func(c ConnInfo, err error)
	// OnReceive is called when a request head was received, before its handler.
	OnReceive []func(*Exchange)
	// OnReply is called when a response is complete, or given up: an access log.
	OnReply []func(*Exchange)
	// OnError is called for rejected requests, panics (*PanicError), expired deadlines, and errors of HandlerE. x may be
	// nil if there is no request.
	OnError []func(x *Exchange, err error)
}

// ConnInfo tells one connection from the others.
type ConnInfo struct {
	// ID counts the connections of a server, from 1.
	ID uint64
	// Local and Remote are the connection's addresses.
	Local, Remote net.Addr
}

// Exchange describes a request and its response to hooks. It is an owned copy and may be kept.
type Exchange struct {
	// Conn is the connection it came by.
	Conn ConnInfo
	// Method and Target are the request line's. They come from the peer: quote them when you print them.
	Method, Target string
	// Request is the request as http.Handlers see it, nil for native handlers.
	Request *http.Request
	// Status is the response's status code, 0 while there is none.
	Status int
	// Bytes counts the content bytes of the response.
	Bytes int64
	// Duration is the time from the request head to the end of the response.
	Duration time.Duration
}

func (h *Hooks) validate() error {
	for _, f := range h.OnConnect {
		if f == nil {
			return errNilHook
		}
	}
	for _, f := range h.OnDisconnect {
		if f == nil {
			return errNilHook
		}
	}
	for _, l := range [][]func(*Exchange){h.OnReceive, h.OnReply} {
		for _, f := range l {
			if f == nil {
				return errNilHook
			}
		}
	}
	for _, f := range h.OnError {
		if f == nil {
			return errNilHook
		}
	}
	return nil
}

var errNilHook = errors.New("server: a hook is nil")

func (s *Server) onError(x *Exchange, err error) {
	for _, f := range s.cfg.Hooks.OnError {
		f(x, err)
	}
}

func (s *Server) onReply(x *Exchange) {
	for _, f := range s.cfg.Hooks.OnReply {
		f(x)
	}
}

func (s *Server) logf(format string, args ...any) {
	if s.cfg.ErrorLog != nil {
		s.cfg.ErrorLog(format, args...)
	}
}
