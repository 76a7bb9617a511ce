package http2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	xnet "golang.org/x/net/http2"

	"github.com/purewire/purewire/codec/http2"
)

// foreign is what golang.org/x/net/http2 makes of one frame, in the terms of this package.
type foreign struct {
	verdict string // "ok", "conn CODE", "stream CODE", "short"
	text    string
}

// readForeign reads the frame with a new Framer.
func readForeign(wire []byte) foreign {
	fr := xnet.NewFramer(io.Discard, bytes.NewReader(wire))
	fr.SetMaxReadFrameSize(http2.MinFrameSize)
	fr.AllowIllegalReads = true
	f, err := fr.ReadFrame()
	var conn xnet.ConnectionError
	var stream xnet.StreamError
	switch {
	case errors.Is(err, xnet.ErrFrameTooLarge):
		return foreign{verdict: "conn FRAME_SIZE_ERROR"}
	case errors.As(err, &conn):
		return foreign{verdict: "conn " + http2.ErrorCode(conn).String()}
	case errors.As(err, &stream):
		return foreign{verdict: "stream " + http2.ErrorCode(stream.Code).String()}
	case err != nil: // io.ErrUnexpectedEOF: the payload is too short for its fields
		return foreign{verdict: "short"}
	}
	out := foreign{verdict: "ok"}
	switch f := f.(type) {
	case *xnet.DataFrame:
		out.text = fmt.Sprintf("%t %q", f.StreamEnded(), f.Data())
	case *xnet.HeadersFrame:
		out.text = fmt.Sprintf("%t %t %q %t %d %d", f.StreamEnded(), f.HeadersEnded(), f.HeaderBlockFragment(), f.Priority.Exclusive, f.Priority.StreamDep, f.Priority.Weight)
	case *xnet.PriorityFrame:
		out.text = fmt.Sprintf("%t %d %d", f.Exclusive, f.StreamDep, f.Weight)
	case *xnet.RSTStreamFrame:
		out.text = fmt.Sprint(uint32(f.ErrCode))
	case *xnet.SettingsFrame:
		out.text = fmt.Sprint(f.IsAck())
		for i := range f.NumSettings() {
			out.text += fmt.Sprintf(" %d=%d", f.Setting(i).ID, f.Setting(i).Val)
		}
	case *xnet.PushPromiseFrame:
		out.text = fmt.Sprintf("%t %d %q", f.HeadersEnded(), f.PromiseID, f.HeaderBlockFragment())
	case *xnet.PingFrame:
		out.text = fmt.Sprintf("%t %q", f.IsAck(), f.Data)
	case *xnet.GoAwayFrame:
		out.text = fmt.Sprintf("%d %d %q", f.LastStreamID, uint32(f.ErrCode), f.DebugData())
	case *xnet.WindowUpdateFrame:
		out.text = fmt.Sprint(f.Increment)
	case *xnet.ContinuationFrame:
		out.text = fmt.Sprintf("%t %q", f.HeadersEnded(), f.HeaderBlockFragment())
	case *xnet.PriorityUpdateFrame:
		out.text = fmt.Sprintf("%d %q", f.PrioritizedStreamID, f.Priority)
	case *xnet.UnknownFrame:
		out.text = fmt.Sprintf("%q", f.Payload())
	}
	return out
}

// readOurs reads the frame with the functions of this package.
func readOurs(h *http2.FrameHeader, p []byte) (out foreign, f http2.Fault) {
	var x http2.Prefix
	var block []byte
	var text string
	if f = h.Check(http2.MinFrameSize); f == 0 {
		switch h.Type {
		case http2.FrameData:
			block, f = http2.ParseData(h, p)
			text = fmt.Sprintf("%t %q", h.Flags.Has(http2.FlagEndStream), block)
		case http2.FrameHeaders:
			block, f = http2.ParseHeaders(h, p, &x)
			text = fmt.Sprintf("%t %t %q %t %d %d", h.Flags.Has(http2.FlagEndStream), h.Flags.Has(http2.FlagEndHeaders), block, x.Priority.Exclusive, x.Priority.DependsOn, x.Priority.Weight)
		case http2.FramePriority:
			x.Priority, f = http2.ParsePriority(h, p)
			text = fmt.Sprintf("%t %d %d", x.Priority.Exclusive, x.Priority.DependsOn, x.Priority.Weight)
		case http2.FrameRSTStream:
			text = fmt.Sprint(uint32(http2.ParseRSTStream(p)))
		case http2.FrameSettings:
			text = fmt.Sprint(h.Flags.Has(http2.FlagAck))
			list := http2.ParseSettings(p)
			for i := range list.Len() {
				s := list.At(i)
				text += fmt.Sprintf(" %d=%d", s.ID, s.Value)
				if g := s.Check(false); g != 0 && f == 0 {
					f = g
				}
			}
		case http2.FramePushPromise:
			block, f = http2.ParsePushPromise(h, p, &x)
			text = fmt.Sprintf("%t %d %q", h.Flags.Has(http2.FlagEndHeaders), x.Promised, block)
		case http2.FramePing:
			text = fmt.Sprintf("%t %q", h.Flags.Has(http2.FlagAck), http2.ParsePing(p))
		case http2.FrameGoAway:
			var g http2.GoAway
			http2.ParseGoAway(p, &g)
			text = fmt.Sprintf("%d %d %q", g.LastStream, uint32(g.Code), g.Debug)
		case http2.FrameWindowUpdate:
			var n uint32
			n, f = http2.ParseWindowUpdate(h, p)
			text = fmt.Sprint(n)
		case http2.FrameContinuation:
			text = fmt.Sprintf("%t %q", h.Flags.Has(http2.FlagEndHeaders), http2.ParseContinuation(h, p))
		case http2.FramePriorityUpdate:
			var stream uint32
			var value []byte
			stream, value, f = http2.ParsePriorityUpdate(p)
			text = fmt.Sprintf("%d %q", stream, value)
		default:
			text = fmt.Sprintf("%q", p)
		}
	}
	if f != 0 {
		return foreign{verdict: f.Scope().String() + " " + f.Code().String()}, f
	}
	return foreign{"ok", text}, 0
}

