package http2

import (
	"errors"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec"
)

// The states of RFC 9113 section 5.1 as a peer can bring a stream into them, and what must become of each type of frame
// there. This table was written from the RFC, not from the code: "ok" the frame is taken, "drop" nothing happens, "S:x" a stream error, "C:x"
// a connection error with the code x.
//
//	P PROTOCOL_ERROR   C STREAM_CLOSED
var stateTable = []struct {
	state string
	// by type: DATA HEADERS PRIORITY RST_STREAM WINDOW_UPDATE CONTINUATION PUSH_PROMISE
	want [7]string
}{
	// 5.1-7.2.3: any frame other than HEADERS or PRIORITY on a stream in this state MUST be treated as a connection error of type
	// PROTOCOL_ERROR. 8.4: so is PUSH_PROMISE from a client, and from a server to whom it was forbidden. 6.10: CONTINUATION
	// that does not follow a block is a connection error of type PROTOCOL_ERROR, everywhere.
	{"idle", [7]string{"C:P", "ok", "ok", "C:P", "C:P", "C:P", "C:P"}},
	// 5.1-7.8.1: open: frames of any type.
	{"open", [7]string{"ok", "ok", "ok", "ok", "ok", "C:P", "C:P"}},
	// 5.1-7.10.3: half-closed (local): any type.
	{"half-closed local", [7]string{"ok", "ok", "ok", "ok", "ok", "C:P", "C:P"}},
	// 5.1-7.12.2: half-closed (remote): other than WINDOW_UPDATE, PRIORITY, or RST_STREAM: stream error of type STREAM_CLOSED.
	{"half-closed remote", [7]string{"S:C", "S:C", "ok", "ok", "ok", "C:P", "C:P"}},
	// 5.1-7.14.3, 5.1-7.14.4: closed by END_STREAM: WINDOW_UPDATE, RST_STREAM and PRIORITY may come, all else MAY be a
	// connection error of type STREAM_CLOSED.
	{"closed by both", [7]string{"C:C", "C:C", "ok", "drop", "drop", "C:P", "C:P"}},
	// 5.1-7.14.5: closed by our RST_STREAM: any type of frame, minimally processed and discarded.
	{"reset by us", [7]string{"drop", "drop", "ok", "drop", "drop", "C:P", "C:P"}},
	{"reset by us for an error", [7]string{"drop", "drop", "ok", "drop", "drop", "C:P", "C:P"}},
	{"reset by us for an error, held", [7]string{"drop", "drop", "ok", "drop", "drop", "C:P", "C:P"}},
	// 5.1-7.14.3 again: the peer itself has sent RST_STREAM. The error is confined to the stream.
	{"reset by the peer", [7]string{"S:C", "S:C", "ok", "drop", "drop", "C:P", "C:P"}},
	{"reset by the peer, held", [7]string{"S:C", "S:C", "ok", "drop", "drop", "C:P", "C:P"}},
	// 5.1.1-5: closed by the use of a higher identifier. 5.1.1-2: HEADERS has an unexpected stream identifier: connection error of type
	// PROTOCOL_ERROR.
	{"skipped", [7]string{"C:C", "C:P", "ok", "drop", "drop", "C:P", "C:P"}},
	// 5.1-7.14.5: minimal processing is possible for all closed streams, when it is not known how they were closed.
	{"forgotten", [7]string{"drop", "S:C", "ok", "drop", "drop", "C:P", "C:P"}},
}

var stateFrames = [7]FrameType{FrameData, FrameHeaders, FramePriority, FrameRSTStream, FrameWindowUpdate, FrameContinuation, FramePushPromise}

// stateConn is a Conn that is brought into states by frames and calls.
type stateConn struct {
	t  *testing.T
	c  Conn
	ev Event
}

func (s *stateConn) feed(frame []byte) error {
	s.t.Helper()
	n, err := s.c.Next(frame, &s.ev)
	kind, code := s.ev.Kind, s.ev.Code
	for err == nil && n < len(frame) {
		var k int
		if k, err = s.c.Next(frame[n:], &s.ev); k == 0 && err == nil && s.ev.Kind == None {
			s.t.Fatalf("%d octets left of %x", len(frame)-n, frame)
		}
		n += k
		if kind == None {
			kind, code = s.ev.Kind, s.ev.Code
		} else if s.ev.Kind != None {
			s.t.Fatalf("second event %v", s.ev.Kind)
		}
	}
	s.ev.Kind, s.ev.Code = kind, code
	return err
}

func (s *stateConn) must(frame []byte) {
	s.t.Helper()
	if err := s.feed(frame); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stateConn) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

var (
	requestBlock  = []byte("\x83\x86\x84\x01\x06a.test")
	responseBlock = []byte("\x88")
)

