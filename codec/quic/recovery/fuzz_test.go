package recovery

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// program runs operations, taken from bytes, on a Sender beside the reference.
type program struct {
	t    testing.TB
	p    *pair
	now  codec.Time
	ops  []byte
	gone [Spaces]bool
	acks int
}

func (g *program) next() int {
	if len(g.ops) == 0 {
		return 0
	}
	b := g.ops[0]
	g.ops = g.ops[1:]
	return int(b)
}

func runProgram(t testing.TB, ops []byte) *program {
	g := &program{t: t, now: t0, ops: ops}
	flags := g.next()
	c := Config{Role: quic.Client, NoSkip: flags&2 != 0, Rand: func() uint64 { return uint64(flags) }}
	if flags&1 != 0 {
		c.Role = quic.Server
	}
	if flags&4 != 0 {
		c.Limits = Limits{Packets: 24, HandshakePackets: 8}
	}
	g.p = newPair(c, nil)
	if flags&8 != 0 {
		g.p.Confirm(g.now)
	}
	for n := 0; len(g.ops) > 0 && g.p.diff == "" && n < 400 && g.now < 1<<55; n++ { // a year
		g.step()
	}
	if g.p.diff == "" {
		g.end()
	}
	return g
}

func (g *program) step() {
	op := g.next()
	space := Space(op >> 4 % Spaces)
	s := &g.p.s
	g.now += 1000 // no two packets at the same time
	switch op % 16 {
	case 0, 1, 2, 3, 4:
		arg := g.next()
		k := Packet{Number: s.Next(space), Octets: 1 + arg*5, Eliciting: arg&3 != 0, Padded: arg&4 != 0, Marked: arg&8 != 0 && s.Marking(), MTUProbe: arg%11 == 3}
		k.Token = uint64(k.Number)
		if err := g.p.Sent(g.now, space, k); err != nil {
			var e *quic.Error
			full := s.spaces[space].len()+1 >= s.spaces[space].limit
			if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || !g.gone[space] && (!full || s.Room(space) > 0) {
				g.t.Fatal(err)
			}
		}
	case 5, 6, 7, 8, 9:
		if g.gone[space] {
			return
		}
		if a := g.ack(space, g.next(), g.next()); a != nil {
			if err := g.p.Ack(g.now, space, a); err != nil {
				if !errors.Is(err, quic.ProtocolViolation) || len(g.p.b.Outcomes) > 0 {
					g.t.Fatal(err, g.p.b.Outcomes)
				}
			} else {
				g.acks++
			}
		}
	case 10, 11:
		arg := g.next()
		g.now += codec.Time(arg*arg) * codec.Time(50*time.Microsecond)
		if s.Deadline().Reached(g.now) {
			g.p.Advance(g.now)
		}
	case 12, 13:
		g.now = max(g.now, s.Deadline())
		g.p.Advance(g.now)
	case 14:
		g.p.SetLimited(g.now, g.next()&1 != 0)
	default:
		switch arg := g.next(); arg % 8 {
		case 0, 1:
			space := Space(arg >> 4 & 1)
			if g.gone[space] {
				return
			}
			if g.p.Keys(g.now); space == Handshake {
				g.p.Confirm(g.now) // keys are not discarded before
			}
			g.p.Discard(g.now, space)
			g.gone[space] = true
		case 2, 3:
			g.p.Confirm(g.now)
		case 4:
			g.p.Keys(g.now)
		case 5:
			g.p.NewPath(g.now)
		case 6:
			g.p.RejectZeroRTT(g.now)
		default:
			s.Compact()
			g.p.compare("compact")
		}
	}
}

// ack makes an ACK frame: its ranges go down from the newest packet, by what the bytes say. Most are of what was sent.
func (g *program) ack(space Space, shape, more int) *quic.AckInfo {
	s := &g.p.s
	top := s.spaces[space].next - 1 - int64(more&7)
	if more&7 == 7 {
		top += 8 // not sent
	}
	var rs []quic.Range
	for top >= 0 && len(rs) < 1+shape>>6 {
		low := max(top-int64(shape&7), 0)
		rs = append(rs, quic.Range{Smallest: uint64(low), Largest: uint64(top)})
		top = low - 2 - int64(shape>>3&7)
	}
	if len(rs) == 0 {
		return nil
	}
	var ecn *quic.AckInfo
	if more&8 != 0 {
		c := g.p.r.ecn.counts[space]
		ecn = &quic.AckInfo{ECT0: uint64(max(c[0]+int64(more>>4&7)-1, 0)), ECT1: uint64(c[1]), CE: uint64(c[2] + int64(more>>7))}
	}
	if more&128 != 0 {
		// As often as not, without the numbers that were skipped.
		for n := int64(rs[0].Largest); n >= 0; n-- {
			if g.p.r.sent[space][n] == nil {
				return ackFrame(g.t, uint64(shape), ecn, quic.Range{Smallest: uint64(min(n+1, int64(rs[0].Largest))), Largest: rs[0].Largest})
			}
		}
	}
	return ackFrame(g.t, uint64(shape), ecn, rs...)
}

// end discards everything: every packet has an end then.
func (g *program) end() {
	p := g.p
	for _, space := range []Space{Initial, Handshake} {
		if !g.gone[space] {
			p.Discard(g.now, space)
		}
	}
	p.RejectZeroRTT(g.now)
	if p.diff == "" && (len(p.open) > 0 || p.s.InFlight() != 0) {
		p.failf("%d packets without an end, %d octets in flight", len(p.open), p.s.InFlight())
	}
}

func seedProgram(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	ops := make([]byte, 50+r.IntN(900))
	for i := range ops {
		ops[i] = byte(r.Uint32())
	}
	return ops
}

// FuzzSender runs any order of calls, with ACK frames of any shape, beside the pseudocode of RFC 9002.
func FuzzSender(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seedProgram(seed))
	}
	f.Add([]byte("7080808 8 8A8A8 8A8080")) // a marked packet is forgotten when the tenth is sent
	// A late acknowledgment of a packet that was sent before what persistent congestion is established with.
	f.Add([]byte("0A10000x000000000000000000700A1000000A000000101017010000A0A100707Z0707A0A1707 00000A0A0,x00x1&,"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		if g := runProgram(t, ops); g.p.diff != "" {
			t.Fatal(g.p.diff)
		}
	})
}

// TestPrograms runs more of them, and shows that they reach what matters.
func TestPrograms(t *testing.T) {
	var counts [Discarded + 1]int
	acks, ends, probes, forced := 0, 0, 0, 0
	for seed := range uint64(300) {
		g := runProgram(t, seedProgram(seed))
		if g.p.diff != "" {
			t.Fatalf("seed %d: %s", seed, g.p.diff)
		}
		for fate, n := range g.p.counts {
			counts[fate] += n
		}
		acks, ends, probes, forced = acks+g.acks, ends+g.p.ends, probes+g.p.probes, forced+g.p.forced
	}
	t.Log(counts, acks, ends, probes, forced)
	for fate := Acked; fate <= Discarded; fate++ {
		if counts[fate] < 100 {
			t.Errorf("%v: %d", fate, counts[fate])
		}
	}
	if acks == 0 || ends == 0 || probes == 0 || forced == 0 {
		t.Error(acks, ends, probes, forced)
	}
}
