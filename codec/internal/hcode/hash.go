package hcode

import (
	"encoding/binary"
	"math/bits"
)

// Hash returns a hash of s, different for different seeds: for the indexes of encoders, where nothing but speed depends on it.
func Hash(s []byte, seed uint32) uint32 {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(seed) ^ k1 ^ uint64(len(s))<<32
	for len(s) > 16 {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(s)^k0, binary.LittleEndian.Uint64(s[8:])^h)
		h = hi ^ lo
		s = s[16:]
	}
	var a, b uint64
	switch {
	case len(s) >= 8:
		a, b = binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[len(s)-8:])
	case len(s) >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(s)), uint64(binary.LittleEndian.Uint32(s[len(s)-4:]))
	case len(s) > 0:
		a, b = uint64(s[0])|uint64(s[len(s)/2])<<8|uint64(s[len(s)-1])<<16, 0
	}
	hi, lo := bits.Mul64(a^k0, b^h)
	h = hi ^ lo
	return uint32(h) ^ uint32(h>>32)
}
