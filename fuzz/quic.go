package fuzz

import (
	"bytes"
	"errors"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
)

var quicTargets = []*Target{
	{Name: "QUICFrames", Codec: "quic", Corpus: "quic", Dict: "quic", factory: quicAdapter,
		About: "the laws on the frames of a packet, in every mode of the corpus"},
	{Name: "QUICPayload", Codec: "quic", Dict: "quic", run: quicPayload, seeds: randomPrograms(10, 4, 100),
		About: "a payload of any bytes: what is accepted, encoded again, is the same"},
	{Name: "QUICHeader", Codec: "quic", Dict: "quic", run: quicHeader, seeds: quicHeaders,
		About: "datagrams of any bytes: every packet consumes what it says"},
	{Name: "QUICParameters", Codec: "quic", Dict: "quic", run: quicParameters, seeds: [][]byte{[]byte("\x00\x01\x01\x05\x0e\x01\x02"), []byte("\x01\x04\x04\x80\x10\x00\x00\x0f\x00")},
		About: "transport parameters of any bytes: what is accepted, encoded again, is the same"},
	{Name: "QUICProtect", Codec: "quic/protect", Dict: "quic", run: quicProtect, seeds: randomPrograms(11, 6, 80),
		About: "packets of any shape, sealed and opened with keys of every suite; a flipped bit opens nothing"},
	{Name: "QUICRanges", Codec: "quic/ranges", Dict: "quic", max: 1 << 11, run: quicRanges, seeds: randomPrograms(32, 6, 200),
		About: "changes of a set of ranges, with a limit and without, beside a table"},
	{Name: "QUICPair", Codec: "quic", Dict: "quic", max: 1 << 11, run: quicPair, seeds: randomPrograms(30, 10, 250),
		About: "two ends over a link that loses, repeats, reorders and marks datagrams: streams, flow control, connection IDs, loss recovery, congestion"},
}

// quicInstance adapts a FrameDecoder.
type quicInstance struct {
	d    quic.FrameDecoder
	f    quic.Frame
	role quic.Role
	typ  quic.PacketType
	size int
}

func (in *quicInstance) Reset() { in.d.Init(in.role, in.typ, in.size) }

func (in *quicInstance) Next(src []byte) (int, bool, error) {
	n, err := in.d.Next(src, &in.f)
	return n, err == nil && in.f.Kind != quic.None, err
}

func (in *quicInstance) Finish() (bool, error) { return false, in.d.Finish() }
func (in *quicInstance) Event() any            { return &in.f }
func (in *quicInstance) Ended() bool           { return in.d.Ended() }

func (in *quicInstance) Fault(err error) codectest.Fault {
	var e *quic.Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *quicInstance) Render(log *codectest.Log) {
	f := &in.f
	q := codectest.Quote
	switch f.Kind {
	case quic.Padding:
		log.Data("PADDING", f.Data)
	case quic.Ack:
		log.Event("ACK delay %d", f.Ack.Delay)
		it := f.Ack.Ranges()
		for r, more := it.Next(); more; r, more = it.Next() {
			log.Event("  %d to %d", r.Smallest, r.Largest)
		}
		if f.Ack.ECN {
			log.Event("  ECN %d %d %d", f.Ack.ECT0, f.Ack.ECT1, f.Ack.CE)
		}
	case quic.ResetStream:
		log.Event("RESET_STREAM %d code %d size %d", f.StreamID, uint64(f.Code), f.Value)
	case quic.StopSending:
		log.Event("STOP_SENDING %d code %d", f.StreamID, uint64(f.Code))
	case quic.Crypto:
		log.Event("CRYPTO at %d %s", f.Offset, q(f.Data))
	case quic.NewToken, quic.Datagram:
		log.Event("%v %s", f.Kind, q(f.Data))
	case quic.Stream:
		log.Event("STREAM %d at %d %s fin %v", f.StreamID, f.Offset, q(f.Data), f.Fin)
	case quic.MaxData, quic.DataBlocked:
		log.Event("%v %d", f.Kind, f.Value)
	case quic.MaxStreamData, quic.StreamDataBlocked:
		log.Event("%v %d %d", f.Kind, f.StreamID, f.Value)
	case quic.MaxStreams, quic.StreamsBlocked:
		log.Event("%v uni %v %d", f.Kind, f.Uni, f.Value)
	case quic.NewConnectionID:
		log.Event("NEW_CONNECTION_ID %d retire %d %s token %s", f.Sequence, f.Value, q(f.Data), q(f.Token[:]))
	case quic.RetireConnectionID:
		log.Event("RETIRE_CONNECTION_ID %d", f.Sequence)
	case quic.PathChallenge, quic.PathResponse:
		log.Event("%v %s", f.Kind, q(f.Token[:8]))
	case quic.ConnectionClose:
		log.Event("CONNECTION_CLOSE app %v code %d frame %d %s", f.App, uint64(f.Code), f.Value, q(f.Data))
	default:
		log.Event("%v", f.Kind)
	}
}

