//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report collects everything a run measured.
type report struct {
	When    time.Time
	Machine string
	Kernel  string
	Go      string
	Nginx   string
	Rounds  int
	Window  string
	Conns   int
	// Load is by scenario, then peer: one sample a round. Idle is by scenario/peer.
	Load map[string]map[string][]sample
	Idle map[string]idleSample
	// Parse is by input, then by parser: nanoseconds of each round.
	Parse map[string]map[string][]float64
	// Failed is by scenario/peer.
	Failed map[string]string
}

func newReport(c *config) *report {
	r := &report{
		When: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), Rounds: c.rounds, Window: c.window.String(), Conns: c.conns,
		Load: map[string]map[string][]sample{}, Idle: map[string]idleSample{},
		Parse: map[string]map[string][]float64{}, Failed: map[string]string{},
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			r.Machine = fmt.Sprintf("%s, %d cores", strings.Trim(line, "\t :"), runtime.NumCPU())
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		release := unix.ByteSliceToString(u.Release[:])
		release, _, _ = strings.Cut(release, "-")
		r.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + release
	}
	if b, err := exec.Command("nginx", "-v").CombinedOutput(); err == nil {
		r.Nginx = strings.TrimSpace(strings.TrimPrefix(string(b), "nginx version: "))
	}
	return r
}

func (r *report) add(scenario, peer string, s sample) {
	m := r.Load[scenario]
	if m == nil {
		m = map[string][]sample{}
		r.Load[scenario] = m
	}
	m[peer] = append(m[peer], s)
}

func (r *report) fail(scenario, peer string, err error) {
	fmt.Fprintf(os.Stderr, "%-10s %-16s FAILED: %v\n", scenario, peer, err)
	r.Failed[scenario+"/"+peer] = err.Error()
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// figures are one peer's medians in one scenario.
type figures struct {
	rate, cpu, user, system, p50, p99 float64 // req/s, then us per request, then us
	spread                            float64 // (max-min)/median of cpu
	perKB                             float64 // ns of CPU per KiB moved
	errors                            int64
}

func summarise(ss []sample) figures {
	var f figures
	var rate, cpu, p50, p99, kb []float64
	var user, system int64
	for _, s := range ss {
		n := float64(s.Requests)
		rate = append(rate, n/s.Seconds)
		cpu = append(cpu, float64(s.ServerCPU)/1e3/n)
		p50, p99 = append(p50, s.P50), append(p99, s.P99)
		kb = append(kb, float64(s.ServerCPU)/(float64(s.Bytes+s.Sent)/1024))
		user, system = user+s.User, system+s.System
		f.errors += s.Errors
	}
	f.rate, f.cpu, f.p50, f.p99, f.perKB = median(rate), median(cpu), median(p50), median(p99), median(kb)
	f.spread = (slices.Max(cpu) - slices.Min(cpu)) / f.cpu
	// The tick-sampled split is pooled over the rounds: it is a count of samples, and more of them are better.
	u := share(user, system)
	f.user, f.system = f.cpu*u, f.cpu*(1-u)
	return f
}

var titles = map[string]string{
	"plaintext": "Plaintext, keep-alive",
	"tfb":       "Plaintext, keep-alive, request with an Accept list",
	"pipeline":  "Plaintext, pipelined",
	"ws128":     "WebSocket, echo of 128 bytes",
	"ws16k":     "WebSocket, echo of 16 KiB",
	"tls":       "Plaintext over TLS 1.3, keep-alive",
	"close":     "Plaintext, Connection: close (a new connection for every request)",
	"download":  "1 MiB download",
	"upload":    "64 KiB upload",
}

func (r *report) markdown(c *config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results\n\nMeasured %s on %s, %s, %s, nginx: %s.\n", r.When.Format("2006-01-02"), r.Machine, r.Kernel, r.Go, r.Nginx)
	fmt.Fprintf(&b, "%d interleaved rounds of %s, %d connections (at most 16 for download and upload), server on one core, generator on another.\n", r.Rounds, r.Window, r.Conns)
	b.WriteString("CPU is the servers' own processor time, user and system, per answered request: the median over the rounds; ± is half the\ndistance of the extremes. The split into user and system is sampled by the timer tick.\n")
	for _, s := range allScenarios {
		m := r.Load[s]
		if len(m) == 0 {
			continue
		}
		title := titles[s]
		if s == "pipeline" {
			title += fmt.Sprintf(" x%d", c.depth)
		}
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		if isWS(s) {
			r.echoTable(&b, c, m)
			continue
		}
		moved := s == "download" || s == "upload"
		unit := ""
		if moved {
			unit = " CPU ns/KiB |"
		}
		fmt.Fprintf(&b, "| peer | requests/s | CPU us/request | ± | user | system |%s CPU / net/http | CPU / nginx | user / nginx | CPU / gnet | req/s / net/http | p50 us | p99 us | errors |\n", unit)
		b.WriteString(strings.Repeat("|---", 13+strings.Count(unit, "|")) + "|\n")
		base := map[string]figures{}
		for _, n := range []string{"nethttp", "nginx", "gnet"} {
			if len(m[n]) > 0 {
				base[n] = summarise(m[n])
			}
		}
		ratio := func(v float64, of string, get func(figures) float64) string {
			d, ok := base[of]
			if !ok || get(d) == 0 {
				return "-"
			}
			return fmt.Sprintf("%.2f", v/get(d))
		}
		cpu := func(f figures) float64 { return f.cpu }
		for _, name := range c.peers {
			if len(m[name]) == 0 {
				continue
			}
			f := summarise(m[name])
			kb := ""
			if moved {
				kb = fmt.Sprintf(" %.1f |", f.perKB)
			}
			fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.0f %% | %.2f | %.2f |%s %s | %s | %s | %s | %s | %.0f | %.0f | %d |\n",
				name, f.rate, f.cpu, 50*f.spread, f.user, f.system, kb,
				ratio(f.cpu, "nethttp", cpu), ratio(f.cpu, "nginx", cpu),
				ratio(f.user, "nginx", func(f figures) float64 { return f.user }), ratio(f.cpu, "gnet", cpu),
				ratio(f.rate, "nethttp", func(f figures) float64 { return f.rate }), f.p50, f.p99, f.errors)
		}
	}
	for _, scenario := range []string{"idle", "idle-tls", "idle-ws"} {
		kind := map[string]string{"idle": "keep-alive connections", "idle-tls": "keep-alive connections over TLS 1.3", "idle-ws": "WebSocket connections"}[scenario]
		head := false
		for _, name := range c.peers {
			s, ok := r.Idle[scenario+"/"+name]
			if !ok {
				continue
			}
			if !head {
				head = true
				fmt.Fprintf(&b, "\n## Memory of %d idle %s, after one request each\n\n| peer | bytes of RSS per connection | RSS before | RSS after |\n|---|---|---|---|\n", c.idleConns, kind)
			}
			fmt.Fprintf(&b, "| %s | %.0f | %.1f MB | %.1f MB |\n", name, s.PerConn, float64(s.Before)/1e6, float64(s.After)/1e6)
		}
	}
	r.parseTables(&b)
	b.WriteString("\n## Who is who\n\n")
	for _, p := range specs {
		if slices.Contains(c.peers, p.name) {
			fmt.Fprintf(&b, "- %s: %s\n", p.name, p.what)
		}
	}
	if len(r.Failed) > 0 {
		b.WriteString("\n## Failed\n\n")
		keys := make([]string, 0, len(r.Failed))
		for k := range r.Failed {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(&b, "- %s: %s\n", k, strings.ReplaceAll(r.Failed[k], c.out, "out"))
		}
	}
	return b.String()
}

