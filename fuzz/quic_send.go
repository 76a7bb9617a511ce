package fuzz

import (
	"bytes"
	"encoding/binary"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

// flush sends what may be sent now.
func (e *quicEnd) flush() {
	const space = recovery.Application
	v := e.v
	e.paced = 0
	for {
		e.pacer.SetRate(v.now, e.control.Window(), e.sender.RTT().Smoothed(), e.control.SlowStart())
		switch probe := e.sender.Probes(space) > 0; {
		case e.sender.Room(space) == 0:
			if probe {
				v.p.Fail("end %d: no room for a probe", e.role)
			}
			e.idle = false
			return
		case probe:
			e.packet(quicDatagramSize, true)
			continue
		case e.control.Available() >= quicDatagramSize && e.pacer.Ready(v.now, quicDatagramSize):
			if e.packet(quicDatagramSize, false) {
				continue
			}
			e.idle = true
		default:
			if e.idle = false; e.control.Available() >= quicDatagramSize {
				e.paced = e.pacer.Next(v.now, quicDatagramSize)
			}
		}
		if e.receiver.Owed(v.now, space) {
			e.acknowledge()
		}
		return
	}
}

// acknowledge sends a packet with only an ACK frame.
func (e *quicEnd) acknowledge() {
	wire, k := e.begin(quicAckRoom)
	if !k.HasAck {
		e.v.p.Fail("end %d owes an acknowledgment of nothing", e.role)
	}
	if e.receiver.WantsPing(recovery.Application) && e.control.Available() >= quicDatagramSize {
		wire, _ = quic.AppendFrame(wire, &quic.Frame{Kind: quic.Ping})
		k.Eliciting = true
	}
	e.finish(wire, k, &quicPacket{})
}

// begin begins a packet, with an ACK frame if there is something to say.
func (e *quicEnd) begin(size int) ([]byte, recovery.Packet) {
	const space = recovery.Application
	k := recovery.Packet{Number: e.sender.Next(space)}
	wire := binary.BigEndian.AppendUint64(make([]byte, 0, quicDatagramSize), uint64(k.Number))
	if e.receiver.Owed(e.v.now, space) || e.receiver.Worth(space) {
		out, largest, err := e.receiver.AppendAck(wire, e.v.now, space, min(size-len(wire), quicAckRoom))
		e.v.p.must(err, "end %d: ACK", e.role)
		wire, k.HasAck, k.Ack = out, true, largest
	}
	return wire, k
}

// finish sends a packet.
func (e *quicEnd) finish(wire []byte, k recovery.Packet, q *quicPacket) {
	const space = recovery.Application
	v := e.v
	k.Octets, k.Token, k.Marked = len(wire), uint64(k.Number), e.sender.Marking()
	mark := recovery.NotECT
	if k.Marked {
		mark = recovery.ECT0
	}
	if len(wire) > quicDatagramSize {
		v.p.Fail("end %d: a packet of %d octets", e.role, len(wire))
	}
	v.p.must(e.sender.Sent(v.now, space, k), "end %d: packet %d", e.role, k.Number)
	if k.HasAck {
		e.receiver.AckSent(space, k.Eliciting)
	}
	if k.Eliciting {
		e.control.OnSent(v.now, k.Octets)
		e.pacer.OnSent(v.now, k.Octets)
		e.flight[k.Token] = q
		e.octets += int64(k.Octets)
		e.account("sent")
	}
	v.launch(e, wire, mark)
}

// account compares what is in flight by three accounts.
func (e *quicEnd) account(what string) {
	if e.octets != e.sender.InFlight() || e.octets != e.control.InFlight() {
		e.v.p.Fail("end %d: %s: %d octets in flight, the sender says %d, the controller %d", e.role, what, e.octets, e.sender.InFlight(), e.control.InFlight())
	}
}

// packet sends a packet with frames, if there are any to send. A probe always has one.
func (e *quicEnd) packet(size int, probe bool) (sent bool) {
	wire, k := e.begin(size)
	q := &quicPacket{}
	wire = e.housekeeping(wire, size, q)
	room := func() bool { return len(wire)+quicControlRoom < size }
	for _, id := range e.order {
		s := e.send[id]
		for s != nil && room() {
			out, piece, ok := s.AppendStream(wire, size-len(wire), false)
			if !ok {
				break
			}
			wire = out
			q.settle = append(q.settle, e.settled(s, piece))
		}
		for s != nil && room() && s.NextFrame(&e.frame) {
			wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
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
		e.frame = quic.Frame{Kind: quic.DataBlocked, Value: limit}
		wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
			if !acked {
				e.out.BlockedAgain(f.Value)
			}
		})
	}
	if len(q.settle) == 0 {
		if !probe {
			return false
		}
		for _, id := range e.order { // the oldest data once more
			if s := e.send[id]; s != nil {
				if out, piece, ok := s.AppendProbe(wire, size-len(wire), false); ok {
					wire = out
					q.settle = append(q.settle, e.settled(s, piece))
					break
				}
			}
		}
		if len(q.settle) == 0 {
			wire, _ = quic.AppendFrame(wire, &quic.Frame{Kind: quic.Ping})
		}
	}
	k.Eliciting = true
	e.finish(wire, k, q)
	return true
}

