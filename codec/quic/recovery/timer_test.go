package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

func newClient(t testing.TB) *Sender {
	t.Helper()
	s := new(Sender)
	require.NoError(t, s.Init(Config{Role: quic.Client, NoSkip: true}))
	return s
}

const initialPTO = InitialRTT + 4*(InitialRTT/2)

// 9002-6.2.2.1-3: "the client MUST set the PTO timer if the client has not received an acknowledgment for any of its Handshake packets and the
// handshake is not confirmed [...], even if there are no packets in flight."
func TestClientKeepsTimer(t *testing.T) {
	s, b := newClient(t), &Batch{}
	send(t, s, t0, Initial)
	require.Equal(t, t0.Add(initialPTO), s.Deadline())
	require.NoError(t, s.Ack(t0+100*ms, Initial, ackOf(t, rangeOf(0, 0)), b))
	require.Zero(t, s.Eliciting(Initial))
	require.Equal(t, (t0 + 100*ms).Add(s.rtt.Timeout()), s.Deadline())
	s.Advance(s.Deadline(), b)
	require.True(t, b.Probe)
	require.Equal(t, []int{1, 0, 0}, []int{s.Probes(Initial), s.Probes(Handshake), s.Probes(Application)}, "no Handshake keys yet")
	send(t, s, s.now, Initial)
	require.Zero(t, s.Probes(Initial))
	// 9002-6.2.1-9: an acknowledgment in an Initial packet does not reset the backoff.
	require.NoError(t, s.Ack(s.now+100*ms, Initial, ackOf(t, rangeOf(1, 1)), b))
	require.Equal(t, 1, s.Backoff())
	s.HandshakeKeys(s.now)
	s.Advance(s.Deadline(), b)
	require.Equal(t, []int{0, 1, 0}, []int{s.Probes(Initial), s.Probes(Handshake), s.Probes(Application)})
	n := send(t, s, s.now, Handshake)
	require.NoError(t, s.Discard(s.now, Initial, b))
	require.Zero(t, s.Backoff(), "9002-6.2.2-3")
	require.NoError(t, s.Ack(s.now+100*ms, Handshake, ackOf(t, rangeOf(n, n)), b))
	require.Equal(t, codec.Never, s.Deadline(), "the server has validated the address")
}

// The same with 0-RTT packets in flight, which have no timer of their own.
func TestClientKeepsTimerWithZeroRTT(t *testing.T) {
	s, b := newClient(t), &Batch{}
	send(t, s, t0, Initial)
	send(t, s, t0, Application)
	require.NoError(t, s.Ack(t0+100*ms, Initial, ackOf(t, rangeOf(0, 0)), b))
	require.Equal(t, (t0 + 100*ms).Add(s.rtt.Timeout()), s.Deadline())
	s.Advance(s.Deadline(), b)
	require.Equal(t, 1, s.Probes(Initial))
	require.Zero(t, s.Probes(Application))
}

// 9002-6.2.1-7: "An endpoint MUST NOT set its PTO timer for the Application Data packet number space until the handshake is confirmed."
func TestApplicationTimer(t *testing.T) {
	var s Sender
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true}))
	send(t, &s, t0, Application)
	require.Equal(t, codec.Never, s.Deadline())
	s.HandshakeConfirmed(t0 + ms)
	require.Equal(t, t0.Add(initialPTO+DefaultMaxAckDelay), s.Deadline())
	s.HandshakeConfirmed(t0 + 2*ms)
	require.Equal(t, t0.Add(initialPTO+DefaultMaxAckDelay), s.Deadline())
}

// 9002-6.2.1-6: "When ack-eliciting packets in multiple packet number spaces are in flight, the timer MUST be set to the earlier value". Probes are owed in
// all of them.
func TestTimerOfSpaces(t *testing.T) {
	var s Sender
	b := &Batch{}
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true}))
	send(t, &s, t0, Initial)
	send(t, &s, t0+ms, Handshake)
	send(t, &s, t0+2*ms, Application)
	require.Equal(t, t0.Add(initialPTO), s.Deadline())
	s.Advance(s.Deadline(), b)
	require.Equal(t, []int{2, 1, 1}, []int{s.Probes(Initial), s.Probes(Handshake), s.Probes(Application)})
	require.Empty(t, b.Outcomes, "9002-6.2-3: nothing is lost")
	require.Equal(t, []Outcome{{Number: 0, SentAt: t0, Octets: 1200, Space: Initial}}, s.Oldest(nil, Initial, 4))
	require.Equal(t, (t0).Add(2*initialPTO), s.Deadline())
	// Anything acknowledged ends the debt.
	require.NoError(t, s.Ack(s.now, Handshake, ackOf(t, rangeOf(0, 0)), b))
	require.Equal(t, []int{0, 0, 0}, []int{s.Probes(Initial), s.Probes(Handshake), s.Probes(Application)})
}

