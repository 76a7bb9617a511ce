package codectest

import (
	"fmt"
	"strings"
)

// Log is what a codec reported, as lines of text. Two runs of a codec are the same if their logs are.
type Log struct {
	lines []string
	label string // of the data that is being joined, if joining
	data  []byte
	join  bool
}

// Event adds a line. It must not depend on how the input was cut, and not contain a line end: show bytes with Escape or
// Quote. Further lines of the same event are indented with two spaces, by convention.
func (l *Log) Event(format string, args ...any) {
	l.flush()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// Data adds a piece of body-like bytes. Pieces with the same label that follow each other directly are joined into one
// line: `label length "bytes"`. An empty piece is a line of its own, since it would depend on the cutting otherwise.
func (l *Log) Data(label string, b []byte) {
	if l.join && l.label == label && len(b) > 0 {
		l.data = append(l.data, b...)
		return
	}
	l.flush()
	if len(b) == 0 {
		l.lines = append(l.lines, label+` 0 ""`)
		return
	}
	l.join, l.label, l.data = true, label, append(l.data[:0], b...)
}

func (l *Log) flush() {
	if l.join {
		l.join = false
		l.lines = append(l.lines, fmt.Sprintf("%s %d %s", l.label, len(l.data), Quote(l.data)))
	}
}

// Lines returns the log so far.
func (l *Log) Lines() []string {
	l.flush()
	return l.lines
}

// fold returns the lines with repetitions written once, as "*N line", which is how golden cases keep them.
func fold(lines []string) []string {
	var out []string
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		switch {
		case n < 3:
			out = append(out, lines[i:i+n]...)
		default:
			out = append(out, fmt.Sprintf("*%d %s", n, lines[i]))
		}
		i += n
	}
	return out
}

// differ describes the first difference of two logs, "" for none.
func differ(want, got []string) string {
	for i := 0; i < len(want) || i < len(got); i++ {
		a, b := "(nothing)", "(nothing)"
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			return fmt.Sprintf("line %d:\n  want %s\n  got  %s", i+1, clip(a, 400), clip(b, 400))
		}
	}
	return ""
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }
