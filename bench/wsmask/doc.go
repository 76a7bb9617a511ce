// Package wsmask holds benchmarks of what a WebSocket endpoint does to every byte: masking (RFC 6455 section 5.3) and UTF-8
// validation (section 8.1). A benchmark is a size, its sub-benchmarks are the implementations, so that one run has them
// side by side:
//
//	go test -bench . -count 7 ./wsmask | go run ./cmd/median                  the Go peers
//	go test -bench . -count 7 -tags purego ./wsmask | go run ./cmd/median     purewire without its kernels
//	go test -bench . -count 7 -tags cmask ./wsmask | go run ./cmd/median      with a loop in C: package internal/cmask
//	go test -bench . -count 7 -tags simdutf ./wsmask | go run ./cmd/median    with simdutf: package internal/simdutf
//
// Most peers do not export their function; it is linked by its name, at the version that go.mod pins.
package wsmask
