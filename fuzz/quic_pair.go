package fuzz

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/congestion"
	"github.com/purewire/purewire/codec/quic/path"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

// quicDatagramSize is how many octets a packet has at most.
const quicDatagramSize = 1200

// quicAckRoom is what a packet with only an ACK frame has at most, and quicControlRoom what must be left for a control frame.
const (
	quicAckRoom     = 200
	quicControlRoom = 60
)

// quicConversation is two ends made of the machines of QUIC (streams, flow control, acknowledgments, loss recovery, congestion control,
// pacing, connection IDs) over a link that loses, repeats, reorders and marks datagrams, and now and then carries none for a while. The clock
// is virtual: it goes from one event to the next.
type quicConversation struct {
	p       *Program
	now     codec.Time
	ends    [2]*quicEnd // by index of peer: ends[0] is the client
	delay   time.Duration
	flying  []quicDatagram
	streams []*quicStory
	most    int // octets of a stream
	total   int // octets of all streams so far
}

// quicDatagram is under way.
type quicDatagram struct {
	at   codec.Time
	to   *quicEnd
	wire []byte // eight octets of packet number, then the payload
	mark recovery.Mark
}

// quicStory is one direction of a stream, with what its reader has got of it.
type quicStory struct {
	id       quic.StreamID
	from, to *quicEnd
	size     int // octets that will be written
	written  int
	got      int
	ended    bool
	cut      bool // reset or stopped by somebody
}

func (s *quicStory) key() uint32 { return uint32(s.id)*2 + uint32(s.from.role) }

func quicPair(p *Program) {
	v := &quicConversation{p: p, now: 1e9, delay: Pick(p, 20*time.Millisecond, time.Millisecond, 200*time.Millisecond), most: 1 << 15}
	seed := uint64(p.Byte())
	for i, role := range []quic.Role{quic.Client, quic.Server} {
		v.ends[i] = newQUICEnd(v, role, rand.New(rand.NewPCG(seed, uint64(i))))
	}
	for i, e := range v.ends {
		e.peer = v.ends[1-i]
		e.out.Grow(uint64(e.peer.limits.Window))
		for kind, n := range []int{e.peer.limits.Bidi, e.peer.limits.Uni} {
			_, err := e.streams.Local[kind].Grow(uint64(n))
			p.must(err, "stream limit")
		}
		e.local.SetLimit(uint64(e.peer.remote.Limit()))
	}
	for p.More() {
		e := v.ends[p.N(2)]
		e.step()
		v.turn()
	}
	v.settle()
}

// turn lets both ends send, and the clock go on to the next event. It reports whether there was one.
func (v *quicConversation) turn() bool {
	for _, e := range v.ends {
		e.flush()
	}
	next := codec.Never
	for _, d := range v.flying {
		next = codec.Earliest(next, d.at)
	}
	for _, e := range v.ends {
		next = codec.Earliest(next, e.sender.Deadline())
		if t := e.receiver.Deadline(); t > v.now { // otherwise there was no room for what is owed
			next = codec.Earliest(next, t)
		}
		next = codec.Earliest(next, e.paced)
	}
	if next == codec.Never {
		return false
	}
	v.now = max(v.now+1, next)
	arrived := v.flying[:0:0]
	v.flying = slices.DeleteFunc(v.flying, func(d quicDatagram) bool {
		if d.at > v.now {
			return false
		}
		arrived = append(arrived, d)
		return true
	})
	slices.SortStableFunc(arrived, func(a, b quicDatagram) int { return int(a.at - b.at) })
	for _, d := range arrived {
		d.to.arrive(d)
	}
	for _, e := range v.ends {
		if e.sender.Deadline().Reached(v.now) {
			e.sender.Advance(v.now, &e.batch)
			e.judge()
		}
	}
	return true
}

