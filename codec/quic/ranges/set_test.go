package ranges

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

const universe = 8

// model is a set as the map of what is in it.
type model map[uint64]bool

func (m model) ranges() (rs []Range) {
	keys := make([]uint64, 0, len(m))
	for v := range m {
		keys = append(keys, v)
	}
	slices.Sort(keys)
	for _, v := range keys {
		if n := len(rs); n > 0 && rs[n-1].End == v {
			rs[n-1].End++
		} else {
			rs = append(rs, Range{v, v + 1})
		}
	}
	return rs
}

// evict keeps the highest ranges and returns what was evicted.
func (m model) evict(limit int) (evicted Range) {
	rs := m.ranges()
	if limit > 0 && len(rs) > limit {
		evicted = rs[0]
		for v := evicted.Start; v < evicted.End; v++ {
			delete(m, v)
		}
	}
	return evicted
}

func (m model) clone() model {
	c := model{}
	for v := range m {
		c[v] = true
	}
	return c
}

// change adds or removes and returns how many changed.
func (m model) change(add bool, start, end uint64) (n uint64) {
	for v := start; v < end; v++ {
		if m[v] != add {
			n++
		}
		if add {
			m[v] = true
		} else {
			delete(m, v)
		}
	}
	return n
}

// fromBits makes the set and the model of the numbers at base whose bits are set.
func fromBits(state uint64, base uint64, limit int) (*Set, model) {
	s, m := &Set{}, model{}
	s.SetLimit(limit)
	for v := range uint64(universe) {
		if state>>v&1 == 1 {
			s.Add(base + v)
			m[base+v] = true
		}
	}
	return s, m
}

func all(s *Set) (rs []Range) {
	for r := range s.Ascending() {
		rs = append(rs, r)
	}
	return rs
}

// TestExhaustive applies every change to every set of eight numbers, at every limit, at both ends of the integers, and compares all that
// is reported with a map.
func TestExhaustive(t *testing.T) {
	bases, limits := []uint64{0, 1, 1<<62 - universe, 1<<64 - 2 - universe}, []int{0, 1, 2, 3, 4, 5}
	if testing.Short() {
		bases, limits = []uint64{0, 1<<64 - 2 - universe}, []int{0, 1, 3}
	}
	for _, base := range bases {
		for _, limit := range limits {
			for state := range uint64(1 << universe) {
				s, m := fromBits(state, base, 0)
				if limit > 0 && s.Len() > limit {
					continue
				}
				checkQueries(t, s, m, base)
				for start := base; start <= base+universe; start++ {
					for end := base; end <= base+universe; end++ {
						checkChange(t, state, base, limit, start, end)
					}
				}
			}
		}
	}
}

func checkChange(t *testing.T, state, base uint64, limit int, start, end uint64) {
	t.Helper()
	for _, add := range []bool{true, false} {
		s, m := fromBits(state, base, limit)
		n := m.change(add, start, end)
		evicted := m.evict(limit)
		var gotN uint64
		var got Range
		if add {
			gotN, got = s.AddRange(start, end)
		} else {
			gotN, got = s.RemoveRange(start, end)
		}
		if gotN != n || got != evicted || !slices.Equal(all(s), m.ranges()) {
			t.Fatalf("%b at %d, limit %d, add %v %d-%d: %d %v %v, want %d %v %v", state, base, limit, add, start, end, gotN, got, all(s), n, evicted, m.ranges())
		}

		s, m = fromBits(state, base, limit)
		before := m.clone()
		n = m.change(add, start, end)
		fits := limit == 0 || len(m.ranges()) <= limit
		if !fits {
			n, m = 0, before
		}
		var ok bool
		if add {
			gotN, ok = s.TryAddRange(start, end)
		} else {
			gotN, ok = s.TryRemoveRange(start, end)
		}
		if gotN != n || ok != fits || !slices.Equal(all(s), m.ranges()) {
			t.Fatalf("%b at %d, limit %d, try add %v %d-%d: %d %v %v, want %d %v %v", state, base, limit, add, start, end, gotN, ok, all(s), n, fits, m.ranges())
		}
	}
}

