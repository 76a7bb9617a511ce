package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
)

// ClientStream is a streaming call on the client's side. One goroutine may receive while another sends.
type ClientStream struct {
	c         *Client
	ctx       context.Context
	cancel    context.CancelFunc
	stop      func() bool
	enc       *Encoding // of what is sent
	encodings []*Encoding
	body      *io.PipeReader // nil for unary calls
	pipe      *io.PipeWriter

	wait                bool
	maxReceive, maxSend int64
	subtype             string

	sendMu sync.Mutex
	plain  bool
	out    []byte

	// Set before head is closed.
	head    chan struct{}
	resp    *http.Response
	headErr error
	md      Metadata

	// The receiver's.
	in      receiver
	recvErr error // how the call ended, io.EOF for OK

	mu      sync.Mutex
	trailer Metadata
}

// Context is the call's.
func (s *ClientStream) Context() context.Context { return s.ctx }

// Cancel ends the call, unless it has ended: the stream is reset, and Recv returns CANCELLED. Any goroutine may call it, any number
// of times; the call needs not be received to its end then.
func (s *ClientStream) Cancel() { s.cancel() }

// roundTrip sends the request and waits for the response head.
func (s *ClientStream) roundTrip(r *http.Request) {
	defer close(s.head)
	resp, err := s.connected(r)
	if err != nil {
		s.headErr = s.failure(err)
		return
	}
	s.resp = resp
	var head grpc.Response
	// HTTP/1.1 does not tell with the head that nothing follows; gRPC-Web has grpc-status there in Trailers-Only alone, or should.
	var body io.Reader = resp.Body
	end := body == http.NoBody
	if !end && s.c.Wire != grpc.Plain && resp.Header["Grpc-Status"] != nil {
		first := make([]byte, 1)
		if n, _ := io.ReadFull(body, first); n == 0 {
			end = true
		}
		body = io.MultiReader(bytes.NewReader(first), body) // the status is in it
	}
	err = grpc.ParseResponse(resp.StatusCode, protocolFields(nil, resp.Header), end, &head)
	if err != nil {
		s.headErr = StatusOf(err)
		if c := grpc.Code(0); errors.As(err, &c) && s.headErr.(*Error).Message == "" {
			s.headErr = &Error{Code: c, Message: "grpc-HTTP-Status: " + http.StatusText(resp.StatusCode)}
		}
		return
	}
	md, err := metadataOf(resp.Header)
	if err != nil {
		s.headErr = StatusOf(err)
		return
	}
	if !head.TrailersOnly && (head.Wire != s.c.Wire || codecOf(string(head.Subtype)) != codecOf(s.subtype)) {
		s.headErr = &Error{Code: grpc.Internal, Message: rSubtype}
		return
	}
	if head.TrailersOnly {
		s.setTrailer(md)
		if s.headErr = statusFrom(&head.Status); s.headErr == nil {
			s.headErr = io.EOF
		}
		return
	}
	s.md = md
	enc, err := lookup(s.encodings, string(head.Encoding))
	if err != nil {
		// compression.md: a client that gets an encoding it did not ask for ends the call with INTERNAL.
		s.headErr = &Error{Code: grpc.Internal, Message: rNoEncoding}
		return
	}
	s.in.init(body, enc, s.maxReceive, head.Wire, true)
}

func (s *ClientStream) setTrailer(md Metadata) {
	s.mu.Lock()
	s.trailer = md
	s.mu.Unlock()
}

// Header waits for the response's header section and returns its metadata. If the call ended without one, the metadata is empty
// and Recv tells how it ended; the error is that of a call that failed before the server answered.
func (s *ClientStream) Header() (Metadata, error) {
	<-s.head
	if s.resp == nil {
		return nil, s.headErr
	}
	return s.md, nil
}

// Trailer returns the metadata of the trailers. It is complete when Recv has returned an error.
func (s *ClientStream) Trailer() Metadata {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trailer
}

