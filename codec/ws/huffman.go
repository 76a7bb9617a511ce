package ws

import "math/bits"

// A code table is indexed with the next bits of the input, the first one lowest. An entry says what the code is that the bits
// begin with:
//
//	bits 0-3    the length of the code; of a link, the length of the index into its second-level table
//	bits 4-7    how many extra bits follow
//	bits 8-10   the kind
//	bits 16-31  the literal, the base of the length or distance, the symbol, or where the second-level table begins
//
// The zero entry is no code.
type entry uint32

const (
	kindLiteral entry = 1 << 8 // also the symbols of the code length code
	kindBase    entry = 2 << 8 // a length or a distance
	kindEnd     entry = 3 << 8 // end of block
	kindLink    entry = 4 << 8
	kindMask    entry = 7 << 8
)

func (e entry) length() uint { return uint(e & 15) }
func (e entry) extra() uint  { return uint(e >> 4 & 15) }
func (e entry) value() int   { return int(e >> 16) }

// The sizes of the tables. Second levels of codes with 288 symbols of at most 15 bits take at most 310 entries behind
// 10 bits, those with 32 symbols at most 146 behind 8 bits.
const (
	litBits  = 10
	distBits = 8
	clenBits = 7
	litSize  = 1<<litBits + 512
	distSize = 1<<distBits + 256
)

// litEntry and distEntry hold the entries of the symbols of RFC 1951 section 3.2.5, without the code length.
var litEntry = func() (t [288]entry) {
	for s := range 256 {
		t[s] = kindLiteral | entry(s)<<16
	}
	t[256] = kindEnd
	base := 3
	for s := 257; s < 285; s++ {
		extra := 0
		if s >= 265 {
			extra = (s - 261) / 4
		}
		t[s] = kindBase | entry(extra)<<4 | entry(base)<<16
		base += 1 << extra
	}
	t[285] = kindBase | 258<<16
	return t // 286 and 287 take part in the fixed code but mean nothing
}()

var distEntry = func() (t [32]entry) {
	base := 1
	for s := range 30 {
		extra := 0
		if s >= 4 {
			extra = s/2 - 1
		}
		t[s] = kindBase | entry(extra)<<4 | entry(base)<<16
		base += 1 << extra
	}
	return t
}()

var clenEntry = func() (t [19]entry) {
	for s := range t {
		t[s] = kindLiteral | entry(s)<<16
	}
	return t
}()

// fixedTables are those of blocks with the fixed codes (RFC 1951 section 3.2.6).
var fixedTables = func() *tables {
	t := new(tables)
	var lens [288]uint8
	for s := range lens {
		switch {
		case s < 144:
			lens[s] = 8
		case s < 256:
			lens[s] = 9
		case s < 280:
			lens[s] = 7
		default:
			lens[s] = 8
		}
	}
	buildTable(t.lit[:], litBits, lens[:], litEntry[:])
	for s := range 32 {
		lens[s] = 5
	}
	buildTable(t.dist[:], distBits, lens[:32], distEntry[:])
	return t
}()

// tables are the two codes of a block.
type tables struct {
	lit  [litSize]entry
	dist [distSize]entry
}

// buildTable makes the table of the canonical Huffman code with those code lengths (RFC 1951 section 3.2.2), first level of
// root bits. It is false for lengths that make no code: too many codes, or too few, but for a code of one symbol with one
// bit (section 3.2.7) and for no code at all.
func buildTable(tab []entry, root uint, lens []uint8, symbols []entry) bool {
	var count [16]int
	longest := uint(0)
	for _, n := range lens {
		count[n]++
		longest = max(longest, uint(n))
	}
	count[0] = 0
	left, next := 1, [17]uint{}
	for n := 1; n <= 15; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return false
		}
		next[n+1] = (next[n] + uint(count[n])) << 1
	}
	if left > 0 {
		if longest > 1 {
			return false
		}
		clear(tab[:1<<root])
	}
	// Symbols of each length in order: second-level tables are then filled one after the other.
	var start [16]int
	for n := 1; n < 15; n++ {
		start[n+1] = start[n] + count[n]
	}
	var sorted [320]uint16
	for s, n := range lens {
		if n != 0 {
			sorted[start[n]] = uint16(s)
			start[n]++
		}
	}
	free, open, link := 1<<root, -1, 0
	i := 0
	for n := uint(1); n <= longest; n++ {
		for remaining := count[n]; remaining > 0; remaining-- {
			s := sorted[i]
			i++
			code := uint(bits.Reverse16(uint16(next[n])) >> (16 - n))
			next[n]++
			e := symbols[s]
			if e != 0 {
				e |= entry(n)
			}
			if n <= root {
				for j := code; j < 1<<root; j += 1 << n {
					tab[j] = e
				}
				continue
			}
			if low := int(code & (1<<root - 1)); low != open {
				size := n - root
				for room := 1<<size - remaining; room > 0 && size+root < longest; size++ {
					room = room<<1 - count[size+1+root]
				}
				open, link = low, free
				free += 1 << size
				tab[low] = kindLink | entry(size) | entry(link)<<16
				clear(tab[link:free])
			}
			size := tab[open].length()
			for j := code >> root; j < 1<<size; j += 1 << (n - root) {
				tab[link+int(j)] = e
			}
		}
	}
	return true
}
