package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/codectest"
)

// parse reads a recorded output.
func parse(t *testing.T, file string) *parser {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	p := new(parser)
	for line := range strings.Lines(string(text)) {
		p.line(strings.TrimSuffix(line, "\n"))
	}
	return p
}

func TestProgress(t *testing.T) {
	var seen []stats
	p := &parser{progress: func(s stats) { seen = append(seen, s) }}
	text, err := os.ReadFile("testdata/clean.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		p.line(strings.TrimSuffix(line, "\n"))
	}
	want := stats{elapsed: 25 * time.Second, execs: 951207, interesting: 78, total: 229}
	if p.stats != want || len(seen) != 4 || seen[3] != want || p.rate() != 38048 || (stats{}).rate() != 0 {
		t.Errorf("%+v, %d times, %d/s", p.stats, len(seen), p.rate())
	}
	if p.file != "" || len(p.other) != 2 {
		t.Errorf("%q, %q", p.file, p.other)
	}
}

func TestList(t *testing.T) {
	text, err := os.ReadFile("testdata/list.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := parseList(string(text), regexp.MustCompile(""))
	if len(all) != 3 || all[0].String() != "codectest.FuzzToy" || all[2].pkg != "github.com/purewire/purewire/codec/http1" {
		t.Errorf("%v", all)
	}
	if some := parseList(string(text), regexp.MustCompile("http1.*Walk")); len(some) != 1 || some[0].name != "FuzzWalkers" {
		t.Errorf("%v", some)
	}
}

// goldenIn returns the golden case that a report prints.
func goldenIn(t *testing.T, report string) *codectest.Case {
	t.Helper()
	at := strings.Index(report, "=== ")
	if at < 0 {
		t.Fatalf("no golden case in\n%s", report)
	}
	cases, err := codectest.ParseGolden("report", report[at:])
	if err != nil || len(cases) != 1 {
		t.Fatalf("%d cases, %v in\n%s", len(cases), err, report)
	}
	return cases[0]
}

func nothing(string) ([]byte, error) { return nil, errors.New("no such file") }

// A law that FuzzSplit found broken: the case that it has logged is the one that is printed, with mode, input and log.
func TestReportLaw(t *testing.T) {
	p := parse(t, "law.txt")
	report := p.report(target{"github.com/purewire/purewire/codec/codectest", "FuzzBroken"}, nothing, "/src")
	c := goldenIn(t, report)
	if string(c.Input) != "SAY hi there \nPING\n" || len(c.Want) != 2 || c.Want[1] != "ping" {
		t.Errorf("input %q, log %q", c.Input, c.Want)
	}
	if !strings.Contains(report, "law linear: Adapter.Work is set") || strings.Contains(report, codectest.CaseMark) {
		t.Errorf("the message is not there:\n%s", report)
	}
}

// A target of package fuzz: the case is made of the input that the engine has written.
func TestReportProgram(t *testing.T) {
	p := parse(t, "program.txt")
	if p.file != "testdata/fuzz/FuzzGRPCText/56fa234166f7eead" || p.execs != 676 {
		t.Errorf("%q, %+v", p.file, p.stats)
	}
	read := func(name string) ([]byte, error) {
		if name != filepath.Join("/src/fuzz", p.file) {
			return nil, errors.New("no such file")
		}
		return []byte("go test fuzz v1\n[]byte(\"yy\\x000\")\n"), nil
	}
	report := p.report(target{"github.com/purewire/purewire/fuzz", "FuzzGRPCText"}, read, "/src/fuzz")
	c := goldenIn(t, report)
	if string(c.Input) != "yy\x000" || c.Mode.Get("target") != "GRPCText" || !strings.Contains(report, "corpus/grpc/regressions") {
		t.Errorf("%s", report)
	}
	if !strings.Contains(report, "# a timeout of 29h40m58.78632448s is read as 29h40m59s") {
		t.Errorf("what was broken does not stand in the case:\n%s", report)
	}
	// A target of laws: mode and input are taken apart, and the log is made.
	p.file = "x"
	laws := func(string) ([]byte, error) { return []byte("go test fuzz v1\n[]byte(\"\\x00\\x07*\\r\\n\")\n"), nil }
	report = p.report(target{"github.com/purewire/purewire/fuzz", "FuzzGRPC"}, laws, "/src/fuzz")
	if c = goldenIn(t, report); string(c.Input) != "*\r\n" || len(c.Want) == 0 || !strings.Contains(report, "corpus/grpc:") {
		t.Errorf("%s", report)
	}
}

// A panic of any other target: the input as the go command keeps it.
func TestReportPanic(t *testing.T) {
	p := parse(t, "panic.txt")
	file := "go test fuzz v1\n[]byte(\"a00\")\n"
	report := p.report(target{"github.com/purewire/purewire/codec/codectest", "FuzzPanics"}, func(string) ([]byte, error) { return []byte(file), nil }, "/src")
	for _, want := range []string{"panic: it panics", "/src/" + p.file, file} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	if p.file != "testdata/fuzz/FuzzPanics/353ba911ad2dc191" || firstLine(p.other) != "panic: it panics" {
		t.Errorf("%q, %q", p.file, firstLine(p.other))
	}
}

// A seed that fails has no file.
func TestReportSeed(t *testing.T) {
	p := parse(t, "seed.txt")
	report := p.report(target{"p", "FuzzSeedFails"}, nothing, "/src")
	if !strings.Contains(report, "a seed fails") || !strings.Contains(report, "seed#0") || strings.Contains(report, "===") {
		t.Errorf("%s", report)
	}
}

// The engine fails now and then because its time is over. That is no finding; everything else is.
func TestOutOfTime(t *testing.T) {
	for _, file := range []string{"law.txt", "panic.txt", "program.txt", "seed.txt", "clean.txt"} {
		if parse(t, file).outOfTime() {
			t.Errorf("%s is not taken for a finding", file)
		}
	}
	p := parse(t, "deadline.txt")
	if !p.outOfTime() || p.execs != 139277 {
		t.Errorf("taken for a finding: %q", p.other)
	}
	p.line("    Failing input written to testdata/fuzz/FuzzPayload/0123")
	if p.outOfTime() {
		t.Error("a failing input is no finding")
	}
}

func TestSummary(t *testing.T) {
	rows := []row{{target: target{"a/b", "FuzzX"}, stats: stats{elapsed: 2 * time.Second, execs: 100, interesting: 3, total: 9}}}
	var b bytes.Buffer
	if code := summary(&b, time.Second, rows); code != 0 || !strings.Contains(b.String(), "b.FuzzX          100        50       3       9\n") {
		t.Errorf("%d\n%s", code, b.String())
	}
	b.Reset()
	rows = append(rows, row{target: target{"a/b", "FuzzY"}, failed: true})
	if code := summary(&b, time.Second, rows); code != 1 || !strings.Contains(b.String(), "FAILED") || !strings.Contains(b.String(), "2 targets for 1s each: 100 execs, 3 new inputs, 1 failed") {
		t.Errorf("%d\n%s", code, b.String())
	}
}

// The command as a whole, on a package of its own that has one target that finds what it looks for and one that does not.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test/m\n\ngo 1.26\n",
		"m_test.go": `package m

import "testing"

func FuzzClean(f *testing.F) { f.Fuzz(func(t *testing.T, b []byte) {}) }

func FuzzDirty(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1 {
			t.Error("longer than one byte")
		}
	})
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var b bytes.Buffer
	if _, err := run([]string{"-time", "100x", "."}, &b); err == nil {
		t.Error("a time that is none is taken")
	}
	b.Reset()
	code, err := run([]string{"-time", "300ms", "-parallel", "1", "."}, &b)
	if err != nil || code != 1 {
		t.Fatalf("%d, %v\n%s", code, err, b.String())
	}
	for _, want := range []string{"m.FuzzClean", "  ok\n", "FAILED", "longer than one byte", "[]byte(", "2 targets for 300ms each"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if _, err := run([]string{"-match", "NoSuch", "."}, &b); err == nil {
		t.Error("no target, and no error")
	}
}
