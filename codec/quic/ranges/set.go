package ranges

import "iter"

// Range is the integers from Start to End-1. It is empty if End is not above Start.
type Range struct {
	Start, End uint64
}

// Len returns how many integers r has.
func (r Range) Len() uint64 {
	if r.Empty() {
		return 0
	}
	return r.End - r.Start
}

// Empty tells whether r has no integers.
func (r Range) Empty() bool { return r.End <= r.Start }

// Contains tells whether v is in r.
func (r Range) Contains(v uint64) bool { return r.Start <= v && v < r.End }

// Set is a set of unsigned integers. The zero Set is empty and has no limit.
type Set struct {
	r     []Range // ascending, none empty, none touching the next
	limit int     // 0: none
	steps uint64
}

// SetLimit sets the largest number of disjoint ranges, n. Zero and negative mean none. If the set has more, the lowest are
// evicted.
func (s *Set) SetLimit(n int) {
	s.limit = max(n, 0)
	if s.limit > 0 && len(s.r) > s.limit {
		s.cut(0, len(s.r)-s.limit)
	}
}

// Limit returns what SetLimit set, 0 for none.
func (s *Set) Limit() int { return s.limit }

// Reserve makes room for n disjoint ranges, so that nothing is allocated while there are no more of them than that. A set that is to be full
// at its limit needs room for one more than the limit.
func (s *Set) Reserve(n int) {
	if n > cap(s.r) {
		r := make([]Range, len(s.r), n)
		copy(r, s.r)
		s.r = r
	}
}

// Len returns the number of disjoint ranges.
func (s *Set) Len() int { return len(s.r) }

// Empty tells whether nothing is in the set.
func (s *Set) Empty() bool { return len(s.r) == 0 }

// At returns range i in ascending order, from 0 to Len()-1. It panics beyond that.
func (s *Set) At(i int) Range { return s.r[i] }

// First returns the lowest range. It is empty if the set is.
func (s *Set) First() Range {
	if len(s.r) == 0 {
		return Range{}
	}
	return s.r[0]
}

// Last returns the highest range. It is empty if the set is.
func (s *Set) Last() Range {
	if len(s.r) == 0 {
		return Range{}
	}
	return s.r[len(s.r)-1]
}

// Size returns how many integers are in the set. It looks at every range.
func (s *Set) Size() (n uint64) {
	for _, r := range s.r {
		n += r.End - r.Start
	}
	return n
}

// Ascending steps through the ranges from the lowest up. The set must not change meanwhile.
func (s *Set) Ascending() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for _, r := range s.r {
			if !yield(r) {
				return
			}
		}
	}
}

// Descending steps through the ranges from the highest down. The set must not change meanwhile.
func (s *Set) Descending() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for i := len(s.r) - 1; i >= 0; i-- {
			if !yield(s.r[i]) {
				return
			}
		}
	}
}

// Contains tells whether v is in the set.
func (s *Set) Contains(v uint64) bool { return s.Find(v).End > v }

// ContainsRange tells whether all of start to end-1 is in the set. It is true of an empty range.
func (s *Set) ContainsRange(start, end uint64) bool {
	return end <= start || s.Find(start).End >= end
}

// Find returns the range that v is in. It is empty if v is not in the set: then Range{}.
func (s *Set) Find(v uint64) Range {
	if i := s.ending(v); i < len(s.r) && s.r[i].Start <= v {
		return s.r[i]
	}
	return Range{}
}

// Next returns the part at and above v of the first range that has one: the range that v is in from v on, else the next higher
// range. It is empty if there is none.
func (s *Set) Next(v uint64) Range {
	if i := s.ending(v); i < len(s.r) {
		return Range{max(s.r[i].Start, v), s.r[i].End}
	}
	return Range{}
}

// NextGap returns the first integers at and above v that are not in the set, up to limit (not included). It is empty if all
// of v to limit-1 is in the set.
func (s *Set) NextGap(v, limit uint64) Range {
	i := s.ending(v)
	if i < len(s.r) && s.r[i].Start <= v {
		v = s.r[i].End
		i++
	}
	if i < len(s.r) {
		limit = min(limit, s.r[i].Start)
	}
	if v >= limit {
		return Range{}
	}
	return Range{v, limit}
}

// Steps returns the work done by all changes since the set was new: ranges looked at, merged, removed and moved.
func (s *Set) Steps() uint64 { return s.steps }

// Clear empties the set. It keeps its memory and its limit.
func (s *Set) Clear() { s.r = s.r[:0] }

// ending returns the index of the first range that ends above v, Len() if there is none.
func (s *Set) ending(v uint64) int {
	n := len(s.r)
	if n == 0 || s.r[n-1].End <= v {
		return n
	}
	if s.r[n-1].Start <= v {
		return n - 1
	}
	lo, hi := 0, n-1 // s.r[hi] ends above v
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if s.r[mid].End > v {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// cut removes the ranges i to j-1.
func (s *Set) cut(i, j int) {
	s.steps += uint64(len(s.r) - i)
	s.r = s.r[:i+copy(s.r[i:], s.r[j:])]
}

// insert puts r in front of range i.
func (s *Set) insert(i int, r Range) {
	s.r = append(s.r, r)
	if i < len(s.r)-1 {
		s.steps += uint64(len(s.r) - i)
		copy(s.r[i+1:], s.r[i:])
		s.r[i] = r
	}
}

// evict keeps the limit after one range was added.
func (s *Set) evict() (evicted Range) {
	if s.limit > 0 && len(s.r) > s.limit {
		evicted = s.r[0]
		s.cut(0, 1)
	}
	return evicted
}
