package http2

import (
	"bytes"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// TestShutdown: RFC 9113 section 6.8: a server sends GOAWAY with 2^31-1, takes what is under way for a round trip, and names the
// last stream then; what comes later is ignored, and the client may retry it.
func TestShutdown(t *testing.T) {
	p := newPair(t, nil, nil)
	first := p.request(true)
	p.events = nil
	p.s.Shutdown()
	p.s.Shutdown()
	late, id, err := p.c.AppendRequest(nil, getHead, nil, true) // under way when GOAWAY comes
	if err != nil || id != 3 {
		t.Fatal(err)
	}
	goaway := p.s.AppendOwed(nil, 1<<20)
	if want := AppendPing(AppendGoAway(nil, MaxStreamID, NoError, nil), probeClose, false); !bytes.Equal(goaway, want) {
		t.Fatalf("%x, want %x", goaway, want)
	}
	p.toClient(goaway)
	if p.c.OpenBlocked() != GoneAway {
		t.Error(p.c.OpenBlocked())
	}
	p.toServer(late)
	p.expect("client GoAwayReceived", "server Request")
	p.toServer(p.c.AppendOwed(nil, 1<<20)) // the answer to the PING
	if out := p.s.AppendOwed(nil, 1<<20); !bytes.Equal(out, AppendGoAway(nil, 3, NoError, nil)) {
		t.Fatalf("%x", out)
	} else {
		p.toClient(out)
	}
	p.toServer(AppendHeaders(nil, 5, requestBlock, true, 0, nil))
	p.expect("client GoAwayReceived") // and no Request
	for _, id := range []uint32{first, 3} {
		if p.s.Done() {
			t.Fatal("done with streams open")
		}
		out, err := p.s.AppendResponse(nil, id, 204, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		p.toClient(out)
	}
	p.expect("client Response", "client Response")
	if !p.s.Done() || !p.s.Idle() {
		t.Error("not done")
	}
}

// The client does not answer the PING: a second later the last GOAWAY goes out all the same.
func TestShutdownUnanswered(t *testing.T) {
	p := newPair(t, nil, nil)
	p.s.Shutdown()
	p.s.AppendOwed(nil, 1<<20)
	if p.s.Deadline() != codec.Time(1).Add(time.Second) {
		t.Errorf("deadline %d", p.s.Deadline())
	}
	p.s.Advance(codec.Time(1).Add(time.Second))
	if out := p.s.AppendOwed(nil, 1<<20); !bytes.Equal(out, AppendGoAway(nil, 0, NoError, nil)) || !p.s.Done() {
		t.Errorf("%x", out)
	}
}

// TestClientShutdown: a client says GOAWAY once and waits for its responses.
func TestClientShutdown(t *testing.T) {
	p := newPair(t, nil, nil)
	id := p.request(true)
	p.events = nil
	p.c.Shutdown()
	if out := p.c.AppendOwed(nil, 1<<20); !bytes.Equal(out, AppendGoAway(nil, 0, NoError, nil)) {
		t.Errorf("%x", out)
	}
	if p.c.Done() {
		t.Error("done with a stream open")
	}
	out, _ := p.s.AppendResponse(nil, id, 204, nil, true)
	p.toClient(out)
	if !p.c.Done() {
		t.Error("not done")
	}
}

// TestRetry: RFC 9113 section 6.8 and 8.7: streams above the last one of GOAWAY, and streams that were refused, can be sent again.
func TestRetry(t *testing.T) {
	p := newPair(t, nil, nil)
	for range 3 {
		id := p.request(true)
		if err := p.c.SetUser(id, 100+id); err != nil {
			t.Fatal(err)
		}
	}
	p.events = nil
	users := map[uint32]uint32{}
	p.onEv = func(c *Conn, ev *Event) {
		if ev.Kind == StreamReset {
			if !ev.Retry || ev.Code != RefusedStream {
				t.Errorf("%+v", ev)
			}
			users[ev.Stream] = ev.User
		}
	}
	p.toClient(AppendGoAway(nil, 1, NoError, nil))
	p.expect("client GoAwayReceived", "client StreamReset", "client StreamReset")
	if users[3] != 103 || users[5] != 105 || len(users) != 2 || p.c.Pending() || p.c.Streams() != 3 {
		t.Errorf("%v, %d streams", users, p.c.Streams())
	}
	for _, id := range []uint32{3, 5} {
		if err := p.c.Release(id); err != nil {
			t.Error(err)
		}
	}
	p.toClient(AppendRSTStream(nil, 1, RefusedStream))
	if users[1] != 101 {
		t.Errorf("%v", users)
	}
}

// TestFinish: the end of input.
func TestFinish(t *testing.T) {
	p := newPair(t, nil, nil)
	half, whole := p.request(false), p.request(true)
	p.events = nil
	if err := p.s.Finish(); err != nil {
		t.Fatal(err)
	}
	if !p.s.Pending() || p.s.Finish() != nil {
		t.Error("not pending")
	}
	p.toServer(nil)
	p.expect("server StreamError")
	if p.last.stream != half || p.last.reason != fCut.Reason() {
		t.Errorf("%+v", p.last)
	}
	if _, err := p.s.AppendResponse(nil, whole, 200, nil, true); err != nil {
		t.Errorf("what was asked cannot be answered: %v", err)
	}
	if err := p.s.Release(half); err != nil || p.s.Streams() != 0 {
		t.Error(err)
	}
	if err := p.c.Finish(); err != nil || p.c.OpenBlocked() != GoneAway {
		t.Error(err)
	}
}
