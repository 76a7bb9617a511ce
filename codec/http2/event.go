package http2

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/hpack"
	"github.com/purewire/purewire/codec/internal/fields"
)

// Kind says what an Event tells.
type Kind uint8

const (
	// None: need more input.
	None Kind = iota
	// Request: a valid request head (server).
	Request
	// TooLarge: a request whose header list is over the limit (server). The stream is open: answer 431 and, unless EndStream,
	// Reset it.
	TooLarge
	// Response: the head of a final response (client).
	Response
	// Informational: the head of a 1xx response (client). The final response follows.
	Informational
	// Data: content in Data, as it arrived. It is empty only with EndStream.
	Data
	// Trailers: the trailer section. It ends the stream.
	Trailers
	// StreamReset: the peer ended the stream with Code. Retry: the request was not processed and may be sent again.
	StreamReset
	// StreamError: this end ended the stream with Code, for Reason; the RST_STREAM is owed already. User is 0 if the stream was
	// never shown.
	StreamError
	// SettingsReceived: SETTINGS of the peer were applied; see Conn.PeerSettings.
	SettingsReceived
	// SettingsAcked: the peer has acknowledged our SETTINGS.
	SettingsAcked
	// GoAwayReceived: the peer will not process streams above LastStream. A StreamReset with Retry follows for each of ours.
	GoAwayReceived
	// PingAck: the answer to Conn.Ping.
	PingAck
	// PriorityUpdate: the client has changed the priority of a stream (server). It is applied already.
	PriorityUpdate
	numKinds
)

var kinds = [numKinds]string{"None", "Request", "TooLarge", "Response", "Informational", "Data", "Trailers", "StreamReset",
	"StreamError", "SettingsReceived", "SettingsAcked", "GoAwayReceived", "PingAck", "PriorityUpdate"}

// String returns the name of the constant.
func (k Kind) String() string {
	if k < numKinds {
		return kinds[k]
	}
	return "Unknown"
}

// Event is what Next found. It belongs to the worker: one Event serves any number of connections in turn. Slices are lent: valid
// until the next call of Next with this Event or until the caller touches src. They must not be written to.
//
//	Kind              fields that are set
//	None
//	Request           Stream EndStream Method Scheme Authority Path Protocol ContentLength Priority Fields
//	TooLarge          Stream EndStream
//	Response          Stream User EndStream Status ContentLength Fields
//	Informational     Stream User Status Fields
//	Data              Stream User EndStream Data
//	Trailers          Stream User EndStream (true) Fields
//	StreamReset       Stream User Code Retry
//	StreamError       Stream User Code Reason
//	SettingsReceived
//	SettingsAcked
//	GoAwayReceived    LastStream Code Data (debug data)
//	PingAck           Opaque
//	PriorityUpdate    Stream User Priority
type Event struct {
	Kind Kind
	// EndStream: the peer has finished the stream: no content and no trailers follow.
	EndStream bool
	// Retry: the peer has not processed the request; it may be sent again, whatever its method (RFC 9113 section 8.7).
	Retry bool
	// Stream is the stream concerned, User what Conn.SetUser stored for it, 0 before.
	Stream, User uint32

	// Method is the :method. Scheme, Authority and Path are nil where the request has none: CONNECT without Protocol has
	// neither Scheme nor Path; Authority is that of :authority, else of Host. Protocol is not nil for extended CONNECT (RFC 8441).
	Method, Scheme, Authority, Path, Protocol []byte
	// Status is the :status, 100 to 999.
	Status int
	// ContentLength is the value of Content-Length, -1 if there is none. Content that differs from it is refused by the Conn.
	ContentLength int64
	// Priority is that of the Priority field or of a PRIORITY_UPDATE that came before the request (RFC 9218).
	Priority Priority
	// Fields is the field section without pseudo-header fields, in wire order, names in lower case. Several Cookie fields are
	// one, as RFC 9113 section 8.2.3 wants it.
	Fields []codec.Field

	// Data is a piece of content, or the debug data of GOAWAY.
	Data []byte
	// Code is the error code of RST_STREAM or GOAWAY, as sent or received.
	Code ErrorCode
	// Reason is a constant that starts with the clause enforced.
	Reason string
	// LastStream is the highest stream of ours that the peer might process.
	LastStream uint32
	// Opaque is what Conn.Ping was given.
	Opaque [8]byte

	block   hpack.Block
	result  fields.Result
	scratch []byte
}
