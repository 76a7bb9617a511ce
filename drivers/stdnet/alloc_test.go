//go:build !race

package stdnet_test

import (
	"testing"

	"github.com/purewire/purewire/drivers/drivertest"
)

// The race detector makes sync.Pool forget at random, so this runs without it.

// The hot path allocates nothing: one read, the machine, one write.
func TestTurnDoesNotAllocate(t *testing.T) {
	ping, end := pingPong(t, drivertest.Echo)
	defer end()
	for range 100 {
		ping()
	}
	if n := testing.AllocsPerRun(1000, ping); n > 0.5 {
		t.Errorf("%v allocations per round trip", n)
	}
}
