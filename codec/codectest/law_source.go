package codectest

import (
	"math/rand/v2"
)

// Retention checks law 2: no slice of src survives a call, nothing behind the end of src is looked at, and the tail left
// unconsumed never exceeds Adapter.MaxTail. Each call sees its bytes at another address, alternately with no spare
// capacity, with junk behind them, and (where the system allows it) in front of a page that must not be touched; all of
// it is overwritten after the call.
func Retention(t TB, a Adapter, input []byte) {
	t.Helper()
	ref := play(&a, a.New(), input, whole(len(input)), options{})
	if ref.bad != "" {
		report(t, "retention", "in one piece: %s", ref.bad)
		return
	}
	in := a.New()
	sourceCuttings(len(input), func(name string, next cutter) bool {
		in.Reset()
		got := play(&a, in, input, next, options{source: &source{}, tail: true})
		if !agree(t, "retention", "clobbered source, "+name, ref, got) {
			return false
		}
		g := newGuard(len(input))
		if g == nil {
			return true
		}
		defer g.free()
		in.Reset()
		got = play(&a, in, input, next, options{source: &source{guard: g}})
		return agree(t, "retention", "source in front of a guard page, "+name, ref, got)
	})
}

// Lent checks law 5: slices in an event lie inside the bytes that the call consumed (unless Adapter.Scratch), a codec does
// not write to src (unless Adapter.WritesSource, then only to what it consumes), and an event depends on nothing that the
// struct held before.
func Lent(t TB, a Adapter, input []byte) {
	t.Helper()
	ref := play(&a, a.New(), input, whole(len(input)), options{})
	if ref.bad != "" {
		report(t, "lent", "in one piece: %s", ref.bad)
		return
	}
	in := a.New()
	sourceCuttings(len(input), func(name string, next cutter) bool {
		for _, junk := range []byte{0xa5, 0x5a} {
			in.Reset()
			got := play(&a, in, input, next, options{source: &source{}, poison: junk, lent: true})
			if !agree(t, "lent", "poisoned event, "+name, ref, got) {
				return false
			}
		}
		return true
	})
}

// sourceCuttings visits a few cuttings that cost no more than copying the input some hundred times.
func sourceCuttings(n int, visit func(name string, next cutter) bool) {
	if !visit("in one piece", whole(n)) {
		return
	}
	for _, k := range []int{1, 2, 3, 7, 16, 61, 500, 4093} {
		if k < n && n/k <= 4096 && !visit("in pieces of "+itoa(k), every(k)) {
			return
		}
	}
	rng := rand.New(rand.NewPCG(uint64(n), 2))
	for i := range 6 {
		if ends := randomCuts(rng, n); !visit("random cutting "+itoa(i), at(ends...)) {
			return
		}
	}
}

// Linear checks law 3: at any cutting, single bytes included, the steps that the codec counts stay within
// Work*len(input)+WorkBase. It does nothing unless Work is set; then the Instance must be a Stepper.
func Linear(t TB, a Adapter, input []byte) {
	t.Helper()
	if a.Work <= 0 {
		return
	}
	in := a.New()
	st, ok := in.(Stepper)
	if !ok {
		report(t, "linear", "Adapter.Work is set, but the Instance has no method Steps() uint64")
		return
	}
	bound := uint64(a.Work)*uint64(len(input)) + uint64(max(a.WorkBase, 0))
	check := func(name string, next cutter) bool {
		in.Reset()
		before := st.Steps()
		res := play(&a, in, input, next, options{quiet: true, noSettle: true})
		if res.bad != "" {
			report(t, "linear", "%s: %s", name, res.bad)
			return false
		}
		if steps := st.Steps() - before; steps > bound {
			report(t, "linear", "%s: %d steps for %d bytes, at most %d*n+%d = %d allowed",
				name, steps, len(input), a.Work, max(a.WorkBase, 0), bound)
			return false
		}
		return true
	}
	if !check("in one piece", whole(len(input))) {
		return
	}
	for _, k := range []int{1, 2, 3, 7, 8, 64, 1000, 4096} {
		if k < len(input) && !check("in pieces of "+itoa(k), every(k)) {
			return
		}
	}
}
