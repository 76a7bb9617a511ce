//go:build amd64 && !purego

package mask

import "golang.org/x/sys/cpu"

// hasVector says that vector can be used.
var hasVector = cpu.X86.HasAVX2

// hasAVX512 says that vector may use vectors of 64 bytes. VBMI2 leaves out the first processors that had AVX-512, which run
// slower while they use it.
var hasAVX512 = hasVector && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2

// some is long for at most block+small bytes.
func some(dst, src []byte, key uint32) {
	if hasVector {
		vector(&dst[0], &src[0], len(src), key)
	} else {
		xorSSE2(&dst[0], &src[0], len(src), key)
	}
}

// vector is some with AVX2 or AVX-512. It needs n > 16.
//
//go:noescape
func vector(dst, src *byte, n int, key uint32)

// xorSSE2 is some with SSE2. It needs n > 16.
//
//go:noescape
func xorSSE2(dst, src *byte, n int, key uint32)
