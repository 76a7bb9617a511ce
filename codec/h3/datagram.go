package h3

import "github.com/purewire/purewire/codec/internal/varint"

// ParseDatagram splits the payload of a QUIC DATAGRAM frame into the request stream and the HTTP datagram's own payload
// (RFC 9297 section 2.1).
func ParseDatagram(p []byte) (stream uint64, data []byte, f Fault) {
	v, n := varint.Parse(p)
	switch {
	// RFC 9297 section 2.1-4: Receipt of a QUIC DATAGRAM frame whose payload is too short to allow parsing the Quarter Stream ID field MUST be
	// treated as an HTTP/3 connection error of type H3_DATAGRAM_ERROR.
	case n == 0:
		return 0, nil, fDatagramShort
	// RFC 9297 section 2.1-3.2: the largest legal value of the Quarter Stream ID field is 2^60-1. Receipt of an HTTP/3 Datagram that includes a
	// larger value MUST be treated as an HTTP/3 connection error of type H3_DATAGRAM_ERROR.
	case v > varint.Max/4:
		return 0, nil, fDatagramID
	}
	return 4 * v, p[n:], ok
}

// AppendDatagramHeader appends what stands in front of an HTTP datagram's payload in a QUIC DATAGRAM frame: a quarter of the request
// stream's identifier. Identifiers that are not of a request stream append nothing.
func AppendDatagramHeader(dst []byte, stream uint64) []byte {
	if stream%4 != 0 {
		return dst
	}
	return varint.Append(dst, stream/4)
}
