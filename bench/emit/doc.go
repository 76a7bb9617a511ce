// Package emit holds benchmarks of HTTP/1.1 encoders alone, without a socket: one response head with four fields and a
// Content-Length, appended to a buffer that is reused.
//
//	go test -bench . ./emit
//
// net/http writes a Header map in sorted order; its server has a path of its own that also computes the fields. fasthttp
// appends the date that a goroutine of its own keeps. "purewire" validates every byte of every name and value.
package emit
