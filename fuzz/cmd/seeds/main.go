// Command seeds writes what fuzzing engines begin with: the seeds of every target as files of raw bytes, and the dictionaries.
//
//	go run ./fuzz/cmd/seeds -list            one line for each target: its function and its dictionary
//	go run ./fuzz/cmd/seeds -out DIR         DIR/FuzzX/<seed> for each target: a corpus for go-fuzz and libFuzzer
//	go run ./fuzz/cmd/seeds -out DIR -zip    DIR/FuzzX_seed_corpus.zip and DIR/FuzzX.dict, as OSS-Fuzz wants them
//	go run ./fuzz/cmd/seeds -modes           adds the mode lines that the golden cases have and fuzz/modes.go has not
//
// It runs in the root of the repository; -corpus and -dict name other folders. -target names one target, all without it.
package main

import (
	"archive/zip"
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/purewire/purewire/fuzz"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "seeds:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("seeds", flag.ContinueOnError)
	list := flags.Bool("list", false, "print the targets")
	out := flags.String("out", "", "folder to write to")
	zipped := flags.Bool("zip", false, "write archives and dictionaries instead of folders")
	modes := flags.Bool("modes", false, "bring the table of modes up to date")
	file := flags.String("modesfile", "fuzz/modes.go", "the file of that table")
	corpus := flags.String("corpus", "corpus", "folder of the golden cases")
	dict := flags.String("dict", "fuzz/dict", "folder of the dictionaries")
	only := flags.String("target", "", "one target: FuzzX or X")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets := fuzz.Targets()
	if *only != "" {
		t := fuzz.Find(strings.TrimPrefix(*only, "Fuzz"))
		if t == nil {
			return fmt.Errorf("no target %s", *only)
		}
		targets = []*fuzz.Target{t}
	}
	switch {
	case *list:
		for _, t := range targets {
			fmt.Fprintf(w, "Fuzz%s %s\n", t.Name, t.Dict)
		}
		return nil
	case *modes:
		return addModes(*file, *corpus, w)
	case *out == "":
		return fmt.Errorf("nothing to do: -list, -modes or -out")
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, t := range targets {
		seeds, err := t.Seeds(*corpus)
		if err != nil {
			return err
		}
		if *zipped {
			err = writeZip(*out, *dict, t, seeds)
		} else {
			err = writeFiles(filepath.Join(*out, "Fuzz"+t.Name), seeds)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "Fuzz%s: %d seeds\n", t.Name, len(seeds))
	}
	return nil
}

func writeFiles(dir string, seeds []fuzz.Seed) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, s := range seeds {
		if err := os.WriteFile(filepath.Join(dir, s.Name), s.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writeZip(out, dict string, t *fuzz.Target, seeds []fuzz.Seed) error {
	words, err := os.ReadFile(filepath.Join(dict, t.Dict+".dict"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "Fuzz"+t.Name+".dict"), words, 0o644); err != nil {
		return err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, s := range seeds {
		f, err := z.Create(s.Name)
		if err != nil {
			return err
		}
		if _, err := f.Write(s.Data); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "Fuzz"+t.Name+"_seed_corpus.zip"), b.Bytes(), 0o644)
}

// addModes writes the table anew, with the missing lines of each target behind those it has.
func addModes(file, corpus string, w io.Writer) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	mark := []byte("\nvar modes = ")
	at := bytes.Index(src, mark)
	if at < 0 {
		return fmt.Errorf("%s has no line %q", file, mark[1:])
	}
	b := bytes.NewBuffer(slices.Clone(src[:at]))
	fmt.Fprintf(b, "\nvar modes = map[string]string{\n")
	for _, t := range fuzz.Targets() {
		if !t.Laws() {
			continue
		}
		lines := fuzz.Modes(t.Name)
		missing, err := t.MissingModes(corpus)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%q: `%s\n`,\n", t.Name, strings.Join(slices.Concat(lines, missing), "\n"))
		fmt.Fprintf(w, "%s: %d modes, %d new\n", t.Name, len(lines)+len(missing), len(missing))
	}
	b.WriteString("}\n")
	text, err := format.Source(b.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