// differences lists where the two may differ: our reason, their verdict, and who is right, or that both are.
var differences = []struct{ reason, theirs, why string }{
	{"9113-4.2-4: padded DATA without a pad length", "short", "they report the end of the input instead of FRAME_SIZE_ERROR"},
	{"9113-4.2-4: HEADERS too short for its flags", "short", "as above"},
	{"9113-4.2-4: PUSH_PROMISE too short for its flags", "short", "as above"},
	{"9113-6.2-10: padding of HEADERS longer than the space left", "stream PROTOCOL_ERROR", "9113-6.2-10 says connection error"},
	{"9113-6.3-8: PRIORITY not of 5 octets", "conn FRAME_SIZE_ERROR", "9113-6.3-8 says stream error; 9113-5.4.1-1 allows theirs"},
	{"7540-5.3.1-9: HEADERS that makes a stream depend on itself", "ok", "RFC 9113 does not repeat the rule; h2spec asks for it"},
	{"7540-5.3.1-9: PRIORITY that makes a stream depend on itself", "ok", "as above"},
	{"9113-6.4-6: RST_STREAM on stream 0", "conn FRAME_SIZE_ERROR", "the size is wrong too: the order is free"},
	{"9113-6.5-7: SETTINGS not on stream 0", "conn FRAME_SIZE_ERROR", "as above"},
	{"9113-6.7-8: PING not on stream 0", "conn FRAME_SIZE_ERROR", "as above"},
	{"9113-6.6-13: PUSH_PROMISE of stream 0", "ok", "they leave it to the connection"},
	{"9113-6.5.2-2.4.2: SETTINGS_ENABLE_PUSH neither 0 nor 1", "ok", "they leave it to Setting.Valid"},
	{"9113-6.5.2-2.10.2: SETTINGS_MAX_FRAME_SIZE below 2^14 or above 2^24-1", "ok", "as above"},
	{"8441-3-2: SETTINGS_ENABLE_CONNECT_PROTOCOL neither 0 nor 1", "ok", "as above"},
	{"9218-2.1-2: SETTINGS_NO_RFC7540_PRIORITIES neither 0 nor 1", "ok", "they do not look"},
	{"9113-6.5.2-2.8.3: SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", "ok", "they look at the first value of a frame only"},
}

// used counts the differences that were met.
var used = map[string]bool{}

// compareFrame fails the test if the two differ and differences does not list it. It returns our fault.
func compareFrame(t *testing.T, h http2.FrameHeader, p []byte) http2.Fault {
	h.Length = uint32(len(p))
	h.Stream &= http2.MaxStreamID
	ours, f := readOurs(&h, p)
	theirs := readForeign(append(http2.AppendFrameHeader(nil, h), p...))
	if ours == theirs {
		return f
	}
	for _, d := range differences {
		if f.Reason() == d.reason && theirs.verdict == d.theirs {
			used[d.reason] = true
			return f
		}
	}
	t.Errorf("%v %x:\n ours   %v (%s)\n theirs %v", h, p, ours, f.Reason(), theirs)
	return f
}

// Any type, flags, stream and payload: the same as golang.org/x/net/http2, but for the listed differences.
func TestFramerDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 200000 // fewer do not meet every difference
	seen := map[http2.Fault]bool{}
	clear(used)
	// What chance does not find.
	compareFrame(t, http2.FrameHeader{Type: http2.FramePriority, Stream: 5}, []byte("\x00\x00\x00\x05\x10"))
	compareFrame(t, http2.FrameHeader{Type: http2.FrameSettings}, []byte("\x00\x04\x00\x00\x00\x01\x00\x04\xff\x00\x00\x00"))
	for range n {
		h := http2.FrameHeader{Type: http2.FrameType(r.IntN(18)), Flags: http2.Flags(r.Uint32())}
		if r.IntN(8) > 0 {
			h.Stream = r.Uint32N(4)
		}
		p := make([]byte, []int{0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 18, 40}[r.IntN(12)])
		for i := range p {
			if r.IntN(3) == 0 {
				p[i] = byte(r.IntN(12))
			} else if r.IntN(2) == 0 {
				p[i] = byte(r.Uint32())
			}
		}
		seen[compareFrame(t, h, p)] = true
		if t.Failed() {
			return
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d outcomes", len(seen))
	}
	for _, d := range differences {
		if !used[d.reason] {
			t.Errorf("no difference any more: %s", d.reason)
		}
	}
}

