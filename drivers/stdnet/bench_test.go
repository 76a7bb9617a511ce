package stdnet_test

import (
	"io"
	"net"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
)

func pingPong(tb testing.TB, svc drivers.Service) (ping func(), end func()) {
	s := stdnet.New(svc, stdnet.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go s.Serve(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	msg, buf := []byte("hello\n"), make([]byte, 6)
	return func() {
			if _, err := c.Write(msg); err != nil {
				tb.Fatal(err)
			}
			if _, err := io.ReadFull(c, buf); err != nil {
				tb.Fatal(err)
			}
		}, func() {
			_ = c.Close()
			_ = s.Close()
		}
}

func BenchmarkRoundTrip(b *testing.B) {
	ping, end := pingPong(b, drivertest.Echo)
	defer end()
	b.ReportAllocs()
	for b.Loop() {
		ping()
	}
}
