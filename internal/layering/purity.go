package layering

import (
	"go/ast"
	"go/token"
	"slices"
)

// impurities finds, in one file of a codec, goroutines, channels and readings of the clock.
func (s *source) impurities() (out []Problem) {
	timeName := ""
	for _, im := range s.file.Imports {
		if im.Path.Value == `"time"` {
			timeName = "time"
			if im.Name != nil {
				timeName = im.Name.Name
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, s.at(n.Pos(), "starts a goroutine (law 9)"))
		case *ast.ChanType:
			out = append(out, s.at(n.Pos(), "uses a channel (law 9)"))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && timeName != "" && x.Name == timeName && slices.Contains(clocks, n.Sel.Name) {
				out = append(out, s.at(n.Pos(), "calls time.%s (law 9)", n.Sel.Name))
			}
		}
		return true
	})
	return out
}

// packageVariables finds, in the files of one codec package, functions that change a package variable. Tables filled by
// a variable's own initialiser or in func init are constant afterwards and therefore allowed.
func packageVariables(files []*source) (out []Problem) {
	vars := map[string]bool{}
	specs := map[any]bool{}
	for _, s := range files {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, sp := range g.Specs {
				v := sp.(*ast.ValueSpec)
				specs[v] = true
				for _, n := range v.Names {
					vars[n.Name] = true
				}
			}
		}
	}
	for _, s := range files {
		if s.test {
			continue
		}
		// changed reports e if its root is a package variable. The parser has resolved local names; one from another
		// file of the package has no object.
		changed := func(e ast.Expr, how string) {
			id := rootOf(e)
			if id == nil || !vars[id.Name] || id.Obj != nil && !specs[id.Obj.Decl] {
				return
			}
			out = append(out, s.at(e.Pos(), "%s the package variable %s (law 9)", how, id.Name))
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || f.Recv == nil && f.Name.Name == "init" {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						for _, l := range n.Lhs {
							changed(l, "assigns to")
						}
					}
				case *ast.IncDecStmt:
					changed(n.X, "counts")
				case *ast.RangeStmt:
					if n.Tok == token.ASSIGN {
						changed(n.Key, "assigns to")
						changed(n.Value, "assigns to")
					}
				}
				return true
			})
		}
	}
	return out
}

// rootOf returns x of x, x.f, x[i], *x and (x); nil if there is none.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
