package quic

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/purewire/purewire/codec"
)

var token = ResetToken{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// rows are frames with their bytes. All are for a client in a 1-RTT packet.
var rows = []struct {
	wire string
	f    Frame
}{
	{"00", Frame{Kind: Padding, Data: []byte{0}}},
	{"000000", Frame{Kind: Padding, Data: []byte{0, 0, 0}}},
	{"01", Frame{Kind: Ping}},
	{"02 0a 05 00 03", Frame{Kind: Ack, Ack: AckInfo{Largest: 10, Delay: 5, First: 3}}},
	{"02 0a 4400 02 01 00 02 01 00", Frame{Kind: Ack, Ack: AckInfo{Largest: 10, Delay: 1024, First: 1, Count: 2, Blocks: []byte{0, 2, 1, 0}}}},
	{"02 7fff 00 01 00 7ff0 05", Frame{Kind: Ack, Ack: AckInfo{Largest: 16383, Count: 1, Blocks: []byte{0x7f, 0xf0, 5}}}},
	{"03 00 00 00 00 01 4040 80010000", Frame{Kind: Ack, Ack: AckInfo{ECN: true, ECT0: 1, ECT1: 64, CE: 65536}}},
	{"04 05 4101 80010000", Frame{Kind: ResetStream, StreamID: 5, Code: 257, Value: 65536}},
	{"05 01 07", Frame{Kind: StopSending, StreamID: 1, Code: 7}},
	{"06 4040 03 616263", Frame{Kind: Crypto, Offset: 64, Data: []byte("abc")}},
	{"06 00 00", Frame{Kind: Crypto}},
	{"07 02 7879", Frame{Kind: NewToken, Data: []byte("xy")}},
	{"08 00 6869", Frame{Kind: Stream, ToEnd: true, Data: []byte("hi")}},
	{"09 04", Frame{Kind: Stream, StreamID: 4, ToEnd: true, Fin: true}},
	{"0a 03 02 6869", Frame{Kind: Stream, StreamID: 3, Data: []byte("hi")}},
	{"0b 01 00", Frame{Kind: Stream, StreamID: 1, Fin: true}},
	{"0c 00 4040 6869", Frame{Kind: Stream, Offset: 64, ToEnd: true, Data: []byte("hi")}},
	{"0d 00 01", Frame{Kind: Stream, Offset: 1, ToEnd: true, Fin: true}},
	{"0e 00 07 01 78", Frame{Kind: Stream, Offset: 7, Data: []byte("x")}},
	{"0f 00 ffffffffffffffff 00", Frame{Kind: Stream, Offset: MaxVarint, Fin: true}},
	{"0f 00 fffffffffffffffe 01 61", Frame{Kind: Stream, Offset: MaxVarint - 1, Fin: true, Data: []byte("a")}},
	{"10 80100000", Frame{Kind: MaxData, Value: 1 << 20}},
	{"11 00 4400", Frame{Kind: MaxStreamData, Value: 1024}},
	{"12 d000000000000000", Frame{Kind: MaxStreams, Value: MaxStreamCount}},
	{"13 05", Frame{Kind: MaxStreams, Uni: true, Value: 5}},
	{"14 00", Frame{Kind: DataBlocked}},
	{"15 03 09", Frame{Kind: StreamDataBlocked, StreamID: 3, Value: 9}},
	{"16 d000000000000000", Frame{Kind: StreamsBlocked, Value: MaxStreamCount}},
	{"17 00", Frame{Kind: StreamsBlocked, Uni: true}},
	{"18 02 02 01 aa 0102030405060708090a0b0c0d0e0f10", Frame{Kind: NewConnectionID, Sequence: 2, Value: 2, Data: []byte{0xaa}, Token: token}},
	{"18 02 00 14 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0102030405060708090a0b0c0d0e0f10",
		Frame{Kind: NewConnectionID, Sequence: 2, Data: bytes.Repeat([]byte{0xaa}, 20), Token: token}},
	{"19 01", Frame{Kind: RetireConnectionID, Sequence: 1}},
	{"1a 0102030405060708", Frame{Kind: PathChallenge, Token: ResetToken{1, 2, 3, 4, 5, 6, 7, 8}}},
	{"1b 0102030405060708", Frame{Kind: PathResponse, Token: ResetToken{1, 2, 3, 4, 5, 6, 7, 8}}},
	{"1c 0a 06 03 627965", Frame{Kind: ConnectionClose, Code: ProtocolViolation, Value: 6, Data: []byte("bye")}},
	{"1d 4100 00", Frame{Kind: ConnectionClose, App: true, Code: 256}},
	{"1e", Frame{Kind: HandshakeDone}},
	{"30 6162", Frame{Kind: Datagram, ToEnd: true, Data: []byte("ab")}},
	{"31 02 6162", Frame{Kind: Datagram, Data: []byte("ab")}},
}

// same compares frames; empty slices of any kind are the same.
func same(a, b Frame) bool {
	for _, f := range []*Frame{&a, &b} {
		if len(f.Data) == 0 {
			f.Data = nil
		}
		if len(f.Ack.Blocks) == 0 {
			f.Ack.Blocks = nil
		}
	}
	return reflect.DeepEqual(a, b)
}

func decode(role Role, typ PacketType, wire []byte) (f Frame, n int, err error) {
	var d FrameDecoder
	d.Init(role, typ, len(wire))
	n, err = d.Next(wire, &f)
	return f, n, err
}

// Struct and bytes, both ways; a destination that fits exactly; every truncation.
func TestFrameRows(t *testing.T) {
	for _, c := range rows {
		wire := unhex(t, c.wire)
		got, n, err := decode(Client, OneRTT, wire)
		if err != nil || n != len(wire) || !same(got, c.f) {
			t.Errorf("%s: %+v, %d, %v", c.wire, got, n, err)
		}
		if FrameLen(&c.f) != len(wire) {
			t.Errorf("%s: length %d", c.wire, FrameLen(&c.f))
		}
		dst := append(make([]byte, 0, 1+len(wire)), 0xee)
		out, err := AppendFrame(dst, &c.f)
		if err != nil || !bytes.Equal(out[1:], wire) || out[0] != 0xee || &out[0] != &dst[0] {
			t.Errorf("%s: appended as %x, %v", c.wire, out, err)
		}
		for cut := range wire {
			if cut == 0 {
				continue
			}
			f, n, err := decode(Client, OneRTT, wire[:cut])
			toEnd := c.f.Kind == Padding || c.f.ToEnd && err == nil
			if !toEnd && (!errors.Is(err, FrameEncodingError) || n != 0 || f.Kind != None) {
				t.Errorf("%s cut at %d: %+v, %d, %v", c.wire, cut, f, n, err)
			}
			// The same bytes, but the packet goes on: more is needed.
			var d FrameDecoder
			d.Init(Client, OneRTT, len(wire)+1)
			n, err = d.Next(wire[:cut], &f)
			if c.f.Kind != Padding && (err != nil || n != 0 || f.Kind != None) {
				t.Errorf("%s, %d bytes there: %+v, %d, %v", c.wire, cut, f, n, err)
			}
		}
	}
}

// RFC 9000 table 3, RFC 9221 section 4: every frame in every packet type. '-' is what must be refused; those that 9000-12.5-3 takes
// out of 0-RTT are '-' too.
func TestFrameInPacket(t *testing.T) {
	want := map[Kind]string{
		Padding: "IH01", Ping: "IH01", Ack: "IH-1", ResetStream: "--01", StopSending: "--01", Crypto: "IH-1", NewToken: "---1",
		Stream: "--01", MaxData: "--01", MaxStreamData: "--01", MaxStreams: "--01", DataBlocked: "--01", StreamDataBlocked: "--01",
		StreamsBlocked: "--01", NewConnectionID: "--01", RetireConnectionID: "---1", PathChallenge: "--01", PathResponse: "---1",
		ConnectionClose: "IH01", HandshakeDone: "---1", Datagram: "--01",
	}
	for _, c := range rows {
		for i, typ := range []PacketType{Initial, Handshake, ZeroRTT, OneRTT} {
			allowed := want[c.f.Kind][i] != '-' && !(c.f.App && i < 2)
			_, _, err := decode(Client, typ, unhex(t, c.wire))
			if allowed != (err == nil) || !allowed && !errors.Is(err, ProtocolViolation) || c.f.Kind.Allowed(typ, c.f.App) != allowed {
				t.Errorf("%v %s in %v: %v", c.f.Kind, c.wire, typ, err)
			}
		}
		if c.f.Kind.Allowed(Retry, false) || c.f.Kind.Allowed(VersionNegotiation, false) {
			t.Errorf("%v in a packet without frames", c.f.Kind)
		}
	}
	for k := None; k <= numKinds; k++ {
		eliciting := k != None && k != Padding && k != Ack && k != ConnectionClose && k < numKinds
		probing := k == Padding || k == NewConnectionID || k == PathChallenge || k == PathResponse
		if k.AckEliciting() != eliciting || k.Probing() != probing {
			t.Errorf("%v: ack-eliciting %v, probing %v", k, k.AckEliciting(), k.Probing())
		}
	}
}

// Every reason of the decoder, at its offset. A comment in front of the branch quotes the rule.
func TestFrameErrors(t *testing.T) {
	for _, c := range []struct {
		reason reason
		role   Role
		typ    PacketType
		wire   string
		off    int64
	}{
		{rEmptyPayload, Client, OneRTT, "", 0},
		{rFrameCut, Client, OneRTT, "01 06 00 05 61", 1},
		{rFrameTypeLong, Client, OneRTT, "01 4001", 1},
		{rFrameUnknown, Client, OneRTT, "1f", 0},
		{rFrameUnknown, Client, OneRTT, "01 32", 1},
		{rFrameUnknown, Client, OneRTT, "7fff", 0},
		{rFrameInInitial, Server, Initial, "01 1e", 1},
		{rFrameInHandshake, Server, Handshake, "0a 00 00", 0},
		{rFrameInZeroRTT, Server, ZeroRTT, "1900", 0},
		{rNewTokenAtServer, Server, OneRTT, "07 01 61", 0},
		{rDoneAtServer, Server, OneRTT, "1e", 0},
		{rAckFirst, Client, OneRTT, "02 05 00 00 06", 4},
		{rAckCount, Client, OneRTT, "02 05 00 02 00 00 00", 3},
		{rAckGap, Client, OneRTT, "02 05 00 01 02 02 00", 5},
		{rAckRange, Client, OneRTT, "02 05 00 01 02 01 01", 5},
		{rAckGap, Client, OneRTT, "02 05 00 01 02 ffffffffffffffff 00", 5},
		{rResetSendOnly, Client, OneRTT, "04 02 00 00", 0},
		{rStopReceiveOnly, Server, OneRTT, "05 02 00", 0},
		{rCryptoOffset, Client, Initial, "06 ffffffffffffffff 01 61", 9},
		{rTokenEmpty, Client, OneRTT, "07 00", 0},
		{rStreamOffset, Client, OneRTT, "0e 00 ffffffffffffffff 01 61", 10},
		{rStreamOffset, Client, OneRTT, "0c 00 ffffffffffffffff 61", 10},
		{rStreamSendOnly, Server, OneRTT, "0a 03 00", 0},
		{rMaxDataReceiveOnly, Client, OneRTT, "11 03 00", 0},
		{rMaxStreams, Client, OneRTT, "12 d000000000000001", 1},
		{rMaxStreams, Client, OneRTT, "13 d000000000000001", 1},
		{rBlockedSendOnly, Client, OneRTT, "15 02 00", 0},
		{rStreamsBlocked, Client, OneRTT, "17 d000000000000001", 1},
		{rIDLen, Client, OneRTT, "18 01 00 00 0102030405060708090a0b0c0d0e0f10", 3},
		{rIDLen, Client, OneRTT, "18 01 00 15 " + fmt.Sprintf("%074x", 0), 3},
		{rIDRetire, Client, OneRTT, "18 01 02 01 aa 0102030405060708090a0b0c0d0e0f10", 2},
	} {
		wire := unhex(t, c.wire)
		var d FrameDecoder
		var f Frame
		d.Init(c.role, c.typ, len(wire))
		var err error
		at := 0
		for err == nil && (at < len(wire) || at == 0) {
			var n int
			n, err = d.Next(wire[at:], &f)
			at += n
		}
		var e *Error
		if !errors.As(err, &e) || e.Reason != reasons[c.reason].text || e.Code != reasons[c.reason].code || e.Scope != codec.ScopeConn {
			t.Errorf("%s: %v", c.wire, err)
			continue
		}
		if e.Off != c.off {
			t.Errorf("%s: at %d, want %d: %v", c.wire, e.Off, c.off, err)
		}
		if n, again := d.Next(wire, &f); again != err || n != 0 || d.Err() != err || d.Finish() != err || d.Ended() {
			t.Errorf("%s: not sticky: %v", c.wire, again)
		}
	}
}

// A run of padding ends at the first other byte, wherever it lies.
func TestPaddingRuns(t *testing.T) {
	for n := 1; n < 40; n++ {
		f, used, err := decode(Client, Initial, append(make([]byte, n), 1))
		if err != nil || used != n || len(f.Data) != n {
			t.Errorf("%d bytes: %d, %v", n, used, err)
		}
	}
}

func TestDecoderMisuse(t *testing.T) {
	var d FrameDecoder
	var f Frame
	var e *Error
	if _, err := d.Next([]byte{1}, &f); !errors.As(err, &e) || e.Scope != codec.ScopeMisuse {
		t.Error(err)
	}
	d.Init(Client, OneRTT, 0)
	if err := d.Finish(); !errors.Is(err, ProtocolViolation) {
		t.Error(err)
	}
	d.Init(Client, OneRTT, 2)
	if n, err := d.Next([]byte{1}, &f); n != 1 || err != nil || d.Ended() || d.Err() != nil {
		t.Error(n, err)
	}
	if err := d.Finish(); !errors.Is(err, FrameEncodingError) {
		t.Error(err)
	}
	d.Init(Client, OneRTT, 1)
	if n, err := d.Next([]byte{1, 1}, &f); n != 1 || err != nil || !d.Ended() || d.Finish() != nil {
		t.Error(n, err)
	}
	if n, err := d.Next([]byte{1}, &f); n != 0 || err != nil || f.Kind != None {
		t.Error("reads behind the payload")
	}
}

// What AppendFrame refuses; it leaves dst alone.
func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		r reason
		f Frame
	}{
		{rPutKind, Frame{}},
		{rPutKind, Frame{Kind: numKinds}},
		{rPutValue, Frame{Kind: MaxData, Value: 1 << 62}},
		{rPutValue, Frame{Kind: RetireConnectionID, Sequence: 1 << 62}},
		{rPutValue, Frame{Kind: StopSending, StreamID: 1 << 62}},
		{rPutValue, Frame{Kind: StopSending, Code: 1 << 62}},
		{rPutPadding, Frame{Kind: Padding}},
		{rPutPadding, Frame{Kind: Padding, Data: []byte{0, 1}}},
		{rPutAck, Frame{Kind: Ack, Ack: AckInfo{Delay: 1 << 62}}},
		{rPutAckECN, Frame{Kind: Ack, Ack: AckInfo{CE: 1 << 62}}},
		{rPutAckRanges, Frame{Kind: Ack, Ack: AckInfo{First: 1}}},
		{rPutAckRanges, Frame{Kind: Ack, Ack: AckInfo{Largest: 9, Count: 1, Blocks: []byte{8, 0}}}},
		{rPutAckRanges, Frame{Kind: Ack, Ack: AckInfo{Largest: 9, Count: 1, Blocks: []byte{1}}}},
		{rPutAckRanges, Frame{Kind: Ack, Ack: AckInfo{Largest: 9, Blocks: []byte{1, 1}}}},
		{rPutStreamEnd, Frame{Kind: Stream, Offset: MaxVarint, Data: []byte{1}}},
		{rPutStreamEnd, Frame{Kind: Crypto, Offset: 1 << 63}},
		{rPutToken, Frame{Kind: NewToken}},
		{rPutStreams, Frame{Kind: MaxStreams, Value: MaxStreamCount + 1}},
		{rPutID, Frame{Kind: NewConnectionID}},
		{rPutID, Frame{Kind: NewConnectionID, Data: make([]byte, 21)}},
		{rPutID, Frame{Kind: NewConnectionID, Data: make([]byte, 1), Value: 1}},
	} {
		out, err := AppendFrame([]byte("x"), &c.f)
		var e *Error
		if !errors.As(err, &e) || e.Reason != reasons[c.r].text || e.Scope != codec.ScopeMisuse || string(out) != "x" || FrameLen(&c.f) != 0 {
			t.Errorf("%+v: %q, %v", c.f, out, err)
		}
	}
	if out, err := AppendStreamHeader([]byte("x"), 1<<62, 0, 0, false, false); err == nil || string(out) != "x" {
		t.Error("stream ID above 2^62-1")
	}
	if out, err := AppendStreamHeader([]byte("x"), 0, MaxVarint, 1, false, false); err == nil || string(out) != "x" {
		t.Error("stream data beyond 2^62-1")
	}
	if out, err := AppendStreamHeader(nil, 4, 7, 300, true, false); err != nil || !bytes.Equal(out, unhex(t, "0f 04 07 412c")) {
		t.Errorf("%x, %v", out, err)
	}
}

