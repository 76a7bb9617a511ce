package verdict

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// Case is one entry of the library: an input, what the RFC says about it, and why it is worth asking.
type Case struct {
	// Name is unique in the library.
	Name string
	// File and Line tell where the case begins.
	File string
	Line int
	Input
	// RFC are the paragraphs that decide, the deciding one first: "9112-6.1-15".
	RFC []string
	// CVE are the vulnerabilities that this shape was, each with the product in parentheses. It may be empty.
	CVE []string
	// Right is the outcome that the paragraphs demand. Open: they allow Accept and Reject both.
	Right Outcome
	Open  bool
	// Whole is how many messages come out whole before that.
	Whole int
	// Why says in a sentence or two what decides, and what goes wrong otherwise.
	Why string
	// Want are the lines of the verdict of ours (Verdict.Lines).
	Want []string

	wantAt, wantEnd int
}

//go:embed *.txt
var files embed.FS

// Library returns all cases, in order of file and place.
func Library() ([]*Case, error) {
	dir, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []*Case
	seen := map[string]bool{}
	for _, f := range dir {
		text, err := files.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		cases, err := Parse(f.Name(), string(text))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			if seen[c.Name] {
				return nil, fmt.Errorf("%s:%d: a second case %q", c.File, c.Line, c.Name)
			}
			seen[c.Name] = true
		}
		all = append(all, cases...)
	}
	return all, nil
}

// Parse reads the cases of one file. The format is in the README of this folder. file is for messages only.
func Parse(file, text string) ([]*Case, error) {
	var all []*Case
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		if !strings.HasPrefix(lines[i], "=== ") {
			i++ // prose
			continue
		}
		c := &Case{Name: strings.TrimSpace(lines[i][4:]), File: file, Line: i + 1}
		next, err := c.parse(lines, i+1)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: case %q: %w", file, next+1, c.Name, err)
		}
		all = append(all, c)
		i = next
	}
	return all, nil
}

var (
	paragraph = regexp.MustCompile(`^[0-9]{4}-[0-9A-Z.]+(-[0-9.]+)?$`)
	advisory  = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,7} \([^()]+\)$`)
)

// parse reads the case whose first line is in front of lines[i] and returns the index of the line behind it.
func (c *Case) parse(lines []string, i int) (int, error) {
	var right string
	seen := map[string]bool{}
	for ; i < len(lines) && !strings.HasPrefix(lines[i], "--- "); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(lines[i], "  ") { // a continued why
			c.Why += " " + line
			continue
		}
		key, val, _ := strings.Cut(line, ":")
		if seen[key] {
			return i, fmt.Errorf("a second %q", key)
		}
		seen[key] = true
		switch val = strings.TrimSpace(val); key {
		case "wire":
			w, r, _ := strings.Cut(val, " ")
			c.Wire, c.Role = Wire(w), Role(r)
		case "rfc":
			c.RFC = split(val)
			for _, p := range c.RFC {
				if !paragraph.MatchString(p) {
					return i, fmt.Errorf("%q is no paragraph", p)
				}
			}
		case "cve":
			c.CVE = split(val)
			for _, v := range c.CVE {
				if !advisory.MatchString(v) {
					return i, fmt.Errorf("%q is not CVE-YEAR-NUMBER (PRODUCT)", v)
				}
			}
		case "mode":
			m, err := codectest.ParseMode(val)
			if err != nil {
				return i, err
			}
			c.Method, c.Deflate, c.Lenient = m.Get("method"), m.Has("deflate"), m.List("lenient")
			if err := m.Err(); err != nil {
				return i, err
			}
		case "right":
			right = val
		case "why":
			c.Why = val
		default:
			return i, fmt.Errorf("expected wire, rfc, cve, mode, right, why or --- input, got %q", line)
		}
	}
	if err := c.setRight(right); err != nil {
		return i, err
	}
	if len(c.RFC) == 0 || c.Why == "" {
		return i, fmt.Errorf("rfc or why is missing")
	}
	if i == len(lines) {
		return i, fmt.Errorf("no --- input")
	}
	kind, from := lines[i], i+1
	for i = from; i < len(lines) && lines[i] != "--- verdict" && !strings.HasPrefix(lines[i], "=== "); i++ {
	}
	var err error
	switch kind {
	case "--- input":
		c.Bytes, err = codectest.Unescape(strings.Join(lines[from:i], "\n"))
	case "--- frames":
		c.Bytes, err = Frames(lines[from:i])
	case "--- steps":
		c.Bytes = textInput(lines[from:i])
	default:
		err = fmt.Errorf("expected --- input, --- frames or --- steps, got %q", kind)
	}
	if err != nil {
		return i, err
	}
	if c.Wire.Text() != (kind == "--- steps") {
		return i, fmt.Errorf("the input of %s is not in %s", c.Wire, kind)
	}
	if err := c.Input.Check(); err != nil {
		return i, err
	}
	if i == len(lines) || lines[i] != "--- verdict" {
		return i, fmt.Errorf("no --- verdict")
	}
	c.wantAt = i + 1
	for i = c.wantAt; i < len(lines) && !strings.HasPrefix(lines[i], "=== "); i++ {
	}
	c.wantEnd = i
	c.Want = slices.Clone(lines[c.wantAt:i])
	for len(c.Want) > 0 && strings.TrimSpace(c.Want[len(c.Want)-1]) == "" {
		c.Want = c.Want[:len(c.Want)-1]
	}
	return i, nil
}

// setRight reads "reject", "reject after 2", "accept 1", "more", "open".
func (c *Case) setRight(s string) error {
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "accept":
		c.Right = Accept
	case "more":
		c.Right = More
	case "reject":
		c.Right = Reject
	case "open":
		c.Open = true
	default:
		return fmt.Errorf("right: accept N, more [after N], reject [after N], or open; not %q", s)
	}
	rest = strings.TrimPrefix(rest, "after ")
	if rest == "" && !(c.Right == Accept) {
		return nil
	}
	if _, err := fmt.Sscanf(rest, "%d", &c.Whole); err != nil || c.Open {
		return fmt.Errorf("right: how many messages in %q?", s)
	}
	return nil
}

func split(s string) (out []string) {
	for _, p := range strings.Split(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Rewrite returns text with new lines of verdict for the given cases, which Parse has read from it.
func Rewrite(text string, cases []*Case, want func(*Case) []string) string {
	lines := strings.Split(text, "\n")
	var out []string
	at := 0
	for _, c := range cases {
		out = append(out, lines[at:c.wantAt]...)
		out = append(out, want(c)...)
		if c.wantEnd < len(lines) {
			out = append(out, "")
		}
		at = c.wantEnd
	}
	return strings.TrimRight(strings.Join(append(out, lines[at:]...), "\n"), "\n") + "\n"
}

// Wrong tells in which way a verdict on the case is wrong, "" if it is not. ref is what those who accept must see: the verdict of
// ours, or of ours lenient where the case is open and ours refuses. A nil ref, or one that does not accept, means that
// nobody knows.
func (c *Case) Wrong(v, ref *Verdict) string {
	switch {
	case v.Outcome == None:
		return "no verdict"
	case !c.Open && v.Outcome != c.Right:
		return v.Outcome.String() + " instead of " + c.Right.String()
	case !c.Open && len(v.Messages) != c.Whole:
		return fmt.Sprintf("%d messages instead of %d", len(v.Messages), c.Whole)
	}
	if v.Outcome == Reject {
		return ""
	}
	if ref != nil && ref.Outcome == v.Outcome {
		if class := Compare(v, ref); class != Agree {
			return "other " + class.String()
		}
	}
	return ""
}
