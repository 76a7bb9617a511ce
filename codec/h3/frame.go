package h3

import "github.com/purewire/purewire/codec/internal/varint"

// FrameType is the type of a frame (RFC 9114 section 7.2).
type FrameType uint64

// The frame types.
const (
	// FrameData carries content (RFC 9114 section 7.2.1).
	FrameData FrameType = 0x0
	// FrameHeaders carries a field section (section 7.2.2).
	FrameHeaders FrameType = 0x1
	// FrameCancelPush cancels a push (section 7.2.3).
	FrameCancelPush FrameType = 0x3
	// FrameSettings begins a control stream (section 7.2.4).
	FrameSettings FrameType = 0x4
	// FramePushPromise announces a push (section 7.2.5).
	FramePushPromise FrameType = 0x5
	// FrameGoAway begins the end of a connection (section 7.2.6).
	FrameGoAway FrameType = 0x7
	// FrameMaxPushID grants pushes (section 7.2.7).
	FrameMaxPushID FrameType = 0xd
	// FramePriorityUpdate changes the priority of a request (RFC 9218 section 7.2).
	FramePriorityUpdate FrameType = 0xf0700
	// FramePriorityUpdatePush changes the priority of a push (RFC 9218 section 7.2).
	FramePriorityUpdatePush FrameType = 0xf0701
)

// HTTP2 reports whether the type is one of HTTP/2 that HTTP/3 has reserved: PRIORITY, PING, WINDOW_UPDATE, CONTINUATION
// (RFC 9114 section 7.2.8-3).
func (t FrameType) HTTP2() bool { return t == 0x2 || t == 0x6 || t == 0x8 || t == 0x9 }

// Reserved reports whether frames of this type exist to be ignored: 0x1f*N+0x21 (RFC 9114 section 7.2.8-1).
func (t FrameType) Reserved() bool { return reserved(uint64(t)) }

// Known reports whether this package gives a meaning to frames of the type.
func (t FrameType) Known() bool { return t.place() != placeAny }

// String returns the name of the type, "unknown" for those without one.
func (t FrameType) String() string {
	switch t {
	case FrameData:
		return "DATA"
	case FrameHeaders:
		return "HEADERS"
	case FrameCancelPush:
		return "CANCEL_PUSH"
	case FrameSettings:
		return "SETTINGS"
	case FramePushPromise:
		return "PUSH_PROMISE"
	case FrameGoAway:
		return "GOAWAY"
	case FrameMaxPushID:
		return "MAX_PUSH_ID"
	case FramePriorityUpdate:
		return "PRIORITY_UPDATE"
	case FramePriorityUpdatePush:
		return "PRIORITY_UPDATE (push)"
	}
	return "unknown"
}

// FrameHeader is what stands in front of each frame's payload (RFC 9114 section 7.1).
type FrameHeader struct {
	// Type says what the payload is.
	Type FrameType
	// Length is how many octets the payload has, below 2^62.
	Length uint64
}

// MaxFrameHeaderLen is the longest encoding of a FrameHeader in octets; the shortest is 2.
const MaxFrameHeaderLen = 16

// ParseFrameHeader reads the frame header at the start of src and returns how many octets it takes, 0 if src ends before it
// does.
func ParseFrameHeader(src []byte, h *FrameHeader) (n int) {
	t, n := varint.Parse(src)
	if n == 0 {
		return 0
	}
	l, k := varint.Parse(src[n:])
	if k == 0 {
		return 0
	}
	h.Type, h.Length = FrameType(t), l
	return n + k
}

// AppendFrameHeader appends h in its shortest encoding. Types and lengths are below 2^62; others append nothing.
func AppendFrameHeader(dst []byte, h FrameHeader) []byte {
	if h.Type > varint.Max || h.Length > varint.Max {
		return dst
	}
	return varint.Append(varint.Append(dst, uint64(h.Type)), h.Length)
}

// StreamType is what the first integer on a unidirectional stream says (RFC 9114 section 6.2).
type StreamType uint64

// The types of unidirectional streams.
const (
	// StreamControl is the control stream (RFC 9114 section 6.2.1).
	StreamControl StreamType = 0
	// StreamPush is a push stream (section 6.2.2).
	StreamPush StreamType = 1
	// StreamEncoder is the encoder stream of QPACK (RFC 9204 section 4.2).
	StreamEncoder StreamType = 2
	// StreamDecoder is the decoder stream of QPACK (RFC 9204 section 4.2).
	StreamDecoder StreamType = 3
)

// Reserved reports whether streams of this type exist to be ignored: 0x1f*N+0x21 (RFC 9114 section 6.2.3).
func (t StreamType) Reserved() bool { return reserved(uint64(t)) }

// String returns "control", "push", "encoder", "decoder" or "unknown".
func (t StreamType) String() string {
	switch t {
	case StreamControl:
		return "control"
	case StreamPush:
		return "push"
	case StreamEncoder:
		return "encoder"
	case StreamDecoder:
		return "decoder"
	}
	return "unknown"
}

// ParseStreamType reads the type at the start of a unidirectional stream and returns how many octets it takes, 0 if src
// ends before it does.
func ParseStreamType(src []byte) (t StreamType, n int) {
	v, n := varint.Parse(src)
	return StreamType(v), n
}

