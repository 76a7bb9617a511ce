package hpack

import (
	"github.com/purewire/purewire/codec/internal/arena"
	"github.com/purewire/purewire/codec/internal/hcode"
)

// maxInteger bounds indices, lengths and sizes on the wire, and integerOctets the octets behind the prefix.
const (
	maxInteger    = 1<<32 - 1
	integerOctets = 5
)

// integer reads an integer. n is 0 if src ends before it does, -1 if it is too large or too long.
func integer(src []byte, prefix uint) (v uint64, n int) {
	v, n = hcode.ReadInt(src[:min(len(src), 1+integerOctets)], prefix)
	switch {
	case n > 0 && v > maxInteger, n == 0 && len(src) > integerOctets:
		return 0, -1
	}
	return v, n
}

// indexRun adds the fields that the octets at the start of src name by an index, as long as each is one octet, and limits and
// memory allow without further ado. It returns how many.
func (d *Decoder) indexRun(src []byte, b *Block) (n int) {
	if b.TooLarge {
		return 0
	}
	list, size := b.Fields, b.Size
	room := list[len(list):min(cap(list), max(d.maxFields, len(list)))]
	src = src[:min(len(src), len(room))]
	free, used := b.arena.Free(), 0
	from := d.tab.whole()
	for n < len(src) {
		i := src[n] - flagIndexed
		if i-1 < staticLen { // not 0
			if staticFields[i].size > d.maxList-size {
				break
			}
			size += staticFields[i].size
			room[n] = staticFields[i].Field
			n++
			continue
		}
		i -= staticLen + 1
		if uint32(i) >= d.tab.count || i >= 0x7F-staticLen-1 {
			break
		}
		off, nameLen, length := d.tab.at(uint32(i))
		if length > len(free)-used || length+overhead > d.maxList-size {
			break
		}
		size += length + overhead
		to := free[used:]
		if text := from[off:]; length <= arena.Short && len(text) >= arena.Short && len(to) >= arena.Short {
			arena.CopyShort(to, text)
		} else {
			copy(to, text[:length])
		}
		f := &room[n]
		f.Name, f.Value, f.Sensitive = to[:nameLen:nameLen], to[nameLen:length:length], false
		used += length
		n++
	}
	b.Fields, b.Size = list[:len(list)+n], size
	b.fields = b.fields || n > 0
	b.arena.Take(used)
	return n
}

// indexed decodes an indexed field (RFC 7541 section 6.1).
func (d *Decoder) indexed(src []byte, b *Block) (int, reason) {
	i, n := uint64(src[0]&0x7F), 1
	if i == 0x7F {
		i, n = integer(src, 7)
	}
	switch {
	case n < 0:
		return 0, rIndexInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case i == 0:
		// RFC 7541 section 6.1-4: The index value of 0 is not used. It MUST be treated as a decoding error.
		return 0, rIndexZero
	}
	if i <= staticLen {
		if b.fits(d, staticFields[i].size-overhead) {
			*b.extend() = staticFields[i].Field
		}
		b.fields = true
		return n, ok
	}
	i -= staticLen + 1
	if i >= uint64(d.tab.count) {
		// RFC 7541 section 2.3.3-4: Indices strictly greater than the sum of the lengths of both tables MUST be treated
		// as a decoding error.
		return 0, rIndexRange
	}
	d.entry(b, uint32(i))
	return n, ok
}

// entry adds entry i of the dynamic table to the list.
func (d *Decoder) entry(b *Block, i uint32) {
	off, nameLen, length := d.tab.at(i)
	b.fields = true
	if !b.fits(d, length) {
		return
	}
	own := b.arena.Keep(d.tab.whole(), off, length)
	f := b.extend()
	f.Name, f.Value, f.Sensitive = own[:nameLen:nameLen], own[nameLen:], false
}
