//go:build nghttp2 && cgo

package hpackc

/*
#cgo LDFLAGS: -lnghttp2
#include <stdlib.h>
#include <string.h>
#include <nghttp2/nghttp2.h>

static long ng_decode(const uint8_t *wire, const uint32_t *lens, long blocks, long times) {
	long fields = 0;
	while (times-- > 0) {
		nghttp2_hd_inflater *inf;
		const uint8_t *p = wire;
		if (nghttp2_hd_inflate_new(&inf) != 0) return -1;
		for (long i = 0; i < blocks; i++) {
			size_t left = lens[i];
			for (;;) {
				nghttp2_nv nv;
				int flags = 0;
				ssize_t n = nghttp2_hd_inflate_hd2(inf, &nv, &flags, p, left, 1);
				if (n < 0) { nghttp2_hd_inflate_del(inf); return -1; }
				p += n;
				left -= (size_t)n;
				if (flags & NGHTTP2_HD_INFLATE_EMIT) fields++;
				if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
			}
			nghttp2_hd_inflate_end_headers(inf);
		}
		nghttp2_hd_inflate_del(inf);
	}
	return fields;
}

static void *ng_prepare(const uint8_t *text, const uint32_t *lens, long fields) {
	nghttp2_nv *nv = calloc(fields, sizeof *nv);
	for (long i = 0; i < fields; i++) {
		nv[i].name = (uint8_t *)text; nv[i].namelen = lens[2*i]; text += lens[2*i];
		nv[i].value = (uint8_t *)text; nv[i].valuelen = lens[2*i+1]; text += lens[2*i+1];
	}
	return nv;
}

static long ng_encode(void *prepared, const uint32_t *counts, long blocks, uint8_t *out, long outlen, long times) {
	long bytes = 0;
	while (times-- > 0) {
		nghttp2_hd_deflater *def;
		nghttp2_nv *nv = prepared;
		if (nghttp2_hd_deflate_new(&def, 4096) != 0) return -1;
		for (long i = 0; i < blocks; i++) {
			ssize_t n = nghttp2_hd_deflate_hd(def, out, outlen, nv, counts[i]);
			if (n < 0) { nghttp2_hd_deflate_del(def); return -1; }
			bytes += n;
			nv += counts[i];
		}
		nghttp2_hd_deflate_del(def);
	}
	return bytes;
}
*/
import "C"

import "unsafe"

func init() {
	Peers = append(Peers, Peer{
		Name: "nghttp2",
		Decode: func(s *Story) func(int) int {
			c := s.inC()
			return func(times int) int {
				return int(C.ng_decode((*C.uint8_t)(c.wire), (*C.uint32_t)(c.wireLens), C.long(c.blocks), C.long(times)))
			}
		},
		Encode: func(s *Story) func(int) int {
			c := s.inC()
			prepared := C.ng_prepare((*C.uint8_t)(c.text), (*C.uint32_t)(c.textLens), C.long(c.fields))
			out := C.malloc(1 << 20)
			return func(times int) int {
				return int(C.ng_encode(unsafe.Pointer(prepared), (*C.uint32_t)(c.counts), C.long(c.blocks), (*C.uint8_t)(out), 1<<20, C.long(times)))
			}
		},
	})
}
