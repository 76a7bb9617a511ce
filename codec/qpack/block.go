package qpack

import (
	"math"
	"slices"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/arena"
)

// Block is what one field section decodes to. It belongs to the worker: one Block serves any number of sections and decoders in
// turn, and keeps its memory. The zero value is ready.
//
// Between the first octet behind the prefix of a section and its end the Block also holds the state of decoding, so it must stay
// with that section for so long. While a section is blocked it does not: the Block is free for others.
type Block struct {
	// Fields is the list, in wire order; Sensitive marks the never-indexed ones, which must be so on the next hop too (RFC 9204
	// section 4.5.4). The octets lie in the Block's own memory or are those of the static table: they must not be written to.
	// They are valid until the next section begins in this Block, or Reset; neither src nor the decoder's dynamic table matter
	// to them.
	Fields []codec.Field
	// Size is the size of the list: FieldSize summed over all its fields, those that a limit left out included. A string
	// above Limits.String counts as it is declared on the wire.
	Size int
	// TooLarge: the list exceeded ListSize, Fields or String. Fields holds what came before the first field beyond. It is no
	// error of QPACK: refuse the message and keep the connection.
	TooLarge bool
	// Blocked: the last Decode with this Block found a section that needs entries which have not come, and took nothing of it.
	// Keep its octets and present them again when Decoder.AppendUnblocked names the stream.
	Blocked bool

	arena arena.Arena // names and values
	part  []byte      // the beginning of a representation whose end is in another fragment
	miss  int         // how many octets part lacks at least

	owner    *Decoder // whose section is open, nil if none
	stream   uint64
	required uint64
	base     uint64
	off      int64   // of the next octet to be parsed, in the section
	skip     uint64  // how many octets of an oversize string are still to come
	skipped  skipped // what the oversize string is
}

// skipped says which string is being skipped because it is longer than allowed.
type skipped uint8

const (
	skipNothing skipped = iota
	skipName            // the value follows
	skipValue
)

// Reset forgets the section, an unfinished one included, and keeps the memory for the next one.
func (b *Block) Reset() {
	b.Fields = b.Fields[:0]
	b.Size, b.TooLarge, b.Blocked = 0, false, false
	b.arena.Reset()
	b.part, b.miss = b.part[:0], 0
	if b.owner != nil {
		b.owner = nil
	}
	b.off, b.skip, b.skipped = 0, 0, skipNothing
}

// Trim is Reset, and gives back the memory of every array of more than max octets: to be called from time to time where
// large lists are rare.
func (b *Block) Trim(max int) {
	b.arena.Trim(max)
	b.Reset()
	if cap(b.Fields)*fieldBytes > max {
		b.Fields = nil
	}
	if cap(b.part) > max {
		b.part = nil
	}
}

// fieldBytes is the size of a codec.Field in memory.
const fieldBytes = 56

// fits counts a field of n octets and tells whether the limits allow it.
func (b *Block) fits(d *Decoder, n int) bool {
	b.Size += n + overhead
	if b.Size > d.maxList || len(b.Fields) >= d.maxFields || b.TooLarge {
		b.TooLarge = true
		return false
	}
	return true
}

// extend appends a field to be filled.
func (b *Block) extend() *codec.Field {
	n := len(b.Fields)
	if n == cap(b.Fields) {
		b.Fields = slices.Grow(b.Fields, max(16, n))
	}
	b.Fields = b.Fields[:n+1]
	return &b.Fields[n]
}

// count adds the n octets of something that is not kept to the size.
func (b *Block) count(n uint64) {
	if b.Size += int(min(n, math.MaxInt/4)); b.Size < 0 || b.Size > math.MaxInt/2 {
		b.Size = math.MaxInt / 2
	}
}