func quicAdapter(m *codectest.Mode) (codectest.Adapter, error) {
	in := quicInstance{role: quic.Server, typ: quic.OneRTT, size: m.Int("size")}
	if m.Has("client") {
		in.role = quic.Client
	}
	switch {
	case m.Has("initial"):
		in.typ = quic.Initial
	case m.Has("handshake"):
		in.typ = quic.Handshake
	case m.Has("0rtt"):
		in.typ = quic.ZeroRTT
	}
	return codectest.Adapter{
		New: func() codectest.Instance {
			c := in
			c.Reset()
			return &c
		},
		MaxTail: max(in.size, 0), // one frame, at most the payload
	}, nil
}

// quicPayload decodes a payload; what it decodes to, encoded again, decodes to the same and encodes to the same bytes.
func quicPayload(p *Program) {
	role := Pick(p, quic.Server, quic.Client)
	typ := Pick(p, quic.OneRTT, quic.Initial, quic.ZeroRTT, quic.Handshake)
	once, frames, ok := quicRecode(p, role, typ, p.data)
	if !ok {
		return
	}
	twice, again, ok := quicRecode(p, role, typ, once)
	if !ok || !bytes.Equal(once, twice) || len(frames) != len(again) {
		p.Fail("%x is encoded as %x, then as %x", p.data, once, twice)
	}
	for i := range frames {
		var a, b codectest.Log
		(&quicInstance{f: frames[i]}).Render(&a)
		(&quicInstance{f: again[i]}).Render(&b)
		for j, line := range a.Lines() {
			if j >= len(b.Lines()) || b.Lines()[j] != line {
				p.Fail("%q is read back as %q", a.Lines(), b.Lines())
			}
		}
	}
}

func quicRecode(p *Program, role quic.Role, typ quic.PacketType, payload []byte) (out []byte, frames []quic.Frame, done bool) {
	var d quic.FrameDecoder
	d.Init(role, typ, len(payload))
	for !d.Ended() {
		var f quic.Frame
		n, err := d.Next(payload, &f)
		if err != nil {
			return nil, nil, false
		}
		if n <= 0 || n > len(payload) || !f.Kind.Allowed(typ, f.App) {
			p.Fail("%d bytes consumed of %d: %v in a packet of type %v", n, len(payload), f.Kind, typ)
		}
		payload = payload[n:]
		size := len(out)
		if out, err = quic.AppendFrame(out, &f); err != nil || len(out)-size != quic.FrameLen(&f) {
			p.Fail("%+v: %d bytes of %d, %v", f, len(out)-size, quic.FrameLen(&f), err)
		}
		if len(out)-size > n {
			p.Fail("%+v came in %d bytes and is sent in %d", f, n, len(out)-size)
		}
		frames = append(frames, f)
	}
	return out, frames, true
}

var quicHeaders = [][]byte{{8, 0xc0, 0, 0, 0, 1, 0, 0, 0, 20, 23: 0, 29: 0}, {0, 0x40, 31: 0}, {0x80, 0xf0, 0, 0, 0, 1, 2, 1, 2, 1, 3, 9, 9, 30: 0}, {0, 0x80, 0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1}}

// quicHeader reads a datagram of any bytes.
func quicHeader(p *Program) {
	c := p.Byte()
	opts := quic.HeaderOptions{ShortIDLen: int(c % 21), Grease: c&0x80 != 0}
	it := opts.Packets(p.data)
	total := 0
	for range 1 << 13 {
		var h quic.Header
		packet, err := it.Next(&h)
		if packet == nil || err != nil {
			if err != nil {
				var e *quic.Error
				if !errors.As(err, &e) || e.Scope == codec.ScopeMisuse {
					p.Fail("bytes of a peer: %v", err)
				}
			}
			return
		}
		total += len(packet)
		switch {
		case len(packet) == 0 || total > len(p.data), h.NumberAt > 0 && h.NumberAt+4+quic.SampleLen > len(packet), len(h.DstID) > 255 || len(h.SrcID) > 255:
			p.Fail("%+v in %d bytes of %d", h, len(packet), len(p.data))
		case h.Type == quic.OneRTT && len(h.DstID) != opts.ShortIDLen:
			p.Fail("a short header with an ID of %d bytes", len(h.DstID))
		}
		if h.Type == quic.Initial || h.Type == quic.Handshake || h.Type == quic.ZeroRTT {
			long := quic.LongHeader{Type: h.Type, Version: h.Version, DstID: h.DstID, SrcID: h.SrcID, Token: h.Token, NumberLen: 1, Payload: len(packet) - h.NumberAt - 1}
			wire, err := quic.AppendLongHeader(nil, &long)
			p.must(err, "%+v", long)
			var again quic.Header
			wire = append(wire, packet[h.NumberAt+1:]...)
			if n, err := quic.ParseHeader(wire, opts, &again); err != nil || n != len(wire) || again.Type != h.Type || again.Version != h.Version ||
				!bytes.Equal(again.DstID, h.DstID) || !bytes.Equal(again.SrcID, h.SrcID) || !bytes.Equal(again.Token, h.Token) {
				p.Fail("%+v is read back as %+v, %d of %d bytes: %v", h, again, n, len(wire), err)
			}
		}
	}
	p.Fail("packets for ever")
}

