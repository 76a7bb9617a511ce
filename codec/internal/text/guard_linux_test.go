package text

import (
	"strings"
	"syscall"
	"testing"
)

// Nothing outside of p is read: the pages before and behind it do not exist for us.
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
	page := mem[size : 2*size]
	for _, unit := range []string{"a", "é", "水", "🎉", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé"} {
		copy(page, strings.Repeat(unit, size/len(unit)))
		for n := range 300 {
			n -= n % len(unit)
			if bad, _ := Check(page[:n:n], 0); bad >= 0 {
				t.Fatalf("%d bytes of %q: bad at %d", n, unit, bad)
			}
			end := page[size-n:]
			copy(end, strings.Repeat(unit, n/len(unit)))
			if bad, _ := Check(end, 0); bad >= 0 {
				t.Fatalf("%d bytes of %q at the end: bad at %d", n, unit, bad)
			}
		}
	}
}
