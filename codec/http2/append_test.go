package http2

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// frameRow is a frame as a call, as octets and as text.
type frameRow struct {
	name string
	call func(dst []byte) []byte
	wire string // hexadecimal, blanks anywhere
	text string // lines of the log
}

var (
	blockText = strings.Repeat("82", 10)
	longBlock = bytes.Repeat([]byte{0x82}, 16394)
)

// One row for each way to append a frame. The octets are written by hand from the figures of the RFCs.
var frameRows = []frameRow{
	{"DATA", func(d []byte) []byte { return append(AppendDataHeader(d, 1, 5, -1, false), "hello"...) },
		"000005 00 00 00000001 68656c6c6f", "DATA 1\n  data 5 \"hello\""},
	{"DATA, end", func(d []byte) []byte { return AppendDataHeader(d, 0x7fffffff, 0, -1, true) },
		"000000 00 01 7fffffff", "DATA 2147483647 END_STREAM"},
	{"DATA, padded", func(d []byte) []byte { return AppendPadding(append(AppendDataHeader(d, 3, 2, 3, true), "hi"...), 3) },
		"000006 00 09 00000003 03 6869 000000", "DATA 3 END_STREAM|PADDED pad=3\n  data 2 \"hi\""},
	{"DATA, padded with nothing", func(d []byte) []byte { return append(AppendDataHeader(d, 3, 2, 0, false), "hi"...) },
		"000003 00 08 00000003 00 6869", "DATA 3 PADDED pad=0\n  data 2 \"hi\""},
	{"HEADERS", func(d []byte) []byte { return AppendHeaders(d, 5, []byte("\x82\x84"), true, 0, nil) },
		"000002 01 05 00000005 8284", "HEADERS 5 END_STREAM|END_HEADERS\n  block 2 \"\\x82\\x84\""},
	{"HEADERS, padding and priority", func(d []byte) []byte {
		return AppendHeaders(d, 5, []byte("\x82"), false, 0, &HeadersOptions{Padded: true, Pad: 2, HasPriority: true,
			Priority: PriorityParam{DependsOn: 3, Exclusive: true, Weight: 15}})
	}, "000009 01 2c 00000005 02 80000003 0f 82 0000",
		"HEADERS 5 END_HEADERS|PADDED|PRIORITY pad=2 on=3 weight=16 exclusive\n  block 1 \"\\x82\""},
	{"PRIORITY", func(d []byte) []byte { return AppendPriority(d, 7, PriorityParam{DependsOn: 0x7fffffff, Weight: 255}) },
		"000005 02 00 00000007 7fffffff ff", "PRIORITY 7 on=2147483647 weight=256"},
	{"RST_STREAM", func(d []byte) []byte { return AppendRSTStream(d, 7, EnhanceYourCalm) },
		"000004 03 00 00000007 0000000b", "RST_STREAM 7 ENHANCE_YOUR_CALM"},
	{"SETTINGS", func(d []byte) []byte {
		return AppendSettings(d, Setting{SettingMaxFrameSize, 0x123456}, Setting{0xabcd, 0xffffffff})
	}, "00000c 04 00 00000000 0005 00123456 abcd ffffffff", "SETTINGS 0 MAX_FRAME_SIZE=1193046 0xabcd=4294967295"},
	{"SETTINGS, none", func(d []byte) []byte { return AppendSettings(d) }, "000000 04 00 00000000", "SETTINGS 0"},
	{"SETTINGS, acknowledgment", AppendSettingsAck, "000000 04 01 00000000", "SETTINGS 0 ACK"},
	{"PUSH_PROMISE", func(d []byte) []byte { return AppendPushPromise(d, 1, 2, []byte("\x82"), 0) },
		"000005 05 04 00000001 00000002 82", "PUSH_PROMISE 1 END_HEADERS promised=2\n  block 1 \"\\x82\""},
	{"PING", func(d []byte) []byte { return AppendPing(d, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, false) },
		"000008 06 00 00000000 0102030405060708", `PING 0 "\x01\x02\x03\x04\x05\x06\x07\x08"`},
	{"PING, acknowledgment", func(d []byte) []byte { return AppendPing(d, [8]byte([]byte("abcdefgh")), true) },
		"000008 06 01 00000000 6162636465666768", `PING 0 ACK "abcdefgh"`},
	{"GOAWAY", func(d []byte) []byte { return AppendGoAway(d, 0x7fffffff, NoError, nil) },
		"000008 07 00 00000000 7fffffff 00000000", `GOAWAY 0 last=2147483647 NO_ERROR ""`},
	{"GOAWAY, debug data", func(d []byte) []byte { return AppendGoAway(d, 1, ProtocolError, []byte("why")) },
		"00000b 07 00 00000000 00000001 00000001 776879", `GOAWAY 0 last=1 PROTOCOL_ERROR "why"`},
	{"WINDOW_UPDATE", func(d []byte) []byte { return AppendWindowUpdate(d, 9, 0x12345678) },
		"000004 08 00 00000009 12345678", "WINDOW_UPDATE 9 +305419896"},
	{"CONTINUATION", func(d []byte) []byte { return AppendContinuation(d, 9, []byte("\x82"), false) },
		"000001 09 00 00000009 82", "CONTINUATION 9\n  block 1 \"\\x82\""},
	{"CONTINUATION, end", func(d []byte) []byte { return AppendContinuation(d, 9, nil, true) },
		"000000 09 04 00000009", "CONTINUATION 9 END_HEADERS"},
	{"PRIORITY_UPDATE", func(d []byte) []byte { return AppendPriorityUpdate(d, 9, []byte("u=1, i")) },
		"00000a 10 00 00000000 00000009 753d312c2069", `PRIORITY_UPDATE 0 of=9 "u=1, i"`},
	{"ALTSVC", func(d []byte) []byte { d, _ = AppendAltSvc(d, 0, "https://a", `h3=":1"`); return d },
		"000012 0a 00 00000000 0009 68747470733a2f2f61 68333d223a3122", `ALTSVC 0 origin="https://a" "h3=\":1\""`},
	{"ORIGIN", func(d []byte) []byte { d, _ = AppendOrigin(d, "https://a", ""); return d },
		"00000d 0c 00 00000000 0009 68747470733a2f2f61 0000", `ORIGIN 0 "https://a" ""`},
	{"frame header of an unknown type", func(d []byte) []byte { return append(AppendFrameHeader(d, FrameHeader{2, 0xf5, 0xff, 0}), "ab"...) },
		"000002 f5 ff 00000000 6162", "type 0xf5 0\n  ignored 2 \"ab\""},
	{"HEADERS and CONTINUATION", func(d []byte) []byte { return AppendHeaders(d, 1, longBlock, true, 0, nil) },
		"004000 01 01 00000001" + strings.Repeat("82", 16384) + "00000a 09 04 00000001" + blockText,
		"HEADERS 1 END_STREAM\n  block 16384 \"\\(16384*\\x82)\"\nCONTINUATION 1 END_HEADERS\n  block 10 \"\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\""},
	{"padded HEADERS and CONTINUATION", func(d []byte) []byte {
		return AppendHeaders(d, 1, longBlock[:16384-7+10], false, 0, &HeadersOptions{Padded: true, Pad: 1, HasPriority: true})
	}, "004000 01 28 00000001 01 00000000 00" + strings.Repeat("82", 16384-7) + "00 00000a 09 04 00000001" + blockText,
		"HEADERS 1 PADDED|PRIORITY pad=1 on=0 weight=1\n  block 16377 \"\\(16377*\\x82)\"\nCONTINUATION 1 END_HEADERS\n  block 10 \"\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\""},
	{"PUSH_PROMISE and CONTINUATION", func(d []byte) []byte {
		return AppendPushPromise(d, 1, 0x80000004, longBlock[:16380+10], 1)
	}, "004000 05 00 00000001 00000004" + strings.Repeat("82", 16380) + "00000a 09 04 00000001" + blockText,
		"PUSH_PROMISE 1 promised=4\n  block 16380 \"\\(16380*\\x82)\"\nCONTINUATION 1 END_HEADERS\n  block 10 \"\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\\x82\""},
}

