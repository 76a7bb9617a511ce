package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	all, err := parse("a comment\n\n=== one\nfile: codec/x/a.go\n--- old\n\tif a {\n\t\tb()\n--- new\n\tif !a {\n\t\tb()\n\n=== two\nfile: codec/x/a.go\nrun: Laws\npkg: codec/y\n--- old\nx\n--- new\n")
	require.NoError(t, err)
	require.Equal(t, []*mutant{
		{name: "one", file: "codec/x/a.go", pkg: "codec/x", run: defaultRun, old: "if a {\n\t\tb()", new: "if !a {\n\t\tb()"},
		{name: "two", file: "codec/x/a.go", pkg: "codec/y", run: "Laws", old: "x"},
	}, all)
	for _, bad := range []string{"=== one\nfile: a.go\n", "=== one\nwhat: a\n", "=== one\nfile: a.go\n--- old\nx\n--- new\nx\n"} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}

// Every planted bug is in the text of today, once, and there are as many as are promised, in every codec.
func TestPlanted(t *testing.T) {
	t.Chdir("../../..")
	all, err := load("fuzz/mutants")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 60)
	pkgs := map[string]int{}
	for _, m := range all {
		_, err := m.apply()
		require.NoError(t, err, m.name)
		pkgs[filepath.Dir(m.file)]++
	}
	for _, p := range []string{"http1", "hpack", "http2", "ws", "qpack", "quic", "grpc"} {
		require.GreaterOrEqual(t, pkgs["codec/"+p], 5, p)
	}
}

// A bug is found by a test that fails, and lives where none does; a text that is not there, or does not compile, is an error.
func TestPlant(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module m\n\ngo 1.26\n")
	require.NoError(t, os.Mkdir("p", 0o700))
	write("p/p.go", "package p\n\nfunc Add(a, b int) int { return a + b }\n\nfunc Unused() int { return 7 }\n")
	write("p/p_test.go", "package p\n\nimport \"testing\"\n\nfunc TestGolden(t *testing.T) {\n\tif Add(2, 3) != 5 {\n\t\tt.Fatal()\n\t}\n}\n")
	m := &mutant{name: "minus", file: "p/p.go", pkg: "p", run: defaultRun, old: "a + b", new: "a - b"}
	o := plant(m, false)
	require.NoError(t, o.err)
	require.True(t, o.found)
	require.Equal(t, "TestGolden", o.by)
	m.old, m.new = "return 7", "return 8"
	o = plant(m, false)
	require.NoError(t, o.err)
	require.False(t, o.found)
	m.run = "Other"
	require.ErrorContains(t, plant(m, false).err, "no test")
	m.new = "return x"
	require.ErrorContains(t, plant(m, false).err, "compile")
	m.old = "return 9"
	require.ErrorContains(t, plant(m, false).err, "not in the file")
}
