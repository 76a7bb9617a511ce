package congestion

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic/internal/netsim"
	"github.com/stretchr/testify/require"
)

// drive interprets octets as calls, sensible and not, and checks after each what always holds. It returns the last state.
func drive(t testing.TB, a Algorithm, cfg Config, script []byte) State {
	c := make2(t, a, cfg)
	now := codec.Time(1)
	next := func() (v int64) {
		if len(script) > 0 {
			v, script = int64(script[0]), script[1:]
		}
		return v
	}
	amount := func() int64 {
		switch v := next(); {
		case v < 200:
			return v * 100
		case v < 250:
			return v << (v - 200)
		case v < 253:
			return math.MaxInt64 - v
		default:
			return -v
		}
	}
	limit := int64(0)
	if cfg.MaxWindow > 0 {
		limit = cfg.MaxWindow
	} else if cfg.MaxWindow == 0 {
		limit = DefaultMaxWindow
	} else {
		limit = MaxWindow
	}
	for len(script) > 0 {
		before := state(c)
		op := next()
		if op&0x80 != 0 {
			now = now.Add(time.Duration(1) << (next() % 45))
		}
		sentAt := now - min(now, codec.Time(int64(1)<<(next()%45))-1)
		grew := int64(0)
		switch op & 7 {
		case 0, 1:
			c.OnSent(now, int(min(amount(), 65527)))
		case 2, 3, 4:
			grew = amount()
			c.OnAcked(now, Ack{Octets: grew, SentAt: sentAt, AppLimited: op&8 != 0, RTT: RTT{
				Latest: time.Duration(next()) << (next() % 40), Smoothed: time.Duration(next()) << (next() % 40),
			}})
		case 5:
			c.OnLost(now, Loss{Octets: amount(), SentAt: sentAt, Persistent: op&0x70 == 0x70})
		case 6:
			switch op >> 3 & 3 {
			case 0:
				c.OnCongestion(now, sentAt, CE)
			case 1:
				c.OnDiscarded(now, amount())
			case 2:
				c.OnPersistentCongestion(now)
			default:
				n := amount()
				c.SetDatagramSize(now, int(min(n, 1<<20)), n&1 == 1)
				limit = max(limit, 2*state(c).DatagramSize)
			}
		case 7:
			c.OnSpurious(now, sentAt, int(min(amount(), 65527)))
		}
		s := state(c)
		require.GreaterOrEqual(t, s.InFlight, int64(0))
		require.GreaterOrEqual(t, s.Window, 2*s.DatagramSize)
		require.LessOrEqual(t, s.Window, limit)
		require.GreaterOrEqual(t, s.Threshold, 2*s.DatagramSize)
		require.GreaterOrEqual(t, s.K, time.Duration(0))
		require.Equal(t, s.Window < s.Threshold, c.SlowStart())
		require.Equal(t, s.Window, c.Window())
		room := max(s.Window-s.InFlight, 0)
		require.True(t, c.Available() == room || c.Available() == max(room, s.DatagramSize))
		if op&7 >= 2 && op&7 <= 4 {
			// An acknowledgment never closes the window, and opens it by at most what was in flight and is not any more.
			require.GreaterOrEqual(t, s.Window, before.Window)
			if op&8 != 0 {
				require.Equal(t, before.Window, s.Window)
			}
			if a == Reno {
				require.LessOrEqual(t, s.Window-before.Window, before.InFlight-s.InFlight+1)
			}
		}
	}
	return state(c)
}

var scripts = [][]byte{
	nil,
	{0x80, 20, 0, 50, 0x82, 30, 0, 50, 100, 10, 100, 10, 0x85, 10, 0, 50},
	{0, 0, 240, 0, 0, 240, 0x82, 25, 26, 250, 1, 20, 1, 20, 0x85, 3, 1, 250, 0x82, 44, 44, 251, 255, 39, 255, 39},
	// An event is undone behind a larger datagram size, which has a larger minimum window. Found by FuzzController.
	[]byte("\xff100v0%00\xd800A\xc370A0000%00\x1e0\x1b7"),
	{0, 0, 250, 0x85, 1, 1, 12, 7, 1, 12, 0x9e, 1, 1, 250, 6, 1, 0x76, 1, 0xf5, 1, 1, 1},
}

func FuzzController(f *testing.F) {
	for _, s := range scripts {
		f.Add(uint8(0), s)
		f.Add(uint8(255), s)
	}
	f.Fuzz(func(t *testing.T, options uint8, script []byte) {
		script = script[:min(len(script), 4096)]
		cfg := Config{NoHyStart: options&1 != 0, Unpaced: options&2 != 0, NoFastConvergence: options&4 != 0}
		if options&8 != 0 {
			cfg.MaxWindow = -1
		} else if options&16 != 0 {
			cfg.MaxWindow = 30_000
		}
		for _, a := range []Algorithm{CUBIC, Reno} {
			require.Equal(t, drive(t, a, cfg, script), drive(t, a, cfg, script), "not deterministic")
		}
	})
}

