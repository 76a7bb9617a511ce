package hcode

import (
	"encoding/binary"
	"slices"
)

// The symbols of the encoder: the code, left-aligned, and in the low six bits its length.
var symbols = makeSymbols()

const lenMask = 63

func makeSymbols() (s [256]uint64) {
	for i := range s {
		s[i] = uint64(code.codes[i])<<(64-codeLens[i]) | uint64(codeLens[i])
	}
	return s
}

// HuffmanLen returns how many octets AppendHuffman appends for s.
func HuffmanLen[T string | []byte](s T) int {
	bits := 0
	for i := 0; i < len(s); i++ {
		bits += int(codeLens[s[i]])
	}
	return (bits + 7) / 8
}

// AppendHuffman appends s in the Huffman code of RFC 7541 appendix B, filled up with ones to a whole octet
// (section 5.2-4).
func AppendHuffman(dst, s []byte) []byte {
	dst, _ = AppendHuffmanMax(dst, s, len(s)*maxBits/8+1)
	return dst
}

// AppendHuffmanMax is AppendHuffman for callers that have no use for more than limit octets: if it takes more, it gives up,
// and returns dst as it was and false. The memory behind dst may then have been written to.
func AppendHuffmanMax(dst, s []byte, limit int) ([]byte, bool) {
	start := len(dst)
	if need := limit + slack; cap(dst)-start < need {
		dst = slices.Grow(dst, need)
	}
	out := dst[start : start+limit+slack]
	o := 0
	acc, n := uint64(0), uint64(0) // the first n bits of acc, below 8 of them here
	for len(s) >= 4 {
		e0, e1, e2, e3 := symbols[s[0]], symbols[s[1]], symbols[s[2]], symbols[s[3]]
		l0 := e0 & lenMask
		l1 := l0 + e1&lenMask
		l2 := l1 + e2&lenMask
		l3 := l2 + e3&lenMask
		if l3 > 56 {
			break
		}
		w := e0&^lenMask | (e1&^lenMask)>>(l0&63) | (e2&^lenMask)>>(l1&63) | (e3&^lenMask)>>(l2&63)
		acc |= w >> (n & 63)
		n += l3
		if o > limit {
			return dst[:start], false
		}
		binary.BigEndian.PutUint64(out[o:], acc)
		o += int(n >> 3)
		acc <<= n & 56
		n &= 7
		s = s[4:]
	}
	for _, c := range s {
		e := symbols[c]
		acc |= (e &^ lenMask) >> (n & 63)
		n += e & lenMask
		if o > limit {
			return dst[:start], false
		}
		binary.BigEndian.PutUint64(out[o:], acc)
		o += int(n >> 3)
		acc <<= n & 56
		n &= 7
	}
	if n > 0 {
		if o <= limit {
			out[o] = byte(acc>>56) | 0xFF>>n
		}
		o++
	}
	if o > limit {
		return dst[:start], false
	}
	return dst[:start+o], true
}
