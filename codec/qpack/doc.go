// Package qpack is QPACK (RFC 9204), the compression of field lists in HTTP/3, as a pure state machine: the static and the
// dynamic table, a Decoder and an Encoder with both instruction streams. It opens no socket, reads no clock, starts no
// goroutine.
package qpack
