package hpack

import "github.com/purewire/purewire/codec/internal/hcode"

// AppendHuffman appends s in the Huffman code of RFC 7541 appendix B.
func AppendHuffman(dst, s []byte) []byte { return hcode.AppendHuffman(dst, s) }

// HuffmanLen returns how many octets AppendHuffman appends for s.
func HuffmanLen(s []byte) int { return hcode.HuffmanLen(s) }

// AppendHuffmanDecode appends the octets that src encodes, at most max of them; negative is no limit. On an error, which has
// scope conn, dst is returned as it was, though memory behind it may have been written to.
func AppendHuffmanDecode(dst, src []byte, max int) ([]byte, error) {
	if max < 0 {
		max = unlimited
	}
	out, v := hcode.AppendHuffmanDecode(dst, src, max)
	switch v {
	case hcode.EOS:
		return out, errHuffmanEOS
	case hcode.PaddingLong:
		return out, errHuffmanLong
	case hcode.PaddingBits:
		return out, errHuffmanBits
	case hcode.TooLong:
		return out, errHuffmanMax
	}
	return out, nil
}
