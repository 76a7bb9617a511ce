package recovery

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// 9000-14.4-2: the loss of a probe for the path's MTU tells of no congestion.
func TestMTUProbe(t *testing.T) {
	probe := func(s *Sender, at codec.Time) int64 {
		n := s.Next(Application)
		require.NoError(t, s.Sent(at, Application, Packet{Number: n, Token: uint64(n), Octets: 1452, Eliciting: true, MTUProbe: true}))
		return n
	}
	s, b := sampled(t)
	n := probe(s, t0+second)
	require.EqualValues(t, 1452, s.InFlight(), "it counts as in flight")
	first := send(t, s, t0+second, Application)
	last := send(t, s, t0+second, Application)
	send(t, s, t0+second, Application)
	require.NoError(t, s.Ack(t0+1100*ms, Application, ackOf(t, rangeOf(last+1, last+1)), b))
	require.Equal(t, []int64{n}, fates(b)[Lost])
	require.Zero(t, b.LostOctets)
	require.Equal(t, codec.Never, b.LostSentAt)
	require.EqualValues(t, 1452, b.DiscardedOctets)
	require.EqualValues(t, 2400, s.InFlight())
	// Late it arrives, which undoes no congestion event.
	require.NoError(t, s.Ack(t0+1100*ms, Application, ackOf(t, rangeOf(n, first)), b))
	require.Equal(t, map[Fate][]int64{Acked: {first}, LateAcked: {n}}, fates(b))
	require.Zero(t, b.SpuriousOctets)
	require.EqualValues(t, 1200, s.InFlight())

	// Beside other losses only those count.
	s, b = sampled(t)
	probe(s, t0+second)
	send(t, s, t0+second, Application)
	probe(s, t0+2*second)
	require.False(t, lose(t, s, b, t0+6*second), "two probes and a packet between them are no persistent congestion")
	require.EqualValues(t, 1200, b.LostOctets)
	require.Equal(t, t0+second, b.LostSentAt)
	require.EqualValues(t, 2*1452, b.DiscardedOctets)
	// Forgotten, they counted nothing.
	b2 := &Batch{}
	s.Advance(t0+100*second, b2)
	require.Len(t, fates(b2)[Forgotten], 3)
	for _, o := range b2.Outcomes {
		require.True(t, o.Octets == 0 || o.Number == first, "%+v", o)
	}
	// A probe between two other losses does not end their run.
	s, b = sampled(t)
	send(t, s, t0+second, Application)
	probe(s, t0+1500*ms)
	send(t, s, t0+2*second, Application)
	require.True(t, lose(t, s, b, t0+6*second))
	// Keys that are gone, 0-RTT that is refused: as with other packets.
	s, b = sampled(t)
	probe(s, t0+second)
	s.RejectZeroRTT(t0+second, b)
	require.EqualValues(t, 1452, b.DiscardedOctets)
	require.Zero(t, s.InFlight())
}

// A record of a skipped number says that it stands for itself alone, so that an acknowledgment of more than it passes on to the packets before it.
func TestSkippedRecord(t *testing.T) {
	var s Sender
	require.NoError(t, s.Init(Config{Role: quic.Server, Rand: func() uint64 { return 0 }}))
	for range 40 {
		send(t, &s, t0, Application)
	}
	sp, found := &s.spaces[Application], 0
	for n := sp.base; n < sp.next; n++ {
		if p := sp.at(n); p.state == skipped {
			require.Equal(t, n, p.aux)
			found++
		}
	}
	require.Equal(t, 2, found)
}

// Round-trip times beyond all measure, the largest backoff, and no deadline that lies in the past.
func TestNoOverflow(t *testing.T) {
	for _, initial := range []time.Duration{math.MaxInt64, math.MaxInt64 / 3, 1 << 58, -1, 1} {
		var s Sender
		require.NoError(t, s.Init(Config{Role: quic.Client, NoSkip: true, InitialRTT: initial, Limits: Limits{Backoff: -1}}))
		require.NoError(t, s.SetPeer(1<<14*time.Millisecond-1, 20))
		s.HandshakeConfirmed(t0)
		require.Positive(t, s.ProbeTimeout())
		var b Batch
		now := t0
		n := send(t, &s, now, Application)
		for range 70 {
			require.Greater(t, s.Deadline(), now)
			now = s.Deadline()
			if now == math.MaxInt64 {
				break
			}
			s.Advance(now, &b)
			require.True(t, b.Probe)
		}
		now = math.MaxInt64 - 1
		require.NoError(t, s.Ack(now, Application, ackFrame(t, math.MaxInt64>>2, nil, rangeOf(n, n)), &b))
		require.True(t, b.Sampled)
		require.Positive(t, s.RTT().Smoothed())
		require.Positive(t, s.RTT().Timeout())
		require.Positive(t, s.RTT().LossDelay())
		require.Positive(t, s.persistent())
	}
}

// An acknowledgment of an earlier ACK frame does not take from the next one what arrived in between, with a lower number.
//
// 9000-13.2.1-1: "Every packet SHOULD be acknowledged at least once, and ack-eliciting packets MUST be acknowledged at least once within the maximum delay an
// endpoint communicated using the max_ack_delay transport parameter".
func TestLatePacketIsAcknowledged(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	for _, n := range []int64{0, 1, 2, 4, 5} {
		require.NoError(t, r.Received(t0, Application, n, true, NotECT))
	}
	r.AckSent(Application, true)
	// One datagram brings the late packet, the next one the acknowledgment of our ACK frame, and only then is something sent.
	require.NoError(t, r.Received(t0, Application, 3, true, NotECT))
	require.NoError(t, r.Received(t0, Application, 6, false, NotECT))
	r.AckAcked(Application, 5)
	require.True(t, r.Owed(t0, Application))
	out, _, err := r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err)
	a := decodeAck(t, out)
	it := a.Ranges()
	rg, found := it.Next()
	require.True(t, found)
	require.LessOrEqual(t, rg.Smallest, uint64(3))
	// The twin: once it is sent, it goes the way of all others.
	r.AckSent(Application, true)
	r.AckAcked(Application, 5)
	out, _, err = r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err)
	require.Equal(t, uint64(0), decodeAck(t, out).First)
}
