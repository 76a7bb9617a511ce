package recovery

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

func sent1(number int64) Packet {
	return Packet{Number: number, Token: uint64(number), Octets: 1200, Eliciting: true}
}

func rangeOf(low, high int64) quic.Range {
	return quic.Range{Smallest: uint64(low), Largest: uint64(high)}
}

// TestSenderMisuse: whatever makes no sense changes nothing, and says what it was.
func TestSenderMisuse(t *testing.T) {
	var s Sender
	b := &Batch{}
	requireError(t, s.Init(Config{NoSkip: true}), codec.ScopeMisuse, reasonRole)
	requireError(t, s.Init(Config{Role: quic.Client}), codec.ScopeMisuse, reasonRand)
	require.NoError(t, s.Init(Config{Role: quic.Client, NoSkip: true}))
	requireError(t, s.SetPeer(1<<14*time.Millisecond, 3), codec.ScopeMisuse, reasonParams)
	requireError(t, s.SetPeer(-1, 3), codec.ScopeMisuse, reasonParams)
	requireError(t, s.SetPeer(0, 21), codec.ScopeMisuse, reasonParams)
	require.NoError(t, s.SetPeer(1<<14*time.Millisecond-1, 20))

	requireError(t, s.Sent(t0, Spaces, sent1(0)), codec.ScopeMisuse, reasonSpace)
	requireError(t, s.Sent(t0, Initial, sent1(1)), codec.ScopeMisuse, reasonNumber)
	requireError(t, s.Sent(t0, Initial, Packet{}), codec.ScopeMisuse, reasonSize)
	requireError(t, s.Sent(t0, Initial, Packet{Octets: 1<<16 + 1}), codec.ScopeMisuse, reasonSize)
	require.Zero(t, s.InFlight())
	last := s
	last.spaces[Handshake].next, last.spaces[Handshake].base = quic.MaxPacketNumber, quic.MaxPacketNumber
	require.NoError(t, last.Sent(t0, Handshake, sent1(quic.MaxPacketNumber)))
	requireError(t, last.Sent(t0, Handshake, sent1(quic.MaxPacketNumber+1)), codec.ScopeMisuse, reasonEnd)
	require.NoError(t, s.Sent(t0, Initial, sent1(0)))
	requireError(t, s.Sent(t0, Initial, sent1(0)), codec.ScopeMisuse, reasonNumber)
	requireError(t, s.Ack(t0, Spaces, ackOf(t, rangeOf(0, 0)), b), codec.ScopeMisuse, reasonSpace)
	requireError(t, s.Discard(t0, Application, b), codec.ScopeMisuse, reasonSpace)
	require.NoError(t, s.Discard(t0, Initial, b))
	require.Len(t, b.Outcomes, 1)
	require.NoError(t, s.Discard(t0, Initial, b))
	require.Empty(t, b.Outcomes)
	requireError(t, s.Sent(t0, Initial, sent1(1)), codec.ScopeMisuse, reasonGone)
	require.NoError(t, s.Ack(t0, Initial, ackOf(t, rangeOf(0, 0)), b), "a leftover")
	require.Empty(t, b.Outcomes)

	require.Equal(t, int64(quic.NoPacket), s.Next(Spaces))
	require.Equal(t, int64(quic.NoPacket), s.LargestAcked(Spaces))
	require.Zero(t, s.Room(Spaces))
	require.Zero(t, s.Room(Initial))
	require.Zero(t, s.Eliciting(Spaces))
	require.Zero(t, s.Probes(Spaces))
	require.Empty(t, s.Oldest(nil, Spaces, 5))
}

// TestFull: the limit refuses what is beyond it; what was acknowledged or lost makes room again.
func TestFull(t *testing.T) {
	var s Sender
	b := &Batch{}
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true, Limits: Limits{Packets: 64}}))
	s.HandshakeConfirmed(t0)
	require.Equal(t, 64, s.Room(Application))
	for s.Room(Application) > 0 {
		send(t, &s, t0, Application)
	}
	requireError(t, s.Sent(t0, Application, sent1(s.Next(Application))), codec.ScopeMisuse, reasonFull)
	require.Equal(t, int64(64), s.Next(Application))
	require.Equal(t, int64(64*1200), s.InFlight())
	// All but the last are lost. Three quarters of the records remember that; the others are free at once.
	require.NoError(t, s.Ack(t0+10*ms, Application, ackOf(t, rangeOf(63, 63)), b))
	require.Len(t, fates(b)[Lost], 61)
	require.Len(t, fates(b)[Forgotten], 16)
	require.Equal(t, 16, s.Room(Application))
	for s.Room(Application) > 0 {
		send(t, &s, t0+10*ms, Application)
	}
	require.NoError(t, s.Ack(t0+20*ms, Application, ackOf(t, rangeOf(60, 79)), b))
	require.Greater(t, s.Room(Application), 10)
}

