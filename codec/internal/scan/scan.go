// Package scan finds the bytes that end tokens and field values. It has kernels for amd64 (AVX2, AVX-512), which make
// bitmaps of whole blocks in one pass, and scans by 8-byte words for everything else; the build tag purego leaves the kernel out.
package scan

import (
	"encoding/binary"
	"math/bits"
)

const (
	// Words is the number of 64-bit words in each map of a Bitmaps.
	Words = 8
	// Max is how many bytes a Bitmaps covers.
	Max = 64 * Words
)

// Bitmaps marks bytes: bit i%64 of word i/64 stands for byte i.
type Bitmaps struct {
	// NotToken: no tchar (RFC 9110 section 5.6.2).
	NotToken [Words]uint64
	// NotText: neither SP, TAB nor 0x21-0x7E.
	NotText [Words]uint64
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// fill is Fill without assembly.
func fill(m *Bitmaps, src []byte) {
	for i := 0; i < len(src); i += 64 {
		var tok, text uint64
		for j, c := range src[i:min(i+64, len(src))] {
			if !token[c] {
				tok |= 1 << j
			}
			if c < 0x20 && c != '\t' || c >= 0x7f {
				text |= 1 << j
			}
		}
		m.NotToken[i/64], m.NotText[i/64] = tok, text
	}
}

// few is Few without assembly.
func few(src []byte) (notToken, notText uint64) {
	var m Bitmaps
	fill(&m, src[:min(len(src), 64)])
	return m.NotToken[0], m.NotText[0]
}

// TokenEnd returns the position of the first byte of src[i:] that is no tchar, len(src) if there is none.
func TokenEnd(src []byte, i int) int {
	for i < len(src) && token[src[i]] {
		i++
	}
	return i
}

// TextEnd returns the position of the first byte of src[i:] that is neither SP, TAB nor 0x21-0x7E, len(src) if there is
// none.
func TextEnd(src []byte, i int) int {
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		// Borrows can mark a byte too much, but only behind one that is marked rightly.
		hit := ((w - 0x20*ones) | (w ^ 0x7f*ones - ones) | w) & tops
		for hit != 0 {
			at := bits.TrailingZeros64(hit) / 8
			if c := src[i+at]; c != '\t' && (c < 0x20 || c >= 0x7f) {
				return i + at
			}
			hit &= hit - 1
		}
	}
	for i < len(src) && (src[i] >= 0x20 && src[i] < 0x7f || src[i] == '\t') {
		i++
	}
	return i
}

// HasDelimiter reports whether a byte of src is below 0x21 or is "#". src has no byte above 0x7F.
func HasDelimiter(src []byte) bool {
	if len(src) < 8 {
		for _, c := range src {
			if c < 0x21 || c == '#' {
				return true
			}
		}
		return false
	}
	hit := delimiter(binary.LittleEndian.Uint64(src[len(src)-8:])) // what is left behind the last whole word
	for len(src) > 8 {
		hit |= delimiter(binary.LittleEndian.Uint64(src))
		src = src[8:]
	}
	return hit&tops != 0
}

// delimiter sets the top bits of bytes of w that are below 0x21 or "#", and perhaps of bytes above such a one.
func delimiter(w uint64) uint64 { return (w - 0x21*ones) | ((w ^ '#'*ones) - ones) }

var token = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		t[c] = true
	}
	return t
}()
