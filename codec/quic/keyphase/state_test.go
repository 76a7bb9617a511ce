package keyphase

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

const (
	ms  = codec.Time(time.Millisecond)
	t0  = 1000 * ms
	pto = 100 * time.Millisecond
)

func newState(t testing.TB, c Config) *State {
	t.Helper()
	if c.Confidentiality == 0 {
		c.Confidentiality = 1 << 23
	}
	if c.Integrity == 0 {
		c.Integrity = 1 << 36
	}
	s := new(State)
	require.NoError(t, s.Init(c))
	return s
}

func requireError(t testing.TB, err error, scope codec.Scope, code quic.ErrorCode, reason string) {
	t.Helper()
	var e *quic.Error
	require.True(t, errors.As(err, &e), "%v", err)
	require.Equal(t, scope, e.Scope)
	require.Equal(t, code, e.Code)
	require.Equal(t, reason, e.Reason)
}

type packet struct {
	at         codec.Time
	number     int64
	phase      bool
	generation uint64
	ack        int64
}

type side struct {
	s        *State
	next     int64
	received []int64
	in       []packet
	updates  int
	dropped  int
	keys     [4]int
}

// TestHonest has two endpoints that update their keys as often as they may, over links that lose and reorder: every packet is opened with the keys it was
// protected with, and nobody is accused of anything.
func TestHonest(t *testing.T) {
	var keys [4]int
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ends := [2]*side{{s: newState(t, Config{UpdateAfter: 1 + seed%20})}, {s: newState(t, Config{UpdateAfter: 1 + seed%7*10})}}
		for _, e := range ends {
			e.s.Confirm()
		}
		now := t0
		loss := rng.Float64() * 0.4
		spread := 1 + rng.Int64N(int64(2*pto))
		for range 3000 {
			now += codec.Time(rng.Int64N(int64(5 * ms)))
			i := rng.IntN(2)
			e, peer := ends[i], ends[1-i]
			e.s.Advance(now)
			if e.s.Due(now) {
				require.NoError(t, e.s.Update(now))
				e.updates++
			}
			p := packet{at: now.Add(time.Duration(rng.Int64N(spread))), number: e.next, phase: e.s.Phase(), generation: e.s.Generation(), ack: -1}
			e.next++
			require.NoError(t, e.s.Sent(p.number))
			if n := len(e.received); n > 0 && rng.IntN(2) == 0 {
				p.ack = slices.Max(e.received)
				e.s.AckSent(p.ack)
			}
			if rng.Float64() >= loss {
				peer.in = append(peer.in, p)
			}
			slices.SortFunc(e.in, func(a, b packet) int { return int(a.at - b.at) })
			for len(e.in) > 0 && e.in[0].at <= now {
				p := e.in[0]
				e.in = e.in[1:]
				e.s.Advance(now)
				which := e.s.Choose(p.phase, p.number)
				e.keys[which]++
				want := map[Keys]uint64{Previous: e.s.Generation() - 1, Current: e.s.Generation(), Next: e.s.Generation() + 1}
				if which == None || want[which] != p.generation {
					// Only what was sent with keys that are to be forgotten by now.
					require.Less(t, p.generation, e.s.Generation(), "seed %d: %v of %+v at %d", seed, which, p, e.s.Generation())
					e.dropped++
					continue
				}
				require.NoError(t, e.s.Opened(now, pto, which, p.number))
				e.received = append(e.received, p.number)
				if p.ack >= 0 {
					require.NoError(t, e.s.Acked(now, pto, which, p.ack), "seed %d", seed)
				}
			}
		}
		for _, e := range ends {
			require.Greater(t, e.s.Generation(), uint64(3))
			require.Zero(t, e.dropped, "delays are below three probe timeouts")
			for k, n := range e.keys {
				keys[k] += n
			}
		}
		require.LessOrEqual(t, max(ends[0].s.Generation(), ends[1].s.Generation())-min(ends[0].s.Generation(), ends[1].s.Generation()), uint64(1))
		require.Greater(t, ends[0].updates+ends[1].updates, 3)
	}
	require.Zero(t, keys[None])
	for _, k := range []Keys{Previous, Current, Next} {
		require.Greater(t, keys[k], 50, k)
	}
}