// TestFullProbe: a probe timeout finds room, however many packets are without an answer, and however often.
func TestFullProbe(t *testing.T) {
	for _, limit := range []int{1, 4, 5, 8, 15, 16, 64} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { testFullProbe(t, limit) })
	}
}

func testFullProbe(t *testing.T, limit int) {
	var s Sender
	b := &Batch{}
	require.NoError(t, s.Init(Config{Role: quic.Server, Rand: func() uint64 { return 0 }, Limits: Limits{Packets: limit}}))
	s.HandshakeConfirmed(t0)
	for s.Sent(t0, Application, sent1(s.Next(Application))) == nil {
	}
	require.Zero(t, s.Room(Application))
	for range 100 {
		s.Advance(s.Deadline(), b)
		require.Equal(t, 2, s.Probes(Application))
		require.False(t, b.Persistent)
		for s.Probes(Application) > 0 {
			send(t, &s, s.now, Application)
		}
		require.NoError(t, s.Sent(s.now, Application, Packet{Number: s.Next(Application), Octets: 40}), "an ACK")
		require.LessOrEqual(t, s.spaces[Application].len(), max(limit, probeRoom))
	}
}

// TestRoom: with numbers skipped as often as that happens, all the room that is told is there.
func TestRoom(t *testing.T) {
	for _, draw := range []uint64{0, leastSkip - 1, 1<<64 - 1} {
		var s Sender
		require.NoError(t, s.Init(Config{Role: quic.Server, Rand: func() uint64 { return draw }, Limits: Limits{Packets: 300}}))
		room := s.Room(Application)
		require.Greater(t, room, 250)
		for range room {
			send(t, &s, t0, Application)
		}
	}
}

// TestSenderMemory holds doc.go to its word.
func TestSenderMemory(t *testing.T) {
	require.Equal(t, uintptr(32), unsafe.Sizeof(sent{}))
	require.Equal(t, uintptr(40), unsafe.Sizeof(Outcome{}))
	require.Less(t, unsafe.Sizeof(Sender{}), uintptr(1024))
	var s Sender
	require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true}))
	for range 4 {
		send(t, &s, t0, Application)
	}
	require.Equal(t, 16, cap(s.spaces[Application].ring))
	total := 0
	for space := range Space(Spaces) {
		for s.Room(space) > 0 {
			send(t, &s, t0, space)
		}
		total += cap(s.spaces[space].ring) * 32
	}
	require.Equal(t, 272<<10, total)
	s.Compact()
	require.Equal(t, DefaultPackets, cap(s.spaces[Application].ring), "in use")
	b := &Batch{}
	s.RejectZeroRTT(t0, b)
	require.Len(t, b.Outcomes, DefaultPackets)
	s.Compact()
	require.Nil(t, s.spaces[Application].ring)
	require.NoError(t, s.Discard(t0, Initial, b))
	require.Nil(t, s.spaces[Initial].ring)
	send(t, &s, t0, Application)
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(DefaultPackets, DefaultPackets)), b))
	require.Len(t, b.Outcomes, 1)
}

// TestAckOnlyRoom: what is not in flight leaves room, be it all there is from the beginning under a small limit, or what is left when the packet in
// front of it is acknowledged. Nothing else would ever make room: no acknowledgment comes, and there is no timer.
func TestAckOnlyRoom(t *testing.T) {
	for _, limit := range []int{24, 64, 100} {
		var s Sender
		b := &Batch{}
		require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true, Limits: Limits{Packets: limit}}))
		ack := func() error { return s.Sent(t0, Application, Packet{Number: s.Next(Application), Octets: 40}) }
		for range 3 * limit {
			require.Positive(t, s.Room(Application), limit)
			require.NoError(t, ack())
		}
		n := send(t, &s, t0, Application)
		for s.Room(Application) > 0 {
			require.NoError(t, ack())
		}
		require.ErrorIs(t, ack(), errFull, "one is in flight: it is waited for")
		require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(n, n)), b))
		require.Equal(t, codec.Never, s.Deadline())
		require.Positive(t, s.Room(Application), limit)
		require.NoError(t, ack())
	}
}

