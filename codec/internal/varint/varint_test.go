package varint

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// RFC 9000 appendix A.1, and the limits of each length.
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		hex string
		v   uint64
	}{
		{"c2197c5eff14e88c", 151288809941952652}, {"9d7f3e7d", 494878333}, {"7bbd", 15293}, {"25", 37},
		{"00", 0}, {"3f", 63}, {"4040", 64}, {"7fff", 16383}, {"80004000", 16384}, {"bfffffff", 1<<30 - 1},
		{"c000000040000000", 1 << 30}, {"ffffffffffffffff", Max},
	} {
		b, _ := hex.DecodeString(c.hex)
		if v, n := Parse(append(b, 0xaa)); v != c.v || n != len(b) {
			t.Errorf("%s is %d in %d bytes", c.hex, v, n)
		}
		if got := Append([]byte("x"), c.v); !bytes.Equal(got[1:], b) || Len(c.v) != len(b) {
			t.Errorf("%d became %x, length %d", c.v, got, Len(c.v))
		}
		for n := range b {
			if _, got := Parse(b[:n]); got != 0 {
				t.Errorf("%s cut to %d bytes has length %d", c.hex, n, got)
			}
		}
		for _, size := range []int{1, 2, 3, 4, 8} {
			got := AppendSize(nil, c.v, size)
			if fits := size != 3 && size >= len(b); fits != (len(got) == size) || !fits && len(got) > 0 {
				t.Errorf("%d in %d bytes became %x", c.v, size, got)
			} else if v, n := Parse(got); fits && (v != c.v || n != size) {
				t.Errorf("%x is %d", got, v)
			}
		}
	}
	if v, n := Parse([]byte{0x40, 0x25}); v != 37 || n != 2 {
		t.Error("RFC 9000 appendix A.1: 4025 is 37, too")
	}
	if Len(Max+1) != 0 || len(Append(nil, Max+1)) != 0 || len(AppendSize(nil, Max+1, 8)) != 0 {
		t.Error("2^62 has an encoding")
	}
}
