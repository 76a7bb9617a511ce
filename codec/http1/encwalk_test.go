package http1

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec"
)

// The walk calls an Encoder in every order, to the point where no new state comes, beside a model of what RFC 9112 sections 6.3, 9.6
// and RFC 9110 section 7.8 let a sender do; a Decoder of the other end then reads what was written, and must find the model's messages.

// sender is the model: the message that is open, and what may still follow it.
type sender struct {
	framing Framing // of the open message, or of the last one
	open    bool    // its end has not been said
	left    int     // Length: content that is missing
	last    bool    // nothing follows: 9.6-5, 9.6-7
	tunnel  bool    // HTTP has ended
	failed  bool    // a message was ended too early
}

// wrote is what the other end must read.
type wrote struct {
	heads []string
	bodyN int
}

// encMove is a call.
type encMove struct {
	name     string
	response *ResponseHead
	request  *RequestHead
}

var serverMoves = []encMove{
	{name: "inform"},
	{name: "204", response: &ResponseHead{Status: 204}},
	{name: "length 2", response: &ResponseHead{Status: 200, Framing: Length, Length: 2}},
	{name: "length 2, close", response: &ResponseHead{Status: 200, Framing: Length, Length: 2, Close: true}},
	{name: "length 0", response: &ResponseHead{Status: 200, Framing: Length}},
	{name: "chunked", response: &ResponseHead{Status: 200, Framing: Chunked}},
	{name: "until close", response: &ResponseHead{Status: 200, Framing: UntilClose}},
	{name: "switch", response: &ResponseHead{Status: 101, Framing: Tunnel, Upgrade: []byte("other")}},
	{name: "body 1"}, {name: "body 2"}, {name: "end"}, {name: "trailers"},
}

var clientMoves = []encMove{
	{name: "GET", request: &RequestHead{Method: []byte("GET"), Target: []byte("/"), Host: []byte("h")}},
	{name: "length 2", request: &RequestHead{Method: []byte("PUT"), Target: []byte("/"), Host: []byte("h"), Framing: Length, Length: 2}},
	{name: "chunked, close", request: &RequestHead{Method: []byte("PUT"), Target: []byte("/"), Host: []byte("h"), Framing: Chunked, Close: true}},
	{name: "chunked, waits", request: &RequestHead{Method: []byte("PUT"), Target: []byte("/"), Host: []byte("h"), Framing: Chunked, Expect100: true}},
	{name: "body 1"}, {name: "body 2"}, {name: "end"}, {name: "trailers"},
}

// apply moves the model and says whether the call makes sense; w notes what goes out.
func (s *sender) apply(mv encMove, w *wrote) string {
	if s.failed {
		return "failed" // law 7, sticky
	}
	free := !s.open && !s.last && !s.tunnel
	head := func(f Framing, length int64, last bool) string {
		if !free {
			return "refused"
		}
		w.heads = append(w.heads, mv.name)
		*s = sender{framing: f, open: true, left: int(length), last: last || f == UntilClose, tunnel: f == Tunnel}
		if f == NoBody || f == Length && length == 0 || f == Tunnel {
			s.framing = NoBody // it ends by itself; one more end says nothing
		}
		return "sent"
	}
	content := func(n int) string {
		switch {
		case !s.open || s.framing == NoBody:
			return "refused"
		case s.framing == Length:
			// RFC 9110 8.6-12: no more than Content-Length says.
			if n > s.left {
				return "refused"
			}
			s.left -= n
		}
		w.bodyN += n
		return "sent"
	}
	switch {
	case mv.response != nil:
		return head(mv.response.Framing, mv.response.Length, mv.response.Close)
	case mv.request != nil:
		return head(mv.request.Framing, mv.request.Length, mv.request.Close)
	}
	switch mv.name {
	case "inform":
		if !free {
			return "refused"
		}
		w.heads = append(w.heads, mv.name)
		return "sent"
	case "body 1":
		return content(1)
	case "body 2":
		return content(2)
	}
	switch {
	case !s.open:
		return "refused"
	case mv.name == "trailers" && s.framing != Chunked:
		return "refused" // RFC 9110 6.5.1-1: only chunked has a place for them
	case s.framing == Length && s.left > 0:
		*s = sender{failed: true}
		return "failed"
	}
	s.open = false
	return "sent"
}

// quiet tells whether the next head can be appended: an ended message, or one that has ended by itself.
func (s *sender) quiet() bool {
	return !s.open || s.framing == NoBody || s.framing == Length && s.left == 0
}

