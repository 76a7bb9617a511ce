package codectest

import "fmt"

// maxMoments bounds at how many moments of one run each call of Adapter.Calls is tried.
const maxMoments = 96

// Idempotent checks law 8. Each of Adapter.Calls is made before every call of Next in turn: it returns nil, or a misuse
// error after which the rest of the run is as if it had not been made. No input yields a misuse error by itself. And
// Reset after any prefix gives a codec that behaves like a new one.
func Idempotent(t TB, a Adapter, input []byte) {
	t.Helper()
	ref := play(&a, a.New(), input, whole(len(input)), options{})
	if ref.bad != "" {
		report(t, "idempotent", "in one piece: %s", ref.bad)
		return
	}
	if ref.fault != nil && ref.fault.Misuse {
		report(t, "idempotent", "bytes of a peer gave the misuse error %q", ref.fault.Reason)
		return
	}
	for _, c := range a.Calls {
		for _, k := range []int{max(len(input), 1), max(len(input)/maxMoments, 1)} {
			if !callAnywhere(t, &a, c, input, k, ref) {
				return
			}
		}
	}
	in := a.New()
	for cut := 0; cut < len(input); cut += max(1, len(input)/maxMoments) {
		in.Reset()
		play(&a, in, input[:cut], whole(cut), options{quiet: true})
		in.Reset()
		if !agree(t, "idempotent", fmt.Sprintf("Reset after %d bytes", cut), ref, play(&a, in, input, whole(len(input)), options{})) {
			return
		}
	}
}

// callAnywhere makes the call at each moment of a run in pieces of k bytes.
func callAnywhere(t TB, a *Adapter, c Call, input []byte, k int, ref result) bool {
	t.Helper()
	for moment := range maxMoments {
		now, reached, wrong := -1, false, ""
		sensible := false
		res := play(a, a.New(), input, every(k), options{between: func(in Instance) string {
			if now++; now != moment {
				return ""
			}
			reached = true
			err := c.Do(in)
			if sensible = err == nil; sensible {
				return ""
			}
			if f := in.Fault(err); !f.Misuse {
				wrong = fmt.Sprintf("returned an error that blames the peer: %q", f.Reason)
			}
			return wrong
		}})
		how := fmt.Sprintf("%s before call %d in pieces of %d", c.Name, moment, k)
		switch {
		case !reached && res.bad == "":
			return true
		case wrong != "":
			report(t, "idempotent", "%s %s", how, wrong)
			return false
		case sensible && !isPanic(res.bad):
			continue // it made sense, so it may change what follows
		}
		if !agree(t, "idempotent", how, ref, res) {
			return false
		}
	}
	return true
}

func isPanic(bad string) bool { return len(bad) > 6 && bad[:6] == "panic:" }
