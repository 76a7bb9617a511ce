package ws

import (
	"encoding/binary"
	"math/bits"
)

// bitReader takes bits from masked bytes, the lowest first.
type bitReader struct {
	src   []byte
	at    int
	key   uint32 // the masking key from src[0] on
	acc   uint64
	nbits uint
}

// fill takes as many bytes as acc has room for.
func (in *bitReader) fill() {
	for in.nbits <= 56 && in.at < len(in.src) {
		in.acc |= uint64(in.src[in.at]^byte(in.key>>(8*(in.at&3)))) << in.nbits
		in.at++
		in.nbits += 8
	}
}

// need reports whether n bits are there, n at most 56.
func (in *bitReader) need(n uint) bool {
	if in.nbits < n {
		in.fill()
	}
	return in.nbits >= n
}

// take removes n bits, which are there.
func (in *bitReader) take(n uint) uint64 {
	v := in.acc & (1<<n - 1)
	in.acc >>= n
	in.nbits -= n
	return v
}

// giveBack returns whole bytes that were taken in this run and not used.
func (in *bitReader) giveBack() {
	n := min(int(in.nbits>>3), in.at)
	in.at -= n
	in.nbits -= uint(n) * 8
	in.acc &= 1<<in.nbits - 1
}

// keyBytes returns the masking key from src[at] on.
func (in *bitReader) keyBytes() (k [4]byte) {
	binary.LittleEndian.PutUint32(k[:], bits.RotateLeft32(in.key, -8*(in.at&3)))
	return k
}

func rotatedKey(key [4]byte, phase uint8) uint32 {
	return bits.RotateLeft32(binary.LittleEndian.Uint32(key[:]), -8*int(phase&3))
}
