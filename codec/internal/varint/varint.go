package varint

// Max is the largest value of a variable-length integer, 2^62-1 (RFC 9000 section 16).
const Max = 1<<62 - 1

// Len returns the length in bytes of the shortest encoding of v: 1, 2, 4 or 8. It is 0 above Max.
func Len(v uint64) int {
	switch {
	case v < 1<<6:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<30:
		return 4
	case v <= Max:
		return 8
	}
	return 0
}

// Parse reads the variable-length integer at the start of src and returns it with its length in bytes: 1, 2, 4 or 8,
// or 0 if src ends before the integer does. Encodings that are longer than needed are accepted, as RFC 9000 section 16 asks.
func Parse(src []byte) (v uint64, n int) {
	if len(src) == 0 {
		return 0, 0
	}
	b := src[0]
	if b < 0x40 {
		return uint64(b), 1
	}
	switch b >> 6 {
	case 1:
		if len(src) < 2 {
			return 0, 0
		}
		return uint64(b&0x3f)<<8 | uint64(src[1]), 2
	case 2:
		if len(src) < 4 {
			return 0, 0
		}
		_ = src[3]
		return uint64(b&0x3f)<<24 | uint64(src[1])<<16 | uint64(src[2])<<8 | uint64(src[3]), 4
	}
	if len(src) < 8 {
		return 0, 0
	}
	_ = src[7]
	return uint64(b&0x3f)<<56 | uint64(src[1])<<48 | uint64(src[2])<<40 | uint64(src[3])<<32 |
		uint64(src[4])<<24 | uint64(src[5])<<16 | uint64(src[6])<<8 | uint64(src[7]), 8
}

// Append appends the shortest encoding of v to dst. Above Max there is none: dst is returned as it was.
func Append(dst []byte, v uint64) []byte {
	return appendSize(dst, v, Len(v))
}

// AppendSize appends v in exactly size bytes: 1, 2, 4 or 8. If v does not fit, or for another size, dst is returned as it was.
// Whoever writes a length before what it counts reserves its bytes this way.
func AppendSize(dst []byte, v uint64, size int) []byte {
	if least := Len(v); least == 0 || size < least {
		return dst
	}
	return appendSize(dst, v, size)
}

func appendSize(dst []byte, v uint64, size int) []byte {
	switch size {
	case 1:
		return append(dst, byte(v))
	case 2:
		return append(dst, byte(v>>8)|0x40, byte(v))
	case 4:
		return append(dst, byte(v>>24)|0x80, byte(v>>16), byte(v>>8), byte(v))
	case 8:
		return append(dst, byte(v>>56)|0xc0, byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return dst
}
