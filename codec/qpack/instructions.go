package qpack

import "github.com/purewire/purewire/codec/internal/hcode"

// The first octets of the instructions on the encoder stream (RFC 9204 section 4.3).
const (
	flagInsertRef    = 0x80 // section 4.3.2, prefix of 6 bits
	flagInsertStatic = 0x40
	flagInsert       = 0x40 // section 4.3.3, 5 bits
	flagInsertHuff   = 0x20
	flagCapacity     = 0x20 // section 4.3.1, 5 bits
	flagDuplicate    = 0x00 // section 4.3.4, 5 bits
)

// instructions is the state of reading an encoder stream.
type instructions struct {
	part    []byte // the beginning of an instruction whose end has not come
	miss    int    // how many octets part lacks at least
	off     int64  // of the next octet to be parsed
	changes int    // of the capacity since the last insertion
	name    []byte // of an entry to be inserted: an entry may be evicted by the one that takes its name
	value   []byte
}

// ReadEncoderStream reads the next octets of the peer's encoder stream, cut anywhere. All of src is taken, and nothing of it is
// kept but what is left of an instruction that is cut. An error is final: the connection must end with its code. Sections may have
// become decodable: see AppendUnblocked.
func (d *Decoder) ReadEncoderStream(src []byte) error {
	if d.err != nil {
		return d.err
	}
	if !d.ready {
		d.Init(nil)
	}
	in := &d.in
	for len(src) > 0 {
		if len(in.part) == 0 {
			n, r := d.instruct(src)
			if r != ok {
				return d.fail(r, 0, in.off)
			}
			in.off += int64(n)
			d.steps += uint64(n) + 1
			if src = src[n:]; n == 0 {
				in.part = append(in.part, src...)
				return nil
			}
			continue
		}
		n := min(in.miss, len(src))
		in.part = append(in.part, src[:n]...)
		src = src[n:]
		if in.miss -= n; in.miss > 0 {
			return nil
		}
		n, r := d.instruct(in.part)
		if r != ok {
			return d.fail(r, 0, in.off)
		}
		in.off += int64(n)
		d.steps += uint64(n) + 1
		if n > 0 {
			in.part = in.part[:0]
		}
	}
	return nil
}

// instruct carries out the instruction at the start of src and returns how many octets it takes. If it is cut that is 0, and
// miss is set.
func (d *Decoder) instruct(src []byte) (int, reason) {
	switch c := src[0]; {
	case c >= flagInsertRef:
		return d.insertRef(src)
	case c >= flagInsert:
		return d.insertLiteral(src)
	case c >= flagCapacity:
		return d.setCapacity(src)
	}
	i, n := hcode.ReadInt(src, 5)
	switch {
	case n < 0:
		return 0, rDuplicateInt
	case n == 0:
		d.in.miss = 1
		return 0, ok
	case i >= uint64(d.tab.count):
		// RFC 9204 section 2.2.3-2: If the decoder encounters a reference in an encoder instruction to a dynamic table entry
		// that has already been evicted, it MUST treat this as a connection error of type QPACK_ENCODER_STREAM_ERROR.
		return 0, rDuplicateIndex
	}
	name, value := d.tab.octets(d.tab.head - 1 - i)
	d.in.name = append(d.in.name[:0], name...)
	d.in.value = append(d.in.value[:0], value...)
	return n, d.insert(d.in.name, d.in.value) // it fits, as it did before
}

// setCapacity carries out a Set Dynamic Table Capacity (RFC 9204 section 4.3.1).
func (d *Decoder) setCapacity(src []byte) (int, reason) {
	v, n := hcode.ReadInt(src, 5)
	switch {
	case n < 0:
		return 0, rCapacityInt
	case n == 0:
		d.in.miss = 1
		return 0, ok
	case v > uint64(d.maxTable):
		// RFC 9204 section 4.3.1-3: The decoder MUST treat a new dynamic table capacity value that exceeds this limit as a
		// connection error of type QPACK_ENCODER_STREAM_ERROR.
		return 0, rCapacityBig
	case d.in.changes >= maxChanges:
		return 0, rCapacityMany
	}
	d.in.changes++
	d.tab.setMax(uint32(v))
	return n, ok
}

