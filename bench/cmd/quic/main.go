// Command quic runs the comparison of package bench/quic with peers whose wire code is not exported: it copies their modules from
// the module cache to a temporary directory, adds one file to each, and has the tests built against the copies. Arguments are for the
// test; without any it prints the tables of RESULTS-quic.md.
//
//	cd bench && go run ./cmd/quic
//	cd bench && go run ./cmd/quic -test.bench . -test.benchmem
//
// With the tag ngtcp2 the tests are built with that tag, too; bench/README.md has the command.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// copies are the modules, the package in each that gets a file, and the file.
var copies = []struct{ module, pkg, file string }{
	{"github.com/quic-go/quic-go", ".", "quicgo.go.txt"},
	{"golang.org/x/net", "quic", "xnet.go.txt"},
}

// tags are what the tests are built with.
var tags = "quicpeers"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "quic:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		args = []string{"-test.run", "Compare", "-compare", "-test.v"}
	}
	tmp, err := os.MkdirTemp("", "quic")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	mod := filepath.Join(tmp, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("%w: to be run in the directory bench", err)
		}
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o644); err != nil {
			return err
		}
	}
	for i, c := range copies {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", c.module).Output()
		if err != nil {
			return fmt.Errorf("go list -m %s: %w", c.module, err)
		}
		to := filepath.Join(tmp, fmt.Sprint(i))
		if err := os.CopyFS(to, os.DirFS(strings.TrimSpace(string(dir)))); err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join("quic", "testdata", c.file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, c.pkg, "bench_added.go"), b, 0o644); err != nil {
			return err
		}
		if out, err := exec.Command("go", "mod", "edit", "-replace", c.module+"="+to, mod).CombinedOutput(); err != nil {
			return fmt.Errorf("go mod edit: %w: %s", err, out)
		}
	}
	binary := filepath.Join(tmp, "quic.test")
	build := exec.Command("go", "test", "-c", "-modfile", mod, "-mod=mod", "-tags", tags, "-o", binary, "./quic")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	test := exec.Command(binary, args...)
	test.Dir, test.Stdout, test.Stderr = "quic", os.Stdout, os.Stderr
	return test.Run()
}
