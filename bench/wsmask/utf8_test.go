package wsmask

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	purewire "github.com/purewire/purewire/codec/ws"
)

// validator is one way to validate a text that is at hand in one piece.
type validator struct {
	name  string
	valid func(p []byte, times int) bool
}

var validators = []validator{
	{"purewire", func(p []byte, times int) (ok bool) {
		for range times {
			var v purewire.UTF8
			ok = v.Write(p) < 0 && v.Complete()
		}
		return ok
	}},
	{"utf8.Valid", func(p []byte, times int) (ok bool) {
		for range times {
			ok = utf8.Valid(p)
		}
		return ok
	}},
}

var texts = []struct{ name, unit string }{
	{"ascii", "The quick brown fox jumps over the lazy dog. "},
	{"mixed", "The quick brown fox. Ünïcödé: 日本語のテキスト, Ελληνικά, русский язык, 🎉🚀 and so on; "},
	{"cjk", "日本語のテキスト、"},
}

// text returns a valid text of n bytes.
func text(unit string, n int) []byte {
	p := []byte(strings.Repeat(unit, n/len(unit)+1))[:n]
	for i := n; !utf8.Valid(p); p[i] = '.' {
		i--
	}
	return p
}

func TestValidators(t *testing.T) {
	for _, c := range texts {
		for _, n := range sizes {
			for _, v := range validators {
				if p := text(c.unit, n); !v.valid(p, 1) {
					t.Errorf("%s: %d bytes of %s: not valid", v.name, n, c.name)
				}
				if p := append(text(c.unit, n-1), 0xff); v.valid(p, 1) {
					t.Errorf("%s: %d bytes of %s and a bad one: valid", v.name, n, c.name)
				}
			}
		}
	}
}

func BenchmarkUTF8(b *testing.B) {
	for _, c := range texts {
		for _, n := range sizes {
			p := text(c.unit, n)
			for _, v := range validators {
				b.Run(fmt.Sprintf("%s/%d/%s", c.name, n, v.name), func(b *testing.B) {
					b.SetBytes(int64(n))
					if !v.valid(p, b.N) {
						b.Fatal("not valid")
					}
				})
			}
		}
	}
}
