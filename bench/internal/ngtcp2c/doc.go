// Package ngtcp2c calls the wire functions of the C library ngtcp2. It is empty unless built with the tag ngtcp2, cgo, the sources of
// ngtcp2 for its headers, and its static library:
//
//	CGO_CFLAGS="-I$NGTCP2/lib -I$NGTCP2/lib/includes" CGO_LDFLAGS=-L$NGTCP2/lib go run -tags ngtcp2 ./cmd/quic
//
// Those functions are internal ones: only the static library has them, and they change with its version. bench/README.md tells how
// to build it. The library is neither part of this repository nor fetched or built by it.
package ngtcp2c
