package codectest

import (
	"fmt"
	"testing"
)

// silenceRuns is how often each measurement is repeated; the average rounds down, so that one stray allocation of the
// runtime is not blamed on the codec.
const silenceRuns = 8

// Silence checks law 4: no allocation, neither in the steady state (a codec that has seen the same input before and an
// event whose arrays have grown) nor on the error path, and none in the calls of Adapter.Script given room in dst. It
// must not run in a parallel test: it counts allocations of the process.
func Silence(t TB, a Adapter, input []byte) {
	t.Helper()
	in := a.New()
	buf := make([]byte, len(input))
	owed := make([]byte, 0, 1<<20)
	for _, step := range []int{len(input), 1, 7} {
		if step < 1 || step < len(input) && len(input)/step > 1<<16 {
			continue
		}
		n, bad := allocs(func() {
			copy(buf, input)
			in.Reset()
			drive(&a, in, buf, step, owed)
		})
		if bad != "" {
			report(t, "silence", "in pieces of %d: %s", step, bad)
			return
		}
		if n > 0 {
			report(t, "silence", "in pieces of %d: %v allocations for an input that was seen before", step, n)
			return
		}
	}
	if a.Script == nil {
		return
	}
	scripts := make([][]AppendCall, silenceRuns+2)
	for i := range scripts {
		scripts[i] = a.Script()
	}
	run := -1
	n, bad := allocs(func() {
		run++
		for _, c := range scripts[run] {
			c.Do(owed)
		}
	})
	if bad != "" {
		report(t, "silence", "encoder script: %s", bad)
	} else if n > 0 {
		report(t, "silence", "encoder script: %v allocations although dst has room", n)
	}
}

// allocs runs f once to warm up and then counts.
func allocs(f func()) (n float64, bad string) {
	defer func() {
		if v := recover(); v != nil {
			bad = fmt.Sprintf("panic: %v", v)
		}
	}()
	f()
	return testing.AllocsPerRun(silenceRuns, f), ""
}

// drive is play without looking: the bare loop, in pieces of step bytes. It does not allocate.
func drive(a *Adapter, in Instance, buf []byte, step int, owed []byte) {
	ower, _ := in.(Ower)
	r, w, idle := 0, 0, 0
	for w < len(buf) {
		w = min(w+step, len(buf))
		for {
			n, got, err := in.Next(buf[r:w:w])
			if n < 0 || n > w-r {
				panic("n out of range")
			}
			r += n
			if err != nil {
				if ower != nil {
					ower.AppendOwed(owed, maxOwed)
				}
				in.Next(buf[r:w:w]) // the error again
				return
			}
			if !got {
				break
			}
			if idle++; n > 0 {
				idle = 0
			} else if idle > maxIdle {
				panic("livelock")
			}
		}
		if ower != nil {
			ower.AppendOwed(owed, maxOwed)
		}
	}
	if f, ok := in.(Finisher); ok && a.EOF {
		for range maxIdle {
			if got, err := f.Finish(); !got || err != nil {
				return
			}
		}
	}
}
