package congestion

import (
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/internal/netsim"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/stretchr/testify/require"
)

const noChunk = -1

// wire is a packet: the frames that matter here are a chunk of data and the bytes of an ACK frame.
type wire struct {
	number    int64
	chunk     int // noChunk for none
	ack       []byte
	eliciting bool
}

// endpoint is one end of a connection with real loss recovery, congestion control and pacing, whose data are numbered chunks. It has what an endpoint
// must have, no more: streams are not what is tested.
type endpoint struct {
	t    testing.TB
	sim  *netsim.Sim[wire]
	node int
	out  *netsim.Link[wire]

	s     recovery.Sender
	r     recovery.Receiver
	c     Controller
	p     Pacer
	batch recovery.Batch

	chunks    int   // to send in all
	next      int   // the next one that was never sent
	again     []int // lost
	arrived   []bool
	delivered []bool // at the peer, as far as is known
	missing   int    // chunks the peer has not acknowledged
	limited   bool   // it last stopped for want of data

	probes, persistent, spurious, duplicates, acks int
	finished                                       codec.Time
}

type pair struct {
	sim    *netsim.Sim[wire]
	ends   [2]*endpoint
	frames quic.FrameDecoder
	frame  quic.Frame
}

// connect makes two endpoints with a link each way, of which the first has chunks to send, and the second some, too.
func connect(t testing.TB, seed uint64, a Algorithm, cfg Config, there, back netsim.Path, chunks [2]int) *pair {
	p := &pair{sim: netsim.New[wire](seed)}
	for i := range 2 {
		e := &endpoint{t: t, sim: p.sim, node: i, chunks: chunks[i], missing: chunks[i]}
		e.delivered, e.arrived = make([]bool, chunks[i]), make([]bool, chunks[1-i])
		random := netsim.NewRand(seed*2 + uint64(i) + 1000)
		require.NoError(t, e.s.Init(recovery.Config{Role: []quic.Role{quic.Client, quic.Server}[i], Rand: random.Uint64}))
		require.NoError(t, e.s.SetPeer(recovery.DefaultMaxAckDelay, recovery.DefaultAckDelayExponent))
		require.NoError(t, e.r.Init(recovery.ReceiverConfig{AckDelayExponent: recovery.DefaultAckDelayExponent}))
		e.s.HandshakeConfirmed(p.sim.Now())
		var err error
		e.c, err = New(a, cfg)
		require.NoError(t, err)
		require.NoError(t, e.p.Init(PacerConfig{}))
		p.ends[i] = e
	}
	p.ends[0].out, p.ends[1].out = p.sim.Link(1, there), p.sim.Link(0, back)
	return p
}

// run goes on until the time, or until nothing happens any more.
func (p *pair) run(until codec.Time) {
	for _, e := range p.ends {
		e.send(p.sim.Now())
	}
	p.sim.Run(until, func(ev netsim.Event[wire]) {
		e := p.ends[ev.Node]
		if ev.Timer {
			e.s.Advance(ev.Now, &e.batch)
			e.handle(ev.Now)
		} else {
			p.receive(e, &ev)
		}
		e.send(ev.Now)
		if e.s.InFlight() != e.c.InFlight() {
			e.t.Fatalf("recovery has %d octets in flight, congestion control %d", e.s.InFlight(), e.c.InFlight())
		}
	})
}

func (p *pair) receive(e *endpoint, ev *netsim.Event[wire]) {
	w := &ev.Packet
	if e.r.Seen(recovery.Application, w.number) {
		e.duplicates++
		return
	}
	if len(w.ack) > 0 {
		p.frames.Init([]quic.Role{quic.Client, quic.Server}[e.node], quic.OneRTT, len(w.ack))
		_, err := p.frames.Next(w.ack, &p.frame)
		e.must(err)
		e.must(e.s.Ack(ev.Now, recovery.Application, &p.frame.Ack, &e.batch))
		e.handle(ev.Now)
	}
	mark := recovery.ECT0
	if ev.CE {
		mark = recovery.CE
	}
	e.must(e.r.Received(ev.Now, recovery.Application, w.number, w.eliciting, mark))
	if w.chunk != noChunk {
		e.arrived[w.chunk] = true
	}
}

