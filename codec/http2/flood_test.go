package http2

import (
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
)

// victim is a server with the default limits under attack. Its application answers or gives up at once, and the peer
// reads nothing unless it says so.
type victim struct {
	t      *testing.T
	c      Conn
	ev     Event
	id     uint32 // of the attacker's next stream
	now    codec.Time
	seen   int // requests that the application was shown
	most   int // streams in the table at most
	out    int // octets of answers
	reads  bool
	keep   bool // the application holds on to what is over
	answer bool
	buf    []byte
	frame  []byte
}

func newVictim(t *testing.T) *victim {
	v := &victim{t: t, id: 1, now: 1, buf: make([]byte, 0, 1<<20)}
	v.c.Init(Server, nil)
	v.c.Advance(v.now)
	v.c.AppendOwed(nil, 1<<20)
	if err := v.send(append([]byte(ClientPreface), AppendSettingsAck(AppendSettings(nil))...)); err != nil {
		t.Fatal(err)
	}
	return v
}

// send gives the server octets, plays its application, and returns the error of the connection.
func (v *victim) send(src []byte) error {
	for {
		n, err := v.c.Next(src, &v.ev)
		src = src[n:]
		v.most = max(v.most, v.c.Streams())
		if err != nil {
			v.buf = v.c.AppendOwed(v.buf[:0], 1<<20)
			v.out += len(v.buf)
			return err
		}
		switch v.ev.Kind {
		case None:
			if v.reads {
				v.c.AppendOwed(v.buf[:0], 1<<20)
			}
			return nil
		case Request:
			v.seen++
			if v.answer && v.ev.EndStream {
				v.respond()
			}
		case Data:
			if n := len(v.ev.Data); n > 0 {
				if err := v.c.Consumed(v.ev.Stream, n); err != nil {
					v.t.Fatal(err)
				}
			}
			if v.answer && v.ev.EndStream {
				v.respond()
			}
		case StreamReset, StreamError:
			if !v.keep {
				v.c.Release(v.ev.Stream)
			}
		}
	}
}

func (v *victim) respond() {
	var err error
	if v.buf, err = v.c.AppendResponse(v.buf[:0], v.ev.Stream, 200, nil, true); err != nil {
		v.t.Fatal(err)
	}
}

// open returns the HEADERS frame of a new stream.
func (v *victim) open(end bool) []byte {
	v.frame = AppendHeaders(v.frame[:0], v.id, requestBlock, end, 0, nil)
	v.id += 2
	return v.frame
}

