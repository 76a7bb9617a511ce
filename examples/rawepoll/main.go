//go:build linux

// Command rawepoll embeds codec/http1 in somebody else's event loop: raw epoll, one thread, no net package, 60 lines of code.
// What the codec needs of the loop is the method turn. Start it, then: curl http://127.0.0.1:8082/
package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec/http1"
)

// conn is what the loop keeps of a connection: the codec, the bytes it has not consumed yet, and how to answer.
type conn struct {
	d                http1.Decoder
	tail             []byte
	head, last, over bool
}

// turn reads once, answers every request that is complete, and returns false when the connection is over.
func (c *conn) turn(fd int, buf []byte, ev *http1.Event, hello *http1.Static) bool {
	n, err := unix.Read(fd, buf)
	if n <= 0 {
		return err == unix.EAGAIN
	}
	in, out := append(c.tail, buf[:n]...), []byte(nil)
	// These ten lines embed the codec.
	for ev.Kind = http1.End; ev.Kind != http1.None && !c.over; in = in[n:] {
		if n, err = c.d.Next(in, ev); err != nil {
			out, c.over = append(out, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"...), true
		} else if ev.Kind == http1.Request {
			c.head, c.last = ev.MethodID == http1.MethodHead, !ev.KeepAlive
		} else if ev.Kind == http1.End {
			out, c.over = hello.Append(out, c.last, c.head, nil), c.last
			c.d.Resume()
		}
	}
	c.tail = append(c.tail[:0], in...)
	n, err = unix.Write(fd, out)
	return !c.over && err == nil && n == len(out) // a loop that sends more than this waits for EPOLLOUT instead
}

func main() {
	port := 8082
	if len(os.Args) > 1 {
		port = 0 // any
	}
	hello := must(http1.NewStatic(&http1.ResponseHead{Status: 200, Framing: http1.Length, Length: 13}, []byte("Hello, World!")))
	ep, l := must(unix.EpollCreate1(0)), must(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0))
	watch := func(fd int) error {
		return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	must(0, errors.Join(unix.Bind(l, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(l, 128), watch(l)))
	fmt.Printf("http://127.0.0.1:%d/\n", must(unix.Getsockname(l)).(*unix.SockaddrInet4).Port)
	conns, events, buf, ev := map[int]*conn{}, make([]unix.EpollEvent, 64), make([]byte, 16<<10), new(http1.Event)
	for {
		n, _ := unix.EpollWait(ep, events, -1)
		for _, e := range events[:max(n, 0)] {
			if fd, c := int(e.Fd), conns[int(e.Fd)]; c != nil && !c.turn(fd, buf, ev, hello) {
				delete(conns, fd)
				unix.Close(fd)
			} else if c == nil {
				if fd, _, err := unix.Accept4(l, unix.SOCK_NONBLOCK); err == nil {
					conns[fd] = new(conn)
					must(0, watch(fd))
				}
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
