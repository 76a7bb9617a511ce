package listen

import "golang.org/x/sys/unix"

// FreeBSD spreads connections over the sockets only with the load-balancing variant.
const reusePort = unix.SO_REUSEPORT_LB

func newSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func acceptFD(fd int) (int, error) {
	n, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return n, err
}
