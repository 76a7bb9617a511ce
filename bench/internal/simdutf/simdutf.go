//go:build simdutf && cgo

package simdutf

/*
#cgo LDFLAGS: -lsimdutf -lstdc++
#include <stdbool.h>
#include <stddef.h>

// The library's interface, declared here so that only the library itself is needed.
extern bool simdutf_validate_utf8(const char *, size_t);

static bool valid(const char *p, size_t n, long times) {
	bool ok = true;
	while (times-- > 0) ok &= simdutf_validate_utf8(p, n);
	return ok;
}
*/
import "C"

import "unsafe"

// Valid validates p, times times, in one call of C.
func Valid(p []byte, times int) bool {
	return bool(C.valid((*C.char)(unsafe.Pointer(&p[0])), C.size_t(len(p)), C.long(times)))
}
