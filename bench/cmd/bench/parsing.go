//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// parsing runs the benchmarks of ./parse, once with the assembly kernels and once in pure Go. Benchmarks of one input run
// side by side, and the whole list is repeated once a round.
func (c *config) parsing(ctx context.Context, rep *report) error {
	plain, ldflags := "", ""
	if c.pico != "" {
		plain = "pico"
		var err error
		if ldflags, err = c.picoLibrary(ctx); err != nil {
			return err
		}
	}
	for range c.rounds {
		for _, tags := range []string{plain, "purego"} {
			args := []string{"test", "-run", "^$", "-bench", ".", "-benchtime", "100ms", "-tags", tags, "./parse"}
			if tags == "purego" {
				args[4] = "/^purewire"
			}
			cmd := exec.CommandContext(ctx, "go", args...)
			cmd.Stderr = os.Stderr
			cmd.Env = append(os.Environ(), "CGO_LDFLAGS="+ldflags)
			b, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("%w: %s", err, b)
			}
			if tags == plain {
				tags = ""
			}
			rep.addParse(string(b), tags)
		}
		if c.httparse {
			b, err := exec.CommandContext(ctx, filepath.Join(c.out, "bin", "httparse"), "100").Output()
			if err != nil {
				return fmt.Errorf("httparse: %w", err)
			}
			rep.addParse(string(b), "")
		}
	}
	return nil
}

// addParse reads lines like "BenchmarkPico703/fasthttp-2  1000  1143 ns/op ...".
func (r *report) addParse(out, tags string) {
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "ns/op" || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		// The processor count, which is absent when it is 1.
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		input, parser, ok := strings.Cut(name, "/")
		ns, err := strconv.ParseFloat(f[2], 64)
		if !ok || err != nil {
			continue
		}
		if tags != "" {
			parser += ", " + tags
		}
		m := r.Parse[input]
		if m == nil {
			m = map[string][]float64{}
			r.Parse[input] = m
		}
		m[parser] = append(m[parser], ns)
	}
}

func (r *report) parseTables(b *strings.Builder) {
	if len(r.Parse) == 0 {
		return
	}
	b.WriteString("\n## Parsing, ns per operation\n\n")
	var parsers, inputs []string
	for in, m := range r.Parse {
		inputs = append(inputs, in)
		for p := range m {
			if !slices.Contains(parsers, p) {
				parsers = append(parsers, p)
			}
		}
	}
	slices.Sort(inputs)
	slices.Sort(parsers)
	b.WriteString("| input |")
	for _, p := range parsers {
		b.WriteString(" " + p + " |")
	}
	b.WriteString("\n" + strings.Repeat("|---", len(parsers)+1) + "|\n")
	for _, in := range inputs {
		b.WriteString("| " + in + " |")
		for _, p := range parsers {
			if v := r.Parse[in][p]; len(v) > 0 {
				fmt.Fprintf(b, " %.1f |", median(v))
			} else {
				b.WriteString(" - |")
			}
		}
		b.WriteByte('\n')
	}
}
