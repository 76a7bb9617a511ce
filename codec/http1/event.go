package http1

import "github.com/purewire/purewire/codec"

// Kind says what an Event tells.
type Kind uint8

const (
	// None: need more input.
	None Kind = iota
	// Request: a request head.
	Request
	// Response: the head of a final response, or of a 101 that ends HTTP on this connection.
	Response
	// Informational: the head of a 1xx response other than an accepted 101; the final response follows.
	Informational
	// Body: content bytes in Data, as they arrived. Never empty.
	Body
	// End: the message is complete; Fields holds the trailer section, usually empty. The decoder is paused until Resume
	// (requests) or Expect (responses).
	End
)

// Framing says how a message's content is delimited (RFC 9112 section 6).
type Framing uint8

const (
	// NoBody: the message has no content. End follows the head.
	NoBody Framing = iota
	// Length: Content-Length bytes.
	Length
	// Chunked: the chunked transfer coding, with an optional trailer section.
	Chunked
	// UntilClose: a response whose content ends with the connection. Finish reports its End.
	UntilClose
	// Tunnel: HTTP ends here (101, 2xx to CONNECT). End follows the head, then Next consumes nothing any more: the
	// unread bytes belong to the next protocol.
	Tunnel
)

// TargetForm is one of the four forms of a request target (RFC 9112 section 3.2).
type TargetForm uint8

const (
	// OriginForm is "/path?query".
	OriginForm TargetForm = iota + 1
	// AbsoluteForm is "http://host/path?query".
	AbsoluteForm
	// AuthorityForm is "host:port", with CONNECT only.
	AuthorityForm
	// AsteriskForm is "*", with OPTIONS only.
	AsteriskForm
)

// Event is what Next found. It belongs to the worker: one Event serves any number of decoders in turn. Slices are lent:
// valid until the next call on the decoder or until the caller touches src.
//
//	Kind           fields that are set
//	Request        Method MethodID Target Form Authority Path Query Minor Fields Framing Length KeepAlive Expect100 Upgrade
//	Response       Status Reason Minor Fields Framing Length KeepAlive Upgrade
//	Informational  Status Reason Minor Fields
//	Body           Data
//	End            Fields (the trailer section)
type Event struct {
	Kind Kind

	// Method is the request method as sent; MethodID its number if it is one of the nine of RFC 9110 and PATCH, else
	// MethodOther.
	Method   []byte
	MethodID Method
	// Target is the request target as sent, Form its form. Path and Query are views into it without the "?": for origin
	// and absolute form (an absolute form with an empty path has an empty Path), and Path is "*" for asterisk form. HasQuery tells "/a?" from "/a".
	Target   []byte
	Form     TargetForm
	Path     []byte
	Query    []byte
	HasQuery bool
	// Authority is the host[:port] that the request is for: of the target in absolute and authority form (it wins over
	// Host, RFC 9112 section 3.2.2), else the Host value, else empty (HTTP/1.0).
	Authority []byte
	// Minor is the minor version: 0 or 1.
	Minor uint8

	// Status is the three-digit code, Reason its phrase as sent.
	Status int
	Reason []byte

	// Fields is the header section (the trailer section at End) in wire order, values without surrounding whitespace.
	// Next appends to Fields[:0] and so reuses its array.
	Fields []codec.Field
	// Framing and Length tell the content to come. Length is the Content-Length, -1 if unknown (Chunked, UntilClose).
	// A response to HEAD or a 304 has NoBody, and Length is what it declares (-1 if nothing).
	Framing Framing
	Length  int64
	// KeepAlive: the connection persists after this message as far as the peer is concerned (RFC 9112 section 9.3).
	KeepAlive bool
	// Expect100: the client waits for 100 (Continue) before it sends content (RFC 9110 section 10.1.1).
	Expect100 bool
	// Upgrade: the sender offers (Request) or performs (Response) a protocol switch: an Upgrade field named by
	// Connection: upgrade, HTTP/1.1 only.
	Upgrade bool

	// Data is a piece of content, lent.
	Data []byte
}
