package recovery

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

func newReceiver(t testing.TB, c ReceiverConfig) *Receiver {
	t.Helper()
	r := new(Receiver)
	require.NoError(t, r.Init(c))
	return r
}

// TestReplay compares the window with a map, at steps of every size around its own.
func TestReplay(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var w replay
		seen := map[int64]bool{}
		top := int64(-1)
		step := []int64{2, 70, replayWindow - 1, replayWindow + 1, 3 * replayWindow}[seed%5]
		for range 2000 {
			n := max(top-rng.Int64N(replayWindow+200)+rng.Int64N(step)+1, 0)
			if rng.IntN(3) == 0 {
				n = top + 1 + rng.Int64N(step)
			}
			want := seen[n] || n <= top-replayWindow
			require.Equal(t, want, w.seen(n), "%d of %d", n, top)
			if !want {
				w.add(n)
				seen[n] = true
				top = max(top, n)
				require.True(t, w.seen(n))
			}
		}
		for n := max(top-replayWindow+1, 0); n <= top+2; n++ {
			require.Equal(t, seen[n], w.seen(n))
		}
	}
}

// TestReceiverModel compares what is owed, and what an ACK frame says, with the rules applied to a map.
func TestReceiverModel(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 6))
		r := newReceiver(t, ReceiverConfig{AckDelayExponent: uint8(seed % 5), Ranges: MaxRanges})
		space := Space(seed % 3)
		got := map[int64]bool{}
		largest, elicit, pending, atOnce := int64(-1), int64(-1), 0, false
		var due, largestAt codec.Time
		var ect0, ect1, ce uint64
		now := t0
		for range 120 { // fewer ranges than the limit
			now += codec.Time(rng.IntN(int(5 * ms)))
			n := max(largest-int64(rng.IntN(6))+int64(rng.IntN(8)), 0)
			eliciting := rng.IntN(3) > 0
			mark := Mark(0)
			if rng.IntN(6) == 0 {
				mark = Mark(rng.IntN(4))
			}
			require.Equal(t, got[n], r.Seen(space, n))
			err := r.Received(now, space, n, eliciting, mark)
			if got[n] {
				requireError(t, err, codec.ScopeMisuse, reasonReceived)
				continue
			}
			require.NoError(t, err)
			got[n] = true
			if n > largest {
				largest, largestAt = n, now
			}
			switch mark {
			case ECT0:
				ect0++
			case ECT1:
				ect1++
			case CE:
				ce++
			}
			if eliciting {
				pending++
				for m := elicit + 1; m < n; m++ {
					atOnce = atOnce || !got[m]
				}
				atOnce = atOnce || space != Application || n < elicit || pending == 2 || mark == CE
				if elicit = max(elicit, n); pending == 1 {
					due = now.Add(24 * time.Millisecond)
				}
			}
			owed := atOnce || pending > 0 && now >= due
			require.Equal(t, owed, r.Owed(now, space))
			require.Equal(t, pending > 0, r.Worth(space))
			if pending > 0 && !atOnce {
				require.Equal(t, due, r.Deadline())
			} else {
				require.Equal(t, codec.Never, r.Deadline())
			}
			if !owed || rng.IntN(2) == 0 {
				continue
			}
			out, top, err := r.AppendAck([]byte("x"), now, space, 1200)
			require.NoError(t, err)
			require.Equal(t, largest, top)
			a := decodeAck(t, out[1:])
			exponent := seed % 5
			if space != Application {
				exponent = DefaultAckDelayExponent
			}
			require.Equal(t, uint64(now.Sub(largestAt)/time.Microsecond)>>exponent, a.Delay)
			require.Equal(t, ect0+ect1+ce > 0, a.ECN)
			require.Equal(t, [3]uint64{ect0, ect1, ce}, [3]uint64{a.ECT0, a.ECT1, a.CE})
			said := map[int64]bool{}
			it := a.Ranges()
			for rg, ok := it.Next(); ok; rg, ok = it.Next() {
				for m := rg.Smallest; m <= rg.Largest; m++ {
					said[int64(m)] = true
				}
			}
			require.Equal(t, got, said)
			r.AckSent(space, false)
			pending, atOnce = 0, false
			require.False(t, r.Owed(now, space))
			require.Equal(t, codec.Never, r.Deadline())
		}
	}
}

// 9000-13.2.1-4: packets that elicit nothing are not answered, whatever gaps there are, but are acknowledged with others.
func TestNoAnswer(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	for n := range int64(100) {
		require.NoError(t, r.Received(t0, Initial, 3*n, false, CE))
		require.False(t, r.Owed(t0.Add(time.Hour), Initial))
		require.False(t, r.Worth(Initial))
	}
	out, _, err := r.AppendAck(nil, t0, Initial, 1200)
	require.NoError(t, err)
	require.Equal(t, uint64(DefaultRanges-1), decodeAck(t, out).Count)
}

