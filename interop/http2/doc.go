// Package http2 holds codec/http2 to golang.org/x/net/http2 and net/http, peer and judge: frames octet by octet in both
// directions, and whole conversations. It has no code but tests.
package http2
