package codectest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pureModule writes a module with package p made of body, and a helper package next to it.
func pureModule(t *testing.T, body string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module example.com/m\n",
		"p/p.go":          "package p\n" + body,
		"p/p_test.go":     "package p\nimport \"os\"\nvar seen = os.Args\nfunc write() { table[0] = 1 }\n",
		"helper/clean.go": "package helper\nfunc Clean() {}\n",
		"dirty/dirty.go":  "package dirty\nimport \"os\"\nfunc Dirty() { os.Exit(1) }\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "p")
}

const pureVars = `
type box struct{ n int; list [4]int }
func (b *box) Set() { b.n = 1 }
func (b box) Get() int { return b.n }
var table = func() (t [256]byte) { for i := range t { t[i] = byte(i) }; return t }()
var counter int
var shared box
var byName = map[string]int{"a": 1}
var def = &box{}
`

func TestPureFinds(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"io import":          {`import "os"; func f() { os.Exit(1) }`, "imports os"},
		"import below":       {`import "sync/atomic"; var n atomic.Int64`, "imports sync/atomic"},
		"random import":      {`import "math/rand/v2"; func f() int { return rand.Int() }`, "imports math/rand/v2"},
		"renamed import":     {`import x "fmt"; func f() string { return x.Sprint() }`, "imports fmt"},
		"through a helper":   {`import "example.com/m/dirty"; func f() { dirty.Dirty() }`, "imports os"},
		"clock":              {`import "time"; func f() time.Time { return time.Now() }`, "time.Now"},
		"clock as a value":   {`import tm "time"; var now = tm.Now`, "time.Now"},
		"dot import":         {`import . "time"; func f() Time { return Now() }`, "own scope"},
		"goroutine":          {`func f() { go f() }`, "goroutine"},
		"channel":            {`func f(c chan int) {}`, "channel"},
		"print":              {`func f() { println(1) }`, "prints"},
		"linkname":           {"import _ \"unsafe\"\n//go:linkname f runtime.nanotime\nfunc f() int64", "linkname"},
		"assignment":         {pureVars + `func f() { counter = 2 }`, "writes to package variable counter"},
		"increment":          {pureVars + `func f() { counter++ }`, "counter"},
		"element":            {pureVars + `func f() { table[3] = 2 }`, "table"},
		"slice of array":     {pureVars + `func f() { copy(table[2:], "x") }`, "copy writes to package variable table"},
		"field":              {pureVars + `func f() { shared.list[0]++ }`, "shared"},
		"through a pointer":  {pureVars + `func f() { def.n = 3 }`, "def"},
		"map":                {pureVars + `func f() { byName["x"] = 1 }`, "byName"},
		"delete":             {pureVars + `func f() { delete(byName, "x") }`, "byName"},
		"range":              {pureVars + `func f() { for counter = range 3 {} }`, "counter"},
		"address":            {pureVars + `func f() *box { return &shared }`, "address of package variable shared"},
		"pointer method":     {pureVars + `func f() { shared.Set() }`, "pointer method of package variable shared"},
		"kept function":      {pureVars + `var inc = func() { counter++ }`, "counter"},
		"variable of others": {`import "io"; func f() { io.EOF = nil }`, "a variable of package io"},
		"method named init":  {pureVars + `func (b box) init() { counter = 1 }`, "counter"},
	} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			Pure(&r, pureModule(t, c.body), Rules{})
			if len(r.reports) != 1 || !strings.HasPrefix(r.reports[0], "law pure: ") || !strings.Contains(r.reports[0], c.want) {
				t.Errorf("reported %q, want one with %q", r.reports, c.want)
			}
		})
	}
}

func TestPureAccepts(t *testing.T) {
	clean := pureVars + `
var filled [4]int
func init() { filled[0] = 1; counter = 7 }
type T struct{ n int }
func (t *T) f(out []byte) []byte {
	counter := 1
	counter++
	t.n = counter + shared.Get() + def.Get() + filled[1]
	local := box{}
	local.Set()
	p := &local
	p.n = byName["a"]
	return append(out, table[:]...)
}
`
	for name, body := range map[string]string{
		"imports":   `import ("bytes"; "errors"; "time"; "example.com/m/helper"); var e = errors.New("x"); func f(d time.Duration, b []byte) bool { helper.Clean(); return bytes.Equal(b, nil) }`,
		"variables": clean,
	} {
		var r recorder
		Pure(&r, pureModule(t, body), Rules{})
		if len(r.reports) != 0 {
			t.Errorf("%s: %q", name, r.reports)
		}
	}
	var r recorder
	Pure(&r, pureModule(t, pureVars+`import "os"; func f() *box { return &shared }`), Rules{Imports: []string{"os"}, Vars: []string{"shared"}})
	Pure(&r, pureModule(t, `import "os"; var b [1]int; func f() *int { os.Exit(1); return &b[0] }`), Rules{Imports: []string{"os"}, Vars: []string{"b"}})
	if len(r.reports) != 1 || !strings.Contains(r.reports[0], "imports must appear") {
		t.Errorf("exceptions: %q", r.reports)
	}
}

func TestModulePackages(t *testing.T) {
	m, err := FindModule(pureModule(t, `import "example.com/m/helper"; func f() { helper.Clean() }`))
	if err != nil || m.Path != "example.com/m" {
		t.Fatal(m, err)
	}
	all, err := m.Packages()
	if err != nil || len(all) != 3 || all[2].Rel != "p" || !slices.Equal(all[2].Imports, []string{"example.com/m/helper"}) {
		t.Errorf("%+v, %v", all, err)
	}
}
