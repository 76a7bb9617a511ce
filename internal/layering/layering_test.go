package layering

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The repository keeps its own structure.
func TestThisRepository(t *testing.T) {
	problems, files, err := Check(os.DirFS("../.."))
	require.NoError(t, err)
	require.Greater(t, files, 10, "the walk has missed the repository")
	for _, p := range problems {
		t.Error(p)
	}
}

// file is a one-file repository.
func file(name, text string) fstest.MapFS {
	return fstest.MapFS{name: &fstest.MapFile{Data: []byte(text)}}
}

// Every rule finds a planted fault, and its twin beside it passes.
func TestImportsThatPointTheWrongWay(t *testing.T) {
	const m = Module
	for _, tt := range []struct{ file, imports, problem string }{
		{"codec/http1/a.go", "net", "law 9"},
		{"codec/http1/a.go", "net/http", "law 9"},
		{"codec/http1/a.go", "os", "law 9"},
		{"codec/http1/a.go", "fmt", "law 9"},
		{"codec/http1/a.go", "sync/atomic", "law 9"},
		{"codec/http1/a.go", "math/rand/v2", "law 9"},
		{"codec/http1/a.go", "crypto/rand", "law 9"},
		{"codec/http1/a.go", "golang.org/x/sys/cpu", "law 9"},
		{"codec/http1/a.go", "errors", ""},
		{"codec/http1/a.go", "math/bits", ""},
		{"codec/http1/a_test.go", "net/http", ""},
		{"codec/internal/scan/a.go", "os", "law 9"},
		{"codec/codectest/a.go", "testing", ""},
		{"codec/a.go", m + "/codec/http1", "a codec imports"},
		{"codec/http1/a.go", m + "/codec", ""},
		{"codec/http1/a.go", m + "/codec/internal/scan", ""},
		{"codec/http1/a.go", m + "/codec/http2", "a codec imports"},
		{"codec/http1/a.go", m + "/drivers", "a codec imports"},
		{"codec/http1/a.go", m + "/codec/codectest", "a codec imports"},
		{"codec/http1/a_test.go", m + "/codec/codectest", ""},
		{"codec/http2/a.go", m + "/codec/hpack", ""},
		{"codec/hpack/a.go", m + "/codec/http2", "a codec imports"},
		{"codec/codectest/a.go", m + "/drivers", "arrows point down"},
		{"drivers/a.go", m + "/codec", ""},
		{"drivers/a.go", m + "/codec/http1", "the seam"},
		{"drivers/stdnet/a.go", m + "/drivers", ""},
		{"drivers/stdnet/a.go", m + "/server", "a driver knows"},
		{"drivers/reactor/a.go", m + "/codec/http1", "a driver knows"},
		{"drivers/reactor/a.go", "golang.org/x/sys/unix", ""},
		{"drivers/reactor/a.go", "github.com/stretchr/testify/require", "other modules"},
		{"drivers/reactor/a_test.go", "github.com/stretchr/testify/require", ""},
		{"server/a.go", m + "/codec/http1", ""},
		{"server/a.go", m + "/drivers", ""},
		{"server/a.go", m + "/drivers/stdnet", "no driver"},
		{"server/a.go", m + "/cmd/purewire", "nothing is built on a program"},
		{"cmd/purewire/a.go", m + "/drivers/reactor", ""},
		{"cmd/purewire/a.go", m + "/cmd/purewire/internal/demo", ""},
		{"cmd/purewire/a.go", "golang.org/x/net/http2", "other modules"},
		{"examples/x/a.go", m + "/server", ""},
	} {
		problems, files, err := Check(file(tt.file, fmt.Sprintf("package a\n\nimport _ %q\n", tt.imports)))
		require.NoError(t, err)
		require.Equal(t, 1, files)
		if tt.problem == "" {
			require.Empty(t, problems, "%s imports %s", tt.file, tt.imports)
			continue
		}
		require.Len(t, problems, 1, "%s imports %s", tt.file, tt.imports)
		require.Equal(t, tt.file, problems[0].File)
		require.Equal(t, 3, problems[0].Line)
		require.Contains(t, problems[0].Text, tt.problem)
	}
}