// enter brings stream 3 into the state. It reports false if the role does not have it.
func (s *stateConn) enter(role Role, state string) bool {
	c := &s.c
	c.Init(role, nil)
	c.AppendOwed(nil, 1<<20)
	if role == Server {
		s.must([]byte(ClientPreface))
	}
	s.must(AppendSettings(nil))
	head := func(id uint32, end bool) {
		s.must(AppendHeaders(nil, id, requestBlock, end, 0, nil))
	}
	request := func(end bool) uint32 {
		_, id, err := c.AppendRequest(nil, &RequestHead{Method: []byte("POST"), Scheme: testScheme, Authority: testHost, Path: testPath}, nil, end)
		s.do(err)
		return id
	}
	answer := func(end bool) {
		_, err := c.AppendResponse(nil, 3, 200, nil, end)
		s.do(err)
	}
	response := func(end bool) {
		s.must(AppendHeaders(nil, 3, responseBlock, end, 0, nil))
	}
	if role == Client {
		if state == "idle" {
			return true
		}
		if state == "skipped" {
			return false // a client uses its identifiers one by one
		}
		request(true)
		request(state == "half-closed local" || state == "closed by both")
	} else if state != "idle" && state != "skipped" {
		head(1, true)
		head(3, state == "half-closed remote" || state == "closed by both")
	}
	switch state {
	case "idle", "open":
	case "half-closed local":
		if role == Server {
			answer(true)
		}
	case "half-closed remote":
		if role == Client {
			response(true)
		}
	case "closed by both":
		if role == Server {
			answer(true)
		} else {
			response(true)
		}
	case "reset by us":
		s.do(c.Reset(3, Cancel))
	case "reset by us for an error":
		s.must(AppendWindowUpdate(nil, 3, 0))
		s.do(c.Release(3))
	case "reset by us for an error, held":
		s.must(AppendWindowUpdate(nil, 3, 0))
	case "reset by the peer":
		s.must(AppendRSTStream(nil, 3, Cancel))
		s.do(c.Release(3))
	case "reset by the peer, held":
		s.must(AppendRSTStream(nil, 3, Cancel))
	case "skipped":
		head(5, true)
	case "forgotten":
		s.do(c.Reset(3, Cancel))
		if role == Server {
			head(3+2*remembered, true)
		} else {
			for range remembered {
				s.do(c.Reset(request(true), Cancel))
			}
		}
	}
	return true
}

// frame returns a frame of the type on stream 3 that is right by itself.
func (s *stateConn) frame(role Role, state string, t FrameType) []byte {
	switch t {
	case FrameData:
		return testFrame(FrameHeader{1, FrameData, 0, 3}, "x")
	case FrameHeaders:
		block := requestBlock
		end := false
		switch {
		case role == Client:
			block = responseBlock
		case state == "open" || state == "half-closed local":
			block, end = nil, true // trailers
		}
		return AppendHeaders(nil, 3, block, end, 0, nil)
	case FramePriority:
		return AppendPriority(nil, 3, PriorityParam{})
	case FrameRSTStream:
		return AppendRSTStream(nil, 3, Cancel)
	case FrameWindowUpdate:
		return AppendWindowUpdate(nil, 3, 1)
	case FrameContinuation:
		return AppendContinuation(nil, 3, requestBlock, true)
	}
	return AppendPushPromise(nil, 3, 4, requestBlock, 0)
}

// testFrame is for tests: a frame with that payload.
func testFrame(h FrameHeader, payload string) []byte {
	return append(AppendFrameHeader(nil, h), payload...)
}

// TestStates: every type of frame in every state, in both roles, against the table.
func TestStates(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for _, row := range stateTable {
			for i, typ := range stateFrames {
				s := &stateConn{t: t}
				if !s.enter(role, row.state) {
					continue
				}
				want := row.want[i]
				switch {
				case role == Client && row.state == "idle" && typ == FrameHeaders:
					want = "C:P" // 5.1-7.2: only clients open streams by HEADERS
				case role == Client && typ == FrameData && (row.state == "open" || row.state == "half-closed local"):
					s.must(AppendHeaders(nil, 3, responseBlock, false, 0, nil)) // 8.1: DATA comes behind the head
				}
				before := fmt.Sprint(s.c.Streams(), s.c.OpenBlocked())
				s.ev.Kind = None
				s.c.owed.resets = s.c.owed.resets[:0]
				err := s.feed(s.frame(role, row.state, typ))
				got := "ok"
				var e *Error
				switch {
				case errors.As(err, &e):
					got = "C:" + letter(e.Code)
					if e.Scope != codec.ScopeConn || !s.c.owed.away {
						t.Errorf("%v: no GOAWAY owed", e)
					}
				case s.ev.Kind == StreamError:
					got = "S:" + letter(s.ev.Code)
					if len(s.c.owed.resets) != 1 || s.c.owed.resets[0] != (owedReset{3, s.ev.Code}) {
						t.Errorf("role %d, %s, %v: owed resets %v", role, row.state, typ, s.c.owed.resets)
					}
				case want == "drop" && s.ev.Kind == None && before == fmt.Sprint(s.c.Streams(), s.c.OpenBlocked()) && len(s.c.owed.resets) == 0:
					got = "drop"
				case want == "drop":
					got = fmt.Sprintf("event %v", s.ev.Kind)
				}
				if got != want {
					t.Errorf("role %d, %s: %v gives %s (%v %v), the RFC says %s", role, row.state, typ, got, err, s.ev.Reason, want)
				}
			}
		}
	}
}

