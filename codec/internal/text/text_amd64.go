//go:build amd64 && !purego

package text

import (
	"math"

	"golang.org/x/sys/cpu"
)

var (
	hasAVX2 = cpu.X86.HasAVX2
	// VBMI also leaves out the first processors that had AVX-512, which run slower while they use it.
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI
	// short is the least that is given to a kernel.
	short = shortest()
)

// block is how much a kernel does at once: a goroutine cannot be preempted inside.
const block = 64 << 10

func shortest() int {
	switch {
	case hasAVX512:
		return 12
	case hasAVX2:
		return 32
	}
	return math.MaxInt
}

// kernel validates n bytes at p, at least short, which begin with a whole character. It returns n if none of them is bad (the
// last character may be cut), otherwise how many bytes have been looked at without finding a bad one. A character that
// is cut there may yet turn out bad.
func kernel(p *byte, n int) (good int) {
	if hasAVX512 {
		return checkAVX512(p, n)
	}
	return checkAVX2(p, n)
}

// Check validates p as the continuation of a text in state s. bad is the index of the first byte that no continuation of
// the text so far can have, and then next has Failed; otherwise bad is -1. A State that has Failed finds the first byte
// of any p bad; an empty p is never bad.
func Check(p []byte, s State) (bad int, next State) {
	if len(p) < short {
		return check(p, s)
	}
	if s == accept && len(p) <= block && kernel(&p[0], len(p)) == len(p) {
		if p[len(p)-1] < 0x80 {
			return -1, accept
		}
		for _, c := range p[whole(p):] { // at most three bytes, whose first alone may be bad
			next = State(step[c] >> next & 63)
		}
		if next != reject {
			return -1, next
		}
	}
	return checkLong(p, s)
}

// checkLong is Check with the kernel, from any state and of any length.
func checkLong(p []byte, s State) (bad int, next State) {
	i := 0
	for ; s != accept && i < len(p); i++ { // at most three bytes, unless there is a bad one
		if s = State(step[p[i]] >> s & 63); s == reject {
			return i, reject
		}
	}
	for len(p)-i >= short {
		q := p[i:min(i+block, len(p))]
		good := kernel(&q[0], len(q))
		i += whole(q[:good])
		if good < len(q) {
			break
		}
	}
	if bad, next = check(p[i:], accept); bad >= 0 {
		bad += i
	}
	return bad, next
}

// whole returns how many bytes of p its whole characters take: all but a character that is cut at the end. p has no byte
// that is bad.
func whole(p []byte) int {
	n := len(p)
	for k := 1; k <= 3 && k <= n; k++ {
		switch c := p[n-k]; {
		case c < 0x80:
			return n
		case c < 0xc0:
			continue
		case c >= 0xf0 || c >= 0xe0 && k < 3 || k < 2: // longer than the k bytes that are there
			return n - k
		}
		return n
	}
	return n
}

// checkAVX2 is kernel for at least 32 bytes.
//
//go:noescape
func checkAVX2(p *byte, n int) (good int)

// checkAVX512 is kernel for at least one byte.
//
//go:noescape
func checkAVX512(p *byte, n int) (good int)
