package hcode

import "encoding/binary"

// Verdict is what AppendHuffmanDecode says of a string.
type Verdict uint8

const (
	// OK: decoded.
	OK Verdict = iota
	// EOS: the string contains the EOS symbol.
	EOS
	// PaddingLong: more than seven bits of padding.
	PaddingLong
	// PaddingBits: padding that is not the beginning of EOS, which is all ones.
	PaddingBits
	// TooLong: more octets than allowed.
	TooLong
)

// rootBits is how many bits one look-up takes: enough for two codes of the shortest, and for every printable ASCII
// character but nine.
const rootBits = 12

// The root table holds for each string of rootBits bits the one or two symbols whose codes it begins with:
//
//	bits  0-5   how many bits they take, 0 if the first code is longer than rootBits
//	bits  8-23  the symbols, the first one in the low octet
//	bits 24-25  how many
var root = makeRoot()

func makeRoot() (t [1 << rootBits]uint32) {
	for bits := range t {
		used, count, e := 0, 0, uint32(0)
		for count < 2 {
			// Left-aligned: missing bits are zeros, and a code that would need them is not taken.
			sym, l := lookup(uint32(bits) << (32 - rootBits) << used)
			if used+l > rootBits {
				break
			}
			e |= uint32(sym) << (8 + 8*count)
			used += l
			count++
		}
		t[bits] = e | uint32(used) | uint32(count)<<24
	}
	return t
}

// lookup finds the code that bits, left-aligned, begins with: its symbol (eos included) and length.
func lookup(bits uint32) (sym, length int) {
	n := minBits
	for n < maxBits && bits >= code.first[n+1] {
		n++
	}
	at := int(code.index[n]) + int((bits-code.first[n])>>(32-n))
	return int(code.sorted[at]), n
}

// AppendHuffmanDecode appends the octets that src encodes, at most max of them. On any verdict but OK it returns dst
// as it was, but the memory behind it may have been written to.
func AppendHuffmanDecode(dst, src []byte, max int) ([]byte, Verdict) {
	start := len(dst)
	var acc uint64 // left-aligned: the first have bits count, those behind them are 0 or what comes next
	have := uint(0)
	pos := 0
	for {
		if pos+8 <= len(src) {
			acc |= binary.BigEndian.Uint64(src[pos:]) >> (have & 63)
			pos += int((63 - have) >> 3)
			have |= 56
		} else {
			for have <= 56 && pos < len(src) {
				acc |= uint64(src[pos]) << ((56 - have) & 63)
				pos++
				have += 8
			}
		}
		if have < maxBits {
			break
		}
		e := root[acc>>(64-rootBits)]
		if used := uint(e & 63); used != 0 {
			dst = append(dst, byte(e>>8))
			if e>>24 == 2 {
				dst = append(dst, byte(e>>16))
			}
			acc <<= used
			have -= used
			continue
		}
		sym, l := lookup(uint32(acc >> 32))
		if sym == eos {
			return dst[:start], EOS
		}
		dst = append(dst, byte(sym))
		acc <<= uint(l)
		have -= uint(l)
	}
	for have > 0 {
		// Behind the last bit stand ones now: they complete no code but EOS.
		sym, l := lookup(uint32(acc>>32) | uint32(1<<(32-have)-1))
		if uint(l) > have {
			break
		}
		dst = append(dst, byte(sym))
		acc <<= uint(l)
		have -= uint(l)
	}
	switch {
	case len(dst)-start > max:
		return dst[:start], TooLong
	case have > 7:
		return dst[:start], PaddingLong
	case have > 0 && acc>>(64-have) != 1<<have-1:
		return dst[:start], PaddingBits
	}
	return dst, OK
}
