package h3

import "github.com/purewire/purewire/codec/internal/varint"

// oneVarint reads a payload that is one integer and nothing else.
//
// RFC 9114 section 7.1-5: a frame payload that contains additional bytes after the identified fields or a frame payload that terminates
// before the end of the identified fields MUST be treated as a connection error of type H3_FRAME_ERROR.
func oneVarint(p []byte, f Fault) (uint64, Fault) {
	v, n := varint.Parse(p)
	if n == 0 || n != len(p) {
		return 0, f
	}
	return v, ok
}

// ParseCancelPush returns the push ID in the payload of a CANCEL_PUSH frame.
func ParseCancelPush(p []byte) (push uint64, f Fault) { return oneVarint(p, fCancelSize) }

// ParseGoAway returns the identifier in the payload of a GOAWAY frame: from a server that of a request stream, from a client a push
// ID.
func ParseGoAway(p []byte) (id uint64, f Fault) { return oneVarint(p, fGoAwaySize) }

// ParseMaxPushID returns the push ID in the payload of a MAX_PUSH_ID frame.
func ParseMaxPushID(p []byte) (push uint64, f Fault) { return oneVarint(p, fMaxPushSize) }

// ParsePushPromise returns the push ID and the encoded field section in the payload of a PUSH_PROMISE frame.
func ParsePushPromise(p []byte) (push uint64, section []byte, f Fault) {
	v, n := varint.Parse(p)
	if n == 0 {
		return 0, nil, fPromiseSize
	}
	return v, p[n:], ok
}

// ParsePriorityUpdate returns the prioritized element, a request stream or a push ID, and the Priority Field Value (see
// ParsePriorityField) in the payload of a PRIORITY_UPDATE frame.
func ParsePriorityUpdate(p []byte) (element uint64, value []byte, f Fault) {
	v, n := varint.Parse(p)
	if n == 0 {
		return 0, nil, fUpdateSize
	}
	return v, p[n:], ok
}

// appendID appends a frame whose payload is one integer. Above 2^62-1 nothing is appended.
func appendID(dst []byte, t FrameType, id uint64) []byte {
	n := varint.Len(id)
	if n == 0 {
		return dst
	}
	return varint.Append(AppendFrameHeader(dst, FrameHeader{Type: t, Length: uint64(n)}), id)
}

// AppendCancelPush appends a CANCEL_PUSH frame. Push IDs are below 2^62; others append nothing, here and below.
func AppendCancelPush(dst []byte, push uint64) []byte { return appendID(dst, FrameCancelPush, push) }

// AppendGoAway appends a GOAWAY frame.
func AppendGoAway(dst []byte, id uint64) []byte { return appendID(dst, FrameGoAway, id) }

// AppendMaxPushID appends a MAX_PUSH_ID frame.
func AppendMaxPushID(dst []byte, push uint64) []byte { return appendID(dst, FrameMaxPushID, push) }

// AppendPushPromise appends a PUSH_PROMISE frame without its field section, of size octets, which must follow. A negative size
// appends nothing.
func AppendPushPromise(dst []byte, push uint64, size int) []byte {
	n := varint.Len(push)
	if n == 0 || size < 0 {
		return dst
	}
	return varint.Append(AppendFrameHeader(dst, FrameHeader{Type: FramePushPromise, Length: uint64(n) + uint64(size)}), push)
}

// AppendPriorityUpdate appends a PRIORITY_UPDATE frame: for a request stream, or for a push. value is a Priority field value, see
// AppendPriorityField.
func AppendPriorityUpdate(dst []byte, push bool, element uint64, value []byte) []byte {
	n := varint.Len(element)
	if n == 0 {
		return dst
	}
	t := FramePriorityUpdate
	if push {
		t = FramePriorityUpdatePush
	}
	dst = AppendFrameHeader(dst, FrameHeader{Type: t, Length: uint64(n + len(value))})
	return append(varint.Append(dst, element), value...)
}
