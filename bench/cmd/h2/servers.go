//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/peer"
	"github.com/purewire/purewire/bench/internal/proc"
)

// spec is a server that takes part.
type spec struct {
	name    string
	program string // of ./cmd, or of the machine
	mode    string
	what    string
}

var specs = []spec{
	{"nethttp", "peer-nethttp", "", "net/http, ServeMux"},
	{"nginx", "nginx", "", "nginx, one worker, `return 200`"},
	{"nghttpd", "nghttpd", "", "nghttpd, one worker, a file of 13 bytes"},
	{"reactor", "peer-purewire", "reactor", "purewire: reactor, native handler"},
	{"reactor-http", "peer-purewire", "reactor-http", "purewire: reactor, http.Handler (ServeMux)"},
	{"stdnet", "peer-purewire", "stdnet", "purewire: stdnet, native handler"},
	{"stdnet-http", "peer-purewire", "stdnet-http", "purewire: stdnet, http.Handler (ServeMux)"},
}

func names() []string {
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
	panic("no such peer: " + name)
}

// present looks for everything that must be installed.
func (c *config) present() error {
	need := map[string]string{"h2load": "nghttp2-client", "taskset": "util-linux"}
	for _, name := range c.peers {
		switch specOf(name).program {
		case "nghttpd":
			need["nghttpd"] = "nghttp2-server"
		case "nginx":
			need["nginx"] = "nginx-light"
		}
	}
	for program, pkg := range need {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed (Debian: apt-get install %s)", program, pkg)
		}
	}
	if need["nginx"] == "" {
		return nil
	}
	v, err := exec.Command("nginx", "-V").CombinedOutput()
	if err != nil {
		return fmt.Errorf("nginx -V: %w", err)
	}
	if !bytes.Contains(v, []byte("with-http_v2_module")) {
		return fmt.Errorf("this nginx has no HTTP/2: leave it out of -peers")
	}
	return nil
}

// server is a running peer.
type server struct {
	addr string
	pids []int
	stop func()
}

// start runs a peer on a free port and waits until it listens.
func (c *config) start(ctx context.Context, name, wire string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cmd, err := c.command(ctx, specOf(name), addr, wire == "h2")
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s := &server{addr: addr, stop: func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(2 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}}
	for range 500 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			// nginx listens before it has its worker.
			if s.pids = proc.Tree(cmd.Process.Pid); name != "nginx" || len(s.pids) > 1 {
				return s, nil
			}
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("ended: %v: %s", err, stderr.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("does not listen: %s", stderr.String())
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// command is what serves addr, bound to the servers' core.
func (c *config) command(ctx context.Context, p spec, addr string, secure bool) (*exec.Cmd, error) {
	switch p.program {
	case "nginx":
		return c.nginx(ctx, addr, secure)
	case "nghttpd":
		return c.nghttpd(ctx, addr, secure)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.out, "bin", p.program), "-addr", addr, "-cpu", strconv.Itoa(c.serverCPU), "-mode", p.mode, "-http2")
	if secure {
		cmd.Args = append(cmd.Args, "-cert", c.file("cert.pem"), "-key", c.file("key.pem"))
	}
	return cmd, nil
}

// nghttpd serves a file from the disk: it has no other way. It keeps it open.
func (c *config) nghttpd(ctx context.Context, addr string, secure bool) (*exec.Cmd, error) {
	dir := c.file("nghttpd")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "plaintext"), []byte(peer.Plaintext), 0o644); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	args := []string{"-c", strconv.Itoa(c.serverCPU), "nghttpd", "-n1", "-a", host, "-d", dir, "-m", "1000"}
	if secure {
		args = append(args, port, c.file("key.pem"), c.file("cert.pem"))
	} else {
		args = append(args, "--no-tls", port)
	}
	return exec.CommandContext(ctx, "taskset", args...), nil
}

func (c *config) nginx(ctx context.Context, addr string, secure bool) (*exec.Cmd, error) {
	dir := c.file("nginx-h2")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	user, ssl := "", ""
	if os.Getuid() == 0 {
		user = "user root;" // it must read files under DIR, wherever that is
	}
	if secure {
		ssl = "ssl;\n\t\tssl_protocols TLSv1.3; ssl_certificate " + c.file("cert.pem") + "; ssl_certificate_key " + c.file("key.pem")
	}
	mask := "1" + strings.Repeat("0", c.serverCPU)
	conf := strings.NewReplacer("DIR", dir, "ADDR", addr, "MASK", mask, "SSL", ssl, "USER", user).Replace(nginxConf)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, "nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file), nil
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
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	http2_max_concurrent_streams 1000;
	client_body_temp_path DIR/t1;
	proxy_temp_path DIR/t2;
	fastcgi_temp_path DIR/t3;
	uwsgi_temp_path DIR/t4;
	scgi_temp_path DIR/t5;
	server {
		listen ADDR http2 SSL;
		location = /plaintext { default_type text/plain; return 200 "Hello, World!"; }
	}
}
`

func (c *config) file(name string) string { return filepath.Join(c.out, name) }
