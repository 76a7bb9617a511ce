package verdict

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/purewire/purewire/codec/quic/ranges"
	core "github.com/purewire/purewire/corpus/verdict"
)

// speaker is an end of a QUIC connection that does an ordinary handshake, acknowledges what comes, and sends the packets of an input when
// their turn comes. It has no loss recovery: the link loses nothing.
type speaker struct {
	role quic.Role
	c    *core.Conversation
	pc   *packets
	to   net.Addr
	tls  *tls.QUICConn
	wg   sync.WaitGroup

	mu       sync.Mutex
	original []byte // the Destination Connection ID of the client's first packet
	src, dst []byte
	spaces   [quic.OneRTT + 1]packetSpace
	phase    bool   // the key phase, of both directions
	complete bool   // TLS has finished
	quiet    bool   // nothing is acknowledged
	closed   string // what the other end has closed the connection with, and why
	answered int64  // the largest packet of OneRTT that the other end has acknowledged
	fault    error
}

type packetSpace struct {
	send, recv *protect.Keys
	next       int64
	largest    int64
	got        ranges.Set
	came       map[uint64][]byte // CRYPTO data that is ahead
	read       uint64
	held       []byte // handshake messages that wait for their turn
	sent       uint64
	open       bool // its turn has come: packets are acknowledged
}

func newSpeaker(role quic.Role, c *core.Conversation, pc *packets, to net.Addr) *speaker {
	s := &speaker{role: role, c: c, pc: pc, to: to, src: []byte("theirsid"), answered: -1}
	for i := range s.spaces {
		s.spaces[i].largest = quic.NoPacket
		s.spaces[i].came = map[uint64][]byte{}
	}
	if role == quic.Client {
		s.original = []byte("original")
		s.dst = s.original
		s.tls = tls.QUICClient(&tls.QUICConfig{TLSConfig: clientTLS()})
	} else {
		s.tls = tls.QUICServer(&tls.QUICConfig{TLSConfig: serverTLS()})
	}
	return s
}

