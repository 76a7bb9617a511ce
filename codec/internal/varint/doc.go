// Package varint holds the variable-length integers of QUIC (RFC 9000 section 16), which HTTP/3 frames, settings and capsules are made
// of, too.
package varint
