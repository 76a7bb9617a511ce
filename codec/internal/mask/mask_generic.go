//go:build !(amd64 || arm64) || purego

package mask

// hasVector says that vector is there.
const hasVector = false

func vector(dst, src *byte, n int, key uint32) {}

// some is long for at most block+small bytes.
func some(dst, src []byte, key uint32) { xor(dst, src, key) }
