package http2

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec"
)

// The walk brings a Conn and a model of RFC 9113 sections 5.1 and 8.1 through every sequence of frames and calls on a few
// streams, to the point where no new state comes: whatever order a peer and an application choose, the Conn does what the model says.
// The model was written from the RFC. It knows states and messages, and nothing of windows, budgets and memory.

// modelState is a state of RFC 9113 section 5.1, figure 2. The closed ones say how they came to be, for that decides
// what may still arrive (5.1-7.14, 5.1.1-5).
type modelState string

const (
	mIdle       modelState = "idle"
	mOpen       modelState = "open"
	mHalfLocal  modelState = "half-closed (local)"
	mHalfRemote modelState = "half-closed (remote)"
	mEnded      modelState = "closed by END_STREAM"
	mReset      modelState = "closed by our RST_STREAM"
	mAborted    modelState = "closed by their RST_STREAM"
	mSkipped    modelState = "closed by a higher identifier"
)

// ours is the constant of the Conn for each state of the model.
var ours = map[modelState]state{mIdle: idle, mOpen: open, mHalfLocal: halfLocal, mHalfRemote: halfRemote, mEnded: ended, mReset: reset,
	mAborted: aborted, mSkipped: skipped}

// modelStream is one stream of the model.
type modelStream struct {
	state modelState
	// got: the peer's head has come, the final one. sent: ours was sent.
	got, sent bool
	// kept: it is over and the application, which knows it, has not let go of it.
	kept bool
}

// active tells whether the stream is neither idle nor closed.
func (s *modelStream) active() bool {
	return s.state == mOpen || s.state == mHalfLocal || s.state == mHalfRemote
}

// shut is the stream after a reset that the application has to hear of.
func (s *modelStream) shut(how modelState) {
	if s.active() {
		s.kept = true
	}
	s.state = how
}

// model is one end of a connection with streams 1, 3, ...
type model struct {
	role    Role
	streams []modelStream
	dead    bool // behind a connection error
}

func newModel(role Role, n int) model {
	m := model{role: role, streams: make([]modelStream, n)}
	for i := range m.streams {
		m.streams[i].state = mIdle
	}
	return m
}

func (m *model) clone() model {
	c := *m
	c.streams = slices.Clone(m.streams)
	return c
}

// move is a frame that arrives or a call of the application.
type move struct {
	name   string
	stream int // index
	frame  bool
}

// The outcomes: what an event is called, with " end" if it ends the stream; "-" for no event; "S:x" and "C:x" for errors of a stream
// and of the connection, x being P for PROTOCOL_ERROR and C for STREAM_CLOSED; "done" and "misuse" for calls.

// apply moves the model and says what must come out.
func (m *model) apply(mv move) string {
	s := &m.streams[mv.stream]
	if mv.frame {
		out := m.receive(mv.stream, mv.name)
		m.dead = out[0] == 'C'
		return out
	}
	if m.call(s, mv) {
		return "done"
	}
	return "misuse"
}

