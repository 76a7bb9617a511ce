//go:build cmask && cgo && amd64

package cmask

/*
#cgo CFLAGS: -O3 -mavx2
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// In place, four vectors a turn, then one, then bytes.
static void mask(uint8_t *p, size_t n, uint32_t key) {
	const __m256i k = _mm256_set1_epi32((int)key);
	size_t i = 0;
	for (; i + 128 <= n; i += 128) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
		__m256i b = _mm256_loadu_si256((const __m256i *)(p + i + 32));
		__m256i c = _mm256_loadu_si256((const __m256i *)(p + i + 64));
		__m256i d = _mm256_loadu_si256((const __m256i *)(p + i + 96));
		_mm256_storeu_si256((__m256i *)(p + i), _mm256_xor_si256(a, k));
		_mm256_storeu_si256((__m256i *)(p + i + 32), _mm256_xor_si256(b, k));
		_mm256_storeu_si256((__m256i *)(p + i + 64), _mm256_xor_si256(c, k));
		_mm256_storeu_si256((__m256i *)(p + i + 96), _mm256_xor_si256(d, k));
	}
	for (; i + 32 <= n; i += 32) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
		_mm256_storeu_si256((__m256i *)(p + i), _mm256_xor_si256(a, k));
	}
	for (; i + 4 <= n; i += 4) {
		uint32_t w;
		memcpy(&w, p + i, 4);
		w ^= key;
		memcpy(p + i, &w, 4);
	}
	for (; i < n; i++) p[i] ^= (uint8_t)(key >> (8 * (i & 3)));
}

static void __attribute__((noinline)) masks(uint8_t *p, size_t n, uint32_t key, long times) {
	while (times-- > 0) {
		mask(p, n, key);
		__asm__ volatile("" : : "r"(p) : "memory");
	}
}
*/
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// Mask masks p in place, times times, in one call of C.
func Mask(p []byte, key [4]byte, times int) {
	C.masks((*C.uint8_t)(unsafe.Pointer(&p[0])), C.size_t(len(p)), C.uint32_t(binary.LittleEndian.Uint32(key[:])), C.long(times))
}
