package recovery

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec/quic"
)

// sendMarked sends n packets, marked as the Sender wants, and returns how many were.
func sendMarked(t testing.TB, s *Sender, n int) (marked int) {
	t.Helper()
	for range n {
		p := sent1(s.Next(Application))
		if p.Marked = s.Marking(); p.Marked {
			marked++
		}
		require.NoError(t, s.Sent(t0, Application, p))
	}
	return marked
}

// TestECNValidation has the rules of RFC 9000 section 13.4.2.1, one each.
func TestECNValidation(t *testing.T) {
	type report struct {
		low, high int64
		ecn       *quic.AckInfo
	}
	counts := func(ect0, ect1, ce uint64) *quic.AckInfo { return &quic.AckInfo{ECT0: ect0, ECT1: ect1, CE: ce} }
	for _, c := range []struct {
		name            string
		reports         []report
		capable, failed bool
		ce              uint64
	}{
		{"all reported", []report{{0, 9, counts(10, 0, 0)}}, true, false, 0},
		{"some marked on the way", []report{{0, 4, counts(3, 0, 2)}, {5, 9, counts(7, 0, 3)}}, true, false, 3},
		{"more than are acknowledged: an ACK was lost", []report{{5, 9, counts(9, 0, 1)}}, true, false, 1},
		{"13.4.2.1-2: counts are not there", []report{{0, 9, nil}}, false, true, 0},
		{"13.4.2.1-2: no more", []report{{0, 4, counts(5, 0, 0)}, {5, 9, nil}}, true, true, 0},
		{"13.4.2.1-3: too few", []report{{0, 9, counts(9, 0, 0)}}, false, true, 0},
		{"13.4.2.1-3: too few more", []report{{0, 4, counts(5, 0, 0)}, {5, 9, counts(9, 0, 0)}}, true, true, 0},
		{"counts shrink", []report{{0, 4, counts(5, 0, 2)}, {5, 9, counts(9, 0, 1)}}, true, true, 2},
		{"13.4.2.1-6: more than were sent", []report{{0, 9, counts(11, 0, 0)}}, false, true, 0},
		{"13.4.2.1-6: more marked on the way than were sent", []report{{0, 9, counts(10, 0, 1)}}, false, true, 0},
		{"13.4.2.1-6: never sent with ECT(1)", []report{{0, 9, counts(9, 1, 1)}}, false, true, 0},
		{"13.4.2.1-5: an older ACK fails nothing", []report{{5, 9, counts(10, 0, 0)}, {0, 4, nil}}, true, false, 0},
		{"nothing to say", []report{{10, 10, nil}}, false, false, 0},
		{"nothing was marked, but something is counted", []report{{10, 10, counts(0, 1, 0)}}, false, true, 0},
		{"no report is believed afterwards", []report{{0, 4, counts(0, 1, 0)}, {5, 9, counts(5, 1, 5)}}, false, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := newSender(t), &Batch{}
			require.Equal(t, ecnTests, sendMarked(t, s, 15), "RFC 9000 section 13.4.2: the first ten")
			ce, capable := uint64(0), false
			for _, r := range c.reports {
				require.NoError(t, s.Ack(t0+ms, Application, ackFrame(t, 0, r.ecn, rangeOf(r.low, r.high)), b))
				if ce += b.CE; b.CE > 0 {
					require.Equal(t, t0, b.CESentAt)
				}
				capable = capable || s.ECN().Capable()
			}
			require.Equal(t, c.capable, capable)
			require.Equal(t, c.failed, s.ECN().Failed())
			require.Equal(t, c.ce, ce)
			require.Equal(t, c.capable && !c.failed, s.Marking())
		})
	}
}

// 9000-13.4.2-3.2: all packets with ECT are lost.
func TestECNBlackHole(t *testing.T) {
	s, b := newSender(t), &Batch{}
	sendMarked(t, s, 14)
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(12, 13)), b))
	require.True(t, s.ECN().Failed())
	// One that arrives is enough.
	s = newSender(t)
	sendMarked(t, s, 14)
	require.NoError(t, s.Ack(t0+ms, Application, ackFrame(t, 0, &quic.AckInfo{ECT0: 1}, rangeOf(12, 13), rangeOf(4, 4)), b))
	require.True(t, s.ECN().Capable())
	s.Advance(t0+1000*ms, b)
	require.False(t, s.ECN().Failed())
	// Nothing at all arrives: after three probe timeouts, probes are not marked.
	s = newSender(t)
	require.Equal(t, 1, sendMarked(t, s, 1))
	for range ecnTimeouts {
		require.True(t, s.Marking())
		s.Advance(s.Deadline(), b)
	}
	require.False(t, s.Marking())
	send(t, s, s.now, Application)
	require.NoError(t, s.Ack(s.now+ms, Application, ackOf(t, rangeOf(1, 1)), b))
	require.Equal(t, []int64{0}, fates(b)[Lost])
	require.True(t, s.ECN().Failed())
	// A new path is another chance.
	s.NewPath(s.now, 0, b)
	require.True(t, s.Marking())
	sendMarked(t, s, 1)
	require.NoError(t, s.Ack(s.now+ms, Application, ackFrame(t, 0, &quic.AckInfo{ECT0: 1}, rangeOf(2, 2)), b))
	require.True(t, s.ECN().Capable())
}

// The packets of the test may be lost before it ends.
func TestECNLostBefore(t *testing.T) {
	s, b := newSender(t), &Batch{}
	require.Equal(t, 2, sendMarked(t, s, 2))
	for range 3 {
		send(t, s, t0, Application)
	}
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(4, 4)), b))
	require.Equal(t, []int64{0, 1}, fates(b)[Lost])
	require.True(t, s.Marking(), "eight more are to be sent")
	for range ecnTimeouts {
		s.Advance(s.Deadline(), b)
		for !b.Probe {
			s.Advance(s.Deadline(), b)
			send(t, s, s.now, Application)
		}
		send(t, s, s.now, Application)
	}
	require.True(t, s.ECN().Failed())
}

func TestNoECN(t *testing.T) {
	var s Sender
	require.NoError(t, s.Init(Config{Role: quic.Client, NoSkip: true, NoECN: true}))
	require.False(t, s.Marking())
}

// TestECNDiscarded: packets whose fate is not known any more are neither here nor there.
func TestECNDiscarded(t *testing.T) {
	s, b := newSender(t), &Batch{}
	require.NoError(t, s.Sent(t0, Initial, Packet{Octets: 1200, Eliciting: true, Marked: true}))
	sendMarked(t, s, 13)
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(12, 12)), b))
	require.False(t, s.ECN().Failed(), "the Initial packet may have arrived")
	require.NoError(t, s.Discard(t0+ms, Initial, b))
	require.True(t, s.ECN().Failed())
}
