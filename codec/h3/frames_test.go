package h3

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/internal/varint"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text is what a whole frame of a client says, parsed with the functions of this package.
func text(t *testing.T, src []byte) string {
	t.Helper()
	var h FrameHeader
	n := ParseFrameHeader(src, &h)
	if n == 0 || uint64(len(src)-n) != h.Length {
		t.Fatalf("%x is no frame", src)
	}
	p := src[n:]
	id := func(v uint64, f Fault) string {
		if f != ok {
			return f.Reason()
		}
		return fmt.Sprint(v)
	}
	s := h.Type.String()
	switch h.Type {
	case FrameCancelPush:
		s += " " + id(ParseCancelPush(p))
	case FrameGoAway:
		s += " " + id(ParseGoAway(p))
	case FrameMaxPushID:
		s += " " + id(ParseMaxPushID(p))
	case FramePushPromise:
		v, section, f := ParsePushPromise(p)
		s += fmt.Sprintf(" %s %x", id(v, f), section)
	case FramePriorityUpdate, FramePriorityUpdatePush:
		v, value, f := ParsePriorityUpdate(p)
		s += fmt.Sprintf(" %s %q", id(v, f), value)
	case FrameSettings:
		set := DefaultSettings()
		if f := set.Parse(p); f != ok {
			return s + " " + f.Reason()
		}
		s += fmt.Sprintf(" %+v", set)
	default:
		s += fmt.Sprintf(" %x", p)
	}
	return s
}

