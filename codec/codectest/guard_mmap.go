//go:build linux || darwin

package codectest

import "syscall"

// guard is memory in front of a page that must not be touched: reading one byte behind its end is a fault, also in code
// that no bounds check sees (assembly, unsafe).
type guard struct{ mem, room []byte }

// newGuard returns a guard with room for n bytes, or nil if the system refuses.
func newGuard(n int) *guard {
	page := syscall.Getpagesize()
	size := (n+page)/page*page + page
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	if err := syscall.Mprotect(mem[size-page:], syscall.PROT_NONE); err != nil {
		syscall.Munmap(mem)
		return nil
	}
	return &guard{mem: mem, room: mem[: size-page : size-page]}
}

func (g *guard) free() { syscall.Munmap(g.mem) }
