package hcode

import (
	"encoding/binary"
	"slices"
)

// Verdict is what DecodeHuffman says of a string.
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
	// TooLong: more octets than AppendHuffmanDecode was allowed.
	TooLong
)

// rootBits is how many bits one look-up takes: enough for two codes of most characters, and for one of every printable
// ASCII character but eight. Measured with field values as they come: 12 bits take a tenth longer, 14 are no better for
// twice the 32 KiB of this table.
const rootBits = 13

// The root table holds for each string of rootBits bits the one or two symbols whose codes it begins with. The index is the
// complement of the bits, so that behind the end of the input, where zeros are shifted in, ones are read: the padding. An
// entry of 0 means that the first code is longer than rootBits.
//
//	bits  0-7   how many bits the codes take
//	bits  8-15  how many bits the symbols take: 8 or 16
//	bits 16-31  the symbols, the first one in the low octet
//
// The sum of a few entries therefore has the sums of the two lengths.
var root = makeRoot()

func makeRoot() (t [1 << rootBits]uint32) {
	for i := range t {
		bits := ^uint32(i) << (32 - rootBits)
		used, count, e := 0, 0, uint32(0)
		for count < 2 {
			// What is shifted in is zeros, but a code that would need them is not taken.
			sym, l := lookup(bits << used)
			if used+l > rootBits {
				break
			}
			e |= uint32(sym) << (16 + 8*count)
			used += l
			count++
		}
		t[i] = e | uint32(used) | uint32(8*count)<<8
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

// DecodeRoom returns how much room DecodeHuffman takes for n octets of code: more than they can hold.
func DecodeRoom(n int) int { return n*8/minBits + slack }

// slack is how many octets more than count DecodeHuffman writes: eight in a round, and a symbol that is not there.
const slack = 16

// AppendHuffmanDecode appends the octets that src encodes, at most max of them. On any verdict but OK it returns dst
// as it was, but the memory behind it may have been written to.
func AppendHuffmanDecode(dst, src []byte, max int) ([]byte, Verdict) {
	start := len(dst)
	if need := DecodeRoom(len(src)); cap(dst)-start < need {
		dst = slices.Grow(dst, need)
	}
	n, v := DecodeHuffman(dst[start:cap(dst)], src, len(src))
	if v == OK && n > max {
		return dst, TooLong
	}
	return dst[:start+n], v
}

// DecodeHuffman puts the octets that the first n of src encode into out, which must have DecodeRoom(n), and returns how many they are;
// 0 on any verdict but OK. All of that room may be written to. It may read what follows in src, which is quicker than to stop exactly
// there, but makes no use of it.
func DecodeHuffman(out, src []byte, n int) (int, Verdict) {
	o := 0            // octets in out
	acc := uint64(0)  // complement of the next bits, left-aligned; the first have count, behind them may be more
	pos, have := 0, 0 // what of src is in acc
	if len(src) >= 8 {
		acc = ^binary.BigEndian.Uint64(src)
		pos, have = 7, 56
		if n < 8 {
			pos, have = n, 8*n
			acc = acc >> (64 - have) << (64 - have)
		}
	} else {
		acc, pos, have = gather(src, n, 0, 0, 0)
	}
	for {
		// Three look-ups without a branch: one that finds nothing consumes nothing, and so do those after it. There are 17 bits at least
		// or all that are left, enough for the first one, so nobody waits for the new bits, which come in behind its back.
		e0 := root[acc>>(64-rootBits)]
		if rest := n - pos; pos <= len(src)-8 {
			w := ^binary.BigEndian.Uint64(src[pos:])
			k := (63 - have) >> 3
			if rest < 8 {
				w = w >> (64 - 8*rest) << (64 - 8*rest)
				k = min(k, rest)
			}
			acc |= w >> (uint(have) & 63)
			pos += k
			have += 8 * k
		} else if rest > 0 {
			acc, pos, have = gather(src, n, acc, pos, have)
		}
		acc <<= e0 & 63
		e1 := root[acc>>(64-rootBits)]
		acc <<= e1 & 63
		e2 := root[acc>>(64-rootBits)]
		acc <<= e2 & 63
		sum := e0 + e1
		w := uint64(e0>>16) | uint64(e1>>16)<<(e0>>8&63) | uint64(e2>>16)<<(sum>>8&63)
		sum += e2
		have -= int(sum & 0xFF)
		binary.LittleEndian.PutUint64(out[o:], w)
		o += int(sum >> 11 & 0x1F)
		if have <= 7 && pos == n && (have <= 0 || acc>>(64-have) == 0) {
			break // but for padding
		}
		if e2 == 0 {
			// A code of more than rootBits, or one that is cut.
			acc, pos, have = gather(src, n, acc, pos, have)
			sym, l := lookup(^uint32(acc >> 32))
			if sym == eos || l > have {
				return 0, verdict(src[:n])
			}
			out[o] = byte(sym)
			o++
			acc <<= uint(l)
			have -= l
			acc, pos, have = gather(src, n, acc, pos, have)
			if have <= 7 && acc>>(64-have) == 0 {
				break
			}
		}
	}
	if have < 0 { // the last code goes on behind the end
		return 0, verdict(src[:n])
	}
	return o, OK
}

// gather adds octets of src[pos:n] to acc as long as 56 bits are not there.
func gather(src []byte, n int, acc uint64, pos, have int) (uint64, int, int) {
	for have < 56 && pos < n {
		acc |= uint64(^src[pos]) << 56 >> (uint(have) & 63)
		pos++
		have += 8
	}
	return acc, pos, have
}

// verdict says what is wrong with src, in which something is.
func verdict(src []byte) Verdict {
	acc, have := uint64(0), 0
	for {
		for have <= 56 && len(src) > 0 {
			acc |= uint64(src[0]) << (56 - have)
			src = src[1:]
			have += 8
		}
		// Behind the last bit stand ones: they complete no code but EOS.
		sym, l := lookup(uint32((acc | (1<<(64-uint(have)) - 1)) >> 32))
		switch {
		case l <= have && sym == eos:
			return EOS
		case l <= have:
			acc <<= uint(l)
			have -= l
		case have > 7:
			return PaddingLong
		default:
			return PaddingBits
		}
	}
}
