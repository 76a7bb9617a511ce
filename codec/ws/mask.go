package ws

import (
	"encoding/binary"

	"github.com/purewire/purewire/codec/internal/mask"
)

// Mask masks or unmasks p in place (RFC 6455 section 5.3: both are the same): p[i] ^= key[(off+i) mod 4]. off is how many
// bytes of the payload came before p; only its remainder by 4 matters, it is not negative. next is the off for
// the bytes behind p: (off+len(p)) mod 4.
func Mask(p []byte, key [4]byte, off int) (next int) {
	mask.Bytes(p, binary.LittleEndian.Uint32(key[:]), off)
	return (off + len(p)) & 3
}

// MaskCopy appends the masked p to dst, in one pass, and returns the extended dst and the off for the bytes behind p, as Mask
// does. p is left as it is; it must not overlap dst's spare room.
func MaskCopy(dst, p []byte, key [4]byte, off int) ([]byte, int) {
	n := len(dst)
	dst = grow(dst, len(p))
	mask.XOR(dst[n:], p, binary.LittleEndian.Uint32(key[:]), off)
	return dst, (off + len(p)) & 3
}

// grow returns dst with n bytes more, whatever they hold.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst[:len(dst)+n]
	}
	return append(dst, make([]byte, n)...)
}
