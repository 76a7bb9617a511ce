//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/purewire/purewire/bench/internal/report"
)

// bar is a promise: subject's processor time is at most factor times peer's.
type bar struct {
	wire, subject, peer string
	factor              float64
}

var bars = []bar{
	{"h2c", "reactor", "nghttpd", 1},
	{"h2c", "reactor-http", "nethttp", 0.4},
	{"h2c", "stdnet-http", "nethttp", 0.4},
	{"h2", "reactor", "nghttpd", 1.2},
}

func median(s []sample, of func(sample) float64) float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = of(s[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func cpuOf(s sample) float64  { return s.cpu }
func rateOf(s sample) float64 { return s.rate }

// spread is half the distance of the extremes, over the median.
func spread(s []sample) float64 {
	lo := slices.MinFunc(s, func(a, b sample) int { return cmpFloat(a.cpu, b.cpu) }).cpu
	hi := slices.MaxFunc(s, func(a, b sample) int { return cmpFloat(a.cpu, b.cpu) }).cpu
	return (hi - lo) / 2 / median(s, cpuOf)
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// report renders the tables; fine is whether all bars hold whose both sides took part.
func (c *config) report(all map[string][]sample, idle map[string]float64) (text string, fine bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "# HTTP/2\n\nMeasured %s on %s, %d cores, %s; %s.\n", time.Now().UTC().Format(time.DateOnly), report.Model(), runtime.NumCPU(), runtime.Version(), versions(c))
	fmt.Fprintf(&b, "%d interleaved rounds of about %v of processor time, a fresh server process each, server on core %d, `h2load -c%d -m%d` on core %d,\n`GET /plaintext`, 13 bytes back.", c.rounds, c.cpuTime, c.serverCPU, c.conns, c.streams, c.loadCPU)
	b.WriteString(" CPU is the server's own processor time, user and system, per answered request: the median over\nthe rounds; ± is half the distance of the extremes.")
	b.WriteString(" h2load may be the first to be saturated, so requests/s is only half of the truth.\n\n")
	fmt.Fprintf(&b, "```\ncd bench && go run ./cmd/h2%s\n```\n", report.Arguments())
	for _, wire := range c.wires {
		if c.rounds == 0 {
			break
		}
		title := "Plain text, prior knowledge"
		if wire == "h2" {
			title = "TLS 1.3 (ECDSA P-256), ALPN h2"
		}
		fmt.Fprintf(&b, "\n## %s\n\n| peer | CPU us/request | ± | requests/s |", title)
		against := []string{}
		for _, p := range []string{"nethttp", "nginx", "nghttpd"} {
			if len(all[wire+"/"+p]) > 0 {
				against = append(against, p)
				fmt.Fprintf(&b, " CPU / %s |", p)
			}
		}
		b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(against)) + "\n")
		for _, p := range c.peers {
			s := all[wire+"/"+p]
			cpu := median(s, cpuOf)
			fmt.Fprintf(&b, "| %s | %.2f | %.0f %% | %.0f |", p, cpu, 100*spread(s), median(s, rateOf))
			for _, q := range against {
				fmt.Fprintf(&b, " %.2f |", cpu/median(all[wire+"/"+q], cpuOf))
			}
			b.WriteByte('\n')
		}
	}
	if len(idle) > 0 {
		fmt.Fprintf(&b, "\n## Memory of %d idle connections, after one request each\n\nBytes of resident memory that a connection adds; with Go's default collector.\n\n| peer |", c.idle)
		for _, wire := range c.wires {
			fmt.Fprintf(&b, " %s |", wire)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(c.wires)) + "\n")
		for _, p := range c.peers {
			fmt.Fprintf(&b, "| %s |", p)
			for _, wire := range c.wires {
				fmt.Fprintf(&b, " %.0f |", idle[wire+"/"+p])
			}
			b.WriteByte('\n')
		}
	}
	fine = true
	b.WriteString("\n## Bars\n\n| what | at most | is | |\n|---|---|---|---|\n")
	for _, k := range bars {
		s, p := all[k.wire+"/"+k.subject], all[k.wire+"/"+k.peer]
		if len(s) == 0 || len(p) == 0 {
			continue
		}
		is, word := median(s, cpuOf)/median(p, cpuOf), "holds"
		if is > k.factor {
			word, fine = "MISSED", false
		}
		fmt.Fprintf(&b, "| %s, %s / %s | %.2f | %.2f | %s |\n", k.wire, k.subject, k.peer, k.factor, is, word)
	}
	if k, ok := idle["h2c/reactor"]; ok {
		word := "holds"
		if k > 4096 {
			word, fine = "MISSED", false
		}
		fmt.Fprintf(&b, "| h2c, reactor, bytes per idle connection | 4096 | %.0f | %s |\n", k, word)
	}
	b.WriteString("\n## Who is who\n\n")
	for _, p := range c.peers {
		fmt.Fprintf(&b, "- %s: %s\n", p, specOf(p).what)
	}
	return b.String(), fine
}

func versions(c *config) string {
	var v []string
	for _, p := range []struct{ name, flag string }{{"h2load", "--version"}, {"nghttpd", "--version"}, {"nginx", "-v"}} {
		if p.name != "h2load" && !slices.Contains(c.peers, p.name) {
			continue
		}
		out, _ := exec.Command(p.name, p.flag).CombinedOutput()
		out, _, _ = bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
		v = append(v, strings.TrimPrefix(string(out), "nginx version: "))
	}
	return strings.Join(v, ", ")
}
