//go:build linux

// Command rawepoll embeds codec/http1 in somebody else's event loop: raw epoll, one thread, no net package. What the
// codec needs of the loop is the method turn. Start it, then: curl http://127.0.0.1:8082/
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec/http1"
)

// conn is what the loop keeps of a connection: the codec, the bytes it has not consumed yet, and how to answer.
type conn struct {
	d          http1.Decoder
	tail       []byte
	head, last bool
}

// turn reads once, answers every request that is complete, and returns false when the connection is over.
func (c *conn) turn(fd int, buf []byte, ev *http1.Event, hello *http1.Static) bool {
	n, err := unix.Read(fd, buf)
	if n <= 0 {
		return err == unix.EAGAIN || err == unix.EINTR
	}
	in, out, live := append(c.tail, buf[:n]...), []byte(nil), true
	for live {
		n, err := c.d.Next(in, ev)
		in = in[n:]
		if err != nil {
			out, live = append(out, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"...), false
		} else if ev.Kind == http1.None {
			break
		} else if ev.Kind == http1.Request {
			c.head, c.last = ev.MethodID == http1.MethodHead, !ev.KeepAlive
		} else if ev.Kind == http1.End {
			out, live = hello.Append(out, c.last, c.head, nil), !c.last
			c.d.Resume()
		}
	}
	c.tail = append(c.tail[:0], in...)
	n, err = unix.Write(fd, out)
	return live && err == nil && n == len(out) // a loop that sends more than this waits for EPOLLOUT instead
}

func main() {
	port := 8082
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &port)
	}
	hello, err := http1.NewStatic(&http1.ResponseHead{Status: 200, Framing: http1.Length, Length: 13}, []byte("Hello, World!"))
	must(err)
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	must(err)
	must(unix.SetsockoptInt(l, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	must(unix.Bind(l, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
	must(unix.Listen(l, 128))
	name, err := unix.Getsockname(l)
	must(err)
	fmt.Printf("http://127.0.0.1:%d/\n", name.(*unix.SockaddrInet4).Port)
	ep, err := unix.EpollCreate1(0)
	must(err)
	must(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, l, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(l)}))
	conns, events, buf, ev := map[int]*conn{}, make([]unix.EpollEvent, 64), make([]byte, 16<<10), http1.Event{}
	for {
		n, err := unix.EpollWait(ep, events, -1)
		if err != unix.EINTR {
			must(err)
		}
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			if fd != l {
				if !conns[fd].turn(fd, buf, &ev, hello) {
					delete(conns, fd)
					unix.Close(fd)
				}
			} else if c, _, err := unix.Accept4(l, unix.SOCK_NONBLOCK); err == nil {
				conns[c] = new(conn)
				must(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, c, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c)}))
			}
		}
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
