//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/proc"
)

// spec is a server that takes part.
type spec struct {
	name string
	// program is the command in ./cmd that serves, empty for one that is installed on the machine.
	program string
	mode    string
	what    string
	noTLS   bool // takes no part in the scenarios with TLS
}

var specs = []spec{
	{"nethttp", "peer-nethttp", "", "net/http, ServeMux", false},
	{"fasthttp", "peer-fasthttp", "", "fasthttp v1.74.0", false},
	{"nbio", "peer-nbio", "", "nbio v1.6.9, net/http handlers on its poller", true},
	{"gnet", "peer-gnet", "", "gnet v2.10.0 with a parser that validates nothing", true},
	{"nginx", "", "", "nginx, one worker", false},
	{"hyper", rustPeer, "", "hyper 0.14 on tokio, one thread", true},
	{"bare", "peer-bare", "", "an epoll loop in Go with no parser: the floor", true},
	{"reactor", "peer-purewire", "reactor", "purewire: reactor, native handler, pre-encoded answers", false},
	{"reactor-reply", "peer-purewire", "reactor-reply", "purewire: reactor, native handler, answers encoded each time", false},
	{"reactor-http", "peer-purewire", "reactor-http", "purewire: reactor, http.Handler (ServeMux)", false},
	{"stdnet", "peer-purewire", "stdnet", "purewire: stdnet, native handler, pre-encoded answers", false},
	{"stdnet-http", "peer-purewire", "stdnet-http", "purewire: stdnet, http.Handler (ServeMux)", false},
	{"reactor-bare", "peer-drivers", "reactor", "purewire's reactor with no parser", true},
	{"stdnet-bare", "peer-drivers", "stdnet", "purewire's stdnet with no parser", true},

	{"ws-gorilla", wsPeer, "gorilla", "gorilla/websocket v1.5.3, ReadMessage and WriteMessage", true},
	{"ws-coder", wsPeer, "coder", "coder/websocket v1.8.15, Read and Write", true},
	{"ws-gws", wsPeer, "gws", "gws v1.8.9, OnMessage and WriteMessage", true},
	{"ws-gobwas", wsPeer, "gobwas", "gobwas/ws v1.5.0 in a small epoll loop", true},
	{"ws-bare", wsPeer, "bare", "an epoll loop in Go that knows how long a frame is, and sends it back masked: the floor", true},
	{"ws-reactor", wsPeer, "reactor", "purewire: reactor, native handler, callbacks", true},
	{"ws-reactor-http", wsPeer, "reactor-http", "purewire: reactor, upgraded in an http.Handler, callbacks", true},
	{"ws-stdnet", wsPeer, "stdnet", "purewire: stdnet, native handler, callbacks", true},
	{"ws-stdnet-read", wsPeer, "stdnet-read", "purewire: stdnet, ReadMessage and Send in the http.Handler", true},
}

// wsPeer is the program of those that echo WebSocket messages, and do nothing else.
const wsPeer = "peer-ws"

// isWS reports whether a scenario is about WebSocket.
func isWS(scenario string) bool { return strings.HasPrefix(scenario, "ws") || scenario == "idle-ws" }

// plays reports whether the peer takes part in a scenario.
func (p spec) plays(scenario string) bool {
	if isWS(scenario) != (p.program == wsPeer) {
		return false
	}
	return !p.noTLS || scenario != "tls" && scenario != "idle-tls"
}

// rustPeer is the program that cargo builds.
const rustPeer = "peer-hyper"

// defaultPeers is all but those that need more than Go.
func defaultPeers() []string {
	return slices.DeleteFunc(peerNames(), func(name string) bool { return specOf(name).program == rustPeer })
}

func peerNames() []string {
	var s []string
	for _, p := range specs {
		s = append(s, p.name)
	}
	return s
}

func specOf(name string) spec {
	for _, p := range specs {
		if p.name == name {
			return p
		}
	}
	return spec{}
}

