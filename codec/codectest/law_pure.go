package codectest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// Rules are the exceptions that a codec asks from the law of purity, each to be justified where they are listed.
type Rules struct {
	// Imports may be imported although they are forbidden.
	Imports []string
	// Vars are package variables ("name") whose address may be taken or that may be written to.
	Vars []string
}

// ForbiddenImports returns what a codec must not import outside of its tests; what is below such a path is forbidden too.
func ForbiddenImports() []string {
	return []string{
		"C", "context", "crypto/rand", "database", "fmt", "golang.org/x/net", "golang.org/x/sys", "io/ioutil", "log", "math/rand",
		"net", "os", "plugin", "runtime/debug", "sync", "syscall", "testing",
	}
}

var clockFuncs = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

// Pure checks law 9 on the source of the package in dir, and of the packages of the same module that it imports: no
// forbidden imports, no clock, no goroutine, channel or print, no linkname, and no package variable that anything but
// its initialiser or func init writes to, calls a pointer method of, or takes the address of. All files but tests are
// read, whatever their build constraints. It cannot see a write through a pointer or slice that a variable holds and that
// was first copied to a local one.
func Pure(t TB, dir string, rules Rules) {
	t.Helper()
	found, err := Impurities(dir, rules)
	if err != nil {
		report(t, "pure", "%v", err)
	}
	for _, f := range found {
		report(t, "pure", "%s", f)
	}
}

// Impurities returns what Pure reports, one line each, beginning with file and line.
func Impurities(dir string, rules Rules) ([]string, error) {
	mod, err := FindModule(dir)
	if err != nil {
		return nil, err
	}
	c := &purity{rules: rules, mod: mod, seen: map[string]bool{}}
	err = c.check(dir)
	slices.Sort(c.found)
	return slices.Compact(c.found), err
}

type purity struct {
	rules Rules
	mod   Module
	seen  map[string]bool
	found []string

	fset *token.FileSet
	info *types.Info
	pkg  *types.Package
}

func (c *purity) add(pos token.Pos, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s: %s", c.fset.Position(pos), fmt.Sprintf(format, args...)))
}

func (c *purity) check(dir string) error {
	if c.seen[dir] {
		return nil
	}
	c.seen[dir] = true
	fset, files, err := parseDir(dir)
	if err != nil {
		return err
	}
	// Imported packages are not loaded: types from there are unknown, but every name in this package is resolved.
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	conf := types.Config{Error: func(error) {}, Importer: emptyImporter{}, FakeImportC: true}
	pkg, _ := conf.Check(dir, fset, files, info)
	c.fset, c.info, c.pkg = fset, info, pkg
	var next []string
	for _, f := range files {
		for _, imp := range f.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if bad := forbidden(path); bad && !slices.Contains(c.rules.Imports, path) {
				c.add(imp.Pos(), "imports %s", path)
			}
			if imp.Name != nil && imp.Name.Name == "." {
				c.add(imp.Pos(), "imports %s into its own scope", path)
			}
			if sub, ok := c.mod.Dir(path); ok {
				next = append(next, sub)
			}
		}
		for _, group := range f.Comments {
			for _, cm := range group.List {
				if strings.HasPrefix(cm.Text, "//go:linkname") {
					c.add(cm.Pos(), "uses linkname")
				}
			}
		}
		for _, d := range f.Decls {
			fn, isFunc := d.(*ast.FuncDecl)
			setup := !isFunc || fn.Recv == nil && fn.Name.Name == "init"
			ast.Inspect(d, func(n ast.Node) bool { return c.node(n, setup, isFunc) })
		}
	}
	for _, sub := range next {
		if err := c.check(sub); err != nil {
			return err
		}
	}
	return nil
}

func forbidden(path string) bool {
	for _, f := range ForbiddenImports() {
		if path == f || strings.HasPrefix(path, f+"/") {
			return true
		}
	}
	return false
}

