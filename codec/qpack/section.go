package qpack

import "github.com/purewire/purewire/codec/internal/hcode"

// The first octets of the representations in a section (RFC 9204 section 4.5).
const (
	flagIndexed       = 0x80 // section 4.5.2, prefix of 6 bits
	flagIndexedStatic = 0x40
	flagNameRef       = 0x40 // section 4.5.4, 4 bits
	flagNameNever     = 0x20
	flagNameStatic    = 0x10
	flagLiteral       = 0x20 // section 4.5.6, 3 bits
	flagLiteralNever  = 0x10
	flagLiteralHuff   = 0x08
	flagPostBase      = 0x10 // section 4.5.3, 4 bits
	flagPostName      = 0x00 // section 4.5.5, 3 bits
	flagPostNever     = 0x08
	flagHuffman       = 0x80 // of a value, section 4.1.2, 7 bits
)

// feed decodes what it can of a fragment and keeps the rest in b.part.
func (d *Decoder) feed(src []byte, b *Block) reason {
	for len(src) > 0 {
		if b.skip > 0 {
			n := min(b.skip, uint64(len(src)))
			src = src[n:]
			b.skip -= n
			b.off += int64(n)
			if b.skip == 0 && b.skipped == skipValue {
				b.oversize()
			}
			continue
		}
		if len(b.part) == 0 {
			n, r := d.parse(src, b)
			if r != ok || n == len(src) {
				return r
			}
			if src = src[n:]; n == 0 {
				b.part = append(b.part, src...)
				return ok
			}
			continue
		}
		// A representation goes on: take no more than it is known to need, so that nothing of what follows is kept.
		n := min(b.miss, len(src))
		b.part = append(b.part, src[:n]...)
		src = src[n:]
		if b.miss -= n; b.miss > 0 {
			return ok
		}
		n, r := d.parse(b.part, b)
		if r != ok {
			return r
		}
		if n > 0 {
			b.part = b.part[:0]
		}
	}
	return ok
}

// parse decodes what comes next: the value behind a name that was skipped, or representations.
func (d *Decoder) parse(src []byte, b *Block) (int, reason) {
	if b.skipped == skipName {
		return d.skippedValue(src, b)
	}
	return d.run(src, b)
}

// skippedValue reads the length of the value behind a name that was skipped.
func (d *Decoder) skippedValue(src []byte, b *Block) (int, reason) {
	l, n := hcode.ReadInt(src, 7)
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	}
	d.steps += uint64(n) + 1
	b.off += int64(n)
	b.beginSkip(l, skipValue)
	if l == 0 {
		b.oversize()
	}
	return n, ok
}

// beginSkip begins to skip a string of l octets.
func (b *Block) beginSkip(l uint64, what skipped) {
	b.skip, b.skipped = l, what
	b.count(l)
}

// oversize ends a field with an oversize string.
func (b *Block) oversize() {
	b.count(overhead)
	b.TooLarge = true
	b.skipped = skipNothing
}

// run decodes whole representations from the start of src and returns how many octets they take. It stops at one that is cut,
// with b.miss set to the number of octets that it lacks at least, and behind the length of an oversize string, with b.skip set.
// On failure b.off is that of the failing representation.
func (d *Decoder) run(src []byte, b *Block) (pos int, r reason) {
	for pos < len(src) {
		var n int
		switch c := src[pos]; {
		case c >= flagIndexed|flagIndexedStatic:
			if n = d.staticRun(src[pos:], b); n == 0 {
				n, r = d.indexed(src[pos:], b)
			}
		case c >= flagIndexed:
			n, r = d.indexed(src[pos:], b)
		case c&0xF0 == flagPostBase:
			n, r = d.postBase(src[pos:], b)
		default:
			n, r = d.literal(src[pos:], b, c)
		}
		if r != ok {
			break
		}
		pos += n
		if n == 0 || b.skip > 0 {
			break
		}
	}
	d.steps += uint64(pos) + 1
	b.off += int64(pos)
	return pos, r
}

// staticRun adds the entries of the static table that the octets at the start of src name, as long as limits and memory allow without
// further ado, and returns how many octets that are.
func (d *Decoder) staticRun(src []byte, b *Block) (pos int) {
	if b.TooLarge {
		return 0
	}
	list, size := b.Fields, b.Size
	room := list[len(list):min(cap(list), max(d.maxFields, len(list)))]
	room = room[:min(len(room), (d.maxList-size)/maxStaticSize)]
	n := 0
	for n < len(room) && pos < len(src) {
		i := src[pos] - (flagIndexed | flagIndexedStatic)
		pos++
		if i >= 0x3F {
			// Not an index of the static table, which is below 0x40, or one of two octets.
			if i > 0x3F || pos == len(src) || src[pos] >= staticLen-0x3F {
				pos--
				break
			}
			i += src[pos]
			pos++
		}
		size += staticFields[i].size
		room[n] = staticFields[i].Field
		n++
	}
	b.Fields, b.Size = list[:len(list)+n], size
	return pos
}

// indexed decodes an indexed field line (RFC 9204 section 4.5.2).
func (d *Decoder) indexed(src []byte, b *Block) (int, reason) {
	i, n := hcode.ReadInt(src, 6)
	switch {
	case n < 0:
		return 0, rIndexInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case src[0]&flagIndexedStatic != 0:
		if i >= staticLen {
			// RFC 9204 section 3.1-4: When the decoder encounters an invalid static table index in a field line
			// representation, it MUST treat this as a connection error of type QPACK_DECOMPRESSION_FAILED.
			return 0, rStaticIndex
		}
		if b.fits(d, staticFields[i].size-overhead) {
			*b.extend() = staticFields[i].Field
		}
		return n, ok
	case i >= b.base:
		return 0, rRelativeIndex
	}
	return n, d.entry(b, b.base-1-i)
}

