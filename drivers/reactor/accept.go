//go:build linux || darwin || freebsd

package reactor

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

// listenerSlots is where the tokens of listeners begin; connections have lower ones.
const listenerSlots = 0xf0000000

// listener is a listening socket in one loop. In shared mode several loops have the same socket.
type listener struct {
	sock    *listen.Socket
	fd      int
	token   uint64
	org     *origin
	nodelay bool // accepted sockets do not inherit TCP_NODELAY for certain
	on      bool
}

func newOrigin(s *listen.Socket) *origin {
	o := &origin{tcp: s.Network() == "tcp"}
	if ta, ok := s.Addr().(*net.TCPAddr); !ok || !ta.IP.IsUnspecified() {
		o.local = s.Addr()
	}
	if !o.tcp {
		o.remote = &net.UnixAddr{Net: "unix"}
	}
	return o
}

// addListener runs on the loop.
func (lp *loop) addListener(s *listen.Socket) error {
	l := &listener{sock: s, fd: s.FD(), org: newOrigin(s), token: listenerSlots + uint64(len(lp.lns))}
	l.nodelay = l.org.tcp && !s.Owned()
	lp.lns = append(lp.lns, l)
	return lp.turnOn(l)
}

func (lp *loop) turnOn(l *listener) error {
	if l.on {
		return nil
	}
	interest := evIn
	if !lp.cfg.ReusePort && lp.cfg.Loops > 1 {
		interest |= evExcl
	}
	if err := lp.poll.add(l.fd, l.token, interest); err != nil {
		return err
	}
	l.on = true
	return nil
}

func (lp *loop) turnOff() {
	for _, l := range lp.lns {
		if l.on {
			lp.poll.del(l.fd)
			l.on = false
		}
	}
}

// pause leaves the listeners alone for a while: the kernel's queue holds who comes, and the loop does not spin.
func (lp *loop) pause() {
	lp.stats.Pauses++
	lp.resumeAt = lp.turn.Now.Add(lp.cfg.AcceptPause)
	lp.turnOff()
}

func (lp *loop) resume() {
	if lp.draining {
		return
	}
	if lp.capped {
		lp.r.capped.Store(true) // before the look: whoever leaves after it wakes us again
	}
	if lp.capped && lp.r.conns.Load() < int64(lp.cfg.MaxConns) {
		lp.capped = false
		if lp.resumeAt == codec.Never {
			lp.resumeAt = lp.turn.Now
		}
	}
	if !lp.capped && lp.resumeAt.Reached(lp.turn.Now) {
		lp.resumeAt = codec.Never
		for _, l := range lp.lns {
			if lp.turnOn(l) != nil {
				lp.resumeAt = lp.turn.Now.Add(lp.cfg.AcceptPause)
			}
		}
	}
}

func (lp *loop) closeListeners() {
	lp.turnOff()
	lp.lns = nil
	lp.resumeAt, lp.capped = codec.Never, false
	lp.draining = true
}

// accept takes connections from one listener, up to the batch.
func (lp *loop) accept(l *listener) {
	var peer address
	for i := 0; i < lp.cfg.AcceptBatch && l.on; i++ {
		lp.cur = nil
		full := !lp.r.reserve()
		if full && i > 0 && lp.cfg.EvictIdle {
			return // whether somebody waits is known in the next turn; nobody is evicted on a guess
		}
		if full && !(lp.makeRoom() && lp.r.reserve()) {
			lp.capped = true
			lp.r.capped.Store(true)
			lp.turnOff()
			// A place may have become free on another loop just now.
			if lp.r.conns.Load() < int64(lp.cfg.MaxConns) {
				lp.resume()
			}
			return
		}
		fd, errno := sysAccept(l.fd, &peer)
		if errno != 0 {
			lp.r.vacate()
		}
		switch errno {
		case 0:
		case unix.EAGAIN:
			return
		case unix.EMFILE, unix.ENFILE:
			lp.shed(l)
			lp.pause()
			return
		case unix.ENOBUFS, unix.ENOMEM:
			lp.pause()
			return
		case unix.EBADF, unix.EINVAL, unix.ENOTSOCK: // the owner of a borrowed descriptor closed it
			lp.poll.del(l.fd)
			l.on = false
			return
		default: // this peer has gone already
			continue
		}
		lp.stats.Accepts++
		if !lp.r.admit(&peer) {
			lp.r.vacate()
			lp.stats.Refused++
			sysClose(fd)
			continue
		}
		if l.nodelay {
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		}
		c := lp.open(fd, l.org)
		c.peer = peer
		lp.cur = c
		m := lp.r.svc.Accept(&lp.turn, c)
		if m == nil {
			lp.stats.Refused++
			lp.end(c, nil)
			continue
		}
		lp.start(c, m)
	}
}

// start gives a connection its machine and lets it speak first if it likes.
func (lp *loop) start(c *conn, m drivers.Machine) {
	c.m = m
	c.interest = evIn | evRdh
	if err := lp.poll.add(int(c.fd), c.token(), c.interest); err != nil {
		lp.end(c, err)
		return
	}
	lp.drive(c, nil, false, true)
}

// shed uses the reserved descriptor to take one connection and close it: its peer learns at once that nobody will serve it.
func (lp *loop) shed(l *listener) {
	if lp.reserve >= 0 {
		sysClose(lp.reserve)
		var a address
		if fd, errno := sysAccept(l.fd, &a); errno == 0 {
			sysClose(fd)
			lp.stats.Accepts++
			lp.stats.Refused++
		}
	}
	lp.reserve = openReserve()
}

func openReserve() int {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// idle reports whether nothing is lost with a connection.
func (c *conn) idle() bool {
	if c.flags&(fDialing|fClosing|fDead) != 0 || c.m == nil || c.tasks.Load() != 0 || len(c.tail()) > 0 || len(c.pending()) > 0 {
		return false
	}
	d, ok := c.m.(drivers.Drainer)
	return !ok || !d.InFlight()
}

// makeRoom ends the longest idle of a sample of this loop's connections.
func (lp *loop) makeRoom() bool {
	if !lp.cfg.EvictIdle || len(lp.slots) == 0 {
		return false
	}
	const sample = 64
	var oldest *conn
	for found, i := 0, 0; i < len(lp.slots) && found < sample; i++ {
		lp.hand++
		c := lp.slots[lp.hand%len(lp.slots)]
		if c == nil || !c.idle() {
			continue
		}
		found++
		if oldest == nil || int32(c.active-oldest.active) < 0 {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	lp.stats.Evicted++
	lp.guard(func() {
		lp.cur = oldest
		if d, ok := oldest.m.(drivers.Drainer); ok {
			d.Drain(&lp.turn)
			lp.drive(oldest, nil, false, true)
		}
		if oldest.flags&fDead == 0 {
			lp.end(oldest, drivers.ErrClosed)
		}
	})
	lp.reap()
	return lp.r.conns.Load() < int64(lp.cfg.MaxConns)
}