// TestAckOnlyBehindLost: the same behind a lost packet that might be acknowledged late: Advance forgets it when there is little room.
func TestAckOnlyBehindLost(t *testing.T) {
	for _, limit := range []int{24, 64, 300} {
		var s Sender
		b := &Batch{}
		require.NoError(t, s.Init(Config{Role: quic.Server, NoSkip: true, Limits: Limits{Packets: limit}}))
		var n int64
		for range 6 {
			n = send(t, &s, t0, Application)
		}
		require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(n-4, n)), b))
		require.Equal(t, []int64{0}, fates(b)[Lost])
		require.Equal(t, codec.Never, s.Deadline())
		told := 0
		for i := range 3 * limit {
			now := t0 + codec.Time(i+2)*ms
			if s.Deadline().Reached(now) {
				s.Advance(now, b)
				told += len(fates(b)[Forgotten])
			}
			require.Positive(t, s.Room(Application), "limit %d, packet %d", limit, i)
			require.NoError(t, s.Sent(now, Application, Packet{Number: s.Next(Application), Octets: 40}))
		}
		require.Equal(t, 1, told)
		require.Equal(t, codec.Never, s.Deadline())
	}
}

// TestAckOnly: packets that are not in flight do not pile up, have no timer and no outcome, but what they acknowledged is told.
func TestAckOnly(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 10_000 {
		require.NoError(t, s.Sent(t0, Application, Packet{Number: s.Next(Application), Octets: 40, HasAck: true, Ack: s.Next(Application) + 7}))
	}
	require.LessOrEqual(t, s.spaces[Application].len(), ackOnlyKept+1)
	require.LessOrEqual(t, cap(s.spaces[Application].ring), 2*ackOnlyKept)
	require.Zero(t, s.InFlight())
	require.Equal(t, codec.Never, s.Deadline())
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(0, 9990)), b))
	require.Empty(t, b.Outcomes)
	require.Equal(t, int64(9997), b.AckedAck)
	require.False(t, b.Sampled, "9002-5.1-7: nothing of it elicited an acknowledgment")
	// Those that are overtaken are forgotten without a word.
	for range 10 {
		require.NoError(t, s.Sent(t0, Application, Packet{Number: s.Next(Application), Octets: 40}))
	}
	n := send(t, s, t0, Application)
	require.NoError(t, s.Ack(t0+ms, Application, ackOf(t, rangeOf(n, n)), b))
	require.Equal(t, map[Fate][]int64{Acked: {n}}, fates(b))
	require.Equal(t, int64(quic.NoPacket), b.AckedAck)
	require.LessOrEqual(t, s.spaces[Application].len(), 3)
}

// what an ACK frame costs is in proportion to its ranges and to what it decides, whatever the peer says again and again.
func TestSteps(t *testing.T) {
	const packets, window = 40_000, 200
	for _, shape := range []string{"all at once", "one by one", "everything again", "every second", "from the middle"} {
		t.Run(shape, func(t *testing.T) {
			s, b := newSender(t), &Batch{}
			rng := rand.New(rand.NewPCG(1, 1))
			frames, ranges := 0, 0
			now := t0
			for n := int64(0); n < packets; n++ {
				send(t, s, now, Application)
				if n%window != window-1 {
					continue
				}
				now += 10 * ms
				low := n - window + 1
				ack := func(rs ...quic.Range) {
					if err := s.Ack(now, Application, ackOf(t, rs...), b); err != nil {
						t.Fatal(err)
					}
					frames, ranges = frames+1, ranges+len(rs)
				}
				switch shape {
				case "all at once":
					ack(rangeOf(low, n))
				case "one by one":
					for i := low; i <= n; i++ {
						ack(rangeOf(i, i))
					}
				case "everything again":
					for i := low; i <= n; i++ {
						ack(rangeOf(0, i))
					}
				case "every second":
					var rs []quic.Range
					for i := n; i >= low; i -= 2 {
						rs = append(rs, rangeOf(i, i))
					}
					ack(rs...)
					ack(rs...)
				case "from the middle":
					for range window {
						i := low + rng.Int64N(window)
						ack(rangeOf(rng.Int64N(i), i))
					}
				}
			}
			budget := uint64(4*ranges + 8*packets + (PacketThreshold+2)*frames)
			t.Logf("%d steps for %d frames, %d ranges, %d packets", s.Steps(), frames, ranges, packets)
			require.LessOrEqual(t, s.Steps(), budget)
		})
	}
}

// TestStepsRing: a packet at the low end that stays without an answer does not make the acknowledged ones behind it cost anything.
func TestStepsRing(t *testing.T) {
	s, b := newSender(t), &Batch{}
	for range 6000 {
		send(t, s, t0, Application)
	}
	for n := int64(1); n < 6000; n++ { // single packets, so that no run of them is known
		if err := s.Ack(t0, Application, ackOf(t, rangeOf(n, n)), b); err != nil {
			t.Fatal(err)
		}
	}
	require.Equal(t, 6000, s.spaces[Application].len(), "packet 0 is remembered as lost")
	before := s.Steps()
	for n := int64(5999); n > 0; n-- {
		if err := s.Ack(t0, Application, ackOf(t, rangeOf(1, n)), b); err != nil {
			t.Fatal(err)
		}
	}
	require.LessOrEqual(t, s.Steps()-before, uint64(6*6000), "the numbers of %d frames are known to be acknowledged after the first", 6000)
}

