//go:build amd64 && !purego

package mask

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

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
		kernel(dst[:block], src[:block], key)
		dst, src = dst[block:], src[block:]
	}
	kernel(dst[:len(src)], src, key)
}

func kernel(dst, src []byte, key uint32) {
	if hasAVX2 {
		xorAVX2(&dst[0], &src[0], len(src), key)
	} else {
		xorSSE2(&dst[0], &src[0], len(src), key)
	}
}

// xorAVX2 needs n > 16.
//
//go:noescape
func xorAVX2(dst, src *byte, n int, key uint32)

// xorSSE2 needs n > 16.
//
//go:noescape
func xorSSE2(dst, src *byte, n int, key uint32)
