package quic

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
)

func isReason(err error, r reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == reasons[r].text
}

// Every long header with a packet number, in both versions, both ways; cut anywhere it is dropped.
func TestLongHeaders(t *testing.T) {
	// The first byte of each type: RFC 9000 section 17.2, RFC 9369 section 3.2.
	first := map[Version]map[PacketType]byte{
		Version1: {Initial: 0xc0, ZeroRTT: 0xd0, Handshake: 0xe0},
		Version2: {Initial: 0xd0, ZeroRTT: 0xe0, Handshake: 0xf0},
	}
	for version, types := range first {
		for typ, b := range types {
			in := LongHeader{Type: typ, Version: version, DstID: []byte("dst"), SrcID: bytes.Repeat([]byte("s"), 20), Number: 0x01020304, NumberLen: 2, Payload: 30, LengthSize: 4}
			if typ == Initial {
				in.Token = []byte("token")
			}
			wire, err := AppendLongHeader([]byte("x"), &in)
			if err != nil {
				t.Fatal(err)
			}
			headerLen := len(wire) - 1
			wire = append(wire[1:], make([]byte, 30)...)
			var h Header
			n, err := ParseHeader(append(wire, "next"...), HeaderOptions{}, &h)
			if err != nil || n != len(wire) || wire[0] != b|1 || h.First != wire[0] || h.Type != typ || h.Version != version || string(h.DstID) != "dst" ||
				!bytes.Equal(h.SrcID, in.SrcID) || !bytes.Equal(h.Token, in.Token) || h.NumberAt != headerLen-2 || wire[h.NumberAt] != 3 || wire[h.NumberAt+1] != 4 {
				t.Errorf("%v %x: %+v, %d, %v", typ, wire, h, n, err)
			}
			for cut := range wire {
				if n, err := ParseHeader(wire[:cut], HeaderOptions{}, &h); err == nil || n != 0 {
					t.Errorf("%v cut at %d: %+v", typ, cut, h)
				}
			}
		}
	}
}

func TestShortHeader(t *testing.T) {
	for n := 0; n <= MaxConnectionIDLen; n++ {
		id := bytes.Repeat([]byte{7}, n)
		wire, err := AppendShortHeader(nil, id, n%2 == 0, n%3 == 0, 0x010203, 3)
		if err != nil || wire[0]&0x20 != 0 != (n%2 == 0) || wire[0]&KeyPhaseBit != 0 != (n%3 == 0) || wire[0]&0x40 == 0 {
			t.Fatalf("%x, %v", wire, err)
		}
		wire = append(wire, make([]byte, 17)...) // the shortest that can be sampled: 1 byte and a tag
		var h Header
		opts := HeaderOptions{ShortIDLen: n}
		if used, err := ParseHeader(wire, opts, &h); err != nil || used != len(wire) || h.Type != OneRTT || !bytes.Equal(h.DstID, id) || h.NumberAt != 1+n {
			t.Errorf("%+v, %v", h, err)
		}
		for cut := range wire {
			if _, err := ParseHeader(wire[:cut], opts, &h); err == nil {
				t.Errorf("%d bytes of ID, cut at %d", n, cut)
			}
		}
	}
}

