package verdict

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Row is a case with the verdicts on it.
type Row struct {
	*Case
	Judged []Judged
}

// Reference is what those who accept the case must see: the verdict of ours, of ours lenient where the case is open and ours
// refuses, or else of the first one who accepts.
func (r *Row) Reference() *Verdict {
	var accepts *Verdict
	for i := range r.Judged {
		j := &r.Judged[i]
		switch {
		case j.Partial:
		case j.Oracle == "ours" && !(r.Open && j.Verdict.Outcome == Reject):
			return &j.Verdict
		case j.Oracle == LenientName && j.Verdict.Outcome == Accept:
			return &j.Verdict
		case accepts == nil && j.Verdict.Outcome == Accept:
			accepts = &j.Verdict
		}
	}
	return accepts
}

// Wrong tells in which way one of the verdicts is wrong, "" if it is not. The column of ours lenient is never wrong: it was asked
// for. Nor is one that sees parts only, unless it refuses.
func (r *Row) Wrong(j *Judged) string {
	if j.Oracle == LenientName || j.Partial && j.Verdict.Outcome != Reject {
		return ""
	}
	return r.Case.Wrong(&j.Verdict, r.Reference())
}

// Split tells whether the verdicts differ in more than the words of their errors.
func (r *Row) Split() bool { return len(Disagreements(r.Judged)) > 0 }

// Disagreement is how one verdict differs from that of ours.
type Disagreement struct {
	*Judged
	Class Class
}

// Disagreements lists who disagrees with the first verdict, which is that of ours.
func Disagreements(all []Judged) (out []Disagreement) {
	if len(all) == 0 {
		return nil
	}
	for i := range all[1:] {
		j := &all[i+1]
		if j.Oracle == LenientName || j.Partial && j.Verdict.Outcome != Reject {
			continue
		}
		if class := Compare(&all[0].Verdict, &j.Verdict); class != Agree && !(j.Partial && class != Outcomes) {
			out = append(out, Disagreement{j, class})
		}
	}
	return out
}

// Known returns the case of the library that has exactly this input, nil if there is none.
func Known(in *Input) *Case {
	for _, c := range known() {
		if c.Wire == in.Wire && c.Role == in.Role && c.Method == in.Method && c.Deflate == in.Deflate && bytes.Equal(c.Bytes, in.Bytes) {
			return c
		}
	}
	return nil
}

// known is the library, read once.
var known = sync.OnceValue(func() []*Case {
	all, err := Library()
	if err != nil {
		return nil
	}
	return all
})

// Report prints the verdicts on an input and explains each disagreement: by the case of the library, if it is one, else by the
// paragraph that ours names.
func Report(w io.Writer, in *Input, all []Judged) {
	c := Known(in)
	if c != nil {
		fmt.Fprintf(w, "%s %s, %d bytes: the case %q of %s\n", in.Wire, in.Role, len(in.Bytes), c.Name, c.File)
	} else {
		fmt.Fprintf(w, "%s %s, %d bytes\n", in.Wire, in.Role, len(in.Bytes))
	}
	width := 0
	for i := range all {
		width = max(width, len(all[i].Oracle))
	}
	for i := range all {
		lines := all[i].Verdict.Lines()
		if all[i].Partial && all[i].Verdict.Outcome != Reject {
			lines = []string{"- (it sees parts only, and refuses none of them)"}
		}
		for k, line := range lines {
			name := all[i].Oracle
			if k > 0 {
				name = ""
			}
			fmt.Fprintf(w, "  %-*s  %s\n", width, name, line)
		}
	}
	split := Disagreements(all)
	row := Row{c, all}
	switch {
	case len(all) < 2:
	case len(split) == 0:
		fmt.Fprintf(w, "All agree.\n")
	default:
		for _, d := range split {
			fmt.Fprintf(w, "%s disagrees: %s\n", d.Oracle, d.explain(&all[0].Verdict))
			if c != nil {
				if bad := row.Wrong(d.Judged); bad != "" {
					fmt.Fprintf(w, "  It is wrong: %s.\n", bad)
				}
			}
		}
	}
	if c == nil {
		return
	}
	right := c.Right.String()
	if c.Open {
		right = "left open"
	}
	fmt.Fprintf(w, "RFC %s: %s. %s\n", strings.Join(c.RFC, ", "), right, c.Why)
	if len(c.CVE) > 0 {
		fmt.Fprintf(w, "Seen as %s.\n", strings.Join(c.CVE, ", "))
	}
}

// explain says what a class of disagreement means.
func (d *Disagreement) explain(ours *Verdict) string {
	switch d.Class {
	case Boundary:
		return "another boundary: it sees other messages in the same bytes"
	case Heads:
		return "the same boundaries and another method, target, authority, status or type"
	case Fields:
		return "the same messages with other fields"
	}
	what := fmt.Sprintf("%s where ours says %s", d.Verdict.Outcome, ours.Outcome)
	if p := Paragraph(ours.Reason); p != "" {
		what += ", by RFC " + p
	}
	return what
}

// Paragraph finds the paragraph that a reason of ours names: "9112-7.1-2". It is "" if there is none.
func Paragraph(reason string) string {
	for _, word := range strings.Fields(reason) {
		if p, ok := strings.CutSuffix(word, ":"); ok && paragraph.MatchString(p) {
			return p
		}
	}
	return ""
}