func TestAckRanges(t *testing.T) {
	ranges := []Range{{90, 100}, {88, 88}, {10, 80}, {0, 8}}
	out, n, err := AppendAck([]byte("x"), 3, ranges, nil, 100)
	if err != nil || n != 4 {
		t.Fatal(n, err)
	}
	f, used, err := decode(Client, OneRTT, out[1:])
	if err != nil || used != len(out)-1 {
		t.Fatal(used, err)
	}
	it := f.Ack.Ranges()
	for i := 0; ; i++ {
		r, more := it.Next()
		if !more {
			if i != 4 {
				t.Errorf("%d ranges", i)
			}
			break
		}
		if r != ranges[i] {
			t.Errorf("range %d: %v", i, r)
		}
	}
	// Whatever there is room for is a whole frame, and never more.
	for limit := range len(out) + 1 {
		got, n, err := AppendAck(nil, 3, ranges, nil, limit)
		if err != nil || len(got) > limit || (n == 0) != (limit < 6) {
			t.Errorf("%d bytes: %x, %d, %v", limit, got, n, err)
		}
		if n > 0 {
			if f, used, err := decode(Client, OneRTT, got); err != nil || used != len(got) || int(f.Ack.Count) != n-1 {
				t.Errorf("%d bytes: %x, %v", limit, got, err)
			}
		}
	}
	ecn := &AckInfo{ECT0: 1, ECT1: 2, CE: 70}
	got, _, err := AppendAck(nil, 0, ranges[:1], ecn, 100)
	if err != nil || !bytes.Equal(got, unhex(t, "03 4064 00 00 0a 01 02 4046")) {
		t.Errorf("%x, %v", got, err)
	}
	for _, bad := range [][]Range{nil, {{2, 1}}, {{0, 1 << 62}}, {{5, 6}, {4, 4}}, {{5, 6}, {1, 7}}, {{1, 2}, {0, 0}}} {
		if got, n, err := AppendAck([]byte("x"), 0, bad, nil, 100); err == nil || n != 0 || string(got) != "x" {
			t.Errorf("%v: %x", bad, got)
		}
	}
	if _, _, err := AppendAck(nil, 1<<62, ranges, nil, 100); err == nil {
		t.Error("delay above 2^62-1")
	}
	if _, _, err := AppendAck(nil, 0, ranges, &AckInfo{CE: 1 << 62}, 100); err == nil {
		t.Error("count above 2^62-1")
	}
	forged := AckInfo{Largest: 5, First: 1, Count: 3, Blocks: []byte{0, 0, 9, 9}}
	it = forged.Ranges()
	for i := 0; ; i++ {
		if _, more := it.Next(); !more {
			if i != 2 {
				t.Errorf("%d ranges of blocks that were never validated", i)
			}
			break
		}
	}
}

// an ACK frame of 600 ranges is read in proportion to its length, nothing is allocated, the last range is checked too.
func TestAckMany(t *testing.T) {
	wire := append([]byte{2}, AppendVarint(AppendVarint(AppendVarint(AppendVarint(nil, 1800), 0), 600), 0)...)
	for range 600 {
		wire = append(wire, 0, 1)
	}
	f, n, err := decode(Server, OneRTT, wire)
	if err != nil || n != len(wire) || f.Ack.Count != 600 {
		t.Fatal(n, err)
	}
	it, ranges, last := f.Ack.Ranges(), 0, Range{}
	for r, more := it.Next(); more; r, more = it.Next() {
		ranges, last = ranges+1, r
	}
	if ranges != 601 || last != (Range{0, 1}) {
		t.Errorf("%d ranges, the last %v", ranges, last)
	}
	wire[len(wire)-1] = 2
	if f, _, err := decode(Server, OneRTT, wire); !errors.Is(err, FrameEncodingError) || f.Kind != None {
		t.Errorf("the last range goes below 0: %+v, %v", f, err)
	}
}
