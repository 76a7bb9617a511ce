package codectest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Case is one golden case: an input and the log that a codec must write for it. The text format is described in
// corpus/README.md.
type Case struct {
	// Name is unique in its folder.
	Name string
	// File and Line tell where the case begins.
	File string
	Line int
	// Source names what demands the outcome: RFC paragraphs ("9112-5.1-2") and threat rows ("H1-03").
	Source []string
	// Mode configures the codec.
	Mode *Mode
	// Input is what the peer sends.
	Input []byte
	// Want is the expected log, folded as in the file.
	Want []string

	eventsAt, eventsEnd int // lines of the file that hold Want
}

// Mode is the configuration that a case asks for: words and key=value pairs. The word "eof" belongs to the kit: the end
// of input follows the bytes. All others mean what the adapter's factory makes of them; words that it does not ask for
// are reported as mistakes.
type Mode struct {
	words []modeWord
	err   error
}

type modeWord struct {
	key, val string
	hasVal   bool
	used     bool
}

// ParseMode reads a mode line: words separated by spaces, each a key or key=value. No key comes twice.
func ParseMode(s string) (*Mode, error) {
	m := &Mode{}
	for _, f := range strings.Fields(s) {
		k, v, ok := strings.Cut(f, "=")
		if k == "" || m.find(k) != nil {
			return nil, fmt.Errorf("mode: empty or repeated key in %q", f)
		}
		m.words = append(m.words, modeWord{key: k, val: v, hasVal: ok})
	}
	return m, nil
}

func (m *Mode) find(key string) *modeWord {
	for i := range m.words {
		if m.words[i].key == key {
			m.words[i].used = true
			return &m.words[i]
		}
	}
	return nil
}

// Has reports whether the word key is there, alone. A key=value makes the case a mistake.
func (m *Mode) Has(key string) bool {
	w := m.find(key)
	if w != nil && w.hasVal {
		m.fail("mode: %s takes no value", key)
	}
	return w != nil
}

// Get returns the value of key, "" if it is not there.
func (m *Mode) Get(key string) string {
	if w := m.find(key); w != nil {
		return w.val
	}
	return ""
}

// List returns the comma-separated values of key, nil if it is not there.
func (m *Mode) List(key string) []string {
	if v := m.Get(key); v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

// Int returns the value of key as a decimal number, 0 if it is not there. Anything else makes the case a mistake.
func (m *Mode) Int(key string) int {
	w := m.find(key)
	if w == nil {
		return 0
	}
	n, err := strconv.Atoi(w.val)
	if err != nil {
		m.fail("mode: %s=%s is not a number", key, w.val)
	}
	return n
}

func (m *Mode) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
}

// Err returns the first mistake, words that nobody asked for included.
func (m *Mode) Err() error {
	if m.err != nil {
		return m.err
	}
	for _, w := range m.words {
		if !w.used {
			return fmt.Errorf("mode: unknown word %q", w.key)
		}
	}
	return nil
}

// String returns the mode line.
func (m *Mode) String() string {
	var out []string
	for _, w := range m.words {
		if w.hasVal {
			out = append(out, w.key+"="+w.val)
		} else {
			out = append(out, w.key)
		}
	}
	return strings.Join(out, " ")
}

// LoadGolden reads all cases of the .txt files in dir, in order of file name. Cases with the same name are a mistake.
func LoadGolden(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []*Case
	seen := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		cases, err := ParseGolden(f, string(text))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			at := fmt.Sprintf("%s:%d", c.File, c.Line)
			if seen[c.Name] != "" {
				return nil, fmt.Errorf("%s: case %q is already at %s", at, c.Name, seen[c.Name])
			}
			seen[c.Name] = at
		}
		all = append(all, cases...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no golden cases in %s", dir)
	}
	return all, nil
}

// ParseGolden reads the cases of one file. file is only used in messages.
func ParseGolden(file, text string) ([]*Case, error) {
	var cases []*Case
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		if !strings.HasPrefix(lines[i], "=== ") {
			i++ // prose in front of the first case
			continue
		}
		c := &Case{Name: strings.TrimSpace(lines[i][4:]), File: file, Line: i + 1}
		next, err := c.parse(lines, i+1)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: case %q: %w", file, next+1, c.Name, err)
		}
		cases = append(cases, c)
		i = next
	}
	return cases, nil
}

// parse reads the case whose first line is in front of lines[i] and returns the index of the line behind it.
func (c *Case) parse(lines []string, i int) (int, error) {
	c.Mode = &Mode{}
	for ; i < len(lines) && lines[i] != "--- input"; i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		key, val, _ := strings.Cut(line, ":")
		switch val = strings.TrimSpace(val); key {
		case "source":
			for _, s := range strings.Split(val, ",") {
				c.Source = append(c.Source, strings.TrimSpace(s))
			}
		case "mode":
			m, err := ParseMode(val)
			if err != nil {
				return i, err
			}
			c.Mode = m
		default:
			return i, fmt.Errorf("expected source:, mode:, # or --- input, got %q", line)
		}
	}
	if i == len(lines) {
		return i, fmt.Errorf("no --- input")
	}
	from := i + 1
	for i = from; i < len(lines) && lines[i] != "--- events"; i++ {
		if strings.HasPrefix(lines[i], "=== ") {
			break
		}
	}
	in, err := Unescape(strings.Join(lines[from:i], "\n"))
	if err != nil {
		return i, err
	}
	c.Input = in
	if i == len(lines) || lines[i] != "--- events" {
		return i, fmt.Errorf("no --- events")
	}
	c.eventsAt = i + 1
	for i = c.eventsAt; i < len(lines) && !strings.HasPrefix(lines[i], "=== "); i++ {
	}
	c.eventsEnd = i
	c.Want = slices.Clone(lines[c.eventsAt:c.eventsEnd])
	for len(c.Want) > 0 && strings.TrimSpace(c.Want[len(c.Want)-1]) == "" {
		c.Want = c.Want[:len(c.Want)-1]
	}
	return i, nil
}

// rewrite returns text with new logs for the given cases, which ParseGolden has read from it.
func rewrite(text string, logs map[*Case][]string, cases []*Case) string {
	lines := strings.Split(text, "\n")
	var out []string
	at := 0
	for _, c := range cases {
		log, ok := logs[c]
		if !ok {
			continue
		}
		out = append(out, lines[at:c.eventsAt]...)
		out = append(out, log...)
		out = append(out, "")
		at = c.eventsEnd
	}
	return strings.Join(append(out, lines[at:]...), "\n")
}
