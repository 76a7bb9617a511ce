package h3

import (
	"errors"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
)

// TestNextWritable: RFC 9218 section 10 at the server: urgency first, then the order of the streams, and incremental ones in turn; frames and
// fields of the client decide.
func TestNextWritable(t *testing.T) {
	c, control := fresh(t, Server, nil)
	for i, field := range []string{"u=3", "u=1", "u=3, i", "u=3, i"} {
		id := uint64(4 * i)
		c.Open(id)
		if got := feed(c, id, section(nil, ":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "priority", field), true); got != "Request end " {
			t.Fatal(got)
		}
		if b := c.Blocked(id); b != NoHead {
			t.Error(b)
		}
		if _, err := c.AppendResponse(nil, id, 200, nil, false); err != nil {
			t.Fatal(err)
		}
		if b := c.Blocked(id); b != NotReady {
			t.Error(b)
		}
		if err := errors.Join(c.Ready(id, true), c.Ready(id, true), c.SetUser(id, uint32(i)+10)); err != nil {
			t.Fatal(err)
		}
		if b := c.Blocked(id); b != NotBlocked {
			t.Error(b)
		}
	}
	next := func(want uint64) {
		t.Helper()
		id, user, ready := c.NextWritable()
		if id != want || !ready || user != uint32(want/4)+10 {
			t.Errorf("stream %d, user %d, %v; want %d", id, user, ready, want)
		}
	}
	next(4)
	c.AppendData(nil, 4, []byte("x"), false)
	next(4)
	c.AppendData(nil, 4, []byte("x"), true) // and it is over
	for range 2 {
		// Two incremental streams and the others together: in turn.
		next(8)
		c.Served(8)
		next(12)
		c.AppendDataHeader(nil, 12, 5, false)
		next(0)
		c.AppendData(nil, 0, []byte("x"), false)
	}
	feed(c, control, AppendPriorityUpdate(nil, false, 12, []byte("u=0")), false)
	next(12)
	c.SetPriority(0, Priority{Urgency: 0})
	next(0)
	c.Ready(0, false)
	next(12)
	c.Reset(12, RequestCancelled)
	next(8)
	c.Reset(8, RequestCancelled)
	if id, _, ready := c.NextWritable(); ready || id != NoStream {
		t.Error("a stream is ready still")
	}
}

// TestSetPriority: a client's change goes out once, the last one, as long as the stream is there.
func TestSetPriority(t *testing.T) {
	c, _ := fresh(t, Client, nil)
	for i := range uint64(3) {
		if _, err := c.AppendRequest(nil, 4*i, testHeads["GET"], nil, true); err != nil {
			t.Fatal(err)
		}
		for u := range uint8(5) {
			c.SetPriority(4*i, Priority{Urgency: u, Incremental: true})
		}
	}
	c.Reset(4, RequestCancelled)
	want := AppendPriorityUpdate(AppendPriorityUpdate(nil, false, 0, []byte("u=4, i")), false, 8, []byte("u=4, i"))
	id, owes := c.NextOwed()
	if got := c.AppendOwed(nil, id, 1000); id != 2 || !owes || string(got) != string(want) {
		t.Errorf("%d %x, want %x", id, got, want)
	}
	if got := c.AppendOwed(nil, 2, 1000); len(got) > 0 {
		t.Errorf("%x again", got)
	}
}

// TestOpenUni: the control stream first; nothing is owed on streams that are not there, and SETTINGS is the first frame.
func TestOpenUni(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		c := new(Conn)
		c.Init(role, Config{ExtendedConnect: true, Datagrams: true, Seed: 99}.Profile())
		first := uint64(3)
		if role == Client {
			first = 2
		}
		if _, owes := c.NextOwed(); owes || c.WantsUni() != 3 || len(c.AppendOwed(nil, first, 100)) > 0 || len(c.AppendOwed(nil, NoStream, 100)) > 0 {
			t.Error("owed without a stream")
		}
		for i, kind := range []StreamType{StreamControl, StreamEncoder, StreamDecoder} {
			id := first + 4*uint64(i)
			if err := c.OpenUni(id); err != nil || c.WantsUni() != 2-i {
				t.Fatal(err, c.WantsUni())
			}
			owed, _ := c.NextOwed()
			out := c.AppendOwed([]byte{7}, owed, 1000)
			if got, _ := ParseStreamType(out[1:]); owed != id || got != kind {
				t.Errorf("%s on %d", got, owed)
			}
			if kind != StreamControl {
				continue
			}
			var h FrameHeader
			n := ParseFrameHeader(out[2:], &h)
			s := DefaultSettings()
			grease := false
			for p := out[2+n:]; len(p) > 0; {
				id, _, k := ParseSetting(p)
				grease = grease || id.Reserved()
				p = p[k:]
			}
			if f := s.Parse(out[2+n:]); h.Type != FrameSettings || f != ok || s.EnableConnectProtocol != (role == Server) || !s.Datagram || !grease ||
				s.MaxFieldSectionSize != DefaultFieldSection || s.QPACKMaxTableCapacity != qpack.DefaultTableCapacity || s.QPACKBlockedStreams != qpack.DefaultBlockedStreams {
				t.Errorf("%s %+v %v", h.Type, s, f)
			}
			if c.DatagramsEnabled() {
				t.Error("datagrams before the peer's SETTINGS")
			}
		}
		if _, owes := c.NextOwed(); owes {
			t.Error("something is owed still")
		}
	}
}

