package codectest

import "fmt"

// Sticky checks law 7: after the first error every method can still be called, nothing is consumed or reported any more,
// Next returns the same error, and once AppendOwed has given what was owed at the error, nothing more comes. It does
// nothing for an input without error.
func Sticky(t TB, a Adapter, input []byte) {
	t.Helper()
	for _, k := range []int{max(len(input), 1), 1, 5} {
		if len(input)/k > 1<<16 {
			continue
		}
		in := a.New()
		res := play(&a, in, input, every(k), options{})
		if res.bad != "" {
			report(t, "sticky", "in pieces of %d: %s", k, res.bad)
			return
		}
		if res.fault == nil {
			continue
		}
		if bad := a.afterError(in, res, input); bad != "" {
			report(t, "sticky", "in pieces of %d, after error %q: %s", k, res.fault.Reason, bad)
			return
		}
	}
}

func (a *Adapter) afterError(in Instance, res result, input []byte) (bad string) {
	defer func() {
		if v := recover(); v != nil {
			bad = fmt.Sprintf("panic: %v", v)
		}
	}()
	probes := [][]byte{nil, {}, input[res.consumed:], input, []byte("\r\n\r\n"), {0, 0, 0, 0, 0, 0, 0, 0, 0}}
	again := func(when string) string {
		for _, p := range probes {
			n, got, err := in.Next(append([]byte(nil), p...))
			switch {
			case n != 0:
				return fmt.Sprintf("%sNext consumed %d bytes of %s", when, n, clip(Quote(p), 40))
			case got:
				return fmt.Sprintf("%sNext reported an event", when)
			case err == nil:
				return fmt.Sprintf("%sNext returned no error", when)
			}
			if f := in.Fault(err); f != *res.fault {
				return fmt.Sprintf("%sNext returned another error: %q at %d, was at %d", when, f.Reason, f.Off, res.fault.Off)
			}
			if owed := drain(in); len(owed) > 0 {
				return fmt.Sprintf("%sfurther input made it owe %s", when, clip(Quote(owed), 60))
			}
		}
		return ""
	}
	if bad := again(""); bad != "" {
		return bad
	}
	if f, ok := in.(Finisher); ok {
		got, err := f.Finish()
		if got || err == nil {
			return fmt.Sprintf("Finish returned event %v, error %v", got, err)
		}
		if f := in.Fault(err); f != *res.fault {
			return fmt.Sprintf("Finish returned another error: %q at %d", f.Reason, f.Off)
		}
	}
	for _, c := range a.Calls {
		c.Do(in)
		if bad := again("after " + c.Name + ", "); bad != "" {
			return bad
		}
	}
	return ""
}