func TestVersionNegotiation(t *testing.T) {
	id := bytes.Repeat([]byte{9}, 255) // the invariants allow what version 1 does not
	wire, err := AppendVersionNegotiation(nil, id, []byte("s"), 0x3f, Version2, 0x1a2a3a4a, Version1)
	if err != nil || wire[0] != 0xff {
		t.Fatal(err)
	}
	var h Header
	n, err := ParseHeader(wire, HeaderOptions{}, &h)
	if err != nil || n != len(wire) || h.Type != VersionNegotiation || !bytes.Equal(h.DstID, id) || string(h.SrcID) != "s" ||
		!h.Supports(Version1) || !h.Supports(Version2) || h.Supports(3) || !h.VersionAt(1).Reserved() || h.VersionAt(0).Reserved() || h.VersionAt(3) != 0 || h.VersionAt(-1) != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	if n, err := ParseHeader(unhex(t, "80 0000000e 02 0102 01 03 ffff"), HeaderOptions{}, &h); err != nil || n != 12 || h.Type != UnknownVersion || h.Version != 14 || len(h.DstID) != 2 || len(h.SrcID) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

// Every reason to drop a packet, and its twin: the same with the fault mended.
func TestHeaderErrors(t *testing.T) {
	body := fmt.Sprintf("%040x", 0) // 20 bytes, the shortest that can be sampled
	short := fmt.Sprintf("%038x", 0)
	id21 := fmt.Sprintf("%042x", 0)
	id20 := fmt.Sprintf("%040x", 0)
	for _, c := range []struct {
		r         reason
		bad, good string
	}{
		{rPacketEmpty, "", "40" + body},
		{rFixedBit, "80 00000001 00 00 00 14" + body, "c0 00000001 00 00 00 14" + body},
		{rFixedBit, "00" + body, "40" + body},
		{rLongCut, "c0 00000001 00", "c0 00000001 00 00 00 14" + body},
		{rLongCut, "c0 00000001 02 00 00", "c0 00000001 01 00 00 00 14" + body},
		{rLongCut, "c0 00000001 00 02 00", "c0 00000001 00 01 00 00 14" + body},
		{rLongID, "e0 00000001 15" + id21 + "00 14" + body, "e0 00000001 14" + id20 + "00 14" + body},
		{rLongID, "e0 00000001 00 15" + id21 + "14" + body, "e0 00000001 00 14" + id20 + "14" + body},
		{rVNLength, "80 00000000 00 00 000000010a", "80 00000000 00 00 00000001"},
		{rVNVersions, "80 00000000 00 00", "80 00000000 00 00 00000001"},
		{rTokenCut, "c0 00000001 00 00 40ff 14" + body, "c0 00000001 00 00 4001 aa 14" + body},
		{rTokenCut, "c0 00000001 00 00", "c0 00000001 00 00 00 14" + body},
		{rLengthCut, "e0 00000001 00 00 40", "e0 00000001 00 00 4014" + body},
		{rLengthLong, "e0 00000001 00 00 15" + body, "e0 00000001 00 00 14" + body},
		{rSampleCut, "e0 00000001 00 00 13" + body, "e0 00000001 00 00 14" + body},
		{rSampleCut, "40" + short, "40" + body},
		{rRetryShort, "f0 00000001 00 00 aabb", "f0 00000001 00 00 aa" + fmt.Sprintf("%032x", 0)},
		{rRetryNoToken, "f0 00000001 00 00" + fmt.Sprintf("%032x", 0), "f0 00000001 00 00 aa" + fmt.Sprintf("%032x", 0)},
	} {
		var h Header
		n, err := ParseHeader(unhex(t, c.bad), HeaderOptions{}, &h)
		var e *Error
		if !isReason(err, c.r) || n != 0 || !errors.As(err, &e) || e.Scope != 0 || e.Code != NoError || e.Off != -1 {
			t.Errorf("%s: %d, %v", c.bad, n, err)
		}
		good := unhex(t, c.good)
		if n, err := ParseHeader(good, HeaderOptions{}, &h); err != nil || n != len(good) {
			t.Errorf("%s: %d, %v", c.good, n, err)
		}
	}
	var h Header
	if _, err := ParseHeader([]byte{0x40, 1, 2}, HeaderOptions{ShortIDLen: 8}, &h); !isReason(err, rShortCut) {
		t.Error(err)
	}
	// RFC 9287: with grease_quic_bit the fixed bit means nothing.
	for _, wire := range []string{"80 00000001 00 00 00 14" + body, "00" + body} {
		if _, err := ParseHeader(unhex(t, wire), HeaderOptions{Grease: true}, &h); err != nil {
			t.Error(err)
		}
	}
}

func TestPackets(t *testing.T) {
	packet := func(typ PacketType, id string) []byte {
		b, err := AppendLongHeader(nil, &LongHeader{Type: typ, Version: Version1, DstID: []byte(id), NumberLen: 1, Payload: 19 + int(typ)})
		if err != nil {
			t.Fatal(err)
		}
		return append(b, make([]byte, 19+int(typ))...)
	}
	one, err := AppendShortHeader(nil, []byte("id"), false, false, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	one = append(one, make([]byte, 40)...)
	for _, c := range []struct {
		name   string
		data   []byte
		types  []PacketType
		reason reason
	}{
		{"three", bytes.Join([][]byte{packet(Initial, "id"), packet(Handshake, "id"), one}, nil), []PacketType{Initial, Handshake, OneRTT}, ok},
		{"another ID", append(packet(Initial, "id"), packet(Handshake, "xx")...), []PacketType{Initial}, rDatagramID},
		{"rubbish behind", append(packet(Initial, "id"), bytes.Repeat([]byte{0}, 1000)...), []PacketType{Initial}, rFixedBit},
		{"nothing", nil, nil, rPacketEmpty},
	} {
		it := HeaderOptions{ShortIDLen: 2}.Packets(c.data)
		var h Header
		var types []PacketType
		total := 0
		p, err := it.Next(&h)
		for ; p != nil; p, err = it.Next(&h) {
			types = append(types, h.Type)
			total += len(p)
		}
		if fmt.Sprint(types) != fmt.Sprint(c.types) || c.reason == ok && (err != nil || total != len(c.data)) || c.reason != ok && !isReason(err, c.reason) {
			t.Errorf("%s: %v, %v", c.name, types, err)
		}
		if p, err := it.Next(&h); p != nil || err != nil {
			t.Errorf("%s: goes on behind its end: %v", c.name, err)
		}
	}
}

// What the builders refuse; they leave dst alone.
func TestBuildRefuses(t *testing.T) {
	good := LongHeader{Type: Initial, Version: Version1, NumberLen: 1, Payload: 20}
	long := func(change func(*LongHeader)) func(dst []byte) ([]byte, error) {
		return func(dst []byte) ([]byte, error) {
			h := good
			change(&h)
			return AppendLongHeader(dst, &h)
		}
	}
	id21, id256 := make([]byte, 21), make([]byte, 256)
	for i, c := range []struct {
		r  reason
		do func(dst []byte) ([]byte, error)
	}{
		{ok, long(func(*LongHeader) {})},
		{rPutHeader, long(func(h *LongHeader) { h.Type = Retry })},
		{rPutHeader, long(func(h *LongHeader) { h.Version = 7 })},
		{rPutHeader, long(func(h *LongHeader) { h.Type, h.Token = Handshake, []byte("t") })},
		{rPutHeaderID, long(func(h *LongHeader) { h.DstID = id21 })},
		{rPutHeaderID, long(func(h *LongHeader) { h.SrcID = id21 })},
		{rPutHeaderNumber, long(func(h *LongHeader) { h.NumberLen = 0 })},
		{rPutHeaderNumber, long(func(h *LongHeader) { h.NumberLen = 5 })},
		{rPutHeaderNumber, long(func(h *LongHeader) { h.Number = -1 })},
		{rPutHeaderLength, long(func(h *LongHeader) { h.Payload = -5 })},
		{rPutHeaderLength, long(func(h *LongHeader) { h.Payload, h.LengthSize = 63, 1 })},
		{rPutHeaderLength, long(func(h *LongHeader) { h.LengthSize = 3 })},
		{rPutHeaderID, func(dst []byte) ([]byte, error) { return AppendShortHeader(dst, id21, false, false, 0, 1) }},
		{rPutHeaderNumber, func(dst []byte) ([]byte, error) { return AppendShortHeader(dst, nil, false, false, 0, 0) }},
		{rPutHeader, func(dst []byte) ([]byte, error) { return AppendRetry(dst, 9, nil, nil, id21, 0) }},
		{rPutHeaderID, func(dst []byte) ([]byte, error) { return AppendRetry(dst, Version1, id21, nil, id21, 0) }},
		{rPutRetry, func(dst []byte) ([]byte, error) { return AppendRetry(dst, Version1, nil, nil, nil, 0) }},
		{rPutVersions, func(dst []byte) ([]byte, error) { return AppendVersionNegotiation(dst, nil, nil, 0) }},
		{rPutHeaderID, func(dst []byte) ([]byte, error) { return AppendVersionNegotiation(dst, id256, nil, 0, Version1) }},
		{rPutPacket, func(dst []byte) ([]byte, error) { return Protect(dst, 0, 0, 0, nil) }},
		{rPutPacket, func(dst []byte) ([]byte, error) { return Protect(dst, 0, 7, 0, nil) }},
	} {
		out, err := c.do([]byte("x"))
		var e *Error
		if c.r == ok && err != nil || c.r != ok && (!isReason(err, c.r) || !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || string(out) != "x") {
			t.Errorf("%d: %q, %v", i, out, err)
		}
	}
	if _, err := Unmask(make([]byte, 20), 1, 0, nil); !isReason(err, rSampleCut) {
		t.Error(err)
	}
	if _, err := new(Opened).Open(nil, nil); !isReason(err, rPutPacket) {
		t.Error(err)
	}
}

// a reset is shorter than what it answers, and too short a datagram is not answered.
func TestStatelessReset(t *testing.T) {
	noise := bytes.Repeat([]byte{0xff}, 30)
	for trigger := range 80 {
		out := AppendStatelessReset([]byte("x"), trigger, noise, &token)[1:]
		if trigger <= MinResetLen && len(out) != 0 || trigger > MinResetLen && (len(out) >= trigger || len(out) != min(trigger-1, 46) || out[0] != 0x7f || !token.Match(out)) {
			t.Errorf("answer to %d bytes: %x", trigger, out)
		}
	}
	out := AppendStatelessReset(nil, 60, noise, &token)
	for i := range token {
		bad := bytes.Clone(out)
		bad[len(bad)-1-i] ^= 0x80
		if token.Match(bad) {
			t.Error("another token matches")
		}
	}
	if token.Match(out[len(out)-MinResetLen+1:]) || !token.Match(out[len(out)-MinResetLen:]) {
		t.Error("length of the shortest reset")
	}
}

// Reasons are unique and start with the clause, codes have names.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for r := ok + 1; r < numReasons; r++ {
		text := reasons[r].text
		if seen[text] || text == "" {
			t.Errorf("reason %d: %q", r, text)
		}
		seen[text] = true
		if r != rDecoderInit && (text[0] < '8' || text[0] > '9' || text[4] != '-') {
			t.Errorf("reason without a clause: %q", text)
		}
		err := failure(r)
		var e *Error
		if !errors.As(err, &e) || err.Error() != "quic: "+text || e.Unwrap() != error(e.Code) {
			t.Errorf("%v", err)
		}
	}
	if FrameEncodingError.String() != "FRAME_ENCODING_ERROR" || VersionNegotiationError.String() != "VERSION_NEGOTIATION_ERROR" || (CryptoError+40).String() != "CRYPTO_ERROR" || ErrorCode(0x200).String() != "UNKNOWN" {
		t.Error("names of codes")
	}
	if PacketType(99).String() != "unknown" || ZeroRTT.String() != "0-RTT" || numKinds.String() != "unknown" || ResetStream.String() != "RESET_STREAM" || Server.String() != "server" || Client.String() != "client" || Role(0).String() != "none" {
		t.Error("names")
	}
}
