package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is a command that serves in this process.
type running struct {
	url    string
	cancel context.CancelFunc
	code   chan int
	rest   chan string
	errs   *bytes.Buffer
}

var address = regexp.MustCompile(`http://(\S+)/`)

// startServe runs "purewire serve" with args on a free port until stop.
func startServe(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	pr, pw := io.Pipe()
	r := &running{cancel: cancel, code: make(chan int, 1), rest: make(chan string, 1), errs: new(bytes.Buffer)}
	go func() {
		code := Run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), Env{Stdout: pw, Stderr: r.errs})
		pw.Close()
		r.code <- code
	}()
	r.url = "http://" + readAddress(t, pr, r.rest)
	t.Cleanup(cancel)
	return r
}

// readAddress reads the greeting up to the address and sends the rest of the output to rest when it ends.
func readAddress(t *testing.T, out io.Reader, rest chan<- string) string {
	t.Helper()
	br := bufio.NewReader(out)
	for {
		line, err := br.ReadString('\n')
		require.NoError(t, err, "the greeting names no address")
		if m := address.FindStringSubmatch(line); m != nil {
			go func() { b, _ := io.ReadAll(br); rest <- string(b) }()
			return m[1]
		}
	}
}

// stop ends the command and returns its exit code and what it said last.
func (r *running) stop(t *testing.T) (int, string) {
	t.Helper()
	r.cancel()
	select {
	case code := <-r.code:
		return code, <-r.rest
	case <-time.After(time.Minute):
		t.Fatal("serve does not stop")
		return 0, ""
	}
}

// fetch gets one path over a connection of its own.
func fetch(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(b)
}

// onEveryDriver runs a test for each value of --driver.
func onEveryDriver(t *testing.T, f func(t *testing.T, driver string)) {
	for _, name := range backendNames() {
		t.Run(name, func(t *testing.T) { f(t, name) })
	}
}

// TestServeHTTP2Only: prior knowledge works, HTTP/1.1 gets no answer of its own kind.
func TestServeHTTP2Only(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		r := startServe(t, "--driver", driver, "--http2-only")
		tr := &http.Transport{Protocols: new(http.Protocols)}
		tr.Protocols.SetUnencryptedHTTP2(true)
		res, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get(r.url + "/plaintext")
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, 2, res.ProtoMajor)
		tr.CloseIdleConnections()
		nc, err := net.Dial("tcp", r.url[len("http://"):])
		require.NoError(t, err)
		defer nc.Close()
		_, err = io.WriteString(nc, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		require.NoError(t, nc.SetReadDeadline(time.Now().Add(time.Minute)))
		b, _ := io.ReadAll(nc)
		require.NotContains(t, string(b), "200 OK")
		nc.Close()
		code, _ := r.stop(t)
		require.Zero(t, code)
	})
}

// TestServeUpgrade: Upgrade: h2c is taken where the flag asks for it, and only there.
func TestServeUpgrade(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		if driver == "nethttp" {
			return
		}
		for _, tt := range []struct{ flag, want string }{{"--h2c-upgrade", "HTTP/1.1 101 "}, {"--http2-only=false", "HTTP/1.1 200 "}} {
			r := startServe(t, "--driver", driver, tt.flag)
			nc, err := net.Dial("tcp", r.url[len("http://"):])
			require.NoError(t, err)
			defer nc.Close()
			_, err = io.WriteString(nc, "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
			require.NoError(t, err)
			require.NoError(t, nc.SetReadDeadline(time.Now().Add(time.Minute)))
			b := make([]byte, len(tt.want))
			_, err = io.ReadFull(nc, b)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(b))
			nc.Close()
			code, _ := r.stop(t)
			require.Zero(t, code)
		}
	})
}