// write stores the report and prints its summary. A run with a failure is an error, but only after everything is stored.
func (r *report) write(c *config) error {
	j, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.out, "results.json"), j, 0o644); err != nil {
		return err
	}
	md := r.markdown(c)
	if err := os.WriteFile(filepath.Join(c.out, "results.md"), []byte(md), 0o644); err != nil {
		return err
	}
	if c.results != "" {
		if err := os.WriteFile(c.results, []byte(md), 0o644); err != nil {
			return err
		}
	}
	fmt.Print(md)
	if len(r.Failed) > 0 {
		return fmt.Errorf("%d measurements failed", len(r.Failed))
	}
	return nil
}

// echoTable is the table of a WebSocket scenario.
func (r *report) echoTable(b *strings.Builder, c *config, m map[string][]sample) {
	fmt.Fprintf(b, "%d connections, each with one message under way.\n\n", c.wsConns)
	b.WriteString("| peer | messages/s | CPU us/message | ± | user | system | CPU / bare | CPU / gobwas | p50 us | p99 us | errors |\n")
	b.WriteString(strings.Repeat("|---", 11) + "|\n")
	ratio := func(f figures, of string) string {
		if len(m[of]) == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", f.cpu/summarise(m[of]).cpu)
	}
	for _, name := range c.peers {
		if len(m[name]) == 0 {
			continue
		}
		f := summarise(m[name])
		fmt.Fprintf(b, "| %s | %.0f | %.2f | %.0f %% | %.2f | %.2f | %s | %s | %.0f | %.0f | %d |\n", name, f.rate, f.cpu, 50*f.spread,
			f.user, f.system, ratio(f, "ws-bare"), ratio(f, "ws-gobwas"), f.p50, f.p99, f.errors)
	}
}
