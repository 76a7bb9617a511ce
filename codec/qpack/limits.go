package qpack

import (
	"math"

	"github.com/purewire/purewire/codec"
)

// What zero means in Limits and EncoderOptions.
const (
	// DefaultTableCapacity is the capacity of a dynamic table in octets.
	DefaultTableCapacity = 4096
	// DefaultBlockedStreams is how many streams may be blocked at a time.
	DefaultBlockedStreams = 16
	// DefaultListSize is how large a decoded list may be: the sum of FieldSize over its fields.
	DefaultListSize = 64 << 10
	// DefaultFields is how many fields a decoded list may have.
	DefaultFields = 100
	// DefaultString is how long a string of a field section may be on the wire, in octets.
	DefaultString = 16 << 10
	// DefaultSections is how many sections an Encoder leaves unacknowledged before it stops to use its dynamic table.
	DefaultSections = 256
)

// Limits bounds what one Decoder accepts and what it costs. Zero is the default, negative is "none".
type Limits struct {
	// TableCapacity is SETTINGS_QPACK_MAX_TABLE_CAPACITY as we have sent it: the largest dynamic table in octets that the
	// peer's encoder may choose. It cannot change later. Negative: there is no dynamic table, the setting is 0. Values above
	// 2^30 count as 2^30.
	TableCapacity int
	// BlockedStreams is SETTINGS_QPACK_BLOCKED_STREAMS as we have sent it. Negative: none may block, the setting is 0.
	BlockedStreams int
	// ListSize is the largest list: the sum of name, value and 32 octets over its fields, repeated ones included, counted
	// while they are decoded (SETTINGS_MAX_FIELD_SECTION_SIZE).
	ListSize int
	// Fields is the largest number of fields in a list.
	Fields int
	// String is the longest string of a field section as declared on the wire, before Huffman decoding. Strings that are to be
	// inserted are bounded by the table's capacity.
	String int
}

// Settings returns what the two settings must say to the peer: SETTINGS_QPACK_MAX_TABLE_CAPACITY and
// SETTINGS_QPACK_BLOCKED_STREAMS (RFC 9204 section 5). nil is all defaults.
func (l *Limits) Settings() (capacity, blocked uint64) {
	if l == nil {
		l = new(Limits)
	}
	return uint64(tableCapacity(l.TableCapacity)), uint64(blockedStreams(l.BlockedStreams))
}

// maxChanges is how many times the capacity may change without an insertion in between. An encoder has no reason to change it
// twice.
const maxChanges = 64

// maxOwnChanges is how many times the encoder says another capacity without an insertion in between: half of what our decoder takes.
const maxOwnChanges = maxChanges / 2

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

func tableCapacity(n int) uint32 {
	switch {
	case n == 0:
		return DefaultTableCapacity
	case n < 0:
		return 0
	}
	return uint32(min(n, maxTable))
}

func blockedStreams(n int) int {
	if n == 0 {
		return DefaultBlockedStreams
	}
	return max(n, 0)
}

// overhead is what each entry and field counts beside its octets (RFC 9204 section 3.2.1-1).
const overhead = 32

// FieldSize returns the size of f as dynamic tables and list limits count it: name and value and 32 octets (RFC 9204
// section 3.2.1, RFC 9114 section 4.2.2).
func FieldSize(f *codec.Field) int { return len(f.Name) + len(f.Value) + overhead }
