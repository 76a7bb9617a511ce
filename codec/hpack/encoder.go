package hpack

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/hcode"
)

// Indexing says which fields an Encoder enters into its dynamic table. Sensitive fields never are.
type Indexing uint8

const (
	// IndexUseful is the default: everything but fields whose values hardly ever come twice (:path, age, content-length,
	// etag, if-modified-since, if-none-match, location, set-cookie), those that are worth guessing (authorization,
	// proxy-authorization, a cookie below 20 octets), and fields of more than three quarters of the table.
	IndexUseful Indexing = iota
	// IndexAll enters every field that fits. It shows guesses of secrets to be right or wrong (RFC 7541 section 7.1).
	IndexAll
	// IndexNone enters nothing. Matches in the static table are still used.
	IndexNone
)

// huffman says when an Encoder uses the Huffman code.
type huffman uint8

const (
	huffmanShorter huffman = iota // where it makes a string shorter
	huffmanNever
	huffmanAlways // even if it makes a string longer: for the examples of RFC 7541
)

// EncoderOptions configures an Encoder. The zero value is the default.
type EncoderOptions struct {
	// TableSize is the largest dynamic table in octets (RFC 7541 section 4.1) that this end is ready to keep, whatever the
	// peer offers. Zero is 4096, negative is no dynamic table.
	TableSize int
	// Indexing says which fields enter the dynamic table.
	Indexing Indexing
	// NoHuffman sends every string as it is: less work for both ends, more octets. Without it strings are Huffman-encoded
	// where that makes them shorter.
	NoHuffman bool
}

// Encoder is the encoding end of one direction of a connection: a dynamic table and what was said about it to the peer. The
// zero value has the default options. Memory is allocated when the first field is indexed and grows with use.
type Encoder struct {
	tab      table
	idx      index
	cap      uint32 // our own limit
	peer     uint32 // what the peer allows
	smallest uint32 // of peer since the last block, while update is set
	update   bool   // the next block begins with a size update
	ready    bool
	indexing Indexing
	huffman  huffman
}

// Init brings e to its initial state: the peer allows 4096 octets, as in HTTP/2 before any SETTINGS. nil is all defaults.
// Memory is kept.
func (e *Encoder) Init(o *EncoderOptions) {
	var def EncoderOptions
	if o == nil {
		o = &def
	}
	*e = Encoder{
		tab: e.tab, idx: e.idx, cap: tableSize(o.TableSize), peer: DefaultTableSize,
		ready: true, indexing: o.Indexing,
	}
	if o.NoHuffman {
		e.huffman = huffmanNever
	}
	e.tab.reset(DefaultTableSize)
	e.idx.reset()
	if e.cap < DefaultTableSize {
		e.update, e.smallest = true, e.cap
	}
}

// SetMaxTableSize tells what the peer allows: its SETTINGS_HEADER_TABLE_SIZE. It takes effect with the next block, which then
// begins with the size updates that RFC 7541 section 4.2 demands. The table never grows beyond EncoderOptions.TableSize.
// Values above 2^30 count as 2^30, negative ones as 0.
func (e *Encoder) SetMaxTableSize(n int) {
	if !e.ready {
		e.Init(nil)
	}
	e.peer = uint32(min(max(n, 0), maxTable))
	size := min(e.peer, e.cap)
	switch {
	case e.update:
		e.smallest = min(e.smallest, size)
	case size != e.tab.max:
		e.update, e.smallest = true, min(size, e.tab.max)
	}
}

// MaxTableSize returns the size of the dynamic table as the next block will use it.
func (e *Encoder) MaxTableSize() int {
	if !e.ready {
		return DefaultTableSize
	}
	return int(min(e.peer, e.cap))
}

// TableSize returns the size of the dynamic table's entries in octets (RFC 7541 section 4.1).
func (e *Encoder) TableSize() int { return int(e.tab.size) }

// TableLen returns the number of entries in the dynamic table.
func (e *Encoder) TableLen() int { return int(e.tab.count) }

// AppendStart begins a block: it appends the table size updates that are due, usually none. At most two are (RFC 7541 section
// 4.2-4: the smallest size since the last block, if the table shrank in between, and the final one).
func (e *Encoder) AppendStart(dst []byte) []byte {
	if !e.ready {
		e.Init(nil)
	}
	if !e.update {
		return dst
	}
	e.update = false
	final := min(e.peer, e.cap)
	if e.smallest < final && e.smallest < e.tab.max {
		dst = hcode.AppendInt(dst, flagUpdate, 5, uint64(e.smallest))
		e.tab.setMax(e.smallest)
	}
	if final != e.tab.max {
		dst = hcode.AppendInt(dst, flagUpdate, 5, uint64(final))
		e.tab.setMax(final)
	}
	return dst
}

