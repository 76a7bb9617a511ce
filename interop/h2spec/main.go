// Command h2spec holds a running server to the cases of summerwind/h2spec, strict ones included, and judges the result: a case
// may fail only if the list says so, with the reason, and a case on the list that passes is reported too.
//
//	h2spec --addr 127.0.0.1:8080 [--tls] [--path /echo] [--allow FILE] [--peer NAME] [--verbose]
//
// h2spec was written for RFC 7540. Where RFC 9113 says otherwise, RFC 9113 counts: that is what the list is for. Its lines are
//
//	PEER CASE REASON
//
// with PEER the --peer that it is about, or "*" for every server, and CASE as it is printed: http2/5.1.2/1.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// cases is how many the pinned version of h2spec has: fewer would mean that some were not run.
const cases = 146

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "host:port of the server")
	overTLS := flag.Bool("tls", false, "connect with TLS; the certificate is not verified")
	path := flag.String("path", "/echo", "a path whose handler reads the request to its end and answers with content")
	allow := flag.String("allow", "", "file with the cases that may fail")
	peer := flag.String("peer", "*", "which lines of --allow count, beside those of *")
	verbose := flag.Bool("verbose", false, "show h2spec's own report")
	flag.Parse()
	host, port, err := net.SplitHostPort(*addr)
	n, err2 := strconv.Atoi(port)
	if err != nil || err2 != nil {
		fail("--addr %s is no host:port", *addr)
	}
	allowed, err := readAllowed(*allow, *peer)
	if err != nil {
		fail("%v", err)
	}
	c := &config.Config{Host: host, Port: n, Path: *path, Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: *overTLS, Insecure: true}
	groups := []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()}
	report := os.Stdout
	if !*verbose {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			fail("%v", err)
		}
		os.Stdout = null // h2spec prints as it goes
	}
	// It ends the program if a connection is refused; say so then.
	if nc, err := net.DialTimeout("tcp", *addr, 2*time.Second); err != nil {
		fail("%v", err)
	} else {
		nc.Close()
	}
	for _, g := range groups {
		g.Test(c)
	}
	os.Stdout = report

	j := judgement{allowed: allowed, sections: map[string]*count{}}
	for _, g := range groups {
		j.group(g)
	}
	j.print()
	if j.total != cases {
		fail("%d cases were run, not %d", j.total, cases)
	}
	for name, reason := range allowed {
		if !j.met[name] {
			j.bad = append(j.bad, fmt.Sprintf("%s: on the list (%s), but there is no such case or it passes", name, reason))
		}
	}
	sort.Strings(j.bad)
	for _, line := range j.bad {
		fmt.Println("FAIL", line)
	}
	if len(j.bad) > 0 {
		os.Exit(1)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "h2spec: "+format+"\n", args...)
	os.Exit(2)
}

// readAllowed returns the reasons of the cases that may fail.
func readAllowed(file, peer string) (map[string]string, error) {
	all := map[string]string{}
	if file == "" {
		return all, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s: a case without a reason: %q", file, line)
		}
		if parts[0] == "*" || parts[0] == peer {
			all[parts[1]] = strings.TrimSpace(parts[2])
		}
	}
	return all, nil
}

type count struct{ passed, failed, allowed, skipped int }

type judgement struct {
	allowed  map[string]string
	met      map[string]bool
	sections map[string]*count
	order    []string
	total    int
	bad      []string
}

func (j *judgement) group(g *spec.TestGroup) {
	section := strings.Split(g.ID(), ".")[0]
	for _, tc := range append(g.Tests, g.StrictTests...) {
		s := j.sections[section]
		if s == nil {
			s = new(count)
			j.sections[section] = s
			j.order = append(j.order, section)
		}
		if tc.Result == nil {
			continue
		}
		j.total++
		name := fmt.Sprintf("%s/%d", g.ID(), tc.Result.Sequence)
		_, may := j.allowed[name]
		switch {
		case tc.Result.Skipped:
			s.skipped++
			j.bad = append(j.bad, fmt.Sprintf("%s: skipped: %s", name, tc.Desc))
		case !tc.Result.Failed:
			s.passed++
		case may:
			s.allowed++
			if j.met == nil {
				j.met = map[string]bool{}
			}
			j.met[name] = true
		default:
			s.failed++
			j.bad = append(j.bad, fmt.Sprintf("%s: %s: %s", name, tc.Desc, strings.ReplaceAll(fmt.Sprint(tc.Result.Error), "\n", "; ")))
		}
	}
	for _, sub := range g.Groups {
		j.group(sub)
	}
}

func (j *judgement) print() {
	row := "%-12s %7v %8v %8v %8v\n"
	fmt.Printf(row, "section", "passed", "allowed", "failed", "skipped")
	var sum count
	for _, name := range j.order {
		s := j.sections[name]
		fmt.Printf(row, name, s.passed, s.allowed, s.failed, s.skipped)
		sum.passed += s.passed
		sum.allowed += s.allowed
		sum.failed += s.failed
		sum.skipped += s.skipped
	}
	fmt.Printf(row, "all", sum.passed, sum.allowed, sum.failed, sum.skipped)
	for name, reason := range j.allowed {
		if j.met[name] {
			fmt.Printf("allowed: %s: %s\n", name, reason)
		}
	}
}
