// Package hpack is HPACK (RFC 7541), the compression of header lists in HTTP/2, as a pure state machine.
package hpack
