package ws

// Kind says what an Event tells.
type Kind uint8

const (
	// None: need more input.
	None Kind = iota
	// Data: a piece of a message, or all of it.
	Data
	// Control: a control frame, as Opcode says.
	Control
)

// Event is what Next found. It belongs to the worker: one Event serves any number of connections in turn. Slices are lent:
// valid until the next call of Next on the connection or until the caller touches src.
//
//	Kind     Opcode        fields that are set
//	Data     Text, Binary  First Last Payload
//	Control  Ping, Pong    Payload
//	Control  Close         Code Reason
type Event struct {
	Kind Kind
	// Opcode is Text or Binary, the type of the message, for every piece of it; or the control frame's.
	Opcode Opcode
	// First and Last mark the first and the last piece of a message. A message that lies whole in one read is one piece,
	// if it is not compressed or inflates to no more than 64 KiB.
	First, Last bool
	// Code is the status code of a Close frame, CloseNoStatus if it has none.
	Code CloseCode
	// Payload is a piece of the message, unmasked and inflated; empty only in a piece that ends a message. Pieces of a text
	// are cut anywhere, also inside a character. Of a Ping or Pong it is the whole payload, at most MaxControl bytes.
	Payload []byte
	// Reason is the reason of a Close frame, valid UTF-8, at most 123 bytes.
	Reason []byte
}