// TestFrames: each type as a call, as octets and as text: the append is exact, every truncation is found, octets behind do not matter.
func TestFrames(t *testing.T) {
	settings := Settings{MaxFieldSectionSize: 65536, QPACKMaxTableCapacity: 4096, QPACKBlockedStreams: 16, EnableConnectProtocol: true, Datagram: true}
	none := DefaultSettings()
	data := func(b []byte) []byte {
		return append(AppendFrameHeader(nil, FrameHeader{FrameData, 5}), "hello"...)
	}
	for _, c := range []struct {
		append func(dst []byte) []byte
		hex    string
		text   string
	}{
		{func(d []byte) []byte { return append(d, data(nil)...) }, "000568656c6c6f", "DATA 68656c6c6f"},
		{func(d []byte) []byte { return AppendFrameHeader(d, FrameHeader{FrameHeaders, 0}) }, "0100", "HEADERS "},
		{func(d []byte) []byte { return AppendCancelPush(d, 5) }, "030105", "CANCEL_PUSH 5"},
		{func(d []byte) []byte { return AppendCancelPush(d, varint.Max) }, "0308ffffffffffffffff", "CANCEL_PUSH 4611686018427387903"},
		{settings.Append, "040e015000068001000007100801" + "3301", "SETTINGS {MaxFieldSectionSize:65536 QPACKMaxTableCapacity:4096 QPACKBlockedStreams:16 EnableConnectProtocol:true Datagram:true}"},
		{none.Append, "0400", "SETTINGS {MaxFieldSectionSize:18446744073709551615 QPACKMaxTableCapacity:0 QPACKBlockedStreams:0 EnableConnectProtocol:false Datagram:false}"},
		{func(d []byte) []byte { return append(AppendPushPromise(d, 64, 2), 0, 0) }, "050440400000", "PUSH_PROMISE 64 0000"},
		{func(d []byte) []byte { return AppendGoAway(d, 16384) }, "070480004000", "GOAWAY 16384"},
		{func(d []byte) []byte { return AppendMaxPushID(d, 63) }, "0d013f", "MAX_PUSH_ID 63"},
		{func(d []byte) []byte { return AppendPriorityUpdate(d, false, 4, []byte("u=1, i")) }, "800f07000704753d312c2069", `PRIORITY_UPDATE 4 "u=1, i"`},
		{func(d []byte) []byte { return AppendPriorityUpdate(d, true, 0, nil) }, "800f07010100", `PRIORITY_UPDATE (push) 0 ""`},
		{func(d []byte) []byte { return AppendFrameHeader(d, FrameHeader{0x21, 0}) }, "2100", "unknown "},
	} {
		want := unhex(t, c.hex)
		got := c.append([]byte("kept"))
		if string(got[:4]) != "kept" || !bytes.Equal(got[4:], want) {
			t.Errorf("%s became %x, want %s", c.text, got[4:], c.hex)
			continue
		}
		exact := make([]byte, 0, len(want))
		if got := c.append(exact); cap(got) > len(want) && len(want) > 0 && &got[0] != &exact[:1][0] {
			t.Errorf("%s does not fit into its own length", c.text)
		}
		if s := text(t, want); s != c.text {
			t.Errorf("%x says %s, want %s", want, s, c.text)
		}
		var h FrameHeader
		n := ParseFrameHeader(append(want[:len(want):len(want)], 0xff), &h)
		for cut := range n {
			if k := ParseFrameHeader(want[:cut], &h); k != 0 {
				t.Errorf("%x cut to %d octets has a header of %d", want, cut, k)
			}
		}
		// A payload that is cut and says so in its length, or longer than its field: found, or another valid one.
		for cut := n; cut < len(want); cut++ {
			short := append(AppendFrameHeader(nil, FrameHeader{h.Type, uint64(cut - n)}), want[n:cut]...)
			s := text(t, short)
			switch h.Type {
			case FrameCancelPush, FrameGoAway, FrameMaxPushID:
				if s != h.Type.String()+" 9114-7.1-5: "+h.Type.String()+" is not one integer" {
					t.Errorf("%x says %s", short, s)
				}
			default:
				if s == c.text && h.Type != FrameData {
					t.Errorf("%x says the same as %x", short, want)
				}
			}
		}
		if h.Type == FrameCancelPush || h.Type == FrameGoAway || h.Type == FrameMaxPushID {
			long := append(AppendFrameHeader(nil, FrameHeader{h.Type, uint64(len(want)-n) + 1}), append(want[n:len(want):len(want)], 0)...)
			if s := text(t, long); s != h.Type.String()+" 9114-7.1-5: "+h.Type.String()+" is not one integer" {
				t.Errorf("%x says %s", long, s)
			}
		}
	}
	for name, got := range map[string][]byte{
		"header type":   AppendFrameHeader(nil, FrameHeader{1 << 62, 0}),
		"header length": AppendFrameHeader(nil, FrameHeader{0, 1 << 62}),
		"GOAWAY":        AppendGoAway(nil, 1<<62),
		"PUSH_PROMISE":  append(AppendPushPromise(nil, 1<<62, 0), AppendPushPromise(nil, 0, -1)...),
		"PRIORITY":      AppendPriorityUpdate(nil, false, 1<<62, nil),
		"setting":       append(AppendSetting(nil, 1<<62, 0), AppendSetting(nil, 0, 1<<62)...),
		"capsule":       append(AppendCapsuleHeader(nil, CapsuleHeader{1 << 62, 0}), AppendCapsule(nil, 1<<62, nil)...),
		"datagram":      append(AppendDatagramHeader(nil, 3), AppendStreamType(nil, 1<<62)...),
	} {
		if len(got) != 0 {
			t.Errorf("%s beyond its range became %x", name, got)
		}
	}
}

