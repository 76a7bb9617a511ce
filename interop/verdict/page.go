package verdict

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	core "github.com/purewire/purewire/corpus/verdict"
)

// modules are those whose versions the page names, with what they stand for.
var modules = []string{"github.com/valyala/fasthttp", "golang.org/x/net", "github.com/gorilla/websocket", "github.com/coder/websocket",
	"github.com/gobwas/ws", "github.com/quic-go/qpack", "github.com/quic-go/quic-go"}

// Page writes docs/verdicts.md: the matrix, and the list of disagreements. goMod is the text of this module's go.mod, for the
// versions.
func Page(rows []core.Row, goMod string) string {
	var b strings.Builder
	say := func(format string, a ...any) { fmt.Fprintf(&b, format, a...) }
	say("# Verdicts\n\n<!-- Written by: go -C interop run ./cmd/verdict -page. A test fails when it is stale. -->\n\n")
	say("What this module's codecs and other implementations make of the %d inputs of [corpus/verdict](../corpus/verdict/README.md): one string of\n", len(rows))
	say("bytes, one verdict each. The inputs are the shapes on which parsers have disagreed; %d of them are those of known vulnerabilities.\n\n", historical(rows))
	say("    purewire verdict --wire http1 FILE      the same for any input\n    purewire verdict --corpus               the same for the library\n\n")
	say("Others: net/http of %s", runtime.Version())
	for _, m := range modules {
		say(", %s %s", strings.TrimPrefix(m, "github.com/"), version(goMod, m))
	}
	say(". All of them with their default limits; WebSocket with a limit of 1 MiB for a message.\n")
	say("HTTP/3 and QUIC are asked of whole endpoints, over a link in memory in virtual time, opposite one that sends what the input says.\n\n")
	say("`A`: accepted, all messages are whole. `R`: refused. `M`: it waits for more. `-`: sees parts only, and refuses none. **Bold**: not what the\n")
	say("paragraph demands (MUST or SHOULD), for the reason that stands [below](#disagreements). *right* was judged by hand from the RFC: `A2` is two messages accepted,\n")
	say("`R` refused before any is whole, *open* both. Where a case is open, all who accept must see the same.\n\n")
	totals(&b, rows)
	for _, w := range core.Wires() {
		for _, r := range core.Roles(w) {
			table(&b, w, r, rows)
		}
	}
	say("## Disagreements\n\n")
	say("Every case on which somebody disagrees with us, with the paragraph that decides and who is wrong by it. A disagreement without anybody wrong is one\n")
	say("that the RFC allows.\n\n")
	for i := range rows {
		if r := &rows[i]; r.Split() {
			entry(&b, r)
		}
	}
	return b.String()
}

func historical(rows []core.Row) (n int) {
	for _, r := range rows {
		if len(r.CVE) > 0 {
			n++
		}
	}
	return n
}

// version finds the version of a module in the text of a go.mod, or with "go" that of the language.
func version(goMod, module string) string {
	m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` (v?[0-9][^\s]*)`).FindStringSubmatch(goMod)
	if m == nil {
		return "?"
	}
	return m[1]
}

// totals counts, for each implementation, how often it was asked, was wrong, and saw another boundary.
func totals(b *strings.Builder, rows []core.Row) {
	type count struct{ asked, wrong, boundary, open int }
	var names []string
	all := map[string]*count{}
	for i := range rows {
		r := &rows[i]
		for k := range r.Judged {
			j := &r.Judged[k]
			if j.Oracle == core.LenientName {
				continue
			}
			n := all[j.Oracle]
			if n == nil {
				n = &count{}
				all[j.Oracle] = n
				names = append(names, j.Oracle)
			}
			n.asked++
			if r.Wrong(j) != "" {
				n.wrong++
			}
			if !j.Partial && core.Compare(&r.Judged[0].Verdict, &j.Verdict) == core.Boundary {
				n.boundary++
			}
			if r.Open && j.Verdict.Outcome == core.Reject {
				n.open++
			}
		}
	}
	fmt.Fprintf(b, "| | asked | wrong | another boundary than ours | open and refused |\n|---|---|---|---|---|\n")
	for _, name := range names {
		n := all[name]
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d |\n", name, n.asked, n.wrong, n.boundary, n.open)
	}
	b.WriteString("\n")
}