// 9002-6.2.2.1-1: "If no additional data can be sent, the server's PTO timer MUST NOT be armed until datagrams have been received from the client"
func TestLimitedServer(t *testing.T) {
	var s Sender
	b := &Batch{}
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true}))
	send(t, &s, t0, Initial)
	s.SetLimited(t0, true)
	require.Equal(t, codec.Never, s.Deadline())
	s.Advance(t0+5000*ms, b)
	require.False(t, b.Probe)
	s.SetLimited(t0+5000*ms, false)
	require.Equal(t, t0.Add(initialPTO), s.Deadline(), "in the past: at once")
	s.Advance(t0+5000*ms, b)
	require.True(t, b.Probe)
	// A client is never limited.
	c := newClient(t)
	send(t, c, t0, Initial)
	c.SetLimited(t0, true)
	require.Equal(t, t0.Add(initialPTO), c.Deadline())
}

// 9002-6.2.1-12: "The PTO timer MUST NOT be set if a timer is set for time threshold loss detection"
func TestLossTimerFirst(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 3 {
		send(t, s, t0, Application)
	}
	require.NoError(t, s.Ack(t0+80*ms, Application, ackOf(t, rangeOf(1, 1)), b))
	require.Empty(t, fates(b)[Lost])
	require.Equal(t, t0+90*ms, s.Deadline(), "9/8 of 80 ms")
	send(t, s, t0+85*ms, Application)
	require.Equal(t, t0+90*ms, s.Deadline())
	s.Advance(t0+90*ms, b)
	require.Equal(t, map[Fate][]int64{Lost: {0}}, fates(b))
	require.Equal(t, (t0 + 85*ms).Add(s.rtt.Timeout()+DefaultMaxAckDelay), s.Deadline())
}

// RFC 9002 section 6.3: a Retry resets loss recovery, and nothing is lost. Section 6.4: so does the end of keys and of 0-RTT.
func TestRetry(t *testing.T) {
	s, b := newClient(t), &Batch{}
	for range 2 {
		send(t, s, t0, Initial)
		send(t, s, t0, Application)
	}
	s.Advance(s.Deadline(), b)
	s.Retry(s.now+ms, 50*time.Millisecond, b)
	require.Len(t, fates(b)[Discarded], 4)
	require.Equal(t, int64(4800), b.DiscardedOctets)
	require.Zero(t, s.InFlight())
	require.Zero(t, s.Backoff())
	require.Zero(t, s.Probes(Initial))
	require.Equal(t, 50*time.Millisecond, s.RTT().Smoothed())
	require.Equal(t, int64(2), s.Next(Initial), "9000-17.2.5.3: numbers go on")
	require.Equal(t, s.now.Add(150*time.Millisecond), s.Deadline(), "a client is never without timer")
	send(t, s, s.now, Application)
	s.RejectZeroRTT(s.now, b)
	require.Equal(t, map[Fate][]int64{Discarded: {2}}, fates(b))
	require.NoError(t, s.Ack(s.now, Application, ackOf(t, rangeOf(0, 2)), b), "an ACK that comes all the same")
	require.Empty(t, b.Outcomes)
	s.Retry(s.now, 0, b)
	require.Equal(t, 50*time.Millisecond, s.RTT().Smoothed())
}

// RFC 9000 section 9.4: packets of the earlier path give no samples and count for nothing, but what they carried is accounted for.
func TestNewPath(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 6 {
		send(t, s, t0, Application)
	}
	require.NoError(t, s.Ack(t0+10*ms, Application, ackOf(t, rangeOf(0, 0)), b))
	s.NewPath(t0+20*ms, 0, b)
	require.Equal(t, int64(6000), b.DiscardedOctets)
	require.Zero(t, s.InFlight())
	require.Equal(t, InitialRTT, s.RTT().Smoothed())
	require.Equal(t, codec.Never, s.RTT().First())
	n := send(t, s, t0+20*ms, Application)
	require.Equal(t, int64(1200), s.InFlight())
	require.NoError(t, s.Ack(t0+30*ms, Application, ackOf(t, rangeOf(5, 5)), b))
	require.False(t, b.Sampled)
	require.Equal(t, map[Fate][]int64{Acked: {5}, Lost: {1, 2}}, fates(b))
	require.Zero(t, b.AckedOctets)
	require.Zero(t, b.LostOctets)
	require.Equal(t, codec.Never, b.LostSentAt, "no congestion event")
	require.NoError(t, s.Ack(t0+50*ms, Application, ackOf(t, rangeOf(n, n)), b))
	require.Equal(t, 30*time.Millisecond, b.Sample)
	require.Equal(t, int64(1200), b.AckedOctets)
}

// TestClock: a clock that runs backwards stands still.
func TestClock(t *testing.T) {
	s, b := newSender(t), &Batch{}
	send(t, s, t0+100*ms, Application)
	send(t, s, t0, Application)
	require.NoError(t, s.Ack(t0, Application, ackOf(t, rangeOf(0, 1)), b))
	require.Zero(t, b.Sample)
	require.True(t, b.Sampled)
	require.Equal(t, Granularity, s.RTT().LossDelay())
}

// TestFarAhead: no sum of times overflows.
func TestFarAhead(t *testing.T) {
	var s Sender
	b := &Batch{}
	require.NoError(t, s.Init(Config{Role: quic.Client, NoSkip: true, InitialRTT: 1 << 61, Limits: Limits{Backoff: -1}}))
	for range 50 {
		send(t, &s, s.now+t0, Initial)
		require.Greater(t, s.Deadline(), s.now)
		s.Advance(s.now, b)
		s.backoff++
	}
}
