package priority

import (
	"math/rand"
	"slices"
	"testing"
	"unsafe"
)

// naive is the scheduler by its definition: a list of queued streams in the order in which the ring turns.
type naive struct {
	queue  []naiveStream
	served [8]int
}

type naiveStream struct {
	slot   int32
	stream uint32
	prio   Priority
}

func (m *naive) index(slot int32) int {
	return slices.IndexFunc(m.queue, func(x naiveStream) bool { return x.slot == slot })
}

func (m *naive) push(slot int32, stream uint32, p Priority) {
	if m.index(slot) < 0 {
		m.queue = append(m.queue, naiveStream{slot, stream, p})
	}
}

func (m *naive) remove(slot int32) {
	i := m.index(slot)
	if i < 0 {
		return
	}
	u := m.queue[i].prio.Urgency
	m.queue = slices.Delete(m.queue, i, i+1)
	if !slices.ContainsFunc(m.queue, func(x naiveStream) bool { return x.prio.Urgency == u }) {
		m.served[u] = 0
	}
}

func (m *naive) reprioritize(slot int32, p Priority) {
	if i := m.index(slot); i >= 0 && m.queue[i].prio != p {
		x := m.queue[i]
		m.remove(slot)
		m.push(slot, x.stream, p)
	}
}

func (m *naive) next() int32 {
	for u := uint8(0); u < 8; u++ {
		seq, ring, n := naiveStream{slot: -1}, naiveStream{slot: -1}, 0
		for _, x := range m.queue {
			switch {
			case x.prio.Urgency != u:
			case x.prio.Incremental:
				if n++; n == 1 {
					ring = x
				}
			case seq.slot < 0 || x.stream < seq.stream:
				seq = x
			}
		}
		if seq.slot >= 0 && (n == 0 || m.served[u] >= n) {
			return seq.slot
		}
		if n > 0 {
			return ring.slot
		}
	}
	return -1
}

func (m *naive) turn(slot int32) {
	i := m.index(slot)
	if i < 0 {
		return
	}
	x := m.queue[i]
	if !x.prio.Incremental {
		m.served[x.prio.Urgency] = 0
		return
	}
	m.served[x.prio.Urgency]++
	m.queue = append(slices.Delete(m.queue, i, i+1), x)
}

// pair drives both and compares their choices.
type pair struct {
	t *testing.T
	s Scheduler[uint32]
	m naive
}

func (p *pair) do(op int, slot int32, prio Priority) {
	stream := uint32(slot*7%31)*2 + 1 // slots are not in the order of the streams
	switch op {
	case 0:
		p.s.Push(slot, stream, prio)
		p.m.push(slot, stream, prio)
	case 1:
		p.s.Remove(slot)
		p.m.remove(slot)
	case 2:
		p.s.Reprioritize(slot, prio)
		p.m.reprioritize(slot, prio)
	case 3:
		p.s.Served(slot)
		p.m.turn(slot)
	case 4:
		if n := p.s.Next(); n >= 0 {
			p.s.Served(n)
			p.m.turn(n)
		}
	}
	if got, want := p.s.Next(), p.m.next(); got != want {
		p.t.Fatalf("after op %d on slot %d %v: next %d, model %d", op, slot, prio, got, want)
	}
	if p.s.count != len(p.m.queue) || p.s.Queued(slot) != (p.m.index(slot) >= 0) {
		p.t.Fatalf("after op %d on slot %d: %d queued, model %d", op, slot, p.s.count, len(p.m.queue))
	}
}

func (p *pair) clone() *pair {
	q := *p
	q.s.nodes = slices.Clone(p.s.nodes)
	q.m.queue = slices.Clone(p.m.queue)
	return &q
}

// TestSchedulerExhaustive tries every sequence of operations on three streams of two levels and both kinds.
func TestSchedulerExhaustive(t *testing.T) {
	depth := 5
	if testing.Short() {
		depth = 4
	}
	prios := []Priority{{3, false}, {3, true}, {1, true}}
	var walk func(p *pair, depth int)
	walk = func(p *pair, depth int) {
		if depth == 0 {
			return
		}
		for slot := int32(0); slot < 3; slot++ {
			for _, prio := range prios {
				for _, op := range []int{0, 2} {
					q := p.clone()
					q.do(op, slot, prio)
					walk(q, depth-1)
				}
			}
			q := p.clone()
			q.do(1, slot, Priority{})
			walk(q, depth-1)
		}
		q := p.clone()
		q.do(4, 0, Priority{})
		walk(q, depth-1)
	}
	p := &pair{t: t}
	p.s.Grow(3)
	walk(p, depth-1)
}

func TestSchedulerRandom(t *testing.T) {
	for seed := int64(0); seed < 50; seed++ {
		r := rand.New(rand.NewSource(seed))
		p := &pair{t: t}
		n := 1 + r.Intn(30)
		p.s.Grow(n)
		for i := 0; i < 2000; i++ {
			p.do(r.Intn(5), int32(r.Intn(n)), Priority{uint8(r.Intn(1 + r.Intn(8))), r.Intn(2) == 0})
		}
	}
}

// RFC 9218 section 10-5: Non-incremental responses of the same urgency SHOULD be served by prioritizing bandwidth allocation in
// ascending order of the stream ID. Section 10-6: Incremental responses of the same urgency SHOULD be served by sharing bandwidth
// among them.
func TestSchedulerShares(t *testing.T) {
	var s Scheduler[uint32]
	s.Grow(8)
	for slot := int32(0); slot < 6; slot++ {
		s.Push(slot, uint32(2*slot+1), Priority{3, slot >= 2}) // 0, 1 in order; 2-5 in turn
	}
	s.Push(7, 15, Priority{4, true}) // less urgent: waits
	turns := map[int32]int{}
	for i := 0; i < 500; i++ {
		n := s.Next()
		turns[n]++
		s.Served(n)
	}
	for slot, want := range map[int32]int{0: 100, 1: 0, 2: 100, 3: 100, 4: 100, 5: 100, 7: 0} {
		if turns[slot] != want {
			t.Errorf("slot %d had %d turns of 500, want %d", slot, turns[slot], want)
		}
	}
	for slot := int32(0); slot < 6; slot++ {
		s.Remove(slot)
	}
	if s.Next() != 7 {
		t.Error("the less urgent stream does not get the idle connection")
	}
}

func TestNodeBytes(t *testing.T) {
	if n, m := unsafe.Sizeof(node[uint32]{}), unsafe.Sizeof(node[uint64]{}); n != NodeBytes || m != NodeBytes+8 {
		t.Errorf("%d and %d bytes", n, m)
	}
}

func TestSchedulerAllocs(t *testing.T) {
	var s Scheduler[uint32]
	s.Grow(100)
	if n := testing.AllocsPerRun(10, func() {
		for slot := int32(0); slot < 100; slot++ {
			s.Push(slot, uint32(slot), Priority{uint8(slot % 8), slot%3 == 0})
		}
		for i := 0; i < 300; i++ {
			s.Served(s.Next())
		}
		for slot := int32(0); slot < 100; slot++ {
			s.Remove(slot)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScheduler(b *testing.B) {
	var s Scheduler[uint32]
	s.Grow(100)
	for slot := int32(0); slot < 100; slot++ {
		s.Push(slot, uint32(slot), Priority{3, true})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Served(s.Next())
	}
}
