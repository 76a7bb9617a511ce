package http2

import "encoding/binary"

// The functions of this file append frames. They are stateless and write what they are told: it is the caller (or a Conn)
// who knows the peer's SETTINGS_MAX_FRAME_SIZE, the windows and the stream states. Stream identifiers and increments are
// cut to 31 bits, lengths to 24.

// AppendDataHeader appends the header of a DATA frame whose n octets of data the caller sends behind it, by reference.
// With pad >= 0 (at most 255) the frame is padded: the pad length octet is appended too, and pad octets of AppendPadding must follow the data.
func AppendDataHeader(dst []byte, stream uint32, n, pad int, endStream bool) []byte {
	h := FrameHeader{Length: uint32(n), Type: FrameData, Flags: Flags(bit(endStream)), Stream: stream}
	if pad < 0 {
		return AppendFrameHeader(dst, h)
	}
	h.Length += 1 + uint32(pad)
	h.Flags |= FlagPadded
	return append(AppendFrameHeader(dst, h), byte(pad))
}

// AppendPadding appends n octets of zero. RFC 9113 section 6.1: padding octets MUST be set to zero when sending.
func AppendPadding(dst []byte, n int) []byte {
	var zeros [255]byte
	for n > len(zeros) {
		dst = append(dst, zeros[:]...)
		n -= len(zeros)
	}
	return append(dst, zeros[:max(n, 0)]...)
}

// HeadersOptions are the rarely used parts of a HEADERS frame.
type HeadersOptions struct {
	// Padded: Pad octets of padding follow the fragment.
	Padded bool
	Pad    uint8
	// HasPriority: the frame carries Priority.
	HasPriority bool
	Priority    PriorityParam
}

// AppendHeaders appends a field block as a HEADERS frame and as many CONTINUATION frames as payloads of at most maxSize octets
// demand. maxSize below MinFrameSize counts as MinFrameSize. o may be nil.
func AppendHeaders(dst []byte, stream uint32, block []byte, endStream bool, maxSize uint32, o *HeadersOptions) []byte {
	h := FrameHeader{Type: FrameHeaders, Flags: Flags(bit(endStream)), Stream: stream}
	if o == nil {
		o = &HeadersOptions{}
	}
	room := int(max(maxSize, MinFrameSize))
	extra, pad := 0, 0
	if o.Padded {
		h.Flags |= FlagPadded
		pad = int(o.Pad)
		extra = 1 + pad
	}
	if o.HasPriority {
		h.Flags |= FlagPriority
		extra += 5
	}
	n := min(len(block), room-extra)
	if n == len(block) {
		h.Flags |= FlagEndHeaders
	}
	h.Length = uint32(n + extra)
	dst = AppendFrameHeader(dst, h)
	if o.Padded {
		dst = append(dst, o.Pad)
	}
	if o.HasPriority {
		dst = appendPriority(dst, o.Priority)
	}
	dst = append(dst, block[:n]...)
	dst = AppendPadding(dst, pad)
	return appendRest(dst, stream, block[n:], room)
}

// appendRest appends CONTINUATION frames for what is left of a field block.
func appendRest(dst []byte, stream uint32, block []byte, room int) []byte {
	for len(block) > 0 {
		n := min(len(block), room)
		dst = AppendContinuation(dst, stream, block[:n], n == len(block))
		block = block[n:]
	}
	return dst
}

// BeginHeaders reserves the header of a HEADERS frame. The caller appends the field block behind it, without a copy, and calls
// FinishHeaders with the mark.
func BeginHeaders(dst []byte) (out []byte, mark int) {
	return AppendFrameHeader(dst, FrameHeader{}), len(dst)
}

