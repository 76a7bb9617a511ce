package fuzz

import (
	"bytes"
	"encoding/binary"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/congestion"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

// quicID is connection ID n of an end.
func quicID(role quic.Role, n uint64) quic.ConnectionID {
	id, _ := quic.MakeConnectionID(binary.BigEndian.AppendUint64([]byte{byte(role)}, n))
	return id
}

// other is the role of the peer.
func other(role quic.Role) quic.Role {
	if role == quic.Client {
		return quic.Server
	}
	return quic.Client
}

// step lets the application of an end do something.
func (e *quicEnd) step() {
	p := e.v.p
	switch p.N(12) {
	case 0, 1:
		e.open(p.Bool(), p.Size())
	case 2, 3, 4:
		if s := e.story(); s != nil {
			s.from.write(s, 1+p.Size())
		}
	case 5, 6, 7:
		e.read(1 + p.Size())
		e.sweep()
	case 8:
		if s := e.story(); s != nil && p.N(8) == 7 {
			if w := s.from.send[s.id]; w != nil && w.Reset(5) == nil {
				s.cut = true
			}
		}
	case 9:
		if s := e.story(); s != nil && p.N(8) == 7 {
			if r := s.to.recv[s.id]; r != nil && r.Stop(6) == nil {
				s.cut = true
			}
		}
	case 10:
		e.issue()
	case 11:
		if seq, _, err := e.remote.Use(); err == nil && e.remote.Active() > 1 {
			if err := e.remote.Retire(seq); err != nil && e.remote.Retiring() < 2*e.remote.Limit() {
				p.Fail("end %d: retire %d: %v", e.role, seq, err)
			}
		}
	}
}

// story is one direction of any stream.
func (e *quicEnd) story() *quicStory {
	if len(e.v.streams) == 0 {
		return nil
	}
	return e.v.streams[e.v.p.N(256)%len(e.v.streams)]
}

// issue issues the connection IDs that are wanted.
func (e *quicEnd) issue() {
	for e.local.Wanted() > 0 {
		_, err := e.local.Issue(quicID(e.role, e.issued), quic.ResetToken{byte(e.issued)})
		e.v.p.must(err, "end %d: connection ID %d", e.role, e.issued)
		e.issued++
	}
}

// open opens a stream; a bidirectional one has an answer, of the same length.
func (e *quicEnd) open(uni bool, size int) {
	v := e.v
	if len(v.streams) > 40 || v.total > 1<<17 {
		return
	}
	id, ok := e.streams.Open(uni)
	if !ok {
		return
	}
	size = min(size, v.most)
	v.total += size
	e.create(id)
	v.add(&quicStory{id: id, from: e, to: e.peer, size: size})
	if !uni {
		v.total += size
		v.add(&quicStory{id: id, from: e.peer, to: e, size: size})
	}
}

func (v *quicConversation) add(s *quicStory) {
	v.streams = append(v.streams, s)
	s.to.stories[s.id] = s
}

func (e *quicEnd) create(id quic.StreamID) {
	mine := id.Opener() == e.role
	if !id.Uni() || !mine {
		e.recv[id] = &stream.RecvStream{}
		e.recv[id].Init(id, &e.store, &e.in, &e.limits)
	}
	if !id.Uni() || mine {
		e.send[id] = &stream.SendStream{}
		e.send[id].Init(id, &e.store, &e.out, uint64(e.peer.limits.StreamWindow), &e.limits)
	}
	e.order = append(e.order, id)
}

// write gives at most n octets to a stream, and its end.
func (e *quicEnd) write(s *quicStory, n int) {
	w := e.send[s.id]
	if w == nil || s.cut || w.Buffer().Closed() {
		return
	}
	n, err := w.Write(content(s.key(), s.written, min(n, s.size-s.written, w.Buffer().Room())))
	e.v.p.must(err, "end %d: write to stream %d", e.role, s.id)
	if s.written += n; s.written == s.size {
		w.Close()
	}
}

// take looks at octets that have come.
func (e *quicEnd) take(id quic.StreamID, b []byte) {
	s := e.stories[id]
	if !bytes.Equal(b, content(s.key(), s.got, len(b))) {
		e.v.p.Fail("end %d: stream %d differs behind octet %d", e.role, id, s.got)
	}
	s.got += len(b)
}

// read reads at most n octets of each stream.
func (e *quicEnd) read(n int) {
	p := e.v.p
	for _, id := range e.order {
		r := e.recv[id]
		if r == nil {
			continue
		}
		for left := n; left > 0; {
			b := r.Peek()
			b = b[:min(len(b), left)]
			if len(b) == 0 {
				break
			}
			e.take(id, b)
			left -= len(b)
			p.must(r.Consume(len(b)), "end %d: consume of stream %d", e.role, id)
		}
		if r.State() == stream.RecvResetRecvd {
			if !e.stories[id].cut {
				p.Fail("end %d: a reset of stream %d that nobody has sent", e.role, id)
			}
			p.must(r.ReadReset(), "end %d: reset of stream %d", e.role, id)
		}
	}
}

// sweep forgets streams that are over.
func (e *quicEnd) sweep() {
	kept := e.order[:0]
	for _, id := range e.order {
		r, s := e.recv[id], e.send[id]
		if r != nil && r.State() == stream.RecvDataRead {
			story := e.stories[id]
			if story.ended = true; !story.cut && story.got != story.size {
				e.v.p.Fail("end %d: stream %d ends at octet %d of %d", e.role, id, story.got, story.size)
			}
		}
		if r != nil && !r.State().Terminal() || s != nil && !s.State().Terminal() {
			kept = append(kept, id)
			continue
		}
		if r != nil {
			r.Release()
		}
		delete(e.recv, id)
		delete(e.send, id)
		if id.Opener() != e.role {
			e.v.p.must(e.streams.Peer[stream.Kind(id)].Done(), "end %d: stream %d is over", e.role, id)
		}
	}
	e.order = kept
}

// judge does what follows from what the sender has found out.
func (e *quicEnd) judge() {
	v, b := e.v, &e.batch
	rtt := congestion.RTT{Smoothed: e.sender.RTT().Smoothed(), Min: e.sender.RTT().Min()}
	if b.Sampled {
		rtt.Latest = b.Sample
	}
	for _, o := range b.Outcomes {
		q := e.flight[o.Token]
		if q == nil {
			v.p.Fail("end %d: packet %d is %v, and was settled before", e.role, o.Number, o.Fate)
		}
		switch o.Fate {
		case recovery.Acked, recovery.LateAcked:
			if !e.peer.reached[o.Number] {
				v.p.Fail("end %d: packet %d is %v, and has not arrived", e.role, o.Number, o.Fate)
			}
			delete(e.flight, o.Token)
			for _, f := range q.settle {
				f(true)
			}
			if o.Fate == recovery.Acked {
				e.octets -= o.Octets
			} else {
				e.control.OnSpurious(v.now, o.SentAt, int(o.Octets))
			}
		case recovery.Lost:
			e.octets -= o.Octets
			for _, f := range q.settle {
				f(false)
			}
		case recovery.Forgotten:
			delete(e.flight, o.Token)
		default:
			v.p.Fail("end %d: packet %d is %v", e.role, o.Number, o.Fate)
		}
	}
	if b.LostOctets > 0 {
		e.control.OnLost(v.now, congestion.Loss{Octets: b.LostOctets, SentAt: b.LostSentAt, Persistent: b.Persistent})
	}
	if b.AckedOctets > 0 {
		e.control.OnAcked(v.now, congestion.Ack{Octets: b.AckedOctets, SentAt: b.AckedSentAt, AppLimited: e.idle, RTT: rtt})
	}
	if b.CE > 0 {
		e.control.OnCongestion(v.now, b.CESentAt, congestion.CE)
	}
	e.receiver.AckAcked(recovery.Application, b.AckedAck)
	e.account("settled")
	if w := e.control.Window(); w < 2*quicDatagramSize {
		v.p.Fail("end %d: a window of %d octets", e.role, w)
	}
}

// arrive takes a datagram. Its bytes are gone afterwards: what was lent must have been used.
func (e *quicEnd) arrive(d quicDatagram) {
	const space = recovery.Application
	v, p := e.v, e.v.p
	number := int64(binary.BigEndian.Uint64(d.wire))
	if e.receiver.Seen(space, number) {
		if !e.reached[number] && number+1024 > e.receiver.Largest(space) {
			p.Fail("end %d: packet %d has arrived for the first time, and was seen", e.role, number)
		}
		return
	}
	if e.reached[number] {
		p.Fail("end %d: packet %d has arrived before", e.role, number)
	}
	e.reached[number] = true
	wire := bytes.Clone(d.wire[8:])
	eliciting := false
	e.decoder.Init(e.role, quic.OneRTT, len(wire))
	f := &e.frame
	for rest := wire; !e.decoder.Ended(); {
		n, err := e.decoder.Next(rest, f)
		p.must(err, "end %d: packet %d", e.role, number)
		rest = rest[n:]
		eliciting = eliciting || f.Kind.AckEliciting()
		p.must(e.handle(f), "end %d: packet %d: frame of kind %d", e.role, number, f.Kind)
	}
	clear(wire)
	p.must(e.receiver.Received(v.now, space, number, eliciting, d.mark), "end %d: packet %d received", e.role, number)
}

// handle takes a frame.
func (e *quicEnd) handle(f *quic.Frame) (err error) {
	now := e.v.now
	switch f.Kind {
	case quic.Ping:
		return nil
	case quic.Ack:
		if err = e.sender.Ack(now, recovery.Application, &f.Ack, &e.batch); err == nil {
			e.judge()
		}
		return err
	case quic.MaxData:
		e.out.Grow(f.Value)
		return nil
	case quic.DataBlocked:
		return e.in.Blocked(now)
	case quic.MaxStreams:
		_, err = e.streams.Local[kindOf(f.Uni)].Grow(f.Value)
		return err
	case quic.StreamsBlocked:
		return e.streams.Peer[kindOf(f.Uni)].Blocked(now, f.Value)
	case quic.NewConnectionID:
		return e.remote.New(f)
	case quic.RetireConnectionID:
		_, _, err = e.local.Retire(f.Sequence, 1<<61, true)
		return err
	}
	fresh, err := e.streams.Touch(f.Kind, f.StreamID)
	if err != nil {
		return err
	}
	if fresh {
		e.create(f.StreamID)
	}
	r, s := e.recv[f.StreamID], e.send[f.StreamID]
	switch {
	case f.Kind == quic.Stream && r != nil:
		lent, err := r.Receive(f, e.lend)
		if err == nil && len(lent) > 0 {
			e.take(f.StreamID, lent)
		}
		return err
	case f.Kind == quic.ResetStream && r != nil:
		return r.Reset(f)
	case f.Kind == quic.StreamDataBlocked && r != nil:
		return r.Blocked(now)
	case f.Kind == quic.StopSending && s != nil:
		s.StopSending(f.Code)
	case f.Kind == quic.MaxStreamData && s != nil:
		s.MaxStreamData(f.Value)
	}
	return nil
}

func kindOf(uni bool) int {
	if uni {
		return 1
	}
	return 0
}
