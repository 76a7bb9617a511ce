package codectest

import (
	"bytes"
	"fmt"
)

// Append checks law 6 on the calls of Adapter.Script, and on AppendOwed behind the input: a call never reads or writes
// dst[:len(dst)] and never needs room behind it; on error it returns dst as it was and the encoder is as if the call had
// not been made.
func Append(t TB, a Adapter, input []byte) {
	t.Helper()
	if bad := appendOwed(&a, input); bad != "" {
		report(t, "append", "AppendOwed: %s", bad)
		return
	}
	if a.Script == nil {
		return
	}
	ref, failed, bad := runScript(a.Script(), nil, noDst)
	if bad != "" {
		report(t, "append", "%s", bad)
		return
	}
	for _, d := range dstShapes {
		got, _, bad := runScript(a.Script(), nil, func(i int) []byte { return d.make(ref[i]) })
		if bad == "" {
			bad = sameOutputs(a.Script(), ref, got, nil)
		}
		if bad != "" {
			report(t, "append", "dst with %s: %s", d.name, bad)
			return
		}
	}
	if len(failed) > 0 {
		got, _, bad := runScript(a.Script(), failed, noDst)
		if bad == "" {
			bad = sameOutputs(a.Script(), ref, got, failed)
		}
		if bad != "" {
			report(t, "append", "without the calls that fail: %s", bad)
		}
	}
}

// dstShapes are the ways to present dst, given the bytes that the call will append.
var dstShapes = []struct {
	name string
	make func(out []byte) []byte
}{
	{"a prefix and no room", func(out []byte) []byte { return prefix(0x11, 0) }},
	{"a prefix and just enough room", func(out []byte) []byte { return prefix(0x22, len(out)) }},
	{"a prefix and one byte too little room", func(out []byte) []byte { return prefix(0x33, max(len(out)-1, 0)) }},
	{"a prefix of line ends and much room", func(out []byte) []byte { return prefix('\n', 4096+len(out)) }},
}

func noDst(int) []byte { return nil }

// prefix returns a dst of 37 equal bytes, with room bytes of the same junk behind them.
func prefix(b byte, room int) []byte {
	d := bytes.Repeat([]byte{b}, 37+room)
	return d[: 37 : 37+room]
}

// runScript makes the calls but those in skip, each with a new dst, and returns what each one appended.
func runScript(calls []AppendCall, skip map[int]bool, makeDst func(i int) []byte) (out [][]byte, failed map[int]bool, bad string) {
	at := "?"
	defer func() {
		if v := recover(); v != nil {
			bad = fmt.Sprintf("%s: panic: %v", at, v)
		}
	}()
	failed = map[int]bool{}
	for i, c := range calls {
		at = c.Name
		if skip[i] {
			out = append(out, nil)
			continue
		}
		dst := makeDst(i)
		before := bytes.Clone(dst)
		res, err := c.Do(dst)
		switch {
		case !bytes.Equal(dst, before):
			return out, failed, fmt.Sprintf("%s: wrote to dst[:len(dst)]", at)
		case len(res) < len(dst) || !bytes.Equal(res[:len(dst)], before):
			return out, failed, fmt.Sprintf("%s: the result does not begin with dst", at)
		case err != nil && (len(res) != len(dst) || cap(res) != cap(dst)):
			return out, failed, fmt.Sprintf("%s: failed (%v) but did not return dst unchanged: %d bytes more", at, err, len(res)-len(dst))
		}
		if err != nil {
			failed[i] = true
		}
		out = append(out, bytes.Clone(res[len(dst):]))
	}
	return out, failed, ""
}

func sameOutputs(calls []AppendCall, want, got [][]byte, skip map[int]bool) string {
	for i := range want {
		if !skip[i] && !bytes.Equal(want[i], got[i]) {
			return fmt.Sprintf("%s: appended %s, otherwise %s", calls[i].Name, clip(Quote(got[i]), 80), clip(Quote(want[i]), 80))
		}
	}
	return ""
}

// appendOwed checks AppendOwed after the input, whole and bit by bit.
func appendOwed(a *Adapter, input []byte) string {
	if _, ok := a.New().(Ower); !ok {
		return ""
	}
	var ref []byte
	for i, room := range []int{1 << 16, 0, 1, 1 << 12} {
		in := a.New()
		res := play(a, in, input, whole(len(input)), options{quiet: true})
		if res.bad != "" {
			return res.bad
		}
		dst := prefix(byte(0x40+i), room)
		before := bytes.Clone(dst)
		out := in.(Ower).AppendOwed(dst, maxOwed)
		if !bytes.Equal(dst, before) || len(out) < len(dst) || !bytes.Equal(out[:len(dst)], before) {
			return "read or wrote dst[:len(dst)]"
		}
		if i == 0 {
			ref = bytes.Clone(out[len(dst):])
		} else if !bytes.Equal(ref, out[len(dst):]) {
			return fmt.Sprintf("appended %s, with other dst %s", clip(Quote(out[len(dst):]), 80), clip(Quote(ref), 80))
		}
	}
	return ""
}
