package qpack

// entry is one field of a dynamic table: where its octets are, name and value in one piece.
type entry struct {
	off     uint32 // counted since the table began, modulo 2^32: at buf[off-base]
	nameLen uint32
	length  uint32 // of name and value together
	before  uint64 // sizes of all entries ever inserted before it
}

// table is a dynamic table (RFC 9204 section 3.2): a queue of entries with absolute indices, and the octets of their names and
// values. Memory is allocated when the first entry comes and grows with use: buf to at most twice the table's capacity, so that
// the live octets can be moved to its front at a cost that the insertions since the last time have paid for.
type table struct {
	ents  []entry // a ring, its length a power of two
	head  uint64  // number of entries ever inserted, the Insert Count; the newest has the absolute index head-1
	count uint32
	size  uint32 // sum of entry sizes
	max   uint32 // capacity: size must not exceed it
	total uint64 // sizes of all entries ever inserted
	base  uint32 // offset of buf[0]
	buf   []byte // what lies before the oldest entry is dead
}

// reset empties the table and sets its capacity, keeping its memory.
func (t *table) reset(max uint32) {
	*t = table{ents: t.ents, max: max, buf: t.buf[:0]}
}

// oldest returns the absolute index of the oldest entry; head if there is none.
func (t *table) oldest() uint64 { return t.head - uint64(t.count) }

// alive tells whether the entry with this absolute index is in the table.
func (t *table) alive(abs uint64) bool { return t.head-1-abs < uint64(t.count) }

// get returns an entry that is alive.
func (t *table) get(abs uint64) *entry { return &t.ents[abs&uint64(len(t.ents)-1)] }

// at returns where in buf the octets of an entry that is alive are, and the lengths of its name and of both.
func (t *table) at(abs uint64) (off, nameLen, length int) {
	e := t.get(abs)
	return int(e.off - t.base), int(e.nameLen), int(e.length)
}

// whole returns buf with what lies behind its end, so that a copy of more than counts can be made.
func (t *table) whole() []byte { return t.buf[:cap(t.buf)] }

// octets returns the name and the value of an entry that is alive, in the table's own memory.
func (t *table) octets(abs uint64) (name, value []byte) {
	off, n, l := t.at(abs)
	return t.buf[off : off+n], t.buf[off+n : off+l]
}

// setMax sets the capacity and evicts what no longer fits (RFC 9204 section 3.2.2-1).
func (t *table) setMax(max uint32) {
	t.max = max
	t.evict(max)
}

// evict removes the oldest entries until size is at most target.
func (t *table) evict(target uint32) {
	for t.size > target {
		t.size -= t.get(t.oldest()).length + overhead
		t.count--
	}
}

// insert adds a field as the newest entry, evicting for it (RFC 9204 section 3.2.2). It must fit into the capacity. name and value
// must not lie in the table's own memory.
func (t *table) insert(name, value []byte) {
	n := len(name) + len(value)
	length := uint32(n)
	t.evict(t.max - length - overhead)
	if int(t.count) == len(t.ents) {
		t.growRing()
	}
	if n > cap(t.buf)-len(t.buf) {
		t.makeRoom(n)
	}
	*t.get(t.head) = entry{off: t.base + uint32(len(t.buf)), nameLen: uint32(len(name)), length: length, before: t.total}
	t.buf = append(append(t.buf, name...), value...)
	t.head++
	t.count++
	t.size += length + overhead
	t.total += uint64(length + overhead)
}

// growRing doubles the ring of entries.
func (t *table) growRing() {
	old := t.ents
	t.ents = make([]entry, max(8, 2*len(old)))
	for abs := t.oldest(); abs < t.head; abs++ {
		*t.get(abs) = old[abs&uint64(len(old)-1)]
	}
}

// makeRoom moves the live octets to the front of buf, or of a larger one if they and n more would fill over half of it.
func (t *table) makeRoom(n int) {
	live := int(t.size - overhead*t.count)
	tail := t.buf[len(t.buf)-live:]
	t.base += uint32(len(t.buf) - live)
	if need := live + n; 2*need > cap(t.buf) {
		// The entry fits into the table beside the live ones, so need is below max.
		buf := make([]byte, live, min(max(256, 4*need), max(2*int(t.max), need)))
		copy(buf, tail)
		t.buf = buf
		return
	}
	copy(t.buf[:live], tail)
	t.buf = t.buf[:live]
}
