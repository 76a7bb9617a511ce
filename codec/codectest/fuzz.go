package codectest

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// maxFuzz bounds the inputs that FuzzSplit looks at, in bytes.
const maxFuzz = 1 << 16

// CaseMark is the line in front of a golden case that FuzzSplit logs when a law is broken, for tools that look for it.
const CaseMark = "--- golden case"

// FuzzSplit makes a fuzz target of the golden cases in dir: their inputs and modes are the seeds, and any bytes in any of
// these modes, cut by any seed, must keep the laws that Check looks at. What breaks one is logged as a golden case.
//
//	func FuzzDecoder(f *testing.F) { codectest.FuzzSplit(f, "../../corpus/http1", factory) }
func FuzzSplit(f *testing.F, dir string, factory Factory) {
	f.Helper()
	cases, err := LoadGolden(dir)
	if err != nil {
		f.Fatal(err)
	}
	var modes []string
	var adapters []Adapter
	for _, c := range cases {
		at := slices.Index(modes, c.Mode.String())
		if at < 0 {
			a, err := c.adapter(factory)
			if err != nil {
				f.Fatalf("%s:%d: %v", c.File, c.Line, err)
			}
			at = len(modes)
			modes, adapters = append(modes, c.Mode.String()), append(adapters, a)
		}
		if len(c.Input) <= maxFuzz {
			f.Add(c.Input, uint16(at), uint64(len(c.Input)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, mode uint16, seed uint64) {
		if len(data) > maxFuzz {
			return
		}
		at := int(mode) % len(modes)
		Check(t, adapters[at], data, seed)
		if t.Failed() {
			t.Logf("%s\n%s", CaseMark, NewCase{Name: "found by " + t.Name(), Mode: modes[at], Input: data, Log: Record(adapters[at], data)})
		}
	})
}

// Check is the laws at the price of some ten runs, for fuzzing: split in single bytes and at three random cuttings made
// from seed, with clobbered sources and poisoned events and the tail measured; linear; sticky; no misuse error from a
// peer's bytes; and the round trip. It may run in parallel.
func Check(t TB, a Adapter, input []byte, seed uint64) {
	t.Helper()
	ref := play(&a, a.New(), input, whole(len(input)), options{tail: true})
	switch {
	case ref.bad != "":
		report(t, "split", "in one piece: %s", ref.bad)
		return
	case ref.fault != nil && ref.fault.Misuse:
		report(t, "idempotent", "bytes of a peer gave the misuse error %q", ref.fault.Reason)
		return
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	in := a.New()
	for i := range 4 {
		next, name := every(1), "in single bytes"
		if i > 0 {
			next, name = at(randomCuts(rng, max(len(input), 1))...), "random cutting "+itoa(i)
		}
		in.Reset()
		if !agree(t, "split", name, ref, play(&a, in, input, next, options{tail: true})) {
			return
		}
		if i == 0 && len(input) > 4096 {
			continue // copying a long tail for each byte would take all the time there is
		}
		in.Reset()
		o := options{source: &source{}, poison: 0xa5 ^ byte(i), lent: true}
		if !agree(t, "lent", "clobbered source and poisoned event, "+name, ref, play(&a, in, input, next, o)) {
			return
		}
	}
	Linear(t, a, input)
	Sticky(t, a, input)
	RoundTrip(t, a, input)
}
