package http2

import (
	"bytes"
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
)

// TestUpgrade: a connection that came from HTTP/1.1, both roles: the request is stream 1 (RFC 7540 section 3.2).
func TestUpgrade(t *testing.T) {
	client := Config{Window: WindowPolicy{Stream: 50}}.Profile()
	value := AppendUpgradeSettings(nil, client)
	settings, err := DecodeUpgradeSettings(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	p := &connPair{t: t}
	if err := p.s.InitUpgraded(Server, nil, settings); err != nil {
		t.Fatal(err)
	}
	if err := p.c.InitUpgraded(Client, client, nil); err != nil {
		t.Fatal(err)
	}
	if got := p.s.PeerSettings().InitialWindowSize; got != 50 {
		t.Errorf("window %d", got)
	}
	// The server may answer before the client's preface has come.
	out := p.s.AppendOwed(nil, 1<<20)
	if out, err = p.s.AppendResponse(out, 1, 200, nil, false); err != nil {
		t.Fatal(err)
	}
	out, n, err := p.s.AppendData(out, 1, make([]byte, 100), true)
	if n != 50 || err != nil {
		t.Fatal(n, err)
	}
	p.toClient(out)
	p.settle()
	p.expect("client SettingsReceived", "client Response", "client Data", "server SettingsReceived", "server SettingsAcked", "client SettingsAcked")
	if p.request(true) != 3 {
		t.Error("the next stream is not 3")
	}
	p.expect("server Request")

	var c Conn
	if err := c.InitUpgraded(Server, nil, []byte("12345")); !errors.Is(err, ProtocolError) || c.Err() == nil {
		t.Error(err)
	}
	if err := c.InitUpgraded(Server, nil, []byte{0, 5, 0, 0, 0, 1}); !errors.Is(err, ProtocolError) {
		t.Error(err)
	}
	for _, bad := range []string{"A", "AA==", "AA$A", "AAR"} {
		if out, err := DecodeUpgradeSettings([]byte("x"), []byte(bad)); !errors.Is(err, ProtocolError) || string(out) != "x" {
			t.Errorf("%q: %q %v", bad, out, err)
		}
	}
}

// TestBlocked: why nothing is being sent.
func TestBlocked(t *testing.T) {
	p := newPair(t, nil, Config{Limits: Limits{Requests: 2}, Window: WindowPolicy{Stream: 10, Conn: 65535}}.Profile())
	s := &p.s
	if s.Blocked(1) != NoStream {
		t.Error(s.Blocked(1))
	}
	p.request(true)
	steps := []struct {
		do   func()
		want Block
		room int
	}{
		{func() {}, NoHead, 0},
		{func() { s.AppendResponse(nil, 1, 200, nil, false) }, NotReady, 10},
		{func() { s.Ready(1, true) }, NotBlocked, 10},
		{func() { s.AppendData(nil, 1, make([]byte, 11), true) }, StreamWindow, 0},
		{func() { s.Ready(1, false) }, StreamWindow, 0},
		{func() { p.toServer(AppendWindowUpdate(nil, 1, 1<<20)) }, NotReady, 16384},
		{func() { s.Ready(1, true) }, NotBlocked, 16384},
		{func() {
			for range 4 {
				s.AppendData(nil, 1, make([]byte, 1<<20), true)
			}
		}, ConnWindow, 0},
		{func() { p.toServer(AppendWindowUpdate(nil, 0, 5)) }, NotBlocked, 5},
		{func() { s.AppendTrailers(nil, 1, nil) }, NoStream, 0},
	}
	for i, st := range steps {
		st.do()
		if got := s.Blocked(1); got != st.want || s.Writable(1) != st.room {
			t.Errorf("step %d: %v, room %d; want %v, %d", i, got, s.Writable(1), st.want, st.room)
		}
		if id, _, n := s.NextWritable(); (id == 1) != (st.want == NotBlocked) || st.want == NotBlocked && n != st.room {
			t.Errorf("step %d: NextWritable %d %d", i, id, n)
		}
	}
	p.request(true)
	if p.c.OpenBlocked() != TooManyStreams || p.c.CanOpen() != 0 {
		t.Error(p.c.OpenBlocked())
	}
	var c Conn
	c.Init(Client, nil)
	c.mem.use(MaxStreamID)
	if c.OpenBlocked() != NoMoreIDs {
		t.Error(c.OpenBlocked())
	}
	for b := range numBlocks {
		if b.String() == "" || b.String() == "Unknown" {
			t.Error(b)
		}
	}
	if numBlocks.String() != "Unknown" || numKinds.String() != "Unknown" || GoAwayReceived.String() != "GoAwayReceived" {
		t.Error("names")
	}
}

// TestRaisedLimits: the peer raises what it allows: the settings are acknowledged before they are made use of, and streams that waited
// for window go on.
func TestRaisedLimits(t *testing.T) {
	p := newPair(t, nil, Config{Window: WindowPolicy{Stream: 10}}.Profile())
	s := &p.s
	p.request(true)
	s.AppendResponse(nil, 1, 200, nil, false)
	s.Ready(1, true)
	s.AppendData(nil, 1, make([]byte, 10), false)
	if id, _, _ := s.NextWritable(); id != 0 {
		t.Fatal(id)
	}
	p.toServer(AppendSettings(nil, Setting{SettingInitialWindowSize, 30000}, Setting{SettingMaxFrameSize, 20000}))
	id, _, n := s.NextWritable()
	if id != 1 || n != 20000 {
		t.Fatal(id, n)
	}
	out, n, err := s.AppendData(nil, 1, make([]byte, 25000), true)
	if err != nil || n != 20000 || !bytes.HasPrefix(out, AppendSettingsAck(nil)) {
		t.Errorf("%d %v %x", n, err, out[:20])
	}
	if s.Owes() {
		t.Error("acknowledged twice")
	}
	// Lower again, below what was sent: the window is negative (section 6.9.2) and opens by what makes it positive.
	p.toServer(AppendSettings(nil, Setting{SettingInitialWindowSize, 0}))
	if got := s.Writable(1); got != 0 {
		t.Error(got)
	}
	p.toServer(AppendWindowUpdate(nil, 1, 20010))
	if got := s.Blocked(1); got != StreamWindow {
		t.Error(got)
	}
	p.toServer(AppendWindowUpdate(nil, 1, 1))
	if got := s.Writable(1); got != 1 {
		t.Error(got)
	}
}

// TestFirstLimits: before the server's SETTINGS have come, 100 streams are hoped for.
func TestFirstLimits(t *testing.T) {
	var c Conn
	c.Init(Client, nil)
	if c.CanOpen() != 100 {
		t.Error(c.CanOpen())
	}
	out, id, err := c.AppendRequest(nil, getHead, nil, true)
	if id != 1 || err != nil || !bytes.HasPrefix(out, []byte(ClientPreface)) {
		t.Errorf("%d %v %q", id, err, out)
	}
	var ev Event
	if _, err := c.Next(AppendSettings(nil, Setting{SettingMaxConcurrentStreams, 1}), &ev); err != nil {
		t.Fatal(err)
	}
	if c.OpenBlocked() != TooManyStreams {
		t.Error(c.OpenBlocked())
	}
	if err := c.Reset(1, Cancel); err != nil || c.OpenBlocked() != NotBlocked {
		t.Error(err, c.OpenBlocked())
	}
	// The server must see the stream end before it counts the next one.
	out, id, err = c.AppendRequest(nil, getHead, nil, true)
	if want := AppendRSTStream(AppendSettingsAck(nil), 1, Cancel); id != 3 || err != nil || !bytes.HasPrefix(out, want) {
		t.Errorf("%d %v %x", id, err, out)
	}
}

// TestExtendedConnect: RFC 8441 section 4, both roles.
func TestExtendedConnect(t *testing.T) {
	p := newPair(t, Config{ExtendedConnect: true}.Profile(), nil)
	if !p.c.PeerSettings().EnableConnectProtocol {
		t.Fatal("not announced")
	}
	p.events = nil
	out, id, err := p.c.AppendRequest(nil, &RequestHead{Method: []byte("CONNECT"), Scheme: []byte("https"), Authority: []byte("a"), Path: []byte("/chat"), Protocol: []byte("websocket")},
		[]codec.Field{field("sec-websocket-version", "13")}, false)
	if err != nil {
		t.Fatal(err)
	}
	p.onEv = func(c *Conn, ev *Event) {
		if ev.Kind == Request && (string(ev.Protocol) != "websocket" || string(ev.Path) != "/chat" || len(ev.Fields) != 1) {
			t.Errorf("%q %q", ev.Protocol, ev.Path)
		}
	}
	p.toServer(out)
	if out, err = p.s.AppendResponse(nil, id, 200, nil, false); err != nil {
		t.Fatal(err)
	}
	p.toClient(out)
	if out, _, err = p.s.AppendData(nil, id, []byte("hello"), false); err != nil {
		t.Fatal(err)
	}
	p.toClient(out)
	if out, _, err = p.c.AppendData(nil, id, []byte("hello"), true); err != nil {
		t.Fatal(err)
	}
	p.toServer(out)
	p.expect("server Request", "client Response", "client Data", "server Data")
}

// TestPriorities: the client's priorities reach the scheduler: by field, by frame, before and behind the request.
func TestPriorities(t *testing.T) {
	p := newPair(t, nil, nil)
	open := func(list ...codec.Field) uint32 {
		out, id, err := p.c.AppendRequest(nil, getHead, list, true)
		if err != nil {
			t.Fatal(err)
		}
		p.toServer(out)
		if _, err = p.s.AppendResponse(nil, id, 200, nil, false); err != nil {
			t.Fatal(err)
		}
		if err := p.s.Ready(id, true); err != nil {
			t.Fatal(err)
		}
		return id
	}
	next := func(want uint32) {
		t.Helper()
		if id, _, _ := p.s.NextWritable(); id != want {
			t.Errorf("next is %d, want %d", id, want)
		}
	}
	first := open()
	next(first)
	urgent := open(field("priority", "u=1"))
	next(urgent)
	out, err := p.c.AppendPriorityUpdate(nil, first, Priority{Urgency: 0})
	if err != nil {
		t.Fatal(err)
	}
	p.toServer(out)
	next(first)
	if err := p.s.SetPriority(first, Priority{Urgency: 7}); err != nil {
		t.Fatal(err)
	}
	next(urgent)
	p.toServer(AppendPriorityUpdate(nil, 5, []byte("u=0")))
	third := open()
	next(third)
	if err := p.s.Ready(third, false); err != nil {
		t.Fatal(err)
	}
	next(urgent)
	// Two incremental ones take turns.
	a, b := open(field("priority", "u=0, i")), open(field("priority", "u=0"), field("priority", "i"))
	next(a)
	p.s.AppendData(nil, a, []byte("x"), false)
	next(b)
	p.s.AppendData(nil, b, []byte("x"), true)
	next(a)
}

// TestLateCredit: data that the application still has when the stream is over for both ends keeps the stream until it is Consumed
// or released, and the connection's window gets it back either way.
func TestLateCredit(t *testing.T) {
	for _, release := range []bool{true, false} {
		p := newPair(t, nil, nil)
		id := p.request(true)
		out, _ := p.s.AppendResponse(nil, id, 200, nil, false)
		out, _, _ = p.s.AppendData(out, id, make([]byte, 1000), true)
		p.toClient(out)
		if p.c.Streams() != 1 || p.c.owns != 0 || p.c.recvWin.held != 1000 {
			t.Fatalf("%d streams, %d open, %+v", p.c.Streams(), p.c.owns, p.c.recvWin)
		}
		if release {
			if err := p.c.Release(id); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := p.c.Consumed(id, 400); err != nil || p.c.Streams() != 1 {
				t.Fatal(err)
			}
			misuseIs(t, p.c.Consumed(id, 601), fConsumedTooMuch)
			if err := p.c.Consumed(id, 600); err != nil {
				t.Fatal(err)
			}
		}
		if p.c.Streams() != 0 || p.c.recvWin.held != 0 {
			t.Errorf("%d streams, %+v", p.c.Streams(), p.c.recvWin)
		}
	}
}

// TestTrim: an idle connection gives back its tables and goes on.
func TestTrim(t *testing.T) {
	p := newPair(t, nil, nil)
	for range 50 {
		p.request(false)
	}
	p.c.Trim()
	if len(p.c.tab.slots) < 50 {
		t.Error("trimmed with streams open")
	}
	for id := uint32(1); id < 100; id += 2 {
		if err := p.c.Reset(id, Cancel); err != nil {
			t.Fatal(err)
		}
	}
	p.settle()
	for _, c := range []*Conn{&p.c, &p.s} {
		for id := uint32(1); id < 100; id += 2 {
			c.Release(id)
		}
		c.Trim()
		if c.tab.slots != nil || c.sched.Slots() != 0 || c.owed.resets != nil || !c.Idle() {
			t.Error("not trimmed")
		}
	}
	p.events = nil
	p.request(true)
	p.expect("server Request")
}

// TestOwedLimit: AppendOwed stops behind the frame that reaches max, and goes on where it stopped.
func TestOwedLimit(t *testing.T) {
	p := newPair(t, nil, nil)
	for range 10 {
		p.toServer(AppendPing(nil, [8]byte{7}, false))
	}
	p.request(false)
	p.s.Reset(1, Cancel)
	p.s.Ping([8]byte{8})
	p.s.GoAway(NoError)
	whole := 10*17 + 13 + 17 + 17
	var out []byte
	calls := 0
	for ; p.s.Owes(); calls++ {
		before := len(out)
		out = p.s.AppendOwed(out, 1)
		if n := len(out) - before; n != 17 && n != 13 {
			t.Fatalf("%d octets for a maximum of 1", n)
		}
	}
	if len(out) != whole || calls != 13 {
		t.Errorf("%d octets in %d calls, want %d", len(out), calls, whole)
	}
	if got := p.s.AppendOwed(nil, 1<<20); len(got) != 0 {
		t.Errorf("owed %x", got)
	}
	if p.s.Ping([8]byte{1}); len(p.s.AppendOwed(nil, 0)) != 0 {
		t.Error("appended although max is 0")
	}
}
