package mask

import (
	"syscall"
	"testing"
)

// Nothing outside of src is read and nothing outside of dst written: the pages around do not exist for us.
func TestGuardPages(t *testing.T) {
	size := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(mem) }()
	for _, page := range [][]byte{mem[:size], mem[2*size:]} {
		if err := syscall.Mprotect(page, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	page, heap := mem[size:2*size], make([]byte, size)
	for _, f := range kernels() {
		for n := range 1200 {
			for _, at := range [][]byte{page[:n:n], page[size-n:]} {
				f(at, at, 0x04030201)
				f(heap[:n], at, 0x04030201)
				f(at, heap[:n], 0x04030201)
			}
		}
	}
}
