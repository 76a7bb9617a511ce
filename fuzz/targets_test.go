package fuzz_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/fuzz"
)

// wrappers returns the functions FuzzX of a file, by the string that they pass on.
func wrappers(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Fuzz") || fn.Name.Name == "FuzzNamed" {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				found[fn.Name.Name], _ = strconv.Unquote(lit.Value)
			}
			return true
		})
	}
	return found
}

// Every target is there for every engine, under its name.
func TestEnginesHaveEachTarget(t *testing.T) {
	for _, file := range []string{"fuzz_test.go", "gofuzz.go"} {
		found := wrappers(t, file)
		for _, target := range fuzz.Targets() {
			if found["Fuzz"+target.Name] != target.Name {
				t.Errorf("%s: Fuzz%s is for %q", file, target.Name, found["Fuzz"+target.Name])
			}
		}
		if len(found) != len(fuzz.Targets()) {
			t.Errorf("%s: %d functions for %d targets", file, len(found), len(fuzz.Targets()))
		}
	}
}

// failures is a TB that keeps what it is told.
type failures []string

func (f *failures) Helper()                           {}
func (f *failures) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func TestTargets(t *testing.T) {
	names := map[string]bool{}
	for _, target := range fuzz.Targets() {
		if names[target.Name] || target.About == "" || fuzz.Find(target.Name) != target {
			t.Errorf("%q: named twice, or nothing is said of it", target.Name)
		}
		names[target.Name] = true
		if _, err := os.Stat(filepath.Join("../codec", target.Codec)); err != nil {
			t.Error(err)
		}
		if n := len(fuzz.Modes(target.Name)); target.Laws() != (n > 0) || n > 256 {
			t.Errorf("%s: %d modes: one byte chooses them", target.Name, n)
		}
		seeds, err := target.Seeds(corpusDir)
		if err != nil || len(seeds) < 2 {
			t.Errorf("%s: %d seeds, %v", target.Name, len(seeds), err)
		}
		seen := map[string]bool{}
		for _, s := range seeds {
			if seen[s.Name] || len(s.Data) > fuzz.MaxInput || fmt.Sprint(s.Name) != filepath.Base(s.Name) {
				t.Errorf("%s: seed %q of %d bytes", target.Name, s.Name, len(s.Data))
			}
			seen[s.Name] = true
		}
		var f failures
		if got := target.Run(&f, make([]byte, fuzz.MaxInput+1)); got != -1 || len(f) > 0 {
			t.Errorf("%s: an input that is too long: %d, %q", target.Name, got, f)
		}
		target.Run(&f, nil)
		if len(f) > 0 {
			t.Errorf("%s: no input: %q", target.Name, f)
		}
	}
	if fuzz.Find("NoSuch") != nil {
		t.Error("found a target that is not there")
	}
}

// The adapters here give the logs that the golden cases have: a case that Case prints is judged as it will be in corpus/.
func TestLogsAreThoseOfTheCorpus(t *testing.T) {
	for _, target := range fuzz.Targets() {
		if !target.Laws() {
			continue
		}
		cases, err := codectest.LoadGolden(filepath.Join(corpusDir, target.Corpus))
		if err != nil {
			t.Fatal(err)
		}
		seeds, err := target.Seeds(corpusDir)
		if err != nil {
			t.Fatal(err)
		}
		byInput := map[string][]string{} // mode and input to log
		for _, c := range cases {
			byInput[fuzz.ModeOf(c.Mode.String())+"\n"+string(c.Input)] = c.Want
		}
		n := 0
		for _, s := range seeds {
			if strings.HasPrefix(s.Name, "regression-") || strings.HasPrefix(s.Name, "vector-") {
				continue
			}
			back, err := codectest.ParseGolden("case", target.Case("name", "about it", s.Data))
			if err != nil || len(back) != 1 {
				t.Fatalf("%s %s: %v", target.Name, s.Name, err)
			}
			want, ok := byInput[back[0].Mode.String()+"\n"+string(back[0].Input)]
			if !ok || !slices.Equal(want, back[0].Want) {
				t.Errorf("%s %s: log\n%s\nwant\n%s", target.Name, s.Name, strings.Join(back[0].Want, "\n"), strings.Join(want, "\n"))
			}
			n++
		}
		if n == 0 {
			t.Errorf("%s: no golden case", target.Name)
		}
	}
}

