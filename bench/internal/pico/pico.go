//go:build pico && cgo

package pico

/*
#cgo LDFLAGS: -lpicohttpparser
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

// The library's interface, declared here so that only the library itself is needed.
struct phr_header { const char *name; size_t name_len; const char *value; size_t value_len; };
struct phr_chunked_decoder { size_t left; char trailer; char hex; char state; unsigned long long read, overhead; };
extern int phr_parse_request(const char *, size_t, const char **, size_t *, const char **, size_t *, int *, struct phr_header *, size_t *, size_t);
extern int phr_parse_response(const char *, size_t, int *, int *, const char **, size_t *, struct phr_header *, size_t *, size_t);
extern ssize_t phr_decode_chunked(struct phr_chunked_decoder *, char *, size_t *);

static int requests(const char *p, size_t n, long times) {
	const char *method, *path;
	size_t ml, pl, nh;
	int minor, r = 0;
	struct phr_header h[64];
	while (times-- > 0) {
		size_t off = 0;
		while (off < n) {
			nh = 64;
			r = phr_parse_request(p + off, n - off, &method, &ml, &path, &pl, &minor, h, &nh, 0);
			if (r <= 0) return r;
			off += r;
		}
	}
	return 1;
}

static int responses(const char *p, size_t n, long times) {
	const char *msg;
	size_t ml, nh;
	int minor, status, r = 0;
	struct phr_header h[64];
	while (times-- > 0) {
		nh = 64;
		r = phr_parse_response(p, n, &minor, &status, &msg, &ml, h, &nh, 0);
		if (r <= 0) return r;
	}
	return 1;
}

// The decoder moves the data within its buffer, so each pass works on a fresh copy.
static int chunked(const char *p, size_t n, char *buf, long times) {
	while (times-- > 0) {
		struct phr_chunked_decoder d;
		size_t len = n;
		memset(&d, 0, sizeof d);
		d.trailer = 1;
		memcpy(buf, p, n);
		if (phr_decode_chunked(&d, buf, &len) < 0) return 0;
	}
	return 1;
}
*/
import "C"

import "unsafe"

// Requests parses the requests in b, all of them, times times, in one call from Go. It reports success.
func Requests(b []byte, times int) bool {
	return C.requests((*C.char)(unsafe.Pointer(&b[0])), C.size_t(len(b)), C.long(times)) > 0
}

// Response is Requests for one response head.
func Response(b []byte, times int) bool {
	return C.responses((*C.char)(unsafe.Pointer(&b[0])), C.size_t(len(b)), C.long(times)) > 0
}

// Chunked copies b, a chunked body, and decodes the copy, times times.
func Chunked(b []byte, times int) bool {
	buf := make([]byte, len(b))
	return C.chunked((*C.char)(unsafe.Pointer(&b[0])), C.size_t(len(b)), (*C.char)(unsafe.Pointer(&buf[0])), C.long(times)) > 0
}
