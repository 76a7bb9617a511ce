//go:build !(amd64 || arm64) || purego

package mask

// XOR sets dst[i] = src[i] ^ byte(key >> (8 * (i % 4))) for every byte of src. dst has at least len(src) bytes and is
// either src itself or does not overlap it.
func XOR(dst, src []byte, key uint32) { xor(dst, src, key) }
