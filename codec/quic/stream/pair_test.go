package stream

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// end is one end of a connection, as simple as it can be: what a test needs to let the parts of this package work together.
type end struct {
	t       testing.TB
	role    quic.Role
	l       Limits
	store   Store
	in      RecvWindow
	out     SendWindow
	streams Streams
	recv    map[quic.StreamID]*RecvStream
	send    map[quic.StreamID]*SendStream
	got     map[quic.StreamID][]byte
	order   []quic.StreamID
	lend    bool
}

// packet is what one packet carries: frames as bytes, and what is to be done when its fate is known.
type packet struct {
	wire   []byte
	settle []func(acked bool)
}

func newEnd(t testing.TB, role quic.Role, l Limits) *end {
	e := &end{t: t, role: role, l: l.Norm(), recv: map[quic.StreamID]*RecvStream{}, send: map[quic.StreamID]*SendStream{}, got: map[quic.StreamID][]byte{}}
	e.in.Init(true, uint64(e.l.Window), uint64(e.l.MaxWindow))
	e.streams.Init(role, &e.l)
	return e
}

// meet gives each end the transport parameters of the other one.
func meet(a, b *end) {
	for _, p := range [][2]*end{{a, b}, {b, a}} {
		p[0].out.Grow(uint64(p[1].l.Window))
		p[0].streams.Local[0].Grow(uint64(p[1].l.Bidi))
		p[0].streams.Local[1].Grow(uint64(p[1].l.Uni))
	}
}

func (e *end) create(id quic.StreamID) {
	mine := id.Opener() == e.role
	if !id.Uni() || !mine {
		e.recv[id] = &RecvStream{}
		e.recv[id].Init(id, &e.store, &e.in, &e.l)
	}
	if !id.Uni() || mine {
		e.send[id] = &SendStream{}
		e.send[id].Init(id, &e.store, &e.out, uint64(e.l.StreamWindow), &e.l)
	}
	e.order = append(e.order, id)
}

// build fills a packet of 1200 bytes. It is empty if there is nothing to send.
func (e *end) build(now codec.Time) (p packet) {
	const size, control = 1200, 40
	add := func(f *quic.Frame, settle func(f *quic.Frame, acked bool)) {
		var err error
		p.wire, err = quic.AppendFrame(p.wire, f)
		require.NoError(e.t, err)
		g := *f
		p.settle = append(p.settle, func(acked bool) { settle(&g, acked) })
	}
	room := func() bool { return len(p.wire)+control < size }
	if e.in.Due() {
		add(&quic.Frame{Kind: quic.MaxData, Value: e.in.Emit(now, time.Second)}, func(f *quic.Frame, acked bool) {
			if !acked {
				e.in.Lost(f.Value)
			}
		})
	}
	for k := range e.streams.Peer {
		if s := &e.streams.Peer[k]; s.Due() {
			add(&quic.Frame{Kind: quic.MaxStreams, Uni: k == 1, Value: s.Emit()}, func(f *quic.Frame, acked bool) {
				if !acked {
					s.Lost(f.Value)
				}
			})
		}
	}
	var f quic.Frame
	for _, id := range e.order {
		if r := e.recv[id]; r != nil {
			for room() && r.NextFrame(now, time.Second, &f) {
				add(&f, func(f *quic.Frame, acked bool) {
					if acked {
						r.Acked(f)
					} else {
						r.Lost(f)
					}
				})
			}
		}
		s := e.send[id]
		if s == nil {
			continue
		}
		for room() {
			out, piece, sent := s.AppendStream(p.wire, size-len(p.wire), false)
			if !sent {
				break
			}
			p.wire = out
			p.settle = append(p.settle, func(acked bool) {
				if acked {
					require.NoError(e.t, s.Acked(piece))
				} else {
					require.NoError(e.t, s.Lost(piece))
				}
			})
		}
		for room() && s.NextFrame(&f) {
			add(&f, func(f *quic.Frame, acked bool) {
				if acked {
					s.FrameAcked(f)
				} else {
					s.FrameLost(f)
				}
			})
		}
	}
	if limit, due := e.out.BlockedDue(); due && room() {
		e.out.BlockedSent()
		add(&quic.Frame{Kind: quic.DataBlocked, Value: limit}, func(f *quic.Frame, acked bool) {
			if !acked {
				e.out.BlockedAgain(f.Value)
			}
		})
	}
	return p
}

// handle takes a packet. The bytes are gone afterwards: what was lent must have been used.
func (e *end) handle(now codec.Time, wire []byte) {
	var d quic.FrameDecoder
	var f quic.Frame
	d.Init(e.role, quic.OneRTT, len(wire))
	for rest := wire; !d.Ended(); {
		n, err := d.Next(rest, &f)
		require.NoError(e.t, err)
		rest = rest[n:]
		switch f.Kind {
		case quic.MaxData:
			e.out.Grow(f.Value)
			continue
		case quic.DataBlocked:
			require.NoError(e.t, e.in.Blocked(now))
			continue
		case quic.MaxStreams:
			_, err = e.streams.Local[b2i(f.Uni)].Grow(f.Value)
			require.NoError(e.t, err)
			continue
		}
		fresh, err := e.streams.Touch(f.Kind, f.StreamID)
		require.NoError(e.t, err)
		if fresh {
			e.create(f.StreamID)
		}
		r, s := e.recv[f.StreamID], e.send[f.StreamID]
		switch {
		case f.Kind == quic.Stream && r != nil:
			lent, err := r.Receive(&f, e.lend)
			require.NoError(e.t, err)
			e.got[f.StreamID] = append(e.got[f.StreamID], lent...)
		case f.Kind == quic.ResetStream && r != nil:
			require.NoError(e.t, r.Reset(&f))
		case f.Kind == quic.StreamDataBlocked && r != nil:
			require.NoError(e.t, r.Blocked(now))
		case f.Kind == quic.StopSending && s != nil:
			s.StopSending(f.Code)
		case f.Kind == quic.MaxStreamData && s != nil:
			s.MaxStreamData(f.Value)
		}
	}
	clear(wire)
}

