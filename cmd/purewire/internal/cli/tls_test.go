package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
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

var secureAddress = regexp.MustCompile(`https://(\S+)/`)

// writePair writes a fresh certificate and key to dir.
func writePair(t *testing.T, dir string) (cert, key string, leaf *x509.Certificate) {
	t.Helper()
	pair, err := selfSigned("127.0.0.1")
	require.NoError(t, err)
	leaf, err = x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name, kind string, b []byte) {
		tmp := name + ".new"
		require.NoError(t, os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		require.NoError(t, os.Rename(tmp, name))
	}
	write(key, "PRIVATE KEY", der)
	write(cert, "CERTIFICATE", pair.Certificate[0])
	return cert, key, leaf
}

// process runs the real command and waits for its greeting.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, url string, rest chan string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, exe, append([]string{"serve", "--addr", "127.0.0.1:0", "--tls-addr", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "PUREWIRE_AS_COMMAND=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	rest = make(chan string, 1)
	var head bytes.Buffer
	readAddress(t, io.TeeReader(out, &head), rest)
	m := secureAddress.FindStringSubmatch(head.String())
	require.NotNil(t, m, "no https address in %q", head.String())
	return cmd, "https://" + m[1], rest
}

// secureGet gets a path over a connection of its own.
func secureGet(t *testing.T, url string, h2 bool) (*http.Response, string) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(b)
}

func TestServeTLS(t *testing.T) {
	onEveryDriver(t, func(t *testing.T, driver string) {
		dir := t.TempDir()
		certFile, keyFile, first := writePair(t, dir)
		cmd, url, rest := process(t, "--driver", driver, "--cert", certFile, "--key", keyFile)
		res, body := secureGet(t, url+"/plaintext", false)
		require.Equal(t, "Hello, World!", body)
		require.Equal(t, "HTTP/1.1", res.Proto)
		require.Equal(t, first.Raw, res.TLS.PeerCertificates[0].Raw)
		res, body = secureGet(t, url+"/plaintext", true)
		require.Equal(t, "Hello, World!", body)
		require.Equal(t, "HTTP/2.0", res.Proto)

		// Plain HTTP on this port is told so.
		plain, _ := fetch(t, "http"+strings.TrimPrefix(url, "https")+"/")
		require.Equal(t, 400, plain.StatusCode)

		// SIGHUP: what shakes hands from now on sees the new certificate.
		_, _, second := writePair(t, dir)
		require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool {
			res, _ := secureGet(t, url+"/plaintext", false)
			return bytes.Equal(res.TLS.PeerCertificates[0].Raw, second.Raw)
		}, time.Minute, 10*time.Millisecond)

		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		said := <-rest
		require.NoError(t, cmd.Wait())
		require.Contains(t, said, "certificate reloaded")
		require.Regexp(t, `drained \d+, timed out 0`, said)
	})
}

// Without --cert a certificate is made, which names the host.
func TestServeTLSSelfMade(t *testing.T) {
	cmd, url, rest := process(t)
	res, body := secureGet(t, url+"/plaintext", true)
	require.Equal(t, "Hello, World!", body)
	require.NoError(t, res.TLS.PeerCertificates[0].VerifyHostname("127.0.0.1"))
	require.NoError(t, res.TLS.PeerCertificates[0].VerifyHostname("localhost"))
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	<-rest
	require.NoError(t, cmd.Wait())
}

func TestServeTLSWhereItCannot(t *testing.T) {
	code, _, errs := run("", "serve", "--tls-addr", "127.0.0.1:0", "--cert", "a.pem")
	require.Equal(t, ExitUsage, code)
	require.Contains(t, errs, "--cert and --key belong together")
	code, _, errs = run("", "serve", "--cert", "a.pem", "--key", "a.pem")
	require.Equal(t, ExitUsage, code)
	require.Contains(t, errs, "--tls-addr, which is missing")
	onEveryDriver(t, func(t *testing.T, driver string) {
		r := startServe(t, "--driver", driver)
		taken := strings.TrimPrefix(r.url, "http://")
		code, _, errs := run("", "serve", "--driver", driver, "--addr", "127.0.0.1:0", "--tls-addr", taken)
		require.Equal(t, ExitFailure, code)
		require.Contains(t, errs, taken+" is taken; choose another address with --tls-addr")
		code, _, errs = run("", "serve", "--driver", driver, "--addr", "127.0.0.1:0", "--tls-addr", "127.0.0.1:0", "--cert", "none", "--key", "none")
		require.Equal(t, ExitFailure, code)
		require.Contains(t, errs, "none")
		r.stop(t)
	})
}
