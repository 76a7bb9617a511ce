//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sample is what the generator printed for one round.
type sample struct {
	Requests, Bytes, Sent   int64
	Seconds                 float64
	ServerCPU, User, System int64
	P50, P99                float64
	Errors                  int64
	RSS                     int64
}

// idleSample is what cmd/idle printed.
type idleSample struct {
	Conns         int
	Before, After int64
	PerConn       float64
	Alive         int
}

// output runs a program on the generator's core and decodes the JSON it prints.
func (c *config) output(ctx context.Context, v any, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, c.window+c.warm+2*c.settle+40*time.Second)
	defer cancel()
	cmd := spawn(ctx, filepath.Join(c.out, "bin", program), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %v: %s", program, err, strings.TrimSpace(stderr.String()))
	}
	return json.Unmarshal(stdout.Bytes(), v)
}

func pidList(pids []int) string {
	var s []string
	for _, p := range pids {
		s = append(s, strconv.Itoa(p))
	}
	return strings.Join(s, ",")
}

// load runs one scenario: in each round every peer once, each time a fresh process.
func (c *config) load(ctx context.Context, rep *report, scenario string) error {
	conns := c.conns
	if scenario == "download" || scenario == "upload" {
		conns = min(conns, 16)
	}
	if isWS(scenario) {
		conns = c.wsConns
	}
	for round := range c.rounds {
		for i := range c.peers {
			// Every second round goes backwards, so that a slow drift of the machine favours nobody.
			name := c.peers[i]
			if round%2 == 1 {
				name = c.peers[len(c.peers)-1-i]
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !specOf(name).plays(scenario) {
				continue
			}
			s, err := c.loadOnce(ctx, name, scenario, conns)
			if err != nil {
				rep.fail(scenario, name, err)
				continue
			}
			rep.add(scenario, name, s)
		}
	}
	return nil
}

func (c *config) loadOnce(ctx context.Context, name, scenario string, conns int) (s sample, err error) {
	srv, err := c.start(ctx, name, scenario == "tls")
	if err != nil {
		return s, err
	}
	defer srv.stop()
	err = c.output(ctx, &s, "load", "-addr", srv.addr, "-scenario", scenario, "-conns", strconv.Itoa(conns),
		"-depth", strconv.Itoa(c.depth), "-time", c.window.String(), "-warm", c.warm.String(),
		"-cpu", strconv.Itoa(c.loadCPU), "-pids", pidList(srv.pids))
	if err != nil {
		return s, err
	}
	if s.Requests == 0 {
		return s, fmt.Errorf("no request was answered")
	}
	fmt.Fprintf(os.Stderr, "%-10s %-16s %9.0f req/s %8.3f us CPU/req (user %.0f %%) %d errors\n", scenario, name,
		float64(s.Requests)/s.Seconds, float64(s.ServerCPU)/1e3/float64(s.Requests), 100*share(s.User, s.System), s.Errors)
	return s, nil
}

func share(user, system int64) float64 {
	if user+system == 0 {
		return 0
	}
	return float64(user) / float64(user+system)
}

// idle measures the memory of connections that wait.
func (c *config) idle(ctx context.Context, rep *report, scenario string) error {
	tls := scenario == "idle-tls"
	for _, name := range c.peers {
		if !specOf(name).plays(scenario) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		srv, err := c.start(ctx, name, tls)
		if err != nil {
			rep.fail(scenario, name, err)
			continue
		}
		var s idleSample
		err = c.output(ctx, &s, "idle", "-addr", srv.addr, "-conns", strconv.Itoa(c.idleConns), "-settle", c.settle.String(), "-pids", pidList(srv.pids), "-tls="+strconv.FormatBool(tls), "-ws="+strconv.FormatBool(isWS(scenario)))
		srv.stop()
		if err != nil {
			rep.fail(scenario, name, err)
			continue
		}
		fmt.Fprintf(os.Stderr, "%-10s %-16s %9.0f bytes/connection\n", scenario, name, s.PerConn)
		rep.Idle[scenario+"/"+name] = s
	}
	return nil
}