// TestShutdown: a server says GOAWAY twice: the first refuses nothing, the second, a second later or when told, what has not come.
func TestShutdown(t *testing.T) {
	c, _ := fresh(t, Server, nil)
	c.Advance(1e9)
	c.Open(0)
	feed(c, 0, getSection(nil), true)
	c.Shutdown()
	c.Shutdown()
	if got := c.AppendOwed(nil, 3, 100); string(got) != string(AppendGoAway(nil, 1<<62-4)) {
		t.Errorf("%x", got)
	}
	if c.Deadline() != 2e9 || c.Done() {
		t.Error(c.Deadline())
	}
	c.Open(4)
	feed(c, 4, getSection(nil), true)
	c.Advance(2e9)
	if got := c.AppendOwed(nil, 3, 100); string(got) != string(AppendGoAway(nil, 8)) {
		t.Errorf("%x", got)
	}
	var a Abort
	if c.Open(8) != nil || !c.NextAbort(&a) || a.Stream != 8 || a.Code != RequestRejected {
		t.Errorf("%+v", a)
	}
	for _, id := range []uint64{0, 4} {
		if c.Done() {
			t.Error("done too early")
		}
		c.AppendResponse(nil, id, 204, nil, true)
	}
	c.AppendOwed(nil, 11, 100)
	if !c.Done() || c.Deadline() != codec.Never {
		t.Error("not done")
	}
	k, _ := fresh(t, Client, nil)
	k.Shutdown()
	if got := k.AppendOwed(nil, 2, 100); string(got) != string(AppendGoAway(nil, 0)) || k.OpenBlocked() != GoneAway || !k.Done() {
		t.Errorf("%x", got)
	}
}

// TestResumed: a client that sends 0-RTT data uses what it remembers: the dynamic table, the limits, extended CONNECT.
func TestResumed(t *testing.T) {
	c := new(Conn)
	c.InitResumed(nil, &Settings{MaxFieldSectionSize: 300, QPACKMaxTableCapacity: 1000, QPACKBlockedStreams: 1, EnableConnectProtocol: true})
	for i := range uint64(3) {
		c.OpenUni(2 + 4*i)
	}
	if _, err := c.AppendRequest(nil, 0, testHeads["GET"], []codec.Field{f("user-agent", "x-y-z")}, true); err != nil || len(c.instructions) == 0 {
		t.Error(err, len(c.instructions))
	}
	if _, err := c.AppendRequest(nil, 4, testHeads["GET"], []codec.Field{f("x", string(make([]byte, 0))), f("a", "0123456789"), f("b", "0123456789"), f("c", "0123456789")}, true); err == nil {
		t.Error("larger than the server takes")
	}
	head := RequestHead{Method: []byte("CONNECT"), Protocol: []byte("x"), Scheme: []byte("https"), Authority: []byte("a"), Path: []byte("/")}
	if _, err := c.AppendRequest(nil, 4, &head, nil, false); err != nil {
		t.Error(err)
	}
	if s, told := c.PeerSettings(); told || s.MaxFieldSectionSize != 300 {
		t.Errorf("%+v %v", s, told)
	}
	c.Open(3)
	s := Settings{MaxFieldSectionSize: NoLimit, QPACKMaxTableCapacity: 1000, QPACKBlockedStreams: 5, EnableConnectProtocol: true}
	if got := feed(c, 3, s.Append([]byte{0}), false); got != "SettingsReceived " {
		t.Error(got)
	}
}

