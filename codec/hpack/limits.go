package hpack

import (
	"math"

	"github.com/purewire/purewire/codec"
)

// What zero means in Limits and EncoderOptions.
const (
	// DefaultTableSize is the size of a dynamic table in octets, as HTTP/2 has it before any SETTINGS.
	DefaultTableSize = 4096
	// DefaultListSize is how large a decoded list may be: the sum of FieldSize over its fields.
	DefaultListSize = 64 << 10
	// DefaultFields is how many fields a decoded list may have.
	DefaultFields = 100
	// DefaultString is how long a string may be on the wire, in octets.
	DefaultString = 16 << 10
)

// Limits bounds what one Decoder accepts and what it costs. Zero is the default, negative is "none".
type Limits struct {
	// TableSize is the size in octets (RFC 7541 section 4.1) that both ends start from: the largest that the peer's
	// encoder may choose, and what it has until it says otherwise. For HTTP/2 leave it 0 and call SetTableSize when the peer
	// has acknowledged another SETTINGS_HEADER_TABLE_SIZE. Negative: there is no dynamic table, a size of 0.
	TableSize int
	// ListSize is the largest list: the sum of name, value and 32 octets over its fields, repeated ones included, counted
	// while they are decoded.
	ListSize int
	// Fields is the largest number of fields in a list.
	Fields int
	// String is the longest string as declared on the wire, before Huffman decoding. It does not bind below four times
	// the largest dynamic table, since a string that might be inserted there must be read.
	String int
}

// unlimited stands for "no limit".
const unlimited = math.MaxInt

func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return unlimited
	}
	return n
}

// maxTable is the largest table that a Decoder or Encoder keeps, whatever it is told: offsets have 32 bits, and an entry
// must fit behind a full table.
const maxTable = 1 << 30

func tableSize(n int) uint32 {
	switch {
	case n == 0:
		return DefaultTableSize
	case n < 0:
		return 0
	}
	return uint32(min(n, maxTable))
}

// overhead is what each entry and field counts beside its octets (RFC 7541 section 4.1-2).
const overhead = 32

// FieldSize returns the size of f as dynamic tables and list limits count it: name and value and 32 octets (RFC 7541
// section 4.1, RFC 9113 section 6.5.2).
func FieldSize(f *codec.Field) int { return len(f.Name) + len(f.Value) + overhead }
