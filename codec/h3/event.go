package h3

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/fields"
	"github.com/purewire/purewire/codec/qpack"
)

// Kind says what an Event tells.
type Kind uint8

const (
	// None: need more input.
	None Kind = iota
	// Request: a valid request head (server).
	Request
	// TooLarge: a request whose header list is over the limit (server). Answer 431; the rest of the request is not read.
	TooLarge
	// Response: the head of a final response (client).
	Response
	// Informational: the head of a 1xx response (client). The final response follows.
	Informational
	// Data: content in Data, as it arrived. It is empty only with EndStream.
	Data
	// Trailers: the trailer section. Nothing but the end follows.
	Trailers
	// StreamReset: the peer ended the stream with Code. Retry: the request was not processed and may be sent again.
	StreamReset
	// SendStopped: the server does not want the rest of our request (client); its response goes on. The reset is owed already.
	SendStopped
	// StreamError: this end ended the stream with Code, for Reason; the reset is owed already. User is 0 if the stream was
	// never shown.
	StreamError
	// Unblocked: the field section of the stream need not wait any more: present the stream's octets again.
	Unblocked
	// SettingsReceived: SETTINGS of the peer were applied; see Conn.PeerSettings.
	SettingsReceived
	// GoAwayReceived: LastStream is, from a server, the first request stream that it will not process (a StreamReset with Retry
	// follows for each of ours from there on), from a client a push ID.
	GoAwayReceived
	// PriorityUpdate: the client has changed the priority of a stream (server). It is applied already.
	PriorityUpdate
	// Datagram: an HTTP datagram in Data.
	Datagram
	numKinds
)

var kinds = [numKinds]string{"None", "Request", "TooLarge", "Response", "Informational", "Data", "Trailers", "StreamReset",
	"SendStopped", "StreamError", "Unblocked", "SettingsReceived", "GoAwayReceived", "PriorityUpdate", "Datagram"}

// String returns the name of the constant.
func (k Kind) String() string {
	if k < numKinds {
		return kinds[k]
	}
	return "Unknown"
}

// Event is what Next found. It belongs to the worker: one Event serves any number of connections in turn. Slices are lent: valid
// until the next call with this Event or until the caller touches src. They must not be written to.
//
//	Kind              fields that are set
//	None
//	Request           Stream EndStream Method Scheme Authority Path Protocol ContentLength Priority Fields
//	TooLarge          Stream
//	Response          Stream User EndStream Status ContentLength Fields
//	Informational     Stream User Status Fields
//	Data              Stream User EndStream Data
//	Trailers          Stream User EndStream Fields
//	StreamReset       Stream User Code Retry
//	SendStopped       Stream User Code
//	StreamError       Stream User Code Reason
//	Unblocked         Stream User
//	SettingsReceived
//	GoAwayReceived    LastStream
//	PriorityUpdate    Stream User Priority
//	Datagram          Stream User Data
type Event struct {
	Kind Kind
	// EndStream: the peer has finished the stream, and that was known when the event was found; otherwise Data with EndStream
	// follows.
	EndStream bool
	// Retry: the peer has not processed the request; it may be sent again, whatever its method (RFC 9114 section 4.1.1-3).
	Retry bool
	// User is what Conn.SetUser stored for the stream, 0 before.
	User uint32
	// Stream is the stream concerned.
	Stream uint64

	// Method is the :method. Scheme, Authority and Path are nil where the request has none: CONNECT without Protocol has
	// neither Scheme nor Path; Authority is that of :authority, else of Host. Protocol is not nil for extended CONNECT (RFC 9220).
	Method, Scheme, Authority, Path, Protocol []byte
	// Status is the :status, 100 to 999.
	Status int
	// ContentLength is the value of Content-Length, -1 if there is none. Content that differs from it is refused by the Conn.
	ContentLength int64
	// Priority is that of the Priority field or of a PRIORITY_UPDATE that came before the request (RFC 9218).
	Priority Priority
	// Fields is the field section without pseudo-header fields, in wire order, names in lower case. Several Cookie fields are
	// one, as RFC 9114 section 4.2.1-2 wants it.
	Fields []codec.Field

	// Data is a piece of content, or the payload of a datagram.
	Data []byte
	// Code is the error code of the reset, as sent or received.
	Code ErrorCode
	// Reason is a constant that starts with the clause enforced.
	Reason string
	// LastStream is the identifier in a GOAWAY frame.
	LastStream uint64

	block   qpack.Block
	result  fields.Result
	scratch []byte
}

// Trim gives back the memory of every array of more than max octets: to be called from time to time where large field sections are
// rare. What the Event lends is gone then.
func (ev *Event) Trim(max int) {
	ev.block.Trim(max)
	if cap(ev.scratch) > max {
		ev.scratch = nil
	}
	ev.Fields, ev.Data = nil, nil
}