func TestNoDelay(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{MaxAckDelay: -1})
	require.NoError(t, r.Received(t0, Application, 0, true, NotECT))
	require.True(t, r.Owed(t0, Application))
}

// every second packet for a million of them: never more ranges than the limit, and ACK frames that fit into a packet.
func TestGaps(t *testing.T) {
	const packets = 200_000
	r := newReceiver(t, ReceiverConfig{Ranges: MaxRanges})
	var buf []byte
	for i := range int64(packets) {
		n := 5 * i
		require.False(t, r.Seen(Application, n))
		if err := r.Received(t0, Application, n, true, ECT0); err != nil {
			t.Fatal(err)
		}
		if l := r.spaces[Application].acks.Len(); l > MaxRanges {
			t.Fatal(l)
		}
		out, _, err := r.AppendAck(buf[:0], t0, Application, 1200)
		if err != nil || len(out) > 200 {
			t.Fatal(len(out), err)
		}
		buf = out
		r.AckSent(Application, false)
	}
	require.LessOrEqual(t, r.spaces[Application].acks.Steps(), uint64(packets*(MaxRanges+4)))
	require.True(t, r.Seen(Application, 5*(packets-1)-replayWindow), "too old to tell")
	require.False(t, r.Seen(Application, 5*(packets-1)-replayWindow+1))
}

// RFC 9000 section 13.2.4: what the peer knows to be acknowledged is not acknowledged again, and stays known.
func TestAckAcked(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	for _, n := range []int64{0, 1, 4, 5, 9, 10} {
		require.NoError(t, r.Received(t0, Application, n, true, NotECT))
	}
	r.AckSent(Application, true)
	r.AckAcked(Application, quic.NoPacket)
	require.Equal(t, 3, r.spaces[Application].acks.Len())
	r.AckAcked(Application, 5)
	out, _, err := r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err)
	require.Equal(t, uint64(0), decodeAck(t, out).Count, "9 and 10 only")
	for _, n := range []int64{0, 1, 4, 5} {
		require.True(t, r.Seen(Application, n))
	}
	// A late packet below is accepted, and acknowledged in a range of its own.
	require.NoError(t, r.Received(t0, Application, 3, true, NotECT))
	out, _, err = r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err)
	require.Equal(t, uint64(1), decodeAck(t, out).Count)
	// It is acknowledged once, whatever the peer knows of earlier ACK frames, which did not have it.
	r.AckAcked(Application, 10)
	out, _, err = r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err)
	require.Equal(t, uint64(1), decodeAck(t, out).Count)
	r.AckSent(Application, true)
	r.AckAcked(Application, 10)
	out, largest, err := r.AppendAck(nil, t0, Application, 100)
	require.NoError(t, err, "the largest is kept")
	require.Equal(t, int64(10), largest)
	require.Equal(t, uint64(0), decodeAck(t, out).First)
	// What was pruned is not missing.
	require.NoError(t, r.Received(t0, Application, 11, true, NotECT))
	require.False(t, r.Owed(t0, Application))
	r.AckAcked(Application, 4) // an old one
	require.Equal(t, int64(10), r.spaces[Application].pruned)
}

// two endpoints that only acknowledge come to rest. With PING now and then they learn that their acknowledgments arrived.
func TestPingPong(t *testing.T) {
	var ends [2]*Receiver
	for i := range ends {
		ends[i] = newReceiver(t, ReceiverConfig{})
	}
	now := t0
	var next [2]int64
	require.NoError(t, ends[1].Received(now, Application, next[0], true, NotECT))
	next[0]++
	sent := 0
	for turn := 0; turn < 1000; turn++ {
		for i, e := range ends {
			now += 100 * ms
			if !e.Owed(now, Application) {
				continue
			}
			_, _, err := e.AppendAck(nil, now, Application, 100)
			require.NoError(t, err)
			e.AckSent(Application, false)
			require.NoError(t, ends[1-i].Received(now, Application, next[i], false, NotECT))
			next[i]++
			sent++
		}
	}
	require.Equal(t, 1, sent)

	// A receiver of a lot, with losses: PING once in a while, not in every packet.
	r := newReceiver(t, ReceiverConfig{})
	pings := 0
	for n := range int64(1000) {
		require.NoError(t, r.Received(now, Application, 2*n, true, NotECT))
		ping := r.WantsPing(Application)
		if ping {
			pings++
			r.AckAcked(Application, 2*n-10)
		}
		r.AckSent(Application, ping)
	}
	require.Greater(t, pings, 10)
	require.LessOrEqual(t, pings, 1000/pingEvery)
	require.False(t, newReceiver(t, ReceiverConfig{}).WantsPing(Initial))
}

