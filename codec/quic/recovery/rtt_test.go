package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const msd = time.Millisecond

func TestRTT(t *testing.T) {
	var r RTT
	r.Init(0)
	require.Equal(t, []time.Duration{0, InitialRTT, InitialRTT / 2, 0}, []time.Duration{r.Latest(), r.Smoothed(), r.Variance(), r.Min()})
	require.Equal(t, codec.Never, r.First())
	// 9002-5.2-2 and 5.3: the first sample is taken as it is.
	r.Update(t0, 80*msd, 40*msd)
	require.Equal(t, []time.Duration{80 * msd, 80 * msd, 40 * msd, 80 * msd}, []time.Duration{r.Latest(), r.Smoothed(), r.Variance(), r.Min()})
	require.Equal(t, t0, r.First())
	// 9002-5.3-7.4: the delay is not taken off where that would be below the least.
	r.Update(t0+ms, 90*msd, 20*msd)
	require.Equal(t, []time.Duration{90 * msd, 81250 * time.Microsecond, 32500 * time.Microsecond, 80 * msd}, []time.Duration{r.Latest(), r.Smoothed(), r.Variance(), r.Min()})
	r.Update(t0+ms, 100*msd, 20*msd) // 80 ms is not below it
	require.Equal(t, (7*81250*time.Microsecond+80*msd)/8, r.Smoothed())
	r.Update(t0+ms, 20*msd, 0)
	require.Equal(t, 20*msd, r.Min())
	r.Update(t0+ms, 50*msd, -1)
	r.Restart()
	require.Equal(t, 50*msd, r.Min())
	require.Equal(t, t0, r.First())
	r.Update(t0+ms, -5, 0)
	require.Zero(t, r.Min())
	r.Init(100 * msd)
	require.Equal(t, 100*msd, r.Smoothed())
	require.Equal(t, 300*msd, r.Timeout())
	require.Equal(t, 112500*time.Microsecond, r.LossDelay())
	r.Update(t0, 0, 0)
	require.Equal(t, Granularity, r.Timeout())
	require.Equal(t, Granularity, r.LossDelay(), "9002-6.1.2-1")
}

func TestAckDelay(t *testing.T) {
	for _, c := range []struct {
		field    uint64
		exponent uint8
		want     time.Duration
	}{
		{0, 3, 0}, {1, 3, 8 * time.Microsecond}, {1000, 3, 8 * msd}, {25_000, 0, 25 * msd}, {1, 20, 1048576 * time.Microsecond},
		{1<<62 - 1, 0, time.Hour}, {1<<62 - 1, 20, time.Hour}, {3_600_000_000, 0, time.Hour}, {3_600_000_001, 0, time.Hour}, {0, 21, time.Hour},
	} {
		require.Equal(t, c.want, DecodeAckDelay(c.field, c.exponent))
	}
	require.Equal(t, uint64(125), EncodeAckDelay(msd+7*time.Microsecond, 3))
	require.Equal(t, uint64(0), EncodeAckDelay(-msd, 3))
	for _, d := range []time.Duration{0, 8 * time.Microsecond, msd, time.Minute} {
		for e := range uint8(21) {
			back := DecodeAckDelay(EncodeAckDelay(d, e), e)
			require.LessOrEqual(t, back, d)
			require.Greater(t, back+time.Microsecond<<e, d)
		}
	}
}

// The delays of each space: ignored in Initial packets, with the default exponent in Handshake packets, with the peer's in 1-RTT packets, where
// max_ack_delay bounds it once the handshake is confirmed (9002-5.3-7).
func TestAckDelayOfSpaces(t *testing.T) {
	for _, c := range []struct {
		space     Space
		confirmed bool
		want      time.Duration // off the sample
	}{
		{Initial, false, 0}, {Handshake, false, 8 * msd}, {Application, false, 32 * msd}, {Application, true, 10 * msd},
	} {
		s, b := newClient(t), &Batch{}
		require.NoError(t, s.SetPeer(10*msd, 5))
		if c.confirmed {
			s.HandshakeConfirmed(t0)
		}
		s.rtt.Update(t0, 50*msd, 0)
		send(t, s, t0, c.space)
		require.NoError(t, s.Ack(t0+100*ms, c.space, ackFrame(t, 1000, nil, quic.Range{}), b))
		require.Equal(t, (7*50*msd+100*msd-c.want)/8, s.RTT().Smoothed(), "%+v", c)
	}
}

func TestNames(t *testing.T) {
	for typ, want := range map[quic.PacketType]string{quic.Initial: "initial", quic.Handshake: "handshake", quic.ZeroRTT: "application", quic.OneRTT: "application"} {
		s, ok := SpaceOf(typ)
		require.True(t, ok)
		require.Equal(t, want, s.String())
	}
	_, ok := SpaceOf(quic.Retry)
	require.False(t, ok)
	require.Equal(t, "unknown", Space(Spaces).String())
	for f, want := range []string{"none", "acked", "lost", "late acked", "forgotten", "discarded", "none"} {
		require.Equal(t, want, Fate(f).String())
	}
}