// TestHead: what a server may send in answer to HEAD, 204 and 304.
func TestHead(t *testing.T) {
	length := []codec.Field{f("content-length", "5")}
	for _, row := range []struct {
		method string
		status int
		list   []codec.Field
		end    bool
		fine   bool
		body   bool
	}{
		{"HEAD", 200, length, true, true, false},
		{"HEAD", 200, length, false, true, false},
		{"GET", 200, length, true, false, false},
		{"GET", 304, length, true, true, false},
		{"GET", 204, nil, false, true, false},
		{"GET", 200, nil, false, true, true},
	} {
		c, _ := fresh(t, Server, nil)
		c.Open(0)
		feed(c, 0, section(nil, ":method", row.method, ":scheme", "https", ":authority", "a", ":path", "/"), true)
		_, err := c.AppendResponse(nil, 0, row.status, row.list, row.end)
		if (err == nil) != row.fine {
			t.Errorf("%+v: %v", row, err)
		}
		if err == nil && !row.end {
			if _, err := c.AppendData(nil, 0, []byte("hello"), true); (err == nil) != row.body {
				t.Errorf("%+v: content: %v", row, err)
			}
		}
	}
}

// TestQueries: what a Conn tells of itself, and the names of constants.
func TestQueries(t *testing.T) {
	c, _ := fresh(t, Client, nil)
	if c.Role() != Client || c.CanOpen() != DefaultRequests || c.OpenBlocked() != NotBlocked || !c.Idle() || c.Err() != nil || c.Pending() {
		t.Error("at the beginning")
	}
	c.AppendRequest(nil, 0, testHeads["POST"], []codec.Field{f("content-length", "7")}, false)
	if c.Sending(0) != 7 || c.Sending(4) != 0 || c.Waits(0) != WaitInput || c.Waits(4) != WaitNothing || c.Streams() != 1 || c.Idle() {
		t.Error("with a request")
	}
	c.AppendData(nil, 0, []byte("abc"), false)
	if c.Sending(0) != 4 {
		t.Error(c.Sending(0))
	}
	if u, known := c.User(0); u != 0 || !known {
		t.Error(u)
	}
	if _, known := c.User(4); known {
		t.Error("a user of nothing")
	}
	if s := new(Conn); true {
		s.Init(Server, nil)
		if s.OpenBlocked() != NotClient || s.CanOpen() != 0 {
			t.Error(s.OpenBlocked())
		}
	}
	small := new(Conn)
	small.Init(Client, Config{Limits: Limits{Requests: 1}}.Profile())
	small.AppendRequest(nil, 0, testHeads["GET"], nil, true)
	if small.OpenBlocked() != TooManyStreams {
		t.Error(small.OpenBlocked())
	}
	feed(small, 3, nil, false)
	small.Open(1)
	if small.OpenBlocked() != Over || small.Blocked(0) != Over || small.Err() == nil || small.Waits(0) != WaitNothing || !small.Done() || small.WantsUni() != 0 {
		t.Error(small.Err())
	}
	for k := range numKinds + 1 {
		if (k.String() == "Unknown") != (k == numKinds) {
			t.Error(k)
		}
	}
	for b := range numBlocks + 1 {
		if (b.String() == "Unknown") != (b == numBlocks) {
			t.Error(b)
		}
	}
	for w := range numWaits + 1 {
		if (w.String() == "Unknown") != (w == numWaits) {
			t.Error(w)
		}
	}
	if n := (Config{Limits: Limits{HeaderBlock: 100, ControlFrame: 200}}).Profile().MaxTail(); n != 216 {
		t.Error(n)
	}
}

