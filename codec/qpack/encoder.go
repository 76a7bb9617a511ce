package qpack

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
	// IndexAll enters every field that fits. It shows guesses of secrets to be right or wrong (RFC 9204 section 7.1).
	IndexAll
	// IndexNone enters nothing. Matches in the static table are still used.
	IndexNone
)

// EncoderOptions configures an Encoder. The zero value is the default.
type EncoderOptions struct {
	// TableCapacity is the largest dynamic table in octets (RFC 9204 section 3.2.1) that this end is ready to keep, whatever
	// the peer offers. Zero is 4096, negative is no dynamic table.
	TableCapacity int
	// BlockedStreams is how many streams this end is ready to let wait for the encoder stream, whatever the peer offers. Zero
	// is 16, negative is none: then only entries are referred to that the peer has acknowledged.
	BlockedStreams int
	// Sections is how many sections may be unacknowledged at a time; above, sections are encoded without the dynamic table. It
	// bounds memory, 40 octets each, and the work for an acknowledgment. Zero is 256, negative is none: no dynamic references.
	Sections int
	// Indexing says which fields enter the dynamic table.
	Indexing Indexing
	// NoHuffman sends every string as it is: less work for both ends, more octets. Without it strings are Huffman-encoded
	// where that makes them shorter.
	NoHuffman bool
}

// Encoder is the encoding end of one direction of a connection: a dynamic table, and what is known of the peer's copy. The
// zero value has the default options. Until SetPeer it uses the static table only. Memory is allocated when the first field is
// indexed and grows with use.
type Encoder struct {
	tab         table
	idx         index
	ownCapacity uint32 // our own limits
	ownBlocked  uint64
	maxSections int
	indexing    Indexing
	noHuffman   bool
	ready       bool
	held        bool // nothing is inserted

	peerCapacity uint32 // the peer's settings
	maxEntries   uint64
	blocked      uint64 // the smaller of both
	target       uint32 // the capacity that is wanted; tab.max is what was said
	changes      int    // how often it was said since the last insertion

	known    uint64 // Known Received Count (RFC 9204 section 2.1.4)
	sections []section
	pin      uint64 // the oldest entry that they refer to
	stale    bool   // pin must be found again

	cur     section // in progress
	base    uint64
	risk    risk
	staticO bool // cur must not use the dynamic table
	scratch []byte

	part  [10]byte // of an instruction of the decoder stream
	have  int
	off   int64
	steps uint64
	err   *Error
	fault Error
}

// Init brings e to its initial state: the peer allows no dynamic table. nil is all defaults. Memory is kept.
func (e *Encoder) Init(o *EncoderOptions) {
	var def EncoderOptions
	if o == nil {
		o = &def
	}
	sections := o.Sections
	if sections == 0 {
		sections = DefaultSections
	}
	*e = Encoder{
		tab: e.tab, idx: e.idx, sections: e.sections[:0], scratch: e.scratch[:0],
		ownCapacity: tableCapacity(o.TableCapacity), ownBlocked: uint64(blockedStreams(o.BlockedStreams)), maxSections: max(sections, 0),
		indexing: o.Indexing, noHuffman: o.NoHuffman, ready: true, pin: noEntry,
	}
	e.tab.reset(0)
	e.idx.reset()
}

// SetPeer tells the peer's SETTINGS_QPACK_MAX_TABLE_CAPACITY and SETTINGS_QPACK_BLOCKED_STREAMS, 0 where it sent none. Call it
// once, when the peer's SETTINGS come, or before with the values of an earlier connection for 0-RTT (RFC 9204 section 3.2.3). The
// next section then begins to use the dynamic table. A second call may only repeat the capacity, or give it where it was 0; otherwise it
// returns an error of scope misuse and changes nothing.
func (e *Encoder) SetPeer(capacity, blockedStreams uint64) error {
	if !e.ready {
		e.Init(nil)
	}
	peer := uint32(min(capacity, maxTable))
	if e.maxEntries != 0 && capacity/overhead != e.maxEntries {
		return errPeerTwice
	}
	e.peerCapacity, e.maxEntries = peer, capacity/overhead
	e.blocked = min(blockedStreams, e.ownBlocked)
	e.target = min(peer, e.ownCapacity)
	return nil
}

