package congestion

import (
	"errors"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

func make2(t testing.TB, a Algorithm, cfg Config) Controller {
	t.Helper()
	c, err := New(a, cfg)
	require.NoError(t, err)
	return c
}

func state(c Controller) (s State) {
	c.ReadState(&s)
	return s
}

func TestInitialWindow(t *testing.T) {
	for _, c := range []struct {
		datagram       int
		initial, least int64
	}{
		{1200, 12000, 2400},
		{1252, 12520, 2504},
		{1472, 14720, 2944},
		{1500, 14720, 3000}, // 10 datagrams are more than 14,720
		{7360, 14720, 14720},
		{9000, 18000, 18000}, // twice the datagram is more than 14,720
		{0, 12000, 2400},
	} {
		require.Equal(t, c.initial, InitialWindow(c.datagram), "%d", c.datagram)
		require.Equal(t, c.least, MinWindow(c.datagram), "%d", c.datagram)
		for _, a := range []Algorithm{CUBIC, Reno} {
			s := state(make2(t, a, Config{DatagramSize: c.datagram}))
			require.Equal(t, State{Algorithm: a, Window: c.initial, Threshold: NoThreshold, DatagramSize: max(int64(c.datagram), 1200)}, s)
		}
	}
}

// TestRefused reaches every reason, and for each the nearest configuration that is accepted.
func TestRefused(t *testing.T) {
	seen := map[string]bool{}
	check := func(want reason, err error) {
		t.Helper()
		var e *Error
		require.True(t, errors.As(err, &e), "%v", err)
		require.Equal(t, codec.ScopeMisuse, e.Scope)
		require.Equal(t, reasons[want], e.Reason)
		require.Equal(t, "quic/congestion: "+e.Reason, err.Error())
		seen[e.Reason] = true
	}
	for _, c := range []struct {
		want reason
		a    Algorithm
		bad  Config
		good Config
	}{
		{rDatagramSize, CUBIC, Config{DatagramSize: 1199}, Config{DatagramSize: 1200}},
		{rDatagramSize, Reno, Config{DatagramSize: 65528}, Config{DatagramSize: 65527}},
		{rDatagramSize, Reno, Config{DatagramSize: -1}, Config{}},
		{rInitialWindow, CUBIC, Config{InitialWindow: 2399}, Config{InitialWindow: 2400}},
		{rInitialWindow, CUBIC, Config{InitialWindow: 20001, MaxWindow: 20000}, Config{InitialWindow: 20000, MaxWindow: 20000}},
		{rInitialWindow, CUBIC, Config{InitialWindow: -1}, Config{MaxWindow: -1}},
		{rMaxWindow, CUBIC, Config{MaxWindow: 2399}, Config{MaxWindow: 2400}},
		{rMaxWindow, CUBIC, Config{MaxWindow: MaxWindow + 1}, Config{MaxWindow: MaxWindow}},
	} {
		n, err := New(c.a, c.bad)
		require.Nil(t, n)
		check(c.want, err)
		_, err = New(c.a, c.good)
		require.NoError(t, err, "%+v", c.good)
	}
	_, err := New(Reno+1, Config{})
	check(rAlgorithm, err)
	for _, c := range []struct {
		want      reason
		bad, good PacerConfig
	}{
		{rPacketSize, PacerConfig{DatagramSize: 1199}, PacerConfig{DatagramSize: 1200}},
		{rPacketSize, PacerConfig{DatagramSize: 65528}, PacerConfig{DatagramSize: 65527}},
		{rBurst, PacerConfig{Burst: 1199}, PacerConfig{Burst: 1200}},
		{rBurst, PacerConfig{Burst: MaxWindow + 1}, PacerConfig{Burst: MaxWindow}},
		{rMaxRate, PacerConfig{MaxRate: -1}, PacerConfig{MaxRate: 1}},
		{rGranularity, PacerConfig{Granularity: time.Second + 1}, PacerConfig{Granularity: time.Second}},
	} {
		var p Pacer
		check(c.want, p.Init(c.bad))
		require.Equal(t, Pacer{}, p, "changed by a failure")
		require.NoError(t, p.Init(c.good))
	}
	require.Len(t, seen, int(numReasons))
}

func TestNames(t *testing.T) {
	require.Equal(t, "cubic", CUBIC.String())
	require.Equal(t, "reno", Reno.String())
	require.Equal(t, "slow_start", SlowStart.String())
	require.Equal(t, "conservative_slow_start", ConservativeSlowStart.String())
	require.Equal(t, "recovery", Recovery.String())
	require.Equal(t, "congestion_avoidance", CongestionAvoidance.String())
}
