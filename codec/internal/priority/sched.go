package priority

import "math/bits"

// Scheduler decides which stream sends next, after RFC 9218 section 10: the most urgent level that has something to send;
// within it non-incremental streams one after the other in the order of their identifiers, and incremental ones in turn. If a
// level has both, the non-incremental ones together have the share of one incremental stream, so neither kind
// starves.
//
// Streams are known by their slot in the connection's stream table. The lists run through an array of nodes that is
// parallel to that table; nothing is allocated but in Grow. Choosing is O(1), so are removing and rotating; pushing a non-incremental
// stream looks for its place among those of its level, from both ends.
type Scheduler[ID uint32 | uint64] struct {
	nodes  []node[ID]
	levels [8]schedLevel
	ready  uint8 // bit u: levels[u] is not empty
	count  int
}

// NodeBytes is what a slot costs with identifiers of 32 bits; 8 octets more with 64.
const NodeBytes = 16

type node[ID uint32 | uint64] struct {
	next, prev int32
	stream     ID
	prio       Priority
	queued     bool
}

type schedLevel struct {
	seq, ring schedList
	served    int // turns of the ring since the last one of seq
}

type schedList struct {
	head, tail int32 // valid if n > 0
	n          int
}

// Reset empties the queue and keeps its memory.
func (s *Scheduler[ID]) Reset() {
	clear(s.nodes)
	*s = Scheduler[ID]{nodes: s.nodes}
}

// Len returns how many streams are in the queue.
func (s *Scheduler[ID]) Len() int { return s.count }

// Slots returns for how many slots there is room.
func (s *Scheduler[ID]) Slots() int { return len(s.nodes) }

// Grow makes room for slots 0 to n-1.
func (s *Scheduler[ID]) Grow(n int) {
	if n > len(s.nodes) {
		s.nodes = append(s.nodes, make([]node[ID], n-len(s.nodes))...)
	}
}

// Queued reports whether the slot is in the queue.
func (s *Scheduler[ID]) Queued(slot int32) bool { return s.nodes[slot].queued }

// Push puts the stream into the queue: it has something to send and may. If it is there already nothing changes.
func (s *Scheduler[ID]) Push(slot int32, stream ID, p Priority) {
	n := &s.nodes[slot]
	if n.queued {
		return
	}
	n.queued, n.stream, n.prio = true, stream, p
	n.prio.Urgency = min(p.Urgency, 7)
	l := &s.levels[n.prio.Urgency]
	if n.prio.Incremental {
		s.insert(&l.ring, slot, l.ring.tail)
	} else {
		s.insert(&l.seq, slot, s.place(&l.seq, stream))
	}
	s.ready |= 1 << n.prio.Urgency
	s.count++
}

// place returns the node behind which the stream belongs, -1 for the front.
func (s *Scheduler[ID]) place(l *schedList, stream ID) int32 {
	if l.n == 0 || s.nodes[l.head].stream > stream {
		return -1
	}
	front, back := l.head, l.tail
	for {
		if s.nodes[back].stream < stream {
			return back
		}
		back = s.nodes[back].prev
		next := s.nodes[front].next
		if s.nodes[next].stream > stream {
			return front
		}
		front = next
	}
}

// insert puts the slot behind the node after; with -1, or into an empty list, in front.
func (s *Scheduler[ID]) insert(l *schedList, slot, after int32) {
	n := &s.nodes[slot]
	switch {
	case l.n == 0:
		n.prev, n.next = -1, -1
		l.head, l.tail = slot, slot
	case after < 0:
		n.prev, n.next = -1, l.head
		s.nodes[l.head].prev = slot
		l.head = slot
	default:
		n.prev, n.next = after, s.nodes[after].next
		s.nodes[after].next = slot
		if n.next < 0 {
			l.tail = slot
		} else {
			s.nodes[n.next].prev = slot
		}
	}
	l.n++
}

func (s *Scheduler[ID]) unlink(l *schedList, slot int32) {
	n := &s.nodes[slot]
	if n.prev < 0 {
		l.head = n.next
	} else {
		s.nodes[n.prev].next = n.next
	}
	if n.next < 0 {
		l.tail = n.prev
	} else {
		s.nodes[n.next].prev = n.prev
	}
	l.n--
}

// Remove takes the slot out of the queue: nothing to send, no window, or closed.
func (s *Scheduler[ID]) Remove(slot int32) {
	n := &s.nodes[slot]
	if !n.queued {
		return
	}
	l := &s.levels[n.prio.Urgency]
	if n.prio.Incremental {
		s.unlink(&l.ring, slot)
	} else {
		s.unlink(&l.seq, slot)
	}
	n.queued = false
	s.count--
	if l.seq.n+l.ring.n == 0 {
		s.ready &^= 1 << n.prio.Urgency
		l.served = 0
	}
}

// Reprioritize changes the priority of the slot. It has no effect on a slot that is not in the queue.
func (s *Scheduler[ID]) Reprioritize(slot int32, p Priority) {
	n := &s.nodes[slot]
	p.Urgency = min(p.Urgency, 7)
	if !n.queued || n.prio == p {
		return
	}
	s.Remove(slot)
	s.Push(slot, n.stream, p)
}

// Next returns the slot that sends next, -1 if the queue is empty. It stays in the queue.
func (s *Scheduler[ID]) Next() int32 {
	if s.ready == 0 {
		return -1
	}
	l := &s.levels[bits.TrailingZeros8(s.ready)]
	if l.seq.n > 0 && (l.ring.n == 0 || l.served >= l.ring.n) {
		return l.seq.head
	}
	return l.ring.head
}

// Served tells that the slot has had its turn: an incremental stream goes behind the others of its level.
func (s *Scheduler[ID]) Served(slot int32) {
	n := &s.nodes[slot]
	if !n.queued {
		return
	}
	l := &s.levels[n.prio.Urgency]
	if !n.prio.Incremental {
		l.served = 0
		return
	}
	l.served++
	if l.ring.tail != slot {
		s.unlink(&l.ring, slot)
		s.insert(&l.ring, slot, l.ring.tail)
	}
}