// receive is a frame on a stream.
func (m *model) receive(i int, frame string) string {
	s := &m.streams[i]
	if frame == "PRIORITY" {
		return "-" // 5.1, figure 2: it can come in any state, and changes none
	}
	headers := frame != "DATA" && frame != "DATA end" && frame != "RST_STREAM" && frame != "WINDOW_UPDATE" && frame != "WINDOW_UPDATE of 0"
	data := frame == "DATA" || frame == "DATA end"
	switch s.state {
	case mIdle:
		// 5.1-7.2.3: "Receiving any frame other than HEADERS or PRIORITY on a stream in this state MUST be treated as a connection error".
		// 5.1-7.2.1: a HEADERS frame opens it, from a client.
		if !headers || m.role == Client {
			return "C:P"
		}
		// 5.1.1-5: "The first use of a new stream identifier implicitly closes all streams in the "idle" state that might have been
		// initiated by that peer with a lower-valued stream identifier."
		for k := range m.streams[:i] {
			if m.streams[k].state == mIdle {
				m.streams[k].state = mSkipped
			}
		}
		if frame == "trailers" { // no request: 8.1.1, malformed
			s.state = mReset
			return "S:P"
		}
		s.got, s.state = true, mOpen
		if frame == "head end" {
			s.state = mHalfRemote
			return "Request end"
		}
		return "Request"
	case mOpen, mHalfLocal:
		return m.message(s, frame)
	case mHalfRemote:
		// 5.1-7.12.2: "other than WINDOW_UPDATE, PRIORITY, or RST_STREAM [...] MUST respond with a stream error of type STREAM_CLOSED".
		if headers || data {
			s.shut(mReset)
			return "S:C"
		}
		return m.manage(s, frame)
	case mEnded:
		// 5.1-7.14.3: "MAY treat receipt of any other type of frame on a closed stream as a connection error of type STREAM_CLOSED";
		// 5.1-7.14.4: but WINDOW_UPDATE and RST_STREAM may have been on their way.
		if headers || data {
			return "C:C"
		}
	case mAborted:
		// 5.1-7.14.3 once more, and we confine it to the stream, whose RST_STREAM we then have sent.
		if headers || data {
			s.state = mReset
			return "S:C"
		}
	case mSkipped:
		// 5.1.1-2: "An endpoint that receives an unexpected stream identifier MUST respond with a connection error of type
		// PROTOCOL_ERROR"; otherwise as closed.
		if headers {
			return "C:P"
		}
		if data {
			return "C:C"
		}
	}
	// 5.1-7.14.5: what comes on a stream that we have reset is "minimally processed and discarded".
	return "-"
}

// message is a frame of a message that has not ended (8.1-2: head, content, trailers).
func (m *model) message(s *modelStream, frame string) string {
	bad := func() string {
		s.shut(mReset)
		return "S:P"
	}
	end := func() {
		if s.state == mOpen {
			s.state = mHalfRemote
		} else {
			s.state = mEnded
		}
	}
	switch frame {
	case "head", "head end":
		if s.got {
			return bad() // 8.1-4: behind the head only trailers, 8.1-8: without pseudo-header fields
		}
		s.got = true
		if frame == "head" {
			return "Response"
		}
		end()
		return "Response end"
	case "informational":
		if s.got {
			return bad() // 8.1-2: they come before the final response
		}
		return "Informational"
	case "informational end":
		return bad() // 8.1-5: malformed
	case "trailers":
		if !s.got {
			return bad() // 8.3.2-1: no :status
		}
		end()
		return "Trailers end"
	case "DATA", "DATA end":
		if !s.got {
			return bad()
		}
		if frame == "DATA" {
			return "Data"
		}
		end()
		return "Data end"
	}
	return m.manage(s, frame)
}

// manage is a frame that manages an active stream.
func (m *model) manage(s *modelStream, frame string) string {
	switch frame {
	case "RST_STREAM":
		s.shut(mAborted)
		return "StreamReset"
	case "WINDOW_UPDATE of 0":
		s.shut(mReset) // 6.9-9: a stream error of type PROTOCOL_ERROR
		return "S:P"
	}
	return "-"
}

// call is a call of the application, and reports whether it makes sense.
func (m *model) call(s *modelStream, mv move) bool {
	end := func() {
		if s.state == mOpen {
			s.state = mHalfLocal
		} else {
			s.state = mEnded
		}
	}
	may := s.state == mOpen || s.state == mHalfRemote // 5.1: only there frames of a message can be sent
	switch mv.name {
	case "request", "request end":
		// 5.1.1: identifiers are used in order; the move is made for the next one only.
		s.state, s.sent = mOpen, true
		if mv.name == "request end" {
			s.state = mHalfLocal
		}
	case "respond", "respond end":
		if !may || s.sent || m.role == Client {
			return false
		}
		if s.sent = true; mv.name == "respond end" {
			end()
		}
	case "inform":
		return may && !s.sent && m.role == Server
	case "send":
		return may && s.sent
	case "send end", "send trailers":
		if !may || !s.sent {
			return false
		}
		end()
	case "reset":
		if !s.active() {
			return s.release()
		}
		s.state = mReset
	case "release":
		return s.release()
	}
	return true
}