func (e *quicEnd) settled(s *stream.SendStream, piece stream.Piece) func(acked bool) {
	return func(acked bool) {
		if acked {
			e.v.p.must(s.Acked(piece), "end %d: stream %d: acknowledged %+v", e.role, s.ID(), piece)
		} else {
			e.v.p.must(s.Lost(piece), "end %d: stream %d: lost %+v", e.role, s.ID(), piece)
		}
	}
}

// add appends e.frame, and settle with it.
func (e *quicEnd) add(wire []byte, q *quicPacket, settle func(f *quic.Frame, acked bool)) []byte {
	f := e.frame
	wire, err := quic.AppendFrame(wire, &f)
	e.v.p.must(err, "end %d: frame of kind %d", e.role, f.Kind)
	f.Data = bytes.Clone(f.Data)
	q.settle = append(q.settle, func(acked bool) { settle(&f, acked) })
	return wire
}

// housekeeping appends the frames that are not of sending streams.
func (e *quicEnd) housekeeping(wire []byte, size int, q *quicPacket) []byte {
	now, rtt := e.v.now, e.sender.RTT().Smoothed()
	room := func() bool { return len(wire)+quicControlRoom < size }
	if e.in.Due() && room() {
		e.frame = quic.Frame{Kind: quic.MaxData, Value: e.in.Emit(now, rtt)}
		wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
			if !acked {
				e.in.Lost(f.Value)
			}
		})
	}
	for kind := range e.streams.Peer {
		if s := &e.streams.Peer[kind]; s.Due() && room() {
			e.frame = quic.Frame{Kind: quic.MaxStreams, Uni: kind == 1, Value: s.Emit()}
			wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
				if !acked {
					s.Lost(f.Value)
				}
			})
		}
		s := &e.streams.Local[kind]
		if limit, due := s.BlockedDue(); due && room() {
			s.BlockedSent()
			e.frame = quic.Frame{Kind: quic.StreamsBlocked, Uni: kind == 1, Value: limit}
			wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
				if !acked {
					s.BlockedAgain(f.Value)
				}
			})
		}
	}
	for room() && e.local.NextFrame(&e.frame) {
		wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
			if acked {
				e.local.Acked(f.Sequence)
			} else {
				e.local.Lost(f.Sequence)
			}
		})
	}
	for room() && e.remote.NextFrame(&e.frame) {
		wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
			if acked {
				e.remote.Acked(f.Sequence)
			} else {
				e.remote.Lost(f.Sequence)
			}
		})
	}
	for _, id := range e.order {
		r := e.recv[id]
		for r != nil && room() && r.NextFrame(now, rtt, &e.frame) {
			wire = e.add(wire, q, func(f *quic.Frame, acked bool) {
				if acked {
					r.Acked(f)
				} else {
					r.Lost(f)
				}
			})
		}
	}
	return wire
}
