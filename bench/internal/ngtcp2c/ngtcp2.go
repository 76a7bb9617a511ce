//go:build ngtcp2 && cgo

package ngtcp2c

/*
#cgo CFLAGS: -O2 -DNGTCP2_STATICLIB
#cgo LDFLAGS: -lngtcp2
#include <stdint.h>
#include <string.h>
#include "ngtcp2_conv.h"
#include "ngtcp2_pkt.h"

// The functions below make a number of passes in one call from Go and store what the last one read.

// The library leaves it to its caller to see that the bytes are there: first the length, then the value, as its own decoders do.
static long parse_varints(const uint8_t *wire, size_t size, uint64_t *values, long times) {
	long count = 0;
	while (times-- > 0) {
		const uint8_t *p = wire, *end = wire + size;
		count = 0;
		while (p < end) {
			if ((size_t)(end - p) < ngtcp2_get_uvarintlen(p)) return -1;
			p = ngtcp2_get_uvarint(&values[count++], p);
		}
	}
	return count;
}

// There is room for all values at their longest, which is checked by the caller.
static long append_varints(uint8_t *buf, const uint64_t *values, size_t count, long times) {
	long size = 0;
	while (times-- > 0) {
		uint8_t *p = buf;
		for (size_t i = 0; i < count; i++) p = ngtcp2_put_uvarint(p, values[i]);
		size = p - buf;
	}
	return size;
}

static long long_header(const uint8_t *packet, size_t size, ngtcp2_pkt_hd *hd, long times) {
	long n = 0;
	while (times-- > 0) {
		n = ngtcp2_pkt_decode_hd_long(hd, packet, size);
		if (n < 0 || hd->len != size - (size_t)n || hd->type != NGTCP2_PKT_INITIAL) return -1;
	}
	return n;
}

static long stream_frame(const uint8_t *frame, size_t size, uint64_t *id, uint64_t *offset, uint64_t *at, uint64_t *length, long times) {
	ngtcp2_frame_decoder d;
	ngtcp2_frame f;
	while (times-- > 0) {
		if (ngtcp2_frame_decoder_decode(&d, &f, frame, size) != (ngtcp2_ssize)size || f.hd.type != NGTCP2_FRAME_STREAM) return -1;
	}
	if (f.stream.datacnt != 1) return -1;
	*id = (uint64_t)f.stream.stream_id;
	*offset = f.stream.offset;
	*at = (uint64_t)(f.stream.data->base - frame);
	*length = f.stream.data->len;
	return 0;
}

// It returns how many ranges there are, the first included, and stores them as pairs of the smallest and the largest.
static long ack_frame(const uint8_t *frame, size_t size, uint64_t *delay, uint64_t *ranges, long times) {
	ngtcp2_frame_decoder d;
	ngtcp2_frame f;
	while (times-- > 0) {
		if (ngtcp2_frame_decoder_decode(&d, &f, frame, size) != (ngtcp2_ssize)size || f.hd.type != NGTCP2_FRAME_ACK) return -1;
	}
	*delay = f.ack.ack_delay;
	ranges[1] = (uint64_t)f.ack.largest_ack;
	ranges[0] = ranges[1] - f.ack.first_ack_range;
	for (size_t i = 0; i < f.ack.rangecnt; i++, ranges += 2) {
		ranges[3] = ranges[0] - f.ack.ranges[i].gap - 2;
		ranges[2] = ranges[3] - f.ack.ranges[i].len;
	}
	return (long)f.ack.rangecnt + 1;
}

static long append_stream(uint8_t *buf, size_t size, uint64_t id, uint64_t offset, uint8_t *data, size_t length, long times) {
	long n = 0;
	while (times-- > 0) {
		ngtcp2_vec v = {.base = data, .len = length};
		ngtcp2_frame f = {.stream = {.type = NGTCP2_FRAME_STREAM, .stream_id = (int64_t)id, .offset = offset, .datacnt = 1, .data = &v}};
		n = ngtcp2_pkt_encode_frame(buf, size, &f);
		if (n < 0) return -1;
	}
	return n;
}

// The library's form of the ranges, gaps and lengths, is made before the first pass.
static long append_ack(uint8_t *buf, size_t size, uint64_t delay, const uint64_t *ranges, size_t count, long times) {
	ngtcp2_ack_range more[NGTCP2_MAX_ACK_RANGES];
	ngtcp2_frame f = {.ack = {.type = NGTCP2_FRAME_ACK, .ack_delay = delay, .rangecnt = count - 1, .ranges = more}};
	long n = 0;
	if (count == 0 || count > NGTCP2_MAX_ACK_RANGES + 1) return -1;
	f.ack.largest_ack = (int64_t)ranges[1];
	f.ack.first_ack_range = ranges[1] - ranges[0];
	for (size_t i = 1; i < count; i++) {
		more[i-1].gap = ranges[2*i-2] - ranges[2*i+1] - 2;
		more[i-1].len = ranges[2*i+1] - ranges[2*i];
	}
	while (times-- > 0) {
		n = ngtcp2_pkt_encode_frame(buf, size, &f);
		if (n < 0) return -1;
	}
	return n;
}
*/
import "C"

