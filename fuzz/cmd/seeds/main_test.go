package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/purewire/purewire/fuzz"
)

var folders = []string{"-corpus", "../../../corpus", "-dict", "../../dict"}

func seeds(t *testing.T, args ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := run(append(args, folders...), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestListNamesEachTarget(t *testing.T) {
	out := seeds(t, "-list")
	for _, target := range fuzz.Targets() {
		if !strings.Contains(out, "Fuzz"+target.Name+" "+target.Dict+"\n") {
			t.Errorf("%s is not in\n%s", target.Name, out)
		}
	}
}

// The files, the archive and what the native engine gets are the same inputs.
func TestSeedsAreTheSameForAllEngines(t *testing.T) {
	dir := t.TempDir()
	seeds(t, "-out", dir, "-target", "FuzzHTTP1Request")
	seeds(t, "-out", dir, "-target", "HTTP1Request", "-zip")
	want, err := fuzz.Find("HTTP1Request").Seeds("../../../corpus")
	if err != nil || len(want) < 300 {
		t.Fatalf("%d seeds, %v", len(want), err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "FuzzHTTP1Request"))
	if err != nil || len(files) != len(want) {
		t.Errorf("%d files of %d: two seeds have the same name? %v", len(files), len(want), err)
	}
	z, err := zip.OpenReader(filepath.Join(dir, "FuzzHTTP1Request_seed_corpus.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != len(want) {
		t.Errorf("%d files in the archive", len(z.File))
	}
	for _, s := range want {
		if b, err := os.ReadFile(filepath.Join(dir, "FuzzHTTP1Request", s.Name)); err != nil || !bytes.Equal(b, s.Data) {
			t.Errorf("%s: %q, %v", s.Name, b, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "FuzzHTTP1Request.dict")); err != nil || len(b) == 0 {
		t.Errorf("dictionary: %v", err)
	}
}

// The table of modes is up to date, and writing it anew changes nothing.
func TestModesAreUpToDate(t *testing.T) {
	old, err := os.ReadFile("../../modes.go")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "modes.go")
	if err := os.WriteFile(file, old, 0o644); err != nil {
		t.Fatal(err)
	}
	out := seeds(t, "-modes", "-modesfile", file)
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(old, now) {
		t.Errorf("fuzz/modes.go is behind the corpus: run go run ./fuzz/cmd/seeds -modes\n%s", out)
	}
}

func TestMistakes(t *testing.T) {
	var b bytes.Buffer
	for _, args := range [][]string{{}, {"-target", "NoSuch", "-list"}, {"-nosuch"}, {"-out", t.TempDir(), "-corpus", "nowhere", "-target", "GRPC"}} {
		if err := run(args, &b); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
