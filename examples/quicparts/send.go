package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/path"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

func level(space recovery.Space) tls.QUICEncryptionLevel {
	return [...]tls.QUICEncryptionLevel{tls.QUICEncryptionLevelInitial, tls.QUICEncryptionLevelHandshake, tls.QUICEncryptionLevelApplication}[space]
}

// transmit calls out with each datagram that may be sent now. There is one packet in each: coalescing them is left out.
func (e *endpoint) transmit(now codec.Time, out func(datagram []byte)) error {
	for space := range recovery.Space(recovery.Spaces) {
		for e.write[space] != nil {
			d, err := e.build(now, space)
			if err != nil {
				return err
			}
			if d == nil {
				break
			}
			out(d)
			if e.closer.State() != path.Open {
				return nil
			}
		}
	}
	return nil
}

// outgoing is a packet that is being built.
type outgoing struct {
	recovery.Packet
	payload []byte
	most    int                // length of the payload
	settle  []func(acked bool) // what follows from its fate
	expand  bool               // to 1200 bytes
	close   func()             // if it has CONNECTION_CLOSE
}

func (o *outgoing) room() int { return o.most - len(o.payload) }

// add appends a frame, which must fit, and what follows from its fate.
func (o *outgoing) add(f quic.Frame, settle func(f *quic.Frame, acked bool)) error {
	out, err := quic.AppendFrame(o.payload, &f)
	o.payload, o.Eliciting = out, o.Eliciting || f.Kind.AckEliciting()
	if settle != nil {
		f.Data = bytes.Clone(f.Data)
		o.settle = append(o.settle, func(acked bool) { settle(&f, acked) })
	}
	return err
}

// build makes a packet of the space, nil if none is to be sent now.
func (e *endpoint) build(now codec.Time, space recovery.Space) ([]byte, error) {
	size, probe := e.mtu.Size(), e.sender.Probes(space) > 0
	if probe {
		size = path.MinDatagram // it arrives as well where the path has become smaller
	}
	if e.limit.Allows(size) < size {
		e.sender.SetLimited(now, true) // until something arrives
		return nil, nil
	}
	o := &outgoing{Packet: recovery.Packet{Number: e.sender.Next(space)}, payload: e.payload[:0]}
	// What is lost of the handshake must not wait for a window that 1-RTT data fills: see package recovery.
	may := e.sender.Room(space) > 0 && (probe || space != app || e.control.Available() >= int64(size) && e.pacer.Ready(now, size))
	if space == app && may && !probe && e.done {
		if n := e.mtu.Probe(now); n > 0 {
			return e.probeMTU(now, o, n)
		}
	}
	header, err := e.header(space, o.Number, size) // as long as the one that is sent
	if err != nil {
		return nil, err
	}
	o.most = size - len(header) - e.write[space].Overhead()
	owed := e.receiver.Owed(now, space)
	if owed || may && e.receiver.Worth(space) {
		if o.payload, o.Ack, err = e.receiver.AppendAck(o.payload, now, space, o.room()); err != nil {
			return nil, err
		}
		o.HasAck = true
	}
	switch {
	case e.closer.State() != path.Open:
		if !e.closer.Due() {
			return nil, nil
		}
		if err := o.add(quic.Frame{Kind: quic.ConnectionClose}, nil); err != nil {
			return nil, err
		}
		o.close = e.closer.Sent
	case may:
		if err := e.fill(now, space, o, probe); err != nil {
			return nil, err
		}
	}
	if space == app {
		e.limited = may && !o.Eliciting
	}
	if !o.Eliciting && !owed && o.close == nil {
		return nil, nil // an ACK frame that is not owed yet waits for company
	}
	return e.finish(now, space, o)
}