// insertRef carries out an Insert with Name Reference (RFC 9204 section 4.3.2).
func (d *Decoder) insertRef(src []byte) (int, reason) {
	i, pos := hcode.ReadInt(src, 6)
	switch {
	case pos < 0:
		return 0, rInsertNameInt
	case pos == 0:
		d.in.miss = 1
		return 0, ok
	}
	var name []byte
	if src[0]&flagInsertStatic != 0 {
		if i >= staticLen {
			// RFC 9204 section 3.1-4: If this index is received on the encoder stream, this MUST be treated as a
			// connection error of type QPACK_ENCODER_STREAM_ERROR.
			return 0, rInsertStatic
		}
		name = static[i].name
	} else {
		if i >= uint64(d.tab.count) {
			return 0, rInsertDynamic
		}
		name, _ = d.tab.octets(d.tab.head - 1 - i)
	}
	at, n, r := d.stringAt(src, pos, 7, len(name), rInsertValue)
	if at == 0 || r != ok {
		return 0, r
	}
	d.in.name = append(d.in.name[:0], name...)
	if d.in.value, r = d.decodeInserted(d.in.value[:0], src[at:at+n], src[pos] >= flagHuffman); r != ok {
		return 0, r
	}
	return at + n, d.insert(d.in.name, d.in.value)
}

// insertLiteral carries out an Insert with Literal Name (RFC 9204 section 4.3.3).
func (d *Decoder) insertLiteral(src []byte) (int, reason) {
	nameAt, nameLen, r := d.stringAt(src, 0, 5, 0, rInsertName)
	if nameAt == 0 || r != ok {
		return 0, r
	}
	pos := nameAt + nameLen
	if pos == len(src) {
		d.in.miss = 1
		return 0, ok
	}
	known := nameLen
	if src[0]&flagInsertHuff != 0 {
		known = shortest(nameLen)
	}
	at, n, r := d.stringAt(src, pos, 7, known, rInsertValue)
	if at == 0 || r != ok {
		return 0, r
	}
	if d.in.name, r = d.decodeInserted(d.in.name[:0], src[nameAt:pos], src[0]&flagInsertHuff != 0); r != ok {
		return 0, r
	}
	if d.in.value, r = d.decodeInserted(d.in.value[:0], src[at:at+n], src[pos] >= flagHuffman); r != ok {
		return 0, r
	}
	return at + n, d.insert(d.in.name, d.in.value)
}

// longestCode is the number of bits of the longest Huffman code.
const longestCode = 30

// shortest returns how many octets n octets of Huffman code are at least, up to seven bits of them padding.
func shortest(n int) int { return max(8*n-7, 0) / longestCode }

// stringAt finds a string whose length has so many bits at src[pos], and returns where its octets are; at is 0 if it is cut. A
// string that with known octets beside it cannot fit into the table fails with the reason before it is waited for.
func (d *Decoder) stringAt(src []byte, pos int, prefix uint, known int, big reason) (at, n int, r reason) {
	if pos == len(src) {
		d.in.miss = 1
		return 0, 0, ok
	}
	l, k := hcode.ReadInt(src[pos:], prefix)
	switch {
	case k < 0:
		return 0, 0, rInsertLengthInt
	case k == 0:
		d.in.miss = 1
		return 0, 0, ok
	}
	free := int(d.tab.max) - overhead - known
	if huffman := src[pos]>>prefix&1 != 0; huffman {
		free = (free*longestCode + 7) / 8
	}
	// RFC 9204 section 3.2.2-2: It is an error if the encoder attempts to add an entry that is larger than the dynamic table
	// capacity; the decoder MUST treat this as a connection error of type QPACK_ENCODER_STREAM_ERROR.
	if free < 0 || l > uint64(free) {
		return 0, 0, big
	}
	at, n = pos+k, int(l)
	if have := len(src) - at; have < n {
		d.in.miss = n - have
		return 0, 0, ok
	}
	return at, n, ok
}

// decodeInserted appends what a string stands for.
func (d *Decoder) decodeInserted(dst, src []byte, huffman bool) ([]byte, reason) {
	if !huffman {
		return append(dst, src...), ok
	}
	out, v := hcode.AppendHuffmanDecode(dst, src, hcode.DecodeRoom(len(src)))
	d.steps += uint64(len(out))
	switch v {
	case hcode.EOS:
		return out, rInsertEOS
	case hcode.PaddingLong:
		return out, rInsertLong
	case hcode.PaddingBits:
		return out, rInsertBits
	}
	return out, ok
}

// insert adds an entry.
func (d *Decoder) insert(name, value []byte) reason {
	if len(name)+len(value)+overhead > int(d.tab.max) {
		return rInsertBig
	}
	d.tab.insert(name, value)
	d.in.changes = 0
	return ok
}
