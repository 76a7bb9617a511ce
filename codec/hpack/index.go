package hpack

import (
	"bytes"

	"github.com/purewire/purewire/codec/internal/hcode"
)

// link is what the index knows of an entry of the dynamic table: the hashes, and for each of the two the next older entry in the
// same bucket. Entries are named by a sequence number; those that were evicted are older than all others, so a chain ends
// at the first one that is.
type link struct {
	nameHash, fieldHash uint32
	nextName, nextField uint32
}

// index finds entries of an encoder's dynamic table by name, and by name and value, in two tables of buckets of the same
// length as the table's ring. It holds nothing but numbers.
type index struct {
	links  []link
	names  []uint32 // sequence number of the newest entry in the bucket
	fields []uint32
}

func (x *index) reset() {
	clear(x.names)
	clear(x.fields)
}

// hashOf returns a hash of s, different for different seeds.
func hashOf(s []byte, seed uint32) uint32 { return hcode.Hash(s, seed) }

// alive tells whether the entry with this sequence number is in the table; 0 never is. Numbers begin at 1.
func (t *table) alive(seq uint32) bool { return t.head+1-seq <= t.count && seq != 0 }

// findField returns the index of the newest entry of the dynamic table with this name and value, or 0.
func (e *Encoder) findField(name, value []byte, hv uint32) uint32 {
	if e.tab.count == 0 {
		return 0
	}
	mask := uint32(len(e.idx.links) - 1)
	for seq := e.idx.fields[hv&mask]; e.tab.alive(seq); seq = e.idx.links[seq&mask].nextField {
		if e.idx.links[seq&mask].fieldHash != hv {
			continue
		}
		i := e.tab.head - seq
		if n, v := e.tab.octets(i); bytes.Equal(v, value) && bytes.Equal(n, name) {
			return staticLen + 1 + i
		}
	}
	return 0
}

// findName returns the index of the newest entry of the dynamic table with this name, or 0.
func (e *Encoder) findName(name []byte, hn uint32) uint32 {
	if e.tab.count == 0 {
		return 0
	}
	mask := uint32(len(e.idx.links) - 1)
	for seq := e.idx.names[hn&mask]; e.tab.alive(seq); seq = e.idx.links[seq&mask].nextName {
		if e.idx.links[seq&mask].nameHash != hn {
			continue
		}
		i := e.tab.head - seq
		if n, _ := e.tab.octets(i); bytes.Equal(n, name) {
			return staticLen + 1 + i
		}
	}
	return 0
}

// insert adds a field that fits into the dynamic table to it.
func (e *Encoder) insert(name, value []byte, hn, hv uint32) {
	if !e.tab.insert(name, value) {
		return
	}
	if len(e.tab.ents) != len(e.idx.links) {
		e.rebuild()
	}
	if e.tab.head&(1<<31-1) == 0 {
		e.idx.reset() // no number may stay in a bucket until it comes again; what is forgotten is found no more, only that
	}
	e.link(e.tab.head, hn, hv)
}

// link enters an entry into the buckets.
func (e *Encoder) link(seq, hn, hv uint32) {
	x := &e.idx
	mask := uint32(len(x.links) - 1)
	nb, fb := &x.names[hn&mask], &x.fields[hv&mask]
	x.links[seq&mask] = link{hn, hv, *nb, *fb}
	*nb, *fb = seq, seq
}

// rebuild makes the index as large as the ring, which has grown, and enters all entries but the newest again.
func (e *Encoder) rebuild() {
	old := e.idx.links
	n := len(e.tab.ents)
	e.idx = index{links: make([]link, n), names: make([]uint32, n), fields: make([]uint32, n)}
	for i := e.tab.count - 1; i > 0; i-- {
		seq := e.tab.head - i
		l := old[seq&uint32(len(old)-1)]
		e.link(seq, l.nameHash, l.fieldHash)
	}
}
