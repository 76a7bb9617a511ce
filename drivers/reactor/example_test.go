//go:build linux || darwin || freebsd

package reactor_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
)

// A line protocol on the reactor: the machine knows no socket, the reactor knows no protocol.
func Example() {
	greet := &drivertest.Line{Answer: func(dst, line []byte) ([]byte, bool) {
		return append(append(dst, "hello, "...), line...), true
	}}
	r, err := reactor.New(greet, reactor.Config{Loops: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Listen("tcp", "127.0.0.1:0", listen.Config{}); err != nil {
		fmt.Println(err)
		return
	}
	go r.Run()

	c, err := net.Dial("tcp", r.Addrs()[0].String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintf(c, "gopher\n")
	answer, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(answer)
	c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rep := r.Shutdown(ctx)
	fmt.Println(rep.TimedOut, rep.Crashed)
	// Output:
	// hello, gopher
	// 0 0
}