// FinishHeaders makes the frame that BeginHeaders has begun at mark: a HEADERS frame, and CONTINUATION frames if the block is
// longer than maxSize octets; then the rest of the block is moved to make room for their headers. maxSize below MinFrameSize
// counts as MinFrameSize.
func FinishHeaders(dst []byte, mark int, stream uint32, endStream bool, maxSize uint32) []byte {
	room := int(max(maxSize, MinFrameSize))
	size := len(dst) - mark - FrameHeaderLen
	flags := Flags(bit(endStream))
	if size <= room {
		AppendFrameHeader(dst[:mark], FrameHeader{uint32(size), FrameHeaders, flags | FlagEndHeaders, stream})
		return dst
	}
	AppendFrameHeader(dst[:mark], FrameHeader{uint32(room), FrameHeaders, flags, stream})
	more := (size - 1) / room // CONTINUATION frames
	for i := 0; i < more; i++ {
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	// From the last fragment to the first behind HEADERS: each moves up by the headers in front of it.
	for i := more; i > 0; i-- {
		from := mark + FrameHeaderLen + i*room
		n := min(room, size-i*room)
		to := from + i*FrameHeaderLen
		copy(dst[to:to+n], dst[from:from+n])
		h := FrameHeader{uint32(n), FrameContinuation, 0, stream}
		if i == more {
			h.Flags = FlagEndHeaders
		}
		AppendFrameHeader(dst[:to-FrameHeaderLen], h)
	}
	return dst
}

// AppendContinuation appends one CONTINUATION frame.
func AppendContinuation(dst []byte, stream uint32, block []byte, endHeaders bool) []byte {
	h := FrameHeader{Length: uint32(len(block)), Type: FrameContinuation, Stream: stream}
	if endHeaders {
		h.Flags = FlagEndHeaders
	}
	return append(AppendFrameHeader(dst, h), block...)
}

// AppendPushPromise appends a field block as a PUSH_PROMISE frame on stream that promises the stream promised, and CONTINUATION
// frames as AppendHeaders does.
func AppendPushPromise(dst []byte, stream, promised uint32, block []byte, maxSize uint32) []byte {
	room := int(max(maxSize, MinFrameSize))
	n := min(len(block), room-4)
	h := FrameHeader{Length: uint32(n + 4), Type: FramePushPromise, Stream: stream}
	if n == len(block) {
		h.Flags = FlagEndHeaders
	}
	dst = AppendFrameHeader(dst, h)
	dst = binary.BigEndian.AppendUint32(dst, promised&MaxStreamID)
	dst = append(dst, block[:n]...)
	return appendRest(dst, stream, block[n:], room)
}

// AppendPriority appends a PRIORITY frame, which RFC 9113 section 5.3.2 deprecates.
func AppendPriority(dst []byte, stream uint32, x PriorityParam) []byte {
	return appendPriority(AppendFrameHeader(dst, FrameHeader{5, FramePriority, 0, stream}), x)
}

func appendPriority(dst []byte, x PriorityParam) []byte {
	return append(binary.BigEndian.AppendUint32(dst, x.DependsOn&MaxStreamID|bit(x.Exclusive)<<31), x.Weight)
}

// AppendRSTStream appends a RST_STREAM frame.
func AppendRSTStream(dst []byte, stream uint32, code ErrorCode) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{4, FrameRSTStream, 0, stream})
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// AppendSettings appends a SETTINGS frame with these parameters. Settings.Append chooses them by itself.
func AppendSettings(dst []byte, list ...Setting) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{Length: uint32(settingLen * len(list)), Type: FrameSettings})
	for _, x := range list {
		dst = appendSetting(dst, x)
	}
	return dst
}

func appendSetting(dst []byte, x Setting) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(dst, uint16(x.ID)), x.Value)
}

// AppendSettingsAck appends an acknowledgment of SETTINGS.
func AppendSettingsAck(dst []byte) []byte {
	return AppendFrameHeader(dst, FrameHeader{0, FrameSettings, FlagAck, 0})
}

// AppendPing appends a PING frame, or with ack the answer to one, which carries the same data.
func AppendPing(dst []byte, data [8]byte, ack bool) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{8, FramePing, Flags(bit(ack)), 0})
	return append(dst, data[:]...)
}

// AppendGoAway appends a GOAWAY frame. Debug data is cut to what fits into a frame of MinFrameSize.
func AppendGoAway(dst []byte, lastStream uint32, code ErrorCode, debug []byte) []byte {
	debug = debug[:min(len(debug), MinFrameSize-8)]
	dst = AppendFrameHeader(dst, FrameHeader{8 + uint32(len(debug)), FrameGoAway, 0, 0})
	dst = binary.BigEndian.AppendUint32(dst, lastStream&MaxStreamID)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

// AppendWindowUpdate appends a WINDOW_UPDATE frame for a stream, or for the connection if stream is 0. The increment is 1 to
// MaxWindow.
func AppendWindowUpdate(dst []byte, stream, increment uint32) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{4, FrameWindowUpdate, 0, stream})
	return binary.BigEndian.AppendUint32(dst, increment&MaxWindow)
}

// AppendPriorityUpdate appends a PRIORITY_UPDATE frame (RFC 9218 section 7.1), client role only. The value is that of
// AppendPriorityField, or of any other ASCII text of a Priority field.
func AppendPriorityUpdate(dst []byte, stream uint32, value []byte) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{4 + uint32(len(value)), FramePriorityUpdate, 0, 0})
	dst = binary.BigEndian.AppendUint32(dst, stream&MaxStreamID)
	return append(dst, value...)
}

// AppendAltSvc appends an ALTSVC frame (RFC 7838 section 4), server role only: with an origin on stream 0, without one on a stream. It
// reports false and appends nothing if origin and stream are both given or both missing, or if the frame would be longer
// than MinFrameSize.
func AppendAltSvc(dst []byte, stream uint32, origin, value string) (out []byte, fits bool) {
	n := 2 + len(origin) + len(value)
	if n > MinFrameSize || (stream == 0) == (origin == "") {
		return dst, false
	}
	dst = AppendFrameHeader(dst, FrameHeader{uint32(n), FrameAltSvc, 0, stream})
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(origin)))
	return append(append(dst, origin...), value...), true
}

// AppendOrigin appends an ORIGIN frame (RFC 8336 section 2), server role only. It reports false and appends nothing if the frame would be
// longer than MinFrameSize.
func AppendOrigin(dst []byte, origins ...string) (out []byte, fits bool) {
	n := 0
	for _, o := range origins {
		if n += 2 + len(o); n > MinFrameSize {
			return dst, false
		}
	}
	dst = AppendFrameHeader(dst, FrameHeader{uint32(n), FrameOrigin, 0, 0})
	for _, o := range origins {
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(o))), o...)
	}
	return dst, true
}
