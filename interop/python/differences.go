package python

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed differences.txt
var table string

// Entry is a difference that is known: what decides it, and the inputs on which it is seen.
type Entry struct {
	// Library is "h11", "h2" or "wsproto", Title what the difference is about.
	Library, Title string
	// RFC are the paragraphs that decide, the deciding one first.
	RFC []string
	// Wrong is who is wrong by them: the library, "ours", or "nobody" where they leave the choice.
	Wrong string
	// Why is a paragraph.
	Why string
	// Seen tells by the ID of each input what both say.
	Seen map[string]string
	// IDs are those of Seen in the order of the file.
	IDs []string
	// Line is where the entry begins.
	Line int
}

var paragraph = regexp.MustCompile(`^[0-9]{4}-[0-9A-Z.]+-[0-9.]+$`)

// Differences reads differences.txt.
func Differences() ([]*Entry, error) { return parse(table) }

// parse reads the entries of a text.
func parse(text string) ([]*Entry, error) {
	var all []*Entry
	var e *Entry
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		fail := func(format string, args ...any) ([]*Entry, error) {
			return nil, fmt.Errorf("differences.txt:%d: %s", i+1, fmt.Sprintf(format, args...))
		}
		title, begins := strings.CutPrefix(line, "=== ")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case begins:
			e = &Entry{Line: i + 1, Seen: map[string]string{}}
			var ok bool
			if e.Library, e.Title, ok = strings.Cut(title, ": "); !ok {
				return fail("no library in %q", title)
			}
			all = append(all, e)
		case e == nil || line == "": // prose
		case key == "rfc":
			e.RFC = strings.Split(value, ", ")
			for _, p := range e.RFC {
				if !paragraph.MatchString(p) {
					return fail("%q is no paragraph", p)
				}
			}
		case key == "wrong":
			if e.Wrong = value; !slices.Contains([]string{e.Library, "ours", "nobody"}, value) {
				return fail("%q cannot be wrong", value)
			}
		case key == "why":
			e.Why = value
		case strings.HasPrefix(line, "  ") && len(e.IDs) == 0:
			e.Why += " " + strings.TrimSpace(line)
		case strings.HasPrefix(line, "- "):
			id, said, ok := cutLast(line[2:], ": ")
			if !ok || seen[e.Library+" "+id] {
				return fail("no verdicts in %q, or it is there twice", line)
			}
			seen[e.Library+" "+id] = true
			e.Seen[id], e.IDs = said, append(e.IDs, id)
		default:
			return fail("what is %q?", line)
		}
	}
	for _, e := range all {
		if len(e.RFC) == 0 || e.Wrong == "" || e.Why == "" || len(e.IDs) == 0 {
			return nil, fmt.Errorf("differences.txt:%d: something is missing", e.Line)
		}
	}
	return all, nil
}

// cutLast cuts s at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Row is what both say of an input.
type Row struct {
	*Input
	Ours, Theirs Verdict
	// Class is how they differ, "" for not at all.
	Class string
}

// Said is what both say in a line, as the table has it.
func (r *Row) Said() string {
	return fmt.Sprintf("%s | %s (%s)", r.Ours.Short(), r.Theirs.Short(), r.Class)
}

// Rows asks ours and the libraries about every input.
func Rows(p *Process, inputs []Input) []Row {
	rows := make([]Row, len(inputs))
	for i := range inputs {
		in := &inputs[i]
		r := Row{Input: in, Ours: Ours(&in.Input), Theirs: p.Judge(&in.Input)}
		r.Class = Compare(&in.Input, &r.Ours, &r.Theirs)
		rows[i] = r
	}
	return rows
}

// Check compares the rows with the table: each difference must be in it, with what both say, and nothing else. It returns the mistakes.
func Check(rows []Row, entries []*Entry) (mistakes []string) {
	known := map[string]*Entry{}
	for _, e := range entries {
		for _, id := range e.IDs {
			known[e.Library+" "+id] = e
		}
	}
	for i := range rows {
		r := &rows[i]
		key := Library(r.Wire) + " " + r.ID
		e := known[key]
		delete(known, key)
		switch {
		case r.Class == "" && e == nil:
		case r.Class == "":
			mistakes = append(mistakes, fmt.Sprintf("differences.txt:%d: %s: there is no difference any more", e.Line, r.ID))
		case e == nil:
			mistakes = append(mistakes, fmt.Sprintf("a difference that nobody has judged:\n- %s: %s\n%q\nours:\n  %s\n%s:\n  %s", r.ID, r.Said(), clip(r.Bytes),
				strings.Join(r.Ours.Lines(), "\n  "), Library(r.Wire), strings.Join(r.Theirs.Lines(), "\n  ")))
		case e.Seen[r.ID] != r.Said():
			mistakes = append(mistakes, fmt.Sprintf("differences.txt:%d: %s: it is %s now, not %s", e.Line, r.ID, r.Said(), e.Seen[r.ID]))
		}
	}
	for key, e := range known {
		mistakes = append(mistakes, fmt.Sprintf("differences.txt:%d: %s: there is no such input", e.Line, key))
	}
	slices.Sort(mistakes)
	return mistakes
}

func clip(b []byte) []byte { return b[:min(len(b), 300)] }
