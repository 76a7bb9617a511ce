// Package mask XORs bytes with a repeated four-byte key (RFC 6455 section 5.3). It has AVX2 and SSE2 kernels for amd64 and
// a NEON kernel for arm64, and works by 8-byte words for everything else; the build tag purego leaves the kernels out.
package mask

import (
	"encoding/binary"
	"math/bits"
)

const (
	// small is the length up to which a kernel gains nothing.
	small = 16
	// block is the most that a kernel does at once: a goroutine cannot be preempted inside. It is a multiple of 4.
	block = 256 << 10
)

// XOR sets dst[i] = src[i] ^ key[(off+i) % 4] for every byte of src. dst has at least len(src) bytes and is either src
// itself or does not overlap it.
func XOR(dst, src []byte, key [4]byte, off int) {
	n := len(src)
	dst = dst[:n]
	k := bits.RotateLeft32(binary.LittleEndian.Uint32(key[:]), -8*(off&3))
	switch {
	case n > small && n <= block && hasVector:
		vector(&dst[0], &src[0], n, k)
	case n > small:
		long(dst, src, k)
	case n >= 8:
		// Two words that may overlap, both read before one is written.
		k := uint64(k)<<32 | uint64(k)
		a := binary.LittleEndian.Uint64(src) ^ k
		b := binary.LittleEndian.Uint64(src[n-8:]) ^ bits.RotateLeft64(k, -8*(n&3))
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[n-8:], b)
	case n >= 4:
		a := binary.LittleEndian.Uint32(src) ^ k
		b := binary.LittleEndian.Uint32(src[n-4:]) ^ bits.RotateLeft32(k, -8*(n&3))
		binary.LittleEndian.PutUint32(dst, a)
		binary.LittleEndian.PutUint32(dst[n-4:], b)
	default:
		for i, c := range src {
			dst[i] = c ^ byte(k)
			k >>= 8
		}
	}
}

// long is XOR for more than small bytes and off 0, with the key as a little-endian word.
func long(dst, src []byte, key uint32) {
	for len(src) > block+small {
		some(dst[:block], src[:block], key)
		dst, src = dst[block:], src[block:]
	}
	some(dst, src, key)
}

// xor is long without assembly.
func xor(dst, src []byte, key uint32) {
	n, k := len(src), uint64(key)<<32|uint64(key)
	dst = dst[:n]
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
