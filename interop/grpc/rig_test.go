//go:build linux || darwin || freebsd

package grpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/server"
)

// place is a server that runs: where it listens, and what a client must trust, nil in plain text.
type place struct {
	addr string
	tls  *tls.Config
}

func (p place) url() string {
	if p.tls != nil {
		return "https://" + p.addr
	}
	return "http://" + p.addr
}

// impatient are deadlines that a conversation must outlive: the tests' pauses are longer.
var impatient = server.Deadlines{BodyIdle: pause / 3, BodyGrace: pause / 3, Handler: pause / 2, Request: pause / 2, Head: pause / 3}

// pause is how long a quiet stream is quiet.
const pause = 1500 * time.Millisecond

// everywhere runs f against h on both drivers, in plain text with prior knowledge and over TLS.
func everywhere(t *testing.T, h http.Handler, f func(t *testing.T, p place)) {
	everywhereWith(t, server.Config{Handler: h}, f)
}

func everywhereWith(t *testing.T, cfg server.Config, f func(t *testing.T, p place)) {
	for _, driver := range []string{"stdnet", "reactor"} {
		for _, wire := range []string{"h2c", "h2"} {
			t.Run(driver+"/"+wire, func(t *testing.T) {
				var p place
				cfg := cfg
				cfg.DisableHTTP1, cfg.ErrorLog = true, t.Logf
				srv, err := server.New(cfg)
				require.NoError(t, err)
				var svc drivers.Service = srv
				if wire == "h2" {
					own, theirs := certificate(t)
					p.tls = theirs
					svc, err = tlswrap.New(srv, own, tlswrap.Options{})
					require.NoError(t, err)
				}
				p.addr = serve(t, driver, svc)
				f(t, p)
			})
		}
	}
}

// serve runs svc until the test ends, and expects that nothing is left of it then.
func serve(t *testing.T, driver string, svc drivers.Service) string {
	if driver == "reactor" {
		r, err := reactor.New(svc, reactor.Config{Loops: 1})
		require.NoError(t, err)
		require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
		require.NoError(t, r.Start())
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			rep := r.Shutdown(ctx)
			require.Zero(t, rep.TimedOut)
			require.Zero(t, rep.Crashed)
		})
		return r.Addrs()[0].String()
	}
	l, err := listen.Net("tcp", "127.0.0.1:0", listen.Config{})
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rep := s.Shutdown(ctx)
		require.Zero(t, rep.TimedOut)
		require.Zero(t, rep.Crashed)
		<-done
	})
	return l.Addr().String()
}

func certificate(t *testing.T) (own, theirs *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2"}},
		&tls.Config{RootCAs: pool}
}