// start begins to read. A client sends its first packet.
func (s *speaker) start() error {
	s.wg.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, _, err := s.pc.ReadFrom(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			if err := s.datagram(buf[:n]); err != nil && s.fault == nil {
				s.fault = err
			}
			s.mu.Unlock()
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.role == quic.Client {
		if err := s.initialKeys(); err != nil {
			return err
		}
		s.spaces[quic.Initial].open = true
		s.tls.SetTransportParameters(s.c.Parameters(quic.Client, s.src, s.original))
	}
	if err := s.tls.Start(context.Background()); err != nil {
		return err
	}
	if err := s.drain(); err != nil {
		return err
	}
	if s.role == quic.Client {
		return s.flush(quic.Initial)
	}
	return nil
}

func (s *speaker) initialKeys() error {
	c, v, err := protect.InitialSecrets(quic.Version1, s.original)
	if err != nil {
		return err
	}
	client, err1 := protect.New(quic.Version1, protect.AES128GCM, c)
	server, err2 := protect.New(quic.Version1, protect.AES128GCM, v)
	sp := &s.spaces[quic.Initial]
	if sp.send, sp.recv = client, server; s.role == quic.Server {
		sp.send, sp.recv = server, client
	}
	return errors.Join(err1, err2)
}

var levels = map[tls.QUICEncryptionLevel]quic.PacketType{tls.QUICEncryptionLevelInitial: quic.Initial, tls.QUICEncryptionLevelHandshake: quic.Handshake,
	tls.QUICEncryptionLevelApplication: quic.OneRTT}

// drain does what TLS wants.
func (s *speaker) drain() error {
	for {
		e := s.tls.NextEvent()
		sp := &s.spaces[levels[e.Level]]
		var err error
		switch e.Kind {
		case tls.QUICNoEvent:
			return nil
		case tls.QUICSetReadSecret:
			sp.recv, err = protect.New(quic.Version1, protect.Suite(e.Suite), e.Data)
		case tls.QUICSetWriteSecret:
			sp.send, err = protect.New(quic.Version1, protect.Suite(e.Suite), e.Data)
		case tls.QUICWriteData:
			sp.held = append(sp.held, e.Data...)
		case tls.QUICTransportParametersRequired:
			s.tls.SetTransportParameters(s.c.Parameters(quic.Server, s.src, s.original))
		case tls.QUICHandshakeDone:
			s.complete = true
		}
		if err != nil {
			return err
		}
	}
}

// flush lets a packet number space's turn come: its handshake messages are sent.
func (s *speaker) flush(t quic.PacketType) error {
	sp := &s.spaces[t]
	sp.open = true
	for len(sp.held) > 0 {
		piece := sp.held[:min(1000, len(sp.held))]
		f := quic.Frame{Kind: quic.Crypto, Offset: sp.sent, Data: piece}
		payload, err := quic.AppendFrame(nil, &f)
		if err != nil {
			return err
		}
		if err := s.send(&core.Packet{Type: t, Payload: payload}); err != nil {
			return err
		}
		sp.sent += uint64(len(piece))
		sp.held = sp.held[len(piece):]
	}
	return s.acknowledge(t)
}

// send sends a packet.
func (s *speaker) send(p *core.Packet) error {
	sp := &s.spaces[p.Type]
	if sp.send == nil {
		return fmt.Errorf("there are no keys for a packet of type %v", p.Type)
	}
	p.Phase = p.Type == quic.OneRTT && s.phase
	wire, err := p.Append(nil, s.dst, s.src, sp.next, sp.send)
	if err != nil {
		return err
	}
	sp.next++
	_, err = s.pc.WriteTo(wire, s.to)
	return err
}

// acknowledge acknowledges all that has come in a space.
func (s *speaker) acknowledge(t quic.PacketType) error {
	sp := &s.spaces[t]
	if !sp.open || sp.send == nil || sp.got.Empty() || s.quiet {
		return nil
	}
	var all []quic.Range
	for r := range sp.got.Descending() {
		all = append(all, quic.Range{Smallest: r.Start, Largest: r.End - 1})
	}
	payload, _, err := quic.AppendAck(nil, 0, all, nil, 1000)
	if err != nil {
		return err
	}
	return s.send(&core.Packet{Type: t, Payload: payload})
}

// datagram reads what comes.
func (s *speaker) datagram(src []byte) error {
	it := quic.HeaderOptions{ShortIDLen: len(s.src)}.Packets(src)
	for {
		var h quic.Header
		packet, err := it.Next(&h)
		if err != nil || packet == nil {
			return nil // x/net fills datagrams up with what is no packet
		}
		if h.Type > quic.OneRTT || h.Type == quic.Retry {
			continue
		}
		if s.original == nil && h.Type == quic.Initial {
			s.original = append([]byte(nil), h.DstID...)
			if err := s.initialKeys(); err != nil {
				return err
			}
		}
		if h.Type == quic.Initial {
			s.dst = append([]byte(nil), h.SrcID...)
		}
		if err := s.packet(packet, &h); err != nil {
			return err
		}
	}
}

func (s *speaker) packet(packet []byte, h *quic.Header) error {
	sp := &s.spaces[h.Type]
	if sp.recv == nil {
		return nil
	}
	o, err := quic.Unmask(packet, h.NumberAt, sp.largest, sp.recv)
	if err != nil {
		return nil
	}
	keys := sp.recv
	update := h.Type == quic.OneRTT && (o.First&quic.KeyPhaseBit != 0) != s.phase
	if update {
		if keys, err = keys.Update(); err != nil {
			return err
		}
	}
	payload, err := o.Open(packet, keys)
	if err != nil {
		return nil
	}
	if update { // RFC 9001 section 6.2: ours follow
		sp.recv, s.phase = keys, !s.phase
		if sp.send, err = sp.send.Update(); err != nil {
			return err
		}
	}
	if sp.got.Contains(uint64(o.Number)) {
		return nil
	}
	sp.got.Add(uint64(o.Number))
	sp.largest = max(sp.largest, o.Number)
	var d quic.FrameDecoder
	var f quic.Frame
	eliciting := false
	for d.Init(s.role, h.Type, len(payload)); !d.Ended(); {
		n, err := d.Next(payload, &f)
		if err != nil {
			return fmt.Errorf("it sends what is wrong: %w", err)
		}
		payload = payload[n:]
		eliciting = eliciting || f.Kind.AckEliciting()
		switch f.Kind {
		case quic.Crypto:
			if err := s.crypto(h.Type, &f); err != nil {
				return err
			}
		case quic.Ack:
			if h.Type == quic.OneRTT {
				s.answered = max(s.answered, int64(f.Ack.Largest))
			}
		case quic.ConnectionClose:
			if s.closed == "" {
				s.closed = fmt.Sprintf("%s %s", f.Code.String(), f.Data)
				if f.App {
					s.closed = fmt.Sprintf("application error %d %s", uint64(f.Code), f.Data)
				}
			}
		}
	}
	if eliciting {
		return s.acknowledge(h.Type)
	}
	return nil
}

// crypto gives handshake messages to TLS, in order.
func (s *speaker) crypto(t quic.PacketType, f *quic.Frame) error {
	sp := &s.spaces[t]
	sp.came[f.Offset] = append([]byte(nil), f.Data...)
	for {
		more := false
		for off, p := range sp.came {
			if off > sp.read || off+uint64(len(p)) <= sp.read {
				continue
			}
			p = p[sp.read-off:]
			sp.read += uint64(len(p))
			more = true
			level := tls.QUICEncryptionLevelInitial
			for l, typ := range levels {
				if typ == t {
					level = l
				}
			}
			if err := s.tls.HandleData(level, p); err != nil {
				return err
			}
			if err := s.drain(); err != nil {
				return err
			}
			break
		}
		if !more {
			return nil
		}
	}
}