// TestInitAgain: a Conn that was used is as good as a new one.
func TestInitAgain(t *testing.T) {
	c, _ := fresh(t, Server, nil)
	for i := range uint64(20) {
		c.Open(4 * i)
		feed(c, 4*i, getSection(nil), false)
	}
	c.Open(6)
	feed(c, 6, []byte{0}, false) // a second control stream
	if c.Err() == nil {
		t.Error("two control streams")
	}
	if c.Init(Server, nil); c.Err() != nil || c.Streams() != 0 || c.WantsUni() != 3 {
		t.Error("not as new")
	}
	c.Open(2)
	s := DefaultSettings()
	if got := feed(c, 2, s.Append([]byte{0}), false); got != "SettingsReceived " {
		t.Error(got)
	}
	c.Open(0)
	if got := feed(c, 0, getSection(nil), true); got != "Request end " {
		t.Error(got)
	}
	var ev Event
	ev.Trim(0)
	if ev.Fields != nil {
		t.Error("Trim")
	}
}

// TestTable: streams in a table that grows and shrinks, against a map.
func TestTable(t *testing.T) {
	var tab table
	model := map[uint64]int32{}
	x := uint64(1)
	for range 20000 {
		x = x*6364136223846793005 + 1442695040888963407
		id := x >> 40 % 300
		if slot, there := model[id]; there {
			if got := tab.find(id); got != slot {
				t.Fatalf("stream %d in %d, want %d", id, got, slot)
			}
			if x>>20&1 == 0 {
				tab.del(slot)
				delete(model, id)
			}
		} else {
			if tab.find(id) >= 0 {
				t.Fatalf("stream %d is there", id)
			}
			if x>>20&3 != 0 {
				model[id] = tab.add(id)
			}
		}
		if tab.n != len(model) {
			t.Fatal(tab.n, len(model))
		}
	}
}

// TestTimeouts: streams that are blocked for too long end one by one, and the connection with them where they are too many. Either way no event
// is lost or made up.
func TestTimeouts(t *testing.T) {
	wait := append(AppendFrameHeader(nil, FrameHeader{FrameHeaders, 3}), 2, 0, 0x80)
	for _, next := range []func(c *Conn, ev *Event) error{
		func(c *Conn, ev *Event) error { return c.Poll(ev) },
		func(c *Conn, ev *Event) error { _, err := c.Next(0, wait, false, ev); return err },
	} {
		c, _ := fresh(t, Server, Config{Limits: Limits{Resets: 2, ResetRate: -1}}.Profile())
		c.p = Config{Limits: Limits{Resets: 2}}.Profile()
		c.flood.resets = 16
		c.Advance(1e9)
		for i := range uint64(4) {
			c.Open(4 * i)
			if got := feed(c, 4*i, wait, false); got != "" || c.Waits(4*i) != WaitTable {
				t.Fatal(got)
			}
		}
		c.p.resetRate = 0 // time brings nothing back
		c.Advance(11e9 - 1)
		if c.Pending() || c.Deadline() != 11e9 {
			t.Error("too early", c.Deadline())
		}
		c.Advance(11e9)
		var ev Event
		for range 2 {
			if err := next(c, &ev); err != nil || ev.Kind != StreamError || ev.Code != ExcessiveLoad {
				t.Error(err, ev.Kind)
			}
		}
		if err := next(c, &ev); code(err) != ExcessiveLoad || ev.Kind != None {
			t.Error(err, ev.Kind)
		}
		if err := next(c, &ev); code(err) != ExcessiveLoad || ev.Kind != None || c.Pending() || c.Deadline() != codec.Never {
			t.Error(err, ev.Kind)
		}
	}
}

// TestGoAwayRetry: a request of which a response has come may not be sent again, whatever GOAWAY says.
func TestGoAwayRetry(t *testing.T) {
	c, control := fresh(t, Client, nil)
	for i := range uint64(2) {
		c.AppendRequest(nil, 4*i, testHeads["GET"], nil, true)
	}
	feed(c, 0, section(nil, ":status", "100"), false)
	var ev Event
	if _, err := c.Next(control, AppendGoAway(nil, 0), false, &ev); err != nil || ev.Kind != GoAwayReceived {
		t.Fatal(err, ev.Kind)
	}
	for i, retry := range []bool{false, true} {
		if err := c.Poll(&ev); err != nil || ev.Kind != StreamReset || ev.Stream != uint64(4*i) || ev.Retry != retry {
			t.Error(err, ev.Kind, ev.Stream, ev.Retry)
		}
	}
	if c.Poll(&ev); ev.Kind != None || c.Streams() != 0 {
		t.Error(ev.Kind, c.Streams())
	}
}