func TestImpureCodecs(t *testing.T) {
	for _, tt := range []struct{ text, problem string }{
		{"func f() { go f() }", "starts a goroutine"},
		{"type a struct { c chan int }", "uses a channel"},
		{"import \"time\"\nvar f = time.Now", "calls time.Now"},
		{"import \"time\"\nfunc f() { time.Sleep(1) }", "calls time.Sleep"},
		{"import t \"time\"\nfunc f() { t.NewTimer(1) }", "calls time.NewTimer"},
		{"import \"time\"\nconst f = time.Second", ""},
		{"var n int\nfunc f() { n++ }", "counts the package variable n"},
		{"var n int\nfunc f() { n = 1 }", "assigns to the package variable n"},
		{"var n [4]int\nfunc f() { n[2] |= 1 }", "assigns to the package variable n"},
		{"var n struct{ a []int }\nfunc f() { (n.a[1]) = 1 }", "assigns to the package variable n"},
		{"var n *int\nfunc f() { *n = 1 }", "assigns to the package variable n"},
		{"var n, m int\nfunc f() { for m = range 3 {} }", "assigns to the package variable m"},
		{"var n int\nfunc f() { n := 1; n++ }", ""},
		{"var n int\nfunc f(n int) { n = 2 }", ""},
		{"var n int\nfunc f() { var n int; n = 2; _ = n }", ""},
		{"var n [4]int\nfunc init() { n[1] = 1 }", ""},
		{"var n = func() (t [4]int) { t[1] = 1; return }()", ""},
	} {
		problems, _, err := Check(file("codec/http1/a.go", "package a\n\n"+tt.text+"\n"))
		require.NoError(t, err)
		if tt.problem == "" {
			require.Empty(t, problems, tt.text)
			continue
		}
		require.Len(t, problems, 1, tt.text)
		require.Contains(t, problems[0].Text, tt.problem)
		// The same text is nobody's concern outside of the codecs and in the test kit.
		for _, dir := range []string{"server", "codec/codectest"} {
			problems, _, err = Check(file(dir+"/a.go", "package a\n\n"+tt.text+"\n"))
			require.NoError(t, err)
			require.Empty(t, problems, tt.text)
		}
	}
}

func TestVariableOfAnotherFile(t *testing.T) {
	r := file("codec/http1/a.go", "package a\n\nvar shared int\n")
	r["codec/http1/b.go"] = &fstest.MapFile{Data: []byte("package a\n\nfunc f() {\n\tshared = 2\n}\n")}
	problems, _, err := Check(r)
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Equal(t, "codec/http1/b.go:4: assigns to the package variable shared (law 9)", problems[0].String())
}

func TestLongFiles(t *testing.T) {
	text := "package a\n" + strings.Repeat("\n", MaxLines-1)
	problems, _, err := Check(file("server/a.go", text))
	require.NoError(t, err)
	require.Empty(t, problems)
	problems, _, err = Check(file("server/a.go", text+"\n"))
	require.NoError(t, err)
	require.Len(t, problems, 1)
	problems, _, err = Check(file("server/a.go", "// Code generated by x. DO NOT EDIT.\n"+text))
	require.NoError(t, err)
	require.Empty(t, problems, "generated files have any length")
}

func TestWhatIsNotRead(t *testing.T) {
	r := file("bench/go.mod", "module x\n")
	for _, name := range []string{"bench/a.go", "codec/testdata/a.go", ".hidden/a.go"} {
		r[name] = &fstest.MapFile{Data: []byte("not Go at all")}
	}
	problems, files, err := Check(r)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Zero(t, files)
	_, _, err = Check(file("codec/a.go", "not Go at all"))
	require.Error(t, err)
}

func ExampleCheck() {
	problems, _, err := Check(file("codec/http1/clock.go", "package http1\n\nimport \"time\"\n\nvar started = time.Now()\n"))
	if err != nil {
		panic(err)
	}
	fmt.Println(problems[0])
	// Output: codec/http1/clock.go:5: calls time.Now (law 9)
}
