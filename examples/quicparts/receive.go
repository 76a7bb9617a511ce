package main

import (
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/keyphase"
	"github.com/purewire/purewire/codec/quic/path"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

// receive takes a datagram. An error ends the connection; what is to be ignored is none.
func (e *endpoint) receive(now codec.Time, datagram []byte) error {
	if e.closer.State() != path.Open {
		e.closer.Received()
		return nil
	}
	if e.remote.IsReset(datagram) { // looked at before anything is decrypted in place
		e.closer.Reset(now, e.sender.ProbeTimeout())
		return nil
	}
	e.limit.Received(len(datagram))
	e.sender.SetLimited(now, false)
	it := quic.HeaderOptions{ShortIDLen: idLen}.Packets(datagram)
	for {
		var h quic.Header
		packet, err := it.Next(&h)
		if packet == nil || err != nil {
			return nil
		}
		if err := e.packet(now, &h, packet, len(datagram)); err != nil {
			return err
		}
	}
}

// packet takes one packet of a datagram of size bytes.
func (e *endpoint) packet(now codec.Time, h *quic.Header, packet []byte, size int) error {
	space, ok := recovery.SpaceOf(h.Type)
	if !ok || h.Type == quic.ZeroRTT || h.Type != quic.OneRTT && h.Version != quic.Version1 {
		return nil // Retry, Version Negotiation and 0-RTT are left out here
	}
	if e.tls == nil { // a server's first packet
		original, fits := quic.MakeConnectionID(h.DstID)
		// 9000-14.1: a server drops Initial packets in datagrams below 1200 bytes; 9000-7.2: the ID has 8 bytes or more.
		if h.Type != quic.Initial || size < path.MinDatagram || !fits || original.Len() < 8 {
			return nil
		}
		if err := e.initialKeys(original); err != nil {
			return err
		}
	}
	keys, which := e.read[space], keyphase.Current
	if keys == nil {
		return nil // they are not there yet, or not any more
	}
	o, err := quic.Unmask(packet, h.NumberAt, e.receiver.Largest(space), keys)
	if err != nil {
		return nil
	}
	if space == app {
		which = e.phase.Choose(o.First&quic.KeyPhaseBit != 0, o.Number)
		switch which {
		case keyphase.Previous:
			keys = e.previous
		case keyphase.Next:
			keys = e.nextRead
		case keyphase.None:
			return nil
		}
	}
	payload, err := o.Open(packet, keys)
	if err != nil {
		if e2 := new(quic.Error); errors.As(err, &e2) && e2.Scope == codec.ScopeConn {
			return err // reserved bits in an authentic packet
		}
		if space == app {
			return e.phase.Failed()
		}
		return nil
	}
	if e.tls == nil { // it is authentic: only now does it make a connection
		e.peerID, _ = quic.MakeConnectionID(h.SrcID)
		if err := e.start(now); err != nil {
			return err
		}
	}
	if e.receiver.Seen(space, o.Number) {
		return nil
	}
	if space == app {
		if err := e.phase.Opened(now, e.sender.ProbeTimeout(), which, o.Number); err != nil {
			return err
		}
		if which == keyphase.Next {
			if err := e.rotate(); err != nil {
				return err
			}
		}
	}
	if !e.knowsPeer && h.Type != quic.OneRTT {
		e.knowsPeer = true
		e.peerID, _ = quic.MakeConnectionID(h.SrcID)
		e.remote.Init(e.peerID, 4)
	}
	e.idle.Received(now)
	if space == recovery.Handshake && e.role == quic.Server {
		e.limit.Validate() // 9000-8.1-1
		if err := e.discard(now, initial); err != nil {
			return err
		}
	}
	eliciting := false
	e.decoder.Init(e.role, h.Type, len(payload))
	for !e.decoder.Ended() {
		n, err := e.decoder.Next(payload, &e.frame)
		if err != nil {
			return err
		}
		payload = payload[n:]
		eliciting = eliciting || e.frame.Kind.AckEliciting()
		if err := e.take(now, space, which, h, &e.frame); err != nil {
			return err
		}
	}
	if e.read[space] == nil {
		return nil // a frame of it has ended the space
	}
	if err := e.receiver.Received(now, space, o.Number, eliciting, recovery.NotECT); err != nil {
		return err
	}
	return e.events(now)
}

// take takes a frame.
func (e *endpoint) take(now codec.Time, space recovery.Space, which keyphase.Keys, h *quic.Header, f *quic.Frame) (err error) {
	switch f.Kind {
	case quic.Ack:
		if err = e.sender.Ack(now, space, &f.Ack, &e.batch); err != nil {
			return err
		}
		e.receiver.AckAcked(space, e.batch.AckedAck)
		e.settle(now)
		if space == app {
			err = e.phase.Acked(now, e.sender.ProbeTimeout(), which, int64(f.Ack.Largest))
		}
	case quic.Crypto:
		in := &e.crypto[space].in
		lent, err := in.Receive(f)
		if err != nil {
			return err
		}
		if len(lent) > 0 {
			if err := e.tls.HandleData(level(space), lent); err != nil {
				return err
			}
		}
		for b := in.Peek(); len(b) > 0; b = in.Peek() { // what came too early, and is next now
			if err := e.tls.HandleData(level(space), b); err != nil {
				return err
			}
			if err := in.Consume(len(b)); err != nil {
				return err
			}
		}
	case quic.HandshakeDone:
		if !e.done {
			return e.confirm(now)
		}
	case quic.MaxData:
		e.out.Grow(f.Value)
	case quic.DataBlocked:
		err = e.in.Blocked(now)
	case quic.MaxStreams:
		_, err = e.streams.Local[kindOf(f.Uni)].Grow(f.Value)
	case quic.StreamsBlocked:
		err = e.streams.Peer[kindOf(f.Uni)].Blocked(now, f.Value)
	case quic.NewConnectionID:
		err = e.remote.New(f)
	case quic.RetireConnectionID:
		seq, found := e.local.Sequence(h.DstID)
		_, _, err = e.local.Retire(f.Sequence, seq, found)
	case quic.PathChallenge:
		e.answers.Challenged(path.Challenge(f.Token[:8]))
	case quic.ConnectionClose:
		e.closer.PeerClosed(now, e.sender.ProbeTimeout())
	case quic.Stream, quic.ResetStream, quic.StreamDataBlocked, quic.StopSending, quic.MaxStreamData:
		err = e.takeStream(now, f)
	}
	return err
}

func (e *endpoint) takeStream(now codec.Time, f *quic.Frame) error {
	id := f.StreamID
	fresh, err := e.streams.Touch(f.Kind, id)
	if err != nil {
		return err
	}
	if fresh {
		e.create(id)
	}
	r, s := e.recv[id], e.send[id] // nil: over and forgotten
	switch {
	case f.Kind == quic.Stream && r != nil && r.State().Terminal():
		_, err = r.Receive(f, true) // once more: only its final size is looked at
		return err
	case f.Kind == quic.Stream && r != nil:
		lent, err := r.Receive(f, true)
		if err != nil {
			return err
		}
		over := r.State() == stream.RecvDataRead
		e.data(id, lent, over)
		for b := r.Peek(); len(b) > 0; b = r.Peek() {
			e.data(id, b, false) // before it is consumed
			if err := r.Consume(len(b)); err != nil {
				return err
			}
		}
		if !over && r.State() == stream.RecvDataRead {
			e.data(id, nil, true)
		}
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

// create makes the two parts of a stream; this program uses bidirectional ones only.
func (e *endpoint) create(id quic.StreamID) {
	credit := e.peer.MaxStreamDataBidiLocal
	if id.Opener() == e.role {
		credit = e.peer.MaxStreamDataBidiRemote
	}
	e.recv[id], e.send[id] = new(stream.RecvStream), new(stream.SendStream)
	e.recv[id].Init(id, &e.store, &e.in, &e.limits)
	e.send[id].Init(id, &e.store, &e.out, credit, &e.limits)
}

func kindOf(uni bool) int {
	if uni {
		return 1
	}
	return 0
}
