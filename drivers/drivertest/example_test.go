package drivertest_test

import (
	"fmt"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
)

// A machine needs no driver to run: call it with bytes.
func ExampleLine() {
	svc := &drivertest.Line{Answer: func(dst, line []byte) ([]byte, bool) {
		return fmt.Appendf(dst, "%d bytes", len(line)), true
	}}
	turn := &drivers.Turn{Now: 1, Max: 1000}
	m := svc.Accept(turn, nil)
	src := []byte("one\ntwo plus\nthr")
	n, out := m.Receive(turn, src, nil)
	fmt.Printf("%s%q stays unread\n", out, src[n:])
	// Output:
	// 3 bytes
	// 8 bytes
	// "thr" stays unread
}
