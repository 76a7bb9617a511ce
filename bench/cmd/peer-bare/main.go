//go:build linux

// Command peer-bare is the floor: one epoll loop on raw system calls that answers without parsing. It counts blank lines
// to know how many answers are due, tells a download by a byte of the path and an upload by its first letter, and that is
// all. No server that parses can be cheaper in the same language.
package main

import (
	"bytes"
	"runtime"
	"strconv"
	"time"

	"github.com/purewire/purewire/bench/internal/epoll"
	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/bench/internal/peer"
)

// uploadBody is the length of the bodies that the generator sends to /upload.
const uploadBody = 64 << 10

type conn struct {
	body int    // bytes of an upload still to come
	rest []byte // of a download, not yet taken by the kernel
	wait bool   // for EPOLLOUT
}

type loop struct {
	ep, ln int
	conns  []conn
	buf    []byte
	out    []byte
	plain  []byte // a whole answer, the date patched once a second
	head   []byte // of a download
	dateAt time.Time
}

const dateForm = "Mon, 02 Jan 2006 15:04:05 GMT"

func (l *loop) refresh(now time.Time) {
	l.dateAt = now
	pre := "HTTP/1.1 200 OK\r\nServer: " + peer.Server + "\r\nDate: " + now.UTC().Format(dateForm) + "\r\n"
	l.plain = append(l.plain[:0], pre+"Content-Type: text/plain\r\nContent-Length: "+strconv.Itoa(len(peer.Plaintext))+"\r\n\r\n"+peer.Plaintext...)
	l.head = append(l.head[:0], pre+"Content-Type: application/octet-stream\r\nContent-Length: "+strconv.Itoa(peer.DownloadSize)+"\r\n\r\n"...)
}

func main() {
	runtime.GOMAXPROCS(1)
	f := peer.Parse()
	peer.Run(func() error { return serve(f.Addr) })
}

func serve(addr string) error {
	runtime.LockOSThread()
	fd, ep, err := epoll.Listen(addr)
	if err != nil {
		return err
	}
	l := &loop{ep: ep, ln: fd, buf: make([]byte, 64<<10)}
	l.refresh(time.Now())
	events := make([]unix.EpollEvent, 256)
	for {
		n := epoll.Wait(ep, events, 0)
		if n == 0 {
			n, err = unix.EpollWait(ep, events, 1000)
			if err != nil && err != unix.EINTR {
				return err
			}
		}
		if now := time.Now(); now.Sub(l.dateAt) >= time.Second {
			l.refresh(now)
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
		fd, _, err := unix.Accept4(l.ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		for fd >= len(l.conns) {
			l.conns = append(l.conns, conn{})
		}
		l.conns[fd] = conn{}
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
}

func (l *loop) ready(fd int, events uint32) {
	c := &l.conns[fd]
	if events&unix.EPOLLOUT != 0 {
		l.flush(fd, c)
	}
	if events&^uint32(unix.EPOLLOUT) == 0 {
		return
	}
	n, err := epoll.Read(fd, l.buf)
	if n <= 0 {
		if err != unix.EAGAIN {
			unix.Close(fd)
		}
		return
	}
	in := l.buf[:n]
	if c.body > 0 {
		if c.body -= n; c.body == 0 {
			l.send(fd, c, l.plain)
		}
		return
	}
	switch {
	case in[0] == 'P':
		i := bytes.Index(in, blank)
		if c.body = uploadBody - (n - i - 4); c.body == 0 {
			l.send(fd, c, l.plain)
		}
	case n > 5 && in[5] == '1':
		l.send(fd, c, l.head)
		c.rest = peer.Download
		l.flush(fd, c)
	default:
		out := l.out[:0]
		for range bytes.Count(in, blank) {
			out = append(out, l.plain...)
		}
		l.out = out
		l.send(fd, c, out)
		if bytes.HasSuffix(in, closing) {
			unix.Close(fd)
		}
	}
}

var (
	blank   = []byte("\r\n\r\n")
	closing = []byte("close\r\n\r\n")
)

// send writes small answers, which always fit a socket's buffer here.
func (l *loop) send(fd int, c *conn, p []byte) {
	if n, _ := epoll.Write(fd, p); n < len(p) {
		unix.Close(fd)
		*c = conn{}
	}
}

func (l *loop) flush(fd int, c *conn) {
	if len(c.rest) == 0 {
		return
	}
	n, err := epoll.Write(fd, c.rest)
	if n > 0 {
		c.rest = c.rest[n:]
	} else if err != unix.EAGAIN {
		unix.Close(fd)
		*c = conn{}
		return
	}
	if blocked := len(c.rest) > 0; blocked != c.wait {
		c.wait = blocked
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if blocked {
			ev.Events |= unix.EPOLLOUT
		}
		unix.EpollCtl(l.ep, unix.EPOLL_CTL_MOD, fd, &ev)
	}
}
