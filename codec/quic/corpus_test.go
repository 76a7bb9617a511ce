package quic

import (
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const corpusDir = "../../corpus/quic"

// instance adapts a FrameDecoder to codectest.
type instance struct {
	d    FrameDecoder
	f    Frame
	role Role
	typ  PacketType
	size int
}

func (in *instance) Reset() { in.d.Init(in.role, in.typ, in.size) }

func (in *instance) Next(src []byte) (int, bool, error) {
	n, err := in.d.Next(src, &in.f)
	return n, err == nil && in.f.Kind != None, err
}

func (in *instance) Finish() (bool, error) { return false, in.d.Finish() }
func (in *instance) Event() any            { return &in.f }
func (in *instance) Ended() bool           { return in.d.Ended() }

func (in *instance) Fault(err error) codectest.Fault {
	var e *Error
	if !errors.As(err, &e) {
		return codectest.Fault{Reason: "no *Error: " + err.Error(), Off: -1}
	}
	return codectest.Fault{Reason: e.Reason, Off: e.Off, Misuse: e.Scope == codec.ScopeMisuse}
}

func (in *instance) Render(log *codectest.Log) {
	f := &in.f
	q := codectest.Quote
	switch f.Kind {
	case Padding:
		log.Data("PADDING", f.Data)
	case Ack:
		log.Event("ACK delay %d", f.Ack.Delay)
		it := f.Ack.Ranges()
		for r, more := it.Next(); more; r, more = it.Next() {
			log.Event("  %d to %d", r.Smallest, r.Largest)
		}
		if f.Ack.ECN {
			log.Event("  ECN %d %d %d", f.Ack.ECT0, f.Ack.ECT1, f.Ack.CE)
		}
	case ResetStream:
		log.Event("RESET_STREAM %d code %d size %d", f.StreamID, uint64(f.Code), f.Value)
	case StopSending:
		log.Event("STOP_SENDING %d code %d", f.StreamID, uint64(f.Code))
	case Crypto:
		log.Event("CRYPTO at %d %s", f.Offset, q(f.Data))
	case NewToken, Datagram:
		log.Event("%v %s", f.Kind, q(f.Data))
	case Stream:
		log.Event("STREAM %d at %d %s fin %v", f.StreamID, f.Offset, q(f.Data), f.Fin)
	case MaxData, DataBlocked:
		log.Event("%v %d", f.Kind, f.Value)
	case MaxStreamData, StreamDataBlocked:
		log.Event("%v %d %d", f.Kind, f.StreamID, f.Value)
	case MaxStreams, StreamsBlocked:
		log.Event("%v uni %v %d", f.Kind, f.Uni, f.Value)
	case NewConnectionID:
		log.Event("NEW_CONNECTION_ID %d retire %d %s token %s", f.Sequence, f.Value, q(f.Data), q(f.Token[:]))
	case RetireConnectionID:
		log.Event("RETIRE_CONNECTION_ID %d", f.Sequence)
	case PathChallenge, PathResponse:
		log.Event("%v %s", f.Kind, q(f.Token[:8]))
	case ConnectionClose:
		log.Event("CONNECTION_CLOSE app %v code %d frame %d %s", f.App, uint64(f.Code), f.Value, q(f.Data))
	default:
		log.Event("%v", f.Kind)
	}
}

func adapt(m *codectest.Mode) (codectest.Adapter, error) {
	in := instance{role: Server, typ: OneRTT, size: m.Int("size")}
	if m.Has("client") {
		in.role = Client
	}
	switch {
	case m.Has("initial"):
		in.typ = Initial
	case m.Has("handshake"):
		in.typ = Handshake
	case m.Has("0rtt"):
		in.typ = ZeroRTT
	}
	// No Encode: encoded again, integers are in their shortest form, and the payload may be shorter than the size that New was told.
	// TestScript and FuzzPayload hold the law of the round trip.
	return codectest.Adapter{
		New: func() codectest.Instance {
			c := in
			c.Reset()
			return &c
		},
		MaxTail: max(in.size, 0), // one frame, at most the payload
	}, nil
}

func TestGolden(t *testing.T) {
	sum := codectest.RunGolden(t, corpusDir, adapt)
	if sum.Cases < 20 {
		t.Errorf("only %d cases", sum.Cases)
	}
	for r := rEmptyPayload; r <= rIDRetire; r++ {
		if sum.Reasons[reasons[r].text] == 0 {
			t.Errorf("no case for %q", reasons[r].text)
		}
	}
}

// TestScript holds the encoder to the laws, and the decoder to what it makes: all rows behind each other in one payload.
func TestScript(t *testing.T) {
	var wire []byte
	var calls []codectest.AppendCall
	for _, c := range rows {
		if c.f.ToEnd {
			continue
		}
		wire = append(wire, unhex(t, c.wire)...)
		calls = append(calls, codectest.AppendCall{
			Name: c.f.Kind.String(),
			Do:   func(dst []byte) ([]byte, error) { return AppendFrame(dst, &c.f) },
			Want: func(log *codectest.Log) { (&instance{f: c.f}).Render(log) },
		}, codectest.AppendCall{
			Name: "no frame",
			Do:   func(dst []byte) ([]byte, error) { return AppendFrame(dst, &Frame{Kind: numKinds}) },
		})
	}
	codectest.Laws(t, codectest.Adapter{
		New: func() codectest.Instance {
			c := &instance{role: Client, typ: OneRTT, size: len(wire)}
			c.Reset()
			return c
		},
		MaxTail: len(wire),
		EOF:     true,
		Script:  func() []codectest.AppendCall { return calls },
	}, wire)
}

func FuzzFrames(f *testing.F) { codectest.FuzzSplit(f, corpusDir, adapt) }

// FuzzPayload: any payload decodes without panic, and what it decodes to, encoded again, decodes to the same frames and encodes
// to the same bytes.
func FuzzPayload(f *testing.F) {
	for _, c := range rows {
		f.Add(unhex(f, c.wire), uint8(OneRTT), true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, typ uint8, server bool) {
		role := Client
		if server {
			role = Server
		}
		once, frames, ok := recode(t, role, PacketType(typ), payload)
		if !ok {
			return
		}
		twice, again, ok := recode(t, role, PacketType(typ), once)
		if !ok || string(once) != string(twice) || len(frames) != len(again) {
			t.Fatalf("%x encodes as %x, then as %x", payload, once, twice)
		}
		for i := range frames {
			a, b := frames[i], again[i]
			a.Ack.Blocks, b.Ack.Blocks = nil, nil // gaps in more bytes than needed
			if !same(a, b) {
				t.Fatalf("%+v is read back as %+v", a, b)
			}
		}
	})
}

func recode(t *testing.T, role Role, typ PacketType, payload []byte) (out []byte, frames []Frame, done bool) {
	var d FrameDecoder
	d.Init(role, typ, len(payload))
	for !d.Ended() {
		var f Frame
		n, err := d.Next(payload, &f)
		if err != nil {
			return nil, nil, false
		}
		if n <= 0 || n > len(payload) {
			t.Fatalf("%d bytes consumed of %d", n, len(payload))
		}
		payload = payload[n:]
		size := len(out)
		if out, err = AppendFrame(out, &f); err != nil || len(out)-size != FrameLen(&f) {
			t.Fatalf("%+v: %d bytes, %v", f, FrameLen(&f), err)
		}
		frames = append(frames, f)
	}
	return out, frames, true
}

// FuzzHeader: headers and transport parameters of any bytes; whatever is accepted consumes what it says, and parameters encoded
// again are the same.
func FuzzHeader(f *testing.F) {
	f.Add([]byte{0xc0, 0, 0, 0, 1, 0, 0, 0, 20, 23: 0, 28: 0}, uint8(8))
	f.Add([]byte{0x40, 30: 0}, uint8(0))
	f.Add([]byte{0x01, 0x01, 0x05, 0x0e, 0x01, 0x02}, uint8(0))
	for _, b := range codectest.VectorInputs(f, vectorsDir+"/packets", "parse-header", (*codectest.Args).Hex) {
		f.Add(b, uint8(0))
	}
	for _, b := range codectest.VectorInputs(f, vectorsDir+"/params", "parse-params", (*codectest.Args).Hex) {
		f.Add(b, uint8(8))
	}
	f.Fuzz(func(t *testing.T, b []byte, idLen uint8) {
		it := HeaderOptions{ShortIDLen: int(idLen % 21), Grease: idLen&0x80 != 0}.Packets(b)
		var h Header
		total := 0
		for {
			p, err := it.Next(&h)
			if p == nil || err != nil {
				break
			}
			if total += len(p); len(p) == 0 || total > len(b) || h.NumberAt > 0 && h.NumberAt+4+SampleLen > len(p) {
				t.Fatalf("%+v in %d bytes", h, len(p))
			}
		}
		var p, q TransportParameters
		if ParseTransportParameters(b, Server, &p) != nil {
			return
		}
		wire, err := AppendTransportParameters(nil, Server, &p)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if err := ParseTransportParameters(wire, Server, &q); err != nil {
			t.Fatalf("%x: %v", wire, err)
		}
		if string(p.AvailableVersions) != string(q.AvailableVersions) {
			t.Fatalf("%x, then %x", p.AvailableVersions, q.AvailableVersions)
		}
		p.AvailableVersions, q.AvailableVersions = nil, nil
		if a, b := p, q; a.ChosenVersion != b.ChosenVersion || a.MaxData != b.MaxData || a.PreferredAddress != b.PreferredAddress || a.InitialSrcID != b.InitialSrcID ||
			a.ActiveIDLimit != b.ActiveIDLimit || a.MaxUDPPayload != b.MaxUDPPayload || a.ResetToken != b.ResetToken || a.GreaseQUICBit != b.GreaseQUICBit {
			t.Fatalf("%+v, then %+v", p, q)
		}
	})
}

// The law of silence for the stateless functions: neither reading nor refusing allocates.
func TestSilence(t *testing.T) {
	var h Header
	var f Frame
	var p TransportParameters
	var d FrameDecoder
	long := unhex(t, "c000000001000000 14"+"0000000000000000000000000000000000000000")
	params := unhex(t, "0101050e0102")
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, err1 := ParseHeader(long, HeaderOptions{}, &h)
		_, err2 := ParseHeader(long[:9], HeaderOptions{}, &h)
		err3 := ParseTransportParameters(params, Client, &p)
		err4 := ParseTransportParameters(params[:2], Client, &p)
		d.Init(Client, OneRTT, 2)
		_, err5 := d.Next(params, &f)
		_, err6 := AppendFrame(buf, &Frame{Kind: Ping})
		_, err7 := AppendFrame(buf, &Frame{})
		if err1 != nil || err2 == nil || err3 != nil || err4 == nil || err5 != nil || err6 != nil || err7 == nil {
			t.Fatal(err1, err2, err3, err4, err5, err6, err7)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