// TestFloods: each attack of THREATS H2-01 to H2-07 and H2-16 that is legal frame by frame, a million times, with a peer that
// reads nothing. At most limit of its steps are done before ENHANCE_YOUR_CALM; the streams, the memory and the answers
// stay small.
func TestFloods(t *testing.T) {
	headers := func(v *victim, block string, end bool) []byte {
		return AppendHeaders(nil, v.id-2, []byte(block), end, 0, nil)
	}
	made := func(frame func(v *victim) []byte) func(v *victim) []byte {
		return func(v *victim) []byte { f := v.open(false); return append(f, frame(v)...) }
	}
	opened := func(v *victim) { v.send(v.open(false)) }
	for _, a := range []struct {
		name  string
		limit int
		start func(v *victim)
		step  func(v *victim) []byte
	}{
		{"rapid reset", 201, nil, made(func(v *victim) []byte { return AppendRSTStream(nil, v.id-2, Cancel) })},
		{"made to reset by WINDOW_UPDATE of 0", 201, nil, made(func(v *victim) []byte { return AppendWindowUpdate(nil, v.id-2, 0) })},
		{"made to reset by window overflow", 201, nil, made(func(v *victim) []byte { return AppendWindowUpdate(nil, v.id-2, MaxWindow) })},
		{"made to reset by PRIORITY of 4", 201, nil, made(func(v *victim) []byte { return testFrame(FrameHeader{4, FramePriority, 0, v.id - 2}, "1234") })},
		{"made to reset by self-dependency", 201, nil, made(func(v *victim) []byte { return AppendPriority(nil, v.id-2, PriorityParam{DependsOn: v.id - 2}) })},
		{"made to reset by HEADERS after END_STREAM", 201, nil, func(v *victim) []byte { f := v.open(true); return append(f, headers(v, "", true)...) }},
		{"made to reset by DATA after END_STREAM", 201, nil, func(v *victim) []byte {
			f := v.open(true)
			return append(f, testFrame(FrameHeader{1, FrameData, 0, v.id - 2}, "x")...)
		}},
		{"made to reset by more than content-length", 201, nil, func(v *victim) []byte {
			f := AppendHeaders(nil, v.id, []byte(string(requestBlock)+"\x0f\x0d\x011"), false, 0, nil)
			v.id += 2
			return append(f, testFrame(FrameHeader{2, FrameData, 0, v.id - 2}, "xx")...)
		}},
		{"malformed requests", 201, nil, func(v *victim) []byte { v.id += 2; return headers(v, "\x82", true) }},
		{"refused streams", 301, nil, func(v *victim) []byte { return v.open(false) }},
		{"empty CONTINUATION", 17, func(v *victim) { v.send(AppendFrameHeader(nil, FrameHeader{0, FrameHeaders, 0, v.id})) },
			func(v *victim) []byte { return nil }},
		{"PING, never read", 65, nil, func(v *victim) []byte { return AppendPing(nil, [8]byte{}, false) }},
		{"PING", 1000, func(v *victim) { v.reads = true }, func(v *victim) []byte { return AppendPing(nil, [8]byte{}, false) }},
		{"SETTINGS", 1000, nil, func(v *victim) []byte { return AppendSettings(nil, Setting{SettingInitialWindowSize, v.id % 2}) }},
		{"large SETTINGS", 1000, nil, func(v *victim) []byte {
			f := AppendFrameHeader(nil, FrameHeader{2700 * 6, FrameSettings, 0, 0})
			for range 2700 {
				f = appendSetting(f, Setting{SettingInitialWindowSize, 1})
			}
			return f
		}},
		{"window toggling on 100 streams", 1000, func(v *victim) {
			for range 100 {
				v.send(v.open(true))
			}
		}, func(v *victim) []byte {
			return AppendSettings(AppendSettings(nil, Setting{SettingInitialWindowSize, 0}), Setting{SettingInitialWindowSize, MaxWindow})
		}},
		{"empty DATA", 101, opened, func(v *victim) []byte { return AppendDataHeader(nil, 1, 0, -1, false) }},
		{"padding", 101, opened, func(v *victim) []byte { return AppendPadding(AppendDataHeader(nil, 1, 0, 255, false), 255) }},
		{"WINDOW_UPDATE on the connection", 10001, nil, func(v *victim) []byte { return AppendWindowUpdate(nil, 0, 1) }},
		{"WINDOW_UPDATE on a stream", 10017, opened, func(v *victim) []byte { return AppendWindowUpdate(nil, 1, 1) }},
		{"PRIORITY with cycles", 10001, nil, func(v *victim) []byte {
			v.id += 2
			return AppendPriority(nil, v.id%64*2+1, PriorityParam{DependsOn: (v.id+1)%64*2 + 3, Exclusive: true})
		}},
		{"PRIORITY_UPDATE of streams to come", 1001, nil, func(v *victim) []byte { v.id += 2; return AppendPriorityUpdate(nil, v.id%100+100000, []byte("u=1")) }},
		{"unknown types", 10001, nil, func(v *victim) []byte { return testFrame(FrameHeader{3, 0xee, 0xff, 5}, "abc") }},
		{"ALTSVC", 10001, nil, func(v *victim) []byte { out, _ := AppendAltSvc(nil, 0, "a", "b"); return out }},
		{"GOAWAY", 1002, nil, func(v *victim) []byte { return AppendGoAway(nil, 0, NoError, nil) }},
		{"acknowledgments nobody asked for", 1001, nil, func(v *victim) []byte { return AppendSettingsAck(nil) }},
		{"answers nobody asked for", 1001, nil, func(v *victim) []byte { return AppendPing(nil, [8]byte{9}, true) }},
		{"RST_STREAM of a closed stream", 10001, func(v *victim) { v.send(v.open(true)); v.c.Reset(1, Cancel) }, func(v *victim) []byte { return AppendRSTStream(nil, 1, Cancel) }},
		{"HEADERS of a reset stream", 10001, func(v *victim) { v.send(v.open(false)); v.c.Reset(1, Cancel) }, func(v *victim) []byte { v.id = 3; return headers(v, "\x82", false) }},
		{"DATA of a reset stream", 10001, func(v *victim) { v.send(v.open(false)); v.c.Reset(1, Cancel) }, func(v *victim) []byte { return testFrame(FrameHeader{1, FrameData, 0, 1}, "x") }},
		{"PUSH_PROMISE", 1, nil, func(v *victim) []byte { return AppendPushPromise(nil, 1, 2, requestBlock, 0) }},
	} {
		t.Run(a.name, func(t *testing.T) {
			v := newVictim(t)
			if a.start != nil {
				a.start(v)
			}
			var err error
			steps := 0
			for ; steps < 1e6 && err == nil; steps++ {
				if a.name == "empty CONTINUATION" {
					// The block must stay in the caller's buffer, as the contract says.
					v.frame = append(v.frame, AppendFrameHeader(nil, FrameHeader{0, FrameHeaders, 0, 1})...)
					for steps = 0; steps < 100 && err == nil; steps++ {
						v.frame = append(v.frame, AppendContinuation(nil, 1, nil, false)...)
						_, err = v.c.Next(v.frame, &v.ev)
					}
					continue
				}
				err = v.send(a.step(v))
			}
			var e *Error
			if !errors.As(err, &e) || e.Code != EnhanceYourCalm && a.name != "PUSH_PROMISE" {
				t.Fatalf("after %d steps: %v", steps, err)
			}
			if steps > a.limit+1 {
				t.Errorf("ended after %d steps, not %d", steps, a.limit)
			}
			if v.seen > a.limit || v.most > 200 || len(v.c.tab.slots) > 256 || len(v.c.early) > DefaultStreams {
				t.Errorf("%d requests seen, %d streams at once, %d slots, %d priorities", v.seen, v.most, len(v.c.tab.slots), len(v.c.early))
			}
			if n := 16*cap(v.c.owed.pings) + 8*cap(v.c.owed.resets) + 4*cap(v.c.owed.windows) + 16*cap(v.c.early); n > 8192 || v.out > 16<<10 {
				t.Errorf("%d octets of obligations, %d of answers", n, v.out)
			}
			t.Logf("%d steps, %s", steps, e.Reason)
		})
	}
}