// SetCapacity asks for another capacity of the dynamic table, in octets: at most what EncoderOptions and the peer allow. It takes
// effect with the first section before which no entry that would be evicted is still in use; until then nothing is inserted. A peer
// need not take change after change: behind 32 of them without an insertion the capacity stays as it is until something is inserted.
// Negative values count as 0.
func (e *Encoder) SetCapacity(n int) {
	if !e.ready {
		e.Init(nil)
	}
	e.target = uint32(min(max(n, 0), int(min(e.peerCapacity, e.ownCapacity))))
}

// SetInserting says whether sections may enter fields into the dynamic table and change its capacity, as they do at first. Without it nothing
// is said on the encoder stream: for a peer that gives no credit for it (RFC 9204 section 2.1.3). Entries that are there are still
// referred to.
func (e *Encoder) SetInserting(on bool) {
	if !e.ready {
		e.Init(nil)
	}
	e.held = !on
}

// TableSize returns the size of the dynamic table's entries in octets (RFC 9204 section 3.2.1).
func (e *Encoder) TableSize() int { return int(e.tab.size) }

// TableLen returns the number of entries in the dynamic table.
func (e *Encoder) TableLen() int { return int(e.tab.count) }

// Capacity returns the capacity of the dynamic table that the peer has been told.
func (e *Encoder) Capacity() int { return int(e.tab.max) }

// InsertCount returns how many entries were inserted so far.
func (e *Encoder) InsertCount() uint64 { return e.tab.head }

// KnownReceived returns how many of them the peer is known to have (RFC 9204 section 2.1.4).
func (e *Encoder) KnownReceived() uint64 { return e.known }

// Outstanding returns how many sections with dynamic references are not acknowledged.
func (e *Encoder) Outstanding() int { return len(e.sections) }

// Steps returns the work done since Init for the decoder stream in steps: instructions, sections looked at.
func (e *Encoder) Steps() uint64 { return e.steps }

// Err returns the error that ended e, nil if there is none. It can still encode, but what for.
func (e *Encoder) Err() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// AppendSection appends the encoded field section of a list to dst, and what must be sent for it on the encoder stream to
// instructions. Both must be sent, the instructions in the order of the calls; if the stream is reset before the section is,
// the peer's Stream Cancellation settles it. Names must be in lower case (RFC 9114 section 4.2); the encoder takes any octets. A
// sensitive field is never indexed (RFC 9204 section 4.5.4).
//
// The two slices must not share memory. Stream ids have 62 bits.
func (e *Encoder) AppendSection(dst, instructions []byte, stream uint64, fields []codec.Field) (section, encoder []byte) {
	if !e.ready {
		e.Init(nil)
	}
	instructions = e.changeCapacity(instructions)
	e.cur.stream, e.cur.required, e.cur.min = stream, 0, noEntry
	e.base, e.risk = e.tab.head, riskUnknown
	e.staticO = e.tab.max == 0 || len(e.sections) >= e.maxSections
	at := len(dst)
	dst = append(dst, 0, 0) // the prefix nearly always
	for i := range fields {
		f := &fields[i]
		dst, instructions = e.appendField(dst, instructions, f.Name, f.Value, f.Sensitive)
	}
	if e.cur.required > 0 {
		var buf [maxPrefix]byte
		prefix := appendPrefix(buf[:0], e.cur.required, e.base, e.maxEntries)
		if more := len(prefix) - 2; more > 0 {
			dst = append(dst, buf[:more]...)
			copy(dst[at+len(prefix):], dst[at+2:len(dst)-more])
		}
		copy(dst[at:], prefix)
		e.record()
	}
	return dst, instructions
}