// handle tells the congestion controller what the batch says, in the order of RFC 9002 appendix A.7: CE, lost, acknowledged.
func (e *endpoint) handle(now codec.Time) {
	b := &e.batch
	if b.CE > 0 {
		e.c.OnCongestion(now, b.CESentAt, CE)
	}
	if b.LostOctets > 0 {
		e.c.OnLost(now, Loss{Octets: b.LostOctets, SentAt: b.LostSentAt, Persistent: b.Persistent})
		if b.Persistent {
			e.persistent++
		}
	}
	rtt := e.s.RTT()
	estimate := RTT{Latest: b.Sample, Smoothed: rtt.Smoothed(), Min: rtt.Min()}
	for _, o := range b.Outcomes {
		chunk := int(int64(o.Token))
		switch o.Fate {
		case recovery.Acked:
			e.c.OnAcked(now, Ack{Octets: o.Octets, SentAt: o.SentAt, AppLimited: e.limited, RTT: estimate})
			estimate.Latest = 0
			e.deliver(now, chunk)
		case recovery.Lost:
			if chunk != noChunk && !e.delivered[chunk] {
				e.again = append(e.again, chunk)
			}
		case recovery.LateAcked:
			e.spurious++
			e.c.OnSpurious(now, o.SentAt, int(o.Octets))
			e.deliver(now, chunk)
		}
	}
	e.r.AckAcked(recovery.Application, b.AckedAck)
	e.p.SetRate(now, e.c.Window(), estimate.Smoothed, e.c.SlowStart())
}

func (e *endpoint) must(err error) {
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *endpoint) deliver(now codec.Time, chunk int) {
	if chunk == noChunk || e.delivered[chunk] {
		return
	}
	e.delivered[chunk] = true
	if e.missing--; e.missing == 0 {
		e.finished = now
	}
}

// chunk returns what to send next, noChunk if there is nothing. With probe it is the oldest outstanding one rather than nothing.
func (e *endpoint) chunk(probe bool) int {
	for len(e.again) > 0 {
		c := e.again[0]
		e.again = e.again[1:]
		if !e.delivered[c] {
			return c
		}
	}
	if e.next < e.chunks {
		e.next++
		return e.next - 1
	}
	if probe {
		for _, o := range e.s.Oldest(nil, recovery.Application, 1) {
			return int(int64(o.Token))
		}
	}
	return noChunk
}

func (e *endpoint) more() bool {
	for len(e.again) > 0 && e.delivered[e.again[0]] {
		e.again = e.again[1:]
	}
	return len(e.again) > 0 || e.next < e.chunks
}

// send sends what may be sent and sets the timer.
func (e *endpoint) send(now codec.Time) {
	for e.s.Probes(recovery.Application) > 0 {
		e.probes++
		e.packet(now, e.chunk(true), true) // 9002-7.5-1: "Probe packets MUST NOT be blocked by the congestion controller."
	}
	for e.more() && e.c.Available() >= datagram && e.p.Ready(now, datagram) && e.s.Room(recovery.Application) > 0 {
		e.packet(now, e.chunk(false), true)
	}
	e.limited = !e.more() && e.c.Available() >= datagram
	if e.r.Owed(now, recovery.Application) {
		e.packet(now, noChunk, e.r.WantsPing(recovery.Application))
	}
	deadline := codec.Earliest(e.s.Deadline(), e.r.Deadline())
	if e.more() && e.c.Available() >= datagram {
		deadline = codec.Earliest(deadline, e.p.Next(now, datagram))
	}
	e.sim.SetTimer(e.node, deadline)
}

// packet sends one packet: with a chunk, a PING, or nothing but an acknowledgment.
func (e *endpoint) packet(now codec.Time, chunk int, eliciting bool) {
	w := wire{number: e.s.Next(recovery.Application), chunk: chunk, eliciting: eliciting}
	rec := recovery.Packet{Number: w.number, Token: uint64(chunk), Octets: 40, Eliciting: eliciting, Marked: e.s.Marking()}
	if chunk != noChunk {
		rec.Octets = datagram
	}
	if e.r.Worth(recovery.Application) {
		ack, largest, err := e.r.AppendAck(nil, now, recovery.Application, 400)
		e.must(err)
		e.r.AckSent(recovery.Application, eliciting)
		w.ack, rec.HasAck, rec.Ack = ack, true, largest
		e.acks++
	}
	e.must(e.s.Sent(now, recovery.Application, rec))
	if eliciting {
		e.c.OnSent(now, rec.Octets)
		e.p.OnSent(now, rec.Octets)
	}
	e.out.Send(rec.Octets, rec.Marked, w)
}

// complete checks that everything has arrived, and nothing is left over.
func (p *pair) complete(t testing.TB) {
	t.Helper()
	for i, e := range p.ends {
		require.Zero(t, e.missing, "endpoint %d waits for ever", i)
		require.Zero(t, e.c.InFlight(), "everything in flight was accounted for")
		for c, ok := range p.ends[1-i].arrived {
			require.True(t, ok, "chunk %d", c)
		}
	}
}
