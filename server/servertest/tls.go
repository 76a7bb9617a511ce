package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"
)

// identity is the certificate of all Servers of a process. It is valid at any time that a clock may show, 2000 in a bubble included.
var identity = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "purewire servertest"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames:    []string{Host, "*." + Host, "example.com", "*.example.com"},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// tlsConfig completes Options.TLS and learns whom clients trust.
func (s *Server) tlsConfig() *tls.Config {
	cfg := new(tls.Config)
	if s.opts.TLS != nil {
		cfg = s.opts.TLS.Clone()
	}
	if len(cfg.NextProtos) == 0 {
		cfg.NextProtos = []string{"http/1.1"}
		if s.opts.Protocol == HTTP2 {
			cfg.NextProtos = []string{"h2", "http/1.1"}
		}
	}
	s.roots = x509.NewCertPool()
	if len(cfg.Certificates) == 0 && cfg.GetCertificate == nil {
		cfg.Certificates = []tls.Certificate{identity()}
	}
	s.roots.AddCert(identity().Leaf)
	for _, c := range cfg.Certificates {
		// What does not parse is not trusted: the handshake will tell.
		if root, err := x509.ParseCertificate(c.Certificate[len(c.Certificate)-1]); err == nil {
			s.roots.AddCert(root)
		}
	}
	return cfg
}
