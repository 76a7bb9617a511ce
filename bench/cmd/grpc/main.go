//go:build linux

// Command grpc measures gRPC servers side by side: unary calls that send 128 bytes and get them back, 104 of them at a time on 8
// connections, in plain text. h2load sends them: it costs less than any gRPC client, so that the server is what is measured.
// Each server is a process of its own on one core with GOMAXPROCS=1, h2load runs on another, and rounds are interleaved.
// What counts is how many calls a server answers in a second of its own processor time.
//
//	cd bench && go run ./cmd/grpc                            # needs h2load (Debian: nghttp2-client)
//	go run ./cmd/grpc -results RESULTS-grpc.md               # ... and write the table
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/proc"
)

// peers take part. A floor is how many times the calls of the first one a peer must answer in the same processor time.
var peers = []struct {
	name, program, mode, what string
	floor                     float64
}{
	{"grpc-go", "peer-grpcgo", "", "grpc-go v1.85.0, its own server, messages as bytes (no protobuf)", 0},
	{"grpc-go-workers", "peer-grpcgo", "workers", "the same with NumStreamWorkers(1)", 0},
	{"reactor", "peer-rpc", "reactor", "purewire: reactor, package rpc/native", 2},
	{"reactor-http", "peer-rpc", "reactor-http", "purewire: reactor, package rpc, a goroutine for each call", 0},
	{"stdnet", "peer-rpc", "stdnet", "purewire: stdnet, package rpc/native", 2},
	{"stdnet-http", "peer-rpc", "stdnet-http", "purewire: stdnet, package rpc, a goroutine for each call", 0},
}

const (
	conns, streams, size = 8, 13, 128
	trial                = 20000 // calls of the run before: connections are warm, and the number for the real run is found
)

// sample is one round of one server.
type sample struct {
	cpu  float64 // microseconds of the server's processor time per call
	rate float64 // calls per second of the clock
}

type config struct {
	rounds             int
	cpuTime            time.Duration
	serverCPU, loadCPU int
	out, results       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := new(config)
	flag.IntVar(&c.rounds, "rounds", 5, "interleaved rounds")
	flag.DurationVar(&c.cpuTime, "time", time.Second, "processor time that a server should use per round")
	flag.IntVar(&c.serverCPU, "server-cpu", 0, "core of the servers")
	flag.IntVar(&c.loadCPU, "load-cpu", 1, "core of h2load")
	flag.StringVar(&c.out, "out", "out", "directory for programs")
	flag.StringVar(&c.results, "results", "", "file for the table in Markdown")
	flag.Parse()
	if err := c.measure(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

func (c *config) measure(ctx context.Context) (err error) {
	if c.rounds < 1 || c.cpuTime <= 0 {
		return fmt.Errorf("-rounds and -time must be positive")
	}
	if _, err := exec.LookPath("h2load"); err != nil {
		return fmt.Errorf("h2load is not installed (Debian: apt-get install nghttp2-client)")
	}
	if c.out, err = filepath.Abs(c.out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.out, "bin"), 0o755); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(c.out, "bin")+"/", "./cmd/peer-grpcgo", "./cmd/peer-rpc")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the servers (run it in the directory bench): %w", err)
	}
	frame := append([]byte{0, 0, 0, 0, size}, bytes.Repeat([]byte("x"), size)...)
	if err := os.WriteFile(c.frame(), frame, 0o644); err != nil {
		return err
	}
	// Children inherit it; servers bind themselves to their own core.
	if err := proc.Pin(c.loadCPU); err != nil {
		return err
	}
	all := make([][]sample, len(peers))
	for round := range c.rounds {
		for i := range peers {
			// Every second round goes backwards, so that a slow drift of the machine favours nobody.
			if round%2 == 1 {
				i = len(peers) - 1 - i
			}
			s, err := c.once(ctx, peers[i].program, peers[i].mode)
			if err != nil {
				return fmt.Errorf("%s: %w", peers[i].name, err)
			}
			fmt.Fprintf(os.Stderr, "%-16s %9.0f calls/s %7.3f us CPU/call\n", peers[i].name, s.rate, s.cpu)
			all[i] = append(all[i], s)
		}
	}
	text, fine := c.report(all)
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

func (c *config) frame() string { return filepath.Join(c.out, "grpc-frame") }

func (c *config) once(ctx context.Context, program, mode string) (s sample, err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(c.out, "bin", program), "-addr", addr, "-cpu", strconv.Itoa(c.serverCPU), "-mode", mode)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for try := 0; ; try++ {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			_ = nc.Close()
			break
		}
		if try == 500 {
			return s, fmt.Errorf("does not listen: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if s, err = c.load(ctx, cmd.Process.Pid, addr, trial); err != nil {
		return s, err
	}
	n := int(float64(c.cpuTime/time.Microsecond) / s.cpu)
	return c.load(ctx, cmd.Process.Pid, addr, min(max(n, trial), 2_000_000)/conns*conns)
}

var rate = regexp.MustCompile(`finished in [^,]*, ([0-9.]+) req/s`)

// load makes n calls. Each must be answered with 200 and the message: a status other than OK comes without one.
func (c *config) load(ctx context.Context, pid int, addr string, n int) (s sample, err error) {
	before, err := proc.ReadCPU([]int{pid})
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "h2load", "-c"+strconv.Itoa(conns), "-m"+strconv.Itoa(streams), "-n"+strconv.Itoa(n), "-d", c.frame(),
		"-H", "content-type: application/grpc", "-H", "te: trailers", "http://"+addr+"/bench.Echo/Once").CombinedOutput()
	if err != nil {
		return s, fmt.Errorf("h2load: %w: %s", err, out)
	}
	after, err := proc.ReadCPU([]int{pid})
	if err != nil {
		return s, err
	}
	for _, want := range []string{
		fmt.Sprintf("requests: %d total, %d started, %d done, %d succeeded, 0 failed, 0 errored, 0 timeout", n, n, n, n),
		fmt.Sprintf("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx", n),
		fmt.Sprintf("(%d) data", n*(size+5)),
	} {
		if !strings.Contains(string(out), want) {
			return s, fmt.Errorf("h2load does not say %q:\n%s", want, out)
		}
	}
	m := rate.FindStringSubmatch(string(out))
	if m == nil {
		return s, fmt.Errorf("h2load tells no rate:\n%s", out)
	}
	s.rate, _ = strconv.ParseFloat(m[1], 64)
	s.cpu = float64(after.Sub(before).Total) / 1e3 / float64(n)
	return s, nil
}

func median(s []sample, of func(sample) float64) float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = of(s[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
