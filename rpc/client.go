package rpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/codec/http2"
)

// Client makes calls. Base and Transport must be set; the fields must not change after the first call. It is safe for any
// number of goroutines.
type Client struct {
	// Base is where the server is: "http://host:port" or "https://host:port".
	Base string
	// Transport carries the requests: a client.Transport that speaks HTTP/2 (HTTP2 for https, H2C for http), or net/http's.
	Transport http.RoundTripper
	// Subtype is the format of messages, sent as application/grpc+Subtype. A response in another one fails with INTERNAL. Empty is
	// application/grpc, which means the same as "proto".
	Subtype string
	// Wire is Plain, or one of gRPC-Web's, which work over HTTP/1.1 as well.
	Wire grpc.Wire
	// MaxReceive bounds a response message in bytes, as sent and inflated. 0 is 4 MiB, negative none.
	MaxReceive int64
	// MaxSend bounds a request message in bytes before compression. 0 and negative: none (the format allows 4 GiB - 1).
	MaxSend int64
	// Encodings are the message encodings that are understood, and named to the server. nil: Gzip and Deflate; empty: none.
	Encodings []*Encoding
	// UserAgent is sent with each call. Empty: "grpc-purewire".
	UserAgent string
	// UnaryInterceptors and StreamInterceptors are called around calls, the first outermost.
	UnaryInterceptors  []UnaryClientInterceptor
	StreamInterceptors []StreamClientInterceptor
}

// Call has what belongs to one call beside its messages. A nil *Call is one without anything.
type Call struct {
	// Metadata is sent with the request.
	Metadata Metadata
	// Encoding names the encoding of request messages, one of Client.Encodings. Empty: none.
	Encoding string
	// Subtype is the format of this call's messages in place of Client.Subtype. Empty: that.
	Subtype string
	// WaitForReady has the call wait for a server that cannot be connected to, until its context ends, rather than fail with
	// UNAVAILABLE. Connections are tried again after 50 ms and then longer, up to 5 s. It is for errors of dialing (a *net.OpError
	// with Op "dial") alone: nothing of the call has been sent then.
	WaitForReady bool
	// MaxReceive and MaxSend are for this call in place of those of Client. 0: those of Client, negative: none.
	MaxReceive, MaxSend int64
	// Header and Trailer are set to what the server sent, by Unary only: streams have methods. They are set for calls that fail
	// as well, if the server sent any.
	Header, Trailer Metadata
	// ReplyCompressed is set by Unary to whether the reply came compressed.
	ReplyCompressed bool
}

// UnaryCaller makes a unary call, as Client.Unary does.
type UnaryCaller func(ctx context.Context, method string, req []byte, call *Call) ([]byte, error)

// UnaryClientInterceptor is called in place of a unary call, which is next. call is not nil.
type UnaryClientInterceptor func(ctx context.Context, method string, req []byte, call *Call, next UnaryCaller) ([]byte, error)

// StreamCaller begins a streaming call, as Client.Stream does.
type StreamCaller func(ctx context.Context, method string, call *Call) (*ClientStream, error)

// StreamClientInterceptor is called in place of beginning a streaming call, which is next. call is not nil.
type StreamClientInterceptor func(ctx context.Context, method string, call *Call, next StreamCaller) (*ClientStream, error)

// Unary makes a unary call of method, "/Service/Method". The context's deadline is sent as grpc-timeout. The reply belongs to
// the caller. An error is a status, see StatusOf; it is never nil together with a missing reply.
func (c *Client) Unary(ctx context.Context, method string, req []byte, call *Call) ([]byte, error) {
	next := c.unary
	for i := len(c.UnaryInterceptors) - 1; i >= 0; i-- {
		ic, inner := c.UnaryInterceptors[i], next
		next = func(ctx context.Context, method string, req []byte, call *Call) ([]byte, error) {
			return ic(ctx, method, req, call, inner)
		}
	}
	if call == nil {
		call = new(Call)
	}
	return next(ctx, method, req, call)
}

func (c *Client) unary(ctx context.Context, method string, req []byte, call *Call) ([]byte, error) {
	s, r, err := c.prepare(ctx, method, call)
	if err != nil {
		return nil, err
	}
	defer s.cancel()
	frame, err := s.frame(req)
	if err != nil {
		return nil, StatusOf(err)
	}
	r.ContentLength = int64(len(frame))
	// With GetBody a transport can send a request again that the server has certainly not seen: its connection was going away.
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(frame)), nil }
	r.Body, _ = r.GetBody()
	s.roundTrip(r)
	reply, err := s.only()
	call.Header, _ = s.Header()
	call.Trailer = s.Trailer()
	call.ReplyCompressed = s.in.packed
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// Stream begins a streaming call. It does not wait for the server. The call must be received to its end, or its context
// cancelled; otherwise the stream stays open.
func (c *Client) Stream(ctx context.Context, method string, call *Call) (*ClientStream, error) {
	next := c.stream
	for i := len(c.StreamInterceptors) - 1; i >= 0; i-- {
		ic, inner := c.StreamInterceptors[i], next
		next = func(ctx context.Context, method string, call *Call) (*ClientStream, error) {
			return ic(ctx, method, call, inner)
		}
	}
	if call == nil {
		call = new(Call)
	}
	return next(ctx, method, call)
}

