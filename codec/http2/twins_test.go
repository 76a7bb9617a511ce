package http2

import (
	"errors"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// The honest peers that look like those of TestFloods. None may be refused.

func (v *victim) must(src []byte) {
	v.t.Helper()
	if err := v.send(src); err != nil {
		v.t.Fatal(err)
	}
}

// at moves the clock.
func (v *victim) at(d time.Duration) {
	v.now = v.now.Add(d)
	v.c.Advance(v.now)
}

func scale(t *testing.T, n int) int {
	if testing.Short() {
		return n / 100
	}
	return n
}

// Twin of rapid reset (H2-01): 5% of a hundred thousand requests are cancelled, as fast as can be.
func TestTwinCancels(t *testing.T) {
	v := newVictim(t)
	v.answer, v.reads = true, true
	for i := range scale(t, 100_000) {
		if i%20 == 7 {
			v.must(v.open(false))
			v.must(AppendRSTStream(nil, v.id-2, Cancel))
			continue
		}
		v.must(v.open(true))
	}
}

// Twin of rapid reset: somebody who cancels all the time, and not faster than the limit.
func TestTwinSteadyCancels(t *testing.T) {
	v := newVictim(t)
	for range scale(t, 10_000) {
		v.at(time.Second / DefaultResetRate)
		v.must(v.open(false))
		v.must(AppendRSTStream(nil, v.id-2, Cancel))
	}
	// And it is that limit: twice as fast ends.
	var err error
	for range 1000 {
		v.at(time.Second / DefaultResetRate / 2)
		v.must(v.open(false))
		if err = v.send(AppendRSTStream(nil, v.id-2, Cancel)); err != nil {
			break
		}
	}
	if !errors.Is(err, EnhanceYourCalm) {
		t.Errorf("%v", err)
	}
}

// Twin of the WINDOW_UPDATE flood (H2-06): an upload of a gibibyte whose sender also opens the windows for each frame.
func TestTwinUpload(t *testing.T) {
	v := newVictim(t)
	v.reads = true
	v.must(v.open(false))
	frame := append(AppendDataHeader(nil, 1, 16384, -1, false), make([]byte, 16384)...)
	update := AppendWindowUpdate(AppendWindowUpdate(nil, 0, 16384), 1, 16384)
	for range scale(t, 1<<16) {
		v.must(frame)
		v.must(update)
	}
}

// Twin of the WINDOW_UPDATE flood: a download whose reader gives credit for each frame, twice.
func TestTwinDownload(t *testing.T) {
	v := newVictim(t)
	v.must(v.open(true))
	var err error
	if v.buf, err = v.c.AppendResponse(v.buf[:0], 1, 200, nil, false); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	update := AppendWindowUpdate(AppendWindowUpdate(nil, 0, 10), 1, 10)
	for range scale(t, 100_000) {
		var n int
		if v.buf, n, err = v.c.AppendData(v.buf[:0], 1, p, false); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		v.must(update)
	}
}

// Twins of tiny frames (H2-07): a million frames of one octet, taken at once; and 256 streams of a hundred small frames each that nobody
// takes for a while.
func TestTwinTinyFrames(t *testing.T) {
	v := newVictim(t)
	v.reads = true
	v.must(v.open(false))
	frame := testFrame(FrameHeader{1, FrameData, 0, 1}, "x")
	for range scale(t, 1_000_000) {
		v.must(frame)
	}

	w := newVictim(t)
	w.c.Init(Server, Config{Limits: Limits{Streams: 256}, Window: WindowPolicy{Conn: 4 << 20}}.Profile())
	w.c.AppendOwed(nil, 1<<20)
	w.must(append([]byte(ClientPreface), AppendSettings(nil)...))
	for range 256 {
		w.must(w.open(false))
	}
	for range 100 {
		for id := uint32(1); id < 512; id += 2 {
			src := append(AppendDataHeader(nil, id, 100, -1, false), make([]byte, 100)...)
			n, err := w.c.Next(src, &w.ev)
			if err != nil || w.ev.Kind != Data && n < len(src) {
				t.Fatal(err)
			}
			if n < len(src) {
				t.Fatalf("%d of %d", n, len(src))
			}
		}
	}
	if n := len(w.c.tab.slots); n > 256 {
		t.Errorf("%d slots", n)
	}
	w.at(10 * time.Millisecond)
	for id := uint32(1); id < 512; id += 2 {
		if err := w.c.Consumed(id, 100*100); err != nil {
			t.Fatal(err)
		}
	}
}

// Twin of the PING flood (H2-05): small calls, each with credit for the answer, and a PING for every tenth; and a PING each second for a day.
func TestTwinCalls(t *testing.T) {
	v := newVictim(t)
	v.answer, v.reads = true, true
	for i := range scale(t, 100_000) {
		v.must(v.open(false))
		v.must(testFrame(FrameHeader{5, FrameData, FlagEndStream, v.id - 2}, "12345"))
		v.must(AppendWindowUpdate(nil, 0, 5))
		if i%10 == 0 {
			v.must(AppendPing(nil, [8]byte{1}, false))
		}
	}
	for range scale(t, 86400) {
		v.at(time.Second)
		v.must(AppendPing(nil, [8]byte{2}, false))
	}
}

// Twin of the SETTINGS flood: a client that changes its mind each second for an hour, with streams open.
func TestTwinSettings(t *testing.T) {
	v := newVictim(t)
	v.reads = true
	for range 50 {
		v.must(v.open(true))
	}
	for i := range 3600 {
		v.at(time.Second)
		v.must(AppendSettings(nil, Setting{SettingInitialWindowSize, uint32(i) * 1000}))
	}
}

// Twin of the empty DATA flood: a sender that flushes with an empty frame behind each message; and one that says so each second.
func TestTwinEmptyData(t *testing.T) {
	v := newVictim(t)
	v.reads = true
	v.must(v.open(false))
	for range 10_000 {
		v.must(testFrame(FrameHeader{1, FrameData, 0, 1}, "x"))
		v.must(testFrame(FrameHeader{0, FrameData, 0, 1}, ""))
	}
	for range 10_000 {
		v.at(time.Second)
		v.must(testFrame(FrameHeader{0, FrameData, 0, 1}, ""))
	}
}

// Twin of the CONTINUATION flood (H2-03): a request of 55 kB, in frames of 16 KiB; it is taken. One of 90 kB is too large and is
// answered, and the connection goes on.
func TestTwinLargeHeaders(t *testing.T) {
	for _, c := range []struct {
		size int
		want Kind
	}{{55_000, Request}, {90_000, TooLarge}} {
		v := newVictim(t)
		block := append([]byte(nil), requestBlock...)
		value := make([]byte, 100)
		for i := range value {
			value[i] = 'v'
		}
		for len(block) < c.size {
			block = append(block, 0, 1, 'n', 100)
			block = append(block, value...)
			if len(block) > 20_000 { // few fields of much text
				rest := c.size - len(block)
				block = append(block, 0, 1, 'n', 0x7f)
				block = appendVarint(block, max(rest, 127)-127)
				for range max(rest, 127) {
					block = append(block, 'v')
				}
			}
		}
		src := AppendHeaders(nil, 1, block, true, 16384, nil)
		n, err := v.c.Next(src, &v.ev)
		if err != nil || n != len(src) || v.ev.Kind != c.want {
			t.Errorf("%d octets: %v, %d consumed, %v", c.size, v.ev.Kind, n, err)
		}
		v.id = 3
		v.must(v.open(true))
		if v.ev.Kind = None; v.c.Streams() != 2 {
			t.Errorf("%d streams", v.c.Streams())
		}
	}
}

func appendVarint(dst []byte, n int) []byte {
	for n >= 128 {
		dst = append(dst, byte(n)|128)
		n >>= 7
	}
	return append(dst, byte(n))
}

// Twin of the discarded uploads (H2-09): after a hundred thousand streams that were reset with data under way, the window of the
// connection is what it was.
func TestTwinDiscards(t *testing.T) {
	v := newVictim(t)
	v.reads = true
	size := v.c.recvWin.size
	frame := make([]byte, 0, 2000)
	for range scale(t, 100_000) {
		v.at(10 * time.Millisecond)
		v.must(v.open(false))
		id := v.id - 2
		frame = append(AppendDataHeader(frame[:0], id, 1000, -1, false), make([]byte, 1000)...)
		// Lent and not given back, then reset by the application, with a frame half there, and one more to come.
		if n, err := v.c.Next(frame, &v.ev); n != len(frame) || err != nil {
			t.Fatal(n, err)
		}
		if n, err := v.c.Next(frame[:500], &v.ev); n != 500 || err != nil {
			t.Fatal(n, err)
		}
		if err := v.c.Reset(id, Cancel); err != nil {
			t.Fatal(err)
		}
		v.must(frame[500:])
		v.must(frame)
	}
	v.c.AppendOwed(nil, 1<<20)
	if r := v.c.recvWin; r.size != size || r.held != 0 || r.open+r.owed != size {
		t.Errorf("%+v", r)
	}
}

// Slow readers (H2-08). A window that stays shut, or opens by an octet each second, ends the stream when the deadline is
// reached; one that lets enough through does not.
func TestStalledStream(t *testing.T) {
	for _, c := range []struct {
		name   string
		credit uint32 // each second
		stalls bool
	}{{"shut", 0, true}, {"dribble", 1, true}, {"slow", DefaultStallBytes / 28, false}, {"open", 1 << 20, false}} {
		v := newVictim(t)
		v.c.Init(Server, nil)
		v.c.Advance(v.now)
		v.c.AppendOwed(nil, 1<<20)
		v.must(append([]byte(ClientPreface), AppendSettings(nil, Setting{SettingInitialWindowSize, 0})...))
		v.must(AppendSettingsAck(nil))
		v.keep = true
		for range 3 {
			v.must(v.open(true))
			v.buf, _ = v.c.AppendResponse(v.buf[:0], v.id-2, 200, nil, false)
			if err := v.c.Ready(v.id-2, true); err != nil {
				t.Fatal(err)
			}
		}
		var ended []time.Duration
		p := make([]byte, 1<<20)
		for second := range 100 {
			for {
				id, _, n := v.c.NextWritable()
				if n == 0 {
					break
				}
				if v.buf, _, _ = v.c.AppendData(v.buf[:0], id, p, false); len(v.buf) == 0 {
					t.Fatal("nothing sent")
				}
			}
			if got := v.c.Blocked(1); got != StreamWindow && len(ended) == 0 {
				t.Fatalf("%s: blocked: %v", c.name, got)
			}
			v.at(time.Second)
			for {
				if _, err := v.c.Next(nil, &v.ev); err != nil {
					t.Fatal(err)
				}
				if v.ev.Kind == None {
					break
				}
				if v.ev.Kind != StreamError || v.ev.Code != Cancel {
					t.Fatalf("%v %v", v.ev.Kind, v.ev.Reason)
				}
				ended = append(ended, time.Duration(second+1)*time.Second)
			}
			if c.credit > 0 && len(ended) == 0 {
				for id := uint32(1); id <= 5; id += 2 {
					v.must(AppendWindowUpdate(AppendWindowUpdate(nil, id, c.credit), 0, c.credit))
				}
			}
		}
		if c.stalls && (len(ended) != 3 || ended[0] != DefaultStallTimeout) || !c.stalls && len(ended) > 0 {
			t.Errorf("%s: streams ended at %v", c.name, ended)
		}
		if c.stalls && v.c.Streams() != 3 {
			t.Errorf("%s: streams are not held", c.name)
		}
	}
}

// The window of the connection that stays shut ends the connection.
func TestStalledConn(t *testing.T) {
	for _, credit := range []uint32{0, 1, DefaultStallBytes} {
		v := newVictim(t)
		v.must(v.open(true))
		v.must(AppendWindowUpdate(nil, 1, 1<<30))
		v.buf, _ = v.c.AppendResponse(v.buf[:0], 1, 200, nil, false)
		v.c.Ready(1, true)
		var err error
		p := make([]byte, 16384)
		for range 100 {
			for {
				_, _, n := v.c.NextWritable()
				if n == 0 {
					break
				}
				v.buf, _, _ = v.c.AppendData(v.buf[:0], 1, p, false)
			}
			if got := v.c.Blocked(1); got != ConnWindow {
				t.Fatalf("blocked: %v", got)
			}
			v.at(time.Second)
			if _, err = v.c.Next(nil, &v.ev); err != nil {
				break
			}
			if credit > 0 {
				v.must(AppendWindowUpdate(nil, 0, credit))
			}
		}
		if stalls := credit < DefaultStallBytes; errors.Is(err, EnhanceYourCalm) != stalls {
			t.Errorf("credit %d: %v", credit, err)
		}
	}
}

// SETTINGS that are never acknowledged (H2-10); twin: in time.
func TestSettingsTimeout(t *testing.T) {
	for _, late := range []bool{true, false} {
		var c Conn
		var ev Event
		now := codec.Time(1e9)
		c.Init(Server, nil)
		c.Advance(now)
		c.AppendOwed(nil, 1<<20)
		if got := c.Deadline(); got != now.Add(DefaultSettingsTimeout) {
			t.Fatalf("deadline %d", got)
		}
		src := append([]byte(ClientPreface), AppendSettings(nil)...)
		for len(src) > 0 {
			n, err := c.Next(src, &ev)
			if err != nil {
				t.Fatal(err)
			}
			src = src[n:]
		}
		c.Advance(now.Add(DefaultSettingsTimeout - 1))
		if _, err := c.Next(nil, &ev); err != nil {
			t.Fatal(err)
		}
		if !late {
			if _, err := c.Next(AppendSettingsAck(nil), &ev); err != nil || ev.Kind != SettingsAcked || c.Deadline() != codec.Never {
				t.Fatal(err, ev.Kind, c.Deadline())
			}
		}
		c.Advance(now.Add(DefaultSettingsTimeout))
		_, err := c.Next(nil, &ev)
		var e *Error
		if errors.Is(err, SettingsTimeout) != late || errors.As(err, &e) && e.Off != -1 {
			t.Errorf("late %v: %v", late, err)
		}
	}
}

// Twins of the stalled: streams and connections that were blocked once, got out what they had, and have had nothing to send
// since.
func TestTwinBlockedOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		ready  bool // the application uses Ready
		window uint32
		update func(v *victim)
		want   Block
	}{
		{"stream", false, 10, func(v *victim) { v.must(AppendWindowUpdate(nil, 1, 10)) }, StreamWindow},
		{"stream, ready", true, 10, func(v *victim) { v.must(AppendWindowUpdate(nil, 1, 10)) }, StreamWindow},
		{"connection", false, 1 << 20, func(v *victim) { v.must(AppendWindowUpdate(nil, 0, 10)) }, ConnWindow},
		{"connection, ready", true, 1 << 20, func(v *victim) { v.must(AppendWindowUpdate(nil, 0, 10)) }, ConnWindow},
	} {
		for _, honest := range []bool{true, false} {
			v := newVictim(t)
			v.must(AppendSettings(nil, Setting{SettingInitialWindowSize, c.window}))
			v.must(v.open(true))
			v.buf, _ = v.c.AppendResponse(v.buf[:0], 1, 200, nil, false)
			if c.ready {
				v.c.Ready(1, true)
			}
			rest := min(int(c.window), 65535) + 10
			send := func() {
				for {
					n := rest
					if c.ready {
						if _, _, n = v.c.NextWritable(); n == 0 {
							return
						}
						n = min(n, rest)
					}
					var err error
					v.buf, n, err = v.c.AppendData(v.buf[:0], 1, make([]byte, n), false)
					if err != nil {
						t.Fatal(err)
					}
					if rest -= n; rest == 0 && c.ready {
						v.c.Ready(1, false)
					}
					if n == 0 || rest == 0 {
						return
					}
				}
			}
			send()
			if got := v.c.Blocked(1); got != c.want || rest != 10 {
				t.Fatalf("%s: %v, %d left", c.name, got, rest)
			}
			v.at(DefaultStallTimeout / 2)
			if honest {
				c.update(v) // exactly what is needed: the window is used up again
				if send(); rest != 0 {
					t.Fatalf("%s: %d left", c.name, rest)
				}
			}
			v.at(DefaultStallTimeout)
			_, err := v.c.Next(nil, &v.ev)
			if ended := err != nil || v.ev.Kind == StreamError; ended == honest {
				t.Errorf("%s: honest %v: %v %v", c.name, honest, v.ev.Kind, err)
			}
		}
	}
}