// a peer that acknowledges everything up to a guess, before it can have received it, is found out within two windows; an honest
// one has less than one more range in a window.
func TestOptimisticAckIsFound(t *testing.T) {
	const seeds = 1000
	found := 0
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 9))
		window := 10 + rng.Int64N(150)
		var s Sender
		b := &Batch{}
		require.NoError(t, s.Init(Config{Role: quic.Server, Rand: rng.Uint64}))
		s.HandshakeConfirmed(t0)
		now := t0
		honest := func(n int64) { // n packets, all acknowledged
			first := s.Next(Application)
			for range n {
				send(t, &s, now, Application)
			}
			now += 10 * ms
			rs := []quic.Range{}
			for i := s.spaces[Application].next - 1; i >= first; i-- {
				if isSkipped(&s, i) {
					continue
				}
				if k := len(rs); k > 0 && rs[k-1].Smallest == uint64(i+1) {
					rs[k-1].Smallest--
				} else {
					rs = append(rs, rangeOf(i, i))
				}
			}
			require.NoError(t, s.Ack(now, Application, ackOf(t, rs...), b))
		}
		for range 4 {
			honest(window)
		}
		// From here on the peer acknowledges all numbers up to the newest one.
		from := s.Next(Application)
		for sent := int64(0); sent < 2*window; sent++ {
			n := send(t, &s, now, Application)
			if err := s.Ack(now, Application, ackOf(t, rangeOf(from, n)), b); err != nil {
				requireError(t, err, codec.ScopeConn, reasonSkipped)
				found++
				break
			}
		}
	}
	require.GreaterOrEqual(t, found, seeds*99/100)
}

func isSkipped(s *Sender, n int64) bool {
	for i := max(s.skips.n-keptSkips, 0); i < s.skips.n; i++ {
		if s.skips.last[i%keptSkips] == n {
			return true
		}
	}
	return false
}

// TestSkipRanges: the honest twin of TestOptimisticAckIsFound. Windows of several sizes, less than one skipped number in each.
func TestSkipRanges(t *testing.T) {
	for _, window := range []int{10, 50, 400} {
		rng := rand.New(rand.NewPCG(uint64(window), 9))
		var s Sender
		b := &Batch{}
		require.NoError(t, s.Init(Config{Role: quic.Server, Rand: rng.Uint64}))
		const windows = 200
		for range windows {
			for range window {
				send(t, &s, t0, Application)
			}
			s.RejectZeroRTT(t0, b) // as good as acknowledged
		}
		t.Logf("window %d: %d numbers skipped in %d windows", window, s.skips.n, windows)
		require.Less(t, s.skips.n, windows)
		require.Greater(t, s.skips.n, windows/3)
	}
}

func TestSenderNoAllocation(t *testing.T) {
	var s Sender
	rng := rand.New(rand.NewPCG(1, 2))
	require.NoError(t, s.Init(Config{Role: quic.Server, Rand: rng.Uint64}))
	s.HandshakeConfirmed(t0)
	b := &Batch{}
	now := t0
	var buf []byte
	var d quic.FrameDecoder
	var f quic.Frame
	var old []Outcome
	round := func() {
		first := s.Next(Application)
		for range 40 {
			now += ms / 10
			if err := s.Sent(now, Application, sent1(s.Next(Application))); err != nil {
				t.Fatal(err)
			}
		}
		last := s.spaces[Application].next - 1
		low := last
		for low > first && !isSkipped(&s, low-1) {
			low--
		}
		rs := [1]quic.Range{rangeOf(low, last)} // what is below is lost
		buf, _, _ = quic.AppendAck(buf[:0], 10, rs[:], nil, 1200)
		d.Init(quic.Server, quic.OneRTT, len(buf))
		if _, err := d.Next(buf, &f); err != nil {
			t.Fatal(err)
		}
		now += 20 * ms
		if err := s.Ack(now, Application, &f.Ack, b); err != nil {
			t.Fatal(err)
		}
		old = s.Oldest(old[:0], Application, 2)
		now += 50 * ms
		s.Advance(now, b)
		s.Advance(max(now, s.Deadline()), b)
		if s.Ack(now, Application, &quic.AckInfo{Largest: 1 << 40}, b) == nil {
			t.Fatal("not sent")
		}
	}
	for range 50 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(100, round))
}
