// Command fuzz runs native fuzz targets in turn, each for a bounded time, and tells on one line how each did:
//
//	go run ./fuzz/cmd/fuzz -time 30s                 every target of the module, those in fuzz/ and those of the packages
//	go run ./fuzz/cmd/fuzz -time 5m -match HTTP2     those whose package and name match
//	go run ./fuzz/cmd/fuzz -list                     what there is
//
// A target that fails is minimised by the engine; the input is printed as a golden case, ready to be added to corpus/, and the others
// go on. The end is a table; the exit status is 1 if anything was found. What the engine has collected stays in the build cache, where
// "go test -fuzz" finds it too.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		code = 1
	}
	os.Exit(code)
}

// target is one fuzz function.
type target struct {
	pkg  string // import path
	name string
}

func (t target) String() string {
	short := t.pkg[strings.LastIndexByte(t.pkg, '/')+1:]
	return short + "." + t.name
}

func run(args []string, w io.Writer) (code int, err error) {
	flags := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	each := flags.Duration("time", 10*time.Second, "how long each target runs")
	match := flags.String("match", "", "run only targets whose package and name, as -list prints them, match this regular expression")
	list := flags.Bool("list", false, "print the targets")
	parallel := flags.Int("parallel", 0, "workers of each target; 0: as many as there are processors")
	goCmd := flags.String("go", "go", "the go command")
	if err := flags.Parse(args); err != nil {
		return 1, err
	}
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	re, err := regexp.Compile(*match)
	if err != nil {
		return 1, err
	}
	targets, err := find(*goCmd, packages, re)
	if err != nil {
		return 1, err
	}
	if *list {
		for _, t := range targets {
			fmt.Fprintln(w, t.pkg, t.name)
		}
		return 0, nil
	}
	o := options{goCmd: *goCmd, each: *each, parallel: *parallel, live: terminal(w)}
	var rows []row
	for i, t := range targets {
		r, err := o.fuzz(w, fmt.Sprintf("[%*d/%d]", len(fmt.Sprint(len(targets))), i+1, len(targets)), t)
		if err != nil {
			return 1, err
		}
		rows = append(rows, r)
	}
	return summary(w, *each, rows), nil
}

// find lists the targets of the packages.
func find(goCmd string, packages []string, re *regexp.Regexp) ([]target, error) {
	cmd := exec.Command(goCmd, append([]string{"test", "-vet=off", "-list", "^Fuzz"}, packages...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	targets := parseList(string(out), re)
	if len(targets) == 0 {
		return nil, errors.New("no such fuzz target")
	}
	return targets, nil
}

// parseList reads what "go test -list" prints: the names of a package's targets, then a line with the package.
func parseList(out string, re *regexp.Regexp) (targets []target) {
	var names []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case f[0] == "ok" && len(f) > 1:
			for _, n := range names {
				if re.MatchString(f[1] + " " + n) {
					targets = append(targets, target{f[1], n})
				}
			}
			names = nil
		}
	}
	return targets
}

type options struct {
	goCmd    string
	each     time.Duration
	parallel int
	live     bool // w is a terminal: show progress in place
}

// row is how one target did.
type row struct {
	target
	stats
	failed bool
	took   time.Duration
}

// fuzz runs one target.
func (o *options) fuzz(w io.Writer, number string, t target) (row, error) {
	args := []string{"test", "-vet=off", "-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", o.each.String(), "-fuzzminimizetime", "10s"}
	if o.parallel > 0 {
		args = append(args, fmt.Sprint("-parallel=", o.parallel))
	}
	cmd := exec.Command(o.goCmd, append(args, t.pkg)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return row{}, err
	}
	cmd.Stderr = cmd.Stdout
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return row{}, err
	}
	p := &parser{}
	if o.live {
		p.progress = func(s stats) { fmt.Fprintf(w, "\r%s %-34s %s\x1b[K", number, t, s) }
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		p.line(lines.Text())
	}
	if err := lines.Err(); err != nil {
		return row{}, err
	}
	err = cmd.Wait()
	r := row{target: t, stats: p.stats, failed: err != nil && !p.outOfTime(), took: time.Since(start)}
	begin := ""
	if o.live {
		begin = "\r\x1b[K"
	}
	verdict := "ok"
	if r.failed {
		verdict = "FAILED"
	}
	fmt.Fprintf(w, "%s%s %-34s %s  %s\n", begin, number, t, r.stats, verdict)
	if r.failed {
		fmt.Fprint(w, p.report(t, os.ReadFile, packageDir(o.goCmd, t.pkg)))
	}
	return r, nil
}

// packageDir returns the folder of a package, "" if it cannot be found.
func packageDir(goCmd, pkg string) string {
	out, err := exec.Command(goCmd, "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// summary prints the table and returns the exit status.
func summary(w io.Writer, each time.Duration, rows []row) int {
	width, failed := 6, 0
	var execs, interesting int
	for _, r := range rows {
		width = max(width, len(r.target.String()))
		execs, interesting = execs+r.execs, interesting+r.interesting
		if r.failed {
			failed++
		}
	}
	fmt.Fprintf(w, "\n%-*s %12s %9s %7s %7s\n", width, "target", "execs", "execs/s", "new", "corpus")
	for _, r := range rows {
		note := ""
		if r.failed {
			note = "  FAILED"
		}
		fmt.Fprintf(w, "%-*s %12d %9d %7d %7d%s\n", width, r.target.String(), r.execs, r.rate(), r.interesting, r.total, note)
	}
	fmt.Fprintf(w, "%d targets for %v each: %d execs, %d new inputs, %d failed\n", len(rows), each, execs, interesting, failed)
	if failed > 0 {
		return 1
	}
	return 0
}
