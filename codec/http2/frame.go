package http2

import "encoding/binary"

// FrameType is the type octet of a frame. Types that are not listed here MUST be ignored and discarded (RFC 9113
// section 5.5), except inside a field block.
type FrameType uint8

// The frame types of RFC 9113 section 6, ALTSVC (RFC 7838), ORIGIN (RFC 8336) and PRIORITY_UPDATE (RFC 9218).
const (
	FrameData           FrameType = 0x0
	FrameHeaders        FrameType = 0x1
	FramePriority       FrameType = 0x2
	FrameRSTStream      FrameType = 0x3
	FrameSettings       FrameType = 0x4
	FramePushPromise    FrameType = 0x5
	FramePing           FrameType = 0x6
	FrameGoAway         FrameType = 0x7
	FrameWindowUpdate   FrameType = 0x8
	FrameContinuation   FrameType = 0x9
	FrameAltSvc         FrameType = 0xa
	FrameOrigin         FrameType = 0xc
	FramePriorityUpdate FrameType = 0x10
)

// String returns the name in its RFC, such as "WINDOW_UPDATE", or "UNKNOWN".
func (t FrameType) String() string {
	switch t {
	case FrameData:
		return "DATA"
	case FrameHeaders:
		return "HEADERS"
	case FramePriority:
		return "PRIORITY"
	case FrameRSTStream:
		return "RST_STREAM"
	case FrameSettings:
		return "SETTINGS"
	case FramePushPromise:
		return "PUSH_PROMISE"
	case FramePing:
		return "PING"
	case FrameGoAway:
		return "GOAWAY"
	case FrameWindowUpdate:
		return "WINDOW_UPDATE"
	case FrameContinuation:
		return "CONTINUATION"
	case FrameAltSvc:
		return "ALTSVC"
	case FrameOrigin:
		return "ORIGIN"
	case FramePriorityUpdate:
		return "PRIORITY_UPDATE"
	}
	return "UNKNOWN"
}

// Flags is the flags octet of a frame. Flags without a meaning for the type MUST be ignored (RFC 9113 section 4.1).
type Flags uint8

// The flags of RFC 9113 section 6. One bit has two names: END_STREAM on DATA and HEADERS, ACK on SETTINGS and PING.
const (
	FlagEndStream  Flags = 0x1
	FlagAck        Flags = 0x1
	FlagEndHeaders Flags = 0x4
	FlagPadded     Flags = 0x8
	FlagPriority   Flags = 0x20
)

// Has reports whether all bits of x are set in f.
func (f Flags) Has(x Flags) bool { return f&x == x }

const (
	// FrameHeaderLen is the length of a frame header in octets (RFC 9113 section 4.1).
	FrameHeaderLen = 9
	// MinFrameSize is the payload in octets that every endpoint must accept: the initial and the smallest value of
	// SETTINGS_MAX_FRAME_SIZE (RFC 9113 section 4.2).
	MinFrameSize = 1 << 14
	// MaxFrameSize is the largest value of SETTINGS_MAX_FRAME_SIZE.
	MaxFrameSize = 1<<24 - 1
	// MaxStreamID is the largest stream identifier (RFC 9113 section 5.1.1).
	MaxStreamID = 1<<31 - 1
	// MaxWindow is the largest flow-control window (RFC 9113 section 6.9.1).
	MaxWindow = 1<<31 - 1
)

// FrameHeader is the nine octets in front of every frame (RFC 9113 section 4.1).
type FrameHeader struct {
	// Length of the payload in octets, below 2^24.
	Length uint32
	Type   FrameType
	Flags  Flags
	// Stream is the stream identifier, below 2^31; 0 is the connection. The reserved bit MUST be ignored when
	// receiving and is not kept.
	Stream uint32
}

// ParseFrameHeader reads a frame header from the front of src. It returns FrameHeaderLen, or 0 if src is shorter, when h is
// untouched. Every nine octets are a frame header: what they may not say is for Check.
func ParseFrameHeader(src []byte, h *FrameHeader) (n int) {
	if len(src) < FrameHeaderLen {
		return 0
	}
	w := binary.BigEndian.Uint64(src)
	*h = FrameHeader{
		Length: uint32(w >> 40),
		Type:   FrameType(w >> 32),
		Flags:  Flags(w >> 24),
		Stream: uint32(w&0x7fffff)<<8 | uint32(src[8]),
	}
	return FrameHeaderLen
}