// 9001-6.2-3: a peer that updates with every packet is found out at the second update.
func TestTwice(t *testing.T) {
	s := newState(t, Config{})
	require.Equal(t, Next, s.Choose(true, 0))
	require.NoError(t, s.Opened(t0, pto, Next, 0))
	require.Equal(t, Next, s.Choose(false, 1))
	requireError(t, s.Opened(t0, pto, Next, 1), codec.ScopeConn, quic.KeyUpdateError, reasonTwice)
	require.Equal(t, uint64(1), s.Generation(), "nothing has changed")
	// The honest twin: the first update was acknowledged.
	s.AckSent(-1)
	requireError(t, s.Opened(t0, pto, Next, 1), codec.ScopeConn, quic.KeyUpdateError, reasonTwice)
	s.AckSent(0)
	require.NoError(t, s.Opened(t0, pto, Next, 1))
	require.Equal(t, uint64(2), s.Generation())
}

// 9001-6.1-5: when an update may begin.
func TestMayUpdate(t *testing.T) {
	s := newState(t, Config{})
	requireError(t, s.Update(t0), codec.ScopeMisuse, quic.NoError, reasonUpdate)
	s.Confirm()
	requireError(t, s.Update(t0), codec.ScopeMisuse, quic.NoError, reasonUpdate)
	require.NoError(t, s.Sent(5))
	require.NoError(t, s.Acked(t0, pto, Current, 4))
	require.False(t, s.MayUpdate(t0), "5 was not acknowledged")
	require.NoError(t, s.Acked(t0, pto, Current, 5))
	require.True(t, s.MayUpdate(t0))
	require.False(t, s.Phase())
	require.NoError(t, s.Update(t0))
	require.True(t, s.Phase())
	require.False(t, s.MayUpdate(t0))
	// 9001-6.2-4
	require.NoError(t, s.Sent(6))
	require.NoError(t, s.Acked(t0, pto, Previous, 5))
	requireError(t, s.Acked(t0, pto, Previous, 6), codec.ScopeConn, quic.KeyUpdateError, reasonAckOld)
	require.NoError(t, s.Acked(t0, pto, Current, 6))
	// 9001-6.5-6
	require.False(t, s.MayUpdate(t0.Add(3*pto-1)))
	require.True(t, s.MayUpdate(t0.Add(3*pto)))
	require.NoError(t, s.Acked(t0.Add(pto), pto, Current, 6))
	require.True(t, s.MayUpdate(t0.Add(3*pto)), "the first acknowledgment counts")
}

// 9001-6.6-4: with a limit of 1000 packets, keys are updated before that, and without a peer that allows it the connection ends there.
func TestConfidentialityLimit(t *testing.T) {
	s := newState(t, Config{Confidentiality: 1000})
	s.Confirm()
	n, now := int64(0), t0
	for range 5000 {
		now += 10 * ms
		if s.Due(now) {
			sent, _ := s.Counts()
			require.LessOrEqual(t, sent, uint64(1000))
			require.NoError(t, s.Update(now))
		}
		require.NoError(t, s.Sent(n))
		require.NoError(t, s.Opened(now, pto, s.Choose(s.Phase(), n), n))
		require.NoError(t, s.Acked(now, pto, Current, n))
		n++
	}
	require.Equal(t, uint64(9), s.Generation())

	s = newState(t, Config{Confidentiality: 1000})
	for n := range int64(1000) {
		require.NoError(t, s.Sent(n))
		require.False(t, s.Due(now))
	}
	requireError(t, s.Sent(1000), codec.ScopeConn, quic.AEADLimitReached, reasonConfidentiality)
	sent, _ := s.Counts()
	require.Equal(t, uint64(1000), sent)
}