// AppendBlock appends a whole header block: AppendStart and every field. What it returns must be sent, since the dynamic table
// has moved.
func (e *Encoder) AppendBlock(dst []byte, fields []codec.Field) []byte {
	dst = e.AppendStart(dst)
	for i := range fields {
		f := &fields[i]
		dst = e.appendField(dst, f.Name, f.Value, f.Sensitive)
	}
	return dst
}

// AppendField appends one field of a block that AppendStart has begun. Names must be in lower case (RFC 9113 section 8.2.1); the
// encoder takes any octets. A sensitive field is never indexed (RFC 7541 section 6.2.3).
func (e *Encoder) AppendField(dst []byte, f codec.Field) []byte {
	if !e.ready {
		e.Init(nil)
	}
	return e.appendField(dst, f.Name, f.Value, f.Sensitive)
}

// The first octets of the representations (RFC 7541 section 6).
const (
	flagIndexed  = 0x80 // section 6.1, prefix of 7 bits
	flagIndexing = 0x40 // section 6.2.1, 6 bits
	flagUpdate   = 0x20 // section 6.3, 5 bits
	flagNever    = 0x10 // section 6.2.3, 4 bits
	flagWithout  = 0x00 // section 6.2.2, 4 bits
	flagHuffman  = 0x80 // of a string, section 5.2, 7 bits
)

// appendField appends the shortest representation that the rules allow: an index of the field, or a literal with an index of
// the name, or one with both strings.
func (e *Encoder) appendField(dst, name, value []byte, sensitive bool) []byte {
	hn := hashOf(name, 0)
	first, never := staticName(name, hn)
	i := uint32(first)
	flags, prefix := byte(flagWithout), uint(4)
	switch size := len(name) + len(value) + overhead; {
	case sensitive:
		// RFC 7541 section 7.1.3-3: An intermediary MUST NOT re-encode a value that uses the never-indexed literal
		// representation with another representation that would index it.
		flags = flagNever
	case first != 0 && staticPair(&first, value):
		return append(dst, flagIndexed|first)
	case e.wanted(never, len(value), size):
		hv := hashOf(value, hn)
		if at := e.findField(name, value, hv); at != 0 {
			return hcode.AppendInt(dst, flagIndexed, 7, uint64(at))
		}
		if i == 0 {
			i = e.findName(name, hn)
		}
		flags, prefix = flagIndexing, 6
		e.insert(name, value, hn, hv)
		return e.appendLiteral(dst, flags, prefix, i, name, value)
	}
	if i == 0 {
		i = e.findName(name, hn)
	}
	return e.appendLiteral(dst, flags, prefix, i, name, value)
}

// wanted tells whether a field of this size should be in the dynamic table.
func (e *Encoder) wanted(n never, valueLen, size int) bool {
	switch e.indexing {
	case IndexUseful:
		return n == 0 && 4*size <= 3*int(e.tab.max) || n == neverShort && valueLen >= shortSecret && 4*size <= 3*int(e.tab.max)
	case IndexAll:
		return size <= int(e.tab.max)
	}
	return false
}

// appendLiteral appends a literal field with the name of entry i, or with both strings if that is 0.
func (e *Encoder) appendLiteral(dst []byte, flags byte, prefix uint, i uint32, name, value []byte) []byte {
	dst = hcode.AppendInt(dst, flags, prefix, uint64(i))
	if i == 0 {
		dst = e.appendString(dst, name)
	}
	return e.appendString(dst, value)
}

// appendString appends a string literal (RFC 7541 section 5.2).
func (e *Encoder) appendString(dst, s []byte) []byte {
	limit := len(s) - 1
	if e.huffman == huffmanAlways {
		limit = hcode.HuffmanLen(s)
	}
	if limit < 0 || e.huffman == huffmanNever {
		dst = hcode.AppendInt(dst, 0, 7, uint64(len(s)))
		return append(dst, s...)
	}
	// The length comes first and is not known yet: it takes one octet nearly always.
	at := len(dst)
	out, fits := hcode.AppendHuffmanMax(append(dst, 0), s, limit)
	if !fits {
		dst = hcode.AppendInt(out[:at], 0, 7, uint64(len(s)))
		return append(dst, s...)
	}
	n := len(out) - at - 1
	if n < 0x7F {
		out[at] = flagHuffman | byte(n)
		return out
	}
	more := hcode.IntLen(7, uint64(n)) - 1
	out = append(out, make([]byte, more)...)
	copy(out[at+1+more:], out[at+1:at+1+n])
	hcode.AppendInt(out[:at], flagHuffman, 7, uint64(n))
	return out
}
