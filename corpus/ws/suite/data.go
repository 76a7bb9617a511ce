package suite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// stream is data to make messages of: any window of it, in characters for texts, and it goes round.
type stream struct {
	text  []rune
	bytes []byte
}

// data are the streams by name. Those for deflate differ in how well they compress and in what they are made of.
var data = map[string]func() *stream{
	"stars":  sync.OnceValue(func() *stream { return &stream{text: []rune(strings.Repeat("*", 4096))} }),
	"fe":     sync.OnceValue(func() *stream { return &stream{bytes: []byte(strings.Repeat("\xfe", 4096))} }),
	"json":   sync.OnceValue(func() *stream { return &stream{text: []rune(jsonText(200_000))} }),
	"markup": sync.OnceValue(func() *stream { return &stream{text: []rune(markup(260_000))} }),
	"prose":  sync.OnceValue(func() *stream { return &stream{bytes: []byte(prose(220_000))} }),
	"image":  sync.OnceValue(func() *stream { return &stream{bytes: image(512)} }),
	"packed": sync.OnceValue(func() *stream { return &stream{bytes: packed(1_000_000)} }),
}

// window appends size characters from position at, and returns the position behind them.
func (s *stream) window(dst []byte, at, size int) ([]byte, int) {
	for ; size > 0; at = 0 {
		if s.bytes != nil {
			part := s.bytes[at:min(at+size, len(s.bytes))]
			dst, size = append(dst, part...), size-len(part)
			if at += len(part); at < len(s.bytes) {
				break
			}
			continue
		}
		part := s.text[at:min(at+size, len(s.text))]
		dst, size = append(dst, string(part)...), size-len(part)
		if at += len(part); at < len(s.text) {
			break
		}
	}
	if s.bytes != nil {
		return dst, at % len(s.bytes)
	}
	return dst, at % len(s.text)
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 6455)) }

var syllables = strings.Fields("an bel cor da el fin gra ho in jo ka lum mar nor ol pre qui ras sto tan ul ver wen xa yo zim äl öst ün éta ñu ж 水")

func word(r *rand.Rand) string {
	w := ""
	for range 1 + r.IntN(4) {
		w += syllables[min(r.IntN(len(syllables)), r.IntN(len(syllables)))]
	}
	return w
}

// jsonText is a list of records, about n bytes of it.
func jsonText(n int) string {
	r := random(1)
	var b strings.Builder
	b.WriteString("[")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "\n  {\"id\": %d, \"name\": %q, \"active\": %v, \"balance\": %d.%02d, \"tags\": [%q, %q], \"note\": %q},",
			i, word(r)+" "+word(r), r.IntN(3) > 0, r.IntN(9000), r.IntN(100), word(r), word(r), word(r)+" "+word(r)+" "+word(r))
	}
	return b.String() + " null]\n"
}

// markup is a page, about n bytes of it.
func markup(n int) string {
	r := random(2)
	var b strings.Builder
	b.WriteString("<!doctype html><title>page</title>\n")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "<div class=\"row %s\" id=\"r%d\"><a href=\"/%s/%s?p=%d\">%s</a><p>", []string{"odd", "even"}[i%2], i, word(r), word(r), r.IntN(500), word(r))
		for range 3 + r.IntN(30) {
			b.WriteString(word(r) + " ")
		}
		b.WriteString("</p></div>\n")
	}
	return b.String()
}

// prose is sentences, about n bytes of them.
func prose(n int) string {
	r := random(3)
	var b strings.Builder
	for b.Len() < n {
		for range 4 + r.IntN(12) {
			b.WriteString(word(r) + " ")
		}
		b.WriteString([]string{".\n", ",\n", "!\n\n", "; "}[r.IntN(4)])
	}
	return b.String()
}

// image is a grey picture with soft shades and some noise, side by side.
func image(side int) []byte {
	r := random(4)
	b := make([]byte, 0, side*side)
	for y := range side {
		for x := range side {
			b = append(b, byte((x*x/700+y*y/500+x*y/900)/4+r.IntN(9)))
		}
	}
	return b
}

// packed is what cannot be compressed, with a little structure between.
func packed(n int) []byte {
	r := random(5)
	b := make([]byte, 0, n+200)
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%d 0 obj << /Length %d >> stream\n", i, 4000)
		for range 500 {
			x := r.Uint64()
			b = append(b, byte(x), byte(x>>8), byte(x>>16), byte(x>>24), byte(x>>32), byte(x>>40), byte(x>>48), byte(x>>56))
		}
		b = append(b, "\nendstream endobj\n"...)
	}
	return b
}