func TestReceiverDiscard(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	require.NoError(t, r.Received(t0, Initial, 7, true, NotECT))
	require.True(t, r.Owed(t0, Initial))
	r.Discard(Initial)
	require.False(t, r.Owed(t0, Initial))
	require.True(t, r.Seen(Initial, 8))
	require.Equal(t, int64(7), r.Largest(Initial))
	require.Equal(t, int64(quic.NoPacket), r.Largest(Handshake))
	_, _, err := r.AppendAck(nil, t0, Initial, 100)
	requireError(t, err, codec.ScopeMisuse, reasonNoAck)
	requireError(t, r.Received(t0, Initial, 8, true, NotECT), codec.ScopeMisuse, reasonReceived)
}

// TestReceiverMisuse: whatever makes no sense changes nothing.
func TestReceiverMisuse(t *testing.T) {
	var r Receiver
	requireError(t, r.Init(ReceiverConfig{AckDelayExponent: 21}), codec.ScopeMisuse, reasonParams)
	require.NoError(t, r.Init(ReceiverConfig{}))
	requireError(t, r.Received(t0, Spaces, 0, true, NotECT), codec.ScopeMisuse, reasonReceived)
	requireError(t, r.Received(t0, Application, -1, true, NotECT), codec.ScopeMisuse, reasonReceived)
	requireError(t, r.Received(t0, Application, quic.MaxPacketNumber+1, true, NotECT), codec.ScopeMisuse, reasonReceived)
	require.NoError(t, r.Received(t0, Application, quic.MaxPacketNumber, true, NotECT))
	require.NoError(t, r.Received(t0, Application, quic.MaxPacketNumber-1000, true, NotECT))
	dst := []byte("abc")
	out, largest, err := r.AppendAck(dst, t0, Spaces, 100)
	requireError(t, err, codec.ScopeMisuse, reasonSpace)
	require.Equal(t, dst, out)
	require.Equal(t, int64(quic.NoPacket), largest)
	out, _, err = r.AppendAck(dst, t0, Initial, 100)
	requireError(t, err, codec.ScopeMisuse, reasonNoAck)
	require.Equal(t, dst, out)
	out, _, err = r.AppendAck(dst, t0, Application, 5)
	requireError(t, err, codec.ScopeMisuse, reasonAckSize)
	require.Equal(t, dst, out)
	out, _, err = r.AppendAck(nil, t0, Application, 14)
	require.NoError(t, err)
	require.LessOrEqual(t, len(out), 14)
	require.False(t, r.Owed(t0, Spaces))
	require.False(t, r.Worth(Spaces))
	require.False(t, r.WantsPing(Spaces))
	require.Equal(t, int64(quic.NoPacket), r.Largest(Spaces))
	r.AckSent(Spaces, true)
	r.AckAcked(Spaces, 4)
	r.Discard(Spaces)
	require.Equal(t, 2, r.spaces[Application].acks.Len())
}

// TestReceiverMemory holds doc.go to its word.
func TestReceiverMemory(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{Ranges: 1000})
	total := unsafe.Sizeof(*r)
	require.Less(t, total, uintptr(1024))
	for space := range Space(Spaces) {
		for n := range int64(1000) {
			require.NoError(t, r.Received(t0, space, 2*n, true, NotECT))
		}
		require.Equal(t, MaxRanges, r.spaces[space].acks.Len())
		total += 2 * 16 * (MaxRanges + 1) // ranges.Set: at most twice what is needed
	}
	require.Less(t, total, uintptr(8<<10))
}

func TestReceiverNoAllocation(t *testing.T) {
	r := newReceiver(t, ReceiverConfig{})
	buf := make([]byte, 0, 1200)
	n := int64(0)
	round := func() {
		for range 50 {
			n += 1 + n%3/2
			if r.Seen(Application, n) {
				t.Fatal("seen")
			}
			if err := r.Received(t0, Application, n, true, ECT0); err != nil {
				t.Fatal(err)
			}
			if r.Owed(t0, Application) {
				if _, _, err := r.AppendAck(buf, t0, Application, 1200); err != nil {
					t.Fatal(err)
				}
				r.AckSent(Application, false)
			}
		}
		r.AckAcked(Application, n-20)
		if err := r.Received(t0, Application, n, true, ECT0); err == nil {
			t.Fatal("twice")
		}
	}
	for range 10 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(100, round))
}