// changeCapacity tells the peer of a new capacity, if it can be used already.
func (e *Encoder) changeCapacity(out []byte) []byte {
	if e.target == e.tab.max || e.held || e.changes == maxOwnChanges {
		return out
	}
	e.cur.min = noEntry
	// RFC 9204 section 4.3.1-4: Reducing the dynamic table capacity can cause entries to be evicted. This MUST NOT cause the
	// eviction of entries that are not evictable.
	if !e.evictable(e.target) {
		return out
	}
	e.tab.setMax(e.target)
	e.changes++
	return hcode.AppendInt(out, flagCapacity, 5, uint64(e.target))
}

// evictable tells whether entries may be evicted until the table's size is at most target.
func (e *Encoder) evictable(target uint32) bool {
	size := e.tab.size
	if size <= target {
		return true
	}
	// RFC 9204 section 2.1.1-2: A dynamic table entry cannot be evicted immediately after insertion, even if it has never been
	// referenced. Once the insertion has been acknowledged and there are no outstanding references to the entry in
	// unacknowledged representations, the entry becomes evictable.
	limit := min(e.known, e.pinned())
	for abs := e.tab.oldest(); size > target; abs++ {
		if abs >= limit {
			return false
		}
		size -= e.tab.get(abs).length + overhead
	}
	return true
}

// canInsert tells whether a field of this size can be inserted now.
func (e *Encoder) canInsert(size int) bool {
	return !e.held && (e.target == e.tab.max || e.changes == maxOwnChanges) && size <= int(e.tab.max) && e.evictable(e.tab.max-uint32(size))
}

// usable tells whether the section in progress may refer to an entry.
func (e *Encoder) usable(abs uint64) bool { return abs < e.known || e.mayBlock() }

// refer notes a reference of the section in progress.
func (e *Encoder) refer(abs uint64) {
	e.cur.required = max(e.cur.required, abs+1)
	e.cur.min = min(e.cur.min, abs)
}

// draining tells whether an entry is so old that it will be evicted soon: it and what was inserted since take more than three
// quarters of the capacity (RFC 9204 section 2.1.1.1). The newest entry never is.
func (e *Encoder) draining(abs uint64) bool {
	return abs+1 < e.tab.head && 4*(e.tab.total-e.tab.get(abs).before) > 3*uint64(e.tab.max)
}

// wanted tells whether a field of this size should be in the dynamic table.
func (e *Encoder) wanted(n never, valueLen, size int) bool {
	switch e.indexing {
	case IndexUseful:
		return (n == 0 || n == neverShort && valueLen >= shortSecret) && 4*size <= 3*int(e.tab.max)
	case IndexAll:
		return size <= int(e.tab.max)
	}
	return false
}

// appendField appends a field line to dst, and the instructions that help it to ins.
func (e *Encoder) appendField(dst, ins, name, value []byte, sensitive bool) ([]byte, []byte) {
	hn := hcode.Hash(name, 0)
	st, never := staticName(name, hn)
	switch {
	case sensitive:
		return e.appendLiteral(dst, st, name, value, hn, true), ins
	case st != none:
		if i := staticPair(st, value); i != none {
			return hcode.AppendInt(dst, flagIndexed|flagIndexedStatic, 6, uint64(i)), ins
		}
	}
	if e.staticO {
		return e.appendLiteral(dst, st, name, value, hn, false), ins
	}
	size := len(name) + len(value) + overhead
	if e.wanted(never, len(value), size) {
		hv := hcode.Hash(value, hn)
		abs, found := e.findField(name, value, hv)
		if found && e.draining(abs) && e.canInsert(size) {
			// Move it to the young end instead of holding the old entry.
			ins = hcode.AppendInt(ins, flagDuplicate, 5, e.tab.head-1-abs)
			e.scratch = append(append(e.scratch[:0], name...), value...)
			young := e.add(e.scratch[:len(name)], e.scratch[len(name):], hn, hv)
			if abs = young; !e.usable(abs) {
				return e.appendLiteral(dst, st, name, value, hn, false), ins
			}
		} else if !found && e.canInsert(size) {
			ins = e.appendInsert(ins, st, name, value, hn)
			abs, found = e.add(name, value, hn, hv), true
		}
		if found && e.usable(abs) {
			e.refer(abs)
			if abs < e.base {
				return hcode.AppendInt(dst, flagIndexed, 6, e.base-1-abs), ins
			}
			return hcode.AppendInt(dst, flagPostBase, 4, abs-e.base), ins
		}
	}
	return e.appendLiteral(dst, st, name, value, hn, false), ins
}

