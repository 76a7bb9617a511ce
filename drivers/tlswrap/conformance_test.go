package tlswrap_test

import (
	"crypto/tls"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// Through TLS a machine is promised what package drivers promises, and the wrapper asks no more of a driver than that: guards
// stand on both sides of it.
func TestDriver(t *testing.T) {
	a := newAuthority(t)
	cert := a.issue(t, "localhost")
	for _, e := range engines {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if version == tls.VersionTLS12 && !drivertest.Full() {
				continue // the tests of this package run with both versions
			}
			sessions := tls.NewLRUClientSessionCache(0)
			t.Run(e.name+" "+tls.VersionName(version), func(t *testing.T) {
				drivertest.Run(t, drivertest.Driver{
					Name: e.name + "/tls", Costly: true,
					Start: func(t testing.TB, svc drivers.Service, o drivertest.Options) drivertest.Server {
						w, err := tlswrap.New(svc, &tls.Config{Certificates: []tls.Certificate{cert}}, tlswrap.Options{MaxTail: o.MaxTail, HandshakeTimeout: slow})
						if err != nil {
							t.Fatal(err)
						}
						if o.MaxTail > 0 {
							o.MaxTail += 32 << 10 // ciphertext: one record more
						}
						return secured{e.start(t, drivertest.Guard(t, w), o),
							&tls.Config{RootCAs: a.pool, ServerName: "localhost", MaxVersion: version,
								CurvePreferences: []tls.CurveID{tls.X25519}, ClientSessionCache: sessions}}
					},
				})
			})
		}
	}
}