// A case of a program can be read back by Seeds: the bytes are the same.
func TestCaseOfProgram(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "ws", "regressions"), 0o755); err != nil {
		t.Fatal(err)
	}
	data := []byte("=== \x00\xff---\n \nabc" + strings.Repeat("x", 100) + " ")
	text := fuzz.Find("WSPair").Case("a name\nof two lines", "one\ntwo", data)
	if err := os.WriteFile(filepath.Join(dir, "ws", "regressions", "found.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"WSPair": 1, "WSOps": 0} {
		seeds, err := fuzz.Find(name).Seeds(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range seeds {
			if strings.HasPrefix(s.Name, "regression-") {
				if n++; !bytes.Equal(s.Data, data) {
					t.Errorf("%q is read back as %q", data, s.Data)
				}
			}
		}
		if n != want {
			t.Errorf("%s: %d regressions in\n%s", name, n, text)
		}
	}
}

// A mode that the corpus has got and the table has not is reported, with what to do.
func TestMissingMode(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "grpc"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "=== a\nmode: plain max=12345\n--- input\nx\n--- events\n"
	if err := os.WriteFile(filepath.Join(dir, "grpc", "a.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	target := fuzz.Find("GRPC")
	if _, err := target.Seeds(dir); err == nil || !strings.Contains(err.Error(), "seeds -modes") {
		t.Errorf("%v", err)
	}
	if m, err := target.MissingModes(dir); err != nil || !slices.Equal(m, []string{"max=12345 plain"}) {
		t.Errorf("%q, %v", m, err)
	}
}

// The dictionaries are what libFuzzer reads: empty lines, comments, and name="value" with the escapes \\, \" and \xHH.
func TestDictionaries(t *testing.T) {
	used := map[string]bool{}
	for _, target := range fuzz.Targets() {
		used[target.Dict] = true
	}
	files, err := filepath.Glob("dict/*.dict")
	if err != nil || len(files) != len(used) {
		t.Fatalf("%d dictionaries, %d are used, %v", len(files), len(used), err)
	}
	for _, file := range files {
		if !used[strings.TrimSuffix(filepath.Base(file), ".dict")] {
			t.Errorf("%s: no target uses it", file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i, line := range strings.Split(string(text), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			token, err := dictToken(line)
			switch {
			case err != nil:
				t.Errorf("%s:%d: %v", file, i+1, err)
			case seen[token]:
				t.Errorf("%s:%d: %q is there twice", file, i+1, token)
			case len(token) > 64:
				t.Errorf("%s:%d: libFuzzer takes words of up to 64 bytes", file, i+1)
			}
			seen[token] = true
		}
		if len(seen) < 20 {
			t.Errorf("%s: %d words", file, len(seen))
		}
	}
}

// dictToken reads a line of a dictionary.
func dictToken(line string) (string, error) {
	name, rest, ok := strings.Cut(line, `"`)
	if name != "" && !strings.HasSuffix(name, "=") || !ok || !strings.HasSuffix(rest, `"`) {
		return "", fmt.Errorf("%q is not name=\"value\"", line)
	}
	rest = rest[:len(rest)-1]
	var out []byte
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"', c < ' ', c > '~':
			return "", fmt.Errorf("%q: byte %#x must be escaped", line, c)
		case c != '\\':
			out = append(out, c)
		case i+1 < len(rest) && (rest[i+1] == '\\' || rest[i+1] == '"'):
			out = append(out, rest[i+1])
			i++
		case i+3 < len(rest) && rest[i+1] == 'x':
			v, err := strconv.ParseUint(rest[i+2:i+4], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q: %w", line, err)
			}
			out = append(out, byte(v))
			i += 3
		default:
			return "", fmt.Errorf("%q: unknown escape", line)
		}
	}
	if len(out) == 0 {
		return "", fmt.Errorf("%q is empty", line)
	}
	return string(out), nil
}

func TestDictToken(t *testing.T) {
	for line, want := range map[string]string{`"a"`: "a", `kw="\x00\"\\"`: "\x00\"\\", `"a`: "", `a`: "", `"\n"`: "", `"\x4"`: "", `""`: "", "\"\x80\"": "", `a b"c"`: "", `"a"b"`: ""} {
		if got, err := dictToken(line); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v", line, got, err)
		}
	}
}
