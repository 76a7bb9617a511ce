// Command wssuite holds a WebSocket endpoint that echoes messages to the 517 cases of corpus/ws/suite, over TCP. It is the client of
// a server, or the server of a client:
//
//	wssuite -url ws://127.0.0.1:8080/ws/echo            judge a server
//	wssuite -listen 127.0.0.1:9001                      judge a client, which is run by hand
//	wssuite -listen 127.0.0.1:0 -run "./client URL"     judge a client, which is started here; URL is put in
//
// A client that is judged does what clients do for the Autobahn test suite: it opens /getCaseCount, which sends the number of
// cases as a text and closes; then /runCase?case=N&agent=NAME for N = 1, 2, ..., where it sends every message back; then
// /updateReports?agent=NAME, which ends the program.
//
// The exit status is 1 if a case failed. The peer has to accept messages of 16 MiB for group 9, and permessage-deflate for
// groups 12 and 13.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/purewire/purewire/corpus/ws/suite"
)

// settings are what the flags say.
type settings struct {
	link     suite.Link // Patience, Quiet, Most, MostBytes
	parallel int
	strict   bool
	verbose  bool
}

// outcome is a case and how it went.
type outcome struct {
	suite.Result
	c    *suite.Case
	took time.Duration
}

func main() {
	var s settings
	url := flag.String("url", "", "the ws:// `URL` of a server that echoes")
	listen := flag.String("listen", "", "the `address` to serve a client on that echoes")
	run := flag.String("run", "", "with -listen: the `command` that starts the client; the word URL in it is replaced")
	cases := flag.String("cases", "*", "which cases, patterns such as \"1.*,6.4.*\"; \"-9.*\" leaves some out")
	flag.IntVar(&s.link.Most, "messages", 0, "send at most so many `messages` in a case; 0: as many as the case has, a thousand")
	flag.IntVar(&s.link.MostBytes, "bytes", 0, "send at most so many `bytes` of messages in a case, but one message at least; 0: all")
	flag.DurationVar(&s.link.Patience, "patience", 30*time.Second, "how long the peer may take to answer")
	flag.DurationVar(&s.link.Quiet, "quiet", 100*time.Millisecond, "how long silence is waited for")
	flag.IntVar(&s.parallel, "parallel", 8, "with -url: how many cases at a time")
	flag.BoolVar(&s.strict, "strict", false, "count what is only not strict as failed")
	flag.BoolVar(&s.verbose, "v", false, "print every case")
	flag.Parse()
	if flag.NArg() > 0 || (*url == "") == (*listen == "") || *run != "" && *listen == "" || s.parallel < 1 {
		fmt.Fprintln(os.Stderr, "wssuite: give -url or -listen, and no other words; see -h")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := do(ctx, os.Stdout, &s, *url, *listen, *run, *cases)
	if err != nil {
		fmt.Fprintln(os.Stderr, "wssuite:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func do(ctx context.Context, out io.Writer, s *settings, url, listen, run, patterns string) (failed int, err error) {
	all, err := choose(patterns)
	if err != nil {
		return 0, err
	}
	var outcomes []outcome
	if url != "" {
		outcomes, err = judgeServer(ctx, s, url, all)
	} else {
		var l net.Listener
		if l, err = net.Listen("tcp", listen); err != nil {
			return 0, err
		}
		fmt.Fprintf(out, "waiting for a client on ws://%s\n", l.Addr())
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		defer stop()
		var client sync.WaitGroup
		if run != "" {
			words := strings.Fields(strings.ReplaceAll(run, "URL", "ws://"+l.Addr().String()))
			cmd := exec.CommandContext(ctx, words[0], words[1:]...)
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Start(); err != nil {
				return 0, err
			}
			client.Go(func() {
				_ = cmd.Wait()
				stop() // a client that is gone brings no more cases
			})
		}
		outcomes, err = judgeClient(ctx, s, l, all)
		stop()
		client.Wait()
	}
	if err != nil {
		return 0, err
	}
	return report(out, s, outcomes), nil
}

// choose returns the cases that the patterns ask for.
func choose(patterns string) (chosen []suite.Case, err error) {
	all, err := suite.Load()
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		take := strings.HasPrefix(patterns, "-")
		for _, p := range strings.Split(patterns, ",") {
			p, out := strings.CutPrefix(p, "-")
			hit, err := path.Match(p, c.ID)
			if err != nil {
				return nil, err
			}
			if hit {
				take = !out
			}
		}
		if take {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no case is %q", patterns)
	}
	return chosen, nil
}

// report prints a line for every group and one for every case that is not simply passed.
func report(out io.Writer, s *settings, outcomes []outcome) (failed int) {
	var groups []string
	sums := map[string]*[suite.Failed + 1]int{}
	times := map[string]time.Duration{}
	for _, o := range outcomes {
		group, _, _ := strings.Cut(o.c.ID, ".")
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
			sums[group] = new([suite.Failed + 1]int)
		}
		sums[group][o.Verdict]++
		times[group] += o.took
		if s.verbose || o.Verdict != suite.Pass {
			fmt.Fprintf(out, "%-8s %-13s %s", o.c.ID, o.Verdict, o.c.Title)
			if o.Detail != "" {
				fmt.Fprintf(out, ": %s", o.Detail)
			}
			fmt.Fprintln(out)
		}
		if o.Verdict == suite.Failed || s.strict && o.Verdict == suite.NonStrict {
			failed++
		}
	}
	fmt.Fprintf(out, "\n| group | cases |")
	for v := range suite.Failed + 1 {
		fmt.Fprintf(out, " %s |", v)
	}
	fmt.Fprintf(out, " seconds |\n|---|---|%s---|\n", strings.Repeat("---|", int(suite.Failed)+1))
	var all [suite.Failed + 1]int
	var took time.Duration
	line := func(name string, sums *[suite.Failed + 1]int, took time.Duration) {
		n := 0
		for _, k := range sums {
			n += k
		}
		fmt.Fprintf(out, "| %s | %d |", name, n)
		for _, k := range sums {
			fmt.Fprintf(out, " %d |", k)
		}
		fmt.Fprintf(out, " %.1f |\n", took.Seconds())
	}
	for _, g := range groups {
		line(g, sums[g], times[g])
		for v, k := range sums[g] {
			all[v] += k
		}
		took += times[g]
	}
	line("all", &all, took)
	return failed
}
