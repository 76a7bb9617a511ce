package hpack

import "github.com/purewire/purewire/codec"

// Decoder is the decoding end of one direction of a connection: a dynamic table and the limits. The zero value has the
// default limits. It keeps nothing of the octets that it is given.
type Decoder struct {
	tab      table
	allowed  uint32 // the largest size that an update may choose
	smallest uint32 // of allowed since the last block, while the peer owes an update
	owed     bool   // the peer owes an update: allowed went below the table's size
	ready    bool   // Init has run

	maxList   int
	maxFields int
	maxString uint64

	open  *Block // the block in progress
	steps uint64
	err   *Error
	fault Error
}

// Init brings d to its initial state with the given limits; nil is all defaults. Memory of the dynamic table is kept.
func (d *Decoder) Init(l *Limits) {
	var def Limits
	if l == nil {
		l = &def
	}
	if d.open != nil {
		d.open.owner = nil
	}
	t := d.tab
	*d = Decoder{
		tab: t, allowed: tableSize(l.TableSize), ready: true,
		maxList: limit(l.ListSize, DefaultListSize), maxFields: limit(l.Fields, DefaultFields), maxString: uint64(limit(l.String, DefaultString)),
	}
	d.tab.reset(d.allowed)
	d.setAllowed(d.allowed)
}

// setAllowed sets the largest table. A string that does not fit into it may be skipped unread, others must be read; no Huffman
// code is longer than 30 bits, so four times the table is enough.
func (d *Decoder) setAllowed(n uint32) {
	d.allowed = n
	d.maxString = max(d.maxString, 4*uint64(n))
}

// SetTableSize tells that the peer has acknowledged a SETTINGS_HEADER_TABLE_SIZE of n octets: its encoder may now choose
// any size up to n. If the table is larger than that, the peer must open its next block with an update (RFC 7541
// section 4.2-3, RFC 9113 section 4.3.1). Values above 2^30 count as 2^30, negative ones as 0.
func (d *Decoder) SetTableSize(n int) {
	if !d.ready {
		d.Init(nil)
	}
	size := uint32(min(max(n, 0), maxTable))
	d.setAllowed(size)
	if d.owed {
		d.smallest = min(d.smallest, size)
	} else if size < d.tab.max {
		d.owed, d.smallest = true, size
	}
}

// TableSize returns the size of the dynamic table's entries in octets (RFC 7541 section 4.1).
func (d *Decoder) TableSize() int { return int(d.tab.size) }

// TableLen returns the number of entries in the dynamic table.
func (d *Decoder) TableLen() int { return int(d.tab.count) }

// MaxTableSize returns the size that the peer's encoder has chosen for the dynamic table.
func (d *Decoder) MaxTableSize() int {
	if !d.ready {
		return DefaultTableSize
	}
	return int(d.tab.max)
}

// Steps returns the work done since Init in steps: octets looked at, octets decoded, fields.
func (d *Decoder) Steps() uint64 { return d.steps }

// Err returns the error that ended d, nil if there is none.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// Decode decodes the next fragment of a header block: the content of a HEADERS, PUSH_PROMISE or CONTINUATION frame. The first
// fragment after Init and after a last one begins a block, which drops what b held; last says that src ends it. Fragments may
// be cut anywhere and may be empty. All of src is consumed.
//
// Every block that the peer sends must be decoded, also those of streams that are refused, closed or reset, since each moves
// the dynamic table (RFC 9113 section 4.3).
//
// An error of scope conn is final: the tables of the two ends may differ, the connection must end with COMPRESSION_ERROR.
// b.Fields then holds what came before the failure. An error of scope misuse changes nothing. A list beyond the limits is no
// error, see Block.TooLarge.
func (d *Decoder) Decode(src []byte, last bool, b *Block) error {
	if d.err != nil {
		return d.err
	}
	if d.open != b || b.owner != d { // it is new, or was Reset in the middle
		if d.open != b && d.open != nil {
			return errOtherBlock
		}
		if b.owner != nil {
			return errOpenElsewhere
		}
		d.begin(b)
	}
	r := d.feed(src, b)
	if r == ok && last {
		r = d.finish(b)
	}
	if r != ok {
		d.fault = Error{Scope: codec.ScopeConn, Code: CompressionError, Off: b.off, Reason: reasons[r]}
		d.err = &d.fault
		d.open, b.owner = nil, nil
		return d.err
	}
	return nil
}