// launch puts a datagram on the link, which does with it what the program says: behind its end, all arrive in order.
func (v *quicConversation) launch(from *quicEnd, wire []byte, mark recovery.Mark) {
	d := quicDatagram{at: v.now.Add(v.delay), to: from.peer, wire: wire, mark: mark}
	c := int(v.p.Byte())
	switch {
	case v.now < from.dark || c >= 160 && c < 200:
		return
	case c >= 200 && c < 215:
		again := d
		again.at = again.at.Add(time.Duration(c-200) * 10 * time.Millisecond)
		v.flying = append(v.flying, again)
	case c >= 215 && c < 240:
		d.at = d.at.Add(time.Duration(c-214) * v.delay / 4)
	case c >= 240 && c < 250:
		if mark != recovery.NotECT {
			d.mark = recovery.CE
		}
	case c >= 250 && c < 252:
		d.mark = recovery.NotECT // a router that clears the mark
	case c >= 252:
		from.dark = v.now.Add(time.Duration(c-251) * 700 * time.Millisecond)
		return
	}
	v.flying = append(v.flying, d)
}

// settle lets the applications read and write all that is left, until nothing is.
func (v *quicConversation) settle() {
	for turn := 0; ; turn++ {
		for _, s := range v.streams {
			s.from.write(s, 1<<30)
		}
		for _, e := range v.ends {
			e.issue()
			e.read(1 << 30)
			e.sweep()
		}
		if v.turn() {
			if turn > 1<<15 {
				v.stuck("it never ends")
			}
			continue
		}
		break
	}
	for _, s := range v.streams {
		if !s.cut && (!s.ended || s.got != s.size) {
			v.stuck("both wait for ever")
		}
	}
	for _, e := range v.ends {
		e.rest()
	}
}

func (v *quicConversation) stuck(what string) {
	for _, s := range v.streams {
		if !s.cut && (!s.ended || s.got != s.size) {
			e := s.from
			w := e.send[s.id]
			if w == nil {
				v.p.Fail("%s: stream %d of end %d: %d octets of %d, nobody sends it", what, s.id, e.role, s.got, s.size)
			}
			v.p.Fail("%s: stream %d of end %d: %d octets written of %d, %d read; %d in flight, window %d, flow control %d and %d, room %d and %d, time %d", what, s.id, e.role, s.written, s.size,
				s.got, e.control.InFlight(), e.control.Window(), w.Window().Avail(), e.out.Avail(),
				e.sender.Room(recovery.Application), e.peer.sender.Room(recovery.Application), v.now)
		}
	}
	for _, e := range v.ends {
		if e.sender.Room(recovery.Application) == 0 {
			v.p.Fail("%s: all streams are done; end %d has no room, %d packets in flight", what, e.role, e.sender.Eliciting(recovery.Application))
		}
	}
	v.p.Fail("%s: all streams are done", what)
}

// rest looks at an end that has done all: nothing is held, nothing is in flight, and both ends agree.
func (e *quicEnd) rest() {
	p := e.v.p
	switch {
	case len(e.order) > 0:
		id := e.order[0]
		p.Fail("end %d: stream %d is not over: receiving %v, sending %v", e.role, id, e.recv[id] != nil && !e.recv[id].State().Terminal(), e.send[id] != nil && !e.send[id].State().Terminal())
	case e.store.Held() != 0:
		p.Fail("end %d holds %d chunks", e.role, e.store.Held())
	case e.sender.Eliciting(recovery.Application) != 0 || e.control.InFlight() != 0:
		p.Fail("end %d: %d packets and %d octets are in flight", e.role, e.sender.Eliciting(recovery.Application), e.control.InFlight())
	case e.remote.Retiring() != 0:
		p.Fail("end %d: %d connection IDs wait for being retired", e.role, e.remote.Retiring())
	case e.remote.Active() != e.peer.local.Active() || e.local.Wanted() != 0:
		p.Fail("end %d has %d connection IDs of the peer, which has issued %d; %d are wanted here", e.role, e.remote.Active(), e.peer.local.Active(), e.local.Wanted())
	}
	received, consumed := e.in.Usage()
	if received != consumed || received != e.peer.out.Used() {
		p.Fail("end %d: %d octets received, %d consumed, %d sent", e.role, received, consumed, e.peer.out.Used())
	}
	e.peer.local.Each(func(id quic.ConnectionID) {
		seq, _ := e.peer.local.Sequence(id.Bytes())
		if got, found := e.remote.Get(seq); !found || !bytes.Equal(got.Bytes(), id.Bytes()) {
			p.Fail("end %d: connection ID %d is %x, not %x", e.role, seq, got.Bytes(), id.Bytes())
		}
	})
}

