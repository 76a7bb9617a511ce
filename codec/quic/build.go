package quic

// LongHeader is what AppendLongHeader writes.
type LongHeader struct {
	// Type is Initial, ZeroRTT or Handshake. AppendRetry and AppendVersionNegotiation write the others.
	Type PacketType
	// Version is Version1 or Version2.
	Version Version
	// DstID and SrcID have 0 to 20 bytes.
	DstID, SrcID []byte
	// Token is that of an Initial packet; it must be empty in others.
	Token []byte
	// Number is the packet number, of which NumberLen bytes, 1 to 4, are sent; see PacketNumberLen.
	Number    int64
	NumberLen int
	// Payload is the length in bytes of what follows the header, the authentication tag included.
	Payload int
	// LengthSize is the size in bytes of the Length field: 1, 2, 4 or 8; 0 is the shortest.
	LengthSize int
}

// AppendLongHeader appends a header before protection; its last NumberLen bytes are the packet number. With an error, always misuse, dst is returned as it was.
func AppendLongHeader(dst []byte, h *LongHeader) ([]byte, error) {
	if h.Type != Initial && h.Type != ZeroRTT && h.Type != Handshake || !h.Version.Known() || h.Type != Initial && len(h.Token) > 0 {
		return dst, failure(rPutHeader)
	}
	if len(h.DstID) > MaxConnectionIDLen || len(h.SrcID) > MaxConnectionIDLen {
		return dst, failure(rPutHeaderID)
	}
	if h.NumberLen < 1 || h.NumberLen > 4 || h.Number < 0 || h.Number > MaxPacketNumber {
		return dst, failure(rPutHeaderNumber)
	}
	length := uint64(h.Payload) + uint64(h.NumberLen)
	size, least := h.LengthSize, VarintLen(length)
	if size == 0 {
		size = least
	}
	if h.Payload < 0 || least == 0 || size < least || size != 1 && size != 2 && size != 4 && size != 8 {
		return dst, failure(rPutHeaderLength)
	}
	dst = appendLongStart(dst, 0xc0|longBits[h.Version.row()][h.Type]|byte(h.NumberLen-1), h.Version, h.DstID, h.SrcID)
	if h.Type == Initial {
		dst = append(AppendVarint(dst, uint64(len(h.Token))), h.Token...)
	}
	dst = AppendVarintSize(dst, length, size)
	return AppendPacketNumber(dst, h.Number, h.NumberLen), nil
}

func appendLongStart(dst []byte, first byte, v Version, dstID, srcID []byte) []byte {
	dst = append(dst, first, byte(v>>24), byte(v>>16), byte(v>>8), byte(v), byte(len(dstID)))
	dst = append(append(dst, dstID...), byte(len(srcID)))
	return append(dst, srcID...)
}

// AppendShortHeader appends the header of a 1-RTT packet before protection (RFC 9000 section 17.3.1). spin is the latency spin bit, phase the
// key phase; of the packet number pn, n bytes are sent. With an error, always misuse, dst is returned as it was.
func AppendShortHeader(dst, dstID []byte, spin, phase bool, pn int64, n int) ([]byte, error) {
	if len(dstID) > MaxConnectionIDLen {
		return dst, failure(rPutHeaderID)
	}
	if n < 1 || n > 4 || pn < 0 || pn > MaxPacketNumber {
		return dst, failure(rPutHeaderNumber)
	}
	dst = append(dst, 0x40|byte(bit(spin, 0x20)|bit(phase, KeyPhaseBit))|byte(n-1))
	return AppendPacketNumber(append(dst, dstID...), pn, n), nil
}

// KeyPhaseBit is the bit of the first byte of a short header, behind its protection, that tells the key phase.
const KeyPhaseBit = 0x04

// AppendRetry appends a Retry packet without its integrity tag, which covers these bytes (protect.RetryTag makes it). unused are the four low bits of
// the first byte, which a server sets as it likes. With an error, always misuse, dst is returned as it was.
func AppendRetry(dst []byte, v Version, dstID, srcID, token []byte, unused byte) ([]byte, error) {
	if !v.Known() {
		return dst, failure(rPutHeader)
	}
	if len(dstID) > MaxConnectionIDLen || len(srcID) > MaxConnectionIDLen {
		return dst, failure(rPutHeaderID)
	}
	// 9000-17.2.5.2-2: a client discards a Retry packet with an empty token.
	if len(token) == 0 {
		return dst, failure(rPutRetry)
	}
	dst = appendLongStart(dst, 0xc0|longBits[v.row()][Retry]|unused&0x0f, v, dstID, srcID)
	return append(dst, token...), nil
}

// AppendVersionNegotiation appends a Version Negotiation packet (RFC 9000 section 17.2.1). dstID and srcID are the Source and the Destination Connection ID of
// the packet that it answers, up to 255 bytes each. unused are the seven low bits of the first byte; the fixed bit is set in any
// case. With an error, always misuse, dst is returned as it was.
func AppendVersionNegotiation(dst, dstID, srcID []byte, unused byte, versions ...Version) ([]byte, error) {
	if len(dstID) > 255 || len(srcID) > 255 {
		return dst, failure(rPutHeaderID)
	}
	if len(versions) == 0 {
		return dst, failure(rPutVersions)
	}
	dst = appendLongStart(dst, 0xc0|unused, 0, dstID, srcID)
	for _, v := range versions {
		dst = append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return dst, nil
}
