//go:build linux || darwin || freebsd

// Package example has no code of its own: its programs are built, started, talked to and stopped by its test.
package example

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
	"github.com/stretchr/testify/require"
)

func build(t *testing.T, ctx context.Context, name string) string {
	exe := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "./"+name).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exe
}

// certificate writes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string, trust *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	kder, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certFile, pair, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder}), 0o600))
	trust = x509.NewCertPool()
	require.True(t, trust.AppendCertsFromPEM(pair))
	return certFile, keyFile, trust
}

func TestPrograms(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	server, caller := build(t, ctx, "server"), build(t, ctx, "client")
	cert, key, trust := certificate(t)
	for _, driver := range []string{"stdnet", "reactor"} {
		for _, wire := range []string{"plain", "TLS"} {
			t.Run(driver+" "+wire, func(t *testing.T) {
				args := []string{"-addr", "127.0.0.1:0", "-driver", driver}
				if wire == "TLS" {
					args = append(args, "-cert", cert, "-key", key)
				}
				cmd := exec.CommandContext(ctx, server, args...)
				cmd.Stderr = os.Stderr
				pipe, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				defer func() { _ = cmd.Process.Kill() }()
				line, err := bufio.NewReader(pipe).ReadString('\n')
				require.NoError(t, err)
				base := strings.TrimSuffix(strings.TrimSpace(line), "/")

				tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C | client.HTTP2, TLS: &tls.Config{RootCAs: trust}}
				defer tr.Close()
				c := &rpc.Client{Base: base, Transport: tr}
				reply, err := greet.NewGreeterClient(c).Hello(ctx, &greet.HelloRequest{Name: wire})
				require.NoError(t, err)
				require.Equal(t, "Hello, "+wire+"!", reply.Text)
				st, err := health.Check(ctx, c, greet.Greeter_ServiceName)
				require.NoError(t, err)
				require.Equal(t, health.Serving, st)
				if wire == "plain" {
					out, err := exec.CommandContext(ctx, caller, "-base", base).CombinedOutput()
					require.NoError(t, err, "%s", out)
					require.Equal(t, "Hello: Hello, World!\nEverybody: Hello, Ada, Grace!\nAgain: 3 times\nChat: HELLO, ALAN!\nChat: HELLO, EDSGER!\n"+
						"Nobody: grpc: INVALID_ARGUMENT: name is missing\n  detail: name\n", string(out))
				}
				require.NoError(t, tr.Close())
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
				require.NoError(t, cmd.Wait())
			})
		}
	}
}
