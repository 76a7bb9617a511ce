package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/server"
)

// protocols is what ALPN offers, by preference. The server looks at the choice: see server.TLSLink.
var protocols = []string{"h2", "http/1.1"}

// reloadEvery is how often --cert and --key are looked at.
const reloadEvery = 5 * time.Second

// tlsConfig makes the configuration of --tls-addr and a line about it. Until ctx ends it follows changes of the files.
func tlsConfig(ctx context.Context, f serveFlags, e Env) (*tls.Config, string, error) {
	base := &tls.Config{NextProtos: protocols, MinVersion: tls.VersionTLS12}
	if f.http2Only {
		base.NextProtos = protocols[:1]
	}
	if f.cert == "" {
		host, _, err := net.SplitHostPort(f.tlsAddr)
		if err != nil {
			return nil, "", err
		}
		pair, err := selfSigned(host)
		if err != nil {
			return nil, "", err
		}
		base.Certificates = []tls.Certificate{pair}
		return base, "a certificate made for this run", nil
	}
	r, err := tlswrap.NewReloader(tlswrap.Files{Cert: f.cert, Key: f.key}, base)
	if err != nil {
		return nil, "", err
	}
	report := func(err error) {
		if err != nil {
			fmt.Fprintf(e.Stderr, "purewire serve: the certificate stays as it was: %v\n", err)
			return
		}
		fmt.Fprintf(e.Stdout, "certificate reloaded, good until %s\n", r.Leaf().NotAfter.Format(time.DateOnly))
	}
	go r.Watch(ctx, reloadEvery, report)
	if len(reloadSignals) > 0 {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, reloadSignals...)
		go func() {
			defer signal.Stop(asked)
			for {
				select {
				case <-ctx.Done():
					return
				case <-asked:
					report(r.Reload())
				}
			}
		}()
	}
	return r.Config(), f.cert, nil
}

// selfSigned makes a certificate for this machine and host. It lives in memory only.
func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "purewire demo"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(90 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch ip := net.ParseIP(host); {
	case ip != nil:
		tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
	case host != "" && host != "localhost":
		tmpl.DNSNames = append(tmpl.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// secure puts TLS in front of svc, if there is to be any.
func secure(svc drivers.Service, cfg *tls.Config) (drivers.Service, error) {
	if cfg == nil {
		return svc, nil
	}
	return tlswrap.New(svc, cfg, tlswrap.Options{NotTLS: server.NotTLS})
}

// both is two backends that start and stop together: one in plain text, one with TLS.
type both struct {
	plain, secure backend
	done          chan struct{}
	err           error
}

func together(plain, secure backend) *both {
	b := &both{plain: plain, secure: secure, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		select {
		case <-plain.Done():
			b.err = plain.Err()
		case <-secure.Done():
			b.err = secure.Err()
		}
	}()
	return b
}

func (b *both) Addr() net.Addr        { return b.plain.Addr() }
func (b *both) About() string         { return b.plain.About() }
func (b *both) Done() <-chan struct{} { return b.done }
func (b *both) Err() error            { return b.err }

func (b *both) Shutdown(ctx context.Context) (drivers.Report, error) {
	var second drivers.Report
	var err2 error
	through := make(chan struct{})
	go func() {
		defer close(through)
		second, err2 = b.secure.Shutdown(ctx)
	}()
	r, err := b.plain.Shutdown(ctx)
	<-through
	r.Drained += second.Drained
	r.TimedOut += second.TimedOut
	r.InFlight += second.InFlight
	r.Crashed += second.Crashed
	return r, errors.Join(err, err2)
}
