//go:build linux || darwin || freebsd

package reactor

import (
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
)

// churned is a reactor that can be told to let waiting goroutines go before their time.
type churned struct{ *Reactor }

func (r churned) Shrink() { r.workers.trim(false) }

// FuzzChurn runs programs of connections that come, go, stall, break off and block, with the driver stopped somewhere among them: see
// drivertest.Churn. The first byte chooses the configuration. In the end the counters agree with what the program saw.
func FuzzChurn(f *testing.F) {
	for i, p := range drivertest.ChurnSeeds() {
		f.Add(append([]byte{byte(i / 4)}, p...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		cfg := Config{Loops: 1 + int(data[0]&1)}
		if data[0]&2 != 0 {
			cfg.ReadBuffer = 512
		}
		if data[0]&4 != 0 {
			cfg.TurnBytes, cfg.TurnReads, cfg.AcceptBatch = 1000, 1, 1
		}
		if data[0]&8 != 0 {
			cfg.Workers = 20 // more than can block for each other
		}
		if data[0]&16 != 0 {
			cfg.ReusePort = true
		}
		var r *Reactor
		start := driverStart(cfg)
		tally := drivertest.Churn(t, drivertest.Driver{Name: "reactor", Start: func(t testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
			r = start(t, svc, o).(*Reactor)
			return churned{r}
		}}, data[1:])
		if t.Failed() {
			return
		}
		s := r.Stats()
		if s.Live != 0 || s.Accepts != s.Closed+s.Aborted || s.Accepts != uint64(tally.Accepts) || s.Refused != uint64(tally.Refused) ||
			s.Closed != uint64(tally.Orderly+tally.Refused) || s.Aborted != uint64(tally.Failed) ||
			s.Posts != uint64(tally.Posts) || s.Tasks != uint64(tally.Tasks) || s.Panics > uint64(tally.Panics) ||
			int64(s.BytesIn) < tally.Read || int64(s.BytesOut) > tally.Written {
			t.Errorf("%+v, but the program saw %+v", s, tally)
		}
		if n := r.conns.Load(); n != 0 || len(r.sources) != 0 {
			t.Errorf("%d places taken, %d sources", n, len(r.sources))
		}
		for _, lp := range r.loops {
			if lp.queue.Load() != nil && lp.queue.Load().flags&fDead == 0 || lp.wheel.n != 0 || len(lp.dead) != 0 || len(lp.free) != len(lp.slots) {
				t.Errorf("loop %d: %d timers, %d to bury, %d of %d places free", lp.id, lp.wheel.n, len(lp.dead), len(lp.free), len(lp.slots))
			}
		}
	})
}
