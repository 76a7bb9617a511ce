package http2

import (
	"testing"
	"unsafe"
)

// TestSizes holds the documented figures: what a connection costs before it has done anything, and a stream.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 1536 {
		t.Errorf("a Conn has %d bytes", n)
	}
	if n := unsafe.Sizeof(stream{}) + unsafe.Sizeof(schedNode{}) + 8; n > 160 {
		t.Errorf("a stream has %d bytes", n)
	}
	t.Logf("Conn %d, stream %d, scheduler %d, decoder %d, encoder %d", unsafe.Sizeof(Conn{}), unsafe.Sizeof(stream{}), unsafe.Sizeof(scheduler{}), unsafe.Sizeof(Conn{}.dec), unsafe.Sizeof(Conn{}.enc))
}
