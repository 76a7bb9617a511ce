package codectest

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func toyOps() map[string]VectorOp {
	var kept []string
	return map[string]VectorOp{
		"add": func(a *Args) string { return fmt.Sprint(a.Int() + a.Int()) },
		"sub": func(a *Args) string {
			from, what := a.Uint(), a.Uint()
			n := int64(from) - int64(what)
			if a.Flag("negate") {
				n = -n
			}
			return fmt.Sprint(n)
		},
		"push": func(a *Args) string {
			s := Quote(a.Bytes())
			if a.Has("hex") {
				s += " " + hex.EncodeToString(a.NamedHex("hex"))
			}
			kept = append(kept, s)
			return ""
		},
		"all": func(*Args) string { return strings.Join(kept, "\n") },
	}
}

func TestRunVectors(t *testing.T) {
	sum := RunVectors(t, "testdata/vectors", toyOps)
	if sum.Vectors != 9 || sum.Ops["add"] != 2 || sum.Sources["T-01"] != 1 || !sum.Has("-15") || sum.Has("-16") {
		t.Errorf("%+v", sum)
	}
}

// A wrong result, an unknown operation, an argument too many or too few: each is reported with its place.
func TestVectorsFindMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"> add 1 2\n4":            "f:2: add 1 2",
		"> add 1 2\n3\n3":         "f:2: add",
		"> add 1 2":               "f:2: add",
		"> mul 1 2\n2":            `no operation "mul"`,
		"> add 1\n1":              "missing",
		"> add 1 2 3\n3":          `"3" is not asked for`,
		"> add 1 2 x=3\n3":        `"x3" is not asked for`,
		"> add 1 x\n1":            "invalid syntax",
		"> sub 1 -1\n1":           "invalid syntax",
		"> push \"\\q\"":          "unknown escape",
		"> push \"a":              "not closed",
		"> push \"a\"b":           "no space",
		"> push \"a\" hex=0":      "odd length",
		"> push \"a\" hex=\"\\\"": "not closed",
	} {
		cases, err := ParseVectors("f", "=== a\n"+text+"\n")
		if err != nil {
			t.Fatal(err)
		}
		var r recorder
		cases[0].Vectors[0].run(&r, toyOps(), false)
		if len(r.reports) != 1 || !strings.Contains(r.reports[0], want) || !strings.Contains(r.reports[0], "f:2") {
			t.Errorf("%q: %q", text, r.reports)
		}
	}
	for _, line := range []string{"", " ", "> x", "+ x", "# x", "=== x"} {
		var r recorder
		v := Vector{Op: "x"}
		v.run(&r, map[string]VectorOp{"x": func(*Args) string { return "a\n" + line }}, true)
		if len(r.reports) != 1 || !strings.Contains(r.reports[0], "cannot be written") {
			t.Errorf("%q: %q", line, r.reports)
		}
	}
}

func TestVectorsRefuse(t *testing.T) {
	for _, text := range []string{"=== a\n", "=== a\nsurce: x\n> b\n", "=== a\n> b\n\nlost\n"} {
		if _, err := ParseVectors("f", text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	dir := t.TempDir()
	if _, err := LoadVectors(dir); err == nil {
		t.Error("an empty folder is accepted")
	}
	for _, name := range []string{"a.txt", "b.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("=== a\n> add 1 2\n3\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadVectors(dir); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("error %v", err)
	}
}

func TestVectorInputs(t *testing.T) {
	var r recorder
	got := VectorInputs(&r, "testdata/vectors", "push", (*Args).Bytes)
	if len(got) != 3 || string(got[0]) != "a b\n" || len(r.reports) != 0 {
		t.Errorf("%q, %q", got, r.reports)
	}
	if got = VectorInputs(&r, "testdata/vectors", "pop", (*Args).Bytes); len(got) != 0 || len(r.reports) != 1 {
		t.Errorf("%q, %q", got, r.reports)
	}
	if got = VectorInputs(&r, "testdata/none", "push", (*Args).Bytes); len(got) != 0 || len(r.reports) != 2 {
		t.Errorf("%q, %q", got, r.reports)
	}
}

func TestArgs(t *testing.T) {
	a, err := parseArgs(`k=v "q \" = x" 0x1f  flag n=-7 n=8 b="a b" h=0aff u=0x10 ff00`)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Flag("flag") || a.Flag("flag") || !a.Has("k") || a.Has("q") || a.Named("k") != "v" || a.Has("k") || a.Named("k") != "" {
		t.Error("flags and names")
	}
	got := []any{string(a.Bytes()), a.Uint(), a.NamedInt("n"), a.NamedInt("n"), a.NamedInt("n"), string(a.NamedBytes("b")), a.NamedBytes("b"), a.NamedHex("h"),
		a.NamedHex("h"), a.NamedUint("u"), a.NamedUint("u"), a.More(), a.Word(), a.More(), a.Err()}
	want := []any{`q " = x`, uint64(31), int64(-7), int64(8), int64(0), "a b", []byte(nil), []byte{0x0a, 0xff}, []byte(nil), uint64(16), uint64(0), true, "ff00", false, nil}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%v", got, want)
	}
}

// TestUpdateVectors spoils the results of a copy and writes them again.
func TestUpdateVectors(t *testing.T) {
	old, err := os.ReadFile("testdata/vectors/toy.txt")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.txt")
	spoilt := strings.NewReplacer("\n3\n", "\n", "-15", "15\n16", `"xxx" 00ffff`, "y").Replace(string(old))
	if err := os.WriteFile(file, []byte(spoilt), 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := LoadVectors(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	results := map[*Vector][]string{}
	for _, c := range cases {
		table := toyOps()
		for _, v := range c.Vectors {
			results[v] = v.run(t, table, true)
		}
	}
	if err := updateVectors(cases, results); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != string(old) {
		t.Errorf("%v, %s", err, text)
	}
}
