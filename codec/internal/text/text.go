// Package text validates UTF-8 (RFC 3629) in pieces of any size. It has an AVX2 kernel for amd64, which tests whole blocks,
// and an automaton for everything else; the build tag purego leaves the kernel out.
package text

import "encoding/binary"

// State is what an automaton remembers between two pieces of a text. The zero State stands in front of a character.
type State uint8

// The states. Each is also the position, in a word of step, of the six bits that hold the state that follows.
const (
	accept  State = 6 * iota
	reject        // for ever
	tail1         // one more byte 80-BF
	tail2         // two more
	tail3         // three more
	afterE0       // A0-BF, then one more: what is below is overlong
	afterED       // 80-9F, then one more: what is above is a surrogate
	afterF0       // 90-BF, then two more: what is below is overlong
	afterF4       // 80-8F, then two more: what is above is no code point
)

// Complete reports whether the text may end here: no character is open, and none was bad.
func (s State) Complete() bool { return s == accept }

// Failed reports whether the text had a byte that no UTF-8 has there.
func (s State) Failed() bool { return s == reject }

const tops = 0x8080808080808080

// check is Check without assembly.
func check(p []byte, s State) (bad int, next State) {
	i, at := 0, uint64(s)
	for plain := true; i < len(p); {
		if plain && at == uint64(accept) {
			i += ascii(p[i:])
		}
		// Sixteen bytes at a time: where it went wrong is looked up only if it did.
		if len(p)-i >= 16 {
			q, was := p[i:i+16:i+16], at
			at = step[q[0]] >> (at & 63)
			at = step[q[1]] >> (at & 63)
			at = step[q[2]] >> (at & 63)
			at = step[q[3]] >> (at & 63)
			at = step[q[4]] >> (at & 63)
			at = step[q[5]] >> (at & 63)
			at = step[q[6]] >> (at & 63)
			at = step[q[7]] >> (at & 63)
			at = step[q[8]] >> (at & 63)
			at = step[q[9]] >> (at & 63)
			at = step[q[10]] >> (at & 63)
			at = step[q[11]] >> (at & 63)
			at = step[q[12]] >> (at & 63)
			at = step[q[13]] >> (at & 63)
			at = step[q[14]] >> (at & 63)
			at = step[q[15]] >> (at & 63)
			if at &= 63; at != uint64(reject) {
				i += 16
				plain = (binary.LittleEndian.Uint64(q)|binary.LittleEndian.Uint64(q[8:]))&tops == 0
				continue
			}
			at = was
		}
		for ; i < len(p); i++ {
			if at = step[p[i]] >> (at & 63) & 63; at == uint64(reject) {
				return i, reject
			}
		}
	}
	return -1, State(at)
}

// ascii returns the length of a prefix of p that is ASCII; all of p if it is.
func ascii(p []byte) (i int) {
	q := p
	for len(q) >= 64 {
		if (binary.LittleEndian.Uint64(q)|binary.LittleEndian.Uint64(q[8:])|
			binary.LittleEndian.Uint64(q[16:])|binary.LittleEndian.Uint64(q[24:])|
			binary.LittleEndian.Uint64(q[32:])|binary.LittleEndian.Uint64(q[40:])|
			binary.LittleEndian.Uint64(q[48:])|binary.LittleEndian.Uint64(q[56:]))&tops != 0 {
			break
		}
		q = q[64:]
	}
	if i = len(p) - len(q); len(q) >= 32 && !tops32(q) {
		i += 32
	}
	if i > 0 && len(p)-i < 32 && !tops32(p[len(p)-32:]) {
		return len(p)
	}
	for ; len(p)-i >= 8; i += 8 {
		if binary.LittleEndian.Uint64(p[i:])&tops != 0 {
			return i
		}
	}
	// The last eight bytes, whose first ones are known to be ASCII.
	if i > 0 && i < len(p) && binary.LittleEndian.Uint64(p[len(p)-8:])&tops == 0 {
		return len(p)
	}
	return i
}

// tops32 reports whether one of the first 32 bytes of p is not ASCII.
func tops32(p []byte) bool {
	p = p[:32]
	return (binary.LittleEndian.Uint64(p)|binary.LittleEndian.Uint64(p[8:])|
		binary.LittleEndian.Uint64(p[16:])|binary.LittleEndian.Uint64(p[24:]))&tops != 0
}

// step has one word for each byte: the six bits at position s are the state that follows s.
var step = func() (t [256]uint64) {
	for c := range t {
		next := [...]State{accept / 6: reject, reject / 6: reject, tail1 / 6: reject, tail2 / 6: reject, tail3 / 6: reject,
			afterE0 / 6: reject, afterED / 6: reject, afterF0 / 6: reject, afterF4 / 6: reject}
		switch {
		case c < 0x80:
			next[accept/6] = accept
		case c < 0xc0:
			next[tail1/6], next[tail2/6], next[tail3/6] = accept, tail1, tail2
			if c >= 0xa0 {
				next[afterE0/6] = tail1
			} else {
				next[afterED/6] = tail1
			}
			if c >= 0x90 {
				next[afterF0/6] = tail2
			} else {
				next[afterF4/6] = tail2
			}
		case c < 0xc2: // C0, C1: overlong
		case c < 0xe0:
			next[accept/6] = tail1
		case c == 0xe0:
			next[accept/6] = afterE0
		case c == 0xed:
			next[accept/6] = afterED
		case c < 0xf0:
			next[accept/6] = tail2
		case c == 0xf0:
			next[accept/6] = afterF0
		case c < 0xf4:
			next[accept/6] = tail3
		case c == 0xf4:
			next[accept/6] = afterF4
		}
		for s, n := range next {
			t[c] |= uint64(n) << (6 * s)
		}
	}
	return t
}()
