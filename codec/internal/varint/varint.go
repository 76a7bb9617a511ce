package varint

import "encoding/binary"

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
	// Written so that it is inlined, and inlined again where a package passes it on with "v, n = Parse(src); return".
	if len(src) > 0 {
		switch b := src[0]; {
		case b < 0x40:
			return uint64(b), 1
		case b < 0x80 && len(src) > 1:
			return uint64(binary.BigEndian.Uint16(src) & 0x3fff), 2
		case b < 0xc0 && len(src) > 3:
			return uint64(binary.BigEndian.Uint32(src) & 0x3fffffff), 4
		case len(src) > 7:
			return binary.BigEndian.Uint64(src) & Max, 8
		}
	}
	return
}

// Append appends the shortest encoding of v to dst. Above Max there is none: dst is returned as it was.
func Append(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(dst, byte(v))
	case v < 1<<14:
		return append(dst, byte(v>>8)|0x40, byte(v))
	case v < 1<<30:
		return append(dst, byte(v>>24)|0x80, byte(v>>16), byte(v>>8), byte(v))
	case v <= Max:
		return binary.BigEndian.AppendUint64(dst, v|0xc0<<56)
	}
	return dst
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
