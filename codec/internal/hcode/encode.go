package hcode

import "encoding/binary"

// symbol is a code and its length in bits as the encoder wants them: code<<8 | length.
var symbols = makeSymbols()

func makeSymbols() (s [256]uint64) {
	for i := range s {
		s[i] = uint64(code.codes[i])<<8 | uint64(codeLens[i])
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
	var acc uint64 // the last n bits are not written yet
	n := uint(0)
	for _, c := range s {
		e := symbols[c]
		l := uint(e & 0xFF)
		acc = acc<<(l&63) | e>>8
		n += l
		if n >= 32 {
			n -= 32
			dst = binary.BigEndian.AppendUint32(dst, uint32(acc>>(n&63)))
		}
	}
	for n >= 8 {
		n -= 8
		dst = append(dst, byte(acc>>(n&63)))
	}
	if n > 0 {
		dst = append(dst, byte(acc<<(8-n))|0xFF>>n)
	}
	return dst
}
