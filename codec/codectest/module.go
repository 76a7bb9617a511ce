package codectest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is a Go module on disk.
type Module struct {
	// Path is the module path, Root the folder of its go.mod.
	Path, Root string
}

// FindModule returns the module that dir belongs to.
func FindModule(dir string) (Module, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Module{}, err
	}
	for d := abs; ; d = filepath.Dir(d) {
		text, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil {
			for _, line := range strings.Split(string(text), "\n") {
				if f := strings.Fields(line); len(f) >= 2 && f[0] == "module" {
					return Module{Path: strings.Trim(f[1], `"`), Root: d}, nil
				}
			}
			return Module{}, fmt.Errorf("no module line in %s", filepath.Join(d, "go.mod"))
		}
		if d == filepath.Dir(d) {
			return Module{}, fmt.Errorf("no go.mod above %s", abs)
		}
	}
}

// Dir returns the folder of an import path, if it lies in the module.
func (m Module) Dir(importPath string) (string, bool) {
	if importPath == m.Path {
		return m.Root, true
	}
	rel, ok := strings.CutPrefix(importPath, m.Path+"/")
	return filepath.Join(m.Root, filepath.FromSlash(rel)), ok
}

// Package is one folder of Go files.
type Package struct {
	// Rel is the folder relative to the module's root, with slashes; "." for the root.
	Rel string
	// Imports are the import paths of all its files but tests, whatever their build constraints; sorted.
	Imports []string
}

// Packages returns the packages of the module that have files other than tests, in order of their folders. Nested modules,
// testdata and folders that begin with "." or "_" are left out.
func (m Module) Packages() ([]Package, error) {
	var all []Package
	err := filepath.WalkDir(m.Root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != m.Root {
			name := d.Name()
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || nested == nil {
				return filepath.SkipDir
			}
		}
		_, files, err := parseDir(path)
		if err != nil || len(files) == 0 {
			return err
		}
		rel, err := filepath.Rel(m.Root, path)
		p := Package{Rel: filepath.ToSlash(rel)}
		for _, f := range files {
			for _, imp := range f.Imports {
				s, _ := strconv.Unquote(imp.Path.Value)
				p.Imports = append(p.Imports, s)
			}
		}
		slices.Sort(p.Imports)
		p.Imports = slices.Compact(p.Imports)
		all = append(all, p)
		return err
	})
	return all, err
}

// parseDir parses the files of dir but tests.
func parseDir(dir string) (*token.FileSet, []*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	return fset, files, nil
}
