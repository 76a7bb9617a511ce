// Package rounds measures peers side by side: in many short interleaved rounds, forwards and backwards in turn, so that what else the
// machine does befalls all of them alike. It prints tables of medians.
package rounds

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Compare tells whether the tables are asked for.
var Compare = flag.Bool("compare", false, "measure all peers in interleaved rounds and print tables of medians")

var (
	roundsFlag = flag.Int("rounds", 201, "rounds of -compare")
	sliceFlag  = flag.Duration("slice", 500*time.Microsecond, "time of one measurement of -compare")
)

// Work is one thing to be measured.
type Work struct {
	// Peer is its name, the title of its column.
	Peer string
	// Run makes so many passes; a negative result is a failure.
	Run func(times int) int
	// N is what the time of one pass is divided by.
	N int

	times   int
	samples []float64
}

// measure runs all works in interleaved rounds, forwards and backwards in turn.
func measure(t *testing.T, works []*Work) {
	for _, w := range works {
		w.times = 1
		for {
			d := time.Duration(1 << 62)
			for range 3 { // the least of them: who is interrupted while this is found out would make too few passes ever after
				start := time.Now()
				if w.Run(w.times) < 0 {
					t.Fatalf("%s failed", w.Peer)
				}
				d = min(d, time.Since(start))
			}
			if d >= *sliceFlag/2 {
				w.times = max(1, int(float64(w.times)*float64(*sliceFlag)/float64(d)))
				break
			}
			w.times *= 2
		}
	}
	for range *roundsFlag {
		for _, w := range works {
			start := time.Now()
			w.Run(w.times)
			w.samples = append(w.samples, float64(time.Since(start).Nanoseconds())/float64(w.times)/float64(w.N))
		}
		slices.Reverse(works)
	}
}

// result returns the median of the samples and the smallest one.
func (w *Work) result() (median, least float64) {
	slices.Sort(w.samples)
	return w.samples[len(w.samples)/2], w.samples[0]
}

// Table prints one row for each set of works: ns, and how many times as long each peer takes as the first; medians, and the least
// in parentheses.
func Table(t *testing.T, title, unit string, rows []string, byRow func(row string) []*Work) {
	var b strings.Builder
	for i, row := range rows {
		works := byRow(row)
		order := slices.Clone(works)
		measure(t, works)
		if i == 0 {
			fmt.Fprintf(&b, "\n## %s (%s)\n\n| |", title, unit)
			for _, w := range order {
				fmt.Fprintf(&b, " %s |", w.Peer)
			}
			for _, w := range order[1:] {
				fmt.Fprintf(&b, " %s / %s |", w.Peer, order[0].Peer)
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
