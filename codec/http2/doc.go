// Package http2 implements HTTP/2 (RFC 9113) with extended CONNECT (RFC 8441) and extensible priorities (RFC 9218),
// without I/O.
//
// # Frames
//
// The frame layer is stateless: ParseFrameHeader, FrameHeader.Check for all that the nine octets of a frame header decide
// alone, and one parser for each type. Payloads need not be awaited: FrameHeader.ParsePrefix reads what stands in front of
// the data or of a field block fragment and says how many octets of it and of padding follow. One Append function for
// each type writes it. Nothing here allocates, and slices are views of the caller's payload.
//
// A parser that refuses returns a Fault: the number of the failing branch, which knows its scope, its error code and its
// reason.
package http2
