//go:build !amd64 || purego

package scan

// Vector says that Fill uses an assembly kernel and is the faster way.
const Vector = false

// Fill marks the bytes of src, at most Max of them. Bits behind the last byte, up to a multiple of 64, are 0; words
// behind those are left as they are.
func Fill(m *Bitmaps, src []byte) { fill(m, src) }
