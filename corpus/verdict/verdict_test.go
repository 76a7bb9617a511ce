package verdict

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("verdict.update", false, "write the verdicts of ours into the files")

func library(t testing.TB) []*Case {
	t.Helper()
	all, err := Library()
	require.NoError(t, err)
	return all
}

func judged(t testing.TB, c *Case) Verdict {
	t.Helper()
	for _, o := range Ours() {
		if o.Wire == c.Wire && o.Role == c.Role {
			return o.Judge(&c.Input)
		}
	}
	t.Fatalf("%s: nobody reads %s %s", c.Name, c.Wire, c.Role)
	return Verdict{}
}

// TestOurs holds every codec to the library: the outcome is the one that the RFC demands, judged by hand, and what is
// accepted is what the file says.
func TestOurs(t *testing.T) {
	if *update {
		rewriteAll(t)
		return
	}
	for _, c := range library(t) {
		v := judged(t, c)
		if bad := c.Wrong(&v, &v); bad != "" {
			t.Errorf("%s:%d: %s: %s: %s", c.File, c.Line, c.Name, bad, v.String())
		}
		if got := v.Lines(); !slices.Equal(got, c.Want) {
			t.Errorf("%s:%d: %s: got\n%s\nwant\n%s", c.File, c.Line, c.Name, strings.Join(got, "\n"), strings.Join(c.Want, "\n"))
		}
	}
}

func rewriteAll(t *testing.T) {
	dir, err := files.ReadDir(".")
	require.NoError(t, err)
	for _, f := range dir {
		text, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		cases, err := Parse(f.Name(), string(text))
		require.NoError(t, err)
		out := Rewrite(string(text), cases, func(c *Case) []string {
			v := judged(t, c)
			return v.Lines()
		})
		require.NoError(t, os.WriteFile(f.Name(), []byte(out), 0o644))
	}
	t.Log("rewritten; read every verdict")
}

// TestLibrary: the library is as large as it says, on every wire and in every role.
func TestLibrary(t *testing.T) {
	seen := map[string]int{}
	var historical int
	for _, c := range library(t) {
		seen[string(c.Wire)+" "+string(c.Role)]++
		if len(c.CVE) > 0 {
			historical++
		}
	}
	for _, w := range Wires() {
		for _, r := range Roles(w) {
			least := 3
			if w.Text() {
				least = 25
			}
			if n := seen[string(w)+" "+string(r)]; n < least {
				t.Errorf("only %d cases of %s %s", n, w, r)
			}
		}
	}
	if historical < 100 {
		t.Errorf("only %d cases with the shape of a known vulnerability", historical)
	}
}
