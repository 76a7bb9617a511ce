package codectest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func toyFactory(*Mode) (Adapter, error) { return toyAdapter(noBug), nil }

func TestRunGolden(t *testing.T) {
	sum := RunGolden(t, "testdata", toyFactory)
	if sum.Cases != 9 || sum.Sources["toy-0"] != 4 {
		t.Errorf("%+v", sum)
	}
	for _, reason := range []string{"toy-1: line too long", "toy-2: unknown verb", "toy-4: control byte", "toy-5: cut off"} {
		if sum.Reasons[reason] != 1 {
			t.Errorf("%d cases end with %q", sum.Reasons[reason], reason)
		}
	}
}

// TestGoldenFindsDifference shows that a wrong log, and only that, is reported with its place.
func TestGoldenFindsDifference(t *testing.T) {
	cases, err := LoadGolden("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		a, err := c.adapter(toyFactory)
		if err != nil {
			t.Fatal(err)
		}
		var r recorder
		if c.check(&r, a, false); len(r.reports) != 0 {
			t.Errorf("%s: %q", c.Name, r.reports)
		}
		c.Want = append(c.Want, "one more")
		if c.check(&r, a, false); len(r.reports) != 1 || !strings.Contains(r.reports[0], "toy.txt:") {
			t.Errorf("%s: a missing event is not reported: %q", c.Name, r.reports)
		}
		if c.check(&r, a, true); len(r.reports) != 1 {
			t.Errorf("%s: reported although updating: %q", c.Name, r.reports)
		}
	}
}

func TestGoldenRefusesUnknownMode(t *testing.T) {
	cases, err := ParseGolden("f", "=== a\nmode: eof strange\n--- input\n--- events\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cases[0].adapter(toyFactory); err == nil || !strings.Contains(err.Error(), "strange") {
		t.Errorf("error %v", err)
	}
}

// TestUpdateWrites empties the logs of a copy and writes them again.
func TestUpdateWrites(t *testing.T) {
	old, err := os.ReadFile("testdata/toy.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := ParseGolden("toy.txt", string(old))
	if err != nil {
		t.Fatal(err)
	}
	none := map[*Case][]string{}
	for _, c := range cases {
		none[c] = nil
	}
	path := filepath.Join(t.TempDir(), "toy.txt")
	if err := os.WriteFile(path, []byte(rewrite(string(old), none, cases)), 0o644); err != nil {
		t.Fatal(err)
	}
	if cases, err = LoadGolden(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	logs := map[*Case][]string{}
	for _, c := range cases {
		if len(c.Want) != 0 {
			t.Errorf("%s still has a log", c.Name)
		}
		a, err := c.adapter(toyFactory)
		if err != nil {
			t.Fatal(err)
		}
		logs[c] = fold(c.check(t, a, true).lines)
	}
	if err := update(cases, logs); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(old) {
		t.Errorf("%v, written:\n%s", err, got)
	}
}

// TestCheckFindsMutants shows that the cheap form for fuzzing still finds the faults that input can show.
func TestCheckFindsMutants(t *testing.T) {
	for _, input := range toyInputs {
		Check(t, toyAdapter(noBug), []byte(input), 1)
	}
	for _, b := range []bug{
		bugLostTail, bugDoubleFeed, bugBufferLimit, bugEventLost, bugEventAndError, bugTooMuch, bugNegative, bugOffset,
		bugEarlyNone, bugLivelock, bugPanic, bugEmptyData, bugLookAhead, bugRetained, bugLongTail, bugRescan, bugCallWork,
		bugWritesSrc, bugForeignSlice, bugStaleField, bugNotSticky, bugOwesAfterError, bugEatsAfterError, bugFinishForgets,
		bugPeerMisuse, bugInexact,
	} {
		var r recorder
		for _, input := range toyInputs {
			Check(&r, toyAdapter(b), []byte(input), 1)
		}
		// A fault in Finish shows only behind an error of Next, one in the encoder only when something is encoded.
		if len(r.reports) == 0 {
			t.Errorf("bug %d not found", b)
		}
	}
}

func FuzzToy(f *testing.F) { FuzzSplit(f, "testdata", toyFactory) }
