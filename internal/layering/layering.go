package layering

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path of the module whose structure this is.
const Module = "github.com/purewire/purewire"

// MaxLines is where a source file must have been split.
const MaxLines = 600

// builtOn names, for each protocol, the other protocols that it may import.
var builtOn = map[string][]string{
	"http2": {"hpack"},
	"qpack": {"hpack"},
	"h3":    {"qpack"},
}

// impure are the standard packages that no codec imports; an entry covers what lies below it.
var impure = []string{"net", "os", "io/ioutil", "syscall", "fmt", "log", "sync", "math/rand", "crypto/rand", "context",
	"runtime/debug", "os/signal", "plugin", "testing"}

// clocks are the functions of package time that read or await the machine's clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// Problem is one break of the structure.
type Problem struct {
	// File is the slash-separated path from the root, Line is 1-based, 0 if the whole file is meant.
	File string
	Line int
	Text string
}

// String returns "file:line: text".
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Check reads every Go file below root outside of nested modules, testdata and hidden directories, and returns what it
// found, in order of files and lines, and how many files it read. The error is one of reading or parsing.
func Check(root fs.FS) (problems []Problem, files int, err error) {
	dirs := map[string][]*source{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name == "." {
				return nil
			}
			base := path.Base(name)
			if base == "testdata" || base[0] == '.' || base[0] == '_' {
				return fs.SkipDir
			}
			if _, err := fs.Stat(root, name+"/go.mod"); err == nil {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		s, err := read(root, name)
		if err != nil {
			return err
		}
		files++
		dirs[path.Dir(name)] = append(dirs[path.Dir(name)], s)
		return nil
	})
	if err != nil {
		return nil, files, err
	}
	for dir, list := range dirs {
		for _, s := range list {
			problems = append(problems, s.check(dir)...)
		}
		if isCodec(dir) {
			problems = append(problems, packageVariables(list)...)
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return problems, files, nil
}

// source is one parsed file.
type source struct {
	name  string
	set   *token.FileSet
	file  *ast.File
	lines int
	test  bool
}

func read(root fs.FS, name string) (*source, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	s := &source{name: name, set: token.NewFileSet(), lines: bytes.Count(text, []byte("\n")), test: strings.HasSuffix(name, "_test.go")}
	s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments)
	return s, err
}

func (s *source) at(p token.Pos, format string, a ...any) Problem {
	return Problem{s.name, s.set.Position(p).Line, fmt.Sprintf(format, a...)}
}

// check looks at one file by itself.
func (s *source) check(dir string) (out []Problem) {
	if s.test {
		return nil
	}
	if s.lines > MaxLines && !ast.IsGenerated(s.file) {
		out = append(out, Problem{s.name, 0, fmt.Sprintf("%d lines; split it before %d", s.lines, MaxLines)})
	}
	for _, im := range s.file.Imports {
		p, err := strconv.Unquote(im.Path.Value)
		if err == nil {
			if why := forbidden(dir, p); why != "" {
				out = append(out, s.at(im.Pos(), "imports %s: %s", p, why))
			}
		}
	}
	if isCodec(dir) {
		out = append(out, s.impurities()...)
	}
	return out
}

// isCodec tells whether the purity law holds for the package in dir: all of codec but the test kit.
func isCodec(dir string) bool {
	return (dir == "codec" || strings.HasPrefix(dir, "codec/")) && !below(dir, "codec/codectest")
}

// below tells whether p is parent or lies under it.
func below(p, parent string) bool { return p == parent || strings.HasPrefix(p, parent+"/") }

// forbidden tells why the package in dir must not import p; "" if it may.
func forbidden(dir, p string) string {
	if !below(p, Module) {
		first, _, _ := strings.Cut(p, "/")
		switch {
		case strings.Contains(first, ".") && !below(p, "golang.org/x/sys"):
			return "of other modules only golang.org/x/sys is a dependency"
		case strings.Contains(first, ".") && isCodec(dir):
			return "a codec depends on no other module (law 9)"
		case isCodec(dir) && slices.ContainsFunc(impure, func(i string) bool { return below(p, i) }):
			return "a codec is pure (law 9)"
		}
		return ""
	}
	to := strings.TrimPrefix(strings.TrimPrefix(p, Module), "/")
	switch {
	case below(to, "cmd") || below(to, "examples"):
		if below(dir, "cmd") || below(dir, "examples") {
			return ""
		}
		return "nothing is built on a program"
	case below(dir, "codec/codectest"):
		return unless(below(to, "codec"), "arrows point down: the kit knows only codecs")
	case isCodec(dir):
		return codecArrow(dir, to)
	case dir == "drivers":
		return unless(to == "codec", "the seam knows only codec")
	case below(dir, "drivers"):
		return unless(to == "codec" || below(to, "drivers"), "a driver knows no protocol and no server")
	case below(dir, "server") || below(dir, "client"):
		return unless(below(to, "codec") && !below(to, "codec/codectest") || to == "drivers" || below(to, dir) || below(to, "internal"),
			"server and client are pure: codecs and the seam, no driver")
	}
	return ""
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// codecArrow checks an import from a codec to another package of the module.
func codecArrow(dir, to string) string {
	if to == "codec" && dir != "codec" || below(to, "codec/internal") {
		return ""
	}
	protocol := func(p string) string {
		name, _, _ := strings.Cut(strings.TrimPrefix(p, "codec/"), "/")
		return name
	}
	if below(to, "codec") && to != "codec" && dir != "codec" && !below(to, "codec/codectest") {
		from, target := protocol(dir), protocol(to)
		if from == target || slices.Contains(builtOn[from], target) {
			return ""
		}
	}
	return "a codec imports codec, codec/internal and the codec it is built on"
}
