//go:build amd64 && !purego

package mask

// assembly are the kernels that this processor can run, also those that XOR does not choose.
var assembly = func() map[string]func(dst, src *byte, n int, key uint32) {
	m := map[string]func(dst, src *byte, n int, key uint32){"SSE2": xorSSE2}
	if hasVector {
		wide := hasAVX512
		m["AVX2"] = func(dst, src *byte, n int, key uint32) {
			hasAVX512 = false
			vector(dst, src, n, key)
			hasAVX512 = wide
		}
		if wide {
			m["AVX-512"] = vector
		}
	}
	return m
}()