// quicParameters reads transport parameters of any bytes; encoded again they are the same.
func quicParameters(p *Program) {
	sender := Pick(p, quic.Server, quic.Client)
	var a, b quic.TransportParameters
	if err := quic.ParseTransportParameters(p.data, sender, &a); err != nil {
		var e *quic.Error
		if !errors.As(err, &e) || e.Scope == codec.ScopeMisuse {
			p.Fail("bytes of a peer: %v", err)
		}
		return
	}
	wire, err := quic.AppendTransportParameters(nil, sender, &a)
	p.must(err, "%+v", a)
	p.must(quic.ParseTransportParameters(wire, sender, &b), "%x", wire)
	twice, err := quic.AppendTransportParameters(nil, sender, &b)
	p.must(err, "%+v", b)
	if !bytes.Equal(wire, twice) {
		p.Fail("%x is encoded as %x, then as %x", p.data, wire, twice)
	}
}

// quicProtect seals a packet of any shape and opens it; with one bit flipped nothing opens (RFC 9001 section 5.3).
func quicProtect(p *Program) {
	version := Pick(p, quic.Version1, quic.Version2)
	suite := Pick(p, protect.AES128GCM, protect.AES256GCM, protect.ChaCha20Poly1305)
	secret := content(uint32(p.Byte()), 0, 32)
	if suite == protect.AES256GCM {
		secret = content(uint32(p.Byte()), 0, 48)
	}
	keys, err := protect.New(version, suite, secret)
	p.must(err, "keys")
	numberLen := 1 + p.N(4)
	number := int64(p.Byte())
	for range p.N(8) {
		number = (number<<8 | int64(p.Byte())) & quic.MaxPacketNumber
	}
	id, token := bytes.Clone(p.Bytes(20)), p.Bytes(40)
	flip := p.Size()
	payload := bytes.Clone(p.Bytes(255))
	short := p.Bool()
	var packet []byte
	if short {
		packet, err = quic.AppendShortHeader(nil, id, p.Bool(), p.Bool(), number, numberLen)
	} else {
		packet, err = quic.AppendLongHeader(nil, &quic.LongHeader{Type: quic.Initial, Version: version, DstID: id, SrcID: id[:len(id)/2], Token: token,
			Number: number, NumberLen: numberLen, Payload: len(payload) + protect.Overhead, LengthSize: Pick(p, 0, 2, 4, 8)})
	}
	p.must(err, "header")
	header := len(packet)
	sealed, err := quic.Protect(append(packet, payload...), 0, header, number, keys)
	if err != nil {
		if len(payload)+numberLen >= 4 {
			p.Fail("a payload of %d bytes is not protected: %v", len(payload), err)
		}
		return
	}
	if short {
		sealed = append(make([]byte, 0, len(sealed)), sealed...)
	}
	open := func(b []byte) (quic.Opened, []byte, error) {
		var h quic.Header
		if _, err := quic.ParseHeader(b, quic.HeaderOptions{ShortIDLen: len(id)}, &h); err != nil || h.NumberAt == 0 {
			return quic.Opened{}, nil, errors.Join(err, errors.New("no protected packet"))
		}
		o, err := quic.Unmask(b, h.NumberAt, number-1, keys)
		if err != nil {
			return o, nil, err
		}
		got, err := o.Open(b, keys)
		return o, got, err
	}
	o, got, err := open(bytes.Clone(sealed))
	if err != nil || o.Number != number || o.HeaderLen != header || !bytes.Equal(got, payload) {
		p.Fail("opened as packet %d with %d bytes: %v; sealed was %d with %d", o.Number, len(got), err, number, len(payload))
	}
	bent := bytes.Clone(sealed)
	bent[flip/8%len(bent)] ^= 1 << (flip % 8)
	if _, _, err := open(bent); err == nil {
		p.Fail("bit %d of byte %d is flipped, and the packet opens", flip%8, flip/8%len(bent))
	}
}
