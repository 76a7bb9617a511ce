package fuzz

import "github.com/purewire/purewire/codec/quic/ranges"

// quicRanges runs changes on a Set beside a table of what should be in it: the numbers below 512. What a limit evicts is the lowest range,
// and is told; what is refused has changed nothing.
func quicRanges(p *Program) {
	const top = 512
	var s ranges.Set
	var in [top]bool
	s.SetLimit(p.N(9))
	set := func(start, end uint64, value bool) (changed uint64) {
		for v := start; v < end; v++ {
			if in[v] != value {
				in[v] = value
				changed++
			}
		}
		return changed
	}
	for p.More() {
		start := uint64(p.N(256)) + uint64(p.N(256))
		end := min(start+uint64(Pick(p, 1, 0, 2, 5, 40, 200)), top)
		before := in
		var got, want uint64
		var evicted ranges.Range
		ok := true
		op := p.N(6)
		switch op {
		case 0:
			want = set(start, end, true)
			got, evicted = s.AddRange(start, end)
		case 1:
			want = set(start, end, false)
			got, evicted = s.RemoveRange(start, end)
		case 2:
			want = set(start, end, true)
			got, ok = s.TryAddRange(start, end)
		case 3:
			want = set(start, end, false)
			got, ok = s.TryRemoveRange(start, end)
		case 4:
			want = set(0, start, false)
			got = s.RemoveBelow(start)
		case 5:
			var added bool
			want = set(start, start+1, true)
			if added, evicted = s.Add(start); added {
				got = 1
			}
		}
		count, lowest := runs(in[:])
		over := s.Limit() > 0 && count > s.Limit()
		switch {
		case !ok && (!over || got != 0):
			p.Fail("operation %d of %d to %d is refused: %d ranges, limit %d", op, start, end, count, s.Limit())
		case !ok:
			in = before
		case got != want:
			p.Fail("operation %d of %d to %d has changed %d, not %d", op, start, end, got, want)
		case over && evicted != lowest || !over && !evicted.Empty():
			p.Fail("operation %d of %d to %d has evicted %v: %d ranges, limit %d, the lowest %v", op, start, end, evicted, count, s.Limit(), lowest)
		}
		set(evicted.Start, evicted.End, false)
		checkRanges(p, &s, in[:])
	}
}

// runs counts the runs of a table, and returns the lowest.
func runs(in []bool) (n int, lowest ranges.Range) {
	for v := range in {
		if in[v] && (v == 0 || !in[v-1]) {
			if n++; n == 1 {
				lowest.Start = uint64(v)
			}
		}
		if in[v] && n == 1 {
			lowest.End = uint64(v) + 1
		}
	}
	return n, lowest
}

// checkRanges compares a set with the table.
func checkRanges(p *Program, s *ranges.Set, in []bool) {
	n, lowest := runs(in)
	if s.Len() != n || s.First() != lowest {
		p.Fail("%d ranges, the first %v, not %d and %v", s.Len(), s.First(), n, lowest)
	}
	var size, end uint64
	for r := range s.Ascending() {
		if r.Empty() || size > 0 && r.Start <= end {
			p.Fail("range %v behind %d", r, end)
		}
		for v := r.Start; v < r.End; v++ {
			if v >= uint64(len(in)) || !in[v] {
				p.Fail("%d is in the set", v)
			}
		}
		size, end = size+r.Len(), r.End
	}
	if size != s.Size() {
		p.Fail("the set has %d integers, and says %d", size, s.Size())
	}
	v := uint64(p.N(256)) * 2
	if s.Contains(v) != in[v] || s.Find(v).Empty() == in[v] || in[v] && s.NextGap(v, v+1) != (ranges.Range{}) {
		p.Fail("%d is in the set: %v", v, in[v])
	}
}
