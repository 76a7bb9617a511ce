// Command median reads the output of "go test -bench -count N" and writes Markdown tables of the medians: one table for a
// benchmark, a line for an input, a column for an implementation (the last part of the benchmark's name). A cell has
// ns/op and, where the benchmark sets bytes, GB/s. With -best it is the best of the N instead: what is left of a run on a
// machine that others load at the same time.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type cell struct{ ns, gb []float64 }

var (
	suffix = regexp.MustCompile(`-\d+$`)
	cells  = map[[3]string]*cell{}
	order  [3][]string
)

func add(name string, fields []string) {
	parts := strings.Split(strings.TrimPrefix(suffix.ReplaceAllString(name, ""), "Benchmark"), "/")
	if len(parts) < 2 {
		return
	}
	at := [3]string{parts[0], strings.Join(parts[1:len(parts)-1], "/"), parts[len(parts)-1]}
	c := cells[at]
	if c == nil {
		c = &cell{}
		cells[at] = c
		for i, s := range at {
			if !slices.Contains(order[i], s) {
				order[i] = append(order[i], s)
			}
		}
	}
	for i := 1; i < len(fields); i++ {
		x, err := strconv.ParseFloat(fields[i-1], 64)
		switch {
		case err != nil:
		case fields[i] == "ns/op":
			c.ns = append(c.ns, x)
		case fields[i] == "MB/s":
			c.gb = append(c.gb, x/1000)
		}
	}
}

var best = flag.Bool("best", false, "the best in place of the median")

// typical is the median of x, or the best: its first if less is better, otherwise its last.
func typical(x []float64, less bool) float64 {
	slices.Sort(x)
	switch {
	case *best && less:
		return x[0]
	case *best:
		return x[len(x)-1]
	}
	return x[len(x)/2]
}

func main() {
	flag.Parse()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if f := strings.Fields(in.Text()); len(f) > 3 && strings.HasPrefix(f[0], "Benchmark") {
			add(f[0], f[1:])
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, bench := range order[0] {
		var columns []string
		for _, c := range order[2] {
			if slices.ContainsFunc(order[1], func(row string) bool { return cells[[3]string{bench, row, c}] != nil }) {
				columns = append(columns, c)
			}
		}
		fmt.Printf("\n### %s\n\n| input | %s |\n|---%s|\n", bench, strings.Join(columns, " | "), strings.Repeat("|---", len(columns)))
		for _, row := range order[1] {
			line, any := "| "+row+" |", false
			for _, col := range columns {
				c := cells[[3]string{bench, row, col}]
				switch {
				case c == nil || len(c.ns) == 0:
					line += " |"
				case len(c.gb) == 0:
					line, any = line+fmt.Sprintf(" %.4g |", typical(c.ns, true)), true
				default:
					line, any = line+fmt.Sprintf(" %.3g (%.3g) |", typical(c.ns, true), typical(c.gb, false)), true
				}
			}
			if any {
				fmt.Println(line)
			}
		}
	}
}