// MessageCompressed reports whether the message that was received last came compressed.
func (s *ClientStream) MessageCompressed() bool { return s.in.packed }

// Compress tells whether the messages that follow are compressed, if Call.Encoding was set. They are unless told otherwise.
func (s *ClientStream) Compress(on bool) {
	s.sendMu.Lock()
	s.plain = !on
	s.sendMu.Unlock()
}

// Send sends a message; it keeps nothing of it. io.EOF means that the call has ended: Recv tells how.
func (s *ClientStream) Send(msg []byte) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	frame, err := s.frame(msg)
	if err != nil {
		return StatusOf(err)
	}
	if _, err := s.pipe.Write(frame); err != nil {
		return io.EOF
	}
	return nil
}

// CloseSend tells the server that no message will follow. It may be called more than once.
func (s *ClientStream) CloseSend() error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	_ = s.pipe.Close()
	return nil
}

// Recv returns the next message, valid until the next Recv; io.EOF when the call has ended with OK, else a status.
func (s *ClientStream) Recv() ([]byte, error) {
	if s.recvErr != nil {
		return nil, s.recvErr
	}
	<-s.head
	if s.headErr != nil {
		return nil, s.finish(s.headErr)
	}
	if err := s.ctx.Err(); err != nil { // whatever has come already: nobody wants it any more
		return nil, s.finish(s.failure(err))
	}
	msg, err := s.in.next()
	if err != nil {
		return nil, s.finish(s.over(err))
	}
	return msg, nil
}

// CloseAndRecv ends a client stream: it returns the one reply.
func (s *ClientStream) CloseAndRecv() ([]byte, error) {
	_ = s.CloseSend()
	return s.only()
}

// only receives the one reply of the call.
func (s *ClientStream) only() ([]byte, error) {
	<-s.head
	switch {
	case s.recvErr != nil:
		return nil, s.recvErr
	case s.headErr == io.EOF:
		return nil, s.finish(&Error{Code: grpc.Unimplemented, Message: rNoReply})
	case s.headErr != nil:
		return nil, s.finish(s.headErr)
	}
	msg, err := s.in.only(rNoReply, rManyReply)
	var known *Error
	switch {
	case err == nil:
		err = s.over(io.EOF)
	case errors.As(err, &known) && known.Message == rNoReply:
		if st := s.over(io.EOF); st != io.EOF { // the status says more
			err = st
		}
	default:
		err = s.over(err)
	}
	if s.finish(err) == io.EOF {
		return msg, nil
	}
	return nil, err
}

// over makes how the call ended of how its messages ended.
func (s *ClientStream) over(err error) error {
	if err != io.EOF {
		return s.failure(err)
	}
	var fields []codec.Field
	var md Metadata
	if s.in.web != nil {
		if fields, _, err = grpc.ParseWebTrailers(nil, nil, s.in.web); err != nil {
			return StatusOf(err)
		}
		h := make(http.Header)
		for _, f := range fields {
			h.Add(string(f.Name), string(f.Value))
		}
		md, err = metadataOf(h)
	} else {
		fields = protocolFields(nil, s.resp.Trailer)
		md, err = metadataOf(s.resp.Trailer)
	}
	if err != nil {
		return StatusOf(err)
	}
	s.setTrailer(md)
	var st grpc.Status
	if _, err := grpc.ParseTrailers(fields, &st); err != nil {
		return StatusOf(err)
	}
	if err := statusFrom(&st); err != nil {
		return err
	}
	return io.EOF
}

// finish ends the call: err stands from now on.
func (s *ClientStream) finish(err error) error {
	s.recvErr = err
	if s.stop != nil {
		s.stop()
	}
	if s.body != nil {
		_ = s.body.Close()
	}
	if s.resp != nil {
		_ = s.resp.Body.Close()
	}
	s.cancel()
	return err
}
