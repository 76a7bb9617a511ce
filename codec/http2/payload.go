package http2

import "encoding/binary"

// The functions of this file take the payload of one whole frame, p of h.Length octets, of a header that Check let pass.
// They return views of p and allocate nothing.

// ParseData returns the data of a DATA frame without its padding.
func ParseData(h *FrameHeader, p []byte) (data []byte, f Fault) {
	var x Prefix
	return parseBody(h, p, &x)
}

// ParseHeaders returns the field block fragment of a HEADERS frame without padding and priority, which are in x.
//
// A stream that depends on itself is a stream error (fault and fragment are both set): the fragment must be decoded
// nevertheless, since the compression state is the connection's.
func ParseHeaders(h *FrameHeader, p []byte, x *Prefix) (block []byte, f Fault) {
	return parseBody(h, p, x)
}

// ParsePushPromise returns the field block fragment of a PUSH_PROMISE frame; x holds the promised stream.
func ParsePushPromise(h *FrameHeader, p []byte, x *Prefix) (block []byte, f Fault) {
	return parseBody(h, p, x)
}

func parseBody(h *FrameHeader, p []byte, x *Prefix) ([]byte, Fault) {
	f := h.ParsePrefix(p, x)
	if f != ok && f.Scope() != onStream {
		return nil, f
	}
	n := h.PrefixLen()
	return p[n : n+int(x.Body) : n+int(x.Body)], f
}

// ParseContinuation returns the field block fragment of a CONTINUATION frame: all of it.
func ParseContinuation(_ *FrameHeader, p []byte) (block []byte) { return p }

// ParsePriority returns the priority signal of a PRIORITY frame.
func ParsePriority(h *FrameHeader, p []byte) (PriorityParam, Fault) {
	x := parsePriority(p)
	// RFC 7540 section 5.3.1-9: A stream cannot depend on itself. An endpoint MUST treat this as a stream error [...] of type PROTOCOL_ERROR.
	if x.DependsOn == h.Stream {
		return x, fPrioritySelf
	}
	return x, ok
}

// ParseRSTStream returns the code of a RST_STREAM frame.
func ParseRSTStream(p []byte) ErrorCode { return ErrorCode(binary.BigEndian.Uint32(p)) }

// ParsePing returns the opaque data of a PING frame.
func ParsePing(p []byte) [8]byte { return [8]byte(p) }

// ParseWindowUpdate returns the increment of a WINDOW_UPDATE frame, 1 to MaxWindow.
func ParseWindowUpdate(h *FrameHeader, p []byte) (increment uint32, f Fault) {
	increment = binary.BigEndian.Uint32(p) & MaxWindow
	// RFC 9113 section 6.9-9: a receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window increment of
	// 0 as a stream error of type PROTOCOL_ERROR; errors on the connection flow-control window MUST be treated as a
	// connection error.
	if increment == 0 {
		if h.Stream == 0 {
			return 0, fWindowZeroConn
		}
		return 0, fWindowZero
	}
	return increment, ok
}

// GoAway is the payload of a GOAWAY frame.
type GoAway struct {
	// LastStream is the last stream that the sender processed or may process, below 2^31.
	LastStream uint32
	Code       ErrorCode
	// Debug is the opaque debug data: anything the peer likes. Lent.
	Debug []byte
}

// ParseGoAway reads the payload of a GOAWAY frame.
func ParseGoAway(p []byte, g *GoAway) {
	*g = GoAway{
		LastStream: binary.BigEndian.Uint32(p) & MaxStreamID,
		Code:       ErrorCode(binary.BigEndian.Uint32(p[4:])),
		Debug:      p[8:],
	}
}

func (h *FrameHeader) checkPriorityUpdate() Fault {
	// RFC 9218 section 7.1-2: Receiving a PRIORITY_UPDATE frame with a field of any other value MUST be treated as a
	// connection error of type PROTOCOL_ERROR.
	switch {
	case h.Stream != 0:
		return fUpdateStream
	case h.Length < 4:
		return fUpdateSize
	}
	return ok
}

// ParsePriorityUpdate returns the prioritized stream and the priority field value (see ParsePriorityField) of a
// PRIORITY_UPDATE frame (RFC 9218 section 7.1).
func ParsePriorityUpdate(p []byte) (stream uint32, value []byte, f Fault) {
	stream = binary.BigEndian.Uint32(p) & MaxStreamID
	// RFC 9218 section 7.1-8: If a PRIORITY_UPDATE frame is received with a prioritized stream ID of 0x0, the recipient MUST respond
	// with a connection error of type PROTOCOL_ERROR.
	if stream == 0 {
		return 0, nil, fUpdateZero
	}
	return stream, p[4:], ok
}

// ParseAltSvc returns the origin and the field value of an ALTSVC frame (RFC 7838 section 4). If it reports false the
// frame MUST be ignored: the frame is too short for the origin, or an origin is given on a stream or missing on stream 0.
// Servers MUST ignore every ALTSVC frame.
func ParseAltSvc(h *FrameHeader, p []byte) (origin, value []byte, valid bool) {
	if len(p) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(p))
	p = p[2:]
	if n > len(p) || (n == 0) == (h.Stream == 0) {
		return nil, nil, false
	}
	return p[:n:n], p[n:], true
}

// OriginList is the payload of an ORIGIN frame that ParseOrigin found valid.
type OriginList []byte

// ParseOrigin returns the origins of an ORIGIN frame (RFC 8336 section 2). If it reports false the frame MUST be ignored:
// it is on a stream, carries a flag of the four low bits, or an entry does not fit. Servers MUST ignore every ORIGIN
// frame.
func ParseOrigin(h *FrameHeader, p []byte) (list OriginList, valid bool) {
	if h.Stream != 0 || h.Flags&0xf != 0 {
		return nil, false
	}
	for rest := p; len(rest) > 0; {
		if len(rest) < 2 {
			return nil, false
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		if n > len(rest) {
			return nil, false
		}
		rest = rest[n:]
	}
	return OriginList(p), true
}

// Next returns the first origin of the list and the others. The origin is nil at the end of the list; an empty entry is
// empty and not nil.
func (l OriginList) Next() (origin []byte, rest OriginList) {
	if len(l) < 2 {
		return nil, nil
	}
	n := 2 + int(binary.BigEndian.Uint16(l))
	if n > len(l) {
		return nil, nil
	}
	return l[2:n:n], l[n:]
}
