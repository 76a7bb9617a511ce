package stdnet_test

import (
	"net"
	"testing"

	"github.com/purewire/purewire/drivers/drivertest"
)

// FuzzChurn runs programs of connections that come, go, stall, break off and block, with the driver stopped somewhere among them: see
// drivertest.Churn. The first byte chooses whether the connections have descriptors.
func FuzzChurn(f *testing.F) {
	for i, p := range drivertest.ChurnSeeds() {
		f.Add(append([]byte{byte(i / 4)}, p...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		wrap := func(l net.Listener) net.Listener { return l }
		if data[0]&1 == 1 {
			wrap = func(l net.Listener) net.Listener { return hiding{l} }
		}
		drivertest.Churn(t, drivertest.Driver{Name: "stdnet", Start: starter(wrap)}, data[1:])
	})
}
