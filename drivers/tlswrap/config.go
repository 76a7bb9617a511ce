package tlswrap

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
)

// ErrConfig is what every error of Validate wraps.
var ErrConfig = errors.New("tlswrap: invalid tls.Config")

// Validate reports what is wrong with a server's configuration, of what crypto/tls would only find out in the handshake, or
// never:
//
//   - no certificate and nothing that could supply one
//   - a version below 1.2 allowed (RFC 8996), or no version at all
//   - ClientAuth that verifies certificates, without ClientCAs: every authority that the system knows could sign for a client
//   - a protocol name for ALPN that is empty, longer than 255 bytes (RFC 7301 section 3.1) or there twice
//   - "h2" with TLS 1.2 and a CipherSuites that lacks what RFC 9113 section 9.2.2 demands
//
// What GetConfigForClient returns is not looked at: validate it where it is made.
func Validate(cfg *tls.Config) error {
	bad := func(format string, a ...any) error { return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, a...)) }
	if cfg == nil {
		return bad("there is none")
	}
	if len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return bad("no Certificates, GetCertificate or GetConfigForClient")
	}
	if cfg.MinVersion != 0 && cfg.MinVersion < tls.VersionTLS12 {
		// RFC 8996 section 4: "TLS 1.0 MUST NOT be used."
		return bad("MinVersion %s is below TLS 1.2", tls.VersionName(cfg.MinVersion))
	}
	if cfg.MaxVersion != 0 && (cfg.MaxVersion < tls.VersionTLS12 || cfg.MaxVersion < cfg.MinVersion) {
		return bad("MaxVersion %s leaves no version", tls.VersionName(cfg.MaxVersion))
	}
	if cfg.ClientAuth >= tls.VerifyClientCertIfGiven && cfg.ClientCAs == nil {
		return bad("ClientAuth is %v without ClientCAs", cfg.ClientAuth)
	}
	for i, p := range cfg.NextProtos {
		switch {
		case p == "" || len(p) > 255:
			return bad("NextProtos[%d] has %d bytes", i, len(p))
		case slices.Contains(cfg.NextProtos[:i], p):
			return bad("NextProtos has %q twice", p)
		}
	}
	if slices.Contains(cfg.NextProtos, "h2") && cfg.CipherSuites != nil && cfg.MinVersion != tls.VersionTLS13 &&
		!slices.Contains(cfg.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) &&
		!slices.Contains(cfg.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256) {
		// RFC 9113 section 9.2.2: "deployments of HTTP/2 that use TLS 1.2 MUST support TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 with the P-256
		// elliptic curve."
		return bad("h2 needs TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, or its ECDSA sibling, among CipherSuites")
	}
	return nil
}