// build compiles the programs that this run needs.
func (c *config) build(ctx context.Context) error {
	args := []string{"build", "-o", filepath.Join(c.out, "bin") + "/", "./cmd/load", "./cmd/idle"}
	seen := map[string]bool{}
	for _, name := range c.peers {
		p := specOf(name)
		if p.program == rustPeer {
			continue
		}
		if p.program != "" && !seen[p.program] {
			seen[p.program] = true
			args = append(args, "./cmd/"+p.program)
		}
	}
	if slices.Contains(c.peers, "hyper") || c.httparse {
		if err := c.buildRust(ctx); err != nil {
			return err
		}
	}
	return run(ctx, "", "go", args...)
}

// server is a running peer.
type server struct {
	addr string
	pids []int
	stop func()
}

// spawn prepares a command so that it cannot outlive this program.
func spawn(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// start runs a peer on a free port and waits until it listens.
func (c *config) start(ctx context.Context, name string, tls bool) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := specOf(name)
	var cmd *exec.Cmd
	if p.program == "" {
		if cmd, err = c.nginx(ctx, addr, tls); err != nil {
			return nil, err
		}
	} else {
		cmd = spawn(ctx, filepath.Join(c.out, "bin", p.program), "-addr", addr, "-cpu", strconv.Itoa(c.serverCPU), "-mode", p.mode)
		if tls {
			cmd.Args = append(cmd.Args, "-cert", c.file("cert.pem"), "-key", c.file("key.pem"))
		}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s := &server{addr: addr, stop: func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(2 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	}}
	for range 200 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			s.pids = proc.Tree(cmd.Process.Pid)
			if p.program != "" || len(s.pids) > 1 {
				return s, nil
			}
			// nginx listens before it has its worker.
		}
		select {
		case err := <-ended:
			ended <- err
			return nil, fmt.Errorf("%s ended: %v: %s", name, err, stderr.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not listen: %s", name, stderr.String())
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// nginx writes a configuration for one worker with the benchmark's pages and returns the command that serves it.
func (c *config) nginx(ctx context.Context, addr string, tls bool) (*exec.Cmd, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, errors.New("nginx is not installed (Debian: apt-get install nginx-light); leave it out of -peers")
	}
	dir := filepath.Join(c.out, "nginx")
	if err := os.MkdirAll(filepath.Join(dir, "www"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "www", "1mb"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16), 0o644); err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // it must read files under DIR, wherever that is
	}
	mask := "1" + strings.Repeat("0", c.serverCPU)
	ssl := ""
	if tls {
		ssl = "ssl;\n\t\tssl_protocols TLSv1.3; ssl_certificate " + c.file("cert.pem") + "; ssl_certificate_key " + c.file("key.pem")
	}
	conf := strings.NewReplacer("DIR", dir, "ADDR", addr, "MASK", mask, "SSL", ssl, "USER", user).Replace(nginxConf)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	return spawn(ctx, path, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file), nil
}

const nginxConf = `daemon off;
USER
worker_processes 1;
worker_cpu_affinity MASK;
worker_rlimit_nofile 20000;
pid DIR/nginx.pid;
error_log DIR/error.log crit;
events { worker_connections 16000; }
http {
	access_log off;
	sendfile on;
	open_file_cache max=16;
	open_file_cache_valid 1h;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	client_max_body_size 0;
	client_body_temp_path DIR/t1;
	proxy_temp_path DIR/t2;
	fastcgi_temp_path DIR/t3;
	uwsgi_temp_path DIR/t4;
	scgi_temp_path DIR/t5;
	server {
		listen ADDR backlog=1024 SSL;
		location = /plaintext { default_type text/plain; return 200 "Hello, World!"; }
		location = /upload { default_type text/plain; return 200 "Hello, World!"; }
		location = /1mb { root DIR/www; default_type application/octet-stream; }
	}
}
`

func (c *config) file(name string) string { return filepath.Join(c.out, name) }
