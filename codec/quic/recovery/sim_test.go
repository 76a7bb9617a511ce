package recovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// A world is a client and a server that shake hands and send data to each other over two bad links, in virtual time. What they send are chunks, one
// in a packet; a chunk is sent again until it was acknowledged. Each endpoint's Sender runs beside the reference.
type world struct {
	rng      *rand.Rand
	now      codec.Time
	client   *endpoint
	server   *endpoint
	flying   []delivery
	events   int
	packets  int
	lost     int
	zeroRTT  bool
	rejected bool
}

// link is one direction.
type link struct {
	delay, jitter     time.Duration
	loss, again, ce   float64
	bleach, blackhole bool // of packets marked ECT(0)
	remark            bool // to ECT(1)
	down              [2]codec.Time
}

type delivery struct {
	at codec.Time
	to *endpoint
	p  simPacket
}

type simPacket struct {
	space   Space
	number  int64
	chunk   int // -1 for none
	ack     []byte
	elicits bool
	size    int
	mark    Mark
	early   bool // 0-RTT
}

const (
	chunkHello = iota // a client's Initial, a server's Initial
	chunkFin          // a client's Handshake
	chunkCert         // a server's Handshake: this one and the two behind
	chunkDone  = 5    // a server's HANDSHAKE_DONE
	chunkData  = 6
)

type endpoint struct {
	w       *world
	p       *pair
	rx      Receiver
	peer    *endpoint
	link    *link
	server  bool
	queue   [Spaces][]int
	carried map[[2]int64]int
	acked   map[int]bool
	got     map[int]bool
	window  int64
	data    int // chunks of data to send
	noECN   bool

	canSend, canRead [Spaces]bool
	oneRTT           bool // has 1-RTT keys to send with
	validated        bool
	received, sent   int64
	ackOnly          int
}

func newWorld(seed uint64, f *fault) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{rng: rng, now: t0}
	pick := func(max float64) float64 {
		if rng.IntN(3) == 0 {
			return 0
		}
		return rng.Float64() * max
	}
	mk := func(server bool) *endpoint {
		role := quic.Client
		if server {
			role = quic.Server
		}
		c := Config{Role: role, Rand: rng.Uint64, NoSkip: rng.IntN(4) == 0, NoECN: rng.IntN(4) == 0}
		delay := time.Duration(rng.IntN(200)+1) * time.Millisecond
		e := &endpoint{
			w: w, p: newPair(c, f), server: server, carried: map[[2]int64]int{}, acked: map[int]bool{}, got: map[int]bool{},
			window: int64(rng.IntN(40)+2) * 1200, data: rng.IntN(120), noECN: c.NoECN,
			link: &link{
				delay: delay, jitter: time.Duration(pick(1.5) * float64(delay)), loss: pick(0.35), again: pick(0.2), ce: pick(0.1),
				bleach: rng.IntN(8) == 0, blackhole: rng.IntN(8) == 0, remark: rng.IntN(12) == 0,
			},
		}
		if rng.IntN(3) == 0 {
			start := t0.Add(time.Duration(rng.IntN(4000)) * time.Millisecond)
			e.link.down = [2]codec.Time{start, start.Add(time.Duration(rng.IntN(20_000)) * time.Millisecond)}
		}
		rc := ReceiverConfig{AckDelayExponent: 3}
		if rng.IntN(5) == 0 {
			rc.MaxAckDelay = -1
		}
		if rng.IntN(4) == 0 {
			rc.Ranges = 3
		}
		if err := e.rx.Init(rc); err != nil {
			e.p.failf("receiver: %v", err)
		}
		e.canSend[Initial], e.canRead[Initial] = true, true
		return e
	}
	w.client, w.server = mk(false), mk(true)
	w.client.peer, w.server.peer = w.server, w.client
	w.client.validated = true
	w.client.queue[Initial] = []int{chunkHello}
	w.zeroRTT = rng.IntN(3) == 0
	w.rejected = rng.IntN(2) == 0
	if w.zeroRTT {
		w.client.canSend[Application] = true
		w.client.queueData()
	}
	return w
}

func (e *endpoint) queueData() {
	for i := range e.data {
		e.queue[Application] = append(e.queue[Application], chunkData+i)
	}
}

// transmit sends what may be sent now.
func (e *endpoint) transmit() {
	for {
		if e.server && !e.validated && e.sent+1200 > 3*e.received {
			e.p.SetLimited(e.w.now, true)
			return
		}
		if !e.one() {
			return
		}
	}
}

// one sends a packet if there is reason to.
func (e *endpoint) one() bool {
	s := &e.p.s
	for _, space := range []Space{Initial, Handshake, Application} {
		if !e.canSend[space] || s.Room(space) == 0 {
			continue
		}
		oneRTT := space != Application || e.oneRTT || e.server
		switch q := e.queue[space]; {
		case s.Probes(space) > 0:
			chunk := -1
			if len(q) > 0 {
				chunk = q[0]
				e.queue[space] = q[1:]
			} else if old := s.Oldest(nil, space, 2); len(old) > 0 {
				chunk = e.carried[[2]int64{int64(space), old[e.w.rng.IntN(len(old))].Number}]
			}
			e.send(space, chunk, true)
			return true
		case len(q) > 0 && e.acked[q[0]]:
			e.queue[space] = q[1:]
			return true
		case len(q) > 0 && (space != Application || s.InFlight()+1200 <= e.window): // see doc.go, "Before the handshake is confirmed"
			e.queue[space] = q[1:]
			e.send(space, q[0], true)
			return true
		case oneRTT && e.rx.Owed(e.w.now, space):
			e.send(space, -1, e.rx.WantsPing(space))
			return true
		}
	}
	return false
}

