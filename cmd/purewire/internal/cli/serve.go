package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/purewire/purewire/cmd/purewire/internal/demo"
	"github.com/purewire/purewire/drivers"
)

const serveHelp = `Usage: purewire serve [flags]

Starts the demo server. Every path below is an ordinary net/http handler, except those below /native/, which the reactor
and stdnet answer without one.

Flags:
  --addr HOST:PORT   where to listen                             (127.0.0.1:8080; port 0 picks a free one)
  --driver NAME      what carries the bytes                      (%s)
                       reactor   epoll or kqueue loops, no goroutine per connection
                       stdnet    one goroutine per connection, works wherever Go works
                       nethttp   Go's own server instead of purewire, to compare with
  --loops N          event loops of the reactor                  (0: one per core)
  --dir DIR          what /files/ shows                          (a few built-in samples)
  --tls-addr HOST:PORT  where to listen with TLS, besides --addr  (nowhere)
  --cert FILE        certificate chain in PEM; it is read again when it changes, and after SIGHUP
                                                                 (a certificate made for this run)
  --key FILE         the certificate's key                       (like --cert)
  --http2-only       no HTTP/1.1: in plain text every connection must begin with the preface of HTTP/2
  --h2c-upgrade      accept Upgrade: h2c, which old clients send (curl --http2, nghttp -u)
  --grace DURATION   how long requests in flight may take after Ctrl-C or SIGTERM  (5s)

Paths:
  /                  a page that measures its own round-trips    open it in a browser
  /plaintext         Hello, World!                               /native/plaintext is the same without net/http
  /json              a small object
  /echo              your request as JSON                        curl -d hi 127.0.0.1:8080/echo
  /bytes/{n}         n bytes; ?chunked leaves the length open    curl -o /dev/null 127.0.0.1:8080/bytes/100000000
  /upload            counts and hashes what you send             curl -T - 127.0.0.1:8080/upload < FILE
  /files/            a directory, ranges included                curl -r 0-9 127.0.0.1:8080/files/hello.txt
  /sse               a clock that ticks                          curl -N 127.0.0.1:8080/sse
  /ws/echo           a WebSocket that sends back what it gets    /native/ws/echo is the same without net/http
  /ws/chat           a WebSocket for everybody on the page at /
`

// serveFlags is a parsed command line of serve.
type serveFlags struct {
	addr, driver, dir  string
	tlsAddr, cert, key string
	tls                *tls.Config // of one backend; nil: plain text
	loops              int
	http2Only, upgrade bool
	grace              time.Duration
}

func parseServe(args []string, e Env) (f serveFlags, done bool, err error) {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.StringVar(&f.addr, "addr", "127.0.0.1:8080", "")
	set.StringVar(&f.driver, "driver", defaultDriver, "")
	set.IntVar(&f.loops, "loops", 0, "")
	set.StringVar(&f.dir, "dir", "", "")
	set.StringVar(&f.tlsAddr, "tls-addr", "", "")
	set.StringVar(&f.cert, "cert", "", "")
	set.StringVar(&f.key, "key", "", "")
	set.BoolVar(&f.http2Only, "http2-only", false, "")
	set.BoolVar(&f.upgrade, "h2c-upgrade", false, "")
	set.DurationVar(&f.grace, "grace", 5*time.Second, "")
	done, err = parse(set, fmt.Sprintf(serveHelp, defaultDriver), args, 0, e)
	if err != nil || done {
		return f, done, err
	}
	switch {
	case f.loops < 0:
		return f, false, usagef("--loops cannot be negative")
	case f.grace < 0:
		return f, false, usagef("--grace cannot be negative")
	case (f.cert == "") != (f.key == ""):
		return f, false, usagef("--cert and --key belong together")
	case f.cert != "" && f.tlsAddr == "":
		return f, false, usagef("--cert is for --tls-addr, which is missing")
	case backends[f.driver] == nil:
		return f, false, usagef("there is no driver %q; take one of %s", f.driver, strings.Join(backendNames(), ", "))
	case f.http2Only && f.upgrade:
		return f, false, usagef("--h2c-upgrade is for HTTP/1.1, which --http2-only switches off")
	case f.upgrade && f.driver == "nethttp":
		return f, false, usagef("--h2c-upgrade: net/http has none")
	case f.loops > 0 && f.driver != "reactor":
		return f, false, usagef("--loops is for the reactor, %s has none", f.driver)
	}
	return f, false, nil
}

// backend is a started server.
type backend interface {
	// Addr is where it listens.
	Addr() net.Addr
	// About is one line on how it works, for the greeting.
	About() string
	// Done is closed when the server ended by itself; Err then tells why.
	Done() <-chan struct{}
	Err() error
	// Shutdown drains it until ctx ends.
	Shutdown(ctx context.Context) (drivers.Report, error)
}

// start makes a backend that listens and serves.
type start func(f serveFlags, h http.Handler) (backend, error)

func serve(ctx context.Context, args []string, e Env) error {
	f, done, err := parseServe(args, e)
	if err != nil || done {
		return err
	}
	var files fs.FS
	if f.dir != "" {
		// A Root serves no file outside of the directory, whatever links are in it.
		root, err := os.OpenRoot(f.dir)
		if err != nil {
			return fmt.Errorf("--dir: %w", err)
		}
		defer root.Close()
		files = root.FS()
	}
	h := demo.New(demo.Options{Driver: f.driver, Version: Version(), Files: files})
	defer h.Close()
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer restore()

	b, err := launch(f, h, "--addr")
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "purewire %s on %s\n\n", Version(), b.About())
	if f.tlsAddr != "" {
		watch, stop := context.WithCancel(ctx)
		defer stop()
		cfg, about, err := tlsConfig(watch, f, e)
		if err == nil {
			var sb backend
			sf := f
			sf.addr, sf.tls = f.tlsAddr, cfg
			if sb, err = launch(sf, h, "--tls-addr"); err == nil {
				fmt.Fprintf(e.Stdout, "  https://%s/  with %s\n", sb.Addr(), about)
				b = together(b, sb)
			}
		}
		if err != nil {
			_, _ = b.Shutdown(ctx)
			return err
		}
	}
	fmt.Fprintf(e.Stdout, "  http://%s/\n\nCtrl-C stops it.\n", b.Addr())

	select {
	case <-b.Done():
		return fmt.Errorf("the server ended: %w", b.Err())
	case <-ctx.Done():
	}
	restore() // a second Ctrl-C ends the program at once
	fmt.Fprintf(e.Stdout, "\nstopping; requests in flight have %v\n", f.grace)
	h.Close()
	dctx, cancel := context.WithTimeout(context.Background(), f.grace)
	defer cancel()
	r, err := b.Shutdown(dctx)
	printReport(e, r)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// launch starts one backend; flagName is where its address came from.
func launch(f serveFlags, h http.Handler, flagName string) (backend, error) {
	b, err := backends[f.driver](f, h)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken; choose another address with %s", f.addr, flagName)
	}
	return b, err
}

// printReport tells what a drain achieved.
func printReport(e Env, r drivers.Report) {
	fmt.Fprintf(e.Stdout, "drained %d, timed out %d (%d of them in flight)", r.Drained, r.TimedOut, r.InFlight)
	if r.Crashed > 0 {
		fmt.Fprintf(e.Stdout, ", crashed workers %d", r.Crashed)
	}
	fmt.Fprintln(e.Stdout)
}