// node looks at one node. setup tells that it runs before main: writes are allowed.
func (c *purity) node(n ast.Node, setup, inFunc bool) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.add(n.Pos(), "starts a goroutine")
	case *ast.ChanType:
		c.add(n.Pos(), "uses a channel")
	case *ast.SelectStmt:
		c.add(n.Pos(), "uses select")
	case *ast.FuncLit:
		if setup && !inFunc {
			// A function kept in a package variable runs at any time, unlike an initialiser that is called at once.
			ast.Inspect(n.Body, func(m ast.Node) bool { return c.node(m, false, true) })
			return false
		}
	case *ast.CallExpr:
		if fn, ok := n.Fun.(*ast.FuncLit); ok && setup && !inFunc {
			ast.Inspect(fn.Body, func(m ast.Node) bool { return c.node(m, true, true) })
			return false
		}
		c.call(n, setup)
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			p, ok := c.info.Uses[x].(*types.PkgName)
			if ok && p.Imported().Path() == "time" && slices.Contains(clockFuncs, n.Sel.Name) {
				c.add(n.Pos(), "uses the clock: time.%s", n.Sel.Name)
			}
		}
	case *ast.AssignStmt:
		for _, l := range n.Lhs {
			c.write(l, setup, "writes to")
		}
	case *ast.IncDecStmt:
		c.write(n.X, setup, "writes to")
	case *ast.RangeStmt:
		c.write(n.Key, setup, "writes to")
		c.write(n.Value, setup, "writes to")
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			c.write(n.X, setup, "takes the address of")
		}
	}
	return true
}

// call looks for built-in functions that write to their first argument or print, and for pointer methods of variables.
func (c *purity) call(n *ast.CallExpr, setup bool) {
	switch fn := ast.Unparen(n.Fun).(type) {
	case *ast.Ident:
		if _, ok := c.info.Uses[fn].(*types.Builtin); !ok {
			return
		}
		switch fn.Name {
		case "print", "println":
			c.add(n.Pos(), "prints")
		case "copy", "clear", "delete", "append":
			if len(n.Args) > 0 {
				c.write(n.Args[0], setup, fn.Name+" writes to")
			}
		}
	case *ast.SelectorExpr:
		sel := c.info.Selections[fn]
		if sel == nil || sel.Kind() != types.MethodVal {
			return
		}
		sig, _ := sel.Obj().Type().(*types.Signature)
		if sig == nil || sig.Recv() == nil {
			return
		}
		_, ptrMethod := sig.Recv().Type().(*types.Pointer)
		if _, isPtr := sel.Recv().(*types.Pointer); ptrMethod && !isPtr {
			c.write(fn.X, setup, "calls a pointer method of")
		}
	}
}

// write reports an expression that is rooted in a package variable.
func (c *purity) write(x ast.Expr, setup bool, what string) {
	if x == nil || setup {
		return
	}
	id := root(x)
	if id == nil {
		return
	}
	switch obj := c.info.Uses[id].(type) {
	case *types.Var:
		if c.pkg != nil && obj.Parent() == c.pkg.Scope() && !slices.Contains(c.rules.Vars, obj.Name()) {
			c.add(x.Pos(), "%s package variable %s", what, obj.Name())
		}
	case *types.PkgName:
		if _, ok := ast.Unparen(x).(*ast.CompositeLit); !ok {
			c.add(x.Pos(), "%s a variable of package %s", what, obj.Imported().Path())
		}
	}
}

// root returns the identifier that an addressable expression begins with.
func root(x ast.Expr) *ast.Ident {
	for {
		switch e := x.(type) {
		case *ast.Ident:
			return e
		case *ast.ParenExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.SelectorExpr:
			x = e.X
		case *ast.SliceExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		default:
			return nil
		}
	}
}

// emptyImporter gives every import an empty package: only the names of the package at hand matter.
type emptyImporter struct{}

func (emptyImporter) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}
