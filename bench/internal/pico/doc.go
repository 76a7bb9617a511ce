// Package pico calls the C library picohttpparser. It is empty unless built with the tag pico, cgo, and a
// libpicohttpparser that the linker finds:
//
//	CGO_LDFLAGS=-L/where/the/library/is go test -tags pico -bench . ./parse
//
// The library is neither part of this repository nor fetched or built by it.
package pico