// AppendFrameHeader appends a frame header. Of Length the low 24 bits are written, of Stream the low 31.
func AppendFrameHeader(dst []byte, h FrameHeader) []byte {
	return append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), byte(h.Flags),
		byte(h.Stream>>24)&0x7f, byte(h.Stream>>16), byte(h.Stream>>8), byte(h.Stream))
}

// Check decides everything that the frame header decides alone, so that nothing of a frame at fault is waited for: the
// size against maxSize (what we announced as SETTINGS_MAX_FRAME_SIZE, at least MinFrameSize), the sizes that the type
// prescribes, and whether the type belongs on stream 0. Frames of unknown types pass if they are not too long.
//
// ALTSVC and ORIGIN frames at fault are ignored, not an error; see ParseAltSvc and ParseOrigin.
func (h *FrameHeader) Check(maxSize uint32) Fault {
	// RFC 9113 section 4.2-4: an endpoint MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in
	// SETTINGS_MAX_FRAME_SIZE. For frames that could alter the state of the connection it MUST be a connection error; for the
	// others it is one here, since nobody sends them by accident.
	if h.Length > maxSize {
		return fFrameSize
	}
	if h.Type > FrameContinuation {
		if h.Type == FramePriorityUpdate {
			return h.checkPriorityUpdate()
		}
		return ok
	}
	rule := headerRules[h.Type]
	if (h.Stream == 0) == rule.onStream && rule.stream != ok {
		return rule.stream
	}
	switch h.Type {
	case FrameSettings:
		// RFC 9113 section 6.5: receipt of a SETTINGS frame with the ACK flag set and a length field value other than 0 MUST be
		// treated as a connection error of type FRAME_SIZE_ERROR; a SETTINGS frame with a length other than a multiple of
		// 6 octets MUST be treated as a connection error of type FRAME_SIZE_ERROR.
		switch {
		case h.Flags.Has(FlagAck) && h.Length != 0:
			return fSettingsAckSize
		case h.Length%settingLen != 0:
			return fSettingsSize
		}
	case FrameGoAway:
		// RFC 9113 section 4.2-4: an endpoint MUST send FRAME_SIZE_ERROR if a frame is too small to contain mandatory frame data.
		if h.Length < 8 {
			return fGoAwaySize
		}
	default:
		if rule.size != 0 && h.Length != rule.size {
			return rule.sizeFault
		}
	}
	return ok
}

// headerRules holds, for the types of RFC 9113, whether the frame belongs on a stream and its size if there is only one.
//
// RFC 9113 sections 6.1, 6.2, 6.3, 6.4, 6.6, 6.10: a frame on stream 0x00 MUST be a connection error of type PROTOCOL_ERROR;
// sections 6.5, 6.7, 6.8: so MUST one on any other stream.
// Section 6.3: a PRIORITY frame with a length other than 5 octets MUST be treated as a stream error of type FRAME_SIZE_ERROR.
// Sections 6.4, 6.7, 6.9: other lengths than 4, 8, 4 octets MUST be treated as a connection error of type FRAME_SIZE_ERROR.
// RST_STREAM, PING and WINDOW_UPDATE have one size each; WINDOW_UPDATE is at home on both kinds of stream.
var headerRules = [...]struct {
	onStream  bool
	stream    Fault
	size      uint32
	sizeFault Fault
}{
	FrameData:         {true, fDataStream, 0, ok},
	FrameHeaders:      {true, fHeadersStream, 0, ok},
	FramePriority:     {true, fPriorityStream, 5, fPrioritySize},
	FrameRSTStream:    {true, fResetStream, 4, fResetSize},
	FrameSettings:     {false, fSettingsStream, 0, ok},
	FramePushPromise:  {true, fPromiseStream, 0, ok},
	FramePing:         {false, fPingStream, 8, fPingSize},
	FrameGoAway:       {false, fGoAwayStream, 0, ok},
	FrameWindowUpdate: {false, ok, 4, fWindowSize},
	FrameContinuation: {true, fContinuationStream, 0, ok},
}
