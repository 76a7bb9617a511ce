package congestion

import (
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic/internal/netsim"
	"github.com/stretchr/testify/require"
)

// The model: bulk senders over one bottleneck to a receiver that acknowledges every packet at once, over a way back without loss. Loss detection is the
// packet threshold alone, and when nothing comes back for long, everything outstanding is lost. It is as simple as the assumptions behind the
// formulas of RFC 9438 and RFC 9002; package recovery is what real connections use.
type model struct {
	sim   *netsim.Sim[packet]
	down  *netsim.Link[packet]
	flows []*flow

	jitter time.Duration // of acknowledgments
}

type packet struct {
	flow   int
	number int64
	ce     bool // in an acknowledgment: the packet was marked
}

type flow struct {
	m    *model
	node int
	c    Controller
	p    Pacer
	back *netsim.Link[packet]
	ect  bool

	sent     []sentPacket // by number, from first on
	first    int64
	largest  int64 // largest acknowledged
	smoothed time.Duration
	least    time.Duration
	last     codec.Time // progress

	acked, lost, late int64 // octets
	timeouts          int
	peak              time.Duration // of the RTT
}

type sentPacket struct {
	at   codec.Time
	done bool
	lost bool
}

const datagram = 1200

func newModel(seed uint64, path netsim.Path) *model {
	m := &model{sim: netsim.New[packet](seed)}
	m.down = m.sim.Link(0, path)
	return m
}

// add adds a flow whose acknowledgments take as long as back.
func (m *model) add(t testing.TB, a Algorithm, cfg Config, back time.Duration) *flow {
	f := &flow{m: m, node: len(m.flows) + 1, c: make2(t, a, cfg), largest: -1, last: m.sim.Now()}
	require.NoError(t, f.p.Init(PacerConfig{}))
	f.back = m.sim.Link(f.node, netsim.Path{Delay: back, Jitter: m.jitter})
	m.flows = append(m.flows, f)
	return f
}

func (m *model) run(until codec.Time) {
	for _, f := range m.flows {
		f.send(m.sim.Now())
	}
	m.sim.Run(until, func(e netsim.Event[packet]) {
		switch {
		case e.Timer:
			f := m.flows[e.Node-1]
			f.timeout(e.Now)
			f.send(e.Now)
		case e.Node == 0:
			e.Packet.ce = e.CE
			m.flows[e.Packet.flow-1].back.Send(40, false, e.Packet)
		default:
			f := m.flows[e.Node-1]
			f.onAck(e.Now, e.Packet)
			f.send(e.Now)
		}
	})
}

func (f *flow) send(now codec.Time) {
	for f.c.Available() >= datagram && f.p.Ready(now, datagram) {
		f.m.down.Send(datagram, f.ect, packet{flow: f.node, number: f.first + int64(len(f.sent))})
		f.sent = append(f.sent, sentPacket{at: now})
		f.c.OnSent(now, datagram)
		f.p.OnSent(now, datagram)
	}
	next := f.last.Add(3*f.smoothed + time.Second)
	if f.c.Available() >= datagram {
		next = codec.Earliest(next, f.p.Next(now, datagram))
	}
	f.m.sim.SetTimer(f.node, next)
}

func (f *flow) onAck(now codec.Time, p packet) {
	i := p.number - f.first
	if i < 0 || f.sent[i].done {
		return // a duplicate, or forgotten
	}
	f.last = now
	s := &f.sent[i]
	s.done = true
	rtt := RTT{}
	if p.number > f.largest {
		f.largest = p.number
		rtt.Latest = now.Sub(s.at)
		f.peak = max(f.peak, rtt.Latest)
		if f.smoothed == 0 {
			f.smoothed, f.least = rtt.Latest, rtt.Latest
		}
		f.smoothed += (rtt.Latest - f.smoothed) / 8
		f.least = min(f.least, rtt.Latest)
	}
	rtt.Smoothed, rtt.Min = f.smoothed, f.least
	if p.ce {
		f.c.OnCongestion(now, s.at, CE)
	}
	loss := Loss{}
	for j := range f.sent[:max(f.largest-2-f.first, 0)] {
		if o := &f.sent[j]; !o.done && !o.lost {
			o.lost = true
			loss.Octets, loss.SentAt = loss.Octets+datagram, o.at
		}
	}
	f.declare(now, loss)
	if s.lost {
		f.late += datagram
		f.c.OnSpurious(now, s.at, datagram)
	} else {
		f.acked += datagram
		f.c.OnAcked(now, Ack{Octets: datagram, SentAt: s.at, RTT: rtt})
	}
	f.forget()
	f.p.SetRate(now, f.c.Window(), f.smoothed, f.c.SlowStart())
}

func (f *flow) declare(now codec.Time, l Loss) {
	if l.Octets > 0 {
		f.lost += l.Octets
		f.c.OnLost(now, l)
	}
}

// forget drops what is acknowledged, and what was lost long before the largest acknowledged.
func (f *flow) forget() {
	n := 0
	for n < len(f.sent) && (f.sent[n].done || f.sent[n].lost && f.largest-f.first-int64(n) > 64) {
		n++
	}
	if n > 16 || n == len(f.sent) {
		f.sent = f.sent[:copy(f.sent, f.sent[n:])]
		f.first += int64(n)
	}
}

func (f *flow) timeout(now codec.Time) {
	if now < f.last.Add(3*f.smoothed+time.Second) {
		return // the pacer's
	}
	f.last = now
	f.timeouts++
	loss := Loss{}
	for j := range f.sent {
		if o := &f.sent[j]; !o.done && !o.lost {
			o.lost = true
			loss.Octets, loss.SentAt = loss.Octets+datagram, o.at
		}
	}
	f.declare(now, loss)
}
