package stdnet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
)

// A line protocol with no HTTP anywhere, served on a listener and drained.
func Example() {
	s := stdnet.New(&drivertest.Line{Answer: func(dst, line []byte) ([]byte, bool) {
		return append(dst, strings.ToUpper(string(line))...), true
	}}, stdnet.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go s.Serve(l)

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(c, "hello")
	answer, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(answer)
	go func() { // a polite peer closes when it is told that this is the end
		io.Copy(io.Discard, c)
		c.Close()
	}()

	r := s.Shutdown(context.Background())
	fmt.Println(r.Drained, "drained")
	// Output:
	// HELLO
	// 1 drained
}

// Any net.Conn will do, also one without a socket.
func ExampleServer_ServeConn() {
	s := stdnet.New(drivertest.Echo, stdnet.Config{})
	here, there := net.Pipe()
	done := make(chan error)
	go func() { done <- s.ServeConn(there) }()
	fmt.Fprintln(here, "through a pipe")
	answer, _ := bufio.NewReader(here).ReadString('\n')
	fmt.Print(answer)
	here.Close()
	fmt.Println(<-done)
	// Output:
	// through a pipe
	// <nil>
}
