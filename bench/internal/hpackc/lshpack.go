//go:build lshpack && cgo

package hpackc

/*
#cgo LDFLAGS: -llshpack
#include <stdlib.h>
#include <string.h>
#include <assert.h>
#define LSHPACK_DEC_HTTP1X_OUTPUT 0
#define LSHPACK_DEC_CALC_HASH 0
#include <lshpack.h>

static char ls_buf[65535];

static long ls_decode(const uint8_t *wire, const uint32_t *lens, long blocks, long times) {
	long fields = 0;
	while (times-- > 0) {
		struct lshpack_dec dec;
		const unsigned char *p = wire;
		lshpack_dec_init(&dec);
		for (long i = 0; i < blocks; i++) {
			const unsigned char *end = p + lens[i];
			size_t off = 0;
			while (p < end) {
				struct lsxpack_header h;
				lsxpack_header_prepare_decode(&h, ls_buf, off, sizeof ls_buf - off);
				if (lshpack_dec_decode(&dec, &p, end, &h) != LSHPACK_OK) { lshpack_dec_cleanup(&dec); return -1; }
				off += lsxpack_header_get_dec_size(&h);
				fields++;
			}
		}
		lshpack_dec_cleanup(&dec);
	}
	return fields;
}

static long ls_encode(const uint8_t *text, const uint32_t *lens, const uint32_t *counts, long blocks, uint8_t *out, long outlen, long times) {
	long bytes = 0;
	while (times-- > 0) {
		struct lshpack_enc enc;
		const uint8_t *t = text;
		const uint32_t *l = lens;
		lshpack_enc_init(&enc);
		for (long i = 0; i < blocks; i++) {
			unsigned char *p = out;
			for (uint32_t k = 0; k < counts[i]; k++) {
				struct lsxpack_header h;
				lsxpack_header_set_offset2(&h, (const char *)t, 0, l[0], l[0], l[1]);
				unsigned char *q = lshpack_enc_encode(&enc, p, out + outlen, &h);
				if (q <= p) { lshpack_enc_cleanup(&enc); return -1; }
				p = q;
				t += l[0] + l[1];
				l += 2;
			}
			bytes += p - out;
		}
		lshpack_enc_cleanup(&enc);
	}
	return bytes;
}

int lshpack_enc_huff_encode(const unsigned char *src, const unsigned char *const src_end, unsigned char *const dst, int dst_len);
int lshpack_dec_huff_decode(const unsigned char *src, int src_len, unsigned char *dst, int dst_len);

static long ls_huff(int decode, const uint8_t *src, long n, uint8_t *out, long outlen, long times) {
	long r = 0;
	while (times-- > 0) {
		r = decode ? lshpack_dec_huff_decode(src, n, out, outlen) : lshpack_enc_huff_encode(src, src + n, out, outlen);
		if (r < 0) return -1;
	}
	return r;
}
*/
import "C"

func init() {
	Peers = append(Peers, Peer{
		Name: "ls-hpack",
		Decode: func(s *Story) func(int) int {
			c := s.inC()
			return func(times int) int {
				return int(C.ls_decode((*C.uint8_t)(c.wire), (*C.uint32_t)(c.wireLens), C.long(c.blocks), C.long(times)))
			}
		},
		Encode: func(s *Story) func(int) int {
			c := s.inC()
			out := C.malloc(1 << 20)
			return func(times int) int {
				return int(C.ls_encode((*C.uint8_t)(c.text), (*C.uint32_t)(c.textLens), (*C.uint32_t)(c.counts), C.long(c.blocks), (*C.uint8_t)(out), 1<<20, C.long(times)))
			}
		},
		Huffman: func(src []byte, decode bool) func(int) int {
			in := bytesInC(src)
			n := 8*len(src) + 1024
			out := C.malloc(C.size_t(n))
			d := C.int(0)
			if decode {
				d = 1
			}
			return func(times int) int {
				return int(C.ls_huff(d, (*C.uint8_t)(in), C.long(len(src)), (*C.uint8_t)(out), C.long(n), C.long(times)))
			}
		},
	})
}
