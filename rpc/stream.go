package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
)

// Stream is a call on the server's side. One goroutine may receive while others send; it must not be used after its handler
// has returned.
type Stream struct {
	srv            *Server
	ctx            context.Context
	w              http.ResponseWriter
	method         string
	subtype        string
	acceptEncoding string
	wire           grpc.Wire
	header         http.Header // of the request
	mdOnce         sync.Once
	md             Metadata // made of it when asked for
	in             receiver

	mu        sync.Mutex
	enc       *Encoding // of the response
	plain     bool      // not for the next messages
	headSent  bool
	hasHeader bool // SetHeader was used: Trailers-Only would make trailers of it
	ended     bool
	out       []byte
	b64       []byte
	trailer   http.Header // as metadata that was checked and encoded
}

type streamKey struct{}

// StreamOf returns the call that a handler's context belongs to, nil if it does not. A unary handler uses it for metadata.
func StreamOf(ctx context.Context) *Stream {
	s, _ := ctx.Value(streamKey{}).(*Stream)
	return s
}

// prepare takes over the rest of the head.
func (s *Stream) prepare(r *http.Request, head *grpc.Request) error {
	enc, err := lookup(s.srv.cfg.Encodings, string(head.Encoding))
	if err != nil {
		return err
	}
	if err := checkBinary(r.Header); err != nil {
		return err
	}
	s.in.init(r.Body, enc, s.srv.cfg.MaxReceive, head.Wire, false)
	s.enc = enc
	if s.srv.cfg.Compress {
		s.enc = nil
		for _, e := range s.srv.cfg.Encodings {
			if grpc.Accepts(head.AcceptEncoding, e.name) {
				s.enc = e
				break
			}
		}
	}
	return nil
}

// control is made when it is needed: a unary call without a deadline needs none.
func (s *Stream) control() *http.ResponseController { return http.NewResponseController(s.w) }

// watch makes blocked reads and writes end with the call's context. The function it returns ends that.
func (s *Stream) watch() func() {
	done, rc := make(chan struct{}), s.control()
	stop := context.AfterFunc(s.ctx, func() {
		defer close(done)
		now := time.Now()
		_ = rc.SetReadDeadline(now)
		_ = rc.SetWriteDeadline(now.Add(deadlineGrace))
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// cause is err, or the reason for it if the call's context has ended.
func (s *Stream) cause(err error) error {
	if err == nil {
		return nil
	}
	if c := s.ctx.Err(); c != nil {
		return c
	}
	var known *Error
	var g *grpc.Error
	if errors.As(err, &known) || errors.As(err, &g) {
		return err
	}
	// The connection's, or a deadline of the HTTP server's: its text is not for the peer.
	return &Error{Code: grpc.Unavailable, Message: rCut}
}

// Context ends with the call: when its deadline passes (grpc-timeout), when the client resets the stream or the connection is
// lost, and when the handler has returned.
func (s *Stream) Context() context.Context { return s.ctx }

// SetContext replaces the context, for interceptors: by one derived from Context.
func (s *Stream) SetContext(ctx context.Context) { s.ctx = ctx }

// Method is the path, "/Service/Method", byte for byte what routing used.
func (s *Stream) Method() string { return s.method }

// Subtype is what follows "application/grpc+", empty for none: that means "proto".
func (s *Stream) Subtype() string { return s.subtype }

// Metadata is what the client sent. It must not be changed.
func (s *Stream) Metadata() Metadata {
	s.mdOnce.Do(func() { s.md, _ = metadataOf(s.header) })
	return s.md
}

// Compressed reports whether the client announced an encoding for its messages.
func (s *Stream) Compressed() bool { return s.in.enc != nil }

// MessageCompressed reports whether the message that was received last came compressed: an encoding may be announced and not used.
func (s *Stream) MessageCompressed() bool { return s.in.packed }

// Recv returns the next message, valid until the next Recv; io.EOF when the client has finished. Any other error has ended
// the call, and the handler should return it.
func (s *Stream) Recv() ([]byte, error) {
	msg, err := s.in.next()
	if err != nil && s.in.eof {
		return nil, err
	}
	return msg, s.cause(err)
}

// SetHeader adds metadata to the header section. It fails if that was sent, and for names and values that cannot be sent.
func (s *Stream) SetHeader(md Metadata) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.headSent {
		return &Error{Code: grpc.Internal, Message: rHeadSent}
	}
	s.hasHeader = s.hasHeader || len(md) > 0
	return md.addTo(s.w.Header(), "")
}

// SendHeader sends the header section now rather than with the first message.
func (s *Stream) SendHeader() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return &Error{Code: grpc.Internal, Message: rEnded}
	case s.headSent:
		return &Error{Code: grpc.Internal, Message: rHeadSent}
	}
	s.head()
	return s.cause(s.control().Flush())
}

