package stdnet

import (
	"syscall"
	"unsafe"
)

// The sockets are non-blocking, so the calls below cannot block and need not tell the scheduler that they might.

const rawIO = true

func sysRead(fd uintptr, p []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if e == 0 {
			return int(n), nil
		}
		if e != syscall.EINTR {
			return 0, e
		}
	}
}

func sysWrite(fd uintptr, a, b []byte) (int, error) {
	for {
		var n uintptr
		var e syscall.Errno
		switch {
		case len(b) == 0:
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(len(a)))
		case len(a) == 0:
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		default:
			var v [2]syscall.Iovec
			v[0].Base = unsafe.SliceData(a)
			v[0].SetLen(len(a))
			v[1].Base = unsafe.SliceData(b)
			v[1].SetLen(len(b))
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&v[0])), 2)
		}
		if e == 0 {
			return int(n), nil
		}
		if e != syscall.EINTR {
			return 0, e
		}
	}
}
