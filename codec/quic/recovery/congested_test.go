package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const second = 1000 * ms

// sampled makes a Sender whose round-trip time is 100 ms, with a probe timeout of 325 ms: persistent congestion lasts 975 ms.
func sampled(t testing.TB) (*Sender, *Batch) {
	t.Helper()
	s, b := newSender(t), &Batch{}
	send(t, s, t0, Application)
	require.NoError(t, s.Ack(t0+100*ms, Application, ackOf(t, rangeOf(0, 0)), b))
	require.Equal(t, 3*(325*second/1000), codec.Time(s.persistent()))
	return s, b
}

// lose has all packets up to n lost, by an acknowledgment of four packets more at that time, and returns whether that was persistent congestion.
func lose(t testing.TB, s *Sender, b *Batch, at codec.Time) bool {
	t.Helper()
	n := send(t, s, at, Application)
	require.NoError(t, s.Ack(at+100*ms, Application, ackOf(t, rangeOf(n, n)), b))
	require.NotEmpty(t, fates(b)[Lost])
	return b.Persistent
}

// keepRun makes sure that a run of lost packets has begun at that time, and that what ends it is what follows.
func keepRun(s *Sender, from codec.Time) {
	s.spaces[Application].run.from = from
	s.spaces[Application].overtaken = s.spaces[Application].next
}

func TestPersistentCongestion(t *testing.T) {
	padding := func(s *Sender, at codec.Time) {
		require.NoError(t, s.Sent(at, Application, Packet{Number: s.Next(Application), Octets: 100, Padded: true}))
	}
	for _, c := range []struct {
		name string
		send func(s *Sender, b *Batch)
		want bool
	}{
		{"long enough", func(s *Sender, _ *Batch) {
			send(t, s, t0+second, Application)
			send(t, s, t0+2*second, Application)
		}, true},
		{"too short", func(s *Sender, _ *Batch) {
			send(t, s, t0+second, Application)
			send(t, s, t0+1800*ms, Application)
		}, false},
		{"9002-7.6.2-3: these two packets MUST be ack-eliciting: the first is not", func(s *Sender, _ *Batch) {
			padding(s, t0+second)
			send(t, s, t0+2*second, Application)
		}, false},
		{"nor is the second", func(s *Sender, _ *Batch) {
			send(t, s, t0+second, Application)
			padding(s, t0+2*second)
		}, false},
		{"one between them was acknowledged", func(s *Sender, b *Batch) {
			send(t, s, t0+second, Application)
			n := send(t, s, t0+1500*ms, Application)
			send(t, s, t0+2*second, Application)
			require.NoError(t, s.Ack(t0+2*second, Application, ackOf(t, rangeOf(n, n)), b))
		}, false},
		{"the first was lost, and refused then", func(s *Sender, b *Batch) {
			send(t, s, t0+second, Application)
			require.False(t, lose(t, s, b, t0+1100*ms))
			keepRun(s, t0+second)
			s.RejectZeroRTT(t0+1300*ms, b)
			send(t, s, t0+2*second, Application)
		}, false},
		{"the first was lost, on another path", func(s *Sender, b *Batch) {
			send(t, s, t0+second, Application)
			require.False(t, lose(t, s, b, t0+1100*ms))
			keepRun(s, t0+second)
			s.NewPath(t0+1300*ms, 0, b)
			s.rtt.Update(t0+1300*ms, 100*time.Millisecond, 0)
			send(t, s, t0+2*second, Application)
		}, false},
		{"one between them was acknowledged in another space", func(s *Sender, b *Batch) {
			send(t, s, t0+second, Application)
			n := send(t, s, t0+1500*ms, Handshake)
			send(t, s, t0+2*second, Application)
			require.NoError(t, s.Ack(t0+2*second, Handshake, ackOf(t, rangeOf(n, n)), b))
		}, false},
		{"one before them was acknowledged in another space", func(s *Sender, b *Batch) {
			n := send(t, s, t0+500*ms, Handshake)
			require.NoError(t, s.Ack(t0+600*ms, Handshake, ackOf(t, rangeOf(n, n)), b))
			send(t, s, t0+second, Application)
			send(t, s, t0+2*second, Application)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := sampled(t)
			c.send(s, b)
			require.Equal(t, c.want, lose(t, s, b, t0+6*second))
		})
	}
}

// TestLateEndsRun: a late acknowledgment within a run of lost packets ends it; one of a packet sent before does not.
func TestLateEndsRun(t *testing.T) {
	s, b := sampled(t)
	early := send(t, s, t0+90*ms, Application) // before the first sample: does not count
	send(t, s, t0+second, Application)
	within := send(t, s, t0+1100*ms, Application)
	last := send(t, s, t0+1200*ms, Application)
	for range 3 {
		last = send(t, s, t0+1200*ms, Application)
	}
	require.NoError(t, s.Ack(t0+1210*ms, Application, ackOf(t, rangeOf(last, last)), b))
	run := &s.spaces[Application].run
	require.Equal(t, t0+second, run.from)
	require.NoError(t, s.Ack(t0+1220*ms, Application, ackOf(t, rangeOf(early, early)), b))
	require.Equal(t, []int64{early}, fates(b)[LateAcked])
	require.Equal(t, t0+second, run.from)
	require.NoError(t, s.Ack(t0+1230*ms, Application, ackOf(t, rangeOf(within, within)), b))
	require.Equal(t, []int64{within}, fates(b)[LateAcked])
	require.Equal(t, codec.Never, run.from)
}

// TestMarkedPackets: the validation of ECN knows of every marked packet that goes without a verdict.
func TestMarkedPackets(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range ackOnlyKept + 2 { // the first packets are not remembered
		require.NoError(t, s.Sent(t0, Application, Packet{Number: s.Next(Application), Octets: 40, Marked: s.Marking()}))
	}
	require.Equal(t, ecnTests-1, s.ecn.sent)
	s.NewPath(t0, 0, b)
	sendMarked(t, s, 3)
	s.RejectZeroRTT(t0, b)
	require.Zero(t, s.ecn.sent, "three of this path; those of the other do not count")
}

// WantsPing is for what grows only.
func TestWantsPing(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	for n := range int64(100) {
		require.NoError(t, r.Received(t0, Application, n, true, NotECT))
		require.False(t, r.WantsPing(Application), "one range")
		r.AckSent(Application, false)
	}
	require.NoError(t, r.Received(t0, Application, 110, true, NotECT))
	require.NoError(t, r.Received(t0, Application, 112, true, NotECT))
	require.True(t, r.WantsPing(Application))
	r.AckAcked(Application, 50)
	require.False(t, r.WantsPing(Application), "the peer has received one")
}

// What was acknowledged to the peer is not missing, even if it elicited nothing.
func TestPrunedIsNotMissing(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	for n := range int64(6) {
		require.NoError(t, r.Received(t0, Application, n, n == 0, NotECT))
	}
	r.AckSent(Application, true)
	r.AckAcked(Application, 5)
	require.NoError(t, r.Received(t0, Application, 6, true, NotECT))
	require.False(t, r.Owed(t0, Application))
	require.Equal(t, []int64{0, 0, 1}, []int64{r.Largest(Initial) + 1, r.Largest(Handshake) + 1, r.Largest(Application) - 5})
	require.Equal(t, int64(quic.NoPacket), r.Largest(Initial))
}
