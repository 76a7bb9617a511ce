package main

import "google.golang.org/protobuf/compiler/protogen"

func (g *stubs) server(s *protogen.Service, old bool) {
	name := s.GoName + "Server"
	unimplemented, must := "Unimplemented"+name, "mustEmbedUnimplemented"+name
	about := name + " is the server's side of " + string(s.Desc.FullName()) + "."
	if g.requireUnimplemented {
		about += " Implementations must embed\n" + unimplemented + ", by value."
	}
	g.doc(s.Comments.Leading, old, about)
	g.AnnotateSymbol(name, protogen.Annotation{Location: s.Location})
	g.P("type ", name, " interface {")
	for _, m := range s.Methods {
		g.AnnotateSymbol(name+"."+m.GoName, protogen.Annotation{Location: m.Location})
		g.doc(m.Comments.Leading, deprecated(m), "")
		g.P(g.serverMethod(m))
	}
	if g.requireUnimplemented {
		g.P(must, "()")
	}
	g.P("}")
	g.P()

	g.P("// ", unimplemented, " answers UNIMPLEMENTED to every method. It is to be embedded by value, not by pointer: a nil pointer")
	g.P("// would panic when it is called.")
	g.P("type ", unimplemented, " struct{}")
	g.P()
	for _, m := range s.Methods {
		g.P("// ", m.GoName, " answers UNIMPLEMENTED.")
		g.P("func (", unimplemented, ") ", g.serverMethod(m), " {")
		result := g.id(protoPackage.Ident("Unimplemented")) + "(" + pathConst(m) + ")"
		if !m.Desc.IsStreamingServer() {
			result = "nil, " + result
		}
		g.P("return ", result)
		g.P("}")
		g.P()
	}
	if g.requireUnimplemented {
		g.P("func (", unimplemented, ") ", must, "() {}")
	}
	g.P("func (", unimplemented, ") testEmbeddedByValue() {}")
	g.P()

	if g.requireUnimplemented {
		g.P("// Unsafe", name, " may be embedded instead of ", unimplemented, ", by those whose build shall break when a method is added.")
		g.P("type Unsafe", name, " interface {")
		g.P(must, "()")
		g.P("}")
		g.P()
	}
	g.doc("", old, "Register"+name+" registers the methods of impl with s. It panics if one of them is registered already.")
	g.P("func Register", name, "(s *", rpcPackage.Ident("Server"), ", impl ", name, ") {")
	g.P("// Panics now, rather than at the first call, if ", unimplemented, " was embedded as a nil pointer.")
	g.P("if t, ok := impl.(interface{ testEmbeddedByValue() }); ok {")
	g.P("t.testEmbeddedByValue()")
	g.P("}")
	for _, m := range s.Methods {
		g.P(protoPackage.Ident(kindOf(m).handle), "(s, ", pathConst(m), ", impl.", m.GoName, ")")
	}
	g.P("}")
	g.P()
}

func (g *stubs) client(s *protogen.Service, old bool) {
	name := s.GoName + "Client"
	impl := "purewire" + name
	g.doc(s.Comments.Leading, old, name+" is the client's side of "+string(s.Desc.FullName())+".")
	g.AnnotateSymbol(name, protogen.Annotation{Location: s.Location})
	g.P("type ", name, " interface {")
	for _, m := range s.Methods {
		g.AnnotateSymbol(name+"."+m.GoName, protogen.Annotation{Location: m.Location})
		g.doc(m.Comments.Leading, deprecated(m), "")
		g.P(g.clientMethod(m))
	}
	g.P("}")
	g.P()
	g.P("type ", impl, " struct{ c *", rpcPackage.Ident("Client"), " }")
	g.P()
	g.doc("", old, "New"+name+" returns a client that makes its calls over c.")
	g.P("func New", name, "(c *", rpcPackage.Ident("Client"), ") ", name, " { return ", impl, "{c} }")
	g.P()
	for _, m := range s.Methods {
		if deprecated(m) {
			g.P("// Deprecated: Do not use.")
		}
		x := g.arg(m, "x")
		args := g.arg(m, "ctx") + ", " + x + ".c, " + pathConst(m) + ", "
		if !m.Desc.IsStreamingClient() {
			args += g.arg(m, "req") + ", "
		}
		g.P("func (", x, " ", impl, ") ", g.clientMethod(m), " {")
		g.P("return ", protoPackage.Ident(kindOf(m).call), "[", m.Input.GoIdent, ", ", m.Output.GoIdent, "](", args, g.arg(m, "opts"), "...)")
		g.P("}")
		g.P()
	}
}
