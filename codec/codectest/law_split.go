package codectest

import (
	"fmt"
	"math/rand/v2"
)

// exhaustive is up to which length every cutting of an input is tried: 2^(n-1) of them.
const exhaustive = 9

// smallInput is up to which length every single cut of an input is tried.
const smallInput = 512

// Split checks law 1: for every cutting of the input the events, the error with its offset, and what is consumed are the
// same. It tries the whole, single bytes, pieces of many sizes, every cut in two (of inputs up to 512 bytes, a sample
// above), every cutting at all of inputs up to 9 bytes, and random cuttings from a fixed seed. It also reports what makes
// a loop go wrong: counts that are out of range, an event beside an error, events for ever, and asking for more although
// the bytes at hand give more.
func Split(t TB, a Adapter, input []byte) {
	t.Helper()
	ref := play(&a, a.New(), input, whole(len(input)), options{})
	if ref.bad != "" {
		report(t, "split", "in one piece: %s", ref.bad)
		return
	}
	in := a.New()
	eachCutting(len(input), func(name string, next cutter) bool {
		in.Reset()
		got := play(&a, in, input, next, options{})
		return agree(t, "split", name, ref, got)
	})
}

// agree reports how got differs from ref and returns whether it does not.
func agree(t TB, law, how string, ref, got result) bool {
	t.Helper()
	if got.bad != "" {
		report(t, law, "%s: %s", how, got.bad)
		return false
	}
	if d := differ(ref.lines, got.lines); d != "" {
		report(t, law, "%s: log differs from the one in one piece at %s", how, d)
		return false
	}
	if got.consumed != ref.consumed {
		report(t, law, "%s: consumed %d, in one piece %d", how, got.consumed, ref.consumed)
		return false
	}
	return true
}

func report(t TB, law, format string, args ...any) {
	t.Helper()
	t.Errorf("law %s: %s", law, fmt.Sprintf(format, args...))
}

// eachCutting visits the cuttings that Split tries, until visit returns false.
func eachCutting(n int, visit func(name string, next cutter) bool) {
	for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 1024, 4096, 16384, 65536} {
		if k < n && !visit(fmt.Sprintf("in pieces of %d", k), every(k)) {
			return
		}
	}
	rng := rand.New(rand.NewPCG(uint64(n), 0x9e3779b97f4a7c15))
	for cut := 1; cut < n; cut++ {
		if n > smallInput && cut > 48 && cut < n-48 && rng.IntN(n) > 64 {
			continue
		}
		if !visit(fmt.Sprintf("cut at %d", cut), at(cut)) {
			return
		}
	}
	if n <= exhaustive {
		for set := 1; set < 1<<max(n-1, 0); set++ {
			var ends []int
			for i := range n - 1 {
				if set>>i&1 == 1 {
					ends = append(ends, i+1)
				}
			}
			if !visit(fmt.Sprintf("cut at %v", ends), at(ends...)) {
				return
			}
		}
		return
	}
	for round := range 24 {
		ends := randomCuts(rng, n)
		if !visit(fmt.Sprintf("random cutting %d at %s", round, clip(fmt.Sprint(ends), 120)), at(ends...)) {
			return
		}
	}
}

// randomCuts returns ascending cuts of 0 < cut < n: often few, sometimes many, in clusters as packets make them.
func randomCuts(rng *rand.Rand, n int) []int {
	mean := 1 + rng.IntN(max(2, min(n/2, 1<<rng.IntN(12))))
	var ends []int
	for p := 0; ; {
		if p += 1 + rng.IntN(2*mean); p >= n || len(ends) > 2000 {
			return ends
		}
		ends = append(ends, p)
	}
}
