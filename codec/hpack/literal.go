package hpack

import "github.com/purewire/purewire/codec/internal/hcode"

// text is a string as it stands on the wire: the first n octets of from.
type text struct {
	from    []byte
	n       int
	huffman bool
}

// length reads the length of a string at the start of src. n is 0 if src ends before it does, -1 if it is no length.
func length(src []byte) (l uint64, n int) { return integer(src, 7) }

// literal decodes a literal field (RFC 7541 section 6.2). Nothing is decoded before all of it is there, so a field that comes
// in octet by octet is decoded once; what is repeated then is to read at most three integers.
func (d *Decoder) literal(src []byte, b *Block, prefix uint, indexing, sensitive bool) (int, reason) {
	i, pos := integer(src, prefix)
	switch {
	case pos < 0:
		return 0, rNameInt
	case pos == 0:
		b.miss = 1
		return 0, ok
	case i > staticLen && i-staticLen > uint64(d.tab.count):
		return 0, rNameRange
	}
	var name text
	if i == 0 {
		l, n := length(src[pos:])
		switch {
		case n < 0:
			return 0, rLengthInt
		case n == 0:
			b.miss = 1
			return 0, ok
		case l > d.maxString:
			b.beginSkip(l, skipName, indexing)
			return pos + n, ok
		}
		name.huffman = src[pos] >= 0x80
		pos += n
		if uint64(len(src)-pos) <= l { // the value's length takes an octet at least
			b.miss = int(l) - (len(src) - pos) + 1
			return 0, ok
		}
		name.from, name.n = src[pos:], int(l)
		pos += int(l)
	}
	l, n := length(src[pos:])
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case l > d.maxString:
		b.count(uint64(name.n))
		b.beginSkip(l, skipValue, indexing)
		return pos + n, ok
	}
	value := text{huffman: src[pos] >= 0x80}
	pos += n
	if uint64(len(src)-pos) < l {
		b.miss = int(l) - (len(src) - pos)
		return 0, ok
	}
	value.from, value.n = src[pos:], int(l)
	pos += int(l)
	return pos, d.field(b, i, name, value, indexing, sensitive)
}

// field decodes the strings of a literal field, the name of which is entry i unless that is 0, into the arena and adds it
// to list and table.
func (d *Decoder) field(b *Block, i uint64, name, value text, indexing, sensitive bool) reason {
	start := b.here()
	var own []byte // the name
	switch r := ok; {
	case i == 0:
		if own, r = d.decode(b, name); r != ok {
			return r
		}
	case i <= staticLen:
		own = static[i].name
	default:
		off, nameLen, _ := d.tab.at(uint32(i - staticLen - 1))
		own = b.keep(d.tab.whole(), off, nameLen)
	}
	val, r := d.decode(b, value)
	if r != ok {
		return r
	}
	if indexing {
		d.tab.insert(own, val)
	}
	b.fields = true
	if !b.fits(d, len(own)+len(val)) {
		b.drop(start)
		return ok
	}
	f := b.extend()
	f.Name, f.Value, f.Sensitive = own, val, sensitive
	return ok
}

// decode appends the octets of a string to the arena and returns them there.
func (d *Decoder) decode(b *Block, s text) ([]byte, reason) {
	if !s.huffman {
		return b.keep(s.from, 0, s.n), ok
	}
	need := hcode.DecodeRoom(s.n)
	b.room(need)
	at := len(b.arena)
	out, v := hcode.AppendHuffmanDecode(b.arena, s.from[:s.n], need)
	b.arena = out
	d.steps += uint64(len(out) - at)
	switch v {
	case hcode.EOS:
		// RFC 7541 section 5.2-5: A Huffman-encoded string literal containing the EOS symbol MUST be treated as a
		// decoding error.
		return nil, rHuffmanEOS
	case hcode.PaddingLong:
		// RFC 7541 section 5.2-5: A padding strictly longer than 7 bits MUST be treated as a decoding error.
		return nil, rHuffmanLong
	case hcode.PaddingBits:
		// RFC 7541 section 5.2-5: A padding not corresponding to the most significant bits of the code for the EOS symbol
		// MUST be treated as a decoding error.
		return nil, rHuffmanBits
	}
	return out[at:len(out):len(out)], ok
}

// beginSkip begins to skip a string of l octets.
func (b *Block) beginSkip(l uint64, what skipped, indexing bool) {
	b.skip, b.skipped = l, b.skipped&^(skipName|skipValue)|what
	if indexing {
		b.skipped |= skipIndexing
	}
	b.count(l)
}

// skippedValue reads the length of the value behind a name that was skipped.
func (d *Decoder) skippedValue(src []byte, b *Block) (int, reason) {
	l, n := length(src)
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	}
	b.beginSkip(l, skipValue, false)
	if l == 0 {
		d.oversize(b)
	}
	return n, ok
}
