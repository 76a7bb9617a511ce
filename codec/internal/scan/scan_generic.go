//go:build !amd64 || purego

package scan

import "unsafe"

// Vector says that Fill uses an assembly kernel and is the faster way.
const Vector = false

// Fill marks the bytes of src, at most Max of them. Bits behind the last byte, up to a multiple of 64, are 0; words
// behind those are left as they are.
func Fill(m *Bitmaps, src []byte) { fill(m, src) }

// Few returns what Fill puts into the first word of each map, for the n bytes from src on, 32 to 64 of them.
func Few(src *byte, n int) (notToken, notText uint64) { return few(unsafe.Slice(src, n)) }
