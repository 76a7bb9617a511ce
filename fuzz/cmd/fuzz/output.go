package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/fuzz"
)

// stats is the last progress line of a target.
type stats struct {
	elapsed     time.Duration
	execs       int
	interesting int // inputs that the engine has kept in this run
	total       int // inputs in its corpus
}

// rate is the average of execs in a second.
func (s stats) rate() int {
	if s.elapsed <= 0 {
		return 0
	}
	return int(float64(s.execs) / s.elapsed.Seconds())
}

func (s stats) String() string {
	return fmt.Sprintf("%9d execs %7d/s %5d new %6d in the corpus", s.execs, s.rate(), s.interesting, s.total)
}

// parser reads what "go test -fuzz" prints.
type parser struct {
	stats
	progress func(stats) // may be nil
	other    []string    // all other lines
	file     string      // the failing input, relative to the package
}

var (
	progressLine = regexp.MustCompile(`^fuzz: elapsed: (\S+), execs: (\d+) \(\d+/sec\), new interesting: (\d+) \(total: (\d+)\)$`)
	baselineLine = regexp.MustCompile(`^fuzz: (elapsed: |minimizing )`)
	writtenLine  = regexp.MustCompile(`^\s*Failing input written to (\S+)$`)
	seedLine     = regexp.MustCompile(`^failure while testing seed corpus entry: (\S+)$`)
)

// line takes one line of the output.
func (p *parser) line(s string) {
	if m := progressLine.FindStringSubmatch(s); m != nil {
		p.elapsed, _ = time.ParseDuration(m[1])
		p.execs, _ = strconv.Atoi(m[2])
		p.interesting, _ = strconv.Atoi(m[3])
		p.total, _ = strconv.Atoi(m[4])
		if p.progress != nil {
			p.progress(p.stats)
		}
		return
	}
	if baselineLine.MatchString(s) {
		return
	}
	if m := writtenLine.FindStringSubmatch(s); m != nil {
		p.file = m[1]
	}
	if m := seedLine.FindStringSubmatch(s); m != nil && p.file == "" {
		p.file = filepath.Join("testdata", "fuzz", m[1])
	}
	p.other = append(p.other, s)
}

// report says what was found: the message, and the input as a golden case. dir is the folder of the package, read reads a file.
func (p *parser) report(t target, read func(string) ([]byte, error), dir string) string {
	var b strings.Builder
	message, logged := split(p.other)
	for _, line := range message {
		b.WriteString("    " + line + "\n")
	}
	var data []byte
	text := ""
	if p.file != "" {
		if raw, err := read(filepath.Join(dir, p.file)); err == nil {
			text = string(raw)
			data, _ = firstBytes(text)
		}
	}
	switch own := fuzz.Find(strings.TrimPrefix(t.name, "Fuzz")); {
	case own != nil && data != nil && strings.HasSuffix(t.pkg, "/fuzz"):
		place := "corpus/" + own.Corpus
		if !own.Laws() {
			place = "corpus/" + strings.Split(own.Codec, "/")[0] + "/regressions"
		}
		fmt.Fprintf(&b, "\nas a golden case, for a file in %s:\n\n%s\n", place, own.Case(caseName(t, p.file), firstLine(message), data))
	case logged != "":
		fmt.Fprintf(&b, "\nas a golden case:\n\n%s\n", logged)
	case text != "":
		fmt.Fprintf(&b, "\nthe input, to be kept as it is in %s:\n\n%s\n", filepath.Join(dir, p.file), text)
	}
	return b.String()
}

// outOfTime tells whether the engine failed only because its time was over while it was at work, as it does now and then: nothing was
// found then.
func (p *parser) outOfTime() bool {
	over := false
	for _, line := range p.other {
		switch f := strings.TrimSpace(line); {
		case f == "context deadline exceeded":
			over = true
		case f == "", f == "FAIL", strings.HasPrefix(f, "--- FAIL: "), strings.HasPrefix(f, "exit status "), strings.HasPrefix(f, "FAIL\t"):
		default:
			return false
		}
	}
	return over && p.file == ""
}

func caseName(t target, file string) string {
	return "found by " + t.name + " " + filepath.Base(file)
}

// split separates the golden case that FuzzSplit logs from the rest of the output.
func split(lines []string) (message []string, golden string) {
	for i, line := range lines {
		at := strings.Index(line, codectest.CaseMark)
		if at < 0 {
			message = append(message, line)
			continue
		}
		end := i + 1
		for end < len(lines) && strings.HasPrefix(lines[end], "            ") {
			end++
		}
		if golden == "" {
			var b strings.Builder
			for _, l := range lines[i+1 : end] {
				b.WriteString(strings.TrimPrefix(l, "            ") + "\n")
			}
			golden = b.String()
		}
		return append(message, lines[end:]...), golden
	}
	return message, golden
}

// firstLine returns what was broken: the first line that a test has logged, without its place.
func firstLine(message []string) string {
	for _, l := range message {
		l = strings.TrimSpace(l)
		if file, text, ok := strings.Cut(l, ": "); ok && strings.Contains(file, ".go:") {
			return text
		}
		if strings.HasPrefix(l, "panic: ") {
			return l
		}
	}
	return ""
}

// firstBytes returns the first []byte of a corpus file of the go command.
func firstBytes(text string) ([]byte, bool) {
	for line := range strings.Lines(text) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), "[]byte("); ok {
			v, err := strconv.Unquote(strings.TrimSuffix(s, ")"))
			return []byte(v), err == nil
		}
	}
	return nil, false
}
