package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const (
	ms = codec.Time(time.Millisecond)
	t0 = 1000 * ms
)

// ackOf makes the ACK frame of the packets, which are in descending ranges.
func ackOf(t testing.TB, rs ...quic.Range) *quic.AckInfo {
	t.Helper()
	return ackFrame(t, 0, nil, rs...)
}

// ackFrame makes an ACK frame and decodes it: Blocks as they come from the wire.
func ackFrame(t testing.TB, delay uint64, ecn *quic.AckInfo, rs ...quic.Range) *quic.AckInfo {
	t.Helper()
	wire, n, err := quic.AppendAck(nil, delay, rs, ecn, 1<<20)
	if err != nil || n != len(rs) {
		t.Fatal(n, err)
	}
	return decodeAck(t, wire)
}

func decodeAck(t testing.TB, wire []byte) *quic.AckInfo {
	t.Helper()
	var d quic.FrameDecoder
	var f quic.Frame
	d.Init(quic.Server, quic.OneRTT, len(wire))
	if _, err := d.Next(wire, &f); err != nil || f.Kind != quic.Ack {
		t.Fatal(f.Kind, err)
	}
	return &f.Ack
}

// newSender makes a Sender that skips no numbers and whose handshake is confirmed.
func newSender(t testing.TB) *Sender {
	t.Helper()
	s := new(Sender)
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true}))
	s.HandshakeConfirmed(t0)
	return s
}

func send(t testing.TB, s *Sender, now codec.Time, space Space) int64 {
	t.Helper()
	n := s.Next(space)
	require.NoError(t, s.Sent(now, space, Packet{Number: n, Token: uint64(n), Octets: 1200, Eliciting: true}))
	return n
}

func fates(b *Batch) map[Fate][]int64 {
	m := map[Fate][]int64{}
	for _, o := range b.Outcomes {
		m[o.Fate] = append(m[o.Fate], o.Number)
	}
	return m
}

func requireError(t testing.TB, err error, scope codec.Scope, reason string) {
	t.Helper()
	var e *quic.Error
	require.True(t, errors.As(err, &e), "%v", err)
	require.Equal(t, scope, e.Scope)
	require.Equal(t, reason, e.Reason)
}

func TestPacketThreshold(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 5 {
		send(t, s, t0, Application)
	}
	require.Equal(t, int64(6000), s.InFlight())
	require.NoError(t, s.Ack(t0+10*ms, Application, ackOf(t, quic.Range{Smallest: 4, Largest: 4}), b))
	require.Equal(t, map[Fate][]int64{Acked: {4}, Lost: {0, 1}}, fates(b))
	require.Equal(t, int64(1200), b.AckedOctets)
	require.Equal(t, int64(2400), b.LostOctets)
	require.Equal(t, t0, b.LostSentAt)
	require.Equal(t, 10*time.Millisecond, b.Sample)
	require.Equal(t, int64(2400), s.InFlight())
	// The other two are lost by time: 9/8 of 10 ms.
	require.Equal(t, t0+11*ms+ms/4, s.Deadline())
	s.Advance(t0+11*ms, b)
	require.Empty(t, b.Outcomes, "too early")
	s.Advance(s.Deadline(), b)
	require.Equal(t, map[Fate][]int64{Lost: {2, 3}}, fates(b))
	require.Equal(t, codec.Never, s.Deadline())
	require.Zero(t, s.InFlight())
}

func TestLateAck(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 5 {
		send(t, s, t0, Application)
	}
	require.NoError(t, s.Ack(t0+10*ms, Application, ackOf(t, quic.Range{Smallest: 4, Largest: 4}), b))
	require.NoError(t, s.Ack(t0+11*ms, Application, ackOf(t, quic.Range{Smallest: 1, Largest: 4}), b))
	require.Equal(t, map[Fate][]int64{Acked: {3, 2}, LateAcked: {1}}, fates(b))
	require.Equal(t, int64(1200), b.SpuriousOctets)
	require.False(t, b.Sampled, "the largest is not newly acknowledged")
	s.Advance(t0+10_000*ms, b)
	require.Equal(t, map[Fate][]int64{Forgotten: {0}}, fates(b))
	require.NoError(t, s.Ack(t0+10_001*ms, Application, ackOf(t, quic.Range{Smallest: 0, Largest: 4}), b))
	require.Empty(t, b.Outcomes)
}

