package fuzz

import (
	"fmt"
	"slices"
	"sync"

	"github.com/purewire/purewire/codec/codectest"
)

// MaxInput is the longest input in bytes that a target looks at. Longer ones are refused at once: no state of a codec needs
// them, and they would cost the engine its speed.
const MaxInput = 1 << 13

// Target is one fuzz target: a function over bytes, and where its seeds are.
type Target struct {
	// Name is what follows Fuzz in the name of the functions, e.g. "HTTP1Request".
	Name string
	// Codec is the package that the target is about, below codec/: "http1", "quic/protect".
	Codec string
	// Corpus is the folder of golden cases below corpus/ that seed a target of laws; "" for programs.
	Corpus string
	// Dict is the dictionary, fuzz/dict/<Dict>.dict.
	Dict string
	// About is one line on what is held to what.
	About string

	max     int               // longest input, if not MaxInput
	role    string            // the mode word that a golden case needs to belong here, "" for all
	factory codectest.Factory // of laws
	run     func(p *Program)  // of programs
	seeds   [][]byte          // of programs, beside the random ones

	once     sync.Once
	adapters []codectest.Adapter // by mode
}

// Laws reports whether the target holds an input in a mode to the laws of package codec: what it finds is a golden case. The
// others run programs.
func (t *Target) Laws() bool { return t.factory != nil }

// Targets returns all targets in a fixed order.
func Targets() []*Target { return all }

// Find returns the target with this name, nil if there is none.
func Find(name string) *Target {
	i := slices.IndexFunc(all, func(t *Target) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

var all = slices.Concat(http1Targets, hpackTargets, http2Targets, wsTargets, qpackTargets, quicTargets, h3Targets, grpcTargets)

// Run runs the target on data and reports what it breaks to tb. It returns what the engine of go-fuzz wants to know: 1 for an
// input that led somewhere, 0 for any other, -1 for one that is not to be kept.
func (t *Target) Run(tb codectest.TB, data []byte) int {
	tb.Helper()
	if len(data) > t.longest() {
		return -1
	}
	if t.Laws() {
		return t.laws(tb, data)
	}
	return t.program(tb, data)
}

// longest is the longest input that the target looks at.
func (t *Target) longest() int {
	if t.max > 0 {
		return t.max
	}
	return MaxInput
}

// lawsHeader is what stands before the input of a target of laws: the mode and the seed of the cuttings.
const lawsHeader = 2

func (t *Target) laws(tb codectest.TB, data []byte) int {
	tb.Helper()
	if len(data) < lawsHeader {
		return -1
	}
	t.once.Do(t.prepare)
	a := t.adapters[int(data[0])%len(t.adapters)]
	codectest.Check(tb, a, data[lawsHeader:], uint64(data[1]))
	return 0
}

// prepare makes an adapter for each mode.
func (t *Target) prepare() {
	for _, line := range Modes(t.Name) {
		a, err := t.adapter(line)
		if err != nil {
			panic(fmt.Sprintf("fuzz: mode %q of %s: %v", line, t.Name, err))
		}
		t.adapters = append(t.adapters, a)
	}
}

func (t *Target) adapter(line string) (codectest.Adapter, error) {
	m, err := codectest.ParseMode(line)
	if err != nil {
		return codectest.Adapter{}, err
	}
	eof := m.Has("eof")
	a, err := t.factory(m)
	if err == nil {
		err = m.Err()
	}
	a.EOF = eof
	return a, err
}

func (t *Target) program(tb codectest.TB, data []byte) (priority int) {
	tb.Helper()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case violation:
			tb.Errorf("%s", string(v))
		default:
			panic(v)
		}
	}()
	t.run(&Program{data: data})
	return 1
}

// Case returns data as the text of a golden case: for laws the input with its mode and the log that it gives, ready for
// corpus/<Corpus>; for programs the bytes with the name of the target, ready for corpus/<codec>/regressions.
func (t *Target) Case(name, about string, data []byte) string {
	c := codectest.NewCase{Name: name, Comment: about}
	if !t.Laws() || len(data) < lawsHeader {
		c.Mode, c.Input = "target="+t.Name, data
		return c.String()
	}
	lines := Modes(t.Name)
	c.Mode, c.Input = lines[int(data[0])%len(lines)], data[lawsHeader:]
	if a, err := t.adapter(c.Mode); err == nil {
		c.Log = codectest.Record(a, c.Input)
	}
	return c.String()
}
