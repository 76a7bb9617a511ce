package hcode

import (
	"encoding/binary"
	"slices"
)

// The symbols of the encoder: the code, left-aligned, and in the low eight bits its length.
var symbols = makeSymbols()

const lenMask = 0xFF

func makeSymbols() (s [256]uint64) {
	for i := range s {
		s[i] = uint64(code.codes[i])<<(64-codeLens[i]) | uint64(codeLens[i])
	}
	return s
}

// pairs holds the codes of two ASCII characters, in the form of symbols; the index is the two septets, the first one in the low
// bits. Pairs that take more than pairMax bits are not in it: one entry of tooLong makes the sum of four too large, and no
// four make it overflow. Of its 128 KiB ordinary text touches a few.
var pairs = makePairs()

const (
	pairMax = 28
	tooLong = 60
)

func makePairs() (p [1 << 14]uint64) {
	for i := range p {
		a, b := symbols[i&0x7F], symbols[i>>7]
		la, lb := a&lenMask, b&lenMask
		if p[i] = tooLong; la+lb <= pairMax {
			p[i] = a&^lenMask | (b&^lenMask)>>la | (la + lb)
		}
	}
	return p
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
	acc, n := uint64(0), uint64(0) // the first n bits of acc are not written yet, below 8 of them here
	for len(s) >= 8 {
		w := binary.LittleEndian.Uint64(s)
		if w&0x8080808080808080 == 0 {
			// Two septets stand in each 16 bits now.
			w = w&0x007F007F007F007F | w>>1&0x3F803F803F803F80
			// The length in an entry is shifted out but for the first, and the sum of the lengths grows in the low bits.
			e := pairs[w&0x3FFF]
			bits := acc | (e&^lenMask)>>(n&63)
			sum := n + e
			e = pairs[w>>16&0x3FFF]
			bits |= e >> (sum & 63)
			sum += e
			e = pairs[w>>32&0x3FFF]
			bits |= e >> (sum & 63)
			sum += e
			e = pairs[w>>48&0x3FFF]
			bits |= e >> (sum & 63)
			sum = (sum + e) & lenMask
			if sum < 64 {
				if o > limit {
					return dst[:start], false
				}
				binary.BigEndian.PutUint64(out[o:], bits)
				o += int(sum >> 3)
				acc, n = bits<<(sum&56), sum&7
				s = s[8:]
				continue
			}
		}
		var good bool
		if acc, n, o, good = appendSymbols(out, s[:8], acc, n, o, limit); !good {
			return dst[:start], false
		}
		s = s[8:]
	}
	acc, n, o, good := appendSymbols(out, s, acc, n, o, limit)
	if !good {
		return dst[:start], false
	}
	if n > 0 {
		if o >= limit {
			return dst[:start], false
		}
		out[o] = byte(acc>>56) | 0xFF>>n
		o++
	}
	if o > limit {
		return dst[:start], false
	}
	return dst[:start+o], true
}

// appendSymbols is the loop for what is not encoded by pairs. It leaves n below 8.
func appendSymbols(out, s []byte, acc, n uint64, o, limit int) (uint64, uint64, int, bool) {
	for _, c := range s {
		e := symbols[c]
		acc |= (e &^ lenMask) >> (n & 63)
		n += e & lenMask
		if n >= 32 {
			if o > limit {
				return 0, 0, 0, false
			}
			binary.BigEndian.PutUint64(out[o:], acc)
			o += int(n >> 3)
			acc <<= n & 56
			n &= 7
		}
	}
	if n >= 8 {
		if o > limit {
			return 0, 0, 0, false
		}
		binary.BigEndian.PutUint64(out[o:], acc)
		o += int(n >> 3)
		acc <<= n & 56
		n &= 7
	}
	return acc, n, o, true
}
