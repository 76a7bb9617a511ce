package reactor

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Raw system calls: the sockets do not block, so the scheduler need not know.

func sysRead(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func sysWrite(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// sysWritev sends several slices with one call (sendmsg, for MSG_NOSIGNAL).
func sysWritev(fd int, iov []unix.Iovec) (int, syscall.Errno) {
	m := unix.Msghdr{Iov: &iov[0]}
	m.SetIovlen(len(iov))
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), unix.MSG_NOSIGNAL)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// sysPeekEOF reports whether the next read would find the end of input, with no bytes before it.
func sysPeekEOF(fd int) bool {
	var b [1]byte
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	return errno == 0 && n == 0
}

func sysClose(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func sysShutdownWrite(fd int) {
	syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
}

// sysAccept takes one connection and stores its peer's address.
func sysAccept(fd int, a *address) (int, syscall.Errno) {
	var sa unix.RawSockaddrAny
	l := uint32(unix.SizeofSockaddrAny)
	n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&l)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	a.fromRaw(&sa)
	return int(n), 0
}

func sysSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// pin binds the calling thread to the i-th CPU that it may use.
func pin(i int) error {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	k := i % max(all.Count(), 1)
	for cpu := 0; cpu < 8*int(unsafe.Sizeof(all)); cpu++ {
		if all.IsSet(cpu) {
			if k == 0 {
				one.Set(cpu)
				break
			}
			k--
		}
	}
	runtime.LockOSThread()
	return unix.SchedSetaffinity(0, &one)
}

// sysUnsent returns how many bytes the peer has not taken out of the kernel's send buffer.
func sysUnsent(fd int) (int, bool) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ) // the same request as SIOCOUTQ
	return n, err == nil
}
