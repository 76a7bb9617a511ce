package codectest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// VectorOp does what one line of a vector file asks for and returns the result as the file has it: lines separated by "\n", "" for none.
// No line may be empty or begin with "===", ">", "+" or "#".
type VectorOp func(a *Args) string

// Vector is one line ">" of a vector file: an operation with its arguments, and the result that it must have. The format is described in
// corpus/README.md.
type Vector struct {
	// Op is the name of the operation, Text its arguments as they are written.
	Op, Text string
	// File and Line tell where it is.
	File string
	Line int
	// Want is the expected result.
	Want []string

	wantAt, wantEnd int // lines of the file that hold Want
}

// VectorCase is a sequence of vectors that share what their operations keep.
type VectorCase struct {
	// Name is unique in its folder. Source names what demands the results, as in Case.
	Name   string
	Source []string
	// Vectors are in the order of the file.
	Vectors []*Vector
}

// Args returns the arguments, none of them taken yet.
func (v *Vector) Args() (*Args, error) { return parseArgs(v.Text) }

// VectorSummary tells what RunVectors has seen.
type VectorSummary struct {
	// Vectors is how many were run.
	Vectors int
	// Ops counts them by operation, Sources the cases by RFC paragraph or threat row.
	Ops, Sources map[string]int

	results []string
}

// Has reports whether a line of a result holds text: the token of an error, for instance.
func (s *VectorSummary) Has(text string) bool {
	return slices.ContainsFunc(s.results, func(line string) bool { return strings.Contains(line, text) })
}

// RunVectors runs the vectors of the .txt files in dir, each case as a subtest. They are for what is no stream of events and so has no golden
// cases: stateless functions, encoders, and scripts of operations. ops is called for every case and returns its operations by name;
// those that depend on each other share what ops makes. An operation that no vector uses is reported, and so are arguments that an operation did
// not take. With the test flag -codectest.update the results are written into the files instead of being compared: look at the difference
// before you commit it.
func RunVectors(t *testing.T, dir string, ops func() map[string]VectorOp) *VectorSummary {
	t.Helper()
	cases, err := LoadVectors(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := &VectorSummary{Ops: map[string]int{}, Sources: map[string]int{}}
	results := map[*Vector][]string{}
	for _, c := range cases {
		for _, s := range c.Source {
			sum.Sources[s]++
		}
		t.Run(strings.TrimSuffix(filepath.Base(c.Vectors[0].File), ".txt")+"/"+c.Name, func(t *testing.T) {
			table := ops()
			for _, v := range c.Vectors {
				results[v] = v.run(t, table, updating())
				sum.Vectors++
				sum.Ops[v.Op]++
				sum.results = append(sum.results, results[v]...)
			}
		})
	}
	for op := range ops() {
		if sum.Ops[op] == 0 && !t.Failed() {
			t.Errorf("%s: no vector uses %q", dir, op)
		}
	}
	if updating() {
		if err := updateVectors(cases, results); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

// run does the operation and compares.
func (v *Vector) run(t TB, table map[string]VectorOp, updating bool) (got []string) {
	t.Helper()
	op, args, err := table[v.Op], (*Args)(nil), error(nil)
	if op == nil {
		err = fmt.Errorf("no operation %q", v.Op)
	} else if args, err = v.Args(); err == nil {
		if s := op(args); s != "" {
			got = strings.Split(s, "\n")
		}
		err = args.Err()
	}
	for i, line := range got {
		got[i] = strings.TrimRight(line, " ") // editors lose blanks at the end of a line
		if err == nil && (got[i] == "" || vectorMark(line)) {
			err = fmt.Errorf("the result %q cannot be written", line)
		}
	}
	switch {
	case err != nil:
		t.Errorf("%s:%d: %s: %v", v.File, v.Line, v.Op, err)
		return v.Want
	case !updating && !slices.Equal(got, v.Want):
		t.Errorf("%s:%d: %s %s\n got: %s\nwant: %s", v.File, v.Line, v.Op, clip(v.Text, 200), strings.Join(got, "\n      "), strings.Join(v.Want, "\n      "))
	}
	return got
}

// vectorMark tells whether a line of a file is not one of a result.
func vectorMark(line string) bool {
	return line == "" || line[0] == '>' || line[0] == '+' || line[0] == '#' || strings.HasPrefix(line, "===")
}

// LoadVectors reads all cases of the .txt files in dir, in order of file name. Cases with the same name are a mistake.
func LoadVectors(dir string) ([]*VectorCase, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []*VectorCase
	seen := map[string]bool{}
	for _, f := range files { // sorted by Glob
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		cases, err := ParseVectors(f, string(text))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			if seen[c.Name] {
				return nil, fmt.Errorf("%s: case %q is there twice", dir, c.Name)
			}
			seen[c.Name] = true
		}
		all = append(all, cases...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no vectors in %s", dir)
	}
	return all, nil
}

// ParseVectors reads the cases of one file. file is only used in messages.
func ParseVectors(file, text string) ([]*VectorCase, error) {
	var cases []*VectorCase
	var c *VectorCase
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \r")
		name, begins := strings.CutPrefix(line, "=== ")
		switch {
		case begins:
			c = &VectorCase{Name: strings.TrimSpace(name)}
			cases = append(cases, c)
		case c == nil || line == "" || line[0] == '#': // prose in front of the first case, comments
		case strings.HasPrefix(line, "source:") && len(c.Vectors) == 0:
			for _, s := range strings.Split(line[len("source:"):], ",") {
				c.Source = append(c.Source, strings.TrimSpace(s))
			}
		case strings.HasPrefix(line, "> "):
			v := &Vector{File: file, Line: i + 1}
			for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "+ ") {
				i++
				line += strings.TrimSpace(lines[i][2:])
			}
			v.Op, v.Text, _ = strings.Cut(strings.TrimSpace(line[2:]), " ")
			v.wantAt = i + 1
			for i+1 < len(lines) && !vectorMark(strings.TrimRight(lines[i+1], " \r")) {
				i++
				v.Want = append(v.Want, strings.TrimRight(lines[i], " \r"))
			}
			v.wantEnd = i + 1
			c.Vectors = append(c.Vectors, v)
		default:
			return nil, fmt.Errorf("%s:%d: expected source:, > or #, got %q", file, i+1, line)
		}
	}
	for _, c := range cases {
		if len(c.Vectors) == 0 {
			return nil, fmt.Errorf("%s: case %q has no vector", file, c.Name)
		}
	}
	return cases, nil
}

// updateVectors writes results into the files of the cases.
func updateVectors(cases []*VectorCase, results map[*Vector][]string) error {
	files := map[string][]*Vector{}
	for _, c := range cases {
		for _, v := range c.Vectors {
			files[v.File] = append(files[v.File], v)
		}
	}
	for f, vs := range files {
		old, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		lines := strings.Split(string(old), "\n")
		var out []string
		at := 0
		for _, v := range vs {
			out = append(append(out, lines[at:v.wantAt]...), results[v]...)
			at = v.wantEnd
		}
		text := strings.Join(append(out, lines[at:]...), "\n")
		if text == string(old) {
			continue
		}
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
