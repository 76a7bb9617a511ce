//go:build amd64 && !purego

package scan

import "golang.org/x/sys/cpu"

// Vector says that Fill uses an assembly kernel and is the faster way.
var Vector = cpu.X86.HasAVX2

// wide says that Fill uses the kernel for AVX-512. VBMI is not needed: it tells the processors that do not lower their clock for
// 512-bit instructions.
var wide = Vector && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// Fill marks the bytes of src, at most Max of them. Bits behind the last byte, up to a multiple of 64, are 0; words
// behind those are left as they are. Nothing outside of src is read.
func Fill(m *Bitmaps, src []byte) {
	if !Vector || len(src) < 32 {
		fill(m, src)
		return
	}
	if len(src) > Max {
		panic("scan: too long")
	}
	if wide && len(src) >= 64 {
		fillAVX512(m, &src[0], len(src))
		return
	}
	fillAVX2(m, &src[0], len(src))
}

// fillAVX2 needs 32 <= n <= Max.
//
//go:noescape
func fillAVX2(m *Bitmaps, src *byte, n int)

// fillAVX512 needs 1 <= n <= Max.
//
//go:noescape
func fillAVX512(m *Bitmaps, src *byte, n int)

// Few returns what Fill puts into the first word of each map, for the n bytes from src on, 32 to 64 of them. It is to be called
// only if Vector is true. There is no check and no layer above the kernel, because every nanosecond counts in a short head.
//
//go:noescape
func Few(src *byte, n int) (notToken, notText uint64)