// postBase decodes an indexed field line with post-base index (RFC 9204 section 4.5.3).
func (d *Decoder) postBase(src []byte, b *Block) (int, reason) {
	i, n := hcode.ReadInt(src, 4)
	switch {
	case n < 0:
		return 0, rPostBaseIndex
	case n == 0:
		b.miss = 1
		return 0, ok
	}
	return n, d.entry(b, b.base+i) // two integers of 62 bits and a count do not overflow
}

// entry adds an entry of the dynamic table to the list.
func (d *Decoder) entry(b *Block, abs uint64) reason {
	if abs >= b.required {
		// RFC 9204 section 2.2.3-1: If the decoder encounters a reference in a field line representation to a dynamic table entry [...] that has
		// an absolute index greater than or equal to the declared Required Insert Count [...], it MUST treat this as a connection error of
		// type QPACK_DECOMPRESSION_FAILED.
		return rBeyondCount
	}
	if !d.tab.alive(abs) {
		// RFC 9204 section 2.2.3-1: If the decoder encounters a reference in a field line representation to a dynamic
		// table entry that has already been evicted [...], it MUST treat this as a connection error of type
		// QPACK_DECOMPRESSION_FAILED.
		return rEvicted
	}
	off, nameLen, length := d.tab.at(abs)
	if b.fits(d, length) {
		own := b.arena.Keep(d.tab.whole(), off, length)
		f := b.extend()
		f.Name, f.Value, f.Sensitive = own[:nameLen:nameLen], own[nameLen:], false
	}
	return ok
}

// nameKind says where the name of a literal is.
type nameKind uint8

const (
	nameHere nameKind = iota
	nameStatic
	nameRelative
	namePostBase
)

// literal decodes a literal field line (RFC 9204 sections 4.5.4 to 4.5.6), first being its first octet. Nothing is decoded before all of
// it is there, so a field that comes in octet by octet is decoded once.
func (d *Decoder) literal(src []byte, b *Block, first byte) (int, reason) {
	var kind nameKind
	var never bool
	prefix := uint(3)
	switch {
	case first >= flagNameRef:
		kind, prefix, never = nameRelative, 4, first&flagNameNever != 0
		if first&flagNameStatic != 0 {
			kind = nameStatic
		}
	case first >= flagLiteral:
		never = first&flagLiteralNever != 0
	default:
		kind, never = namePostBase, first&flagPostNever != 0
	}
	i, pos := hcode.ReadInt(src, prefix)
	if pos <= 0 {
		b.miss = 1
		switch {
		case pos == 0:
			return 0, ok
		case kind == nameHere:
			return 0, rLengthInt
		case kind == namePostBase:
			return 0, rPostBaseName
		}
		return 0, rNameInt
	}
	nameAt := pos
	switch kind {
	case nameHere:
		if i > d.maxString {
			b.beginSkip(i, skipName)
			return pos, ok
		}
		if uint64(len(src)-pos) <= i { // the value's length takes an octet at least
			b.miss = int(i) - (len(src) - pos) + 1
			return 0, ok
		}
		pos += int(i)
	case nameStatic:
		if i >= staticLen {
			return 0, rStaticName
		}
	default:
		if kind == namePostBase {
			i += b.base
		} else if i >= b.base {
			return 0, rRelativeName
		} else {
			i = b.base - 1 - i
		}
		if i >= b.required {
			return 0, rNameBeyondCount
		}
		if !d.tab.alive(i) {
			return 0, rNameEvicted
		}
	}
	l, n := hcode.ReadInt(src[pos:], 7)
	switch {
	case n < 0:
		return 0, rLengthInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case l > d.maxString:
		b.count(d.nameLen(kind, i))
		b.beginSkip(l, skipValue)
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
	switch kind {
	case nameHere:
		if own, r = d.decode(b, src[nameAt:], int(i), first&flagLiteralHuff != 0); r != ok {
			return 0, r
		}
	case nameStatic:
		own = static[i].name
	default:
		off, n, _ := d.tab.at(i)
		own = b.arena.Keep(d.tab.whole(), off, n)
	}
	val, r := d.decode(b, src[pos:], int(l), huffman)
	if r != ok {
		return 0, r
	}
	pos += int(l)
	if !b.fits(d, len(own)+len(val)) {
		b.arena.Drop(start)
		return pos, ok
	}
	f := b.extend()
	f.Name, f.Value, f.Sensitive = own, val, never
	return pos, ok
}

// nameLen returns the length of a name: on the wire if it is there.
func (d *Decoder) nameLen(kind nameKind, i uint64) uint64 {
	switch kind {
	case nameHere:
		return i
	case nameStatic:
		return uint64(len(static[i].name))
	}
	_, n, _ := d.tab.at(i)
	return uint64(n)
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
		// RFC 7541 section 5.2-5, which RFC 9204 section 4.1.2-1 takes over: a string that contains the EOS symbol MUST be
		// treated as a decoding error.
		return nil, rHuffmanEOS
	case hcode.PaddingLong:
		return nil, rHuffmanLong
	case hcode.PaddingBits:
		return nil, rHuffmanBits
	}
	return out, ok
}
