package hcode

import (
	"encoding/binary"
	"slices"
)

// The symbols of the encoder: the code, right-aligned, above the low six bits, which hold its length.
var symbols = makeSymbols()

const (
	lenBits = 6
	lenMask = 1<<lenBits - 1
)

func makeSymbols() (s [256]uint64) {
	for i := range s {
		s[i] = uint64(code.codes[i])<<lenBits | uint64(codeLens[i])
	}
	return s
}

// pairs holds the codes of two ASCII characters, in the form of symbols; the index is the two septets, the first one in the low
// bits. Characters of more than pairMax bits are not in it: their entries have a length that fails every test. Of its 64 KiB
// ordinary text touches a few.
var pairs = makePairs()

const pairMax = (32 - lenBits) / 2

func makePairs() (p [1 << 14]uint32) {
	for i := range p {
		a, b := i&0x7F, i>>7
		la, lb := codeLens[a], codeLens[b]
		if la > pairMax || lb > pairMax {
			p[i] = lenMask
			continue
		}
		p[i] = (code.codes[a]<<lb|code.codes[b])<<lenBits | uint32(la+lb)
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
	acc, n := uint64(0), uint64(0) // the last n bits of acc are not written yet, below 8 of them here
	for len(s) > 0 {
		for len(s) >= 8 {
			w := binary.LittleEndian.Uint64(s)
			if w&0x8080808080808080 != 0 {
				break
			}
			// Two septets stand in each 16 bits now.
			w = w&0x007F007F007F007F | w>>1&0x3F803F803F803F80
			p0, p1, p2, p3 := pairs[w&0x3FFF], pairs[w>>16&0x3FFF], pairs[w>>32&0x3FFF], pairs[w>>48&0x3FFF]
			l1, l3 := uint64(p1&lenMask), uint64(p3&lenMask)
			la, lb := uint64(p0&lenMask)+l1, uint64(p2&lenMask)+l3
			l := la + lb
			if l > 56 || o > limit {
				break
			}
			a := uint64(p0>>lenBits)<<(l1&63) | uint64(p1>>lenBits)
			b := uint64(p2>>lenBits)<<(l3&63) | uint64(p3>>lenBits)
			acc = acc<<(l&63) | a<<(lb&63) | b
			n += l
			binary.BigEndian.PutUint64(out[o:], acc<<((64-n)&63))
			o += int(n >> 3)
			n &= 7
			s = s[8:]
		}
		m := min(len(s), 8)
		for _, c := range s[:m] {
			e := symbols[c]
			acc = acc<<(e&lenMask) | e>>lenBits
			n += e & lenMask
			for n >= 8 {
				n -= 8
				if o > limit {
					return dst[:start], false
				}
				out[o] = byte(acc >> (n & 63))
				o++
			}
		}
		s = s[m:]
	}
	if n > 0 {
		if o <= limit {
			out[o] = byte(acc<<(8-n)) | 0xFF>>n
		}
		o++
	}
	if o > limit {
		return dst[:start], false
	}
	return dst[:start+o], true
}
