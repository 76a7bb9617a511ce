package tlswrap_test

import (
	"crypto/tls"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// FuzzChurn runs programs of connections that come, go, stall, break off and block through TLS, with the driver stopped somewhere among
// them: see drivertest.Churn. The first byte chooses the driver. Guards stand on both sides of the wrapper.
func FuzzChurn(f *testing.F) {
	for i, p := range drivertest.ChurnSeeds() {
		f.Add(append([]byte{byte(i / 4)}, p...))
	}
	a := newAuthority(f)
	cert := a.issue(f, "localhost")
	sessions := tls.NewLRUClientSessionCache(0)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		e := engines[int(data[0])%len(engines)]
		drivertest.Churn(t, drivertest.Driver{
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
					&tls.Config{RootCAs: a.pool, ServerName: "localhost", CurvePreferences: []tls.CurveID{tls.X25519}, ClientSessionCache: sessions}}
			},
		}, data[1:])
	})
}
