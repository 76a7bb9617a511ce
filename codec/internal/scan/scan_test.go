package scan

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
)

// reference says what a byte is, by the letter of RFC 9110 sections 5.6.2 and 5.5.
func reference(c byte) (tchar, text bool) {
	tchar = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
	return tchar, c == '\t' || 0x20 <= c && c <= 0x7e
}

// check compares every function with the reference on src, which may stand at any address. It clears the top bits of src.
func check(t testing.TB, src []byte) {
	t.Helper()
	if len(src) > Max {
		src = src[:Max]
	}
	var m, p Bitmaps
	for i := range m.NotText {
		m.NotText[i], m.NotToken[i] = ^uint64(0), ^uint64(0)
	}
	Fill(&m, src)
	fill(&p, src)
	tokenEnd, textEnd := len(src), len(src)
	for i := len(src) - 1; i >= 0; i-- {
		tchar, text := reference(src[i])
		if !tchar {
			tokenEnd = i
		}
		if !text {
			textEnd = i
		}
		if m.NotToken[i/64]>>(i%64)&1 == 1 == tchar || m.NotText[i/64]>>(i%64)&1 == 1 == text {
			t.Fatalf("Fill is wrong at %d of %q", i, src)
		}
		if got := TokenEnd(src, i); got != tokenEnd {
			t.Fatalf("TokenEnd(%q, %d) = %d, want %d", src, i, got, tokenEnd)
		}
		if got := TextEnd(src, i); got != textEnd {
			t.Fatalf("TextEnd(%q, %d) = %d, want %d", src, i, got, textEnd)
		}
	}
	if n := min(len(src), 64); n > 0 {
		if tok, text := few(src[:n]); tok != p.NotToken[0]<<(64-n)>>(64-n) || text != p.NotText[0]<<(64-n)>>(64-n) {
			t.Fatalf("few is wrong for %q", src[:n])
		}
	}
	words := (len(src) + 63) / 64
	for i := range words {
		if m.NotToken[i] != p.NotToken[i] || m.NotText[i] != p.NotText[i] {
			t.Fatalf("twins differ in word %d of %q", i, src)
		}
	}
	if n := min(len(src), 64); Vector && n >= 32 {
		if tok, text := Few(&src[0], n); tok != p.NotToken[0]<<(64-n)>>(64-n) || text != p.NotText[0]<<(64-n)>>(64-n) {
			t.Fatalf("Few is wrong for %q", src[:n])
		}
	}
	for i := words; i < Words; i++ {
		if m.NotToken[i] != ^uint64(0) || m.NotText[i] != ^uint64(0) {
			t.Fatalf("word %d written for %d bytes", i, len(src))
		}
	}
	want := false
	for i, c := range src {
		src[i] &= 0x7f
		want = want || c&0x7f < 0x21 || c&0x7f == '#'
	}
	if got := HasDelimiter(src); got != want {
		t.Fatalf("HasDelimiter(%q) = %v", src, got)
	}
}

func TestEveryByteAtEveryPosition(t *testing.T) {
	for n := 1; n <= 200; n += 1 + n/70*12 {
		src := bytes.Repeat([]byte{'a'}, n)
		for c := range 256 {
			for _, at := range []int{0, 1, 7, 8, 31, 32, 63, 64, n - 1, n / 2} {
				if at < n {
					src[at] = byte(c)
					check(t, src)
					src[at] = 'a'
				}
			}
		}
	}
}

func TestRandomBlocks(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	const alphabet = "abcXYZ-019:; \t\r\n\x00\x1f\x7f\x80\xff~!#\"(),/"
	page := make([]byte, 2*Max)
	for range 3000 {
		n, at := rnd.Intn(Max+1), rnd.Intn(Max)
		src := page[at : at+n : at+n]
		for i := range src {
			src[i] = 'a'
			if rnd.Intn(8) == 0 {
				src[i] = alphabet[rnd.Intn(len(alphabet))]
			}
		}
		check(t, src)
	}
	for n := range Max + 1 {
		rnd.Read(page[:n])
		check(t, page[:n:n])
	}
}

func FuzzTwins(f *testing.F) {
	f.Add([]byte("Host: example.com\r\nUser-Agent: a\tb\x80\r\n"))
	f.Add(bytes.Repeat([]byte("a: b\r\n"), 40))
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src) })
}

func BenchmarkFill(b *testing.B) {
	src := bytes.Repeat([]byte("Accept-Language: de,en;q=0.5\r\n"), 40)
	for _, n := range []int{40, 256, 703, 1024} {
		b.Run(map[bool]string{true: "vector", false: "go"}[Vector], func(b *testing.B) {
			var m Bitmaps
			b.SetBytes(int64(n))
			for range b.N {
				Fill(&m, src[:n])
			}
		})
	}
}
