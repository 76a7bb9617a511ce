package codectest

import (
	"fmt"
	"strings"
)

// NewCase is a golden case to be written: what a fuzzer has found, for instance.
type NewCase struct {
	// Name is the case's name, Comment what stands beside it, of any number of lines; Source and Mode are its lines without
	// "source:" and "mode:". All but Name may be empty.
	Name, Comment, Source, Mode string
	// Input is what the peer sends, Log what Record returned for it. No log: -codectest.update writes it.
	Input []byte
	Log   []string
}

// inputLine is where String breaks the line of an input, in bytes of it.
const inputLine = 100

// String returns the case in the text format of golden cases.
func (c NewCase) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "=== %s\n", strings.Join(strings.Fields(c.Name), " "))
	for _, line := range []struct{ key, value string }{{"source: ", c.Source}, {"mode: ", c.Mode}} {
		if line.value != "" {
			b.WriteString(line.key + line.value + "\n")
		}
	}
	if c.Comment != "" {
		for line := range strings.Lines(c.Comment) {
			b.WriteString("# " + strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	b.WriteString("--- input\n")
	for in := c.Input; len(in) > 0; {
		n := min(lineOf(in), len(in))
		line := Escape(in[:n])
		if strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			line = fmt.Sprintf(`\x%02x`, line[0]) + line[1:]
		}
		b.WriteString(line + "\n")
		in = in[n:]
	}
	b.WriteString("--- events\n")
	for _, line := range c.Log {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// lineOf returns how many bytes of in a line shows: up to a line end of it, but no more than inputLine, and a long run of one byte as a
// whole.
func lineOf(in []byte) int {
	for i := range in {
		run := i + 1
		for run < len(in) && in[run] == in[i] {
			run++
		}
		switch {
		case run-i >= minRun:
			return run
		case in[i] == '\n', i+1 == inputLine:
			return i + 1
		}
	}
	return len(in)
}

// Record runs input through a codec in one piece and returns the log, as the golden case of it has it. A promise that the codec breaks
// on the way ends the log.
func Record(a Adapter, input []byte) []string {
	res := play(&a, a.New(), input, whole(len(input)), options{})
	if res.bad != "" {
		res.lines = append(res.lines, "broken: "+strings.ReplaceAll(res.bad, "\n", " "))
	}
	return fold(res.lines)
}