// 9001-6.6-6: AEAD_LIMIT_REACHED at 1001 if the limit is 1000.
func TestIntegrityLimit(t *testing.T) {
	s := newState(t, Config{Integrity: 1000})
	for range 500 {
		require.NoError(t, s.Failed())
	}
	require.NoError(t, s.Opened(t0, pto, Next, 7), "across all keys")
	for range 500 {
		require.NoError(t, s.Failed())
	}
	requireError(t, s.Failed(), codec.ScopeConn, quic.AEADLimitReached, reasonIntegrity)
	_, failed := s.Counts()
	require.Equal(t, uint64(1000), failed)
}

// 9001-6.4-2: newer keys are never used for lower numbers than older ones.
func TestOrder(t *testing.T) {
	s := newState(t, Config{})
	require.NoError(t, s.Opened(t0, pto, Current, 10))
	requireError(t, s.Opened(t0, pto, Next, 9), codec.ScopeConn, quic.KeyUpdateError, reasonNextLower)
	require.NoError(t, s.Opened(t0, pto, Next, 12))
	require.Equal(t, Previous, s.Choose(false, 11))
	require.NoError(t, s.Opened(t0, pto, Previous, 11))
	requireError(t, s.Opened(t0, pto, Current, 10), codec.ScopeConn, quic.KeyUpdateError, reasonCurrentLower)
	require.NoError(t, s.Opened(t0, pto, Current, 13))
	require.Equal(t, Next, s.Choose(false, 14))
	require.Equal(t, Next, s.Choose(false, 13), "not below all numbers of this phase")
	requireError(t, s.Opened(t0, pto, None, 14), codec.ScopeMisuse, quic.NoError, reasonKeys)
}

// 9001-6.1-8 and 6.5-7: old keys are kept until new ones were seen, and three probe timeouts more.
func TestForget(t *testing.T) {
	s := newState(t, Config{})
	s.Confirm()
	require.NoError(t, s.Sent(0))
	require.NoError(t, s.Acked(t0, pto, Current, 0))
	require.NoError(t, s.Update(t0))
	require.Equal(t, codec.Never, s.Deadline())
	require.False(t, s.Advance(t0+100_000*ms))
	require.Equal(t, Previous, s.Choose(false, 3))
	require.NoError(t, s.Opened(t0, pto, Current, 4))
	require.Equal(t, t0.Add(3*pto), s.Deadline())
	require.False(t, s.Advance(t0.Add(3*pto-1)))
	require.Equal(t, Previous, s.Choose(false, 3))
	require.True(t, s.Advance(t0.Add(3*pto)))
	require.False(t, s.Advance(t0.Add(3*pto)))
	require.Equal(t, None, s.Choose(false, 3))
	require.Equal(t, Next, s.Choose(false, 5))
}

func TestConfig(t *testing.T) {
	var s State
	requireError(t, s.Init(Config{Integrity: 1}), codec.ScopeMisuse, quic.NoError, reasonLimits)
	requireError(t, s.Init(Config{Confidentiality: 1}), codec.ScopeMisuse, quic.NoError, reasonLimits)
	require.NoError(t, s.Init(Config{Confidentiality: 1, Integrity: 1}))
	require.Equal(t, uint64(1), s.cfg.UpdateAfter)
	require.Less(t, unsafe.Sizeof(s), uintptr(128))
}

func TestNoAllocation(t *testing.T) {
	s := newState(t, Config{Integrity: 1})
	s.Confirm()
	n := int64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		n++
		_ = s.Sent(n)
		_ = s.Opened(t0, pto, s.Choose(n&1 == 0, n), n)
		s.AckSent(n)
		_ = s.Acked(t0, pto, Current, n)
		_ = s.Update(t0)
		_ = s.Failed()
		s.Advance(t0)
	}))
}
