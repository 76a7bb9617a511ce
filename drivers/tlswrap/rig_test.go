package tlswrap_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/stdnet"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "purewire test authority"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// issue returns a certificate for name, which is good for servers and clients on this machine.
func (a *authority) issue(tb testing.TB, name string) tls.Certificate {
	tb.Helper()
	return a.issueUntil(tb, name, time.Now().Add(time.Hour))
}

func (a *authority) issueUntil(tb testing.TB, name string, end time.Time) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// exampleCertificate is for examples, which have no testing.T.
func exampleCertificate() tls.Certificate {
	t := &testing.T{}
	return newAuthority(t).issue(t, "localhost")
}

// engine starts a driver.
type engine struct {
	name  string
	start func(tb testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server
}

// pairs is for how many connections there are descriptors, both ends in this process.
var pairs = func() int { return 1000 }

var engines = []engine{{"stdnet", startStdnet}}

type stdServer struct {
	*stdnet.Server
	addrs []net.Addr
	loops sync.WaitGroup
}

func (s *stdServer) Addrs() []net.Addr { return s.addrs }

func (s *stdServer) Shutdown(ctx context.Context) drivers.Report {
	r := s.Server.Shutdown(ctx)
	s.loops.Wait()
	return r
}

func (s *stdServer) Close() error {
	err := s.Server.Close()
	s.loops.Wait()
	return err
}

func startStdnet(tb testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
	s := &stdServer{Server: stdnet.New(svc, stdnet.Config{
		HighWater: o.HighWater, KillWater: o.KillWater, MaxTail: o.MaxTail, MaxConns: o.MaxConns, MaxPosts: o.MaxPosts,
		WriteStall: o.WriteStall, LingerTime: o.Linger,
	})}
	n := max(1, o.Listeners)
	for i := range n {
		network, addr := endpoint(o, i)
		l, err := net.Listen(network, addr)
		if err != nil {
			tb.Fatal(err)
		}
		s.addrs = append(s.addrs, l.Addr())
		s.loops.Go(func() { _ = s.Serve(l) })
	}
	return s
}

// endpoint says where listener i listens.
func endpoint(o drivertest.Options, i int) (network, addr string) {
	if o.Network == "unix" {
		return "unix", o.Dir + "/" + string(rune('0'+i))
	}
	return "tcp", "127.0.0.1:0"
}

// secured is a server whose clients speak TLS.
type secured struct {
	drivertest.Server
	client *tls.Config
}

func (s secured) Dial(a net.Addr) (net.Conn, error) {
	c, err := net.DialTimeout(a.Network(), a.String(), slow)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(slow))
	tc := tls.Client(c, s.client)
	if err := tc.Handshake(); err != nil {
		c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	return tc, nil
}
