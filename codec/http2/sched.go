package http2

import "math/bits"

// scheduler decides which stream sends next, after RFC 9218 section 10: the most urgent level that has something to send;
// within it non-incremental streams one after the other in the order of their identifiers, and incremental ones in turn. If a
// level has both, the non-incremental ones together have the share of one incremental stream, so neither kind
// starves.
//
// Streams are known by their slot in the connection's stream table. The lists run through an array of nodes that is
// parallel to that table; nothing is allocated but in grow. Choosing is O(1), so are removing and rotating; pushing a non-incremental
// stream looks for its place among those of its level, from both ends.
type scheduler struct {
	nodes  []schedNode
	levels [8]schedLevel
	ready  uint8 // bit u: levels[u] is not empty
	count  int
}

type schedNode struct {
	next, prev int32
	stream     uint32
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

// grow makes room for slots 0 to n-1.
func (s *scheduler) grow(n int) {
	if n > len(s.nodes) {
		s.nodes = append(s.nodes, make([]schedNode, n-len(s.nodes))...)
	}
}

// queued reports whether the slot is in the queue.
func (s *scheduler) queued(slot int32) bool { return s.nodes[slot].queued }

// push puts the stream into the queue: it has something to send and may. If it is there already nothing changes.
func (s *scheduler) push(slot int32, stream uint32, p Priority) {
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
func (s *scheduler) place(l *schedList, stream uint32) int32 {
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
func (s *scheduler) insert(l *schedList, slot, after int32) {
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

func (s *scheduler) unlink(l *schedList, slot int32) {
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

// remove takes the slot out of the queue: nothing to send, no window, or closed.
func (s *scheduler) remove(slot int32) {
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

// reprioritize changes the priority of the slot. It has no effect on a slot that is not in the queue.
func (s *scheduler) reprioritize(slot int32, p Priority) {
	n := &s.nodes[slot]
	p.Urgency = min(p.Urgency, 7)
	if !n.queued || n.prio == p {
		return
	}
	s.remove(slot)
	s.push(slot, n.stream, p)
}

// next returns the slot that sends next, -1 if the queue is empty. It stays in the queue.
func (s *scheduler) next() int32 {
	if s.ready == 0 {
		return -1
	}
	l := &s.levels[bits.TrailingZeros8(s.ready)]
	if l.seq.n > 0 && (l.ring.n == 0 || l.served >= l.ring.n) {
		return l.seq.head
	}
	return l.ring.head
}

// served tells that the slot has had its turn: an incremental stream goes behind the others of its level.
func (s *scheduler) served(slot int32) {
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
