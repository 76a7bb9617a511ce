// Package quic is the stateless wire layer of QUIC versions 1 and 2 (RFC 8999, RFC 9000, RFC 9001, RFC 9221, RFC 9287,
// RFC 9368, RFC 9369): variable-length integers, packet numbers and connection IDs.
package quic
