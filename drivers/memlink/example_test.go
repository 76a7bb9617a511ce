package memlink_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/purewire/purewire/drivers/memlink"
)

// A listener and a connection to it.
func Example() {
	l := memlink.Listen(memlink.Config{})
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(nc, nc)
		_ = nc.Close()
	}()
	nc, err := l.Dial(context.Background())
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "hello")
	_ = nc.(*memlink.Conn).CloseWrite()
	b, err := io.ReadAll(nc)
	fmt.Println(string(b), err)
	// Output: hello <nil>
}

// Reads of at most 2 octets, and a reset after the seventh.
func ExampleWrap() {
	a, b := memlink.Pair(memlink.Config{})
	defer b.Close()
	_, _ = io.WriteString(b, "0123456789")
	nc := memlink.Wrap(a, memlink.Plan{
		ReadMax: 2,
		Read:    []memlink.Fault{{At: 7, Kind: memlink.Reset}},
	})
	defer nc.Close()
	for {
		buf := make([]byte, 100)
		n, err := nc.Read(buf)
		if err != nil {
			fmt.Println(errors.Is(err, syscall.ECONNRESET))
			return
		}
		fmt.Printf("%s ", buf[:n])
	}
	// Output: 01 23 45 6 true
}

// A plan from a seed can be printed and repeated.
func ExampleRandom() {
	p := memlink.Random(7, 100, memlink.Reset)
	fmt.Println(p.String() == memlink.Random(7, 100, memlink.Reset).String())
	fmt.Println(len(p.Read) + len(p.Write))
	// Output:
	// true
	// 1
}