func (s *modelStream) release() bool {
	was := s.kept
	s.kept = false
	return was
}

// moves lists what can happen.
func (m *model) moves() (out []move) {
	frames := []string{"head", "head end", "trailers", "DATA", "DATA end", "RST_STREAM", "WINDOW_UPDATE", "WINDOW_UPDATE of 0", "PRIORITY"}
	calls := []string{"respond", "respond end", "inform", "send", "send end", "send trailers", "reset", "release"}
	if m.role == Client {
		frames = append(frames, "informational", "informational end")
	}
	for i := range m.streams {
		for _, f := range frames {
			out = append(out, move{f, i, true})
		}
		for _, c := range calls {
			out = append(out, move{c, i, false})
		}
		if m.role == Client && m.streams[i].state == mIdle && (i == 0 || m.streams[i-1].state != mIdle) {
			out = append(out, move{"request", i, false}, move{"request end", i, false})
		}
	}
	return out
}

// walked is the Conn that is walked, with its peer's frames made by hand.
type walked struct {
	c  Conn
	ev Event
}

func (w *walked) init(role Role) error {
	w.c.Init(role, nil)
	w.c.AppendOwed(nil, 1<<20)
	in := AppendSettings(nil)
	if role == Server {
		in = append([]byte(ClientPreface), in...)
	}
	for len(in) > 0 {
		n, err := w.c.Next(in, &w.ev)
		if err != nil {
			return err
		}
		in = in[n:]
	}
	return nil
}

// apply makes the move and says what came out.
func (w *walked) apply(mv move) string {
	id := uint32(2*mv.stream + 1)
	if mv.frame {
		return w.receive(w.frame(id, mv.name))
	}
	c := &w.c
	var err error
	switch mv.name {
	case "request", "request end":
		var got uint32
		_, got, err = c.AppendRequest(nil, &RequestHead{Method: []byte("POST"), Scheme: testScheme, Authority: testHost, Path: testPath}, nil, mv.name == "request end")
		if err == nil && got != id {
			return fmt.Sprintf("stream %d", got)
		}
	case "respond", "respond end":
		_, err = c.AppendResponse(nil, id, 200, nil, mv.name == "respond end")
	case "inform":
		_, err = c.AppendInformational(nil, id, 103, nil)
	case "send", "send end":
		_, _, err = c.AppendData(nil, id, []byte("x"), mv.name == "send end")
	case "send trailers":
		_, err = c.AppendTrailers(nil, id, nil)
	case "reset":
		err = c.Reset(id, Cancel)
	case "release":
		err = c.Release(id)
	}
	var e *Error
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &e) && e.Scope == codec.ScopeMisuse:
		return "misuse"
	}
	return err.Error()
}

func (w *walked) frame(id uint32, name string) []byte {
	request := w.c.Role() == Server
	switch name {
	case "head", "head end":
		block := responseBlock
		if request {
			block = requestBlock
		}
		return AppendHeaders(nil, id, block, name == "head end", 0, nil)
	case "informational", "informational end":
		return AppendHeaders(nil, id, []byte("\x08\x03103"), name == "informational end", 0, nil)
	case "trailers":
		return AppendHeaders(nil, id, nil, true, 0, nil)
	case "DATA":
		return testFrame(FrameHeader{1, FrameData, 0, id}, "x")
	case "DATA end":
		return testFrame(FrameHeader{1, FrameData, FlagEndStream, id}, "x")
	case "RST_STREAM":
		return AppendRSTStream(nil, id, Cancel)
	case "WINDOW_UPDATE":
		return AppendWindowUpdate(nil, id, 1)
	case "WINDOW_UPDATE of 0":
		return AppendWindowUpdate(nil, id, 0)
	}
	return AppendPriority(nil, id, PriorityParam{})
}