func (row *frameRow) octets(t *testing.T) []byte {
	wire, err := hex.DecodeString(strings.ReplaceAll(row.wire, " ", ""))
	if err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	return wire
}

// read returns the log of a run over src in one piece, and what is left of it.
func readFrames(t *testing.T, src []byte, whole bool) (string, []byte, *frameReader) {
	r := newFrameReader(MinFrameSize, whole, false)
	var log codectest.Log
	for {
		n, got, err := r.Next(src)
		src = src[n:]
		if err != nil || !got {
			return strings.Join(log.Lines(), "\n"), src, r
		}
		r.Render(&log)
	}
}

func TestFrameRows(t *testing.T) {
	types := map[FrameType]bool{}
	for _, row := range frameRows {
		wire := row.octets(t)
		types[FrameType(wire[3])] = true
		if got := row.call(nil); !bytes.Equal(got, wire) {
			t.Errorf("%s: %x, want %x", row.name, got[:min(len(got), 64)], wire[:min(len(wire), 64)])
		}
		for _, whole := range []bool{false, true} {
			text, left, r := readFrames(t, wire, whole)
			if text != row.text || len(left) != 0 || r.err != nil || r.body+r.skip != 0 {
				t.Errorf("%s, whole %t: %d left, %v\n got %s\nwant %s", row.name, whole, len(left), r.err, text, row.text)
			}
			// Every truncation asks for more: never an error, never the whole text.
			step := max(1, len(wire)/500)
			for cut := 0; cut < len(wire); cut += step {
				text, left, r := readFrames(t, wire[:cut], whole)
				if r.err != nil || text == row.text && len(left)+int(r.body+r.skip) == 0 {
					t.Errorf("%s, whole %t, cut to %d: %v, %s", row.name, whole, cut, r.err, text)
				}
			}
		}
		// Exact fit, one octet short, and much room: the same octets behind the same prefix.
		for _, room := range []int{0, len(wire) - 1, len(wire), len(wire) + 100} {
			dst := append(make([]byte, 0, 3+room), "pre"...)
			got := row.call(dst)
			if string(got[:3]) != "pre" || !bytes.Equal(got[3:], wire) {
				t.Errorf("%s with room for %d of %d: other octets", row.name, room, len(wire))
			}
			if room == len(wire) && &got[0] != &dst[0] {
				t.Errorf("%s: allocated although there was just enough room", row.name)
			}
		}
		dst := make([]byte, 0, len(wire))
		if n := testing.AllocsPerRun(10, func() { row.call(dst) }); n != 0 {
			t.Errorf("%s: %v allocations", row.name, n)
		}
	}
	for typ := FrameData; typ <= FramePriorityUpdate; typ++ {
		if typ.String() != "UNKNOWN" && !types[typ] {
			t.Errorf("no row for %s", typ)
		}
	}
}

