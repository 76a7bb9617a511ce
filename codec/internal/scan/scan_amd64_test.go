//go:build amd64 && !purego

package scan

import "testing"

// Where the processor has AVX-512 the other tests run its kernel only; this one runs them on the narrower one.
func TestNarrowKernel(t *testing.T) {
	if !wide {
		return // it is what the other tests ran
	}
	defer func() { wide = true }()
	wide = false
	TestEveryByteAtEveryPosition(t)
	TestRandomBlocks(t)
}
