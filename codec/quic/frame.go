package quic

// Kind says which frame a Frame holds.
type Kind uint8

// The frames of RFC 9000 section 19 and RFC 9221. None is "need more".
const (
	None Kind = iota
	Padding
	Ping
	Ack
	ResetStream
	StopSending
	Crypto
	NewToken
	Stream
	MaxData
	MaxStreamData
	MaxStreams
	DataBlocked
	StreamDataBlocked
	StreamsBlocked
	NewConnectionID
	RetireConnectionID
	PathChallenge
	PathResponse
	ConnectionClose
	HandshakeDone
	Datagram
	numKinds
)

var kindNames = [numKinds]string{
	"none", "PADDING", "PING", "ACK", "RESET_STREAM", "STOP_SENDING", "CRYPTO", "NEW_TOKEN", "STREAM", "MAX_DATA",
	"MAX_STREAM_DATA", "MAX_STREAMS", "DATA_BLOCKED", "STREAM_DATA_BLOCKED", "STREAMS_BLOCKED", "NEW_CONNECTION_ID",
	"RETIRE_CONNECTION_ID", "PATH_CHALLENGE", "PATH_RESPONSE", "CONNECTION_CLOSE", "HANDSHAKE_DONE", "DATAGRAM",
}

// String returns the name in the RFC, such as "RESET_STREAM".
func (k Kind) String() string {
	if k >= numKinds {
		return "unknown"
	}
	return kindNames[k]
}

// Frame is one frame, as FrameDecoder.Next reports it and AppendFrame writes it. Kind says which fields are used; the others are
// zero in what Next reports.
//
//	Kind                 fields
//	Padding              Data: the zero bytes of the run, its types included
//	Ping, HandshakeDone  none
//	Ack                  Ack
//	ResetStream          StreamID, Code, Value: the final size
//	StopSending          StreamID, Code
//	Crypto               Offset, Data
//	NewToken             Data: the token
//	Stream               StreamID, Offset, Data, Fin, ToEnd
//	MaxData              Value: bytes
//	MaxStreamData        StreamID, Value: bytes
//	MaxStreams           Uni, Value: streams
//	DataBlocked          Value: the limit in bytes
//	StreamDataBlocked    StreamID, Value: the limit in bytes
//	StreamsBlocked       Uni, Value: the limit in streams
//	NewConnectionID      Sequence, Value: retire prior to, Data: the ID, Token: stateless reset token
//	RetireConnectionID   Sequence
//	PathChallenge        Token: the first 8 bytes are the data
//	PathResponse         Token: the first 8 bytes are the data
//	ConnectionClose      App, Code, Value: the type of the frame that is to blame (not with App), Data: the reason phrase
//	Datagram             Data, ToEnd
//
// Data and Ack.Blocks are lent: they point into the packet.
type Frame struct {
	Kind Kind
	// Fin says that the stream ends behind Data.
	Fin bool
	// ToEnd says that the frame has no length: its data goes to the end of the packet.
	ToEnd bool
	// Uni says that unidirectional streams are meant, else bidirectional ones.
	Uni bool
	// App says that the application closes the connection (type 0x1d), else QUIC itself does.
	App bool
	// StreamID is the stream's ID.
	StreamID StreamID
	// Offset is the position in bytes of Data in the stream or in the handshake.
	Offset uint64
	// Value is a limit or count, see the table.
	Value uint64
	// Sequence is the sequence number of a connection ID.
	Sequence uint64
	// Code is an error code: the application's in ResetStream, StopSending and with App, else QUIC's.
	Code ErrorCode
	// Data is a payload, see the table.
	Data []byte
	// Token is a stateless reset token, or the 8 bytes of a path challenge with zeros behind them.
	Token ResetToken
	// Ack is what an Ack frame acknowledges.
	Ack AckInfo
}

