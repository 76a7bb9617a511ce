// Package verdict asks other implementations what it asks ours in corpus/verdict: one string of bytes, one verdict each. It is
// a differential oracle: where two disagree, one of them is wrong or the RFC leaves something open, and each case of the
// library says which.
//
// Everything runs in memory: implementations that want a net.Conn get one that holds the whole input, whose end is the end of
// input. No verdict depends on how fast anything is; a failsafe of 30 seconds turns what hangs into "no verdict".
//
// What is asked, and how far it can be seen:
//
//	net/http                http.Server, its handler reading every body
//	net/http ReadRequest    http.ReadRequest again and again: a parser, which leaves Host to its caller
//	net/http ReadResponse   http.ReadResponse again and again, 1xx skipped
//	fasthttp                Server with default limits; Response.Read
package verdict