func table(b *strings.Builder, w core.Wire, role core.Role, rows []core.Row) {
	var names []string
	for _, o := range All() {
		if o.Wire == w && o.Role == role {
			names = append(names, o.Name)
		}
	}
	fmt.Fprintf(b, "## %s, %s\n\n| case | right | RFC | %s |\n|---|---|---|%s\n", w, role, strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for i := range rows {
		r := &rows[i]
		if r.Wire != w || r.Role != role {
			continue
		}
		name := r.Name
		if r.Split() {
			name = fmt.Sprintf("[%s](#%s)", r.Name, anchor(r.Name))
		}
		fmt.Fprintf(b, "| %s | %s | %s |", name, right(r.Case), r.RFC[0])
		for _, o := range names {
			fmt.Fprintf(b, " %s |", cell(r, o))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// right is the judgement on a case in short.
func right(c *core.Case) string {
	switch {
	case c.Open:
		return "*open*"
	case c.Right == core.Accept:
		return fmt.Sprintf("A%d", c.Whole)
	case c.Right == core.More:
		return "M"
	}
	if c.Whole > 0 {
		return fmt.Sprintf("R behind %d", c.Whole)
	}
	return "R"
}

func cell(r *core.Row, oracle string) string {
	for k := range r.Judged {
		j := &r.Judged[k]
		if j.Oracle != oracle {
			continue
		}
		s := map[core.Outcome]string{core.None: "?", core.Accept: "A", core.More: "M", core.Reject: "R"}[j.Verdict.Outcome]
		if j.Partial && j.Verdict.Outcome != core.Reject {
			return "-"
		}
		if r.Wrong(j) != "" {
			return "**" + s + "**"
		}
		return s
	}
	return ""
}

// anchor is what the heading of a case is called in links.
func anchor(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteRune(c)
		case c == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// maxInput is how much of an input the page shows, escaped; of a description twice as much.
const maxInput = 240

func entry(b *strings.Builder, r *core.Row) {
	fmt.Fprintf(b, "### %s\n\n", r.Name)
	fmt.Fprintf(b, "%s %s, RFC %s.", r.Wire, r.Role, strings.Join(r.RFC, ", "))
	if len(r.CVE) > 0 {
		fmt.Fprintf(b, " %s.", strings.Join(r.CVE, ", "))
	}
	fmt.Fprintf(b, " %s\n\n", r.Why)
	switch in := codectest.Escape(r.Bytes); {
	case r.Wire.Text() && len(r.Bytes) <= 2*maxInput:
		fmt.Fprintf(b, "    %s\n\n", strings.ReplaceAll(strings.TrimSuffix(string(r.Bytes), "\n"), "\n", "\n    "))
	case !r.Wire.Text() && len(in) <= maxInput:
		fmt.Fprintf(b, "    %s\n\n", in)
	}
	for k := range r.Judged {
		j := &r.Judged[k]
		if j.Partial && j.Verdict.Outcome != core.Reject {
			continue
		}
		line := clean(j.Verdict.String())
		if k > 0 && j.Oracle != core.LenientName {
			if class := core.Compare(&r.Judged[0].Verdict, &j.Verdict); class > core.Outcomes || class == core.Fields || class == core.Heads {
				line += " - another " + map[core.Class]string{core.Boundary: "boundary", core.Heads: "head", core.Fields: "list of fields"}[class]
			}
		}
		if bad := r.Wrong(j); bad != "" {
			line += ". **Wrong**: " + bad
		}
		fmt.Fprintf(b, "- %s: %s\n", j.Oracle, line)
	}
	b.WriteString("\n")
}

// clean makes a line of a verdict safe for Markdown.
func clean(s string) string {
	return "`" + strings.ReplaceAll(s, "`", "'") + "`"
}
