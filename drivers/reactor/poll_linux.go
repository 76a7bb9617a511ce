package reactor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Interests and events.
const (
	evIn   = uint32(unix.EPOLLIN)
	evOut  = uint32(unix.EPOLLOUT)
	evRdh  = uint32(unix.EPOLLRDHUP)
	evErr  = uint32(unix.EPOLLERR)
	evHup  = uint32(unix.EPOLLHUP)
	evExcl = uint32(unix.EPOLLEXCLUSIVE)
)

const maxEvents = 256

// poller is epoll with an eventfd for wake-ups from other threads.
type poller struct {
	ep, ev int
	events [maxEvents]unix.EpollEvent
}

const tokenWake = ^uint64(0)

func (p *poller) open() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		p.ep, p.ev = ep, ev
		if err = p.add(ev, tokenWake, evIn); err == nil {
			return nil
		}
		unix.Close(ev)
	}
	unix.Close(ep)
	return err
}

func (p *poller) close() {
	unix.Close(p.ep)
	unix.Close(p.ev)
}

func (p *poller) ctl(op, fd int, token uint64, interest uint32) error {
	e := unix.EpollEvent{Events: interest, Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.ep), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (p *poller) add(fd int, token uint64, interest uint32) error {
	return p.ctl(unix.EPOLL_CTL_ADD, fd, token, interest)
}

func (p *poller) mod(fd int, token uint64, _, interest uint32) error {
	return p.ctl(unix.EPOLL_CTL_MOD, fd, token, interest)
}

func (p *poller) del(fd int) { p.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

// wait returns the number of events. With ms == 0 it is one raw system call that the scheduler does not see.
func (p *poller) wait(ms int) (int, syscall.Errno) {
	var n uintptr
	var errno syscall.Errno
	if ms == 0 {
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.ep), uintptr(unsafe.Pointer(&p.events)), maxEvents, 0, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.ep), uintptr(unsafe.Pointer(&p.events)), maxEvents, uintptr(ms), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func (p *poller) event(i int) (token uint64, ev uint32) {
	e := &p.events[i]
	return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32, e.Events
}

// wake makes wait return. It is safe from any goroutine while the poller is open.
func (p *poller) wake() {
	one := uint64(1)
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.ev), uintptr(unsafe.Pointer(&one)), 8)
}

// woken takes the wake-up in.
func (p *poller) woken() {
	var v uint64
	syscall.RawSyscall(unix.SYS_READ, uintptr(p.ev), uintptr(unsafe.Pointer(&v)), 8)
}
