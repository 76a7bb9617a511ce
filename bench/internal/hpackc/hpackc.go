// Package hpackc holds the HPACK libraries written in C that the benchmarks compare with. Without the build tags nghttp2
// and lshpack, and without cgo, there are none. The libraries must be installed; nothing here fetches or builds them.
package hpackc

import "github.com/purewire/purewire/codec"

// Story is the header blocks of one direction of one connection.
type Story struct {
	Name   string
	Blocks [][]byte        // encoded
	Fields [][]codec.Field // what they encode
}

// Peer is a library. Each function prepares an input once and returns what runs it a number of times, each time with fresh tables;
// that returns how many fields were decoded, how many octets encoded, in all, or how many octets long the last string was; -1 for
// failure.
type Peer struct {
	Name           string
	Decode, Encode func(s *Story) func(times int) int
	Huffman        func(src []byte, decode bool) func(times int) int // nil if there is no such function
}

// Peers are the libraries that are built in.
var Peers []Peer
