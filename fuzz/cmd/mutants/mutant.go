package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one planted bug.
type mutant struct {
	name     string
	file     string // from the root of the repository
	pkg      string // whose tests must find it
	run      string // which of them
	old, new string
}

// load reads all descriptions of a directory.
func load(dir string) (all []*mutant, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file in %s", dir)
	}
	names := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		some, err := parse(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s:%w", f, err)
		}
		for _, m := range some {
			if names[m.name] {
				return nil, fmt.Errorf("%s: there are two %q", f, m.name)
			}
			names[m.name] = true
		}
		all = append(all, some...)
	}
	return all, nil
}

// parse reads a file of descriptions. Lines in front of the first one are a comment.
func parse(text string) (all []*mutant, err error) {
	var m *mutant
	var into *string
	no := 0
	for line := range strings.Lines(text) {
		no++
		switch {
		case strings.HasPrefix(line, "=== "):
			m = &mutant{name: strings.TrimSpace(line[4:])}
			all, into = append(all, m), nil
		case m == nil:
		case line == "--- old\n":
			into = &m.old
		case line == "--- new\n":
			into = &m.new
		case into != nil:
			*into += line
		case strings.TrimSpace(line) == "":
		default:
			key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
			switch {
			case ok && key == "file":
				m.file = value
			case ok && key == "pkg":
				m.pkg = value
			case ok && key == "run":
				m.run = value
			default:
				return nil, fmt.Errorf("%d: not understood: %q", no, line)
			}
		}
	}
	for _, m := range all {
		m.old, m.new = strings.TrimSpace(m.old), strings.TrimSpace(m.new)
		if m.pkg == "" {
			m.pkg = filepath.Dir(m.file)
		}
		if m.run == "" {
			m.run = defaultRun
		}
		if m.name == "" || m.file == "" || m.old == "" || m.old == m.new {
			return nil, fmt.Errorf(" %q is not complete", m.name)
		}
	}
	return all, nil
}

// apply returns the file with the bug in it.
func (m *mutant) apply() ([]byte, error) {
	b, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	switch bytes.Count(b, []byte(m.old)) {
	case 1:
		return bytes.Replace(b, []byte(m.old), []byte(m.new), 1), nil
	case 0:
		return nil, errors.New("its text is not in the file: " + m.file)
	}
	return nil, errors.New("its text is in the file more than once: " + m.file)
}