// appendInsert appends the instruction that inserts a field.
func (e *Encoder) appendInsert(ins []byte, st uint8, name, value []byte, hn uint32) []byte {
	if st != none {
		ins = hcode.AppendInt(ins, flagInsertRef|flagInsertStatic, 6, uint64(st))
	} else if abs, found := e.findName(name, hn, noEntry); found {
		ins = hcode.AppendInt(ins, flagInsertRef, 6, e.tab.head-1-abs)
	} else {
		ins = e.appendString(ins, flagInsert, 5, name)
	}
	return e.appendString(ins, 0, 7, value)
}

// appendLiteral appends a field line with a literal value, and a reference for its name where there is one that costs nothing:
// an entry that the peer has, or that the section may wait for.
func (e *Encoder) appendLiteral(dst []byte, st uint8, name, value []byte, hn uint32, never bool) []byte {
	bits := func(flag byte) byte {
		if never {
			return flag
		}
		return 0
	}
	if st != none {
		dst = hcode.AppendInt(dst, flagNameRef|flagNameStatic|bits(flagNameNever), 4, uint64(st))
		return e.appendString(dst, 0, 7, value)
	}
	if !e.staticO {
		limit := e.known
		if e.cur.required > limit {
			limit = e.cur.required // it waits for that anyway
		}
		if abs, found := e.findName(name, hn, limit); found && !e.draining(abs) {
			e.refer(abs)
			if abs < e.base {
				dst = hcode.AppendInt(dst, flagNameRef|bits(flagNameNever), 4, e.base-1-abs)
			} else {
				dst = hcode.AppendInt(dst, flagPostName|bits(flagPostNever), 3, abs-e.base)
			}
			return e.appendString(dst, 0, 7, value)
		}
	}
	dst = e.appendString(dst, flagLiteral|bits(flagLiteralNever), 3, name)
	return e.appendString(dst, 0, 7, value)
}

// appendString appends a string literal (RFC 9204 section 4.1.2): the bit above the prefix says that it is in the Huffman code.
func (e *Encoder) appendString(dst []byte, flags byte, prefix uint, s []byte) []byte {
	if len(s) == 0 || e.noHuffman {
		dst = hcode.AppendInt(dst, flags, prefix, uint64(len(s)))
		return append(dst, s...)
	}
	// The length comes first and is not known yet: it takes one octet nearly always.
	at := len(dst)
	out, fits := hcode.AppendHuffmanMax(append(dst, 0), s, len(s)-1)
	if !fits {
		dst = hcode.AppendInt(out[:at], flags, prefix, uint64(len(s)))
		return append(dst, s...)
	}
	n := len(out) - at - 1
	flags |= 1 << prefix
	if more := hcode.IntLen(prefix, uint64(n)) - 1; more > 0 {
		var pad [9]byte
		out = append(out, pad[:more]...)
		copy(out[at+1+more:], out[at+1:at+1+n])
	}
	hcode.AppendInt(out[:at], flags, prefix, uint64(n))
	return out
}
