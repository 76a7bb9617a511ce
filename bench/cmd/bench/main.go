//go:build linux

// Command bench runs every peer of the benchmark side by side: it builds the servers, binds them to one core and the
// generator to another, runs the scenarios in interleaved rounds (A B C ... A B C ...), and writes medians and ratios as
// Markdown and JSON.
//
//	go run ./cmd/bench                              everything, about a quarter of an hour
//	go run ./cmd/bench -quick                       one short round: does it work at all?
//	go run ./cmd/bench -scenarios plaintext,close -peers nethttp,nginx,reactor -rounds 9
//
// It uses the loopback interface only, and stops every process it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/cert"
	"github.com/purewire/purewire/bench/internal/proc"
)

// config is the command line.
type config struct {
	out       string
	results   string
	rounds    int
	window    time.Duration
	warm      time.Duration
	conns     int
	wsConns   int
	depth     int
	serverCPU int
	loadCPU   int
	idleConns int
	settle    time.Duration
	pico      string
	httparse  bool
	scenarios []string
	peers     []string
}

// scenarios in the order they run. "idle", "idle-tls", "idle-ws" and "parse" are measured by other means.
var allScenarios = []string{"plaintext", "tfb", "pipeline", "close", "download", "upload", "tls", "ws128", "ws16k", "idle", "idle-tls", "idle-ws", "parse"}

func main() {
	runtime.LockOSThread() // children die with the thread that started them: see spawn
	var c config
	var scenarios, peers string
	quick := flag.Bool("quick", false, "one round of half a second each: a test of the harness, no measurement")
	flag.StringVar(&c.out, "out", "out", "directory for binaries, configurations, and raw results")
	flag.StringVar(&c.results, "results", "", "also write the Markdown summary to this file")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds; medians are taken over them")
	flag.DurationVar(&c.window, "time", 2*time.Second, "length of one measurement")
	flag.DurationVar(&c.warm, "warm", 300*time.Millisecond, "time before each measurement")
	flag.IntVar(&c.conns, "conns", 64, "connections (16 for download and upload)")
	flag.IntVar(&c.wsConns, "ws-conns", 500, "connections of the WebSocket scenarios")
	flag.IntVar(&c.depth, "depth", 16, "requests in one batch of scenario pipeline")
	flag.IntVar(&c.serverCPU, "server-cpu", 0, "core of the servers")
	flag.IntVar(&c.loadCPU, "load-cpu", 1, "core of the generator")
	flag.IntVar(&c.idleConns, "idle-conns", 10000, "connections of scenario idle")
	flag.DurationVar(&c.settle, "settle", 3*time.Second, "rest before memory is read in scenario idle")
	flag.StringVar(&scenarios, "scenarios", strings.Join(allScenarios, ","), "what to run")
	flag.StringVar(&peers, "peers", strings.Join(defaultPeers(), ","), "whom to run; also hyper, which needs cargo")
	flag.StringVar(&c.pico, "pico", "", "in scenario parse, picohttpparser too: a directory with its sources, or \"clone\"")
	flag.BoolVar(&c.httparse, "httparse", false, "in scenario parse, Rust's httparse too (needs cargo)")
	flag.Parse()
	if *quick {
		given := map[string]bool{}
		flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range map[string]string{"rounds": "1", "time": "500ms", "warm": "100ms", "settle": "1s"} {
			if !given[name] {
				flag.Set(name, value)
			}
		}
	}
	c.scenarios, c.peers = strings.Split(scenarios, ","), strings.Split(peers, ",")
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (c *config) run() error {
	for _, s := range c.scenarios {
		if !slices.Contains(allScenarios, s) {
			return fmt.Errorf("no scenario %q; there are %s", s, strings.Join(allScenarios, ", "))
		}
	}
	for _, p := range c.peers {
		if !slices.Contains(peerNames(), p) {
			return fmt.Errorf("no peer %q; there are %s", p, strings.Join(peerNames(), ", "))
		}
	}
	if runtime.NumCPU() <= max(c.serverCPU, c.loadCPU) {
		return fmt.Errorf("server and generator need a core each: -server-cpu %d -load-cpu %d, but there are %d cores", c.serverCPU, c.loadCPU, runtime.NumCPU())
	}
	var err error
	if c.out, err = filepath.Abs(c.out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.out, "bin"), 0o755); err != nil {
		return err
	}
	most := c.estimate()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, 2*most+2*time.Minute, errors.New("took more than twice the time it should"))
	defer cancel()
	if err := cert.Write(c.out); err != nil {
		return err
	}
	if err := c.build(ctx); err != nil {
		return err
	}
	// The harness itself stays off the servers' core.
	if err := proc.Pin(c.loadCPU); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: about %v\n", most.Round(time.Second))
	rep := newReport(c)
	for _, s := range c.scenarios {
		var err error
		switch s {
		case "idle", "idle-tls", "idle-ws":
			err = c.idle(ctx, rep, s)
		case "parse":
			err = c.parsing(ctx, rep)
		default:
			err = c.load(ctx, rep, s)
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return rep.write(c)
}

// estimate returns about how long the run takes.
func (c *config) estimate() time.Duration {
	var d time.Duration
	for _, s := range c.scenarios {
		switch s {
		case "idle", "idle-tls", "idle-ws":
			d += time.Duration(len(c.peers)) * (2*c.settle + 2*time.Second)
		case "parse":
			d += 2 * time.Minute
		default:
			d += time.Duration(c.rounds*len(c.peers)) * (c.window + c.warm + 300*time.Millisecond)
		}
	}
	return d
}
