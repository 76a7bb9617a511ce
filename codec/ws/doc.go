// Package ws is the WebSocket protocol (RFC 6455) as pure functions and state machines: bytes in, events out; calls in,
// bytes out. It opens no socket, reads no clock, starts no goroutine.
//
// # Frames
//
// ParseHeader and AppendHeader read and write frame headers, Mask and MaskCopy mask and unmask payloads, UTF8 validates text
// that arrives in pieces. They need nothing but their arguments, for those who build a machine of their own.
package ws
