// Package mask XORs bytes with a repeated four-byte key (RFC 6455 section 5.3). It has AVX2 and SSE2 kernels for amd64 and
// a NEON kernel for arm64, and works by 8-byte words for everything else; the build tag purego leaves the kernels out.
package mask

import (
	"encoding/binary"
	"math/bits"
)

// small is the length up to which XOR is as quick without a kernel.
const small = 16

// xor is XOR without assembly: dst[i] = src[i] ^ key byte i mod 4, for all of src.
func xor(dst, src []byte, key uint32) {
	n := len(src)
	dst = dst[:n]
	if n <= small {
		xorSmall(dst, src, key)
		return
	}
	k := uint64(key)<<32 | uint64(key)
	// The last word is read before anything is written and written last, so it may overlap the ones before it.
	last := binary.LittleEndian.Uint64(src[n-8:]) ^ bits.RotateLeft64(k, -8*(n&3))
	i := 0
	for ; n-i >= 64; i += 64 {
		s, d := src[i:i+64:i+64], dst[i:i+64:i+64]
		binary.LittleEndian.PutUint64(d, binary.LittleEndian.Uint64(s)^k)
		binary.LittleEndian.PutUint64(d[8:], binary.LittleEndian.Uint64(s[8:])^k)
		binary.LittleEndian.PutUint64(d[16:], binary.LittleEndian.Uint64(s[16:])^k)
		binary.LittleEndian.PutUint64(d[24:], binary.LittleEndian.Uint64(s[24:])^k)
		binary.LittleEndian.PutUint64(d[32:], binary.LittleEndian.Uint64(s[32:])^k)
		binary.LittleEndian.PutUint64(d[40:], binary.LittleEndian.Uint64(s[40:])^k)
		binary.LittleEndian.PutUint64(d[48:], binary.LittleEndian.Uint64(s[48:])^k)
		binary.LittleEndian.PutUint64(d[56:], binary.LittleEndian.Uint64(s[56:])^k)
	}
	for ; n-i >= 8; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], binary.LittleEndian.Uint64(src[i:])^k)
	}
	binary.LittleEndian.PutUint64(dst[n-8:], last)
}

// xorSmall is xor for at most 16 bytes: two words that may overlap, both read before one is written.
func xorSmall(dst, src []byte, key uint32) {
	n := len(src)
	dst = dst[:n]
	switch {
	case n >= 8:
		k := uint64(key)<<32 | uint64(key)
		a := binary.LittleEndian.Uint64(src) ^ k
		b := binary.LittleEndian.Uint64(src[n-8:]) ^ bits.RotateLeft64(k, -8*(n&3))
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[n-8:], b)
	case n >= 4:
		a := binary.LittleEndian.Uint32(src) ^ key
		b := binary.LittleEndian.Uint32(src[n-4:]) ^ bits.RotateLeft32(key, -8*(n&3))
		binary.LittleEndian.PutUint32(dst, a)
		binary.LittleEndian.PutUint32(dst[n-4:], b)
	default:
		for i, c := range src {
			dst[i] = c ^ byte(key)
			key >>= 8
		}
	}
}