func (e *endpoint) send(space Space, chunk int, elicits bool) {
	w := e.w
	w.now += 1000 // no two packets at the same time
	w.packets++
	k := simPacket{space: space, number: e.p.s.Next(space), chunk: chunk, elicits: elicits, size: 50}
	k.early = space == Application && !e.server && !e.oneRTT
	p := Packet{Number: k.number, Token: uint64(k.number), Eliciting: elicits}
	if chunk >= 0 {
		k.size = 1200
	}
	if space == Initial && !e.server {
		k.size, p.Padded = 1200, true
	}
	if !k.early && (e.rx.Owed(w.now, space) || e.rx.Worth(space)) {
		ack, largest, err := e.rx.AppendAck(nil, w.now, space, 300)
		if err != nil {
			e.p.failf("ack: %v", err)
		}
		k.ack, p.HasAck, p.Ack = ack, true, largest
		e.rx.AckSent(space, elicits)
		if !elicits {
			e.ackOnly++
		}
	}
	p.Octets = k.size
	if p.Marked = e.p.s.Marking(); p.Marked {
		k.mark = ECT0
	}
	if err := e.p.Sent(w.now, space, p); err != nil {
		e.p.failf("send: %v", err)
		return
	}
	e.carried[[2]int64{int64(space), k.number}] = chunk
	e.sent += int64(k.size)
	if !e.server && space == Handshake && e.canSend[Initial] {
		// RFC 9001 section 4.9.1
		e.canSend[Initial], e.canRead[Initial] = false, false
		e.p.Discard(w.now, Initial)
		e.rx.Discard(Initial)
	}
	l := e.link
	for copies := 1; copies > 0; copies-- {
		if w.rng.Float64() < l.again {
			copies++
		}
		at := w.now.Add(l.delay + time.Duration(w.rng.Int64N(int64(l.jitter)+1)))
		if w.rng.Float64() < l.loss || w.now >= l.down[0] && w.now < l.down[1] || l.blackhole && k.mark == ECT0 {
			w.lost++
			continue
		}
		c := k
		switch {
		case c.mark == ECT0 && l.bleach:
			c.mark = NotECT
		case c.mark == ECT0 && l.remark:
			c.mark = ECT1
		case c.mark == ECT0 && w.rng.Float64() < l.ce:
			c.mark = CE
		}
		w.flying = append(w.flying, delivery{at, e.peer, c})
	}
}

// receive takes a packet.
func (e *endpoint) receive(k simPacket) {
	now := e.w.now
	e.received += int64(k.size)
	if e.server && !e.validated && e.sent+1200 <= 3*e.received {
		e.p.SetLimited(now, false)
	}
	if !e.canRead[k.space] || k.early && (e.w.rejected || !e.got[chunkHello]) || k.space == Application && !k.early && e.server && !e.got[chunkFin] {
		return
	}
	if e.rx.Seen(k.space, k.number) {
		return
	}
	if k.ack != nil {
		var d quic.FrameDecoder
		var f quic.Frame
		d.Init(quic.Client, quic.OneRTT, len(k.ack))
		if _, err := d.Next(k.ack, &f); err != nil {
			e.p.failf("ack: %v", err)
		}
		if err := e.p.Ack(now, k.space, &f.Ack); err != nil {
			e.p.failf("ack: %v", err)
		}
		e.outcomes(k.space)
		e.rx.AckAcked(k.space, e.p.b.AckedAck)
	}
	if k.chunk >= 0 && !e.got[k.chunk] {
		e.got[k.chunk] = true
		e.progress()
	}
	if e.rx.Seen(k.space, k.number) { // the space was discarded meanwhile
		return
	}
	if err := e.rx.Received(now, k.space, k.number, k.elicits, k.mark); err != nil {
		e.p.failf("received: %v", err)
	}
	if e.server && k.space == Handshake && e.canSend[Initial] {
		e.validated = true
		e.p.SetLimited(now, false)
		e.canSend[Initial], e.canRead[Initial] = false, false
		e.p.Discard(now, Initial)
		e.rx.Discard(Initial)
	}
}

// outcomes does with a batch what an endpoint has to do.
func (e *endpoint) outcomes(space Space) {
	for _, o := range e.p.b.Outcomes {
		chunk := e.carried[[2]int64{int64(o.Space), o.Number}]
		if chunk < 0 {
			continue
		}
		switch o.Fate {
		case Acked, LateAcked:
			e.acked[chunk] = true
		case Lost:
			if !e.acked[chunk] {
				e.queue[o.Space] = append(e.queue[o.Space], chunk)
			}
		case Discarded:
			if o.Space == Application && !e.acked[chunk] {
				e.queue[Application] = append(e.queue[Application], chunk)
			}
		}
	}
}

