//go:build linux || darwin || freebsd

package reactor

import (
	"math/rand"
	"testing"
)

type obj struct {
	t     timer[obj]
	want  int64
	count int
}

// TestWheelModel drives the wheel beside a plain list of deadlines.
func TestWheelModel(t *testing.T) {
	for seed := int64(0); seed < 30; seed++ {
		rng := rand.New(rand.NewSource(seed))
		var w wheel[obj]
		start := rng.Int63n(1 << 24)
		w.init(start)
		objs := make([]obj, 200)
		for i := range objs {
			objs[i].t.owner = &objs[i]
		}
		now := start
		fire := func(o *obj) {
			if o.want < 0 || o.want > now {
				t.Fatalf("seed %d: fired at %d, wanted %d", seed, now, o.want)
			}
			o.want = -1
			o.count++
		}
		for i := range objs {
			objs[i].want = -1
		}
		for step := 0; step < 4000; step++ {
			o := &objs[rng.Intn(len(objs))]
			switch rng.Intn(4) {
			case 0, 1:
				o.want = now + rng.Int63n(1<<uint(rng.Intn(29))) - 2
				w.schedule(&o.t, o.want)
			case 2:
				o.want = -1
				w.cancel(&o.t)
			case 3:
				n, ok := w.next()
				earliest := int64(-1)
				for i := range objs {
					if objs[i].want >= 0 && (earliest < 0 || objs[i].want < earliest) {
						earliest = objs[i].want
					}
				}
				if ok != (earliest >= 0) || ok && n > max(earliest, now) {
					t.Fatalf("seed %d: next %d,%v with earliest %d now %d", seed, n, ok, earliest, now)
				}
				now += rng.Int63n(1 << uint(rng.Intn(26)))
				for w.advance(now, 1+rng.Intn(50), fire) > 0 {
				}
				for i := range objs {
					if objs[i].want >= 0 && objs[i].want <= now {
						t.Fatalf("seed %d: timer for %d did not fire by %d", seed, objs[i].want, now)
					}
				}
			}
			live := 0
			for i := range objs {
				if objs[i].t.scheduled() {
					live++
				}
			}
			if live != w.n {
				t.Fatalf("seed %d: %d scheduled, wheel counts %d", seed, live, w.n)
			}
		}
	}
}

// many timers due in one tick are worked off in bounded turns, and nothing allocates.
func TestWheelBounded(t *testing.T) {
	var w wheel[obj]
	w.init(0)
	objs := make([]obj, 100_000)
	for i := range objs {
		objs[i].t.owner = &objs[i]
		w.schedule(&objs[i].t, 70_000)
	}
	fired, turns := 0, 0
	allocs := testing.AllocsPerRun(4, func() {
		for i := range objs { // 1e5 re-arms
			w.schedule(&objs[i].t, 70_000)
		}
	})
	if allocs != 0 {
		t.Fatalf("%v allocations", allocs)
	}
	for {
		n := w.advance(80_000, 256, func(*obj) { fired++ })
		if n > 256 {
			t.Fatalf("%d steps in one turn", n)
		}
		if n == 0 {
			break
		}
		turns++
	}
	if fired != len(objs) || turns < len(objs)/256 {
		t.Fatalf("fired %d in %d turns", fired, turns)
	}
}

func BenchmarkWheelRearm(b *testing.B) {
	var w wheel[obj]
	w.init(0)
	objs := make([]obj, 1<<16)
	for i := range objs {
		objs[i].t.owner = &objs[i]
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		w.schedule(&objs[(i*7919)&(1<<16-1)].t, int64(1+i&0xfffff))
	}
}
