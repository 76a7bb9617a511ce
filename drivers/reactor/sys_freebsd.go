package reactor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysWritev sends several slices with one call.
func sysWritev(fd int, iov []unix.Iovec) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func acceptOne(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

func sysSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// fionwrite is FIONWRITE of sys/filio.h, _IOR('f', 119, int).
const fionwrite = 0x40046677

// sysUnsent returns how many bytes the peer has not taken out of the kernel's send buffer.
func sysUnsent(fd int) (int, bool) {
	n, err := unix.IoctlGetInt(fd, fionwrite)
	return n, err == nil
}
