package reactor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysWritev sends several slices with one call.
func sysWritev(fd int, iov []unix.Iovec) (int, syscall.Errno) {
	var list [3][]byte
	for i, v := range iov {
		list[i] = unsafe.Slice(v.Base, v.Len)
	}
	for {
		n, err := unix.Writev(fd, list[:len(iov)])
		if err != unix.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func acceptOne(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	n, sa, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(n)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		if err = unix.SetNonblock(n, true); err != nil {
			unix.Close(n)
		}
	}
	return n, sa, err
}

func sysSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		if err = unix.SetNonblock(fd, true); err != nil {
			unix.Close(fd)
		}
	}
	return fd, err
}

// soNWrite is SO_NWRITE of sys/socket.h.
const soNWrite = 0x1024

// sysUnsent returns how many bytes the peer has not taken out of the kernel's send buffer.
func sysUnsent(fd int) (int, bool) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, soNWrite)
	return n, err == nil
}
