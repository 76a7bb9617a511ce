//go:build darwin || freebsd

package reactor

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Interests and events, as the loop speaks of them. kqueue has a filter each for reading and writing.
const (
	evIn uint32 = 1 << iota
	evOut
	evRdh
	evErr
	evHup
	evExcl // kqueue wakes every loop; those that find nothing get EAGAIN
)

const (
	maxEvents = 256
	tokenWake = ^uint64(0)
	wakeIdent = 0
	// quiet is a low-water mark that no socket buffer reaches: the read filter then fires only at the end of input.
	quiet = 1 << 30
)

// poller is kqueue with a user event for wake-ups from other threads. Tokens are found by descriptor: a descriptor is closed only
// at the end of a turn, after all events of that turn.
type poller struct {
	kq     int
	events [maxEvents]unix.Kevent_t
	tokens []uint64
}

func (p *poller) open() error {
	kq, err := unix.Kqueue()
	if err != nil {
		return err
	}
	unix.CloseOnExec(kq)
	p.kq = kq
	var k unix.Kevent_t
	unix.SetKevent(&k, wakeIdent, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR)
	if err = p.change(k); err != nil {
		unix.Close(kq)
	}
	return err
}

func (p *poller) close() { unix.Close(p.kq) }

func (p *poller) change(list ...unix.Kevent_t) error {
	for {
		_, err := unix.Kevent(p.kq, list, nil, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// readFilter is the read filter for an interest: on input, on its end only, or off.
func readFilter(fd int, interest uint32) (k unix.Kevent_t, on bool) {
	unix.SetKevent(&k, fd, unix.EVFILT_READ, unix.EV_ADD)
	if interest&evIn == 0 {
		k.Fflags, k.Data = unix.NOTE_LOWAT, quiet
	}
	return k, interest&(evIn|evRdh) != 0
}

func (p *poller) add(fd int, token uint64, interest uint32) error {
	for len(p.tokens) <= fd {
		p.tokens = append(p.tokens, make([]uint64, len(p.tokens)+64)...)
	}
	p.tokens[fd] = token
	return p.mod(fd, token, 0, interest)
}

func (p *poller) mod(fd int, _ uint64, old, interest uint32) error {
	var list [2]unix.Kevent_t
	n := 0
	was, wasOn := readFilter(fd, old)
	now, nowOn := readFilter(fd, interest)
	switch {
	case nowOn && (!wasOn || was.Fflags != now.Fflags):
		list[n] = now
		if interest&evIn != 0 && wasOn {
			list[n].Fflags, list[n].Data = unix.NOTE_LOWAT, 1 // undo the mark
		}
		n++
	case wasOn && !nowOn:
		unix.SetKevent(&list[n], fd, unix.EVFILT_READ, unix.EV_DELETE)
		n++
	}
	if old&evOut != interest&evOut {
		flags := unix.EV_ADD
		if interest&evOut == 0 {
			flags = unix.EV_DELETE
		}
		unix.SetKevent(&list[n], fd, unix.EVFILT_WRITE, flags)
		n++
	}
	if n == 0 {
		return nil
	}
	return p.change(list[:n]...)
}

func (p *poller) del(fd int) {
	for _, filter := range [...]int{unix.EVFILT_READ, unix.EVFILT_WRITE} {
		var k unix.Kevent_t
		unix.SetKevent(&k, fd, filter, unix.EV_DELETE)
		p.change(k) // one of them is often not there
	}
}

// wait returns the number of events.
func (p *poller) wait(ms int) (int, syscall.Errno) {
	ts := unix.NsecToTimespec(int64(ms) * int64(time.Millisecond))
	n, err := unix.Kevent(p.kq, nil, p.events[:], &ts)
	if err != nil {
		errno, ok := err.(syscall.Errno)
		if !ok {
			errno = unix.EINVAL
		}
		return 0, errno
	}
	return n, 0
}

func (p *poller) event(i int) (token uint64, ev uint32) {
	k := &p.events[i]
	switch k.Filter {
	case unix.EVFILT_USER:
		return tokenWake, evIn
	case unix.EVFILT_WRITE:
		ev = evOut
	case unix.EVFILT_READ:
		ev = evIn
	}
	if k.Flags&unix.EV_EOF != 0 {
		if k.Filter == unix.EVFILT_READ {
			ev |= evRdh
		}
		if k.Fflags != 0 { // the socket's error
			ev = ev&^evIn | evErr
			if k.Data > 0 && k.Filter == unix.EVFILT_READ {
				ev |= evIn
			}
		}
	}
	return p.tokens[k.Ident], ev
}

// wake makes wait return. It is safe from any goroutine while the poller is open.
func (p *poller) wake() {
	var k unix.Kevent_t
	unix.SetKevent(&k, wakeIdent, unix.EVFILT_USER, 0)
	k.Fflags = unix.NOTE_TRIGGER
	p.change(k)
}

// woken has nothing to do: EV_CLEAR resets the event.
func (p *poller) woken() {}
