package tlswrap_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// TL02: what crypto/tls would only find out in the handshake, or never, is said at the start; each with its twin.
func TestValidate(t *testing.T) {
	cert := []tls.Certificate{{}}
	pool := x509.NewCertPool()
	for _, c := range []struct {
		cfg  *tls.Config
		want string // "" for fine
	}{
		{nil, "there is none"},
		{&tls.Config{}, "no Certificates"},
		{&tls.Config{Certificates: cert}, ""},
		{&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}, ""},
		{&tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }}, ""},
		{&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS11}, "MinVersion TLS 1.1 is below TLS 1.2"},
		{&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS12}, ""},
		{&tls.Config{Certificates: cert, MaxVersion: tls.VersionTLS11}, "MaxVersion TLS 1.1 leaves no version"},
		{&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}, "MaxVersion TLS 1.2 leaves no version"},
		{&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13}, ""},
		{&tls.Config{Certificates: cert, ClientAuth: tls.RequireAndVerifyClientCert}, "without ClientCAs"},
		{&tls.Config{Certificates: cert, ClientAuth: tls.VerifyClientCertIfGiven}, "without ClientCAs"},
		{&tls.Config{Certificates: cert, ClientAuth: tls.RequireAnyClientCert}, ""},
		{&tls.Config{Certificates: cert, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}, ""},
		{&tls.Config{Certificates: cert, NextProtos: []string{"h2", ""}}, "NextProtos[1] has 0 bytes"},
		{&tls.Config{Certificates: cert, NextProtos: []string{strings.Repeat("x", 256)}}, "NextProtos[0] has 256 bytes"},
		{&tls.Config{Certificates: cert, NextProtos: []string{strings.Repeat("x", 255)}}, ""},
		{&tls.Config{Certificates: cert, NextProtos: []string{"h2", "http/1.1", "h2"}}, `NextProtos has "h2" twice`},
		{&tls.Config{Certificates: cert, NextProtos: []string{"h2"}, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, "h2 needs"},
		{&tls.Config{Certificates: cert, NextProtos: []string{"h2"}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, ""},
		{&tls.Config{Certificates: cert, NextProtos: []string{"h2"}, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}, MinVersion: tls.VersionTLS13}, ""},
		{&tls.Config{Certificates: cert, NextProtos: []string{"http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, ""},
	} {
		err := tlswrap.Validate(c.cfg)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, tlswrap.ErrConfig) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
		if _, err := tlswrap.New(drivertest.Echo, c.cfg, tlswrap.Options{}); (err == nil) != (c.want == "") {
			t.Errorf("New: %v, want %q", err, c.want)
		}
	}
}
