package http1

import (
	"math/rand/v2"
	"testing"
)

// The word-wise scan against the plain one: every byte at every place of every length up to 40, and random bytes.
func TestHasControl(t *testing.T) {
	for n := range 41 {
		b := make([]byte, n)
		for i := range b {
			b[i] = "a\t\xff 0~"[i%6]
		}
		if hasControl(b) {
			t.Fatalf("%q", b)
		}
		for i := range b {
			keep := b[i]
			for c := range 256 {
				b[i] = byte(c)
				if got, want := hasControl(b), c < 0x20 && c != '\t' || c == 0x7f; got != want {
					t.Fatalf("hasControl(%q) = %v", b, got)
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
		if hasControl(b) != slowControl(b) {
			t.Fatalf("hasControl(%q) = %v", b, hasControl(b))
		}
	}
}
