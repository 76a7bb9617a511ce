package hpack

// entry is one field of a dynamic table: where its octets are, name and value in one piece.
type entry struct {
	off     uint32 // counted since the table began, modulo 2^32: at buf[off-base]
	nameLen uint32
	length  uint32 // of name and value together
}

// table is a dynamic table (RFC 7541 section 2.3.2): a queue of entries and the octets of their names and values. Memory
// is allocated when the first entry comes and grows with use: buf to at most twice the table's size, so that the live
// octets can be moved to its front at a cost that the insertions since the last time have paid for.
type table struct {
	ents  []entry // a ring, its length a power of two
	head  uint32  // number of entries ever inserted; the newest is head-1
	count uint32
	size  uint32 // sum of entry sizes
	max   uint32 // size must not exceed it
	base  uint32 // offset of buf[0]
	buf   []byte // what lies before the oldest entry is dead
}

// reset empties the table and sets its size, keeping its memory.
func (t *table) reset(max uint32) {
	t.head, t.count, t.size, t.max, t.base = 0, 0, 0, max, 0
	t.buf = t.buf[:0]
}

// at returns where in buf the octets of the entry with dynamic index i are, 0 for the newest, and the lengths of its name and
// of both. i must be below count.
func (t *table) at(i uint32) (off, nameLen, length int) {
	e := &t.ents[(t.head-1-i)&uint32(len(t.ents)-1)]
	return int(e.off - t.base), int(e.nameLen), int(e.length)
}

// whole returns buf with what lies behind its end, so that a copy of more than counts can be made.
func (t *table) whole() []byte { return t.buf[:cap(t.buf)] }

// octets returns the name and the value of the entry with dynamic index i, in the table's own memory.
func (t *table) octets(i uint32) (name, value []byte) {
	off, n, l := t.at(i)
	return t.buf[off : off+n], t.buf[off+n : off+l]
}

// setMax sets the size of the table and evicts what no longer fits (RFC 7541 section 4.3).
func (t *table) setMax(max uint32) {
	t.max = max
	t.evict(max)
}

// evict removes the oldest entries until size is at most target.
func (t *table) evict(target uint32) {
	for t.size > target {
		e := &t.ents[(t.head-t.count)&uint32(len(t.ents)-1)]
		t.size -= e.length + overhead
		t.count--
	}
}

// clear removes every entry.
func (t *table) clear() { t.count, t.size = 0, 0 }

// insert adds a field as the newest entry, evicting for it (RFC 7541 section 4.4). It reports whether it was added: a
// field larger than the table empties it. name and value must not lie in the table's own memory.
func (t *table) insert(name, value []byte) bool {
	n := len(name) + len(value)
	if n+overhead > int(t.max) {
		t.clear()
		return false
	}
	length := uint32(n)
	t.evict(t.max - length - overhead)
	if int(t.count) == len(t.ents) {
		t.growRing()
	}
	if n > cap(t.buf)-len(t.buf) {
		t.makeRoom(n)
	}
	t.ents[t.head&uint32(len(t.ents)-1)] = entry{off: t.base + uint32(len(t.buf)), nameLen: uint32(len(name)), length: length}
	t.buf = append(append(t.buf, name...), value...)
	t.head++
	t.count++
	t.size += length + overhead
	return true
}

// growRing doubles the ring of entries.
func (t *table) growRing() {
	old := t.ents
	t.ents = make([]entry, max(8, 2*len(old)))
	for i := uint32(0); i < t.count; i++ {
		at := t.head - 1 - i
		t.ents[at&uint32(len(t.ents)-1)] = old[at&uint32(len(old)-1)]
	}
}

// live returns how many octets of buf belong to entries.
func (t *table) live() int { return int(t.size - overhead*t.count) }

// makeRoom moves the live octets to the front of buf, or of a larger one if they and n more would fill over half of it.
func (t *table) makeRoom(n int) {
	live := t.live()
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
