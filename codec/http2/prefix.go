package http2

import "encoding/binary"

// PriorityParam is the priority signal of RFC 7540, which RFC 9113 section 5.3.2 deprecates: it is parsed and checked, and
// nothing is done with it.
type PriorityParam struct {
	// DependsOn is the stream that this one depends on, below 2^31.
	DependsOn uint32
	// Exclusive is the E bit.
	Exclusive bool
	// Weight as on the wire: 0-255 for weights of 1-256.
	Weight uint8
}

// Prefix is what stands in a DATA, HEADERS or PUSH_PROMISE frame in front of the data or the field block fragment, and how
// the rest of the frame divides.
type Prefix struct {
	// Body is the length of the data or fragment in octets; Pad octets of padding follow it.
	Body, Pad uint32
	// Promised is the promised stream of PUSH_PROMISE, below 2^31.
	Promised uint32
	// Priority is valid if HasPriority is set (HEADERS).
	Priority    PriorityParam
	HasPriority bool
}

// PrefixLen returns how many octets of the payload stand in front of the data or field block fragment: the pad length, the
// priority signal, the promised stream. It is 0 for types without a prefix. It can be more than Length: ParsePrefix
// refuses such frames without looking at the payload.
func (h *FrameHeader) PrefixLen() int {
	n := 0
	switch h.Type {
	case FrameData:
	case FrameHeaders:
		n = int(h.Flags&FlagPriority) / int(FlagPriority) * 5
	case FramePushPromise:
		n = 4
	default:
		return 0
	}
	return n + int(h.Flags&FlagPadded)/int(FlagPadded)
}

// ParsePrefix reads the prefix of a frame that Check let pass. p begins with the first octet of the payload and holds at
// least the smaller of PrefixLen and Length octets; what is behind the prefix is not looked at. For types without a prefix
// Body is the whole payload.
//
// So a frame need not be awaited: PrefixLen octets, then Body octets of data as they come, then Pad octets to be skipped.
func (h *FrameHeader) ParsePrefix(p []byte, out *Prefix) Fault {
	*out = Prefix{Body: h.Length}
	n := uint32(h.PrefixLen())
	if n == 0 {
		return ok
	}
	rule := prefixRules[h.Type]
	// RFC 9113 section 4.2-4: an endpoint MUST send an error code of FRAME_SIZE_ERROR if a frame is too small to contain
	// mandatory frame data.
	if n > h.Length {
		return rule.short
	}
	p = p[:n]
	out.Body -= n
	if h.Flags.Has(FlagPadded) {
		// RFC 9113 sections 6.1-11, 6.2-10, 6.6-14: if the length of the padding is the length of the frame payload or greater, the
		// recipient MUST treat this as a connection error of type PROTOCOL_ERROR. With a priority or a promised stream in front, what
		// does not fit is less than that, and no less an error.
		out.Pad = uint32(p[0])
		if out.Pad > out.Body {
			return rule.pad
		}
		out.Body -= out.Pad
		p = p[1:]
	}
	switch {
	case h.Type == FramePushPromise:
		out.Promised = binary.BigEndian.Uint32(p) & MaxStreamID
		if out.Promised == 0 {
			return fPromiseZero
		}
	case len(p) > 0:
		out.HasPriority = true
		out.Priority = parsePriority(p)
		if out.Priority.DependsOn == h.Stream {
			return fHeadersSelf
		}
	}
	return ok
}

var prefixRules = [...]struct{ short, pad Fault }{
	FrameData:        {fDataPadMissing, fDataPad},
	FrameHeaders:     {fHeadersShort, fHeadersPad},
	FramePushPromise: {fPromiseShort, fPromisePad},
}

func parsePriority(p []byte) PriorityParam {
	id := binary.BigEndian.Uint32(p)
	return PriorityParam{DependsOn: id & MaxStreamID, Exclusive: id>>31 != 0, Weight: p[4]}
}
