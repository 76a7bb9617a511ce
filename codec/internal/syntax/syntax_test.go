package syntax

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// Every class, for all 256 bytes, by the grammar of RFC 9110 and RFC 3986.
func TestClass(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		for bit, want := range map[uint8]bool{
			Token:   alnum || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0,
			Vchar:   0x21 <= c && c <= 0x7e,
			Blank:   c == ' ' || c == '\t',
			Obs:     c >= 0x80,
			Hex:     strings.IndexByte("0123456789abcdefABCDEF", c) >= 0,
			Target:  0x21 <= c && c <= 0x7e && c != '#',
			RegName: alnum || strings.IndexByte("-._~!$&'()*+;=", c) >= 0,
			Bracket: alnum || strings.IndexByte("-._~!$&'()*+;=:", c) >= 0,
		} {
			if got := Class[c]&bit != 0; got != want {
				t.Errorf("byte %#x, class %#x: %t", c, bit, got)
			}
		}
	}
}

func TestSplitHost(t *testing.T) {
	for _, c := range []struct {
		in          string
		n           int
		port, valid bool
	}{
		{"", 0, false, true}, {"a", 1, false, true}, {"example.com:80", 11, true, true}, {"example.com:", 11, true, true},
		{":80", 0, true, true}, {"a:65535", 1, true, true}, {"a:65536", 1, true, false}, {"a:99999999999999999999", 1, true, false},
		{"a:-1", 1, true, false}, {"a:b", 1, true, false}, {"[::1]:443", 5, true, true}, {"[v1.a:b]", 8, false, true},
		{"[::1", 0, false, false}, {"[]", 2, false, false}, {"[::1]x", 5, false, false}, {"a%41b", 5, false, true},
		{"a%4", 1, false, false}, {"u@h", 1, false, false}, {"a,b", 1, false, false}, {"a b", 1, false, false},
		{"[1:2:3:4:5:6:7:8]", 17, false, true}, {"[1:2:3:4:5:6:7::]", 17, false, true}, {"[1:2:3:4:5:6:7]", 15, false, false},
		{"[::1.2.3.4]", 11, false, true}, {"[::1.2.3.04]", 12, false, false}, {"[::1.2.3.256]", 13, false, false},
		{"[1::2::3]", 9, false, false}, {"[12345::]", 9, false, false}, {"[v.a]", 5, false, false}, {"[v1.]", 5, false, false},
		{"[vg.a]", 6, false, false}, {"[v1.a b]", 8, false, false}, {"[::1%eth0]", 10, false, false}, {"a.very-long.host.example.org", 28, false, true},
	} {
		n, port, valid := SplitHost([]byte(c.in))
		if valid != c.valid || n != c.n || port != c.port {
			t.Errorf("%q: %d %t %t, want %d %t %t", c.in, n, port, valid, c.n, c.port, c.valid)
		}
	}
}

// Eight bytes at a time or one by one: the same hosts.
func TestPlainHost(t *testing.T) {
	for i := range 256 {
		for at := range 8 {
			for _, other := range []byte("aZ0.-") {
				b := []byte(strings.Repeat(string(rune(other)), 8))
				b[at] = byte(i)
				c := b[at]
				want := c == '-' || c == '.' || IsDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
				if got := plainHost(binary.LittleEndian.Uint64(b)); got != want {
					t.Errorf("%q: %t", b, got)
				}
			}
		}
	}
}

// The word-wise scan against the plain one: every byte at every place of every length up to 40, and random bytes.
func TestHasControl(t *testing.T) {
	for n := range 41 {
		b := make([]byte, n)
		for i := range b {
			b[i] = "a\t\xff 0~"[i%6]
		}
		if HasControl(b) {
			t.Fatalf("%q", b)
		}
		for i := range b {
			keep := b[i]
			for c := range 256 {
				b[i] = byte(c)
				if got, want := HasControl(b), c < 0x20 && c != '\t' || c == 0x7f; got != want {
					t.Fatalf("HasControl(%q) = %v", b, got)
				}
			}
			b[i] = keep
		}
	}
	rng := rand.New(rand.NewPCG(9, 10))
	for range 100000 {
		b := make([]byte, rng.IntN(30))
		for i := range b {
			b[i] = "\x1f \x7f\x80\x00\t\x7eabcdefghijklmnopqrst"[rng.IntN(27)]
		}
		if HasControl(b) != slowControl(b) {
			t.Fatalf("HasControl(%q) = %v", b, HasControl(b))
		}
	}
}

// Eight octets at a time or one by one: the same names. Every octet at every place of every length up to 20.
func TestLowerNameEnd(t *testing.T) {
	for n := range 21 {
		b := []byte("content-length.0-9-x-abcdefgh")[:n]
		for i := range b {
			keep := b[i]
			for c := range 256 {
				b[i] = byte(c)
				want := n
				if Class[c]&Token == 0 || 'A' <= c && c <= 'Z' {
					want = i
				}
				if got := LowerNameEnd(b); got != want || slowNameEnd(b) != want {
					t.Fatalf("%q: %d, want %d", b, got, want)
				}
			}
			b[i] = keep
		}
	}
	rng := rand.New(rand.NewPCG(11, 12))
	const some = "abcdefghijklmnopqrstuvwxyz-./09\x80\xe1AZ_"
	for range 100000 {
		b := make([]byte, rng.IntN(30))
		for i := range b {
			b[i] = some[rng.IntN(len(some))]
		}
		if LowerNameEnd(b) != slowNameEnd(b) {
			t.Fatalf("%q: %d, want %d", b, LowerNameEnd(b), slowNameEnd(b))
		}
	}
}
