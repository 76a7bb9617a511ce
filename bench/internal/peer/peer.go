// Package peer is what the server programs of the benchmark share: the flags, the pages they all serve, and the way they
// tell the harness that they are ready.
//
// Every peer serves the same three things:
//
//	GET  /plaintext   13 bytes "Hello, World!", text/plain, with Date and Server fields
//	GET  /1mb         1 MiB of application/octet-stream
//	POST /upload      reads the whole body, answers 200 with the 13 bytes of /plaintext
package peer

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/purewire/purewire/bench/internal/proc"
)

// Plaintext is the body of /plaintext and of the answer to /upload.
const Plaintext = "Hello, World!"

// DownloadSize is the length of /1mb.
const DownloadSize = 1 << 20

// Server is the value of the Server field all peers send.
const Server = "bench"

// Download is the body of /1mb.
var Download = newDownload()

func newDownload() []byte {
	b := make([]byte, DownloadSize)
	for i := range b {
		b[i] = byte('a' + i%26)
	}
	return b
}

// Flags are the command line of every peer.
type Flags struct {
	// Addr is the TCP address to listen on.
	Addr string
	// CPU is the core the process binds itself to, negative for none.
	CPU int
	// Cert and Key are the files of a certificate, for TLS 1.3 instead of plain text; "" for plain text.
	Cert, Key string
	// HTTP2 asks for HTTP/2: with prior knowledge in plain text, by ALPN over TLS.
	HTTP2 bool
	// Mode selects a variant, for peers that have some.
	Mode string
}

// Parse reads the command line, binds the process to its core and returns the flags.
func Parse() Flags {
	var f Flags
	flag.StringVar(&f.Addr, "addr", "127.0.0.1:8080", "address to listen on")
	flag.IntVar(&f.CPU, "cpu", -1, "core to run on, -1 for any")
	flag.StringVar(&f.Mode, "mode", "", "variant of the peer")
	flag.BoolVar(&f.HTTP2, "http2", false, "serve HTTP/2: prior knowledge, or ALPN")
	flag.StringVar(&f.Cert, "cert", "", "certificate in PEM: serve TLS")
	flag.StringVar(&f.Key, "key", "", "its key")
	flag.Parse()
	if f.CPU >= 0 {
		if err := proc.Pin(f.CPU); err != nil {
			Fatal(err)
		}
	}
	if err := proc.RaiseFiles(); err != nil {
		Fatal(err)
	}
	debug.SetGCPercent(100) // the default, whatever the environment says
	return f
}

// TLS returns the configuration that all peers use, nil for plain text.
func (f Flags) TLS() *tls.Config {
	if f.Cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		Fatal(err)
	}
	protos := []string{"http/1.1"}
	if f.HTTP2 {
		protos = []string{"h2"}
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, NextProtos: protos}
}

// Run calls serve and waits for SIGINT or SIGTERM; a serve that fails ends the process with status 1.
func Run(serve func() error) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	fail := make(chan error, 1)
	go func() { fail <- serve() }()
	select {
	case <-stop:
		os.Exit(0)
	case err := <-fail:
		Fatal(err)
	}
}

// Fatal prints err and ends the process.
func Fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Handler is the net/http form of the pages, used by every peer that runs an http.Handler.
func Handler() http.Handler {
	mux := http.NewServeMux()
	plain := []byte(Plaintext)
	mux.HandleFunc("/plaintext", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Server"] = serverValue
		h["Content-Type"] = plainValue
		w.Write(plain)
	})
	mux.HandleFunc("/1mb", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Server"] = serverValue
		h["Content-Type"] = octetValue
		h["Content-Length"] = downloadValue
		w.Write(Download)
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h := w.Header()
		h["Server"] = serverValue
		h["Content-Type"] = plainValue
		w.Write(plain)
	})
	return mux
}

var (
	serverValue   = []string{Server}
	plainValue    = []string{"text/plain"}
	octetValue    = []string{"application/octet-stream"}
	downloadValue = []string{fmt.Sprint(DownloadSize)}
)

// Profile writes a CPU profile of the first seconds of load to the file that BENCH_CPUPROFILE names.
func Profile() {
	name := os.Getenv("BENCH_CPUPROFILE")
	if name == "" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		Fatal(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		Fatal(err)
	}
	time.AfterFunc(4*time.Second, func() {
		pprof.StopCPUProfile()
		file.Close()
	})
}
