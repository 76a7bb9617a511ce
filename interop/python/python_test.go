package python

import (
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	core "github.com/purewire/purewire/corpus/verdict"
)

var update = flag.Bool("python.update", false, "write docs/oracles.md, and into differences.txt what both say of the inputs that are in it")

const corpus = "../../corpus"

// started is one python for all tests.
var started = sync.OnceValues(Start)

// oracles starts python. Without the libraries the test is skipped, unless PUREWIRE_PYTHON=need says that they have to be there.
func oracles(t testing.TB) *Process {
	t.Helper()
	p, err := started()
	if err != nil {
		if os.Getenv("PUREWIRE_PYTHON") == "need" {
			t.Fatalf("the libraries of Python are needed: %v", err)
		}
		t.Skipf("no oracles without python3-h11, python3-h2 and python3-wsproto for %s (conform/python.sh installs them): %v", Interpreter, err)
	}
	return p
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if p, err := started(); err == nil {
		if err := p.Close(); err != nil && code == 0 {
			os.Stderr.WriteString("python: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// pinned are the versions that differences.txt was written for: another one may differ otherwise, and then the table is to be looked at.
var pinned = map[string]string{"h11": "0.14.0", "h2": "4.1.0", "wsproto": "1.2.0"}

// TestDifferences: on every input the libraries say what ours say, or the difference is in the table, and no difference is there that is
// none.
func TestDifferences(t *testing.T) {
	p := oracles(t)
	for name, version := range pinned {
		if p.Versions[name] != version {
			if os.Getenv("PUREWIRE_PYTHON") == "need" {
				t.Fatalf("%s is %s, differences.txt is about %s", name, p.Versions[name], version)
			}
			t.Skipf("%s is %s, differences.txt is about %s", name, p.Versions[name], version)
		}
	}
	inputs, err := Inputs(corpus)
	require.NoError(t, err)
	entries, err := Differences()
	require.NoError(t, err)
	rows := Rows(p, inputs)
	if *update {
		renew(t, rows, entries)
		entries, err = Differences()
		require.NoError(t, err)
	}
	for _, m := range Check(rows, entries) {
		t.Error(m)
	}
	agree, wider, messages := 0, 0, 0
	for i := range rows {
		r := &rows[i]
		if r.Theirs.Outcome == core.None {
			t.Errorf("%s: no verdict: %s", r.ID, r.Theirs.Reason)
		}
		if r.Class == "" {
			agree++
			messages += len(r.Theirs.Messages)
		}
		if Wider(&r.Ours, &r.Theirs) {
			wider++
		}
	}
	t.Logf("%d inputs, %d agree, with %d messages; %d refuse a stream and a connection", len(rows), agree, messages, wider)
	// An adapter that refuses everything, or sees nothing, would agree often enough.
	if agree < 1000 || messages < 400 {
		t.Errorf("only %d of %d agree, with %d messages", agree, len(rows), messages)
	}
}

// renew writes into differences.txt what both say now. What is no difference any more, and what is a new one, is for a person to judge.
func renew(t *testing.T, rows []Row, entries []*Entry) {
	t.Helper()
	for i := range rows {
		r := &rows[i]
		for _, e := range entries {
			if said, known := e.Seen[r.ID]; known && e.Library == Library(r.Wire) && r.Class != "" {
				table = strings.Replace(table, "- "+r.ID+": "+said+"\n", "- "+r.ID+": "+r.Said()+"\n", 1)
			}
		}
	}
	require.NoError(t, os.WriteFile("differences.txt", []byte(table), 0o644))
}

// TestTable: the table is well-formed, every entry names a library, and ours is never wrong: what we do wrong is a bug, and mended.
func TestTable(t *testing.T) {
	entries, err := Differences()
	require.NoError(t, err)
	for _, e := range entries {
		if e.Wrong == "ours" {
			t.Errorf("differences.txt:%d: ours is wrong; mend it", e.Line)
		}
		if e.Library != "h11" && e.Library != "h2" && e.Library != "wsproto" {
			t.Errorf("differences.txt:%d: there is no library %s", e.Line, e.Library)
		}
		if len(e.Why) < 100 {
			t.Errorf("differences.txt:%d: %q says too little", e.Line, e.Why)
		}
	}
	for name, text := range map[string]string{
		"no library":     "=== a\n",
		"no paragraph":   "=== h2: a\nrfc: 9113\n",
		"nobody's fault": "=== h2: a\nrfc: 9113-1-1\nwrong: curl\n",
		"no why":         "=== h2: a\nrfc: 9113-1-1\nwrong: h2\n- a/b: c | d (e)\n",
		"no inputs":      "=== h2: a\nrfc: 9113-1-1\nwrong: h2\nwhy: b\n",
		"no verdict":     "=== h2: a\nrfc: 9113-1-1\nwrong: h2\nwhy: b\n- a/b\n",
		"twice":          "=== h2: a\nrfc: 9113-1-1\nwrong: h2\nwhy: b\n- a/b: c | d (e)\n- a/b: c | d (e)\n",
		"something else": "=== h2: a\nhello\n",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: the table is read", name)
		}
	}
}

// TestCheck: what the check is for is found: a difference that is not in the table, one that is another, one that is none, and an input that is not
// there.
func TestCheck(t *testing.T) {
	accept, refuse := Verdict{Verdict: core.Verdict{Outcome: core.Accept}}, Verdict{Verdict: core.Verdict{Outcome: core.Reject}, Code: "400"}
	row := func(id string, a, b Verdict) Row {
		in := &Input{core.Input{Wire: core.HTTP1, Role: core.Server}, id}
		return Row{in, a, b, Compare(&in.Input, &a, &b)}
	}
	entries, err := parse("=== h11: a\nrfc: 9112-1-1\nwrong: h11\nwhy: b\n- x/known: reject 400 | accept 0 (outcome)\n- x/other: reject 400 | more 0 (outcome)\n" +
		"- x/none: reject 400 | accept 0 (outcome)\n- x/gone: reject 400 | accept 0 (outcome)\n")
	require.NoError(t, err)
	got := strings.Join(Check([]Row{row("x/known", refuse, accept), row("x/other", refuse, accept), row("x/none", refuse, refuse), row("x/new", refuse, accept),
		row("x/same", accept, accept)}, entries), "\n")
	for _, want := range []string{"x/other: it is reject 400 | accept 0 (outcome) now", "x/none: there is no difference any more", "h11 x/gone: there is no such input",
		"nobody has judged:\n- x/new: reject 400 | accept 0 (outcome)"} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "x/known")
	require.NotContains(t, got, "x/same")
}

// TestCompare: what is a difference.
func TestCompare(t *testing.T) {
	text := core.Message{Head: "text"}
	text.Content([]byte("hello"))
	other := text
	other.Content([]byte("hellp"))
	one, two := core.Verdict{Outcome: core.Accept, Messages: []core.Message{text}}, core.Verdict{Outcome: core.Accept, Messages: []core.Message{other}}
	refuse := func(code string, conn bool) *Verdict {
		return &Verdict{core.Verdict{Outcome: core.Reject}, code, conn}
	}
	h1, h2, client := &core.Input{Wire: core.HTTP1, Role: core.Server}, &core.Input{Wire: core.HTTP2, Role: core.Server}, &core.Input{Wire: core.HTTP1, Role: core.Client}
	for _, c := range []struct {
		in   *core.Input
		a, b *Verdict
		want string
	}{
		{h1, &Verdict{Verdict: one}, &Verdict{Verdict: one}, ""},
		{h1, &Verdict{Verdict: one}, &Verdict{Verdict: two}, "boundary"},
		{h1, &Verdict{Verdict: one}, &Verdict{Verdict: core.Verdict{Reason: "KeyError: 1"}}, "no verdict"},
		{h1, refuse("400", false), refuse("501", false), "code"},
		{client, refuse("502", false), refuse("400", false), ""},
		{h2, refuse("PROTOCOL_ERROR", false), refuse("PROTOCOL_ERROR", true), ""},
		{h2, refuse("PROTOCOL_ERROR", false), refuse("STREAM_CLOSED", true), "code"},
		{h2, &Verdict{core.Verdict{Outcome: core.Reject, Messages: one.Messages}, "CANCEL", false}, refuse("CANCEL", true), ""},
		{h2, &Verdict{core.Verdict{Outcome: core.Reject, Messages: one.Messages}, "CANCEL", false}, refuse("CANCEL", false), "boundary"},
	} {
		if got := Compare(c.in, c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %q, want %q", c.a.String(), c.b.String(), got, c.want)
		}
	}
}

// TestPage: docs/oracles.md is made of the table and the corpus. It needs no python.
func TestPage(t *testing.T) {
	inputs, err := Inputs(corpus)
	require.NoError(t, err)
	entries, err := Differences()
	require.NoError(t, err)
	want := Page(inputs, entries)
	if *update {
		require.NoError(t, os.WriteFile(PageFile, []byte(want), 0o644))
	}
	got, err := os.ReadFile(PageFile)
	require.NoError(t, err)
	if string(got) != want {
		t.Error("docs/oracles.md is stale: go -C interop test ./python -run Page -python.update")
	}
}
