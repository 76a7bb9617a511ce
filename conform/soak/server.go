package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a demo server that this program started.
type process struct {
	cmd  *exec.Cmd
	addr string
	log  tail
	done chan struct{} // closed when it ended
}

// tail keeps what a process wrote to its standard error, up to 4 MiB.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len() < 4<<20 {
		t.b.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

var greeting = regexp.MustCompile(`^\s*http://([^/\s]+)/$`)

// start runs the demo server and waits until it listens.
func start(bin, driver string) (*process, error) {
	p := &process{cmd: exec.Command(bin, "serve", "--driver", driver, "--addr", "127.0.0.1:0"), done: make(chan struct{})}
	p.cmd.Stderr = &p.log
	out, w := io.Pipe()
	p.cmd.Stdout = w
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is seen in what it wrote
		w.Close()
		close(p.done)
	}()
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := greeting.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case p.addr = <-found:
		return p, nil
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.kill()
	}
	return nil, fmt.Errorf("%s on %s did not start: %s", bin, driver, p.said())
}

// said is what the server wrote to its standard error.
func (p *process) said() string { return p.log.String() }

// kill ends the server if it still runs, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it ended already
	<-p.done
}

// sample is the server's use of the machine at one time.
type sample struct {
	rss          int64 // resident memory in bytes
	fds, threads int
	cpu          time.Duration // user and system time so far
}

// sample reads /proc.
func (p *process) sample() (s sample, err error) {
	select {
	case <-p.done:
		return s, fmt.Errorf("the server ended by itself: %.2000s", p.said())
	default:
	}
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return s, err
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return s, err
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return s, err
	}
	s.fds = len(fds)
	return s, s.parse(string(status), string(stat))
}

// parse takes memory and threads from a process's status, CPU time from its stat.
func (s *sample) parse(status, stat string) error {
	for line := range strings.Lines(status) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			s.rss = n << 10
		case "Threads:":
			s.threads = int(n)
		}
	}
	// The name in brackets may hold spaces and brackets; utime and stime are the 12th and 13th field behind it, in ticks of 10 ms.
	f := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if s.rss == 0 || s.threads == 0 || len(f) < 13 {
		return errors.New("cannot read /proc of the server")
	}
	for _, ticks := range f[11:13] {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return err
		}
		s.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	return nil
}

// settle waits until no more than fds descriptors are open, at most for limit, and returns the last sample.
func (p *process) settle(fds int, limit time.Duration) (s sample, err error) {
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		s, err = p.sample()
		if err != nil || s.fds <= fds || time.Now().After(end) {
			return s, err
		}
	}
}

var goroutine = regexp.MustCompile(`(?m)^goroutine [1-9]\d* .*\[`)

// goroutines ends the server with SIGQUIT, which makes the runtime print every goroutine, and counts them.
func (p *process) goroutines() (int, error) {
	before := len(p.said())
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		return 0, errors.New("the server does not end on SIGQUIT")
	}
	n := len(goroutine.FindAllString(p.said()[before:], -1))
	if n == 0 {
		return 0, fmt.Errorf("no goroutine in what the server printed: %.500q", p.said()[before:])
	}
	return n, nil
}

// idleGoroutines counts the goroutines of a server that has just answered a request.
func idleGoroutines(bin, driver string) (int, error) {
	p, err := start(bin, driver)
	if err != nil {
		return 0, err
	}
	defer p.kill()
	if err := (&honest{addr: p.addr}).each(); err != nil {
		return 0, err
	}
	time.Sleep(100 * time.Millisecond)
	return p.goroutines()
}
