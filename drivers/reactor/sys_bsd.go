//go:build darwin || freebsd

package reactor

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return unix.EINVAL
}

func sysRead(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, err := unix.Read(fd, b)
		if err != unix.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func sysWrite(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, err := unix.Write(fd, b)
		if err != unix.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

// sysPeekEOF reports whether the next read would find the end of input, with no bytes before it.
func sysPeekEOF(fd int) bool {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == nil && n == 0
}

func sysClose(fd int) { unix.Close(fd) }

func sysShutdownWrite(fd int) { unix.Shutdown(fd, unix.SHUT_WR) }

// sysAccept takes one connection and stores its peer's address.
func sysAccept(fd int, a *address) (int, syscall.Errno) {
	n, sa, err := acceptOne(fd)
	if err != nil {
		return -1, errnoOf(err)
	}
	a.fromSockaddr(sa)
	return n, 0
}

// pin only keeps the goroutine on its thread: these systems do not bind threads to CPUs.
func pin(int) error {
	runtime.LockOSThread()
	return errors.ErrUnsupported
}