// quicEnd is one end.
type quicEnd struct {
	v    *quicConversation
	role quic.Role
	peer *quicEnd

	limits   stream.Limits
	store    stream.Store
	in       stream.RecvWindow
	out      stream.SendWindow
	streams  stream.Streams
	recv     map[quic.StreamID]*stream.RecvStream
	send     map[quic.StreamID]*stream.SendStream
	stories  map[quic.StreamID]*quicStory // what is received
	order    []quic.StreamID
	lend     bool
	sender   recovery.Sender
	receiver recovery.Receiver
	batch    recovery.Batch
	control  congestion.Controller
	pacer    congestion.Pacer
	paced    codec.Time // when the pacer lets the next packet go, Never if it is not what holds it
	idle     bool       // there was nothing to send when sending stopped last
	local    path.LocalIDs
	remote   path.RemoteIDs
	issued   uint64
	dark     codec.Time // the link from here carries nothing until then

	flight  map[uint64]*quicPacket
	octets  int64 // in flight by what the outcomes say
	reached map[int64]bool
	frame   quic.Frame
	decoder quic.FrameDecoder
}

// quicPacket is what a packet carried: what is to be done when its fate is known.
type quicPacket struct {
	settle []func(acked bool)
}

func newQUICEnd(v *quicConversation, role quic.Role, rng *rand.Rand) *quicEnd {
	p := v.p
	e := &quicEnd{v: v, role: role, lend: p.Bool(), flight: map[uint64]*quicPacket{}, reached: map[int64]bool{},
		recv: map[quic.StreamID]*stream.RecvStream{}, send: map[quic.StreamID]*stream.SendStream{}, stories: map[quic.StreamID]*quicStory{}}
	window := Pick(p, 0, 3000, 100)
	if window == 100 {
		v.most = 2000
	}
	e.limits = stream.Limits{StreamWindow: window, MaxStreamWindow: Pick(p, 0, 1), Window: Pick(p, 0, 5000, 150), MaxWindow: Pick(p, 0, 1), SendBuffer: Pick(p, 0, 500),
		Bidi: Pick(p, 0, 1, 3), Uni: Pick(p, 0, 1, 3)}.Norm()
	if e.limits.Window == 150 {
		v.most = 2000
	}
	e.in.Init(true, uint64(e.limits.Window), uint64(e.limits.MaxWindow))
	e.streams.Init(role, &e.limits)
	p.must(e.sender.Init(recovery.Config{Role: role, Rand: rng.Uint64, NoSkip: p.Bool(), NoECN: p.Bool(), Limits: recovery.Limits{Packets: Pick(p, 0, 100, 64)}}), "sender")
	p.must(e.sender.SetPeer(recovery.DefaultMaxAckDelay, recovery.DefaultAckDelayExponent), "peer's delay")
	e.sender.HandshakeKeys(v.now)
	e.sender.HandshakeConfirmed(v.now)
	p.must(e.receiver.Init(recovery.ReceiverConfig{AckDelayExponent: recovery.DefaultAckDelayExponent, Ranges: Pick(p, 0, 1, 3)}), "receiver")
	var err error
	e.control, err = congestion.New(congestion.Algorithm(p.N(2)), congestion.Config{NoHyStart: p.Bool()})
	p.must(err, "controller")
	p.must(e.pacer.Init(congestion.PacerConfig{}), "pacer")
	e.local.Init(quicID(role, 0))
	e.remote.Init(quicID(other(role), 0), 2+p.N(7))
	e.issued = 1
	return e
}
