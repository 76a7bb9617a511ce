//go:build arm64 && !purego

package mask

// block is how much a kernel does at once: a goroutine cannot be preempted inside. It is a multiple of 4.
const block = 256 << 10

// XOR sets dst[i] = src[i] ^ byte(key >> (8 * (i % 4))) for every byte of src. dst has at least len(src) bytes and is
// either src itself or does not overlap it.
func XOR(dst, src []byte, key uint32) {
	if len(src) <= small {
		xorSmall(dst, src, key)
		return
	}
	for len(src) > block+small {
		xorNEON(&dst[:block][0], &src[0], block, key)
		dst, src = dst[block:], src[block:]
	}
	xorNEON(&dst[:len(src)][0], &src[0], len(src), key)
}

// xorNEON needs n > 16. Every arm64 processor has it.
//
//go:noescape
func xorNEON(dst, src *byte, n int, key uint32)
