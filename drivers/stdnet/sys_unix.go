//go:build unix && !linux

package stdnet

import "syscall"

const rawIO = true

func sysRead(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

func sysWrite(fd uintptr, a, b []byte) (int, error) {
	if len(a) == 0 {
		return sysWriteOne(fd, b)
	}
	n, err := sysWriteOne(fd, a)
	if err != nil || n < len(a) || len(b) == 0 {
		return n, err
	}
	m, err := sysWriteOne(fd, b)
	if err == syscall.EAGAIN {
		err = nil
	}
	return n + m, err
}

func sysWriteOne(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
