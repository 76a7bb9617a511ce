package stdnet_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
)

type server struct {
	*stdnet.Server
	addrs []net.Addr
	loops sync.WaitGroup
}

func (s *server) Addrs() []net.Addr { return s.addrs }

func (s *server) Shutdown(ctx context.Context) drivers.Report {
	r := s.Server.Shutdown(ctx)
	s.loops.Wait()
	return r
}

func (s *server) Close() error {
	err := s.Server.Close()
	s.loops.Wait()
	return err
}

// hidden hides what lies below a net.Conn, as TLS or a pipe would: the driver cannot use its descriptor.
type hidden struct{ net.Conn }

func (c hidden) CloseWrite() error { return c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

type hiding struct{ net.Listener }

func (l hiding) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return hidden{c}, nil
}

func starter(wrap func(net.Listener) net.Listener) func(testing.TB, drivers.Service, drivertest.Options) drivertest.Server {
	return func(t testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
		s := &server{Server: stdnet.New(svc, stdnet.Config{
			HighWater: o.HighWater, KillWater: o.KillWater, MaxTail: o.MaxTail, MaxConns: o.MaxConns, MaxPosts: o.MaxPosts,
			WriteStall: o.WriteStall, LingerTime: o.Linger,
		})}
		n := max(1, o.Listeners)
		for i := range n {
			network, addr := "tcp", "127.0.0.1:0"
			if o.Network == "unix" {
				network, addr = "unix", filepath.Join(o.Dir, fmt.Sprint(i))
			}
			l, err := net.Listen(network, addr)
			if err != nil {
				t.Fatal(err)
			}
			s.addrs = append(s.addrs, l.Addr())
			s.loops.Go(func() { _ = s.Serve(wrap(l)) })
		}
		return s
	}
}

func TestDriver(t *testing.T) {
	drivertest.Run(t, drivertest.Driver{Name: "stdnet", Start: starter(func(l net.Listener) net.Listener { return l })})
}

// The same promises on connections without a descriptor.
func TestDriverPlainConn(t *testing.T) {
	drivertest.Run(t, drivertest.Driver{Name: "stdnet/plain", Start: starter(func(l net.Listener) net.Listener { return hiding{l} })})
}