// progress moves the handshake on after a new chunk.
func (e *endpoint) progress() {
	now := e.w.now
	switch {
	case e.server && e.got[chunkHello] && !e.canSend[Handshake] && len(e.acked) == 0 && !e.canRead[Handshake]:
		e.queue[Initial] = append(e.queue[Initial], chunkHello)
		e.queue[Handshake] = append(e.queue[Handshake], chunkCert, chunkCert+1, chunkCert+2)
		e.canSend[Handshake], e.canRead[Handshake] = true, true
		e.canSend[Application], e.canRead[Application] = true, true
		e.queueData()
	case e.server && e.got[chunkFin] && !e.p.s.confirmed:
		e.p.Confirm(now)
		e.queue[Application] = append([]int{chunkDone}, e.queue[Application]...)
		e.canSend[Handshake], e.canRead[Handshake] = false, false
		if e.canSend[Initial] {
			e.canSend[Initial], e.canRead[Initial] = false, false
			e.p.Discard(now, Initial)
			e.rx.Discard(Initial)
		}
		e.validated = true
		e.p.SetLimited(now, false)
		e.p.Discard(now, Handshake)
		e.rx.Discard(Handshake)
	case !e.server && e.got[chunkHello] && !e.canRead[Handshake]:
		e.canSend[Handshake], e.canRead[Handshake] = true, true
		e.p.Keys(now)
	}
	if !e.server && !e.oneRTT && e.got[chunkCert] && e.got[chunkCert+1] && e.got[chunkCert+2] {
		e.oneRTT = true
		e.canRead[Application] = true
		e.queue[Handshake] = append(e.queue[Handshake], chunkFin)
		if e.w.zeroRTT && e.w.rejected {
			e.p.RejectZeroRTT(now)
			e.outcomes(Application)
		}
		if !e.w.zeroRTT {
			e.canSend[Application] = true
			e.queueData()
		}
	}
	if !e.server && e.got[chunkDone] && !e.p.s.confirmed {
		e.p.Confirm(now)
		if e.canSend[Initial] {
			e.canSend[Initial], e.canRead[Initial] = false, false
			e.p.Discard(now, Initial)
			e.rx.Discard(Initial)
		}
		e.canSend[Handshake], e.canRead[Handshake] = false, false
		e.p.Discard(now, Handshake)
		e.rx.Discard(Handshake)
	}
}

// complete tells whether everything has arrived at e.
func (e *endpoint) complete() bool {
	return e.p.s.confirmed && len(e.got) >= e.peer.data && e.peer.missing(e.got) == 0
}

// missing counts the chunks of data that are not in got.
func (e *endpoint) missing(got map[int]bool) (n int) {
	for i := range e.data {
		if !got[chunkData+i] {
			n++
		}
	}
	return n
}

// run runs until nothing more happens, and returns what was wrong.
func (w *world) run() string {
	ends := []*endpoint{w.client, w.server}
	for ; w.events < 100_000; w.events++ {
		for _, e := range ends {
			e.transmit()
			if e.p.diff != "" {
				return fmt.Sprintf("server %v, event %d, %v: %s", e.server, w.events, time.Duration(w.now-t0), e.p.diff)
			}
		}
		// The next thing that happens: a packet arrives, or a timer expires.
		next := codec.Never
		for _, e := range ends {
			next = codec.Earliest(next, e.p.s.Deadline())
			if !e.p.s.limited { // else nothing can be sent at that time
				next = codec.Earliest(next, e.rx.Deadline())
			}
		}
		arrival := -1
		for i, d := range w.flying {
			if next == codec.Never || d.at < next {
				next, arrival = d.at, i
			}
		}
		if next == codec.Never {
			return w.ended()
		}
		w.now = max(w.now, next)
		if arrival >= 0 {
			d := w.flying[arrival]
			w.flying = slices.Delete(w.flying, arrival, arrival+1)
			d.to.receive(d.p)
			continue
		}
		for _, e := range ends {
			if e.p.s.Deadline().Reached(w.now) {
				e.p.Advance(w.now)
				e.outcomes(Application)
			}
		}
	}
	return "goes on for ever"
}

// ended looks at the end.
func (w *world) ended() string {
	for _, e := range []*endpoint{w.client, w.server} {
		if !e.complete() {
			return fmt.Sprintf("deadlock at %v: server %v misses %d of %d, confirmed %v", time.Duration(w.now-t0), e.server, e.peer.missing(e.got), e.peer.data, e.p.s.confirmed)
		}
		if e.p.s.InFlight() != 0 {
			return fmt.Sprintf("server %v: %d octets in flight at the end", e.server, e.p.s.InFlight())
		}
		e.p.Advance(w.now + 1<<40) // what was lost is forgotten in the end
		if len(e.p.open) > 0 {
			return fmt.Sprintf("server %v: %d packets without an end", e.server, len(e.p.open))
		}
		if e.p.diff != "" {
			return e.p.diff
		}
	}
	return ""
}