// read takes what is stored, at most n octets of each stream.
func (e *end) read(n int) {
	for _, id := range e.order {
		r := e.recv[id]
		for left := n; r != nil && left > 0; {
			b := r.Peek()
			b = b[:min(len(b), left)]
			if len(b) == 0 {
				break
			}
			e.got[id] = append(e.got[id], b...)
			left -= len(b)
			require.NoError(e.t, r.Consume(len(b)))
		}
		if r != nil && r.State() == RecvResetRecvd {
			require.NoError(e.t, r.ReadReset())
		}
	}
}

// sweep forgets streams that are over, and gives their place to the peer.
func (e *end) sweep() {
	kept := e.order[:0]
	for _, id := range e.order {
		r, s := e.recv[id], e.send[id]
		if (r == nil || r.State().Terminal()) && (s == nil || s.State().Terminal()) {
			delete(e.recv, id)
			delete(e.send, id)
			if id.Opener() != e.role {
				require.NoError(e.t, e.streams.Peer[Kind(id)].Done())
			}
			continue
		}
		kept = append(kept, id)
	}
	e.order = kept
}

// Many streams in both directions over a link that loses, repeats and reorders packets, with windows far smaller than the data: all arrives,
// some streams are reset or stopped, limits on streams are raised as streams end, and at the end nothing is held.
func TestPair(t *testing.T) {
	for seed := range byte(8) {
		s := script(noise(seed, 1<<16))
		l := Limits{StreamWindow: 6000, MaxStreamWindow: 12000, Window: 15000, MaxWindow: 30000, Bidi: 4, Uni: 3, SendBuffer: 5000, Pieces: 64}
		client, server := newEnd(t, quic.Client, l), newEnd(t, quic.Server, l)
		meet(client, server)
		client.lend, server.lend = true, seed%2 == 0
		ends := [2]*end{client, server}
		type stream struct {
			id         quic.StreamID
			from       *end
			sent, size int
			cut        bool // reset or stopped on the way
		}
		var all []*stream
		opened := 0
		type flying struct {
			to *end
			p  packet
		}
		var wire []flying
		now := codec.Time(1)
		const total = 40
		for round := 0; ; round++ {
			require.Less(t, round, 20000, "no end")
			now = now.Add(10 * time.Millisecond)
			for i, e := range ends {
				for opened < total {
					id, ok := e.streams.Open(opened%2 == 1)
					if !ok {
						break
					}
					e.create(id)
					opened++
					all = append(all, &stream{id: id, from: e, size: s.next() * 150})
					if !id.Uni() { // the other direction: its sender is created when the first frame arrives there
						all = append(all, &stream{id: id, from: ends[1-i], size: s.next() * 50})
					}
				}
			}
			for _, x := range all {
				w := x.from.send[x.id]
				if w == nil || x.cut {
					continue
				}
				n, err := w.Write(pattern(uint64(x.sent), min(x.size-x.sent, 3000)))
				if err != nil { // stopped by the peer
					x.cut = true
					continue
				}
				if x.sent += n; x.sent == x.size {
					w.Close()
				}
				if s.next16() < 40 && w.State() < SendDataRecvd {
					require.NoError(t, w.Reset(5))
					x.cut = true
				}
			}
			for i, e := range ends {
				for range 4 {
					if p := e.build(now); len(p.wire) > 0 {
						wire = append(wire, flying{ends[1-i], p})
					}
				}
				e.read(s.next() * 20)
				for _, id := range e.order {
					if r := e.recv[id]; r != nil && s.next16() < 8 && r.State() <= RecvSizeKnown && !r.stopped() {
						require.NoError(t, r.Stop(6))
					}
				}
				e.sweep()
			}
			for range 8 {
				if len(wire) == 0 {
					break
				}
				i := s.next() % min(len(wire), 5)
				x := wire[i]
				wire = append(wire[:i], wire[i+1:]...)
				fate := s.next() % 10
				if len(s) == 0 {
					fate = 5
				}
				if fate > 0 {
					x.to.handle(now, bytes.Clone(x.p.wire))
				}
				if fate > 8 {
					x.to.handle(now, bytes.Clone(x.p.wire))
				}
				for _, settle := range x.p.settle {
					settle(fate > 1) // 1: it arrived, and is taken for lost
				}
			}
			if opened == total && len(wire) == 0 && len(client.order)+len(server.order) == 0 {
				break
			}
		}
		whole := 0
		for _, x := range all {
			to := server
			if x.from == server {
				to = client
			}
			got := to.got[x.id]
			require.True(t, bytes.Equal(pattern(0, len(got)), got), "stream %d", x.id)
			if len(got) == x.size {
				whole++
			}
			require.LessOrEqual(t, len(got), x.size)
		}
		require.Greater(t, whole, len(all)/2)
		for _, e := range ends {
			require.Zero(t, e.store.Held())
			received, consumed := e.in.Usage()
			require.Equal(t, received, consumed, "9000-4.4-1: all credit is accounted for")
		}
		sent, _ := server.in.Usage()
		require.Equal(t, client.out.Used(), sent, "both ends agree on what was sent")
		sent, _ = client.in.Usage()
		require.Equal(t, server.out.Used(), sent)
	}
}
