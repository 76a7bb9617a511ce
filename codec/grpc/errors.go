package grpc

import "github.com/purewire/purewire/codec"

// Error is what every failure of this package returns. A Decoder's errors live in its Event and are valid until that is
// used by another decoder; errors.As copies nothing.
type Error struct {
	// Scope is ScopeStream for what a peer did: a gRPC message is part of one stream. ScopeMisuse is the caller's bug.
	Scope codec.Scope
	// Code is the status to end the call with.
	Code Code
	// Stream is 0: this package does not know streams.
	Stream uint64
	// Off is the offset of the failure in the message stream, or in the value that was parsed.
	Off int64
	// Reason is a constant, unique per failing branch, that begins with the paragraph it enforces: "grpc-" and the section of
	// PROTOCOL-HTTP2.md or PROTOCOL-WEB.md. It holds nothing that the peer sent.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return "grpc: " + e.Reason }

// Unwrap returns the Code.
func (e *Error) Unwrap() error { return e.Code }

type reason uint8

const (
	noReason reason = iota
	// messages
	rFlag
	rUnannounced
	rTooLong
	rWebFlag
	rAfterTrailers
	rTrailersLong
	rTruncated
	// compressed messages
	rInflate
	rInflated
	// requests
	rMethod
	rPath
	rContentType
	rTE
	rTimeout
	rTimeoutTwice
	rBinary
	rEncoding
	// responses
	rStatusMissing
	rStatusSyntax
	rStatusTwice
	rNotGRPC
	// gRPC-Web trailers
	rWebLine
	rWebName
	rWebValue
)

var reasons = [...]struct {
	code Code
	text string
}{
	rFlag:          {Internal, "grpc-LengthPrefixedMessage: Compressed-Flag is neither 0 nor 1"},
	rUnannounced:   {Internal, "grpc-MessageEncoding: Compressed-Flag is set, but no encoding was announced"},
	rTooLong:       {ResourceExhausted, "grpc-LengthPrefixedMessage: Message-Length is over the limit"},
	rWebFlag:       {Internal, "grpcweb-Framing: the trailers are compressed, but no encoding was announced"},
	rAfterTrailers: {Internal, "grpcweb-Framing: bytes behind the trailers"},
	rTrailersLong:  {ResourceExhausted, "grpcweb-Framing: trailers are over the limit"},
	rTruncated:     {Internal, "grpc-LengthPrefixedMessage: the stream ended inside a message"},
	rInflate:       {Internal, "grpc-MessageEncoding: compressed message is corrupt"},
	rInflated:      {ResourceExhausted, "grpc-MessageEncoding: message is over the limit after decompression"},
	rMethod:        {Internal, "grpc-Call-Definition: method is not POST"},
	rPath:          {Unimplemented, "grpc-Path: path is not /Service/Method"},
	rContentType:   {Internal, "grpc-Content-Type: content-type is not application/grpc"},
	rTE:            {Internal, "grpc-TE: te is not trailers"},
	rTimeout:       {Internal, "grpc-Timeout: not one to eight digits and a unit"},
	rTimeoutTwice:  {Internal, "grpc-Timeout: more than one"},
	rBinary:        {Internal, "grpc-Binary-Header: value is not base64"},
	rEncoding:      {Unimplemented, "grpc-Message-Encoding: encoding is not supported"},
	rStatusMissing: {Unknown, "grpc-Status: response ended without one"},
	rStatusSyntax:  {Unknown, "grpc-Status: not a number"},
	rStatusTwice:   {Unknown, "grpc-Status: more than one"},
	rNotGRPC:       {Unknown, "grpc-HTTP-Status: not a gRPC response"},
	rWebLine:       {Internal, "grpcweb-Trailers: line without colon"},
	rWebName:       {Internal, "grpcweb-Trailers: name is not a token"},
	rWebValue:      {Internal, "grpcweb-Trailers: value holds a control character"},
}

// Reasons lists every Reason of this package.
func Reasons() []string {
	var s []string
	for _, r := range reasons[noReason+1:] {
		s = append(s, r.text)
	}
	return s
}

// fill makes e the failure r.
func (e *Error) fill(r reason, off int64) *Error {
	*e = Error{Scope: codec.ScopeStream, Code: reasons[r].code, Off: off, Reason: reasons[r].text}
	return e
}

// failures are the errors of stateless functions, which know no offset: one constant value each.
var failures = func() (t [len(reasons)]*Error) {
	for i := range t {
		t[i] = new(Error).fill(reason(i), 0)
	}
	return t
}()

func fail(r reason) error { return failures[r] }
