package qpack

import (
	"bytes"
)

// link is what the index knows of an entry of the dynamic table: the hashes, and for each of the two the next older entry in the
// same bucket. Entries are named by their absolute index plus 1; those that were evicted are older than all others, so a chain
// ends at the first one that is.
type link struct {
	nameHash, fieldHash uint32
	nextName, nextField uint64
}

// index finds entries of an encoder's dynamic table by name, and by name and value, in two tables of buckets of the same
// length as the table's ring. It holds nothing but numbers.
type index struct {
	links  []link
	names  []uint64 // the newest entry in the bucket, 0 for none
	fields []uint64
}

func (x *index) reset() {
	clear(x.names)
	clear(x.fields)
}

// findField returns the absolute index of the newest entry with this name and value.
func (e *Encoder) findField(name, value []byte, hv uint32) (uint64, bool) {
	if e.tab.count == 0 {
		return 0, false
	}
	mask := uint64(len(e.idx.links) - 1)
	for seq := e.idx.fields[uint64(hv)&mask]; seq != 0 && e.tab.alive(seq-1); seq = e.idx.links[(seq-1)&mask].nextField {
		if e.idx.links[(seq-1)&mask].fieldHash != hv {
			continue
		}
		if n, v := e.tab.octets(seq - 1); bytes.Equal(v, value) && bytes.Equal(n, name) {
			return seq - 1, true
		}
	}
	return 0, false
}

// findName returns the absolute index of the newest entry with this name that is below limit.
func (e *Encoder) findName(name []byte, hn uint32, limit uint64) (uint64, bool) {
	if e.tab.count == 0 {
		return 0, false
	}
	mask := uint64(len(e.idx.links) - 1)
	for seq := e.idx.names[uint64(hn)&mask]; seq != 0 && e.tab.alive(seq-1); seq = e.idx.links[(seq-1)&mask].nextName {
		if e.idx.links[(seq-1)&mask].nameHash != hn || seq > limit {
			continue
		}
		if n, _ := e.tab.octets(seq - 1); bytes.Equal(n, name) {
			return seq - 1, true
		}
	}
	return 0, false
}

// add inserts an entry that fits, and whose insertion evicts nothing that must stay.
func (e *Encoder) add(name, value []byte, hn, hv uint32) uint64 {
	e.tab.insert(name, value)
	e.changes = 0
	if len(e.tab.ents) != len(e.idx.links) {
		e.rebuild()
	}
	abs := e.tab.head - 1
	e.link(abs, hn, hv)
	return abs
}

// link enters an entry into the buckets.
func (e *Encoder) link(abs uint64, hn, hv uint32) {
	x := &e.idx
	mask := uint64(len(x.links) - 1)
	nb, fb := &x.names[uint64(hn)&mask], &x.fields[uint64(hv)&mask]
	x.links[abs&mask] = link{hn, hv, *nb, *fb}
	*nb, *fb = abs+1, abs+1
}

// rebuild makes the index as large as the ring, which has grown, and enters all entries but the newest again.
func (e *Encoder) rebuild() {
	old := e.idx.links
	n := len(e.tab.ents)
	e.idx = index{links: make([]link, n), names: make([]uint64, n), fields: make([]uint64, n)}
	for abs := e.tab.oldest(); abs+1 < e.tab.head; abs++ {
		l := old[abs&uint64(len(old)-1)]
		e.link(abs, l.nameHash, l.fieldHash)
	}
}
