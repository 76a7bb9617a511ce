package quic

import (
	"encoding/binary"

	"github.com/purewire/purewire/codec/internal/varint"
)

// FrameDecoder reads the frames of one packet's payload. The zero value is of no use before Init. It is meant to be kept and
// initialised again for every packet.
type FrameDecoder struct {
	role Role
	typ  PacketType
	size int   // of the payload
	done int   // bytes consumed
	bad  bool  // err is set
	err  Error // valid if bad
}

// Init makes d ready for the payload, of size bytes, of a packet of type t. role is the end that receives the packet: some frames only
// a server or only a client may send.
func (d *FrameDecoder) Init(role Role, t PacketType, size int) {
	d.role, d.typ, d.size, d.done, d.bad = role, t, size, 0, false
}

// Ended tells whether the whole payload has been consumed.
func (d *FrameDecoder) Ended() bool { return !d.bad && d.size > 0 && d.done == d.size }

// Err returns the error that ended the decoder, nil for none.
func (d *FrameDecoder) Err() error {
	if d.bad {
		return &d.err
	}
	return nil
}

func (d *FrameDecoder) stop(r reason, off int, typ uint64) error {
	d.err = newError(r)
	d.err.Off, d.err.Frame = int64(off), typ
	d.bad = true
	return &d.err
}

// Next reads one frame from src into f, which is a zero Frame or one that Next has filled, and returns its length. src is what is left of the payload; normally all of it. If it ends
// in the middle of a frame but the payload does not, Kind is None and n is 0: call again with more. A run of padding is one
// frame, or as many as the pieces in which it is presented. At the end of the payload Kind is None too; bytes of src behind it are
// not looked at. With an error n is 0.
func (d *FrameDecoder) Next(src []byte, f *Frame) (n int, err error) {
	if d.bad {
		return 0, &d.err
	}
	if d.role != Client && d.role != Server || d.size < 0 {
		return 0, failure(rDecoderInit)
	}
	left := d.size - d.done
	if d.typ == OneRTT && len(src) <= left && len(src) > longestStreamHead {
		if n = wholeStream(src, left, d.role, f); n > 0 {
			d.done += n
			return n, nil
		}
	}
	*f = Frame{}
	if left == 0 {
		// 9000-12.4-3: "An endpoint MUST treat receipt of a packet containing no frames as a connection error of type PROTOCOL_VIOLATION."
		if d.size == 0 {
			return 0, d.stop(rEmptyPayload, 0, 0)
		}
		return 0, nil
	}
	if len(src) > left {
		src = src[:left]
	}
	if len(src) == 0 {
		return 0, nil
	}
	p := frameParser{src: src, end: left}
	typ, r := p.frame(f, d.role, d.typ)
	if r == ok && p.short {
		if !p.cut && len(src) < left {
			*f = Frame{}
			return 0, nil
		}
		p.at, r = 0, rFrameCut
	}
	if r != ok {
		*f = Frame{}
		return 0, d.stop(r, d.done+p.at, typ)
	}
	d.done += p.off
	return p.off, nil
}

// longestStreamHead is the length of a STREAM frame without its data, all integers in 8 bytes.
const longestStreamHead = 1 + 3*8

// wholeStream is the way of nearly all bytes of a transfer: a STREAM frame that is there as a whole. It returns 0, with f as it
// was, for everything else and for all errors.
func wholeStream(src []byte, left int, role Role, f *Frame) int {
	typ := src[0]
	if typ&^7 != 8 {
		return 0
	}
	id, off := varint.Parse(src[1:])
	off++
	var offset uint64
	if typ&4 != 0 {
		var n int
		offset, n = varint.Parse(src[off:])
		off += n
	}
	size := uint64(left - off)
	if typ&2 != 0 {
		var n int
		size, n = varint.Parse(src[off:])
		off += n
	}
	if size > uint64(len(src)-off) || offset+size > MaxVarint || sendOnly(StreamID(id), role) {
		return 0
	}
	end := off + int(size)
	// What this function has left in f it overwrites; anything else is cleared.
	if f.Kind != Stream {
		*f = Frame{}
	}
	f.Kind, f.Fin, f.ToEnd = Stream, typ&1 != 0, typ&2 == 0
	f.StreamID, f.Offset, f.Data = StreamID(id), offset, src[off:end:end]
	return end
}

// Finish tells that no more of the payload will come. It fails if some is missing.
func (d *FrameDecoder) Finish() error {
	switch {
	case d.bad:
		return &d.err
	case d.size == 0:
		return d.stop(rEmptyPayload, 0, 0)
	case d.done < d.size:
		return d.stop(rFrameCut, d.done, 0)
	}
	return nil
}

