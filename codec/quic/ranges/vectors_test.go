package ranges

import (
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// Changes of a set and questions to it, as scripts: corpus/quic/vectors/ranges.
func TestVectors(t *testing.T) {
	codectest.RunVectors(t, "../../../corpus/quic/vectors/ranges", func() map[string]codectest.VectorOp {
		s := new(Set)
		show := func(r Range) string {
			if r.Empty() {
				return "none"
			}
			return fmt.Sprintf("%d-%d", r.Start, r.End)
		}
		set := func() string {
			var up, down []string
			for r := range s.Ascending() {
				up = append(up, show(r))
			}
			for r := range s.Descending() {
				down = append([]string{show(r)}, down...)
			}
			if strings.Join(up, " ") != strings.Join(down, " ") || s.Len() != len(up) || s.Empty() != (len(up) == 0) {
				return "the set contradicts itself"
			}
			return fmt.Sprintf("{%s} %d", strings.Join(up, " "), s.Size())
		}
		changed := func(n uint64, evicted Range) string {
			if evicted.Empty() {
				return fmt.Sprintf("%d: %s", n, set())
			}
			return fmt.Sprintf("%d, evicted %s of %d: %s", n, show(evicted), evicted.Len(), set())
		}
		tried := func(n uint64, ok bool) string {
			if !ok {
				return "refused: " + set()
			}
			return changed(n, Range{})
		}
		return map[string]codectest.VectorOp{
			"limit": func(a *codectest.Args) string {
				s.SetLimit(int(a.Int()))
				return fmt.Sprintf("%d: %s", s.Limit(), set())
			},
			"reserve": func(a *codectest.Args) string { s.Reserve(int(a.Int())); return set() },
			"clear":   func(*codectest.Args) string { s.Clear(); return set() },
			"add": func(a *codectest.Args) string {
				added, evicted := s.Add(a.Uint())
				return fmt.Sprint(added, " ") + changed(0, evicted)
			},
			"add-range":        func(a *codectest.Args) string { return changed(s.AddRange(a.Uint(), a.Uint())) },
			"try-add-range":    func(a *codectest.Args) string { return tried(s.TryAddRange(a.Uint(), a.Uint())) },
			"remove-range":     func(a *codectest.Args) string { return changed(s.RemoveRange(a.Uint(), a.Uint())) },
			"try-remove-range": func(a *codectest.Args) string { return tried(s.TryRemoveRange(a.Uint(), a.Uint())) },
			"remove-below":     func(a *codectest.Args) string { return changed(s.RemoveBelow(a.Uint()), Range{}) },
			"find": func(a *codectest.Args) string {
				v := a.Uint()
				return fmt.Sprintf("%v %s", s.Contains(v), show(s.Find(v)))
			},
			"next":           func(a *codectest.Args) string { return show(s.Next(a.Uint())) },
			"next-gap":       func(a *codectest.Args) string { return show(s.NextGap(a.Uint(), a.Uint())) },
			"contains-range": func(a *codectest.Args) string { return fmt.Sprint(s.ContainsRange(a.Uint(), a.Uint())) },
			"ends": func(*codectest.Args) string {
				if s.Empty() {
					return "none: " + show(s.First()) + " " + show(s.Last())
				}
				return fmt.Sprintf("%s %s %s, %v %v", show(s.First()), show(s.At(0)), show(s.Last()), s.First().Contains(s.First().Start), s.First().Contains(s.First().End))
			},
			"empty": func(a *codectest.Args) string {
				r := Range{a.Uint(), a.Uint()}
				return fmt.Sprintf("%v %d", r.Empty(), r.Len())
			},
			// walk: the first n ranges from either end, where whoever asks stops.
			"walk": func(a *codectest.Args) string {
				n := int(a.Int())
				var up, down []string
				for r := range s.Ascending() {
					if up = append(up, show(r)); len(up) == n {
						break
					}
				}
				for r := range s.Descending() {
					if down = append(down, show(r)); len(down) == n {
						break
					}
				}
				return fmt.Sprintf("up %s, down %s", strings.Join(up, " "), strings.Join(down, " "))
			},
			"steps": func(*codectest.Args) string { return fmt.Sprint(s.Steps()) },
		}
	})
}
