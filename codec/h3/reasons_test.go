package h3

import (
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// reachedElsewhere are the faults that no golden case reaches, and the test that does.
var reachedElsewhere = map[Fault]string{
	fCapsuleCut: "TestCapsules", fCapsuleLong: "TestCapsules", fCapsuleMany: "TestCapsules",
}

// TestReasons: every reason is one of a kind, begins with a clause unless it is a misuse, and is reached by a golden case or
// a test that is named here.
func TestReasons(t *testing.T) {
	var logs strings.Builder
	cases, err := codectest.LoadGolden(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		logs.WriteString(strings.Join(c.Want, "\n") + "\n")
	}
	seen := map[string]Fault{}
	for f := ok + 1; f < numConnFaults; f++ {
		r := f.Reason()
		if other, twice := seen[r]; twice {
			t.Errorf("%q is the reason of %d and %d", r, other, f)
		}
		seen[r] = f
		clause, _, found := strings.Cut(r, ": ")
		if f.Scope() == misuse {
			continue // TestMisuse names each
		}
		if !found || len(clause) < 6 || clause[4] != '-' || f.Code() == 0 {
			t.Errorf("%q does not begin with a clause, or has no code", r)
		}
		if reached := strings.Contains(logs.String(), r); reached == (reachedElsewhere[f] != "") {
			t.Errorf("%q: reached by a golden case: %v; elsewhere: %q", r, reached, reachedElsewhere[f])
		}
	}
	if len(Reasons()) != len(seen) {
		t.Errorf("Reasons has %d", len(Reasons()))
	}
}
