//go:build purego

package protect

// Without its assembly golang.org/x/crypto's ChaCha20-Poly1305 allocates.
const chachaAllocates = true
