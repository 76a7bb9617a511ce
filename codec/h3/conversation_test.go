package h3

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
)

// story is what one request of a conversation should come to.
type story struct {
	body, answer []byte
	status       int
	trailers     bool
	// what has come of it
	got, gotAnswer []byte
	gotStatus      int
	gotTrailers    bool
	whole, wholeA  bool
	cut            bool // reset by somebody
	retry          bool
}

// TestConversations: two ends with all kinds of configurations do at random what applications do, over a link that cuts and reorders: requests, answers,
// resets from either side, content that nobody wants, priorities, datagrams, tunnels, GOAWAY. No end ever blames the other, and what was not
// reset arrives as it was sent.
func TestConversations(t *testing.T) {
	total, unblocked := 0, 0
	for seed := range uint64(150) {
		done, waited := converse(t, seed)
		total, unblocked = total+done, unblocked+waited
	}
	if total < 1000 || unblocked < 50 {
		t.Errorf("only %d requests came to their end, %d waited for the dynamic table", total, unblocked)
	}
}

func converse(t *testing.T, seed uint64) (done, waited int) {
	r := rand.New(rand.NewPCG(seed, 11))
	pick := func(n ...int) int { return n[r.IntN(len(n))] }
	config := func() *Profile {
		return Config{Table: pick(-1, 100, 0, 0, 10000), BlockedStreams: pick(-1, 1, 0, 0, 100), EncoderTable: pick(-1, 200, 0, 0), EncoderBlocked: pick(-1, 1, 0, 0),
			NoHuffman: r.IntN(2) == 0, ExtendedConnect: true, Datagrams: true, Seed: r.Uint64(), Limits: Limits{Instructions: pick(1, 100, 0), Resets: -1}}.Profile()
	}
	k, s := newPair(t, config(), config())
	stories := map[uint64]*story{}
	goaway := false
	answer := func(e *end, id uint64, st *story) {
		list := []codec.Field{f("server", "pure"), f("x-request", fmt.Sprint(id)), {Name: []byte("set-cookie"), Value: []byte("secret"), Sensitive: true}}
		for range r.IntN(3) {
			if out, err := e.c.AppendInformational(nil, id, 103, list[:1]); err == nil {
				e.send(id, out, false)
			}
		}
		if r.IntN(2) == 0 {
			list = append(list, f("content-length", fmt.Sprint(len(st.answer))))
		}
		out, err := e.c.AppendResponse(nil, id, st.status, list, false)
		if err != nil {
			return // reset in the meantime
		}
		rest := st.answer
		for len(rest) > 0 {
			n := 1 + r.IntN(len(rest))
			if out, err = e.c.AppendData(out, id, rest[:n], n == len(rest) && !st.trailers); err != nil {
				t.Fatalf("seed %d stream %d: %v", seed, id, err)
			}
			rest = rest[n:]
		}
		switch {
		case st.trailers:
			out, err = e.c.AppendTrailers(out, id, []codec.Field{f("checksum", "1")})
		case len(st.answer) == 0:
			out, err = e.c.AppendData(out, id, nil, true)
		}
		if err != nil {
			t.Fatalf("seed %d stream %d: %v", seed, id, err)
		}
		e.send(id, out, true)
	}
	s.on = func(e *end, ev *Event) {
		id := ev.Stream
		st := stories[id]
		switch ev.Kind {
		case Request:
			if e.c.SetUser(id, uint32(id)+1) != nil && !ev.EndStream {
				t.Errorf("seed %d: request %d is not there", seed, id)
			}
			switch r.IntN(30) {
			case 0:
				st.cut = true
				e.c.Reset(id, RequestRejected)
				return
			case 1: // answered without its content
				e.c.StopReading(id, NoError)
				answer(e, id, st)
				return
			}
		case Data:
			st.got = append(st.got, ev.Data...)
		case StreamReset:
			st.cut = true
		case Datagram:
			if string(ev.Data) != fmt.Sprint(id) {
				t.Errorf("seed %d: datagram %q of stream %d", seed, ev.Data, id)
			}
		case StreamError:
			t.Errorf("seed %d: %s", seed, ev.Reason)
		}
		if ev.EndStream {
			st.whole = true
			answer(e, id, st)
		}
	}
	k.on = func(e *end, ev *Event) {
		st := stories[ev.Stream]
		switch ev.Kind {
		case Response:
			st.gotStatus = ev.Status
			i := slices.IndexFunc(ev.Fields, func(f codec.Field) bool { return string(f.Name) == "x-request" })
			if string(ev.Fields[i].Value) != fmt.Sprint(ev.Stream) || !ev.Fields[i+1].Sensitive {
				t.Errorf("seed %d: stream %d has another's response", seed, ev.Stream)
			}
		case Data:
			st.gotAnswer = append(st.gotAnswer, ev.Data...)
		case Trailers:
			st.gotTrailers = true
		case StreamReset:
			st.cut, st.retry = true, ev.Retry
		case SendStopped:
			if r.IntN(2) == 0 {
				st.cut = true
				e.c.Reset(ev.Stream, RequestCancelled)
			}
		case GoAwayReceived:
			goaway = true
		case StreamError:
			t.Errorf("seed %d: %s", seed, ev.Reason)
		}
		if ev.EndStream {
			st.wholeA = true
		}
	}
	settled := false
	for range 40 {
		switch op := r.IntN(12); {
		case op < 6 && k.c.OpenBlocked() == NotBlocked:
			st := &story{body: bytes.Repeat([]byte{'b'}, pick(0, 1, 50, 3000)), answer: bytes.Repeat([]byte{'a'}, pick(0, 1, 20, 5000)), status: pick(200, 404, 503), trailers: r.IntN(4) == 0}
			id := k.bidi
			stories[id] = st
			head := &RequestHead{Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/" + fmt.Sprint(r.IntN(4)))}
			if settled && r.IntN(5) == 0 {
				head.Method, head.Protocol = []byte("CONNECT"), []byte("test")
				st.trailers = false
			}
			list := []codec.Field{f("user-agent", "conversation test"), f("x-"+strings.Repeat("n", r.IntN(5)), strings.Repeat("v", r.IntN(60)))}
			if r.IntN(3) == 0 {
				list = append(list, f("priority", "u=1, i"))
			}
			k.request(head, list, st.body, true)
			if head.Protocol != nil && r.IntN(2) == 0 {
				if p, err := k.c.AppendDatagram(nil, id); err == nil {
					s.dgs = append(s.dgs, append(p, fmt.Sprint(id)...))
				}
			}
		case op == 6 && k.bidi > 0:
			id := 4 * r.Uint64N(k.bidi/4)
			if k.c.Reset(id, RequestCancelled) == nil {
				stories[id].cut = true
			}
		case op == 7 && k.bidi > 0:
			k.c.SetPriority(4*r.Uint64N(k.bidi/4), Priority{Urgency: uint8(r.IntN(8)), Incremental: r.IntN(2) == 0})
		case op == 8 && r.IntN(10) == 0:
			s.c.Shutdown()
		case op == 9 && r.IntN(20) == 0:
			s.c.GoAway()
		default:
			exchange(r, k, s)
			settled = true
		}
	}
	exchange(r, k, s)
	if k.err != nil || s.err != nil {
		t.Fatalf("seed %d: %v, %v", seed, k.err, s.err)
	}
	for id, st := range stories {
		if st.cut {
			if st.retry && st.got != nil {
				t.Errorf("seed %d: stream %d may be sent again, and was read", seed, id)
			}
			continue
		}
		done++
		if st.gotStatus != st.status || !st.wholeA || !bytes.Equal(st.gotAnswer, st.answer) || st.gotTrailers != st.trailers || st.whole && !bytes.Equal(st.got, st.body) {
			t.Errorf("seed %d stream %d: %d, whole %v, %d octets of %d, trailers %v; request whole %v, %d octets of %d", seed, id, st.gotStatus, st.wholeA, len(st.gotAnswer),
				len(st.answer), st.gotTrailers, st.whole, len(st.got), len(st.body))
		}
	}
	if k.c.Streams() != 0 || s.c.Streams() != 0 {
		t.Errorf("seed %d: %d and %d requests are left (GOAWAY %v)", seed, k.c.Streams(), s.c.Streams(), goaway)
	}
	s.c.GoAway()
	k.c.Shutdown()
	exchange(r, k, s)
	if !s.c.Done() || !k.c.Done() {
		t.Errorf("seed %d: not done", seed)
	}
	return done, k.unblocked + s.unblocked
}
