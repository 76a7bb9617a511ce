package scan

import (
	"bytes"
	"syscall"
	"testing"
)

// Nothing outside of src is read: the pages before and behind it do not exist for us.
func TestGuardPages(t *testing.T) {
	size := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(mem) }()
	copy(mem[size:], bytes.Repeat([]byte("Aa0-: \t\r\n\x7f"), size/10+1)[:size])
	for _, page := range [][]byte{mem[:size], mem[2*size:]} {
		if err := syscall.Mprotect(page, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	page := mem[size : 2*size]
	var m Bitmaps
	for n := 1; n <= Max; n++ {
		for _, src := range [][]byte{page[:n:n], page[size-n:]} {
			Fill(&m, src)
			if Vector && n >= 32 && n <= 64 {
				Few(&src[0], n)
			}
			TokenEnd(src, 0)
			TextEnd(src, 0)
			HasDelimiter(src)
		}
	}
}