// 9002-6.2.1-9: the timeout doubles, and is reset by an acknowledgment.
func TestProbeTimeout(t *testing.T) {
	s, b := newSender(t), &Batch{}
	send(t, s, t0, Application)
	want := s.rtt.Timeout() + DefaultMaxAckDelay
	require.Equal(t, t0.Add(want), s.Deadline())
	require.Equal(t, 999*time.Millisecond+25*time.Millisecond, want.Truncate(time.Millisecond))
	for i := range 10 {
		now := s.Deadline()
		s.Advance(now, b)
		require.True(t, b.Probe)
		require.Empty(t, b.Outcomes, "9002-6.2-3: a timeout loses nothing")
		require.Equal(t, 2, s.Probes(Application))
		require.Equal(t, i+1, s.Backoff())
		send(t, s, now, Application)
		send(t, s, now, Application)
		require.Zero(t, s.Probes(Application))
		require.Equal(t, now.Add(want<<min(i+1, DefaultBackoff)), s.Deadline())
	}
	now := s.Deadline()
	require.NoError(t, s.Ack(now, Application, ackOf(t, quic.Range{Smallest: 20, Largest: 20}), b))
	require.Zero(t, s.Backoff())
	require.Len(t, fates(b)[Lost], 19, "two by number and 17 by age; the last one may come yet")
}

// 9000-13.1-3 and 9000-21.4: an ACK of what was never sent.
func TestOptimisticAck(t *testing.T) {
	s, b := newSender(t), &Batch{}
	send(t, s, t0, Application)
	err := s.Ack(t0, Application, ackOf(t, quic.Range{Smallest: 0, Largest: 1}), b)
	requireError(t, err, codec.ScopeConn, reasonUnsent)
	require.ErrorIs(t, err, quic.ProtocolViolation)
	require.Empty(t, b.Outcomes)
	require.Equal(t, int64(quic.NoPacket), s.LargestAcked(Application), "nothing has changed")

	require.NoError(t, s.Init(Config{Role: quic.Client, Rand: func() uint64 { return 0 }}))
	for range leastSkip {
		send(t, s, t0, Application)
	}
	require.Equal(t, int64(leastSkip+1), s.Next(Application), "one was left out")
	require.Equal(t, int64(leastSkip+1), send(t, s, t0, Application))
	err = s.Ack(t0, Application, ackOf(t, quic.Range{Smallest: 0, Largest: leastSkip + 1}), b)
	requireError(t, err, codec.ScopeConn, reasonSkipped)
	require.NoError(t, s.Ack(t0, Application, ackOf(t, quic.Range{Smallest: leastSkip + 1, Largest: leastSkip + 1}, quic.Range{Smallest: 0, Largest: leastSkip - 1}), b))
	require.Len(t, b.Outcomes, leastSkip+1)
}

// The example of RFC 9002 section 7.6.3, in seconds.
func TestPersistentCongestionExample(t *testing.T) {
	s, b := newSender(t), &Batch{}
	s.rtt.Update(t0-ms, 200*time.Millisecond, 0) // "a prior RTT sample existed"
	send(t, s, t0, Application)
	send(t, s, t0+second, Application)
	require.NoError(t, s.Ack(t0+12*second/10, Application, ackOf(t, quic.Range{}), b))
	require.False(t, b.Persistent)
	for at := codec.Time(2); at <= 6; at++ {
		send(t, s, t0+at*second, Application)
	}
	send(t, s, t0+8*second, Application)
	send(t, s, t0+12*second, Application)
	// smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay = 2 seconds, once the next sample is in
	s.rtt.smoothed, s.rtt.variance, s.maxAckDelay = 1160*time.Millisecond, 0, 0
	s.rtt.min = 150 * time.Millisecond
	require.NoError(t, s.Ack(t0+122*second/10, Application, ackOf(t, quic.Range{Smallest: 8, Largest: 8}), b))
	require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, fates(b)[Lost])
	require.Equal(t, 6*time.Second, s.persistent())
	require.True(t, b.Persistent)
	require.Equal(t, t0+8*second, b.LostSentAt)
	require.Equal(t, 200*time.Millisecond, s.RTT().Min(), "the newest sample")
}

func TestReceiverRules(t *testing.T) {
	var r Receiver
	require.NoError(t, r.Init(ReceiverConfig{AckDelayExponent: 3}))
	require.NoError(t, r.Received(t0, Application, 0, true, NotECT))
	require.False(t, r.Owed(t0, Application))
	require.True(t, r.Worth(Application))
	require.Equal(t, t0.Add(DefaultMaxAckDelay-Granularity), r.Deadline())
	require.True(t, r.Owed(r.Deadline(), Application))
	require.NoError(t, r.Received(t0, Application, 1, true, NotECT))
	require.True(t, r.Owed(t0, Application), "every second packet")
	out, largest, err := r.AppendAck(nil, t0+8*ms, Application, 1200)
	require.NoError(t, err)
	require.Equal(t, int64(1), largest)
	a := decodeAck(t, out)
	require.Equal(t, uint64(1), a.Largest)
	require.Equal(t, uint64(1), a.First)
	require.Equal(t, uint64(1000), a.Delay)
	require.True(t, r.Owed(t0, Application), "not sent yet")
	r.AckSent(Application, false)
	require.False(t, r.Owed(t0, Application))
	require.Equal(t, codec.Never, r.Deadline())
	require.True(t, r.Seen(Application, 1))
	requireError(t, r.Received(t0, Application, 1, true, NotECT), codec.ScopeMisuse, reasonReceived)
}
