package text

import (
	"bytes"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// badAt is the reference: the index of the first byte of p that no valid text has there, -1 if there is none, and
// whether p ends in front of a character. It asks unicode/utf8 about every continuation that could save a cut character.
func badAt(p []byte) (bad int, complete bool) {
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if r != utf8.RuneError || n > 1 {
			i += n
			continue
		}
		for k := 1; k <= 4; k++ {
			if i+k > len(p) {
				return -1, false
			}
			if !extends(p[i : i+k]) {
				return i + k - 1, false
			}
		}
		panic("unreachable")
	}
	return -1, true
}

// extends reports whether some character begins with q. The second byte decides all; later ones are any of 80-BF.
func extends(q []byte) bool {
	if utf8.Valid(q) {
		return true
	}
	for _, second := range []byte{0x80, 0x90, 0xa0} {
		for more := range 3 {
			c := append([]byte{}, q...)
			for i := range more + 1 {
				if i == 0 && len(q) == 1 {
					c = append(c, second)
				} else {
					c = append(c, 0x80)
				}
			}
			if utf8.RuneCount(c) == 1 && utf8.Valid(c) {
				return true
			}
		}
	}
	return false
}

// checkAll compares Check and its twin with the reference, whole and cut at every place in cuts.
func checkAll(t testing.TB, p []byte, cuts []int) {
	t.Helper()
	bad, complete := badAt(p)
	if bad < 0 && complete != utf8.Valid(p) {
		t.Fatalf("the reference is wrong about %q", p)
	}
	for name, f := range ways {
		judge := func(got int, s State, what string, at int) {
			if got != bad || s.Failed() != (bad >= 0) || s.Complete() != (bad < 0 && complete) {
				t.Fatalf("%s of %q, %s %d: bad %d, state %d; want %d, complete %v", name, p, what, at, got, s, bad, complete)
			}
		}
		got, s := f(p, 0)
		judge(got, s, "whole", 0)
		for _, cut := range cuts {
			got, s := f(p[:cut], 0)
			if got < 0 {
				if got, s = f(p[cut:], s); got >= 0 {
					got += cut
				}
			}
			judge(got, s, "cut at", cut)
		}
		s, got = 0, -1
		for i, c := range p {
			if b, next := f([]byte{c}, s); b >= 0 && got < 0 {
				s, got = next, i
			} else {
				s = next
			}
		}
		judge(got, s, "bytewise", 1)
	}
}

// ways are all the ways that this machine has to check a text.
var ways = func() map[string]func(p []byte, s State) (int, State) {
	m := map[string]func([]byte, State) (int, State){"go": check, "Check": Check}
	for name, f := range assembly {
		m[name] = f
	}
	return m
}()

func every(p []byte) []int {
	cuts := make([]int, len(p)+1)
	for i := range cuts {
		cuts[i] = i
	}
	return cuts
}

// All strings of one and of two bytes, and those of three and four whose first two bytes matter, at every split.
func TestShortStrings(t *testing.T) {
	interesting := []byte{0, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	for a := range 256 {
		checkAll(t, []byte{byte(a)}, []int{0, 1})
		if testing.Short() && !bytes.Contains(interesting, []byte{byte(a)}) {
			continue
		}
		for b := range 256 {
			p := []byte{byte(a), byte(b)}
			checkAll(t, p, []int{0, 1, 2})
			if !bytes.Contains(interesting, p[1:]) {
				continue
			}
			for _, c := range interesting {
				p := append(p, c)
				checkAll(t, p, []int{1, 2})
				if testing.Short() || a < 0xe0 || a > 0xf5 {
					continue
				}
				for _, d := range interesting {
					checkAll(t, append(p, d), []int{2})
				}
			}
		}
	}
}

// bits of text of every kind, good and bad
var bits = []string{"a", "hello, world. ", "\x7f", "\u0080", "é", "ß", "\u07ff", "\u0800", "水", "日本語", "\ud7ff", "\ue000", "\uffff", "\U00010000", "🎉", "\U0010ffff",
	"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc3", "\xe6\xb0", "\xf0\x9f\x8e", "\xff"}

// Characters and mistakes at every distance from the borders of blocks.
func TestBlocks(t *testing.T) {
	for _, around := range []string{"a", "é", "水", "🎉"} {
		for _, bit := range bits {
			for n := 0; n < 150; n++ {
				if testing.Short() && n%32 > 4 && n%32 < 28 {
					continue
				}
				for _, behind := range []int{0, 1, 2, 3, 30, 31, 32, 33, 64, 70} {
					p := strings.Repeat("x", n%len(around)) + strings.Repeat(around, n/len(around)) + bit + strings.Repeat("b", behind)
					checkAll(t, []byte(p), []int{len(p) / 2, n, min(n+1, len(p)), min(n+2, len(p)), len(p) - behind})
				}
			}
		}
	}
}

func TestRandomText(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for i := range 4000 {
		var b bytes.Buffer
		good := 16
		if i%3 == 0 {
			good = len(bits)
		}
		for b.Len() < i%400 {
			if rnd.Intn(3) == 0 {
				b.WriteString(strings.Repeat("x", rnd.Intn(70)))
			}
			b.WriteString(bits[rnd.Intn(good)])
		}
		p := b.Bytes()
		if i%5 == 0 && len(p) > 0 {
			p[rnd.Intn(len(p))] ^= byte(1 << rnd.Intn(8))
		}
		checkAll(t, p, []int{rnd.Intn(len(p) + 1), rnd.Intn(len(p) + 1)})
	}
}

func TestFailedStays(t *testing.T) {
	_, s := Check([]byte("\xff"), 0)
	for _, p := range []string{"a", "\x80", strings.Repeat("a", 100)} {
		bad, next := Check([]byte(p), s)
		if bad != 0 || !next.Failed() {
			t.Fatalf("%q after a bad byte: %d", p, bad)
		}
	}
	if bad, next := Check(nil, s); bad != -1 || !next.Failed() || next.Complete() {
		t.Fatal("nothing is not bad")
	}
}

func FuzzText(f *testing.F) {
	for _, bit := range bits {
		f.Add([]byte(bit))
		f.Add([]byte(strings.Repeat("x", 62) + bit + strings.Repeat("水", 20)))
	}
	f.Fuzz(func(t *testing.T, p []byte) { checkAll(t, p, every(p)) })
}

func BenchmarkCheck(b *testing.B) {
	mixed := "The quick brown fox. Ünïcödé: 日本語のテキスト, Ελληνικά, русский язык, 🎉🚀 and so on; "
	for _, c := range []struct{ name, unit string }{{"ascii", "The quick brown fox jumps over the lazy dog. "}, {"mixed", mixed}, {"cjk", "日本語のテキスト"}} {
		for _, n := range []int{16, 64, 125, 1024, 65536} {
			p := []byte(strings.Repeat(c.unit, n/len(c.unit)+1))[:n]
			for _, k := range []struct {
				name string
				f    func([]byte) bool
			}{
				{"Check", func(p []byte) bool { bad, _ := Check(p, 0); return bad < 0 }},
				{"go", func(p []byte) bool { bad, _ := check(p, 0); return bad < 0 }},
				{"utf8.Valid", utf8.Valid},
			} {
				b.Run(c.name+"/"+strconv.Itoa(n)+"/"+k.name, func(b *testing.B) {
					b.SetBytes(int64(n))
					for range b.N {
						k.f(p)
					}
				})
			}
		}
	}
}