// The laws of package codec on each call: append, round trip.
func TestFrameLaws(t *testing.T) {
	a := framesAdapter(MinFrameSize, false, false)
	a.Script = func() (calls []codectest.AppendCall) {
		for _, row := range frameRows {
			calls = append(calls, codectest.AppendCall{
				Name: row.name,
				Do:   func(dst []byte) ([]byte, error) { return row.call(dst), nil },
				Want: func(log *codectest.Log) {
					r := newFrameReader(MinFrameSize, false, false)
					src := row.octets(t)
					for {
						n, got, err := r.Next(src)
						src = src[n:]
						if err != nil || !got {
							return
						}
						r.Render(log)
					}
				},
			})
		}
		return calls
	}
	var all []byte
	for _, row := range frameRows[:len(frameRows)-3] {
		all = row.call(all)
	}
	codectest.Laws(t, a, all)
	a.Script = nil
	a.New = func() codectest.Instance { return newFrameReader(MinFrameSize, true, false) }
	codectest.Split(t, a, all)
	codectest.Silence(t, a, all)
}

func TestAppendCuts(t *testing.T) {
	if got := AppendGoAway(nil, 1<<31|5, NoError, make([]byte, 20000)); len(got) != FrameHeaderLen+MinFrameSize || got[9] != 0 {
		t.Errorf("GOAWAY of %d octets, reserved bit %x", len(got), got[9])
	}
	if got := AppendWindowUpdate(nil, 0, 1<<31|7); got[9] != 0 || got[12] != 7 {
		t.Errorf("%x", got)
	}
	if got := AppendPadding([]byte("a"), 300); !bytes.Equal(got, append([]byte("a"), make([]byte, 300)...)) {
		t.Errorf("%x", got)
	}
	if got := AppendPadding([]byte("a"), -1); string(got) != "a" {
		t.Errorf("%x", got)
	}
	// RFC 7838 section 4, RFC 8336 section 2: what a receiver would have to ignore is not written.
	for _, c := range []struct {
		stream        uint32
		origin, value string
		fits          bool
	}{
		{0, "", "a", false}, {1, "https://a", "a", false}, {1, "", "a", true}, {0, "https://a", "a", true},
		{1, "", strings.Repeat("a", MinFrameSize-2), true}, {1, "", strings.Repeat("a", MinFrameSize-1), false},
	} {
		if got, fits := AppendAltSvc([]byte("x"), c.stream, c.origin, c.value); fits != c.fits || !fits && string(got) != "x" {
			t.Errorf("ALTSVC %d %q: %t", c.stream, c.origin, fits)
		}
	}
	long := strings.Repeat("a", MinFrameSize-2)
	if got, fits := AppendOrigin([]byte("x"), long); !fits || len(got) != 1+FrameHeaderLen+MinFrameSize {
		t.Error("an ORIGIN frame of 16384 octets is refused")
	}
	if got, fits := AppendOrigin([]byte("x"), "a", long); fits || string(got) != "x" {
		t.Error("an ORIGIN frame of 16387 octets is written")
	}
}

