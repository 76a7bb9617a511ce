//go:build linux || darwin || freebsd

package grpcurl

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	grpcreflection "google.golang.org/grpc/reflection"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/grpcproto/example/greet"
	"github.com/purewire/purewire/grpcproto/example/greeter"
	"github.com/purewire/purewire/grpcproto/reflection"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/rpc/health"
	"github.com/purewire/purewire/server"
)

func ours() *rpc.Server {
	srv := rpc.NewServer(rpc.ServerConfig{})
	greet.RegisterGreeterServer(srv, greeter.Server{})
	new(health.Server).Register(srv)
	reflection.Register(srv, reflection.Config{})
	return srv
}

// everywhere runs f with grpc-go's client of our server, on both drivers, in plain text and over TLS.
func everywhere(t *testing.T, f func(t *testing.T, cc *grpc.ClientConn)) {
	for _, driver := range []string{"stdnet", "reactor"} {
		for _, wire := range []string{"h2c", "tls"} {
			t.Run(driver+" "+wire, func(t *testing.T) {
				web, err := server.New(server.Config{Handler: ours(), ErrorLog: t.Logf})
				require.NoError(t, err)
				var svc drivers.Service = web
				trust := insecure.NewCredentials()
				if wire == "tls" {
					own, theirs := certificate(t)
					trust = credentials.NewTLS(theirs)
					svc, err = tlswrap.New(web, own, tlswrap.Options{})
					require.NoError(t, err)
				}
				f(t, dial(t, serve(t, driver, svc), trust))
			})
		}
	}
}

func serve(t *testing.T, driver string, svc drivers.Service) string {
	if driver == "reactor" {
		r, err := reactor.New(svc, reactor.Config{Loops: 1})
		require.NoError(t, err)
		require.NoError(t, r.Listen("tcp", "127.0.0.1:0", listen.Config{}))
		require.NoError(t, r.Start())
		t.Cleanup(func() { _ = r.Close() })
		return r.Addrs()[0].String()
	}
	l, err := listen.Net("tcp", "127.0.0.1:0", listen.Config{})
	require.NoError(t, err)
	s := stdnet.New(svc, stdnet.Config{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func dial(t *testing.T, addr string, trust credentials.TransportCredentials) *grpc.ClientConn {
	c, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(trust))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// theirs is grpc-go's server with its own reflection and health, and returns its address.
func theirs(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, grpchealth.NewServer())
	grpcreflection.Register(s)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func bound(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
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
