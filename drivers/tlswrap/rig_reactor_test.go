//go:build linux || darwin || freebsd

package tlswrap_test

import (
	"syscall"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
)

func init() {
	engines = append(engines, engine{"reactor", startReactor})
	pairs = func() int {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			return 100
		}
		return int(min(uint64(l.Cur), 1<<20)-100) / 2
	}
}

func startReactor(tb testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
	r, err := reactor.New(svc, reactor.Config{
		HighWater: o.HighWater, KillWater: o.KillWater, MaxTail: o.MaxTail, MaxConns: o.MaxConns, MaxPosts: o.MaxPosts,
		WriteStall: o.WriteStall, LingerTime: o.Linger,
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range max(1, o.Listeners) {
		network, addr := endpoint(o, i)
		if err := r.Listen(network, addr, listen.Config{}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Start(); err != nil {
		tb.Fatal(err)
	}
	return r
}