func letter(c ErrorCode) string {
	switch c {
	case ProtocolError:
		return "P"
	case StreamClosed:
		return "C"
	}
	return c.String()
}

// TestSending: which calls a state allows. 5.1: an endpoint MUST NOT send frames of a message in the states idle, half-closed (local)
// and closed.
func TestSending(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for _, row := range stateTable {
			allowed := row.state == "open" || row.state == "half-closed remote"
			for _, call := range []struct {
				name string
				do   func(c *Conn) ([]byte, error)
			}{
				{"AppendResponse", func(c *Conn) ([]byte, error) { return c.AppendResponse(nil, 3, 200, nil, false) }},
				{"AppendInformational", func(c *Conn) ([]byte, error) { return c.AppendInformational(nil, 3, 103, nil) }},
				{"AppendData", func(c *Conn) ([]byte, error) {
					out, _, err := c.AppendData(nil, 3, []byte("x"), false)
					return out, err
				}},
				{"AppendTrailers", func(c *Conn) ([]byte, error) { return c.AppendTrailers(nil, 3, nil) }},
				{"Ready", func(c *Conn) ([]byte, error) { return []byte{1}, c.Ready(3, true) }},
			} {
				s := &stateConn{t: t}
				if !s.enter(role, row.state) {
					continue
				}
				want := allowed
				switch call.name {
				case "AppendResponse", "AppendInformational":
					want = allowed && role == Server
				case "AppendData", "AppendTrailers":
					if role == Server && allowed {
						want = false // no head was sent
					}
				}
				out, err := call.do(&s.c)
				if (err == nil) != want || err == nil && len(out) == 0 {
					t.Errorf("role %d, %s: %s: %v", role, row.state, call.name, err)
				}
				var e *Error
				if errors.As(err, &e) && (e.Scope != codec.ScopeMisuse || len(out) > 0 && call.name != "Ready") {
					t.Errorf("role %d, %s: %s: scope %v, %d octets", role, row.state, call.name, e.Scope, len(out))
				}
			}
		}
	}
}

// TestMemory: what is remembered of closed streams, at the edges of how far it reaches.
func TestMemory(t *testing.T) {
	var m memory
	m.use(1)
	m.close(1, ended)
	m.use(7) // 3 and 5 are skipped
	m.close(7, aborted)
	for id, want := range map[uint32]state{1: ended, 3: skipped, 5: skipped, 7: aborted} {
		if got := m.recall(id); got != want {
			t.Errorf("stream %d is %d, not %d", id, got, want)
		}
	}
	m.use(1 + 2*(remembered-1)) // one less than would push 1 out
	if got := m.recall(1); got != ended {
		t.Errorf("stream 1 is %d", got)
	}
	m.use(1 + 2*remembered) // takes the place of 1
	if got := m.recall(1); got != ancient {
		t.Errorf("stream 1 is %d", got)
	}
	if got := m.recall(7); got != aborted {
		t.Errorf("stream 7 is %d", got)
	}
	m.close(1, reset) // too late to matter: the place belongs to another
	if got := m.recall(1 + 2*remembered); got != skipped {
		t.Errorf("stream %d is %d", 1+2*remembered, got)
	}
	m.use(MaxStreamID)
	if got := m.recall(7); got != ancient {
		t.Errorf("stream 7 is %d", got)
	}
	if got := m.recall(MaxStreamID - 2); got != skipped {
		t.Errorf("%d", got)
	}
}

// TestTable: the table against a map, with identifiers that collide.
func TestTable(t *testing.T) {
	var tab table
	want := map[uint32]int32{}
	r := uint32(1)
	for range 20000 {
		r = r*1664525 + 1013904223
		id := (r>>8)%64*512 + 1 // few places
		if r>>30 == 0 {
			id = r>>8&0x3ff | 1
		}
		slot, there := want[id]
		if got := tab.find(id); there && got != slot || !there && got >= 0 {
			t.Fatalf("find(%d) = %d, want %d %v", id, got, slot, there)
		}
		if there {
			tab.del(slot)
			delete(want, id)
		} else if len(want) < 50 {
			want[id] = tab.add(id)
		}
		if tab.n != len(want) {
			t.Fatalf("%d streams, want %d", tab.n, len(want))
		}
	}
	if len(tab.slots) > 64 {
		t.Errorf("%d slots for 50 streams", len(tab.slots))
	}
}