func (w *walked) receive(in []byte) string {
	out := "-"
	for {
		n, err := w.c.Next(in, &w.ev)
		in = in[n:]
		var e *Error
		if errors.As(err, &e) {
			return "C:" + letter(e.Code)
		}
		switch w.ev.Kind {
		case None:
			if len(in) > 0 {
				return fmt.Sprintf("%d octets left", len(in))
			}
			return out
		case StreamError:
			out = "S:" + letter(w.ev.Code)
			continue
		case Data:
			w.c.Consumed(w.ev.Stream, len(w.ev.Data))
		case Informational, StreamReset:
			w.ev.EndStream = false // they have no such member
		}
		if out = w.ev.Kind.String(); w.ev.EndStream {
			out += " end"
		}
	}
}

// print is what of the Conn the model speaks of, and more: two that differ in it are different states of the walk.
func (w *walked) print(streams int) string {
	s := fmt.Sprint(w.c.tab.n, w.c.mem.last, w.c.peers, w.c.owns, w.c.lastID)
	for i := range streams {
		slot, st := w.c.lookup(uint32(2*i + 1))
		s += fmt.Sprint(" ", st)
		if slot >= 0 {
			s += fmt.Sprint("/", w.c.tab.slots[slot].flags)
		}
	}
	return s
}

// agrees tells whether Conn and model are in the same state.
func (w *walked) agrees(m *model) error {
	active := 0
	for i := range m.streams {
		s := &m.streams[i]
		slot, st := w.c.lookup(uint32(2*i + 1))
		if st != ours[s.state] {
			return fmt.Errorf("stream %d is %d, the model says %s", 2*i+1, st, s.state)
		}
		if (slot >= 0) != (s.active() || s.kept) {
			return fmt.Errorf("stream %d, %s: in the table %v, kept %v", 2*i+1, s.state, slot >= 0, s.kept)
		}
		if s.active() {
			active++
		}
	}
	if got := w.c.peers + w.c.owns; got != active {
		return fmt.Errorf("%d streams count, %d are open", got, active)
	}
	return nil
}

// node is a state of the walk, with the way to it.
type node struct {
	m     model
	from  int
	by    move
	depth int
}

// walkStates walks all moves on so many streams to the depth, 0 for no end, and returns how many states and steps there were.
func walkStates(t *testing.T, role Role, streams, depth int) (states, steps int) {
	nodes := []node{{m: newModel(role, streams), from: -1}}
	seen := map[string]bool{}
	var path []move
	for at := 0; at < len(nodes); at++ {
		if depth > 0 && nodes[at].depth == depth {
			continue
		}
		path = path[:0]
		for k := at; nodes[k].from >= 0; k = nodes[k].from {
			path = append(path, nodes[k].by)
		}
		slices.Reverse(path)
		for _, mv := range nodes[at].m.moves() {
			var w walked
			if err := w.init(role); err != nil {
				t.Fatal(err)
			}
			for _, p := range path {
				w.apply(p)
			}
			m := nodes[at].m.clone()
			want, got := m.apply(mv), w.apply(mv)
			steps++
			err := error(nil)
			if !m.dead {
				err = w.agrees(&m)
			}
			if got != want || err != nil {
				t.Fatalf("role %d: after %v, %v gives %q, the RFC says %q (%v)", role, path, mv, got, want, err)
			}
			if m.dead {
				// A connection error is final: nothing moves any more.
				if again := w.apply(move{"PRIORITY", 0, true}); again != got {
					t.Fatalf("role %d: after %v, %v: %q became %q", role, path, mv, got, again)
				}
				continue
			}
			if key := fmt.Sprint(m.streams, w.print(streams)); !seen[key] {
				seen[key] = true
				nodes = append(nodes, node{m, at, mv, nodes[at].depth + 1})
			}
		}
	}
	return len(nodes), steps
}

// TestWalk: two streams in both roles until nothing new comes, and three to a depth.
func TestWalk(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		states, steps := walkStates(t, role, 2, 0)
		t.Logf("role %d, two streams: %d states, %d steps", role, states, steps)
		if states < 200 {
			t.Errorf("role %d: only %d states", role, states)
		}
		depth := 6
		if testing.Short() {
			depth = 4
		}
		states, steps = walkStates(t, role, 3, depth)
		t.Logf("role %d, three streams, %d moves: %d states, %d steps", role, depth, states, steps)
	}
}