func (c *Client) stream(ctx context.Context, method string, call *Call) (*ClientStream, error) {
	s, r, err := c.prepare(ctx, method, call)
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	s.body, s.pipe = pr, pw
	r.Body, r.ContentLength = pr, -1
	// Not every transport lets go of a body that it waits for.
	s.stop = context.AfterFunc(s.ctx, func() { _ = pr.Close() })
	go s.roundTrip(r)
	return s, nil
}

// prepare makes the request and the call's state.
func (c *Client) prepare(ctx context.Context, method string, call *Call) (*ClientStream, *http.Request, error) {
	encodings := c.Encodings
	if encodings == nil {
		encodings = defaultEncodings
	}
	enc, err := lookup(encodings, call.Encoding)
	if err != nil {
		return nil, nil, err
	}
	_, _, ok := grpc.SplitPath([]byte(method))
	u, err := url.Parse(c.Base)
	if !ok || err != nil || u.Host == "" {
		return nil, nil, &Error{Code: grpc.Unimplemented, Message: rURL}
	}
	subtype := cmp.Or(call.Subtype, c.Subtype)
	if !isSubtype(subtype) {
		return nil, nil, &Error{Code: grpc.Internal, Message: rNoSubtype}
	}
	h := http.Header{"Content-Type": {contentType(c.Wire, subtype)}, "User-Agent": {"grpc-purewire"}}
	if c.UserAgent != "" {
		h["User-Agent"][0] = c.UserAgent
	}
	if c.Wire == grpc.Plain {
		h["Te"] = []string{"trailers"}
	} else {
		h["X-Grpc-Web"] = []string{"1"}
	}
	if a := namesOf(encodings); a != "" {
		h["Grpc-Accept-Encoding"] = []string{a}
	}
	if enc != nil {
		h["Grpc-Encoding"] = []string{enc.name}
	}
	if by, ok := ctx.Deadline(); ok {
		left := time.Until(by)
		if left <= 0 {
			return nil, nil, &Error{Code: grpc.DeadlineExceeded, Message: rDeadline}
		}
		h["Grpc-Timeout"] = []string{string(grpc.AppendTimeout(nil, left))}
	}
	if err := call.Metadata.addTo(h, ""); err != nil {
		return nil, nil, StatusOf(err)
	}
	if h["Accept-Encoding"] == nil {
		h["Accept-Encoding"] = []string{"identity"} // of HTTP: a transport must not compress what messages compress
	}
	s := &ClientStream{c: c, enc: enc, encodings: encodings, head: make(chan struct{}), wait: call.WaitForReady, subtype: subtype,
		maxReceive: c.MaxReceive, maxSend: c.MaxSend}
	if call.MaxReceive != 0 {
		s.maxReceive = call.MaxReceive
	}
	if call.MaxSend != 0 {
		s.maxSend = call.MaxSend
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	u.Path, u.RawPath, u.RawQuery = method, "", ""
	r := (&http.Request{Method: "POST", URL: u, Host: u.Host, Header: h, Proto: "HTTP/2.0", ProtoMajor: 2}).WithContext(s.ctx)
	return s, r, nil
}

// codecOf resolves the default of a subtype.
func codecOf(subtype string) string {
	if subtype == "" {
		return "proto"
	}
	return strings.ToLower(subtype)
}

func contentType(w grpc.Wire, subtype string) string {
	t := "application/grpc"
	switch w {
	case grpc.WebBinary:
		t = "application/grpc-web"
	case grpc.WebText:
		t = "application/grpc-web-text"
	}
	if subtype != "" {
		t += "+" + subtype
	}
	return t
}

// isSubtype tells whether s can stand in a content-type: a token of RFC 9110, or nothing.
func isSubtype(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return true
}

// frame makes a frame of a message.
func (s *ClientStream) frame(msg []byte) ([]byte, error) {
	if max := s.maxSend; max > 0 && int64(len(msg)) > max {
		return nil, &Error{Code: grpc.ResourceExhausted, Message: rSendTooLong}
	}
	e := s.enc
	if s.plain {
		e = nil
	}
	frame, err := appendMessage(s.out[:0], msg, e)
	if err != nil {
		return nil, err
	}
	if s.out = frame; cap(frame) > keepSize {
		s.out = nil
	}
	if s.c.Wire == grpc.WebText {
		frame = base64.StdEncoding.AppendEncode(nil, frame)
	}
	return frame, nil
}

// failure makes a status of a transport's error.
func (s *ClientStream) failure(err error) error {
	if c := s.ctx.Err(); c != nil {
		return StatusOf(c)
	}
	var known *Error
	var g *grpc.Error
	if errors.As(err, &known) || errors.As(err, &g) {
		return StatusOf(err)
	}
	var reset http2.ErrorCode
	if errors.As(err, &reset) {
		if by, ok := s.ctx.Deadline(); ok && reset == http2.Cancel && !time.Now().Before(by) {
			// The server's clock was the first to tell, and its reset the first to arrive.
			return StatusOf(context.DeadlineExceeded)
		}
		return &Error{Code: grpc.CodeOfHTTP2(uint32(reset)), Message: rReset}
	}
	return &Error{Code: grpc.Unavailable, Message: rTransport + err.Error()}
}
