package ranges

import "math/bits"

// Add adds v. See AddRange.
func (s *Set) Add(v uint64) (added bool, evicted Range) {
	if v+1 == 0 {
		return false, Range{}
	}
	n, evicted := s.AddRange(v, v+1)
	return n > 0, evicted
}

// AddRange adds start to end-1; nothing if end is not above start. added is how many of them were not in the set. If there
// are more ranges than the limit then, the lowest is evicted and returned, even if it is the one that was added; else
// evicted is empty.
func (s *Set) AddRange(start, end uint64) (added uint64, evicted Range) {
	if end <= start {
		return 0, Range{}
	}
	i, j := s.touching(start, end)
	if i == j {
		s.insert(i, Range{start, end})
		return end - start, s.evict()
	}
	return s.merge(i, j, start, end), Range{}
}

// TryAddRange adds start to end-1 unless there would be more ranges than the limit. ok is false and nothing has changed then.
// added is how many of them were not in the set.
func (s *Set) TryAddRange(start, end uint64) (added uint64, ok bool) {
	if end <= start {
		return 0, true
	}
	i, j := s.touching(start, end)
	if i == j {
		if s.limit > 0 && len(s.r) >= s.limit {
			return 0, false
		}
		s.insert(i, Range{start, end})
		return end - start, true
	}
	return s.merge(i, j, start, end), true
}

// touching returns the ranges i to j-1 that overlap or touch start to end-1. If there are none, both are where it belongs.
func (s *Set) touching(start, end uint64) (i, j int) {
	if start > 0 {
		i = s.ending(start - 1)
	}
	j = i
	for j < len(s.r) && s.r[j].Start <= end {
		j++
	}
	s.steps += uint64(1 + bits.Len(uint(len(s.r)-i)) + j - i)
	return i, j
}

// merge makes one range of the ranges i to j-1, at least one, and start to end-1, which overlap or touch them.
func (s *Set) merge(i, j int, start, end uint64) (added uint64) {
	whole := Range{min(start, s.r[i].Start), max(end, s.r[j-1].End)}
	added = whole.Len()
	for _, r := range s.r[i:j] {
		added -= r.End - r.Start
	}
	s.r[i] = whole
	if j > i+1 {
		s.cut(i+1, j)
	}
	return added
}

// RemoveRange removes start to end-1; nothing if end is not above start. removed is how many of them were in the set. If it splits
// a range and there are more than the limit then, the lowest is evicted and returned, beside what was removed.
func (s *Set) RemoveRange(start, end uint64) (removed uint64, evicted Range) {
	i, j, split := s.overlapping(start, end)
	removed = s.remove(i, j, start, end)
	if split {
		evicted = s.evict()
	}
	return removed, evicted
}

// TryRemoveRange removes start to end-1 unless that splits a range and there would be more ranges than the limit. ok is false and
// nothing has changed then. removed is how many of them were in the set.
func (s *Set) TryRemoveRange(start, end uint64) (removed uint64, ok bool) {
	i, j, split := s.overlapping(start, end)
	if split && s.limit > 0 && len(s.r) >= s.limit {
		return 0, false
	}
	return s.remove(i, j, start, end), true
}

// RemoveBelow removes everything below v. removed is how many integers that were.
func (s *Set) RemoveBelow(v uint64) (removed uint64) {
	removed, _ = s.RemoveRange(0, v) // splits nothing
	return removed
}

// overlapping returns the ranges i to j-1 that overlap start to end-1, and whether that lies within one of them and
// touches neither of its ends.
func (s *Set) overlapping(start, end uint64) (i, j int, split bool) {
	if end <= start {
		return 0, 0, false
	}
	i = s.ending(start)
	for j = i; j < len(s.r) && s.r[j].Start < end; j++ {
	}
	s.steps += uint64(1 + bits.Len(uint(len(s.r)-i)) + j - i)
	return i, j, j == i+1 && s.r[i].Start < start && s.r[i].End > end
}

// remove removes start to end-1 from the ranges i to j-1, all of which overlap it.
func (s *Set) remove(i, j int, start, end uint64) (removed uint64) {
	if i == j {
		return 0
	}
	for _, r := range s.r[i:j] {
		removed += min(r.End, end) - max(r.Start, start)
	}
	low, high := Range{s.r[i].Start, start}, Range{end, s.r[j-1].End}
	if !low.Empty() {
		s.r[i] = low
		i++
		if i > j-1 && !high.Empty() { // split
			s.insert(i, high)
			return removed
		}
	}
	if !high.Empty() {
		j--
		s.r[j] = high
	}
	if i < j {
		s.cut(i, j)
	}
	return removed
}
