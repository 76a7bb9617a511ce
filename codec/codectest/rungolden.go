package codectest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updateFlag asks RunGolden to write the logs it gets into the files. A package's own test flag named "update" does the
// same; the kit does not claim that name, since a test that defines it already could then not use the kit.
var updateFlag = defineUpdate()

func defineUpdate() *bool {
	if !testing.Testing() {
		return new(bool)
	}
	return flag.Bool("codectest.update", false, "write the logs of golden cases into their files")
}

func updating() bool {
	if *updateFlag {
		return true
	}
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// Factory returns the adapter for the configuration that a golden case asks for. It must ask m for every word that it
// understands: RunGolden reports the others. The kit sets Adapter.EOF.
type Factory func(m *Mode) (Adapter, error)

// Summary tells what RunGolden has seen, for tests of the corpus as a whole.
type Summary struct {
	// Cases is how many cases were run.
	Cases int
	// Reasons counts the cases by error token; those without error are not in it.
	Reasons map[string]int
	// Sources counts the cases by RFC paragraph or threat row.
	Sources map[string]int
}

// shortInput is the longest input in bytes that is held to every law under -short, and shortPart the part of the longer ones that is too.
const (
	shortInput = 64
	shortPart  = 8
)

// RunGolden runs the golden cases of the .txt files in dir, each as a subtest: the log must be the expected one, and
// every law must hold on the input. With the test flag -codectest.update it writes the logs into the files instead of
// comparing them; look at the difference before you commit it. Under -short inputs above 64 bytes are held to Check, but
// for each eighth. It must not be called from a parallel test, since it
// counts allocations.
func RunGolden(t *testing.T, dir string, factory Factory) *Summary {
	t.Helper()
	cases, err := LoadGolden(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := &Summary{Reasons: map[string]int{}, Sources: map[string]int{}}
	logs := map[*Case][]string{}
	for _, c := range cases {
		name := strings.TrimSuffix(filepath.Base(c.File), ".txt") + "/" + c.Name
		t.Run(name, func(t *testing.T) {
			a, err := c.adapter(factory)
			if err != nil {
				t.Fatalf("%s:%d: %v", c.File, c.Line, err)
			}
			res := c.check(t, a, updating())
			logs[c] = fold(res.lines)
			sum.Cases++
			if res.fault != nil {
				sum.Reasons[res.fault.Reason]++
			}
			for _, s := range c.Source {
				sum.Sources[s]++
			}
			if testing.Short() && len(c.Input) > shortInput && sum.Cases%shortPart != 0 {
				Check(t, a, c.Input, uint64(len(c.Input)))
				return
			}
			Laws(t, a, c.Input)
		})
	}
	if updating() {
		if err := update(cases, logs); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

// adapter returns the codec that the case asks for.
func (c *Case) adapter(factory Factory) (Adapter, error) {
	eof := c.Mode.Has("eof")
	a, err := factory(c.Mode)
	if err == nil {
		err = c.Mode.Err()
	}
	a.EOF = eof
	return a, err
}

// check compares the log of a run in one piece with the expected one.
func (c *Case) check(t TB, a Adapter, updating bool) result {
	t.Helper()
	res := play(&a, a.New(), c.Input, whole(len(c.Input)), options{})
	if res.bad != "" {
		t.Errorf("%s:%d: %s", c.File, c.Line, res.bad)
		return res
	}
	if d := differ(c.Want, fold(res.lines)); d != "" && !updating {
		t.Errorf("%s:%d: log differs at %s\nwhole log:\n%s", c.File, c.Line, d, indent(fold(res.lines)))
	}
	return res
}

// update writes logs into the files of the cases.
func update(cases []*Case, logs map[*Case][]string) error {
	files := map[string][]*Case{}
	for _, c := range cases {
		files[c.File] = append(files[c.File], c)
	}
	for f, cs := range files {
		old, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		text := strings.TrimRight(rewrite(string(old), logs, cs), "\n") + "\n"
		if text == string(old) {
			continue
		}
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Laws applies every law that the adapter gives access to, except purity, to one input.
func Laws(t TB, a Adapter, input []byte) {
	t.Helper()
	Split(t, a, input)
	Retention(t, a, input)
	Linear(t, a, input)
	Silence(t, a, input)
	Lent(t, a, input)
	Append(t, a, input)
	Sticky(t, a, input)
	Idempotent(t, a, input)
	RoundTrip(t, a, input)
}
