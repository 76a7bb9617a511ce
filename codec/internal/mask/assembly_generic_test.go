//go:build !(amd64 || arm64) || purego

package mask

// assembly has no kernels here.
var assembly map[string]func(dst, src *byte, n int, key uint32)
