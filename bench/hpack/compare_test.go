package hpack

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/bench/internal/hpackc"
	"github.com/purewire/purewire/codec/hpack"
)

var (
	compareFlag = flag.Bool("compare", false, "measure all peers in interleaved rounds and print tables of medians")
	roundsFlag  = flag.Int("rounds", 201, "rounds of -compare")
	medianAt    = 15
	sliceFlag   = flag.Duration("slice", 500*time.Microsecond, "time of one measurement of -compare")
)

// work is one thing to be measured.
type work struct {
	peer string
	run  func(times int) int
	n    int // what one pass is divided by
	size int // what the last run returned for one pass

	times   int
	samples []float64
}

// measure runs all works in interleaved rounds, forwards and backwards in turn.
func measure(t *testing.T, works []*work) {
	for _, w := range works {
		w.times = 1
		for {
			start := time.Now()
			if w.size = w.run(w.times); w.size < 0 {
				t.Fatalf("%s failed", w.peer)
			}
			if d := time.Since(start); d >= *sliceFlag/2 {
				w.times = max(1, int(float64(w.times)*float64(*sliceFlag)/float64(d)))
				break
			}
			w.times *= 2
		}
	}
	for range *roundsFlag {
		for _, w := range works {
			start := time.Now()
			w.run(w.times)
			w.samples = append(w.samples, float64(time.Since(start).Nanoseconds())/float64(w.times)/float64(w.n))
		}
		slices.Reverse(works)
	}
}

// result returns the median of the samples and the smallest one.
func (w *work) result() (median, least float64) {
	slices.Sort(w.samples)
	return w.samples[len(w.samples)/2], w.samples[0]
}

// table prints one row for each set of works: ns, and how many times as long each peer takes as the first; medians, and the least
// in parentheses.
func table(t *testing.T, title, unit string, rows []string, byRow func(row string) []*work) {
	var b strings.Builder
	for i, row := range rows {
		works := byRow(row)
		order := slices.Clone(works)
		measure(t, works)
		if i == 0 {
			fmt.Fprintf(&b, "\n## %s (%s)\n\n| |", title, unit)
			for _, w := range order {
				fmt.Fprintf(&b, " %s |", w.peer)
			}
			for _, w := range order[1:] {
				fmt.Fprintf(&b, " %s / %s |", w.peer, order[0].peer)
			}
			fmt.Fprintf(&b, "\n|%s\n", strings.Repeat("---|", 2*len(order)))
		}
		fmt.Fprintf(&b, "| %s |", row)
		median, least := order[0].result()
		for _, w := range order {
			m, l := w.result()
			fmt.Fprintf(&b, " %.1f (%.1f) |", m, l)
		}
		for _, w := range order[1:] {
			m, l := w.result()
			fmt.Fprintf(&b, " %.2f (%.2f) |", m/median, l/least)
		}
		b.WriteString("\n")
	}
	fmt.Print(b.String())
}

// TestCompare prints the tables of RESULTS-hpack.md.
func TestCompare(t *testing.T) {
	if !*compareFlag {
		t.Skip("only with -compare")
	}
	for _, what := range []string{"decode", "encode"} {
		table(t, what, "ns per field, tables fresh for every pass", storyNames, func(row string) (works []*work) {
			s := loadStory(t, row)
			for _, p := range peers() {
				f := p.Decode
				if what == "encode" {
					f = p.Encode
				}
				works = append(works, &work{peer: p.Name, run: f(s), n: fieldsOf(s)})
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
		table(t, title, "ns per string", rows, func(row string) (works []*work) {
			text := huffmanText(t, sizes[slices.Index(rows, row)])
			if decode {
				text = hpack.AppendHuffman(nil, text)
			}
			for _, p := range peers() {
				if p.Huffman != nil {
					works = append(works, &work{peer: p.Name, run: p.Huffman(text, decode), n: 1})
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
