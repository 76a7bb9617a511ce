// Package parse holds benchmarks of HTTP/1.1 parsers alone, without a socket. A benchmark is an input, its sub-benchmarks
// are the parsers, so that one run has them side by side:
//
//	go test -bench . ./parse                    kernels in assembly where they exist
//	go test -bench . -tags purego ./parse       pure Go
//	go test -bench . -tags pico ./parse         with picohttpparser: see package internal/pico
//
// net/http and fasthttp read from a buffered reader that is reset for each pass; they do more than find the parts of a
// head (normalise names, build maps and strings). picohttpparser finds the parts and validates. "purewire" is the whole
// decoder, framing decisions and checks included; "purewire-framing" the same with
// Options.FramingOnly, which leaves the field list out; "purewire-head" the stateless function, which does what picohttpparser
// does.
package parse