// AppendStreamType appends the type that begins a unidirectional stream. Types are below 2^62; others append nothing.
func AppendStreamType(dst []byte, t StreamType) []byte { return varint.Append(dst, uint64(t)) }

// Place says where a frame comes: what Check needs to know.
type Place uint8

const (
	// OnControl is a control stream.
	OnControl Place = iota
	// OnRequest is a bidirectional stream.
	OnRequest
)

// place says where frames of a type belong.
type place uint8

const (
	placeAny place = iota
	placeControl
	placeRequest
)

func (t FrameType) place() place {
	switch t {
	case FrameData, FrameHeaders, FramePushPromise:
		return placeRequest
	case FrameCancelPush, FrameSettings, FrameGoAway, FrameMaxPushID, FramePriorityUpdate, FramePriorityUpdatePush:
		return placeControl
	}
	return placeAny
}

// Check finds what is wrong with a frame of which only the header is known, where receiver is the role of the end that
// receives it: its type on this kind of stream and in this direction, and its length where that is not free. It is 0 for a frame that may be
// read, or that is to be ignored since nobody knows its type.
func (h FrameHeader) Check(receiver Role, where Place) Fault {
	switch h.Type {
	case FrameData:
		// RFC 9114 section 7.2.1-2: If a DATA frame is received on a control stream, the recipient MUST respond with a connection
		// error of type H3_FRAME_UNEXPECTED.
		if where == OnControl {
			return fDataControl
		}
	case FrameHeaders:
		// RFC 9114 section 7.2.2-3: If a HEADERS frame is received on a control stream, the recipient MUST respond with a
		// connection error of type H3_FRAME_UNEXPECTED.
		if where == OnControl {
			return fHeadersControl
		}
	case FramePushPromise:
		switch {
		// RFC 9114 section 7.2.5-9: A server MUST treat the receipt of a PUSH_PROMISE frame as a connection error of type
		// H3_FRAME_UNEXPECTED.
		case receiver == Server:
			return fPromiseServer
		// RFC 9114 section 7.2.5-8: If a PUSH_PROMISE frame is received on the control stream, the client MUST respond with a
		// connection error of type H3_FRAME_UNEXPECTED.
		case where == OnControl:
			return fPromiseControl
		// RFC 9114 section 7.1-5: A frame payload that terminates before the end of the identified fields MUST be treated as a
		// connection error of type H3_FRAME_ERROR.
		case h.Length == 0:
			return fPromiseSize
		}
	case FrameCancelPush:
		// RFC 9114 section 7.2.3-5: Receiving a CANCEL_PUSH frame on a stream other than the control stream MUST be treated as a connection
		// error of type H3_FRAME_UNEXPECTED.
		if where == OnRequest {
			return fCancelRequest
		}
		return h.oneID(fCancelSize)
	case FrameSettings:
		// RFC 9114 section 7.2.4-3: If an endpoint receives a SETTINGS frame on a different stream, the endpoint MUST respond with a
		// connection error of type H3_FRAME_UNEXPECTED.
		if where == OnRequest {
			return fSettingsRequest
		}
	case FrameGoAway:
		// RFC 9114 section 7.2.6-5: A client MUST treat a GOAWAY frame on a stream other than the control stream as a connection error of
		// type H3_FRAME_UNEXPECTED. A server has no reason to see it otherwise.
		if where == OnRequest {
			return fGoAwayRequest
		}
		return h.oneID(fGoAwaySize)
	case FrameMaxPushID:
		switch {
		// RFC 9114 section 7.2.7-2: Receipt of a MAX_PUSH_ID frame on any other stream MUST be treated as a connection error of type
		// H3_FRAME_UNEXPECTED.
		case where == OnRequest:
			return fMaxPushRequest
		// RFC 9114 section 7.2.7-3: A client MUST treat the receipt of a MAX_PUSH_ID frame as a connection error of type
		// H3_FRAME_UNEXPECTED.
		case receiver == Client:
			return fMaxPushClient
		}
		return h.oneID(fMaxPushSize)
	case FramePriorityUpdate, FramePriorityUpdatePush:
		switch {
		// RFC 9218 section 7.2-2: Receiving a PRIORITY_UPDATE frame on a stream other than the client control stream MUST be treated as a connection
		// error of type H3_FRAME_UNEXPECTED.
		case where == OnRequest:
			return fUpdateRequest
		// RFC 9218 section 7.2-8: If a client receives a PRIORITY_UPDATE frame, this MUST be treated as a connection error of type
		// H3_FRAME_UNEXPECTED.
		case receiver == Client:
			return fUpdateClient
		case h.Length == 0:
			return fUpdateSize
		}
	default:
		// RFC 9114 section 7.2.8-3: Frame types that were used in HTTP/2 where there is no corresponding HTTP/3 frame have also been
		// reserved [...]. These frame types MUST NOT be sent, and their receipt MUST be treated as a connection error of type H3_FRAME_UNEXPECTED.
		if h.Type.HTTP2() {
			return fReservedFrame
		}
	}
	return ok
}

// oneID checks the length of a frame whose payload is one integer: whatever its encoding, it takes 1, 2, 4 or 8 octets.
func (h FrameHeader) oneID(f Fault) Fault {
	switch h.Length {
	case 1, 2, 4, 8:
		return ok
	}
	return f
}
