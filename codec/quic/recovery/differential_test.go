package recovery

import (
	"testing"
)

// TestDifferential runs clients and servers over bad links, and the pseudocode of RFC 9002 beside each: the same packets acknowledged and
// lost, the same timers, estimates and counts after every call; and every run delivers everything and comes to rest.
func TestDifferential(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	var sum struct{ packets, lost, acked, declared, late, forgotten, discarded, persistent, probes, ce, capable, failed, inexact int }
	for seed := range seeds {
		w := newWorld(seed, nil)
		if diff := w.run(); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		sum.packets += w.packets
		sum.lost += w.lost
		for _, e := range []*endpoint{w.client, w.server} {
			sum.acked += e.p.counts[Acked]
			sum.declared += e.p.counts[Lost]
			sum.late += e.p.counts[LateAcked]
			sum.forgotten += e.p.counts[Forgotten]
			sum.discarded += e.p.counts[Discarded]
			sum.persistent += e.p.ends
			sum.probes += e.p.probes
			sum.ce += int(e.p.ce)
			sum.inexact += e.p.inexact
			if e.p.s.ECN().Capable() {
				sum.capable++
			}
			if e.p.s.ECN().Failed() {
				sum.failed++
			}
		}
	}
	t.Logf("%+v", sum)
	if sum.late == 0 || sum.forgotten == 0 || sum.discarded == 0 || sum.persistent == 0 || sum.probes == 0 || sum.ce == 0 || sum.capable == 0 || sum.failed == 0 {
		t.Errorf("something never happened: %+v", sum)
	}
}
