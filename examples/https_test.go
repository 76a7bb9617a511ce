//go:build linux || darwin || freebsd

package examples

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writeCertificate makes a certificate that signs itself, for servers and clients.
func writeCertificate(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	kder, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder}), 0o600))
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return certFile, keyFile
}

func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, "server")
	mine, mineKey := writeCertificate(t, dir, "alice")
	addr := program(t, "https", "-addr", "127.0.0.1:0", "-cert", cert, "-key", key, "-ca", mine)
	pool := x509.NewCertPool()
	b, err := os.ReadFile(cert)
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(b))
	ask := func(h2 bool, certs ...tls.Certificate) string {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs}, ForceAttemptHTTP2: h2}
		defer tr.CloseIdleConnections()
		status, got := do(t, &http.Client{Transport: tr, Timeout: time.Minute}, "GET", "https://"+addr+"/", "")
		require.Equal(t, 200, status)
		return got
	}
	require.Equal(t, "Hello, stranger, over HTTP/1.1 and TLS 1.3!\n", ask(false))
	require.Equal(t, "Hello, stranger, over HTTP/2.0 and TLS 1.3!\n", ask(true))
	pair, err := tls.LoadX509KeyPair(mine, mineKey)
	require.NoError(t, err)
	require.Equal(t, "Hello, alice, over HTTP/2.0 and TLS 1.3!\n", ask(true, pair))
	status, _ := do(t, newClient(t), "GET", "http://"+addr+"/", "")
	require.Equal(t, 400, status)
}
