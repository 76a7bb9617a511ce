// Command mutants plants bugs into the codecs, one at a time, and sees whether the corpus and the laws find them.
//
// The bugs are in fuzz/mutants/*.txt, each a name, a file and a piece of its text with what takes its place:
//
//	=== a chunk may be larger than the limit
//	file: codec/http1/chunked.go
//	--- old
//	if size > max {
//	--- new
//	if false && size > max {
//
// The piece must be in the file exactly once; it may have several lines. The line "run:" tells the regular expression of the tests, in
// the package of the file, that must find it, and "pkg:" another package. Without them it is defaultRun. Nothing is written into the source: the
// compiler is told of the other text by its -overlay.
//
//	go run ./fuzz/cmd/mutants              # plant them all; the status is 1 if one lives
//	go run ./fuzz/cmd/mutants -only http1  # those whose file or name has the word
//	go run ./fuzz/cmd/mutants -check       # only see that all can be planted
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

// defaultRun selects the tests that read the corpus and hold codecs to the laws.
const defaultRun = "Golden|Corpus|Vector|Law|Script"

func main() {
	dir := flag.String("dir", "fuzz/mutants", "where the planted bugs are described")
	only := flag.String("only", "", "plant those whose name or file has this word")
	check := flag.Bool("check", false, "run no test, only see that every bug can be planted and compiled")
	jobs := flag.Int("jobs", runtime.NumCPU(), "how many at once")
	verbose := flag.Bool("v", false, "print what the tests say of those that live")
	flag.Parse()
	all, err := load(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	var some []*mutant
	for _, m := range all {
		if strings.Contains(m.name, *only) || strings.Contains(m.file, *only) {
			some = append(some, m)
		}
	}
	if !run(some, *jobs, *check, *verbose) {
		os.Exit(1)
	}
}

// outcome says what became of a planted bug.
type outcome struct {
	m     *mutant
	found bool
	by    string // the test that found it
	err   error  // it could not be planted or compiled
	took  time.Duration
	log   string
}

// run plants the bugs and prints a line for each. It tells whether all were found.
func run(all []*mutant, jobs int, check, verbose bool) bool {
	work := make(chan *mutant)
	done := make(chan outcome)
	var workers sync.WaitGroup
	for range max(1, jobs) {
		workers.Go(func() {
			for m := range work {
				done <- plant(m, check)
			}
		})
	}
	go func() {
		for _, m := range all {
			work <- m
		}
		close(work)
		workers.Wait()
		close(done)
	}()
	found, perPkg := 0, map[string]int{}
	for o := range done {
		state := "found by " + o.by
		switch {
		case o.err != nil:
			state = "ERROR " + o.err.Error()
		case check:
			found++
			state = "compiles"
		case o.found:
			found++
			perPkg[filepath.Dir(o.m.file)]++
		default:
			state = "LIVES"
		}
		fmt.Printf("%5.1fs  %-60s %s\n", o.took.Seconds(), o.m.name, state)
		if verbose && o.log != "" && (o.err != nil || !o.found) {
			fmt.Println(o.log)
		}
	}
	var pkgs []string
	for p, n := range perPkg {
		pkgs = append(pkgs, fmt.Sprintf("%s %d", p, n))
	}
	sort.Strings(pkgs)
	fmt.Printf("%d planted, %d found (%s)\n", len(all), found, strings.Join(pkgs, ", "))
	return found == len(all)
}

// plant tries one bug.
func plant(m *mutant, check bool) (o outcome) {
	o.m = m
	start := time.Now()
	defer func() { o.took = time.Since(start) }()
	text, err := m.apply()
	if err != nil {
		o.err = err
		return o
	}
	tmp, err := os.MkdirTemp("", "mutant")
	if err != nil {
		o.err = err
		return o
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, filepath.Base(m.file))
	abs, err := filepath.Abs(m.file)
	if err != nil {
		o.err = err
		return o
	}
	overlay := filepath.Join(tmp, "overlay.json")
	b, err := json.Marshal(map[string]map[string]string{"Replace": {abs: file}})
	if err == nil {
		err = errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(overlay, b, 0o600))
	}
	if err != nil {
		o.err = err
		return o
	}
	binary := filepath.Join(tmp, "test")
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+m.pkg).CombinedOutput()
	if err != nil {
		o.err, o.log = errors.New("it does not compile"), string(out)
		return o
	}
	if check {
		return o
	}
	test := exec.Command(binary, "-test.short", "-test.failfast", "-test.timeout", "120s", "-test.run", m.run)
	test.Dir = m.pkg
	out, err = test.CombinedOutput()
	o.found, o.log = err != nil, string(out)
	if o.found {
		o.by = finder(out)
	} else if bytes.Contains(out, []byte("no tests to run")) {
		o.err = errors.New("no test is selected")
	}
	return o
}

// finder returns the name of the innermost test that failed, or how else the tests ended.
func finder(out []byte) (name string) {
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			name, _, _ = strings.Cut(rest, " ")
		}
		if name == "" && (strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")) {
			name = line
		}
	}
	return name
}
