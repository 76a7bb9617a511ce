//go:build linux

package main

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below never block, so they go around the scheduler's bookkeeping. They return -errno.

func sysWait(ep int, events []unix.EpollEvent, ms int) int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(ms), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

func sysRead(fd int, p []byte) int {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if e != 0 {
		return -int(e)
	}
	return int(n)
}

func sysWrite(fd int, p []byte) int {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if e != 0 {
		return -int(e)
	}
	return int(n)
}

// histogram counts durations in buckets that are 1/16 of a power of two wide.
type histogram [64 * 16]uint32

func (h *histogram) add(ns int64) { h[bucket(uint64(max(ns, 1)))]++ }

func bucket(v uint64) int {
	e := bits.Len64(v) - 1
	if e < 4 {
		return int(v)
	}
	return e<<4 | int(v>>(e-4))&15
}

// quantile returns the lower bound of the bucket that holds the q-th part of all durations, in microseconds.
func (h *histogram) quantile(q float64) float64 {
	var total uint64
	for _, n := range h {
		total += uint64(n)
	}
	left := int64(q * float64(total))
	for i, n := range h {
		if left -= int64(n); left < 0 {
			if i < 16 {
				return float64(i) / 1e3
			}
			e := i >> 4
			return float64(uint64(16|i&15)<<(e-4)) / 1e3
		}
	}
	return 0
}

// merge adds what another one counted.
func (h *histogram) merge(o *histogram) {
	for i, n := range o {
		h[i] += n
	}
}