// frameParser reads the fields of one frame. src holds what is there of it, end is where the packet ends.
type frameParser struct {
	src   []byte
	off   int
	end   int
	at    int  // where an error was found
	short bool // src ends before the frame
	cut   bool // the frame goes beyond end for sure
}

func (p *frameParser) fail(at int, r reason) reason {
	p.at = at
	return r
}

func (p *frameParser) varint() uint64 {
	v, n := varint.Parse(p.src[p.off:])
	if n == 0 {
		p.short = true
	}
	p.off += n
	return v
}

// take returns the next n bytes.
func (p *frameParser) take(n uint64) []byte {
	if p.short {
		return nil
	}
	if n > uint64(p.end-p.off) {
		p.short, p.cut = true, true
		return nil
	}
	if n > uint64(len(p.src)-p.off) {
		p.short = true
		return nil
	}
	b := p.src[p.off : p.off+int(n) : p.off+int(n)]
	p.off += int(n)
	return b
}

// rest returns what is left of the packet.
func (p *frameParser) rest() []byte { return p.take(uint64(p.end - p.off)) }

// frame reads a frame. It may leave f half filled if it fails or comes up short.
func (p *frameParser) frame(f *Frame, role Role, t PacketType) (typ uint64, r reason) {
	if b := p.src[0]; b < 0x40 {
		typ, p.off = uint64(b), 1
	} else {
		typ = p.varint()
		if p.short {
			return 0, ok
		}
		// 9000-12.4-18: "An endpoint MAY treat the receipt of a frame type that uses a longer encoding than necessary as a
		// connection error of type PROTOCOL_VIOLATION." This one does.
		if p.off != VarintLen(typ) {
			return typ, rFrameTypeLong
		}
	}
	// 9000-12.4-16: "An endpoint MUST treat the receipt of a frame of unknown type as a connection error of type FRAME_ENCODING_ERROR."
	switch {
	case typ < uint64(len(kinds)):
		f.Kind = kinds[typ]
	case typ == 0x30 || typ == 0x31:
		f.Kind = Datagram
	default:
		return typ, rFrameUnknown
	}
	f.App = typ == 0x1d
	// 9000-12.4-12: "An endpoint MUST treat receipt of a frame in a packet type that is not permitted as a connection error
	// of type PROTOCOL_VIOLATION."
	if t != OneRTT && !f.Kind.Allowed(t, f.App) {
		switch t {
		case Initial:
			return typ, rFrameInInitial
		case Handshake:
			return typ, rFrameInHandshake
		}
		return typ, rFrameInZeroRTT
	}
	if f.Kind == Stream {
		return typ, p.stream(f, typ, role)
	}
	return typ, p.body(f, typ, role)
}

func (p *frameParser) stream(f *Frame, typ uint64, role Role) reason {
	f.StreamID = StreamID(p.varint())
	// 9000-19.8-3: "An endpoint MUST terminate the connection with error STREAM_STATE_ERROR if it receives a STREAM frame for
	// a locally initiated stream that has not yet been created, or for a send-only stream."
	if !p.short && sendOnly(f.StreamID, role) {
		return rStreamSendOnly
	}
	if typ&4 != 0 {
		f.Offset = p.varint()
	}
	at := p.off
	f.Fin, f.ToEnd = typ&1 != 0, typ&2 == 0
	size := uint64(p.end - p.off)
	if !f.ToEnd {
		size = p.varint()
	}
	if p.short {
		return ok
	}
	// 9000-19.8-9: "The largest offset delivered on a stream -- the sum of the offset and data length -- cannot exceed 2^62-1".
	if f.Offset+size > MaxVarint {
		return p.fail(at, rStreamOffset)
	}
	f.Data = p.take(size)
	return ok
}

// sendOnly tells whether a unidirectional stream is role's own.
func sendOnly(id StreamID, role Role) bool { return id.Uni() && id.Opener() == role }

// receiveOnly tells whether a unidirectional stream is that of role's peer.
func receiveOnly(id StreamID, role Role) bool { return id.Uni() && id.Opener() != role }

