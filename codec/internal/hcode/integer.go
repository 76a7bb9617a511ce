package hcode

// MaxInt is the largest integer that ReadInt accepts: 62 bits, what RFC 9204 section 4.1.1-1 demands of QPACK.
const MaxInt = 1<<62 - 1

// maxOctets is how many octets may follow the prefix: nine of seven bits hold 63.
const maxOctets = 9

// AppendInt appends v with a prefix of so many bits (1 to 8, RFC 7541 section 5.1). flags holds the bits of the first octet
// above the prefix.
func AppendInt(dst []byte, flags byte, prefix uint, v uint64) []byte {
	limit := uint64(1)<<(prefix&15) - 1
	if v < limit {
		return append(dst, flags|byte(v))
	}
	dst = append(dst, flags|byte(limit))
	for v -= limit; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// IntLen returns how many octets AppendInt appends.
func IntLen(prefix uint, v uint64) int {
	limit := uint64(1)<<(prefix&15) - 1
	if v < limit {
		return 1
	}
	n := 2
	for v -= limit; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// ReadInt reads an integer with a prefix of so many bits (1 to 8) from the start of src. n is the number of octets that
// it takes, 0 if src ends before it does, -1 if it can be told already that it is above MaxInt or that it takes more
// than nine octets behind the prefix, which RFC 7541 section 5.1-12 demands to refuse.
func ReadInt(src []byte, prefix uint) (v uint64, n int) {
	if len(src) == 0 {
		return 0, 0
	}
	limit := uint64(1)<<(prefix&15) - 1
	v = uint64(src[0]) & limit
	if v < limit {
		return v, 1
	}
	shift := uint(0)
	for i := 1; i < len(src); i++ {
		c := src[i]
		v += uint64(c&0x7F) << (shift & 63)
		if v > MaxInt {
			return 0, -1
		}
		if c < 0x80 {
			return v, i + 1
		}
		if i == maxOctets {
			return 0, -1
		}
		shift += 7
	}
	return 0, 0
}