// begin makes b the block in progress.
func (d *Decoder) begin(b *Block) {
	if !d.ready {
		d.Init(nil)
	}
	b.Reset()
	b.owner, d.open = d, b
}

// finish ends the block.
func (d *Decoder) finish(b *Block) reason {
	if len(b.part) > 0 || b.skipped != skipNothing {
		return rCut
	}
	if d.owed {
		return rUpdateMissing
	}
	b.owner, d.open = nil, nil
	return ok
}

// feed decodes what it can of a fragment and keeps the rest in b.part.
func (d *Decoder) feed(src []byte, b *Block) reason {
	for len(src) > 0 {
		if b.skip > 0 {
			n := min(b.skip, uint64(len(src)))
			src = src[n:]
			b.skip -= n
			b.off += int64(n)
			if b.skip == 0 {
				d.endSkip(b)
			}
			continue
		}
		if len(b.part) == 0 {
			n, r := d.parse(src, b)
			if r != ok {
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
	if b.skipped&skipName == 0 {
		return d.run(src, b)
	}
	n, r := d.skippedValue(src, b)
	d.steps += uint64(n) + 1
	b.off += int64(n)
	return n, r
}

// endSkip ends a string that was skipped.
func (d *Decoder) endSkip(b *Block) {
	if b.skipped&skipName != 0 {
		return // parse reads the length of the value
	}
	d.oversize(b)
}

// oversize ends a field with an oversize string: it is too large for the list, and for the table if it should go there.
func (d *Decoder) oversize(b *Block) {
	if b.skipped&skipIndexing != 0 {
		d.tab.clear() // RFC 7541 section 4.4-2
	}
	b.count(overhead)
	b.fields, b.TooLarge = true, true
	b.skipped = skipNothing
}

// run decodes whole representations from the start of src and returns how many octets they take. It stops at one that is cut,
// with b.miss set to the number of octets that it lacks at least, and behind the length of an oversize string, with b.skip set.
// On failure b.off is that of the failing representation.
func (d *Decoder) run(src []byte, b *Block) (pos int, r reason) {
	if d.owed && src[0]&^0x1F != flagUpdate {
		// RFC 7541 section 4.2-3: This dynamic table size update MUST occur at the beginning of the first header block
		// following the change to the dynamic table size.
		return 0, rUpdateMissing
	}
	for pos < len(src) {
		var n int
		switch c := src[pos]; {
		case c >= flagIndexed:
			if n = d.indexRun(src[pos:], b); n == 0 {
				n, r = d.indexed(src[pos:], b)
			}
		case c&^0x1F == flagUpdate:
			n, r = d.update(src[pos:], b)
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

// update decodes a table size update (RFC 7541 section 6.3).
func (d *Decoder) update(src []byte, b *Block) (int, reason) {
	// RFC 7541 section 4.2-3: This dynamic table size update MUST occur at the beginning of the first header block
	// following the change to the dynamic table size.
	if b.fields {
		return 0, rUpdateLate
	}
	size, n := integer(src, 5)
	switch {
	case n < 0:
		return 0, rUpdateInt
	case n == 0:
		b.miss = 1
		return 0, ok
	case size > uint64(d.allowed):
		// RFC 7541 section 6.3-3: A value that exceeds this limit MUST be treated as a decoding error.
		return 0, rUpdateBig
	case b.updates == 2:
		// RFC 7541 section 4.2-4: resulting in at most two dynamic table size updates.
		return 0, rUpdateMany
	case d.owed && size > uint64(d.smallest):
		// RFC 7541 section 4.2-4: the smallest maximum table size that occurs in that interval MUST be signaled.
		return 0, rUpdateSmallest
	}
	d.owed = false
	b.updates++
	d.tab.setMax(uint32(size))
	return n, ok
}