// Settings.Append says only what is new, and Apply on the other side comes to the same state.
func TestSettingsAppend(t *testing.T) {
	def := DefaultSettings()
	if got := def.Append([]byte("x"), &def); !bytes.Equal(got[1:], AppendSettings(nil)) {
		t.Errorf("%x", got)
	}
	all := Settings{1, 2, 3, 1 << 20, 5, false, true, true}
	wire := all.Append(nil, &def)
	text, left, r := readFrames(t, wire, true)
	if r.settings != all || len(left) != 0 {
		t.Errorf("%s: %+v", text, r.settings)
	}
	for _, c := range []struct {
		change func(*Settings)
		want   Setting
	}{
		{func(s *Settings) { s.HeaderTableSize++ }, Setting{SettingHeaderTableSize, 2}},
		{func(s *Settings) { s.EnablePush = true }, Setting{SettingEnablePush, 1}},
		{func(s *Settings) { s.MaxConcurrentStreams++ }, Setting{SettingMaxConcurrentStreams, 3}},
		{func(s *Settings) { s.InitialWindowSize++ }, Setting{SettingInitialWindowSize, 4}},
		{func(s *Settings) { s.MaxFrameSize++ }, Setting{SettingMaxFrameSize, 1<<20 + 1}},
		{func(s *Settings) { s.MaxHeaderListSize++ }, Setting{SettingMaxHeaderListSize, 6}},
		{func(s *Settings) { s.EnableConnectProtocol = false }, Setting{SettingEnableConnectProtocol, 0}},
		{func(s *Settings) { s.NoRFC7540Priorities = false }, Setting{SettingNoRFC7540Priorities, 0}},
	} {
		s := all
		c.change(&s)
		if got := s.Append(nil, &all); !bytes.Equal(got, AppendSettings(nil, c.want)) {
			t.Errorf("%v: %x", c.want, got)
		}
	}
}
