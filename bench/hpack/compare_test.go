package hpack

import (
	"fmt"
	"slices"
	"testing"

	"github.com/purewire/purewire/bench/internal/hpackc"
	"github.com/purewire/purewire/bench/internal/rounds"
	"github.com/purewire/purewire/codec/hpack"
)

// TestCompare prints the tables of RESULTS-hpack.md.
func TestCompare(t *testing.T) {
	if !*rounds.Compare {
		t.Skip("only with -compare")
	}
	for _, what := range []string{"decode", "encode"} {
		rounds.Table(t, what, "ns per field, tables fresh for every pass", storyNames, func(row string) (works []*rounds.Work) {
			s := loadStory(t, row)
			for _, p := range peers() {
				f := p.Decode
				if what == "encode" {
					f = p.Encode
				}
				works = append(works, &rounds.Work{Peer: p.Name, Run: f(s), N: fieldsOf(s)})
			}
			return works
		})
	}
	sizes := []int{16, 64, 256, 4096, 65536}
	var rows []string
	for _, n := range sizes {
		rows = append(rows, fmt.Sprintf("%d octets", n))
	}
	for _, decode := range []bool{true, false} {
		title := "Huffman encode"
		if decode {
			title = "Huffman decode"
		}
		rounds.Table(t, title, "ns per string", rows, func(row string) (works []*rounds.Work) {
			text := huffmanText(t, sizes[slices.Index(rows, row)])
			if decode {
				text = hpack.AppendHuffman(nil, text)
			}
			for _, p := range peers() {
				if p.Huffman != nil {
					works = append(works, &rounds.Work{Peer: p.Name, Run: p.Huffman(text, decode), N: 1})
				}
			}
			return works
		})
	}
}

// TestPeersAgree shows that what is measured does what it should.
func TestPeersAgree(t *testing.T) {
	for _, name := range storyNames {
		s := loadStory(t, name)
		for _, p := range peers() {
			if n := p.Decode(s)(2); n != 2*fieldsOf(s) {
				t.Errorf("%s decodes %d fields of %s, not %d", p.Name, n, name, 2*fieldsOf(s))
			}
			n := p.Encode(s)(1)
			if n <= 0 {
				t.Errorf("%s does not encode %s", p.Name, name)
			}
			t.Logf("%s %s: %d octets", name, p.Name, n)
		}
	}
	text := huffmanText(t, 4096)
	wire := hpack.AppendHuffman(nil, text)
	for _, p := range peers() {
		if p.Huffman == nil {
			continue
		}
		if n := p.Huffman(text, false)(1); n != len(wire) {
			t.Errorf("%s: %d octets, not %d", p.Name, n, len(wire))
		}
		if n := p.Huffman(wire, true)(1); n != len(text) {
			t.Errorf("%s: %d octets, not %d", p.Name, n, len(text))
		}
	}
}

func bench(b *testing.B, pick func(p hpackc.Peer) func(*hpackc.Story) func(int) int) {
	for _, name := range storyNames {
		for _, p := range peers() {
			b.Run(name+"/"+p.Name, func(b *testing.B) {
				s := loadStory(b, name)
				run := pick(p)(s)
				run(1)
				b.ReportAllocs()
				b.ResetTimer()
				run(b.N)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(fieldsOf(s)), "ns/field")
			})
		}
	}
}

// BenchmarkDecode decodes a story once for each operation.
func BenchmarkDecode(b *testing.B) {
	bench(b, func(p hpackc.Peer) func(*hpackc.Story) func(int) int { return p.Decode })
}

// BenchmarkEncode encodes a story once for each operation.
func BenchmarkEncode(b *testing.B) {
	bench(b, func(p hpackc.Peer) func(*hpackc.Story) func(int) int { return p.Encode })
}

// BenchmarkHuffman encodes and decodes strings.
func BenchmarkHuffman(b *testing.B) {
	for _, n := range []int{16, 64, 256, 4096, 65536} {
		for _, decode := range []bool{true, false} {
			what := "encode"
			text := huffmanText(b, n)
			if decode {
				what, text = "decode", hpack.AppendHuffman(nil, text)
			}
			for _, p := range peers() {
				if p.Huffman == nil {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/%s", what, n, p.Name), func(b *testing.B) {
					run := p.Huffman(text, decode)
					run(1)
					b.ReportAllocs()
					b.SetBytes(int64(n))
					b.ResetTimer()
					run(b.N)
				})
			}
		}
	}
}