// TestReserved: what exists to be ignored, and what only HTTP/2 has.
func TestReserved(t *testing.T) {
	for n := range uint64(1000) {
		v := 0x1f*n + 0x21
		if !FrameType(v).Reserved() || !SettingID(v).Reserved() || !StreamType(v).Reserved() || !ErrorCode(v).Reserved() || FrameType(v+1).Reserved() {
			t.Fatalf("%#x", v)
		}
	}
	h2 := map[FrameType]bool{2: true, 6: true, 8: true, 9: true}
	known := map[FrameType]bool{0: true, 1: true, 3: true, 4: true, 5: true, 7: true, 13: true}
	ids := map[SettingID]bool{0: true, 2: true, 3: true, 4: true, 5: true}
	for v := range uint64(0x40) {
		if FrameType(v).HTTP2() != h2[FrameType(v)] || SettingID(v).HTTP2() != ids[SettingID(v)] || FrameType(v).Known() != known[FrameType(v)] {
			t.Errorf("%#x", v)
		}
		if FrameType(v).Known() == (FrameType(v).String() == "unknown") {
			t.Errorf("%#x has the name %s", v, FrameType(v))
		}
	}
	if !CapsuleType(0x17+0x29*5).Reserved() || CapsuleType(0x18).Reserved() || CapsuleType(0).Reserved() {
		t.Error("capsules")
	}
	for c := ErrorCode(0); c < 0x300; c++ {
		named := c == 0x33 || c >= 0x100 && c <= 0x110 || c >= 0x200 && c <= 0x202
		if named == (c.String() == "unknown") || c.Error() != c.String() {
			t.Errorf("%#x is %s", uint64(c), c)
		}
	}
}

// TestCheck: the table of RFC 9114 section 7.2: every type of frame, both kinds of stream, both directions.
func TestCheck(t *testing.T) {
	const fine = ErrorCode(0)
	un, bad := FrameUnexpected, FrameError
	for _, c := range []struct {
		h    FrameHeader
		want [4]ErrorCode // server control, server request, client control, client request
	}{
		{FrameHeader{FrameData, 9}, [4]ErrorCode{un, fine, un, fine}},
		{FrameHeader{FrameHeaders, 9}, [4]ErrorCode{un, fine, un, fine}},
		{FrameHeader{FrameCancelPush, 1}, [4]ErrorCode{fine, un, fine, un}},
		{FrameHeader{FrameCancelPush, 3}, [4]ErrorCode{bad, un, bad, un}},
		{FrameHeader{FrameSettings, 0}, [4]ErrorCode{fine, un, fine, un}},
		{FrameHeader{FramePushPromise, 9}, [4]ErrorCode{un, un, un, fine}},
		{FrameHeader{FramePushPromise, 0}, [4]ErrorCode{un, un, un, bad}},
		{FrameHeader{FrameGoAway, 8}, [4]ErrorCode{fine, un, fine, un}},
		{FrameHeader{FrameGoAway, 0}, [4]ErrorCode{bad, un, bad, un}},
		{FrameHeader{FrameMaxPushID, 4}, [4]ErrorCode{fine, un, un, un}},
		{FrameHeader{FrameMaxPushID, 9}, [4]ErrorCode{bad, un, un, un}},
		{FrameHeader{FramePriorityUpdate, 1}, [4]ErrorCode{fine, un, un, un}},
		{FrameHeader{FramePriorityUpdate, 0}, [4]ErrorCode{bad, un, un, un}},
		{FrameHeader{FramePriorityUpdatePush, 1}, [4]ErrorCode{fine, un, un, un}},
		{FrameHeader{2, 0}, [4]ErrorCode{un, un, un, un}},
		{FrameHeader{6, 0}, [4]ErrorCode{un, un, un, un}},
		{FrameHeader{8, 0}, [4]ErrorCode{un, un, un, un}},
		{FrameHeader{9, 0}, [4]ErrorCode{un, un, un, un}},
		{FrameHeader{0xa, 0}, [4]ErrorCode{}},
		{FrameHeader{0x21, 1 << 61}, [4]ErrorCode{}},
	} {
		for i, want := range c.want {
			got := c.h.Check(Role(i/2), Place(i%2))
			if got.Code() != want {
				t.Errorf("%s %d in place %d of role %d: %s", c.h.Type, c.h.Type, i%2, i/2, got.Reason())
			}
		}
	}
}

