package websocket

import (
	"testing"
	"unsafe"
)

// The size of a Conn is memory of every idle connection: a larger one is a decision, not an accident.
func TestConnSize(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 352 {
		t.Errorf("a Conn has %d bytes", n)
	}
}