// header returns the header of a packet of size bytes.
func (e *endpoint) header(space recovery.Space, number int64, size int) (dst []byte, err error) {
	n := quic.PacketNumberLen(number, e.sender.LargestAcked(space))
	if space == app {
		if _, there := e.remote.Get(e.peerSeq); !there { // the peer has retired it
			if seq, id, err := e.remote.Use(); err == nil {
				e.peerSeq, e.peerID = seq, id
			}
		}
		return quic.AppendShortHeader(nil, e.peerID.Bytes(), false, e.phase.Phase(), number, n)
	}
	h := quic.LongHeader{
		Type: quic.Initial, Version: quic.Version1, DstID: e.peerID.Bytes(), SrcID: e.source.Bytes(), Number: number, NumberLen: n, Payload: size, LengthSize: 2,
	}
	if space == recovery.Handshake {
		h.Type = quic.Handshake
	}
	return quic.AppendLongHeader(nil, &h)
}

// fill puts frames into a packet: on a probe timeout at least one that elicits an acknowledgment.
func (e *endpoint) fill(now codec.Time, space recovery.Space, o *outgoing, probe bool) error {
	crypto := &e.crypto[space].out
	keep := func(piece stream.Piece) {
		o.Eliciting = true
		o.settle = append(o.settle, func(acked bool) {
			if e.write[space] == nil {
				return // the keys are gone, and the data with them
			}
			if acked {
				crypto.Acked(piece)
			} else {
				crypto.Lost(piece)
			}
		})
	}
	for {
		out, piece, ok := crypto.AppendCrypto(o.payload, o.room())
		if !ok {
			break
		}
		o.payload = out
		keep(piece)
	}
	if space == app {
		if err := e.control1RTT(now, o); err != nil {
			return err
		}
		e.streamData(o, false)
	}
	if probe && !o.Eliciting { // the oldest data once more
		if out, piece, ok := crypto.AppendProbe(o.payload, o.room()); ok {
			o.payload = out
			keep(piece)
		} else if space == app {
			e.streamData(o, true)
		}
	}
	if probe && !o.Eliciting || o.HasAck && e.receiver.WantsPing(space) {
		return o.add(quic.Frame{Kind: quic.Ping}, nil)
	}
	return nil
}

func (e *endpoint) streamData(o *outgoing, probe bool) {
	for id, s := range e.send {
		for {
			appendTo := s.AppendStream
			if probe {
				appendTo = s.AppendProbe
			}
			out, piece, ok := appendTo(o.payload, o.room(), false)
			if !ok {
				break
			}
			o.payload, o.Eliciting = out, true
			o.settle = append(o.settle, func(acked bool) {
				if acked {
					s.Acked(piece)
				} else {
					s.Lost(piece)
				}
			})
			if probe {
				return
			}
		}
		if s.State().Terminal() && e.recv[id].State().Terminal() {
			delete(e.send, id)
			delete(e.recv, id)
			if id.Opener() != e.role {
				e.streams.Peer[stream.Kind(id)].Done()
			}
		}
	}
}

// frameRoom is more than a control frame takes.
const frameRoom = 64

// control1RTT adds what the parts owe to the peer.
func (e *endpoint) control1RTT(now codec.Time, o *outgoing) (err error) {
	rtt := e.sender.RTT().Smoothed()
	var f quic.Frame
	put := func(f quic.Frame, settle func(f *quic.Frame, acked bool)) {
		if err == nil {
			err = o.add(f, settle)
		}
	}
	if e.doneFrame {
		e.doneFrame = false
		put(quic.Frame{Kind: quic.HandshakeDone}, func(_ *quic.Frame, acked bool) { e.doneFrame = e.doneFrame || !acked })
	}
	for data, found := e.answers.Next(); found; data, found = e.answers.Next() {
		f = quic.Frame{Kind: quic.PathResponse}
		copy(f.Token[:], data[:])
		put(f, nil)
		o.expand = true // RFC 9000 section 8.2.2
	}
	if e.in.Due() {
		put(quic.Frame{Kind: quic.MaxData, Value: e.in.Emit(now, rtt)}, func(f *quic.Frame, acked bool) {
			if !acked {
				e.in.Lost(f.Value)
			}
		})
	}
	if limit, due := e.out.BlockedDue(); due {
		e.out.BlockedSent()
		put(quic.Frame{Kind: quic.DataBlocked, Value: limit}, func(f *quic.Frame, acked bool) {
			if !acked {
				e.out.BlockedAgain(f.Value)
			}
		})
	}
	for kind := range e.streams.Peer {
		if p := &e.streams.Peer[kind]; p.Due() {
			put(quic.Frame{Kind: quic.MaxStreams, Uni: kind == 1, Value: p.Emit()}, func(f *quic.Frame, acked bool) {
				if !acked {
					p.Lost(f.Value)
				}
			})
		}
	}
	for e.done && e.local.Wanted() > 0 {
		var token quic.ResetToken // of an endpoint that never loses its state: nobody knows it
		rand.Read(token[:])
		if _, err := e.local.Issue(newID(), token); err != nil {
			return err
		}
	}
	for o.room() > frameRoom && e.local.NextFrame(&f) {
		put(f, settled(e.local.Acked, e.local.Lost))
	}
	for o.room() > frameRoom && e.remote.NextFrame(&f) {
		put(f, settled(e.remote.Acked, e.remote.Lost))
	}
	for _, r := range e.recv {
		for o.room() > frameRoom && r.NextFrame(now, rtt, &f) {
			put(f, func(f *quic.Frame, acked bool) {
				if acked {
					r.Acked(f)
				} else {
					r.Lost(f)
				}
			})
		}
	}
	for _, s := range e.send {
		for o.room() > frameRoom && s.NextFrame(&f) {
			put(f, func(f *quic.Frame, acked bool) {
				if acked {
					s.FrameAcked(f)
				} else {
					s.FrameLost(f)
				}
			})
		}
	}
	return err
}

