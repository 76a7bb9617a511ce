// Package cmask is a WebSocket masking loop in C with AVX2 intrinsics, the bound that purewire's kernel is measured against. It is
// there only with the build tag cmask, cgo and an amd64 machine that has AVX2.
package cmask
