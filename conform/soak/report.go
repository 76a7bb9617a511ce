package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// growth is how much the median of memory in the last third may exceed the one of the second third: by a factor, and
	// by bytes for what the collector and the kernel do at times of their own.
	growth      = 1.2
	growthBytes = 4 << 20
	// spare is how many goroutines more than an idle server's may be left: pooled workers that wait for the next use.
	spare = 16
)

// report is what one driver did.
type report struct {
	driver                     string
	length                     time.Duration
	first, last                sample
	samples                    []sample
	goroutines, idleGoroutines int
	said                       string

	requests, wrong int64
	latencies       []time.Duration
	kinds           []*kind
	faults          []string
}

func (r *report) fault(format string, a ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, a...))
}

// take copies the figures of the clients, which have ended.
func (r *report) take(h *honest, a *attack) {
	r.requests, r.wrong, r.latencies, r.kinds = h.right.Load(), h.wrong, h.latencies, a.kinds
	for _, e := range h.errors {
		r.fault("honest client: %s", e)
	}
	if r.wrong > int64(len(h.errors)) {
		r.fault("honest clients: %d wrong in all", r.wrong)
	}
	for _, k := range a.kinds {
		for _, e := range k.errors {
			r.fault("%s: %s", k.name, e)
		}
		if k.wrong > int64(len(k.errors)) {
			r.fault("%s: %d wrong in all", k.name, k.wrong)
		}
	}
}

// third returns the median memory of the i-th third of the samples, in bytes.
func (r *report) third(i int) int64 {
	n := len(r.samples)
	var rss []int64
	for _, s := range r.samples[i*n/3 : (i+1)*n/3] {
		rss = append(rss, s.rss)
	}
	if len(rss) == 0 {
		return 0
	}
	slices.Sort(rss)
	return rss[len(rss)/2]
}

// judge looks for what must not be in the figures.
func (r *report) judge() {
	if r.requests == 0 {
		r.fault("no honest request was answered")
	}
	for _, k := range r.kinds {
		if k.episodes == 0 {
			r.fault("%s: did not attack", k.name)
		}
	}
	switch second, last := r.third(1), r.third(2); {
	case second == 0:
		r.fault("too few samples: %d", len(r.samples))
	case float64(last) > growth*float64(second)+growthBytes:
		r.fault("memory grows: median %s in the second third, %s in the last", mib(second), mib(last))
	}
	if r.last.fds > r.first.fds {
		r.fault("%d descriptors at the start, %d at the end", r.first.fds, r.last.fds)
	}
	if r.goroutines > r.idleGoroutines+spare {
		r.fault("%d goroutines in an idle server, %d at the end", r.idleGoroutines, r.goroutines)
	}
	// The last lines are the goroutines that the program asked for.
	said, _, _ := strings.Cut(r.said, "SIGQUIT:")
	if strings.TrimSpace(said) != "" {
		r.fault("the server complains: %.2000s", said)
	}
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// String is the report as it is printed.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n== %s, %v\n", r.driver, r.length)
	fmt.Fprintf(&b, "  %-16s %9s %12s %12s  %s\n", "attack", "episodes", "sent", "received", "first answers")
	for _, k := range r.kinds {
		var answers []string
		for _, s := range slices.Sorted(maps.Keys(k.answers)) {
			answers = append(answers, fmt.Sprintf("%s %d", s, k.answers[s]))
		}
		fmt.Fprintf(&b, "  %-16s %9d %12s %12s  %s\n", k.name, k.episodes, mib(k.sent), mib(k.received), strings.Join(answers, ", "))
	}
	fmt.Fprintf(&b, "  honest requests  %d right, %d wrong", r.requests, r.wrong)
	if n := len(r.latencies); n > 0 {
		slices.Sort(r.latencies)
		at := func(share float64) time.Duration {
			return r.latencies[int(share*float64(n-1))].Round(10 * time.Microsecond)
		}
		fmt.Fprintf(&b, "; small ones took %v (median), %v (99 %%), %v (longest)", at(.5), at(.99), at(1))
	}
	var top sample
	for _, s := range r.samples {
		top.rss, top.fds, top.threads = max(top.rss, s.rss), max(top.fds, s.fds), max(top.threads, s.threads)
	}
	fmt.Fprintf(&b, "\n  memory           %s at the start, medians of the thirds %s, %s, %s, highest %s, %s at the end\n",
		mib(r.first.rss), mib(r.third(0)), mib(r.third(1)), mib(r.third(2)), mib(top.rss), mib(r.last.rss))
	fmt.Fprintf(&b, "  descriptors      %d at the start, %d at most, %d at the end\n", r.first.fds, top.fds, r.last.fds)
	fmt.Fprintf(&b, "  threads          %d at the start, %d at most, %d at the end\n", r.first.threads, top.threads, r.last.threads)
	fmt.Fprintf(&b, "  goroutines       %d in an idle server, %d at the end\n", r.idleGoroutines, r.goroutines)
	fmt.Fprintf(&b, "  CPU time         %v\n", r.last.cpu-r.first.cpu)
	for _, f := range r.faults {
		fmt.Fprintf(&b, "  FAULT %s\n", f)
	}
	return b.String()
}
