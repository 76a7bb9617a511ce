//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/purewire/purewire/bench/internal/proc"
)

// sample is one round of one server.
type sample struct {
	cpu  float64 // microseconds of the server's processor time per request
	rate float64 // requests per second
}

// trial is how many requests the run before takes: connections are warm, and the number for the real run is found.
const trial = 20000

func (c *config) once(ctx context.Context, name, wire string) (sample, error) {
	srv, err := c.start(ctx, name, wire)
	if err != nil {
		return sample{}, err
	}
	defer srv.stop()
	s, err := c.load(ctx, srv, wire, trial)
	if err != nil {
		return s, err
	}
	n := int(float64(c.cpuTime/time.Microsecond) / s.cpu)
	n = min(max(n, trial), 2000000) / c.conns * c.conns
	return c.load(ctx, srv, wire, n)
}

var rate = regexp.MustCompile(`finished in [^,]*, ([0-9.]+) req/s`)

// load has h2load send n requests, each of which must be answered with 200.
func (c *config) load(ctx context.Context, srv *server, wire string, n int) (s sample, err error) {
	url := "http://" + srv.addr + "/plaintext"
	if wire == "h2" {
		url = "https" + strings.TrimPrefix(url, "http")
	}
	before, err := proc.ReadCPU(srv.pids)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "h2load", "-c"+strconv.Itoa(c.conns), "-m"+strconv.Itoa(c.streams), "-n"+strconv.Itoa(n), url).CombinedOutput()
	if err != nil {
		return s, fmt.Errorf("h2load: %w: %s", err, out)
	}
	after, err := proc.ReadCPU(srv.pids)
	if err != nil {
		return s, err
	}
	for _, want := range []string{
		fmt.Sprintf("requests: %d total, %d started, %d done, %d succeeded, 0 failed, 0 errored, 0 timeout", n, n, n, n),
		fmt.Sprintf("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx", n),
		fmt.Sprintf("(%d) data", n*13),
	} {
		if !strings.Contains(string(out), want) {
			return s, fmt.Errorf("h2load does not say %q:\n%s", want, out)
		}
	}
	if wire == "h2" && !strings.Contains(string(out), "Application protocol: h2") {
		return s, fmt.Errorf("no HTTP/2 over TLS:\n%s", out)
	}
	m := rate.FindStringSubmatch(string(out))
	if m == nil {
		return s, fmt.Errorf("h2load tells no rate:\n%s", out)
	}
	s.rate, _ = strconv.ParseFloat(m[1], 64)
	s.cpu = float64(after.Sub(before).Total) / 1e3 / float64(n)
	return s, nil
}

// memory is how much resident memory a connection adds, in bytes.
func (c *config) memory(ctx context.Context, name, wire string) (float64, error) {
	srv, err := c.start(ctx, name, wire)
	if err != nil {
		return 0, err
	}
	defer srv.stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var pids []string
	for _, p := range srv.pids {
		pids = append(pids, strconv.Itoa(p))
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.out, "bin", "idle"), "-http2", "-addr", srv.addr, "-conns", strconv.Itoa(c.idle),
		"-pids", strings.Join(pids, ","), "-tls="+strconv.FormatBool(wire == "h2"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	var r struct{ PerConn float64 }
	return r.PerConn, json.Unmarshal(out, &r)
}
