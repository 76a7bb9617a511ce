package verdict

import (
	"io"
	"log"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	core "github.com/purewire/purewire/corpus/verdict"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // x/net tells the standard logger what it thinks
	os.Exit(m.Run())
}

// matrix is asked once for all tests.
var matrix = sync.OnceValues(func() ([]core.Row, error) {
	cases, err := core.Library()
	if err != nil {
		return nil, err
	}
	return Matrix(cases), nil
})

func rows(t *testing.T) []core.Row {
	t.Helper()
	all, err := matrix()
	require.NoError(t, err)
	return all
}

// TestVerdicts: everybody gives a verdict on everything, and ours is never wrong.
func TestVerdicts(t *testing.T) {
	split, peers := 0, map[string]bool{}
	for _, r := range rows(t) {
		for k := range r.Judged {
			j := &r.Judged[k]
			peers[j.Oracle] = true
			if j.Verdict.Outcome == core.None {
				t.Errorf("%s: %s: no verdict: %s", r.Name, j.Oracle, j.Verdict.Reason)
			}
		}
		if ours := &r.Judged[0]; ours.Oracle != "ours" || r.Wrong(ours) != "" {
			t.Errorf("%s: %s is wrong: %s", r.Name, ours.Oracle, r.Wrong(ours))
		}
		if r.Split() && len(r.CVE) > 0 {
			split++
		}
	}
	for _, o := range All() {
		if !peers[o.Name] {
			t.Errorf("%s was never asked", o.Name)
		}
	}
	if split < 20 {
		t.Errorf("only %d shapes of vulnerabilities split the matrix", split)
	}
}

// TestHonest: nobody refuses the inputs that are as they should be, but for a few that are known. An adapter that refuses
// everything would agree with every attack.
func TestHonest(t *testing.T) {
	known := map[string]string{
		"an empty line before the request/net/http":             "it wants the request line first",
		"an empty line before the request/net/http ReadRequest": "it wants the request line first",
		"an empty Host/fasthttp":                                "it wants a host",
		"a close with code 1014/gorilla":                        "it knows the codes of 2011 only",
		"a close with code 1014/gobwas":                         "it knows the codes of 2011 only",
		"a Base beyond the Required Insert Count/quic-go/qpack": "it wants a Base of 0",
	}
	for _, r := range rows(t) {
		if r.Open || r.Right != core.Accept {
			continue
		}
		for k := range r.Judged {
			j := &r.Judged[k]
			if j.Partial && j.Verdict.Outcome != core.Reject || j.Verdict.Outcome == core.Accept {
				continue
			}
			key := r.Name + "/" + j.Oracle
			if known[key] == "" {
				t.Errorf("%s: %s", key, j.Verdict.String())
			}
			delete(known, key)
		}
	}
	for key, why := range known {
		t.Errorf("%s is accepted now (%s)", key, why)
	}
}

// TestPage: docs/verdicts.md is what the command writes.
func TestPage(t *testing.T) {
	goMod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	have, err := os.ReadFile("../../docs/verdicts.md")
	require.NoError(t, err)
	if made := "net/http of " + runtime.Version() + ","; !strings.Contains(string(have), made) {
		t.Skipf("docs/verdicts.md was not made with %s, whose net/http may judge otherwise", runtime.Version())
	}
	want := Page(rows(t), string(goMod))
	if string(have) == want {
		return
	}
	a, b := strings.Split(string(have), "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("docs/verdicts.md is stale (go -C interop run ./cmd/verdict -page). Line %d is\n%s\nand would be\n%s", i+1, a[i], b[i])
			return
		}
	}
	t.Errorf("docs/verdicts.md is stale: %d lines, not %d", len(a), len(b))
}

// TestDeterministic: the verdicts of those who run goroutines do not depend on the order of things.
func TestDeterministic(t *testing.T) {
	cases, err := core.Library()
	require.NoError(t, err)
	var concurrent []*core.Case
	for _, c := range cases {
		if c.Wire == core.HTTP2 || c.Wire.Text() {
			concurrent = append(concurrent, c)
		}
	}
	first := rows(t)
	for _, again := range Matrix(concurrent) {
		for _, r := range first {
			if r.Name != again.Name {
				continue
			}
			for k := range r.Judged {
				require.Equal(t, r.Judged[k].Verdict, again.Judged[k].Verdict, "%s: %s", r.Name, r.Judged[k].Oracle)
			}
		}
	}
}