func (p *frameParser) body(f *Frame, typ uint64, role Role) reason {
	switch f.Kind {
	case Padding:
		for p.off+8 <= len(p.src) && binary.LittleEndian.Uint64(p.src[p.off:]) == 0 {
			p.off += 8
		}
		for p.off < len(p.src) && p.src[p.off] == 0 {
			p.off++
		}
		f.Data = p.src[:p.off:p.off]
	case Ack:
		return p.ack(f, typ == 0x03)
	case ResetStream:
		f.StreamID = StreamID(p.varint())
		// 9000-19.4-3: "An endpoint that receives a RESET_STREAM frame for a send-only stream MUST terminate the connection
		// with error STREAM_STATE_ERROR."
		if !p.short && sendOnly(f.StreamID, role) {
			return rResetSendOnly
		}
		f.Code = ErrorCode(p.varint())
		f.Value = p.varint()
	case StopSending:
		f.StreamID = StreamID(p.varint())
		// 9000-19.5-2: "An endpoint that receives a STOP_SENDING frame for a receive-only stream MUST terminate the connection
		// with error STREAM_STATE_ERROR."
		if !p.short && receiveOnly(f.StreamID, role) {
			return rStopReceiveOnly
		}
		f.Code = ErrorCode(p.varint())
	case Crypto:
		f.Offset = p.varint()
		at := p.off
		size := p.varint()
		// 9000-19.6-7: "The largest offset delivered on a stream -- the sum of the offset and data length -- cannot exceed 2^62-1."
		if !p.short && f.Offset+size > MaxVarint {
			return p.fail(at, rCryptoOffset)
		}
		f.Data = p.take(size)
	case NewToken:
		// 9000-19.7-7: "A server MUST treat receipt of a NEW_TOKEN frame as a connection error of type PROTOCOL_VIOLATION."
		if role == Server {
			return rNewTokenAtServer
		}
		size := p.varint()
		// 9000-19.7-5.4: "A client MUST treat receipt of a NEW_TOKEN frame with an empty Token field as a connection error of
		// type FRAME_ENCODING_ERROR."
		if !p.short && size == 0 {
			return rTokenEmpty
		}
		f.Data = p.take(size)
	case MaxData, DataBlocked:
		f.Value = p.varint()
	case MaxStreamData:
		f.StreamID = StreamID(p.varint())
		// 9000-19.10-2: "An endpoint that receives a MAX_STREAM_DATA frame for a receive-only stream MUST terminate the
		// connection with error STREAM_STATE_ERROR."
		if !p.short && receiveOnly(f.StreamID, role) {
			return rMaxDataReceiveOnly
		}
		f.Value = p.varint()
	case MaxStreams, StreamsBlocked:
		f.Uni = typ&1 != 0
		at := p.off
		f.Value = p.varint()
		// 9000-19.11-5.2: "Receipt of a frame that permits opening of a stream larger than this limit MUST be treated as a
		// connection error of type FRAME_ENCODING_ERROR." 19.14 has the same rule, with a choice of two codes.
		if f.Value > MaxStreamCount {
			if f.Kind == MaxStreams {
				return p.fail(at, rMaxStreams)
			}
			return p.fail(at, rStreamsBlocked)
		}
	case StreamDataBlocked:
		f.StreamID = StreamID(p.varint())
		// 9000-19.13-2: "An endpoint that receives a STREAM_DATA_BLOCKED frame for a send-only stream MUST terminate the
		// connection with error STREAM_STATE_ERROR."
		if !p.short && sendOnly(f.StreamID, role) {
			return rBlockedSendOnly
		}
		f.Value = p.varint()
	case NewConnectionID:
		return p.newConnectionID(f)
	case RetireConnectionID:
		f.Sequence = p.varint()
	case PathChallenge, PathResponse:
		copy(f.Token[:], p.take(8))
	case ConnectionClose:
		f.Code = ErrorCode(p.varint())
		if !f.App {
			f.Value = p.varint()
		}
		f.Data = p.take(p.varint())
	case HandshakeDone:
		// 9000-19.20-4: "A server MUST treat receipt of a HANDSHAKE_DONE frame as a connection error of type PROTOCOL_VIOLATION."
		if role == Server {
			return rDoneAtServer
		}
	case Datagram:
		f.ToEnd = typ == 0x30
		if f.ToEnd {
			f.Data = p.rest()
		} else {
			f.Data = p.take(p.varint())
		}
	}
	return ok
}

func (p *frameParser) newConnectionID(f *Frame) reason {
	f.Sequence = p.varint()
	at := p.off
	f.Value = p.varint()
	// 9000-19.15-9: "Receiving a value in the Retire Prior To field that is greater than that in the Sequence Number field MUST
	// be treated as a connection error of type FRAME_ENCODING_ERROR."
	if !p.short && f.Value > f.Sequence {
		return p.fail(at, rIDRetire)
	}
	at = p.off
	size := p.take(1)
	if p.short {
		return ok
	}
	// 9000-19.15-5.6: "Values less than 1 and greater than 20 are invalid and MUST be treated as a connection error of type
	// FRAME_ENCODING_ERROR."
	if size[0] < 1 || size[0] > MaxConnectionIDLen {
		return p.fail(at, rIDLen)
	}
	f.Data = p.take(uint64(size[0]))
	copy(f.Token[:], p.take(ResetTokenLen))
	return ok
}

// MaxStreamCount is the largest number of streams of one kind, 2^60 (RFC 9000 section 4.6).
const MaxStreamCount = 1 << 60
