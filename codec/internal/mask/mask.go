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

// Bytes XORs p[i] with byte (off+i) % 4 of key, a little-endian word, for every byte of p.
func Bytes(p []byte, key uint32, off int) {
	n := len(p)
	k := bits.RotateLeft32(key, -8*(off&3))
	switch {
	case n <= 16 && n >= 8:
		// Words that may overlap: all are read before one is written.
		k := uint64(k)<<32 | uint64(k)
		a := binary.LittleEndian.Uint64(p) ^ k
		b := binary.LittleEndian.Uint64(p[n-8:]) ^ bits.RotateLeft64(k, -8*(n&3))
		binary.LittleEndian.PutUint64(p, a)
		binary.LittleEndian.PutUint64(p[n-8:], b)
	case n == 64:
		// A common length, and short enough that calling a kernel costs as much as the work.
		k := uint64(k)<<32 | uint64(k)
		p = p[:64:64]
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^k)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^k)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^k)
		binary.LittleEndian.PutUint64(p[32:], binary.LittleEndian.Uint64(p[32:])^k)
		binary.LittleEndian.PutUint64(p[40:], binary.LittleEndian.Uint64(p[40:])^k)
		binary.LittleEndian.PutUint64(p[48:], binary.LittleEndian.Uint64(p[48:])^k)
		binary.LittleEndian.PutUint64(p[56:], binary.LittleEndian.Uint64(p[56:])^k)
	case n > 32 && n <= block && hasVector:
		vector(&p[0], &p[0], n, k)
	case n > 16 && n <= 32:
		k := uint64(k)<<32 | uint64(k)
		j := bits.RotateLeft64(k, -8*(n&3))
		s, e := p[:16], p[n-16:]
		a0, a1 := binary.LittleEndian.Uint64(s)^k, binary.LittleEndian.Uint64(s[8:])^k
		b0, b1 := binary.LittleEndian.Uint64(e)^j, binary.LittleEndian.Uint64(e[8:])^j
		binary.LittleEndian.PutUint64(s, a0)
		binary.LittleEndian.PutUint64(s[8:], a1)
		binary.LittleEndian.PutUint64(e, b0)
		binary.LittleEndian.PutUint64(e[8:], b1)
	default:
		XOR(p, p, key, off)
	}
}

// XOR sets dst[i] = src[i] ^ byte (off+i) % 4 of key for every byte of src. dst has at least len(src) bytes and is either
// src itself or does not overlap it.
func XOR(dst, src []byte, key uint32, off int) {
	n := len(src)
	dst = dst[:n]
	k := bits.RotateLeft32(key, -8*(off&3))
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
	end, last := dst[n-8:], binary.LittleEndian.Uint64(src[n-8:])^bits.RotateLeft64(k, -8*(n&3))
	if &dst[0] == &src[0] {
		words(src, k)
		binary.LittleEndian.PutUint64(end, last)
		return
	}
	for len(src) >= 64 && len(dst) >= 64 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^k)
		binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(src[8:])^k)
		binary.LittleEndian.PutUint64(dst[16:], binary.LittleEndian.Uint64(src[16:])^k)
		binary.LittleEndian.PutUint64(dst[24:], binary.LittleEndian.Uint64(src[24:])^k)
		binary.LittleEndian.PutUint64(dst[32:], binary.LittleEndian.Uint64(src[32:])^k)
		binary.LittleEndian.PutUint64(dst[40:], binary.LittleEndian.Uint64(src[40:])^k)
		binary.LittleEndian.PutUint64(dst[48:], binary.LittleEndian.Uint64(src[48:])^k)
		binary.LittleEndian.PutUint64(dst[56:], binary.LittleEndian.Uint64(src[56:])^k)
		src, dst = src[64:], dst[64:]
	}
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^k)
		src, dst = src[8:], dst[8:]
	}
	binary.LittleEndian.PutUint64(end, last)
}

// words masks the whole words of p in place.
func words(p []byte, k uint64) {
	for len(p) >= 128 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^k)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^k)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^k)
		binary.LittleEndian.PutUint64(p[32:], binary.LittleEndian.Uint64(p[32:])^k)
		binary.LittleEndian.PutUint64(p[40:], binary.LittleEndian.Uint64(p[40:])^k)
		binary.LittleEndian.PutUint64(p[48:], binary.LittleEndian.Uint64(p[48:])^k)
		binary.LittleEndian.PutUint64(p[56:], binary.LittleEndian.Uint64(p[56:])^k)
		binary.LittleEndian.PutUint64(p[64:], binary.LittleEndian.Uint64(p[64:])^k)
		binary.LittleEndian.PutUint64(p[72:], binary.LittleEndian.Uint64(p[72:])^k)
		binary.LittleEndian.PutUint64(p[80:], binary.LittleEndian.Uint64(p[80:])^k)
		binary.LittleEndian.PutUint64(p[88:], binary.LittleEndian.Uint64(p[88:])^k)
		binary.LittleEndian.PutUint64(p[96:], binary.LittleEndian.Uint64(p[96:])^k)
		binary.LittleEndian.PutUint64(p[104:], binary.LittleEndian.Uint64(p[104:])^k)
		binary.LittleEndian.PutUint64(p[112:], binary.LittleEndian.Uint64(p[112:])^k)
		binary.LittleEndian.PutUint64(p[120:], binary.LittleEndian.Uint64(p[120:])^k)
		p = p[128:]
	}
	for len(p) >= 32 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^k)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^k)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^k)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		p = p[8:]
	}
}