// FuzzPacer makes arbitrary calls: nothing overflows, the budget is within the bucket, and Next agrees with Ready.
func FuzzPacer(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), []byte{0, 1, 2, 3})
	f.Add(int64(1<<31), int64(1<<62), int64(-1), []byte{9, 44, 0, 62, 62, 1, 30, 9, 63, 3, 200})
	f.Add(int64(1200), int64(1), int64(time.Second), []byte{2, 255, 2, 255, 10, 0, 31, 62, 62})
	f.Fuzz(func(t *testing.T, burst, rate, granularity int64, script []byte) {
		var p Pacer
		if p.Init(PacerConfig{Burst: burst, MaxRate: rate, Granularity: time.Duration(granularity)}) != nil {
			return
		}
		now := codec.Time(1)
		next := func() (v int) {
			if len(script) > 0 {
				v, script = int(script[0]), script[1:]
			}
			return v
		}
		for len(script) > 0 {
			op := next()
			if op&8 != 0 {
				now = now.Add(1 << (next() % 63))
			}
			size := next() * 300
			switch op & 3 {
			case 0, 1:
				p.SetRate(now, int64(1)<<(next()%64), time.Duration(1)<<(next()%64), op&4 != 0)
			case 2:
				p.OnSent(now, size-600)
			default:
				if op&0x80 != 0 {
					p.SetDatagramSize(now, size)
				}
			}
			budget := p.Budget(now)
			require.True(t, budget >= 0 && budget <= MaxWindow)
			ready, at := p.Ready(now, size), p.Next(now, size)
			require.Equal(t, ready, at == codec.Never)
			require.True(t, ready || at > now || now > 1<<62, "%d %d", at, now)
			require.GreaterOrEqual(t, p.Rate(), int64(0))
		}
	})
}

// TestMemory: doc.go and docs/quic-congestion.md say how large these are.
func TestMemory(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(cubic{}), uintptr(440))
	require.LessOrEqual(t, unsafe.Sizeof(newReno{}), uintptr(290))
	require.LessOrEqual(t, unsafe.Sizeof(Pacer{}), uintptr(80))
}

// TestOptimisticAck is the part of THREATS Q-04 that a controller can keep: a peer that acknowledges more than was sent opens the window by what was
// in flight, once.
func TestOptimisticAck(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{NoHyStart: true})
		for range 1000 {
			c.OnSent(1, 1200)
			c.OnAcked(2, Ack{Octets: math.MaxInt64, SentAt: 1})
			c.OnAcked(2, Ack{Octets: math.MaxInt64, SentAt: 1})
		}
		require.Equal(t, int64(12_000+1000*1200), c.Window())
	}
}

// TestSameEverywhere: all windows of a transfer with losses, reordering and marks are the same on every architecture, those where Go fuses a
// multiplication and an addition included.
func TestSameEverywhere(t *testing.T) {
	for a, want := range map[Algorithm]uint64{CUBIC: 0xa545a31d2153f7a6, Reno: 0x1723158fd885a482} {
		m := newModel(1, netsim.Path{Rate: 1_250_000, Delay: 20 * ms, Queue: 60_000, Mark: 50_000, MarkAt: 1e-4, Loss: 5e-4, Reorder: 1e-3, ReorderBy: 5 * ms})
		f := m.add(t, a, Config{}, 20*ms)
		f.ect = true
		hash := uint64(14695981039346656037) // FNV-1a
		for now := m.sim.Now(); now < codec.Time(60*time.Second); now += codec.Time(20 * ms) {
			m.run(now)
			s := state(f.c)
			for _, v := range []int64{s.Window, s.Threshold, s.WMax, s.WEst, int64(s.K), int64(s.Epoch), f.p.Rate()} {
				hash = (hash ^ uint64(v)) * 1099511628211
			}
		}
		s := state(f.c)
		require.NotZero(t, s.CEEvents*s.Undone*(s.Events-s.CEEvents))
		require.Equal(t, want, hash, "%v: %+v", a, s)
	}
}

// TestSilence: law 4.
func TestSilence(t *testing.T) {
	for _, a := range []Algorithm{CUBIC, Reno} {
		c := make2(t, a, Config{})
		var p Pacer
		require.NoError(t, p.Init(PacerConfig{}))
		now, i := codec.Time(time.Second), 0
		var s State
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			i++
			now += 1e6
			c.OnSent(now, 1200)
			p.OnSent(now, 1200)
			switch {
			case i%100 == 0:
				c.OnLost(now, Loss{Octets: 1200, SentAt: now - 1})
			case i%150 == 0:
				c.OnCongestion(now, now-1, CE)
			case i%170 == 0:
				c.OnLost(now, Loss{Octets: 1200, SentAt: now - 1, Persistent: true})
				c.OnSpurious(now, now-1, 1200)
				c.SetDatagramSize(now, 1200+i%200, false)
			}
			c.OnAcked(now, Ack{Octets: 1200, SentAt: now, RTT: RTT{Latest: 1e6, Smoothed: 1e6}})
			p.SetRate(now, c.Window(), 1e6, c.SlowStart())
			p.Next(now, 1200)
			c.ReadState(&s)
		}))
	}
}