// call makes the move.
func call(e *Encoder, dst []byte, mv encMove) ([]byte, string) {
	var err error
	n := len(dst)
	switch {
	case mv.response != nil:
		dst, err = e.AppendResponse(dst, mv.response)
	case mv.request != nil:
		dst, err = e.AppendRequest(dst, mv.request)
	case mv.name == "inform":
		dst, err = e.AppendInformational(dst, 103, nil)
	case mv.name == "body 1":
		dst, err = e.AppendBody(dst, []byte("x"))
	case mv.name == "body 2":
		dst, err = e.AppendBody(dst, []byte("xy"))
	case mv.name == "end":
		dst, err = e.AppendEnd(dst, nil)
	case mv.name == "trailers":
		dst, err = e.AppendEnd(dst, []codec.Field{{Name: []byte("X-Sum"), Value: []byte("1")}})
	}
	var he *Error
	switch {
	case err == nil:
		return dst, "sent"
	case len(dst) != n:
		return dst, "octets with an error"
	case errors.As(err, &he) && he.Scope == codec.ScopeMisuse:
		return dst, "refused"
	}
	return dst, "failed"
}

// reads lets a Decoder of the other end read what was written.
func reads(t *testing.T, path []encMove, server bool, out []byte, w *wrote, s *sender) {
	t.Helper()
	var d Decoder
	var ev Event
	if server {
		d.InitResponse(nil)
	} else {
		d.InitRequest(nil)
	}
	heads, body := 0, 0
	for {
		if d.Paused() && !d.Tunnel() && len(out) > 0 {
			d.Resume()
			d.Expect(MethodGet, true)
		}
		n, err := d.Next(out, &ev)
		if out = out[n:]; err != nil {
			t.Fatalf("after %v: %v", callNames(path), err)
		}
		switch ev.Kind {
		case Request, Response, Informational:
			heads++
		case Body:
			body += len(ev.Data)
		case None:
			if len(out) > 0 || heads != len(w.heads) || body != w.bodyN {
				t.Fatalf("after %v: %d heads, %d octets of content, %d left; the model says %v, %d", callNames(path), heads, body, len(out), w.heads, w.bodyN)
			}
			// 8: what the sender has ended is whole, what it has not is not.
			whole := d.Finish(&ev) == nil
			interim := len(w.heads) > 0 && w.heads[len(w.heads)-1] == "inform"
			if want := s.framing == UntilClose || s.quiet() && !interim && !s.failed; whole != want && len(w.heads) > 0 {
				t.Fatalf("after %v: whole %v, the model says %v (%+v)", callNames(path), whole, want, *s)
			}
			return
		}
	}
}

func callNames(path []encMove) (out []string) {
	for _, mv := range path {
		out = append(out, mv.name)
	}
	return out
}

// TestEncoderWalk: every order of calls, in both roles.
func TestEncoderWalk(t *testing.T) {
	type node struct {
		s    sender
		w    wrote
		path []encMove
	}
	for _, server := range []bool{true, false} {
		moves := clientMoves
		if server {
			moves = serverMoves
		}
		nodes := []node{{}}
		seen := map[string]bool{}
		for at := 0; at < len(nodes); at++ {
			for _, mv := range moves {
				var e Encoder
				var out []byte
				for _, p := range nodes[at].path {
					out, _ = call(&e, out, p)
				}
				s, w := nodes[at].s, nodes[at].w
				w.heads = slices.Clone(w.heads)
				// A message that has ended by itself needs no AppendEnd: the next head ends it.
				if (mv.response != nil || mv.request != nil || mv.name == "inform") && s.open && s.quiet() {
					s.open = false
				}
				want := s.apply(mv, &w)
				if want == "refused" {
					s = nodes[at].s
				}
				before := e
				out, got := call(&e, out, mv)
				path := append(slices.Clone(nodes[at].path), mv)
				if got != want {
					t.Fatalf("server %v: %v is %s, the model says %s (%+v)", server, callNames(path), got, want, nodes[at].s)
				}
				if got == "refused" && e != before {
					t.Fatalf("server %v: %v has changed the Encoder", server, callNames(path))
				}
				if open := s.open && !s.quiet() || s.open && s.framing >= Chunked; e.Open() != open || e.Poisoned() != (s.failed || s.last) {
					t.Fatalf("server %v: %v: open %v poisoned %v, the model says %+v", server, callNames(path), e.Open(), e.Poisoned(), s)
				}
				reads(t, path, server, out, &w, &s)
				if key := fmt.Sprintf("%+v %+v", s, e); !seen[key] && len(path) < 12 {
					seen[key] = true
					nodes = append(nodes, node{s, w, path})
				}
			}
		}
		t.Logf("server %v: %d states", server, len(nodes))
		if len(nodes) < 10 {
			t.Errorf("server %v: only %d states", server, len(nodes))
		}
	}
}
