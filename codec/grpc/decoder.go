package grpc

import "github.com/purewire/purewire/codec"

// PrefixLen is the length of a message's prefix in bytes: Compressed-Flag and Message-Length.
const PrefixLen = 5

// DefaultMaxMessage is the default of Limits.Message: 4 MiB, as in other gRPC implementations.
const DefaultMaxMessage = 4 << 20

// DefaultMaxTrailers is the limit of the trailers in a gRPC-Web body, in bytes.
const DefaultMaxTrailers = 16 << 10

// Kind tells what an Event holds.
type Kind uint8

const (
	// None: need more bytes, or the stream is used up.
	None Kind = iota
	// Message: a piece of a message.
	Message
	// Trailers: a piece of the trailers of a gRPC-Web body.
	Trailers
)

// Event is what Decoder.Next found. It belongs to the worker, not to the stream.
//
//	Kind      fields
//	Message   Data, Length, Compressed, First, Last
//	Trailers  Data, Length, Compressed, First, Last
//
// A message that lies whole in src is one event with First and Last set. A longer one is lent as it arrives. The length of a
// message is known with its first piece: allocate from it only after looking at your own limits.
type Event struct {
	Kind Kind
	// Compressed is the Compressed-Flag: the message, or the block of trailers, is in the encoding that grpc-encoding named.
	Compressed bool
	// First and Last mark the ends of the message.
	First, Last bool
	// Length is the length of the whole message in bytes, as sent. It is given with First, else 0.
	Length uint32
	// Data is the piece, lent until the next call.
	Data []byte

	err Error
}

// Mode is what a Decoder accepts beside plain messages.
type Mode uint8

const (
	// AcceptCompressed: compressed messages are accepted: grpc-encoding names something other than identity.
	AcceptCompressed Mode = 1 << iota
	// Web: this is the body of a gRPC-Web response: a frame with flag 0x80 (0x81: compressed) holds the trailers and ends it.
	Web
)

// Decoder cuts a stream of DATA into messages (PROTOCOL-HTTP2.md, Length-Prefixed-Message). The zero value accepts
// uncompressed messages up to DefaultMaxMessage. It is 24 bytes and holds nothing of the input: it consumes everything it
// is shown, the prefix as well.
type Decoder struct {
	off  int64  // of the next byte in the stream
	left uint32 // bytes to come of the message; while the prefix is incomplete: what is known of the length
	max  uint32 // longest message, 0 the default
	have uint8  // bytes of the prefix seen; PrefixLen: before the first piece; inMessage: behind it
	flag uint8  // of the current message
	mode Mode
	why  reason // not noReason: failed
}

const (
	inMessage = PrefixLen + 1

	flagCompressed = 0x01
	flagTrailers   = 0x80
	flagDone       = 0xff // stands in Decoder.flag behind the trailers
)

// Init resets the decoder. max bounds the declared length of a message in bytes: 0 is DefaultMaxMessage, negative none
// (the format allows 4 GiB - 1).
func (d *Decoder) Init(max int64, mode Mode) {
	*d = Decoder{mode: mode, max: uint32(max)}
	if max < 0 || max > 1<<32-1 {
		d.max = 1<<32 - 1
	}
}

// limit is the longest frame of the current flag.
func (d *Decoder) limit() (uint32, reason) {
	switch {
	case d.flag&flagTrailers != 0:
		return DefaultMaxTrailers, rTrailersLong
	case d.max == 0:
		return DefaultMaxMessage, rTooLong
	}
	return d.max, rTooLong
}

// Next reports the next piece of a message in src. n bytes of src are consumed; with Kind None all of them are. An error ends
// the stream: its Code is the status to end the call with.
func (d *Decoder) Next(src []byte, ev *Event) (n int, err error) {
	ev.Kind = None
	if d.why != noReason {
		return 0, ev.err.fill(d.why, d.off)
	}
	if d.have < PrefixLen {
		if n, err = d.prefix(src, ev); err != nil || d.have < PrefixLen {
			return n, err
		}
	}
	k := len(src) - n
	if uint64(k) > uint64(d.left) {
		k = int(d.left)
	}
	if k == 0 && d.left > 0 {
		return n, nil
	}
	ev.Kind = Message
	if d.flag&flagTrailers != 0 {
		ev.Kind = Trailers
	}
	ev.Compressed = d.flag&flagCompressed != 0
	ev.First = d.have == PrefixLen
	if ev.First {
		d.have = inMessage
		ev.Length = d.left
	} else {
		ev.Length = 0
	}
	ev.Data = src[n : n+k : n+k]
	d.off += int64(k)
	d.left -= uint32(k)
	ev.Last = d.left == 0
	if ev.Last {
		d.have = 0
		if ev.Kind == Trailers {
			d.flag = flagDone
		}
	}
	return n + k, nil
}