func checkQueries(t *testing.T, s *Set, m model, base uint64) {
	t.Helper()
	want := m.ranges()
	require.Equal(t, want, all(s))
	require.Equal(t, len(want), s.Len())
	require.Equal(t, len(want) == 0, s.Empty())
	require.Equal(t, uint64(len(m)), s.Size())
	var down []Range
	for r := range s.Descending() {
		down = append(down, r)
	}
	slices.Reverse(down)
	require.Equal(t, want, down)
	for i, r := range want {
		require.Equal(t, r, s.At(i))
	}
	if len(want) > 0 {
		require.Equal(t, want[0], s.First())
		require.Equal(t, want[len(want)-1], s.Last())
	} else {
		require.Equal(t, Range{}, s.First())
		require.Equal(t, Range{}, s.Last())
	}
	for v := base; v <= base+universe; v++ {
		if s.Contains(v) != m[v] {
			t.Fatalf("%v contains %d: %v", want, v, s.Contains(v))
		}
		var in, next Range
		for _, r := range want {
			if r.Contains(v) {
				in = r
			}
			if next.Empty() && r.End > v {
				next = Range{max(v, r.Start), r.End}
			}
		}
		if s.Find(v) != in || s.Next(v) != next {
			t.Fatalf("%v at %d: find %v, next %v, want %v, %v", want, v, s.Find(v), s.Next(v), in, next)
		}
		for end := base; end <= base+universe; end++ {
			covered := true
			var gap Range
			for u := v; u < end; u++ {
				covered = covered && m[u]
				if !m[u] && gap.Empty() {
					gap = Range{u, u + 1}
				} else if !m[u] && gap.End == u {
					gap.End++
				}
			}
			if s.ContainsRange(v, end) != covered || s.NextGap(v, end) != gap {
				t.Fatalf("%v contains %d-%d: %v; gap %v, want %v", want, v, end, s.ContainsRange(v, end), s.NextGap(v, end), gap)
			}
		}
	}
}

func TestRange(t *testing.T) {
	require.Equal(t, uint64(2), Range{3, 5}.Len())
	require.Equal(t, uint64(0), Range{5, 3}.Len())
	require.True(t, Range{5, 5}.Empty())
	require.False(t, Range{5, 5}.Contains(5))
	require.True(t, Range{5, 6}.Contains(5))
	require.False(t, Range{5, 6}.Contains(6))
}

func TestAddBeyond(t *testing.T) {
	var s Set
	added, _ := s.Add(1<<64 - 1)
	require.False(t, added, "2^64-1 is the one value that cannot be in a set")
	require.True(t, s.Empty())
	added, _ = s.Add(1<<64 - 2)
	require.True(t, added)
	added, _ = s.Add(1<<64 - 2)
	require.False(t, added)
	require.True(t, s.Contains(1<<64-2))
}

func TestSetLimit(t *testing.T) {
	var s Set
	for v := range uint64(10) {
		s.Add(2 * v)
	}
	s.SetLimit(3)
	require.Equal(t, []Range{{14, 15}, {16, 17}, {18, 19}}, all(&s))
	require.Equal(t, 3, s.Limit())
	s.SetLimit(-1)
	require.Equal(t, 0, s.Limit())
	s.Add(30)
	require.Equal(t, 4, s.Len())
	s.Clear()
	require.True(t, s.Empty())
}

func TestRemoveBelow(t *testing.T) {
	var s Set
	s.AddRange(0, 5)
	s.AddRange(7, 9)
	require.Equal(t, uint64(6), s.RemoveBelow(8))
	require.Equal(t, []Range{{8, 9}}, all(&s))
}

// TestStopEarly: an iteration ends where its user ends it.
func TestStopEarly(t *testing.T) {
	var s Set
	for v := range uint64(5) {
		s.Add(2 * v)
	}
	n := 0
	for range s.Ascending() {
		if n++; n == 2 {
			break
		}
	}
	for range s.Descending() {
		if n++; n == 4 {
			break
		}
	}
	require.Equal(t, 4, n)
}

