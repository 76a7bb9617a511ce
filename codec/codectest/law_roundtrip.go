package codectest

import (
	"bytes"
	"errors"
	"fmt"
)

// RoundTrip checks law 10. With Adapter.Encode: the events of an input without error, encoded again, decode to the same
// events, and encoding those gives the same bytes. With Adapter.Script: what the calls append decodes to what they want.
func RoundTrip(t TB, a Adapter, input []byte) {
	t.Helper()
	if a.Script != nil {
		if bad := scriptDecodes(a); bad != "" {
			report(t, "round trip", "%s", bad)
			return
		}
	}
	if a.Encode == nil {
		return
	}
	for _, k := range []int{max(len(input), 1), 3} {
		once, lines, ok, bad := reencode(&a, input, k)
		if bad != "" {
			report(t, "round trip", "in pieces of %d: %s", k, bad)
			return
		}
		if !ok {
			return // an input with an error, or cut off, has no encoding
		}
		twice, again, ok, bad := reencode(&a, once, len(once)+1)
		if bad == "" && !ok {
			bad = fmt.Sprintf("does not decode: %s", again[len(again)-1])
		}
		if bad == "" {
			bad = differ(lines, again)
		}
		if bad != "" {
			report(t, "round trip", "in pieces of %d: encoded again as %s: %s", k, clip(Quote(once), 200), bad)
			return
		}
		if !bytes.Equal(once, twice) && k >= len(input) {
			report(t, "round trip", "the encoding %s decodes and encodes to other bytes: %s", clip(Quote(once), 200), clip(Quote(twice), 200))
			return
		}
	}
}

// reencode decodes input in pieces of k and appends the encoding of each event. ok is false if the input has an error or
// a tail that was not consumed.
func reencode(a *Adapter, input []byte, k int) (out []byte, lines []string, ok bool, bad string) {
	enc := a.Encode()
	in := a.New()
	w := &encodeOnRender{Instance: in}
	none := false
	w.enc = func() {
		if bad == "" && !none {
			var err error
			if out, err = enc(out, in); errors.Is(err, ErrNoEncoding) {
				none = true
			} else if err != nil {
				bad = fmt.Sprintf("event cannot be encoded: %v", err)
			}
		}
	}
	res := play(a, w, input, every(k), options{})
	if res.bad != "" || none {
		return out, nil, false, res.bad
	}
	if e, is := in.(Ender); is && e.Ended() {
		input = input[:res.consumed] // what follows is another protocol's
		res.lines = dropLeft(res.lines)
	}
	return out, res.lines, res.err == nil && res.consumed == len(input), bad
}

func dropLeft(lines []string) []string {
	if n := len(lines); n > 0 && len(lines[n-1]) > 5 && lines[n-1][:5] == "left " {
		return lines[:n-1]
	}
	return lines
}

// encodeOnRender is an Instance that encodes each event when it is rendered.
type encodeOnRender struct {
	Instance
	enc func()
}

func (e *encodeOnRender) Render(log *Log) {
	e.enc()
	e.Instance.Render(log)
}

// Finish passes on to the wrapped instance, if it is a Finisher.
func (e *encodeOnRender) Finish() (bool, error) {
	if f, ok := e.Instance.(Finisher); ok {
		return f.Finish()
	}
	return false, nil
}

// Ended passes on to the wrapped instance, if it is an Ender.
func (e *encodeOnRender) Ended() bool {
	f, ok := e.Instance.(Ender)
	return ok && f.Ended()
}

// scriptDecodes decodes what a script appends and compares with what its calls want.
func scriptDecodes(a Adapter) string {
	calls := a.Script()
	out, failed, bad := runScript(calls, nil, noDst)
	if bad != "" {
		return bad
	}
	var want Log
	var wire []byte
	for i, c := range calls {
		wire = append(wire, out[i]...)
		if failed[i] {
			continue
		}
		if c.Want == nil {
			return "" // nothing is claimed
		}
		c.Want(&want)
	}
	a.EOF = false
	in := a.New()
	for _, k := range []int{len(wire) + 1, 1, 5} {
		in.Reset()
		w := &encodeOnRender{Instance: in, enc: func() {}} // hides AppendOwed: only events are compared
		res := play(&a, w, wire, every(k), options{})
		if res.bad != "" {
			return res.bad
		}
		if d := differ(want.Lines(), res.lines); d != "" {
			return fmt.Sprintf("script output %s decodes to another log at %s", clip(Quote(wire), 200), d)
		}
	}
	return ""
}
