//go:build amd64 && !purego

package mask

// assembly are the kernels that this processor can run, also those that XOR does not choose.
var assembly = func() map[string]func(dst, src *byte, n int, key uint32) {
	m := map[string]func(dst, src *byte, n int, key uint32){"SSE2": xorSSE2}
	if hasAVX2 {
		m["AVX2"] = xorAVX2
	}
	return m
}()
