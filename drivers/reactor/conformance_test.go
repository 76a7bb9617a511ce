//go:build linux || darwin || freebsd

package reactor

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/listen"
)

// conform holds a configuration to every promise of package drivers.
func conform(t *testing.T, base Config) {
	drivertest.Run(t, drivertest.Driver{Name: "reactor", Start: driverStart(base)})
}

func driverStart(base Config) func(t testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
	return func(t testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
		cfg := base
		cfg.HighWater, cfg.KillWater, cfg.MaxTail, cfg.MaxConns, cfg.MaxPosts = o.HighWater, o.KillWater, o.MaxTail, o.MaxConns, o.MaxPosts
		cfg.WriteStall, cfg.LingerTime = o.WriteStall, o.Linger
		r, err := New(svc, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range max(1, o.Listeners) {
			network, addr := "tcp", "127.0.0.1:0"
			if o.Network == "unix" {
				network, addr = "unix", filepath.Join(o.Dir, fmt.Sprint(i))
			}
			if err := r.Listen(network, addr, listen.Config{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func TestDriver(t *testing.T) { conform(t, Config{}) }

// The same promises with one loop on a thread of its own, small turns and a small read buffer.
func TestDriverSmall(t *testing.T) {
	conform(t, Config{Loops: 1, LockThread: true, ReadBuffer: 4096, TurnBytes: 4000, TurnReads: 1, AcceptBatch: 1})
}

func TestDriverReusePort(t *testing.T) { conform(t, Config{Loops: 3, ReusePort: true}) }
