//go:build arm64 && !purego

package mask

// hasVector says that vector can be used: every arm64 processor has NEON.
const hasVector = true

// some is long for at most block+small bytes.
func some(dst, src []byte, key uint32) { vector(&dst[0], &src[0], len(src), key) }

// vector is some with NEON. It needs n > 16.
//
//go:noescape
func vector(dst, src *byte, n int, key uint32)