// prefix reads the prefix, or the part of it that is here. The flag is judged as soon as it is seen, the length when it is whole.
func (d *Decoder) prefix(src []byte, ev *Event) (n int, err error) {
	if len(src) == 0 {
		return 0, nil
	}
	if d.have == 0 {
		if r := d.checkFlag(src[0]); r != noReason {
			d.why = r
			return 0, ev.err.fill(r, d.off)
		}
		d.flag, d.have, d.left, n = src[0], 1, 0, 1
		if len(src) >= PrefixLen {
			d.left = uint32(src[1])<<24 | uint32(src[2])<<16 | uint32(src[3])<<8 | uint32(src[4])
			d.have, n = PrefixLen, PrefixLen
		}
	}
	for ; d.have < PrefixLen && n < len(src); n++ {
		d.left = d.left<<8 | uint32(src[n])
		d.have++
	}
	d.off += int64(n)
	if d.have < PrefixLen {
		return n, nil
	}
	// The limit is that of the declared length: nothing is ever allocated from it, and nothing is awaited.
	if max, r := d.limit(); d.left > max {
		d.why = r
		return n, ev.err.fill(r, d.off)
	}
	return n, nil
}

// checkFlag judges the first byte of a message. "The Compressed-Flag is encoded as 1 byte unsigned integer": 0 or 1.
func (d *Decoder) checkFlag(b byte) reason {
	switch {
	case d.flag == flagDone:
		return rAfterTrailers
	case b == 0:
		return noReason
	case b == flagCompressed:
		// "A Compressed-Flag value of 1 [...] If the Message-Encoding header is missing then the Compressed-Flag must be 0".
		if d.mode&AcceptCompressed == 0 {
			return rUnannounced
		}
		return noReason
	case b == flagTrailers && d.mode&Web != 0:
		return noReason
	case b == flagTrailers|flagCompressed && d.mode&Web != 0:
		// "the 8th (MSB) bit of the 1st gRPC frame byte" marks trailers; the first one still tells of compression: "10000001b: a
		// compressed trailer".
		if d.mode&AcceptCompressed == 0 {
			return rWebFlag
		}
		return noReason
	}
	return rFlag
}

// Finish tells that no byte will follow. It returns an error if a message is incomplete.
func (d *Decoder) Finish(ev *Event) error {
	ev.Kind = None
	if d.why == noReason && d.have > 0 {
		d.why = rTruncated
	}
	if d.why != noReason {
		return ev.err.fill(d.why, d.off)
	}
	return nil
}

// Idle reports whether the stream stands between two messages.
func (d *Decoder) Idle() bool { return d.have == 0 && d.why == noReason }

// Ended reports whether the trailers of a gRPC-Web body have been reported.
func (d *Decoder) Ended() bool { return d.have == 0 && d.flag == flagDone }

// AppendPrefix appends the prefix of a message of n bytes, for those who send the message itself by reference. A message over
// 4 GiB - 1 cannot be sent: dst is returned unchanged, with a misuse error.
func AppendPrefix(dst []byte, compressed bool, n int) ([]byte, error) {
	if uint64(n) > 1<<32-1 {
		return dst, errTooBig
	}
	var flag byte
	if compressed {
		flag = flagCompressed
	}
	return append(dst, flag, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), nil
}

// AppendMessage appends a whole uncompressed message. It fails as AppendPrefix does.
func AppendMessage(dst, msg []byte) ([]byte, error) {
	out, err := AppendPrefix(dst, false, len(msg))
	if err != nil {
		return dst, err
	}
	return append(out, msg...), nil
}

var errTooBig = &Error{Scope: codec.ScopeMisuse, Code: Internal, Reason: "grpc-Length-Prefixed-Message: message does not fit 32 bits"}
