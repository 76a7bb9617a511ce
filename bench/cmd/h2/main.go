//go:build linux

// Command h2 measures HTTP/2 servers side by side with h2load: GET /plaintext over a few connections with many streams each, in
// plain text (prior knowledge) and over TLS 1.3. Each server is a process of its own on one core, h2load runs on another,
// and rounds are interleaved. What counts is the server's processor time per answered request.
//
//	cd bench && go run ./cmd/h2                    # needs h2load, nghttpd and nginx (Debian: nghttp2 and nginx-light)
//	go run ./cmd/h2 -results RESULTS-h2.md         # ... and write the tables
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/cert"
	"github.com/purewire/purewire/bench/internal/proc"
)

type config struct {
	rounds, conns, streams int
	cpuTime                time.Duration
	serverCPU, loadCPU     int
	wires, peers           []string
	idle                   int
	out, results           string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "h2:", err)
		os.Exit(1)
	}
}

func parse() (*config, error) {
	c := new(config)
	var wires, peers string
	flag.IntVar(&c.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&c.conns, "c", 8, "connections of h2load")
	flag.IntVar(&c.streams, "m", 32, "concurrent streams per connection")
	flag.DurationVar(&c.cpuTime, "time", time.Second, "processor time that a server should use per round: how many requests that takes is found by a shorter run before")
	flag.IntVar(&c.idle, "idle", 0, "also measure the memory of that many idle connections, after one request each")
	flag.IntVar(&c.serverCPU, "server-cpu", 0, "core of the servers")
	flag.IntVar(&c.loadCPU, "load-cpu", 1, "core of h2load")
	flag.StringVar(&wires, "wires", "h2c,h2", "h2c: plain text with prior knowledge; h2: TLS 1.3")
	flag.StringVar(&peers, "peers", strings.Join(names(), ","), "servers that take part")
	flag.StringVar(&c.out, "out", "out", "directory for programs and configurations")
	flag.StringVar(&c.results, "results", "", "file for the tables in Markdown")
	flag.Parse()
	c.wires, c.peers = strings.Split(wires, ","), strings.Split(peers, ",")
	for _, w := range c.wires {
		if w != "h2c" && w != "h2" {
			return nil, fmt.Errorf("-wires %s: there are h2c and h2", w)
		}
	}
	for _, p := range c.peers {
		if !slices.Contains(names(), p) {
			return nil, fmt.Errorf("-peers %s: there are %s", p, strings.Join(names(), ", "))
		}
	}
	if c.rounds < 0 || c.idle < 0 || c.rounds == 0 && c.idle == 0 || c.conns < 1 || c.streams < 1 || c.cpuTime <= 0 {
		return nil, fmt.Errorf("-c, -m, -time, and one of -rounds and -idle must be positive")
	}
	var err error
	c.out, err = filepath.Abs(c.out)
	return c, err
}

func measure(ctx context.Context) error {
	c, err := parse()
	if err != nil {
		return err
	}
	// Whoever is missing, nothing is measured: a table without its peers is not worth having.
	if err := c.present(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.out, "bin"), 0o755); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(c.out, "bin")+"/", "./cmd/peer-nethttp", "./cmd/peer-purewire", "./cmd/idle")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the servers (run it in the directory bench): %w", err)
	}
	if err := cert.Write(c.out); err != nil {
		return err
	}
	// Children inherit it; servers bind themselves to their own core.
	if err := proc.RaiseFiles(); err != nil {
		return err
	}
	if err := proc.Pin(c.loadCPU); err != nil {
		return err
	}
	all := map[string][]sample{}
	for round := range c.rounds {
		for _, wire := range c.wires {
			for i := range c.peers {
				// Every second round goes backwards, so that a slow drift of the machine favours nobody.
				name := c.peers[i]
				if round%2 == 1 {
					name = c.peers[len(c.peers)-1-i]
				}
				s, err := c.once(ctx, name, wire)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", wire, name, err)
				}
				fmt.Fprintf(os.Stderr, "%-4s %-14s %9.0f req/s %7.3f us CPU/req\n", wire, name, s.rate, s.cpu)
				all[wire+"/"+name] = append(all[wire+"/"+name], s)
			}
		}
	}
	idle := map[string]float64{}
	for _, wire := range c.wires {
		for _, name := range c.peers {
			if c.idle == 0 {
				break
			}
			k, err := c.memory(ctx, name, wire)
			if err != nil {
				return fmt.Errorf("%s, %s, idle: %w", wire, name, err)
			}
			fmt.Fprintf(os.Stderr, "%-4s %-14s %9.0f bytes/connection\n", wire, name, k)
			idle[wire+"/"+name] = k
		}
	}
	text, fine := c.report(all, idle)
	fmt.Print(text)
	if c.results != "" {
		if err := os.WriteFile(c.results, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if !fine {
		return fmt.Errorf("a bar is missed")
	}
	return nil
}
