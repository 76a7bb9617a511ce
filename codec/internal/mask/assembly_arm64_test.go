//go:build arm64 && !purego

package mask

// assembly are the kernels that this processor can run.
var assembly = map[string]func(dst, src *byte, n int, key uint32){"NEON": vector}
