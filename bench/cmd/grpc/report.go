//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/purewire/purewire/bench/internal/report"
)

// report renders the table; fine is whether all bars hold.
func (c *config) report(all [][]sample) (text string, fine bool) {
	cpu := func(s sample) float64 { return s.cpu }
	var b strings.Builder
	fmt.Fprintf(&b, "# gRPC\n\nMeasured %s on %s, %d cores, %s, %s. Unary calls of package bench.Echo, %d bytes there and back, in plain text.\n",
		time.Now().UTC().Format(time.DateOnly), report.Model(), runtime.NumCPU(), runtime.Version(), version(), size)
	fmt.Fprintf(&b, "%d interleaved rounds of about %v of processor time, a fresh server process each with GOMAXPROCS=1 on core %d;\n`h2load -c%d -m%d`, which is %d calls at a time, on core %d.",
		c.rounds, c.cpuTime, c.serverCPU, conns, streams, conns*streams, c.loadCPU)
	b.WriteString(" CPU is the server's own processor time, user and system: the median over the rounds;\n± is half the distance of the extremes. h2load may be the first to be saturated, so calls/s of the clock is only half of the truth.\n\n")
	b.WriteString("```\ncd bench && go run ./cmd/grpc" + report.Arguments() + "\n```\n\n")
	b.WriteString("| server | CPU us/call | ± | calls per CPU second | times grpc-go | calls/s of the clock |\n|---|---|---|---|---|---|\n")
	first := median(all[0], cpu)
	for i, p := range peers {
		lo, hi := all[i][0].cpu, all[i][0].cpu
		for _, s := range all[i] {
			lo, hi = min(lo, s.cpu), max(hi, s.cpu)
		}
		m := median(all[i], cpu)
		fmt.Fprintf(&b, "| %s | %.2f | %.0f %% | %.0f | %.2f | %.0f |\n", p.name, m, 50*(hi-lo)/m, 1e6/m, first/m, median(all[i], func(s sample) float64 { return s.rate }))
	}
	fine = true
	b.WriteString("\n## Bars\n\n| calls per CPU second | at least | is | |\n|---|---|---|---|\n")
	for i, p := range peers {
		if p.floor == 0 {
			continue
		}
		is, word := first/median(all[i], cpu), "holds"
		if is < p.floor {
			word, fine = "MISSED", false
		}
		fmt.Fprintf(&b, "| %s / grpc-go | %.1f | %.2f | %s |\n", p.name, p.floor, is, word)
	}
	b.WriteString("\n## Who is who\n\n")
	for _, p := range peers {
		fmt.Fprintf(&b, "- %s: %s\n", p.name, p.what)
	}
	return b.String(), fine
}

func version() string {
	out, _ := exec.Command("h2load", "--version").Output()
	return strings.TrimSpace(string(out))
}