// TestDatagrams: RFC 9297 section 2.1: Quarter Stream ID.
func TestDatagrams(t *testing.T) {
	for _, c := range []struct {
		hex    string
		stream uint64
		data   string
		f      Fault
	}{
		{"0068", 0, "h", ok}, {"02", 8, "", ok}, {"404078", 256, "x", ok}, {"cfffffffffffffff41", 1<<62 - 4, "A", ok},
		{"", 0, "", fDatagramShort}, {"40", 0, "", fDatagramShort}, {"d00000000000000041", 0, "", fDatagramID},
	} {
		p := unhex(t, c.hex)
		stream, data, f := ParseDatagram(p)
		if stream != c.stream || string(data) != c.data || f != c.f {
			t.Errorf("%s is %d %q %s", c.hex, stream, data, f.Reason())
		}
		if f == ok {
			if got := append(AppendDatagramHeader(nil, stream), data...); !bytes.Equal(got, p) {
				t.Errorf("%s became %x", c.hex, got)
			}
		}
	}
}

// TestResumes: every setting, lowered and raised, as RFC 9114 section 7.2.4.2-8 has it.
func TestResumes(t *testing.T) {
	old := Settings{MaxFieldSectionSize: 1000, QPACKMaxTableCapacity: 100, QPACKBlockedStreams: 5, EnableConnectProtocol: true, Datagram: true}
	if f := old.Resumes(&old); f != ok {
		t.Error(f)
	}
	for want, change := range map[Fault]func(s *Settings){
		fResumeTable:    func(s *Settings) { s.QPACKMaxTableCapacity++ },
		fResumeBlocked:  func(s *Settings) { s.QPACKBlockedStreams-- },
		fResumeSection:  func(s *Settings) { s.MaxFieldSectionSize-- },
		fResumeConnect:  func(s *Settings) { s.EnableConnectProtocol = false },
		fResumeDatagram: func(s *Settings) { s.Datagram = false },
	} {
		s := old
		if change(&s); s.Resumes(&old) != want {
			t.Errorf("%+v: %q, want %q", s, s.Resumes(&old).Reason(), want.Reason())
		}
	}
	more := Settings{MaxFieldSectionSize: NoLimit, QPACKMaxTableCapacity: 100, QPACKBlockedStreams: 6, EnableConnectProtocol: true, Datagram: true}
	if f := more.Resumes(&old); f != ok {
		t.Error(f)
	}
	none := DefaultSettings()
	none.MaxFieldSectionSize = 0
	if f := old.Resumes(&none); f != ok {
		t.Error(f)
	}
}

// TestCapsuleProtocol: RFC 9297 section 3.4: an Item Structured Field, a Boolean; parameters are ignored, other values as well.
func TestCapsuleProtocol(t *testing.T) {
	for value, want := range map[string]bool{"?1": true, " ?1 ": true, "?1;a=b;c": true, "?0": false, "1": false, "": false, "?1, ?1": false, "?1 x": false, "?1;": false, "true": false} {
		if got := CapsuleProtocol([]codec.Field{f("x", "?1"), f("capsule-protocol", value)}); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if CapsuleProtocol(nil) || CapsuleProtocol([]codec.Field{f("capsule-protocol", "?1"), f("capsule-protocol", "?1")}) {
		t.Error("none or two")
	}
}

// TestFault: the zero Fault is none, and a Fault is an error with its code.
func TestFault(t *testing.T) {
	if ok.Reason() != "" || ok.Scope() != 0 || ok.Code() != 0 || Fault(math.MaxUint16).Reason() != "" {
		t.Error("no fault")
	}
	if fDataFirst.Unwrap() != FrameUnexpected || fDataFirst.Error() != "h3: "+fDataFirst.Reason() || fDataFirst.Scope() != codec.ScopeConn {
		t.Error(fDataFirst.Error())
	}
}
