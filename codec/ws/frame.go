package ws

import "encoding/binary"

// Opcode says what a frame carries (RFC 6455 section 5.2).
type Opcode uint8

// The opcodes that are defined. 3 to 7 are reserved for data frames, 11 to 15 for control frames.
const (
	Continuation Opcode = 0
	Text         Opcode = 1
	Binary       Opcode = 2
	Close        Opcode = 8
	Ping         Opcode = 9
	Pong         Opcode = 10
)

// IsControl reports whether o is a control opcode, known or not: 8 to 15.
func (o Opcode) IsControl() bool { return o&8 != 0 }

// known reports whether o is one of the opcodes above.
func (o Opcode) known() bool { return o < 16 && 1<<o&0b0000_0111_0000_0111 != 0 }

// String returns "continuation", "text", "binary", "close", "ping", "pong" or "reserved".
func (o Opcode) String() string {
	switch o {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "reserved"
}

// MaxHeader is the length of the longest frame header: 2 bytes, a 64-bit length, a masking key.
const MaxHeader = 14

// MaxControl is the length of the longest payload of a control frame (RFC 6455 section 5.5).
const MaxControl = 125

// Header is a frame header.
type Header struct {
	// Fin marks the last frame of a message. Control frames always have it.
	Fin bool
	// RSV are the three reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
	RSV uint8
	// Opcode says what the frame carries.
	Opcode Opcode
	// Masked says that the payload is masked with Key. Without it ParseHeader sets Key to zeros and AppendHeader ignores it.
	Masked bool
	Key    [4]byte
	// Length is the length of the payload in bytes, never negative.
	Length int64
	err    Error
}

// Rules says which of the headers that RFC 6455 can write are right here. The zero value allows no reserved bit, and
// asks neither for masks nor for an order of frames.
type Rules uint8

// Rules that a connection puts together.
const (
	// RSV3 and RSV2 allow that bit on any frame.
	RSV3 Rules = 1
	RSV2 Rules = 2
	// RSV1 allows the bit on the first frame of a message only (RFC 7692 section 6.1).
	RSV1 Rules = 4
	// FromClient refuses frames that are not masked, FromServer those that are (RFC 6455 section 5.1).
	FromClient Rules = 8
	FromServer Rules = 16
	// NoMessage refuses continuations: the last message ended, or there was none (RFC 6455 section 5.4).
	NoMessage Rules = 32
	// InMessage refuses text and binary frames: a message has begun and not ended.
	InMessage Rules = 64
)

// ParseHeader reads a frame header from the start of src into h and returns its length, 2 to MaxHeader. n = 0 without an
// error means that src ends before the header does. A violation is reported with the bytes that show it, without
// waiting for the rest; its offset is that of the first byte, the second, or the length behind them (0, 1 or 2),
// however src was cut.
//
// h is meaningful only if n > 0. The error is an *Error; it is held by h and valid until the next call with it.
func ParseHeader(src []byte, h *Header, rules Rules) (n int, err error) {
	n, r := parseHeader(src, h, rules)
	if r != ok {
		return 0, h.err.set(r, headerOffset(r))
	}
	return n, nil
}

// headerOffset returns the offset in a header of what broke r.
func headerOffset(r reason) int64 {
	switch r {
	case rUnmasked, rMasked, rControlLong:
		return 1
	case rLength16, rLength64, rLengthSign:
		return 2
	}
	return 0
}

// parseHeader is ParseHeader with a reason in place of the error.
func parseHeader(src []byte, h *Header, rules Rules) (n int, r reason) {
	if len(src) == 0 {
		return 0, ok
	}
	c := src[0]
	op := Opcode(c & 15)
	fin, rsv := c&0x80 != 0, c>>4&7
	if r = checkFirst(fin, rsv, op, rules); r != ok || len(src) < 2 {
		return 0, r
	}
	b := src[1]
	masked := b&0x80 != 0
	// 6455-5.1-1: "The server MUST close the connection upon receiving a frame that is not masked."
	if !masked && rules&FromClient != 0 {
		return 0, rUnmasked
	}
	// 6455-5.1-1: "A client MUST close a connection if it detects a masked frame."
	if masked && rules&FromServer != 0 {
		return 0, rMasked
	}
	length := int64(b & 0x7f)
	n = 2
	if length > MaxControl {
		// 6455-5.5-3: "All control frames MUST have a payload length of 125 bytes or less".
		if op.IsControl() {
			return 0, rControlLong
		}
		if length, n, r = parseLength(src); n == 0 {
			return 0, r
		}
	}
	var key [4]byte
	if masked {
		if len(src) < n+4 {
			return 0, ok
		}
		key = [4]byte(src[n:])
		n += 4
	}
	h.Fin, h.RSV, h.Opcode, h.Masked, h.Key, h.Length = fin, rsv, op, masked, key, length
	if h.err.Reason != "" {
		h.err = Error{}
	}
	return n, ok
}

// checkFirst judges what the first byte of a header holds.
func checkFirst(fin bool, rsv uint8, op Opcode, rules Rules) reason {
	// 6455-5.2-4: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a nonzero
	// value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the receiving
	// endpoint MUST _Fail the WebSocket Connection_."
	if rsv&^uint8(rules) != 0 {
		return rReservedBit
	}
	// 6455-5.2-5: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
	if !op.known() {
		if op.IsControl() {
			return rOpcodeControl
		}
		return rOpcodeData
	}
	// 7692-6.1-1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments
	// of a data message. An endpoint receiving such a frame MUST _Fail the WebSocket Connection_."
	if rsv&uint8(RSV1) != 0 && (op == Continuation || op.IsControl()) {
		return rCompressedBit
	}
	switch {
	// 6455-5.5-3: "All control frames [...] MUST NOT be fragmented."
	case op.IsControl():
		if !fin {
			return rControlFragment
		}
	// 6455-5.4-5: "An unfragmented message consists of a single frame with the FIN bit set [...] and an opcode other than
	// 0."
	case op == Continuation:
		if rules&NoMessage != 0 {
			return rContinuation
		}
	// 6455-5.4-9: "The fragments of one message MUST NOT be interleaved between the fragments of another message".
	case rules&InMessage != 0:
		return rInterleaved
	}
	return ok
}

// parseLength reads the extended length of a header whose second byte announces one. n is the length of the header up
// to the masking key; 0 without a reason if src ends before that.
//
// 6455-5.2-7: "in all cases, the minimal number of bytes MUST be used to encode the length" and "the most significant bit
// MUST be 0".
func parseLength(src []byte) (length int64, n int, r reason) {
	if src[1]&0x7f == 126 {
		if len(src) < 4 {
			return 0, 0, ok
		}
		if length = int64(binary.BigEndian.Uint16(src[2:])); length < 126 {
			return 0, 0, rLength16
		}
		return length, 4, ok
	}
	if len(src) > 2 && src[2]&0x80 != 0 {
		return 0, 0, rLengthSign
	}
	// Six zeros are enough to know that two bytes would have done.
	if len(src) >= 8 && binary.BigEndian.Uint64(src)<<16 == 0 {
		return 0, 0, rLength64
	}
	if len(src) < 10 {
		return 0, 0, ok
	}
	return int64(binary.BigEndian.Uint64(src[2:])), 10, ok
}

// AppendHeader appends the header to dst, with its length in the fewest bytes. It refuses, with misuse, what no peer
// could read: an opcode that is not defined, RSV above 7, a negative Length, a control frame without Fin or with a Length
// above MaxControl. The error is an *Error, held by h and valid until the next call with it.
func AppendHeader(dst []byte, h *Header) ([]byte, error) {
	if r := h.check(); r != ok {
		return dst, h.err.set(r, 0)
	}
	return appendHeader(dst, h), nil
}

// check finds out why h cannot be sent.
func (h *Header) check() reason {
	switch {
	case h.RSV > 7:
		return rPutRSV
	case !h.Opcode.known():
		return rPutOpcode
	case h.Length < 0:
		return rPutLength
	case h.Opcode.IsControl() && h.Length > MaxControl:
		return rPutControlLong
	case h.Opcode.IsControl() && !h.Fin:
		return rPutControlFragment
	}
	return ok
}

// appendHeader is AppendHeader for a header that passed check.
func appendHeader(dst []byte, h *Header) []byte {
	c, b := h.RSV<<4|uint8(h.Opcode), byte(0)
	if h.Fin {
		c |= 0x80
	}
	if h.Masked {
		b = 0x80
	}
	switch n := h.Length; {
	case n <= 125:
		dst = append(dst, c, b|byte(n))
	case n <= 0xffff:
		dst = append(dst, c, b|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, c, b|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	if h.Masked {
		dst = append(dst, h.Key[:]...)
	}
	return dst
}
