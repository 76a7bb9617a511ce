package hpack

import "github.com/purewire/purewire/codec/internal/hcode"

// literal decodes a literal field (RFC 7541 section 6.2), first being its first octet. Nothing is decoded before all of it is there, so
// a field that comes in octet by octet is decoded once; what is repeated then is to read at most three integers.
func (d *Decoder) literal(src []byte, b *Block, first byte) (int, reason) {
	prefix := uint(4)
	if first >= flagIndexing {
		prefix = 6
	}
	i, pos := uint64(first)&(1<<prefix-1), 1
	if i == 1<<prefix-1 {
		i, pos = integer(src, prefix)
	}
	switch {
	case pos < 0:
		return 0, rNameInt
	case pos == 0:
		b.miss = 1
		return 0, ok
	case i > staticLen && i-staticLen > uint64(d.tab.count):
		return 0, rNameRange
	}
	nameAt, nameLen, nameHuffman := 0, 0, false
	if i == 0 {
		l, n := integer(src[pos:], 7)
		switch {
		case n < 0:
			return 0, rLengthInt
		case n == 0:
			b.miss = 1
			return 0, ok
		case l > d.maxString:
			b.beginSkip(l, skipName, first)
			return pos + n, ok
		}
		nameHuffman = src[pos] >= flagHuffman
		pos += n
		if uint64(len(src)-pos) <= l { // the value's length takes an octet at least
			b.miss = int(l) - (len(src) - pos) + 1
			return 0, ok
		}
		nameAt, nameLen = pos, int(l)
		pos += int(l)
	}
	l, n := uint64(0x7F), 1
	if pos < len(src) {
		l = uint64(src[pos] & 0x7F)
	}
	if l == 0x7F {
		l, n = integer(src[pos:], 7)
	}
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case l > d.maxString:
		b.count(uint64(nameLen))
		b.beginSkip(l, skipValue, first)
		return pos + n, ok
	}
	huffman := src[pos] >= flagHuffman
	pos += n
	if uint64(len(src)-pos) < l {
		b.miss = int(l) - (len(src) - pos)
		return 0, ok
	}

	// All of it is there.
	start := b.arena.Here()
	var own []byte // the name
	var r reason
	switch {
	case i == 0:
		if own, r = d.decode(b, src[nameAt:], nameLen, nameHuffman); r != ok {
			return 0, r
		}
	case i <= staticLen:
		own = static[i].name
	default:
		off, n, _ := d.tab.at(uint32(i - staticLen - 1))
		own = b.arena.Keep(d.tab.whole(), off, n)
	}
	val, r := d.decode(b, src[pos:], int(l), huffman)
	if r != ok {
		return 0, r
	}
	pos += int(l)
	if first >= flagIndexing {
		d.tab.insert(own, val)
	}
	b.fields = true
	if !b.fits(d, len(own)+len(val)) {
		b.arena.Drop(start)
		return pos, ok
	}
	f := b.extend()
	f.Name, f.Value, f.Sensitive = own, val, first&(flagIndexing|flagNever) == flagNever
	return pos, ok
}

// decode appends the octets of a string, which is the first n octets of from, to the arena and returns them there.
func (d *Decoder) decode(b *Block, from []byte, n int, huffman bool) ([]byte, reason) {
	if !huffman {
		return b.arena.Keep(from, 0, n), ok
	}
	out, v := b.arena.Huffman(from, n)
	d.steps += uint64(len(out))
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
	return out, ok
}

// beginSkip begins to skip a string of l octets; first is the first octet of its representation.
func (b *Block) beginSkip(l uint64, what skipped, first byte) {
	b.skip, b.skipped = l, b.skipped&^(skipName|skipValue)|what
	if first >= flagIndexing {
		b.skipped |= skipIndexing
	}
	b.count(l)
}

// skippedValue reads the length of the value behind a name that was skipped.
func (d *Decoder) skippedValue(src []byte, b *Block) (int, reason) {
	l, n := integer(src, 7)
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	}
	b.beginSkip(l, skipValue, flagWithout)
	if l == 0 {
		d.oversize(b)
	}
	return n, ok
}
