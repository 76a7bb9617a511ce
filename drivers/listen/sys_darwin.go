package listen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const reusePort = unix.SO_REUSEPORT

// newSocket holds the fork lock so that no child inherits the descriptor before it is marked close-on-exec.
func newSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	return nonblocking(fd, err)
}

func acceptFD(fd int) (int, error) {
	syscall.ForkLock.RLock()
	n, _, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(n)
	}
	syscall.ForkLock.RUnlock()
	return nonblocking(n, err)
}

func nonblocking(fd int, err error) (int, error) {
	if err != nil {
		return -1, err
	}
	if err = unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