func TestMemory(t *testing.T) {
	const limit = 64
	require.Equal(t, uintptr(40), unsafe.Sizeof(Set{}))
	require.Equal(t, uintptr(16), unsafe.Sizeof(Range{}))
	var s, grown Set
	s.SetLimit(limit)
	grown.SetLimit(limit)
	s.Reserve(limit + 1)
	for v := range uint64(10_000) {
		s.Add(2 * v)
		grown.Add(2 * v)
	}
	require.Equal(t, limit+1, cap(s.r))
	require.LessOrEqual(t, cap(grown.r), 2*(limit+1))
	s.Reserve(3)
	require.Equal(t, limit+1, cap(s.r), "never less")
}

func TestNoAllocation(t *testing.T) {
	var s Set
	s.SetLimit(32)
	s.Reserve(33)
	v, sum := uint64(0), uint64(0)
	n := testing.AllocsPerRun(1000, func() {
		v += 2
		s.Add(v)
		s.AddRange(v-9, v-3)
		s.RemoveRange(v-20, v-10)
		s.TryAddRange(v+10, v+11)
		s.TryRemoveRange(v+10, v+11)
		for r := range s.Descending() {
			sum += r.Start
		}
		for r := range s.Ascending() {
			sum += r.End
		}
		s.RemoveBelow(v - 50)
	})
	require.Zero(t, n)
	require.NotZero(t, sum)
}

// TestSteps: ascending values cost the same each, whatever the number of ranges; the worst order costs no more than the ranges there
// may be; a range that swallows many pays for each once.
func TestSteps(t *testing.T) {
	const limit, n = 64, 100_000
	var up Set
	up.SetLimit(limit)
	for v := range uint64(n) {
		up.Add(v)
	}
	require.LessOrEqual(t, up.Steps(), uint64(3*n))

	var gaps Set
	gaps.SetLimit(limit)
	for v := range uint64(n) {
		gaps.Add(2 * v) // one is evicted each time
	}
	require.LessOrEqual(t, gaps.Steps(), uint64((limit+4)*n))

	var down Set
	down.SetLimit(limit)
	for v := range uint64(n) {
		down.Add(4*n - 2*v) // does not get in once the set is full
	}
	require.LessOrEqual(t, down.Steps(), uint64((2*limit+16)*n))

	var free Set
	for v := range uint64(n) {
		free.Add(2 * v)
	}
	before := free.Steps()
	added, _ := free.AddRange(0, 2*n)
	require.Equal(t, uint64(n), added)
	require.LessOrEqual(t, free.Steps()-before, uint64(2*n+32))
	require.Equal(t, []Range{{0, 2 * n}}, all(&free))
}

// FuzzSet runs operations, four bytes each, on a Set and on a map.
func FuzzSet(f *testing.F) {
	f.Add([]byte{3, 0, 1, 5, 0, 7, 2, 2, 3, 1, 3, 0})
	f.Add([]byte{1, 0, 0, 1, 0, 9, 1, 0, 4, 1, 1, 1, 5, 6, 0, 0})
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, 301)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) == 0 {
			return
		}
		limit := int(ops[0] % 9)
		ops = ops[1:min(len(ops), 1201)]
		s, m := &Set{}, model{}
		s.SetLimit(limit)
		for ; len(ops) >= 3; ops = ops[3:] {
			start := uint64(ops[1])
			end := start + uint64(ops[2]%32)
			add := ops[0]&1 == 0
			if ops[0]&2 == 0 {
				want := m.change(add, start, end)
				wantEvicted := m.evict(limit)
				f := s.AddRange
				if !add {
					f = s.RemoveRange
				}
				n, e := f(start, end)
				if n != want || e != wantEvicted {
					t.Fatalf("%d %v, want %d %v", n, e, want, wantEvicted)
				}
			} else {
				before := m.clone()
				want := m.change(add, start, end)
				fits := limit == 0 || len(m.ranges()) <= limit
				if !fits {
					want, m = 0, before
				}
				f := s.TryAddRange
				if !add {
					f = s.TryRemoveRange
				}
				n, ok := f(start, end)
				if n != want || ok != fits {
					t.Fatalf("%d %v, want %d %v", n, ok, want, fits)
				}
			}
			if !slices.Equal(all(s), m.ranges()) {
				t.Fatalf("%v, want %v", all(s), m.ranges())
			}
		}
	})
}
