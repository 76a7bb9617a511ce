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
// (section 5.2-8).
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
	for {
		var did, wrote int
		acc, n, did, wrote = encodePairs(out[o:], s, acc, n)
		s, o = s[did:], o+wrote
		m := min(8, len(s))
		for _, c := range s[:m] {
			e := symbols[c]
			acc |= (e &^ lenMask) >> (n & 63)
			if n += e & lenMask; n >= 32 {
				if o > limit {
					return dst[:start], false
				}
				binary.BigEndian.PutUint64(out[o:], acc)
				o += int(n >> 3)
				acc <<= n & 56
				n &= 7
			}
		}
		if o > limit {
			return dst[:start], false
		}
		if s = s[m:]; len(s) == 0 {
			break
		}
		binary.BigEndian.PutUint64(out[o:], acc)
		o += int(n >> 3)
		acc <<= n & 56
		n &= 7
	}
	binary.BigEndian.PutUint64(out[o:], acc|^uint64(0)>>(n&63))
	if o += int(n+7) >> 3; o > limit {
		return dst[:start], false
	}
	return dst[:start+o], true
}

// encodePairs encodes characters of s, eight at a time, as long as they are ASCII, take less than 64 bits with the n that acc
// holds already, and there is room in out. It returns acc and n anew, and how many octets it has read and written.
func encodePairs(out, s []byte, acc, n uint64) (uint64, uint64, int, int) {
	pos, o := 0, 0
	for pos <= len(s)-8 && o <= len(out)-8 {
		w := binary.LittleEndian.Uint64(s[pos : pos+8])
		if w&0x8080808080808080 != 0 {
			break
		}
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
		if sum >= 64 {
			break
		}
		binary.BigEndian.PutUint64(out[o:o+8], bits)
		o += int(sum >> 3)
		acc, n = bits<<(sum&56), sum&7
		pos += 8
	}
	return acc, n, pos, o
}