import (
	"bytes"
	"unsafe"
)

// Every function below makes a number of passes, one or more, in one call of C code, and returns what the last has read or how many
// bytes it has written to buf. ok is false, or the result negative, if a pass failed.

func octets(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }

func numbers(v []uint64) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(v))) }

// ParseVarints reads the variable-length integers that wire consists of into values, which is at least as long as wire has integers,
// and returns their count. It calls ngtcp2_get_uvarintlen and ngtcp2_get_uvarint.
func ParseVarints(times int, wire []byte, values []uint64) (count int) {
	return int(C.parse_varints(octets(wire), C.size_t(len(wire)), numbers(values), C.long(times)))
}

// AppendVarints writes the values to buf, which has 8 bytes for each. It calls ngtcp2_put_uvarint.
func AppendVarints(times int, buf []byte, values []uint64) (size int) {
	if len(buf) < 8*len(values) {
		return -1
	}
	return int(C.append_varints(octets(buf), numbers(values), C.size_t(len(values)), C.long(times)))
}

// Header is what ParseInitial reads.
type Header struct {
	Version      uint32
	DstID, SrcID []byte
	Size         int // bytes up to the packet number
}

// ParseInitial reads the long header of an Initial packet that is all of packet. It calls ngtcp2_pkt_decode_hd_long.
func ParseInitial(times int, packet []byte) (h Header, ok bool) {
	var hd C.ngtcp2_pkt_hd
	n := C.long_header(octets(packet), C.size_t(len(packet)), &hd, C.long(times))
	if n < 0 {
		return h, false
	}
	id := func(c *C.ngtcp2_cid) []byte { return bytes.Clone(unsafe.Slice((*byte)(&c.data[0]), int(c.datalen))) }
	return Header{Version: uint32(hd.version), DstID: id(&hd.dcid), SrcID: id(&hd.scid), Size: int(n)}, true
}

// Stream is a STREAM frame. Of its data, all of which are in the frame, it has the place and the length.
type Stream struct{ ID, Offset, At, Length uint64 }

// ParseStream reads a STREAM frame that is all of frame. It calls ngtcp2_frame_decoder_decode.
func ParseStream(times int, frame []byte) (s Stream, ok bool) {
	var v [4]uint64
	n := C.stream_frame(octets(frame), C.size_t(len(frame)), numbers(v[0:]), numbers(v[1:]), numbers(v[2:]), numbers(v[3:]), C.long(times))
	return Stream{v[0], v[1], v[2], v[3]}, n == 0
}

// AppendStream writes a STREAM frame with its data. It calls ngtcp2_pkt_encode_frame.
func AppendStream(times int, buf []byte, id, offset uint64, data []byte) (size int) {
	return int(C.append_stream(octets(buf), C.size_t(len(buf)), C.uint64_t(id), C.uint64_t(offset), octets(data), C.size_t(len(data)), C.long(times)))
}

// ParseAck reads an ACK frame that is all of frame: the delay as it is sent and at most 33 ranges, smallest and largest number, in
// descending order. It calls ngtcp2_frame_decoder_decode.
func ParseAck(times int, frame []byte) (delay uint64, ranges [][2]uint64, ok bool) {
	all := make([][2]uint64, C.NGTCP2_MAX_ACK_RANGES+1)
	n := C.ack_frame(octets(frame), C.size_t(len(frame)), (*C.uint64_t)(&delay), (*C.uint64_t)(&all[0][0]), C.long(times))
	if n < 0 {
		return 0, nil, false
	}
	return delay, all[:n], true
}

// AppendAck writes an ACK frame of 1 to 33 ranges in descending order. It calls ngtcp2_pkt_encode_frame with the ranges in the form
// that the library wants them in.
func AppendAck(times int, buf []byte, delay uint64, ranges [][2]uint64) (size int) {
	if len(ranges) == 0 {
		return -1
	}
	return int(C.append_ack(octets(buf), C.size_t(len(buf)), C.uint64_t(delay), (*C.uint64_t)(&ranges[0][0]), C.size_t(len(ranges)), C.long(times)))
}
