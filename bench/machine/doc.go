// Package machine benchmarks the server's machine without a socket: what a request costs in user code above the driver.
//
//	go test -bench . ./machine
package machine