// Type returns the type on the wire: of a Stream frame with the bits for what it holds, where the offset bit stands for an
// offset above zero. It is 0 for None, which is the type of Padding.
func (f *Frame) Type() uint64 {
	switch f.Kind {
	case None, Padding:
		return 0
	case Ack:
		return 0x02 | bit(f.Ack.ECN, 1)
	case Stream:
		return streamType(f.Offset, f.Fin, f.ToEnd)
	case MaxStreams:
		return 0x12 | bit(f.Uni, 1)
	case StreamsBlocked:
		return 0x16 | bit(f.Uni, 1)
	case ConnectionClose:
		return 0x1c | bit(f.App, 1)
	case Datagram:
		return 0x30 | bit(!f.ToEnd, 1)
	}
	return uint64(plainTypes[f.Kind])
}

func streamType(offset uint64, fin, toEnd bool) uint64 {
	return 0x08 | bit(offset > 0, 4) | bit(!toEnd, 2) | bit(fin, 1)
}

func bit(on bool, value uint64) uint64 {
	if on {
		return value
	}
	return 0
}

// plainTypes are the types of the frames that have one only.
var plainTypes = [numKinds]uint8{
	Ping: 0x01, ResetStream: 0x04, StopSending: 0x05, Crypto: 0x06, NewToken: 0x07, MaxData: 0x10, MaxStreamData: 0x11,
	DataBlocked: 0x14, StreamDataBlocked: 0x15, NewConnectionID: 0x18, RetireConnectionID: 0x19, PathChallenge: 0x1a,
	PathResponse: 0x1b, HandshakeDone: 0x1e,
}

// kinds tells the frame of a type; those of DATAGRAM are beyond its end.
var kinds = [0x1f]Kind{
	Padding, Ping, Ack, Ack, ResetStream, StopSending, Crypto, NewToken, Stream, Stream, Stream, Stream, Stream, Stream, Stream,
	Stream, MaxData, MaxStreamData, MaxStreams, MaxStreams, DataBlocked, StreamDataBlocked, StreamsBlocked, StreamsBlocked,
	NewConnectionID, RetireConnectionID, PathChallenge, PathResponse, ConnectionClose, ConnectionClose, HandshakeDone,
}

// AckEliciting tells whether a packet with this frame must be acknowledged (RFC 9000 section 13.2.1): all frames but Ack, Padding and
// ConnectionClose.
func (k Kind) AckEliciting() bool {
	return k > Ack && k < numKinds && k != ConnectionClose || k == Ping
}

// Probing tells whether the frame may be in a packet that probes a path without migrating to it (RFC 9000 section 9.1).
func (k Kind) Probing() bool {
	return k == Padding || k == NewConnectionID || k == PathChallenge || k == PathResponse
}

// Allowed tells whether a frame of this kind may be in a packet of type t (RFC 9000 sections 12.4 and 12.5, RFC 9221 section 4). app tells
// of ConnectionClose that it is the application's; it is not used for others. The frames that cannot be sent in 0-RTT packets are not allowed there.
func (k Kind) Allowed(t PacketType, app bool) bool {
	switch t {
	case OneRTT:
		return k > None && k < numKinds
	case ZeroRTT:
		switch k {
		case None, Ack, Crypto, HandshakeDone, NewToken, PathResponse, RetireConnectionID:
			return false
		}
		return k < numKinds
	case Initial, Handshake:
		return k == Padding || k == Ping || k == Ack || k == Crypto || k == ConnectionClose && !app
	}
	return false
}

// StreamID is the ID of a stream: 62 bits, of which the two lowest tell who opened it and its direction (RFC 9000 section 2.1).
type StreamID uint64

// Opener returns who opened the stream, by bit 0.
func (id StreamID) Opener() Role { return Role(id&1) + Client }

// Uni tells whether the stream is unidirectional, by bit 1.
func (id StreamID) Uni() bool { return id&2 != 0 }

// Role is one of the two ends of a connection.
type Role uint8

// The roles. The zero Role is none of them.
const (
	Client Role = iota + 1
	Server
)

// String returns "client", "server" or "none".
func (r Role) String() string {
	switch r {
	case Client:
		return "client"
	case Server:
		return "server"
	}
	return "none"
}