// SetTrailer adds metadata to the trailers.
func (s *Stream) SetTrailer(md Metadata) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return &Error{Code: grpc.Internal, Message: rEnded}
	}
	if s.trailer == nil {
		s.trailer = make(http.Header)
	}
	return md.addTo(s.trailer, "")
}

// SetEncoding chooses the encoding of the response by name; "" and "identity" are none. The client must accept it, and the
// header section must not have been sent.
func (s *Stream) SetEncoding(name string) error {
	e, err := lookup(s.srv.cfg.Encodings, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.headSent:
		return &Error{Code: grpc.Internal, Message: rHeadSent}
	case e != nil && e != s.in.enc && !grpc.Accepts([]byte(s.acceptEncoding), name):
		return &Error{Code: grpc.Internal, Message: rNotAccepted}
	}
	s.enc = e
	return nil
}

// Compress tells whether the messages that follow are compressed, if the response has an encoding at all. They are unless told
// otherwise.
func (s *Stream) Compress(on bool) {
	s.mu.Lock()
	s.plain = !on
	s.mu.Unlock()
}

// Send sends a message. It waits as long as flow control has it wait, and keeps nothing of msg.
func (s *Stream) Send(msg []byte) error { return s.send(msg, true) }

func (s *Stream) send(msg []byte, flush bool) error {
	if max := s.srv.cfg.MaxSend; max > 0 && int64(len(msg)) > max {
		return &Error{Code: grpc.ResourceExhausted, Message: rSendTooLong}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return &Error{Code: grpc.Internal, Message: rEnded}
	}
	e := s.enc
	if s.plain {
		e = nil
	}
	var err error
	if s.out, err = appendMessage(s.out[:0], msg, e); err != nil {
		return err
	}
	s.head()
	if err = s.write(s.out); err == nil && flush {
		err = s.control().Flush()
	}
	if cap(s.out) > keepSize {
		s.out = nil
	}
	return s.cause(err)
}

// keepSize is the largest buffer that a stream keeps for the next message.
const keepSize = 64 << 10

// write sends a frame. mu is held.
func (s *Stream) write(frame []byte) error {
	if s.wire == grpc.WebText {
		s.b64 = base64.StdEncoding.AppendEncode(s.b64[:0], frame)
		frame = s.b64
	}
	_, err := s.w.Write(frame)
	return err
}

// fixed sets the fields of every response. mu is held.
func (s *Stream) fixed(h http.Header) {
	if h["Content-Type"] = plainType; s.wire != grpc.Plain || s.subtype != "" {
		h["Content-Type"] = []string{contentType(s.wire, s.subtype)}
	}
	if s.srv.accept != nil {
		h["Grpc-Accept-Encoding"] = s.srv.accept
	}
}

// head writes the header section, if it was not yet. mu is held.
func (s *Stream) head() {
	if s.headSent {
		return
	}
	s.headSent = true
	h := s.w.Header()
	s.fixed(h)
	if s.enc != nil {
		h["Grpc-Encoding"] = []string{s.enc.name}
	}
	s.w.WriteHeader(http.StatusOK)
}

// The values of most responses. Nobody writes into them.
var (
	plainType = []string{"application/grpc"}
	okStatus  = []string{"0"}
)

const statusTrailer = http.TrailerPrefix + "Grpc-Status"

// end sends the status.
func (s *Stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	st := StatusOf(err)
	if st == nil {
		st = new(Error)
	}
	h := s.w.Header()
	if s.hasHeader {
		s.head()
	}
	if s.headSent && s.wire == grpc.Plain && st.Code == grpc.OK {
		h[statusTrailer] = okStatus
		for k, vs := range s.trailer {
			h[http.TrailerPrefix+k] = vs
		}
		return
	}
	fields, _ := grpc.AppendStatus(nil, nil, st.Code, st.Message, st.Details)
	if !s.headSent {
		// "Trailers-Only is permitted for calls that produce an immediate error". PROTOCOL-WEB.md allows it as well.
		s.fixed(h)
		for _, f := range fields {
			h[http.CanonicalHeaderKey(string(f.Name))] = []string{string(f.Value)}
		}
		for k, vs := range s.trailer {
			h[k] = append(h[k], vs...)
		}
		s.w.WriteHeader(http.StatusOK)
		return
	}
	if s.wire == grpc.Plain {
		for _, f := range fields {
			h[http.TrailerPrefix+http.CanonicalHeaderKey(string(f.Name))] = []string{string(f.Value)}
		}
		for k, vs := range s.trailer {
			h[http.TrailerPrefix+k] = vs
		}
		return
	}
	for k, vs := range s.trailer {
		for _, v := range vs {
			fields = append(fields, codec.Field{Name: []byte(strings.ToLower(k)), Value: []byte(v)})
		}
	}
	if out, err := grpc.AppendWebTrailers(s.out[:0], fields); err == nil {
		_ = s.write(out)
	}
}
