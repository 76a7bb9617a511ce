// Package quic measures codec/quic beside quic-go, golang.org/x/net/quic and Go's own AEAD: variable-length integers, long headers,
// frames, and packets of 1200 bytes sealed and opened.
//
// The wire code of both Go peers is not exported. "go run ./cmd/quic" makes copies of their modules with one file added, which calls
// it in a loop (testdata/quicgo.go.txt, testdata/xnet.go.txt), and runs TestCompare with them. With the tag ngtcp2 the C library ngtcp2
// takes part, too.
package quic