func FuzzFramer(f *testing.F) {
	for typ := range uint8(18) {
		f.Add(typ, uint8(0x2d), uint32(typ&1), []byte("\x01\x00\x00\x00\x02\x10abcdef"))
	}
	f.Fuzz(func(t *testing.T, typ, flags uint8, stream uint32, p []byte) {
		if len(p) <= http2.MinFrameSize {
			compareFrame(t, http2.FrameHeader{Type: http2.FrameType(typ), Flags: http2.Flags(flags), Stream: stream}, p)
		}
	})
}

// What they write and what we write for the same arguments is the same, octet by octet.
func TestFramerWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var buf bytes.Buffer
	fr := xnet.NewFramer(&buf, nil)
	octets := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 2000 {
		stream, other := 1+r.Uint32N(http2.MaxStreamID), 1+r.Uint32N(http2.MaxStreamID)
		end, flag := r.IntN(2) == 0, r.IntN(2) == 0
		p, pad := octets(r.IntN(50)), r.IntN(256)
		code := http2.ErrorCode(r.Uint32())
		prio := http2.PriorityParam{DependsOn: other, Exclusive: flag, Weight: uint8(r.Uint32())}
		data := [8]byte(octets(8))
		settings := make([]http2.Setting, r.IntN(5))
		var xs []xnet.Setting
		for i := range settings {
			settings[i] = http2.Setting{ID: http2.SettingID(r.Uint32()), Value: r.Uint32()}
			xs = append(xs, xnet.Setting{ID: xnet.SettingID(settings[i].ID), Val: settings[i].Value})
		}
		for i, c := range []struct {
			ours   []byte
			theirs error
		}{
			{append(http2.AppendDataHeader(nil, stream, len(p), -1, end), p...), fr.WriteData(stream, end, p)},
			{http2.AppendPadding(append(http2.AppendDataHeader(nil, stream, len(p), pad, end), p...), pad), fr.WriteDataPadded(stream, end, p, make([]byte, pad))},
			{http2.AppendHeaders(nil, stream, p, end, 0, nil), fr.WriteHeaders(xnet.HeadersFrameParam{StreamID: stream, BlockFragment: p, EndStream: end, EndHeaders: true})},
			{http2.AppendHeaders(nil, stream, p, end, 0, &http2.HeadersOptions{Padded: pad > 0, Pad: uint8(pad), HasPriority: true, Priority: prio}),
				fr.WriteHeaders(xnet.HeadersFrameParam{StreamID: stream, BlockFragment: p, EndStream: end, EndHeaders: true, PadLength: uint8(pad),
					Priority: xnet.PriorityParam{StreamDep: other, Exclusive: flag, Weight: prio.Weight}})},
			{http2.AppendPriority(nil, stream, prio), fr.WritePriority(stream, xnet.PriorityParam{StreamDep: other, Exclusive: flag, Weight: prio.Weight})},
			{http2.AppendRSTStream(nil, stream, code), fr.WriteRSTStream(stream, xnet.ErrCode(code))},
			{http2.AppendSettings(nil, settings...), fr.WriteSettings(xs...)},
			{http2.AppendSettingsAck(nil), fr.WriteSettingsAck()},
			{http2.AppendPushPromise(nil, stream, other, p, 0), fr.WritePushPromise(xnet.PushPromiseParam{StreamID: stream, PromiseID: other, BlockFragment: p, EndHeaders: true})},
			{http2.AppendPing(nil, data, flag), fr.WritePing(flag, data)},
			{http2.AppendGoAway(nil, stream, code, p), fr.WriteGoAway(stream, xnet.ErrCode(code), p)},
			{http2.AppendWindowUpdate(nil, stream, other), fr.WriteWindowUpdate(stream, other)},
			{http2.AppendContinuation(nil, stream, p, end), fr.WriteContinuation(stream, end, p)},
			{http2.AppendPriorityUpdate(nil, stream, p), fr.WritePriorityUpdate(stream, string(p))},
		} {
			if c.theirs != nil {
				t.Fatalf("call %d: %v", i, c.theirs)
			}
			got := buf.Next(len(c.ours))
			if !bytes.Equal(got, c.ours) {
				t.Fatalf("call %d:\n ours   %x\n theirs %x", i, c.ours, got)
			}
		}
		if buf.Len() != 0 {
			t.Fatalf("they wrote %d octets more", buf.Len())
		}
	}
}