// settled tells of the fate of a frame with a sequence number.
func settled(acked, lost func(seq uint64)) func(*quic.Frame, bool) {
	return func(f *quic.Frame, arrived bool) {
		if arrived {
			acked(f.Sequence)
		} else {
			lost(f.Sequence)
		}
	}
}

// finish protects a packet and tells everybody that it is sent.
func (e *endpoint) finish(now codec.Time, space recovery.Space, o *outgoing) ([]byte, error) {
	switch {
	// 9000-14.1: datagrams with Initial packets have 1200 bytes or more; of a server those that elicit acknowledgments.
	case o.expand || space == initial && (e.role == quic.Client || o.Eliciting):
		o.payload = append(o.payload, make([]byte, o.room())...)
		o.Padded = true
	case len(o.payload) < 4: // there must be enough to sample
		o.payload = append(o.payload, 0, 0, 0)
		o.Padded = true
	}
	if space == app {
		if e.phase.Due(now) {
			if err := e.phase.Update(now); err != nil {
				return nil, err
			}
			if err := e.rotate(); err != nil {
				return nil, err
			}
		}
		if err := e.phase.Sent(o.Number); err != nil {
			return nil, err
		}
		if o.HasAck {
			e.phase.AckSent(o.Ack)
		}
	}
	keys := e.write[space]
	header, err := e.header(space, o.Number, len(o.payload)+keys.Overhead())
	if err != nil {
		return nil, err
	}
	wire, err := quic.Protect(append(header, o.payload...), 0, len(header), o.Number, keys)
	if err != nil {
		return nil, err
	}
	e.token++
	o.Octets, o.Token = len(wire), e.token
	if err := e.sender.Sent(now, space, o.Packet); err != nil {
		return nil, err
	}
	if o.HasAck {
		e.receiver.AckSent(space, o.Eliciting)
	}
	if o.Eliciting || o.Padded {
		e.flight[o.Token] = o.settle
		e.control.OnSent(now, o.Octets)
		e.pacer.OnSent(now, o.Octets)
	}
	if err := e.limit.Sent(len(wire)); err != nil {
		return nil, err
	}
	if o.Eliciting {
		e.idle.Sent(now)
	}
	if !o.MTUProbe && space == app && o.Octets > path.MinDatagram {
		number, size := o.Number, o.Octets
		e.flight[o.Token] = append(e.flight[o.Token], func(acked bool) {
			if acked {
				e.mtu.PacketAcked(number, size)
			} else if e.mtu.PacketLost(now, number, size) {
				e.resize(now)
			}
		})
	}
	if o.close != nil {
		o.close()
	}
	if space == recovery.Handshake && e.role == quic.Client {
		return wire, e.discard(now, initial) // RFC 9001 section 4.9.1
	}
	return wire, nil
}
