package fuzz

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// Seed is one input that a target begins with.
type Seed struct {
	// Name tells where it comes from; it is unique for a target, and made of letters, digits, "-" and "_".
	Name string
	Data []byte
}

// Seeds returns the seeds of a target: the golden cases in the folder corpus for laws, programs of its own else, and in both what fits of
// corpus/<codec>/vectors and the cases that corpus/<codec>/regressions has for it. What is too long for MaxInput is left out.
func (t *Target) Seeds(corpus string) ([]Seed, error) {
	var seeds []Seed
	if t.Laws() {
		cases, err := codectest.LoadGolden(filepath.Join(corpus, filepath.FromSlash(t.Corpus)))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			s, ok, err := t.golden(c)
			if err != nil {
				return nil, err
			}
			if ok {
				seeds = append(seeds, s)
			}
		}
	}
	for i, b := range t.seeds {
		seeds = append(seeds, Seed{fmt.Sprintf("program-%d", i), b})
	}
	fromVectors, err := t.vectors(corpus)
	if err != nil {
		return nil, err
	}
	more, err := t.regressions(corpus)
	seeds = append(append(seeds, fromVectors...), more...)
	names := map[string]int{} // cases whose names differ in punctuation only get a number
	for i := range seeds {
		name := seeds[i].Name
		if names[name]++; names[name] > 1 {
			seeds[i].Name = fmt.Sprintf("%s_%d", name, names[name])
		}
	}
	return seeds, err
}

func (t *Target) golden(c *codectest.Case) (s Seed, ok bool, err error) {
	if len(c.Input)+lawsHeader > t.longest() || !t.takes(c.Mode.String()) {
		return s, false, nil
	}
	at := slices.Index(Modes(t.Name), ModeOf(c.Mode.String()))
	if at < 0 {
		return s, false, fmt.Errorf("%s:%d: no mode %q in fuzz/modes.go: run go run ./fuzz/cmd/seeds -modes", c.File, c.Line, ModeOf(c.Mode.String()))
	}
	head := []byte{byte(at), byte(len(c.Input))}
	name := strings.TrimSuffix(filepath.Base(c.File), ".txt") + "-" + c.Name
	return Seed{fileName(name), append(head, c.Input...)}, true, nil
}

// takes tells whether a golden case with this mode line belongs to the target.
func (t *Target) takes(mode string) bool {
	return t.role == "" || slices.Contains(strings.Fields(mode), t.role)
}

// ModeOf returns a mode line without what only judges (verdict=, messages=), its words sorted.
func ModeOf(line string) string {
	words := slices.DeleteFunc(strings.Fields(line), func(w string) bool {
		return strings.HasPrefix(w, "verdict=") || strings.HasPrefix(w, "messages=")
	})
	slices.Sort(words)
	return strings.Join(words, " ")
}

// MissingModes returns the mode lines of the golden cases in the folder corpus that Modes does not have, in their order.
func (t *Target) MissingModes(corpus string) (missing []string, err error) {
	if !t.Laws() {
		return nil, nil
	}
	cases, err := codectest.LoadGolden(filepath.Join(corpus, filepath.FromSlash(t.Corpus)))
	for _, c := range cases {
		if line := ModeOf(c.Mode.String()); t.takes(line) && !slices.Contains(Modes(t.Name), line) && !slices.Contains(missing, line) {
			missing = append(missing, line)
		}
	}
	return missing, err
}

// regressions reads corpus/<codec>/regressions, where it is.
func (t *Target) regressions(corpus string) (seeds []Seed, err error) {
	dir := filepath.Join(corpus, strings.Split(t.Codec, "/")[0], "regressions")
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil, nil
	}
	cases, err := codectest.LoadGolden(dir)
	for _, c := range cases {
		if c.Mode.Get("target") == t.Name {
			seeds = append(seeds, Seed{fileName("regression-" + c.Name), c.Input})
		}
	}
	return seeds, err
}

// fileName makes a name of a file out of that of a case.
func fileName(s string) string {
	b := bytes.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
			return r
		}
		return '-'
	}, []byte(s))
	return string(b)
}
