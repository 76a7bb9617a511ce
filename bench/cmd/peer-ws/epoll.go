//go:build linux

package main

import (
	"bytes"
	"io"
	"runtime"

	"github.com/gobwas/ws"
	"github.com/purewire/purewire/bench/internal/epoll"
	"golang.org/x/sys/unix"
)

// loop is one epoll loop on raw system calls. take is given what a connection has received and not used, and appends the
// answers to out; it returns how much it has used.
type loop struct {
	ep, ln int
	conns  []*conn
	buf    []byte
	out    []byte
	one    []byte // in place of out: an answer that lies whole in the input
	take   func(l *loop, in []byte) int
}

type conn struct {
	rest []byte // of a frame that is not whole
	out  []byte // not yet taken by the kernel
}

func serveLoop(addr string, take func(l *loop, in []byte) int) error {
	runtime.LockOSThread()
	fd, ep, err := epoll.Listen(addr)
	if err != nil {
		return err
	}
	l := &loop{ep: ep, ln: fd, buf: make([]byte, 64<<10), take: take}
	events := make([]unix.EpollEvent, 256)
	for {
		n := epoll.Wait(ep, events, 0)
		if n == 0 {
			if n, err = unix.EpollWait(ep, events, 1000); err != nil && err != unix.EINTR {
				return err
			}
		}
		for i := range max(n, 0) {
			if ev := &events[i]; int(ev.Fd) == fd {
				l.accept()
			} else {
				l.ready(int(ev.Fd), ev.Events)
			}
		}
	}
}

func (l *loop) accept() {
	for {
		fd, _, err := unix.Accept4(l.ln, unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		for fd >= len(l.conns) {
			l.conns = append(l.conns, nil)
		}
		// The handshake is not what is measured: it is done while the socket still blocks.
		if _, err := ws.Upgrade(stream(fd)); err != nil {
			unix.Close(fd)
			continue
		}
		l.conns[fd] = &conn{}
		unix.SetNonblock(fd, true)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
}

type stream int

func (s stream) Read(p []byte) (int, error) {
	n, err := unix.Read(int(s), p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}
func (s stream) Write(p []byte) (int, error) { return unix.Write(int(s), p) }

func (l *loop) close(fd int) {
	unix.Close(fd)
	l.conns[fd] = nil
}

func (l *loop) ready(fd int, events uint32) {
	c := l.conns[fd]
	if c == nil {
		return
	}
	if events&unix.EPOLLOUT != 0 {
		l.flush(fd, c)
	}
	if events&^uint32(unix.EPOLLOUT) == 0 {
		return
	}
	n, err := epoll.Read(fd, l.buf)
	if n <= 0 {
		if err != unix.EAGAIN {
			l.close(fd)
		}
		return
	}
	in := l.buf[:n]
	if len(c.rest) > 0 {
		c.rest = append(c.rest, in...)
		in = c.rest
	}
	l.out, l.one = l.out[:0], nil
	used := l.take(l, in)
	if used < 0 {
		l.close(fd)
		return
	}
	out := l.out
	if l.one != nil {
		out = l.one
	}
	defer func() {
		if left := in[used:]; len(left) == 0 {
			c.rest = c.rest[:0]
		} else {
			c.rest = append(c.rest[:0], left...)
		}
	}()
	if len(out) == 0 {
		return
	}
	if len(c.out) > 0 {
		c.out = append(c.out, out...)
		return
	}
	k, _ := epoll.Write(fd, out)
	if k = max(k, 0); k < len(out) {
		c.out = append(c.out, out[k:]...)
		unix.EpollCtl(l.ep, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: int32(fd)})
	}
}

func (l *loop) flush(fd int, c *conn) {
	n, err := epoll.Write(fd, c.out)
	if n < 0 && err != unix.EAGAIN {
		l.close(fd)
		return
	}
	c.out = append(c.out[:0], c.out[max(n, 0):]...)
	if len(c.out) == 0 {
		unix.EpollCtl(l.ep, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
}

// serveGobwas reads and writes frames with gobwas.
func serveGobwas(addr string) error {
	var r bytes.Reader
	var w bytes.Buffer
	return serveLoop(addr, func(l *loop, in []byte) (used int) {
		for used < len(in) {
			r.Reset(in[used:])
			h, err := ws.ReadHeader(&r)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return used
			}
			if err != nil || ws.CheckHeader(h, ws.StateServerSide) != nil {
				return -1
			}
			if int64(r.Len()) < h.Length {
				return used
			}
			at := len(in) - r.Len()
			p := in[at : at+int(h.Length)]
			ws.Cipher(p, h.Mask, 0)
			w.Reset()
			if err := ws.WriteHeader(&w, ws.Header{Fin: true, OpCode: h.OpCode, Length: h.Length}); err != nil || h.OpCode == ws.OpClose {
				return -1
			}
			l.out = append(append(l.out, w.Bytes()...), p...)
			used = at + int(h.Length)
		}
		return used
	})
}

// serveBare looks at the length alone, and sends the payload back as it is, masked.
func serveBare(addr string) error {
	return serveLoop(addr, func(l *loop, in []byte) (used int) {
		for len(in)-used >= 8 {
			p := in[used:]
			head, n := 2, int(p[1]&127)
			if n == 126 {
				head, n = 4, int(p[2])<<8|int(p[3])
			}
			if len(p) < head+4+n {
				break
			}
			// The mask's place takes the header: one piece, nothing copied between.
			copy(p[4:], p[:head])
			p[5] &= 127
			used += head + 4 + n
			if p = p[4 : head+4+n]; used == len(in) && len(l.out) == 0 {
				l.one = p
				break
			}
			l.out = append(l.out, p...)
		}
		return used
	})
}