func TestServeAndStop(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("from the directory"), 0o600))
		require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "out")))
		r := startServe(t, "--driver", driver, "--dir", dir)
		for _, path := range []string{"/plaintext", "/native/plaintext"} {
			res, body := fetch(t, r.url+path)
			require.Equal(t, 200, res.StatusCode)
			require.Equal(t, "Hello, World!", body)
			require.Equal(t, int64(13), res.ContentLength)
			require.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
		}
		_, body := fetch(t, r.url+"/")
		require.Contains(t, body, `<b id="driver">`+driver+`</b>`)
		_, body = fetch(t, r.url+"/files/a.txt")
		require.Equal(t, "from the directory", body)
		res, _ := fetch(t, r.url+"/files/out/hostname")
		require.NotEqual(t, 200, res.StatusCode, "a link must not lead out of the directory")

		code, said := r.stop(t)
		require.Equal(t, ExitOK, code)
		require.Contains(t, said, "stopping; requests in flight have 5s\n")
		require.Regexp(t, `drained \d+, timed out 0 \(0 of them in flight\)\n$`, said)
		require.Empty(t, r.errs.String())
		_, err := net.DialTimeout("tcp", strings.TrimPrefix(r.url, "http://"), time.Second)
		require.Error(t, err, "the port is still open")
	})
}

// A clock stream is endless and an idle connection stays: neither may hold up the end.
func TestStopEndsStreamsAndIdleConnections(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		r := startServe(t, "--driver", driver, "--grace", "10s")
		res, err := http.Get(r.url + "/sse?every=1h")
		require.NoError(t, err)
		defer res.Body.Close()
		idle, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer idle.Close()
		_, err = io.WriteString(idle, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		one, err := http.ReadResponse(bufio.NewReader(idle), nil)
		require.NoError(t, err)
		require.Equal(t, 200, one.StatusCode)
		code, said := r.stop(t)
		require.Equal(t, ExitOK, code)
		require.Regexp(t, `drained 2, timed out 0 \(0 of them in flight\)\n$`, said)
		_, err = io.ReadAll(res.Body)
		require.NoError(t, err, "the stream was cut, not ended")
	})
}

// A request that does not end in time is cut and counted.
func TestStopCutsWhatDoesNotEnd(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		r := startServe(t, "--driver", driver, "--grace", "200ms")
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
		require.NoError(t, err)
		line, err := bufio.NewReaderSize(c, 16).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100 Continue\r\n", line, "the handler is waiting for the body")
		code, said := r.stop(t)
		require.Equal(t, ExitOK, code)
		require.Regexp(t, `drained 0, timed out 1 \(1 of them in flight\)`, said)
	})
}

func TestServeWhereItCannot(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		code, _, errs := run("", "serve", "--driver", driver, "--addr", l.Addr().String())
		require.Equal(t, ExitFailure, code)
		require.Contains(t, errs, l.Addr().String()+" is taken; choose another address with --addr")
		code, _, errs = run("", "serve", "--driver", driver, "--addr", "127.0.0.1:0", "--dir", filepath.Join(t.TempDir(), "none"))
		require.Equal(t, ExitFailure, code)
		require.Contains(t, errs, "--dir: ")
		code, _, errs = run("", "serve", "--driver", driver, "--addr", "nonsense")
		require.Equal(t, ExitFailure, code)
		require.NotEmpty(t, errs)
	})
}

// The real process ends cleanly on both signals.
func TestSignals(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	onEveryDriver(t, func(t *testing.T, driver string) {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, exe, "serve", "--addr", "127.0.0.1:0", "--driver", driver)
			cmd.Env = append(os.Environ(), "PUREWIRE_AS_COMMAND=1")
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			rest := make(chan string, 1)
			_, body := fetch(t, "http://"+readAddress(t, out, rest)+"/plaintext")
			require.Equal(t, "Hello, World!", body)
			require.NoError(t, cmd.Process.Signal(sig))
			said := <-rest
			require.NoError(t, cmd.Wait(), "exit code after %v", sig)
			require.Contains(t, said, "drained ")
		}
	})
}
