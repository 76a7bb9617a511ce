package h3

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec"
)

// end is one end of a conversation: a Conn, and what a transport would hold for it.
type end struct {
	t    *testing.T
	name string
	c    Conn
	ev   Event
	peer *end
	out  map[uint64]*pipe // streams that this end sends on
	uni  uint64           // next unidirectional stream of ours
	bidi uint64           // next request stream of ours
	log  []string
	on   func(e *end, ev *Event)
	open map[uint64]bool // peer's streams that were opened here
	dgs  [][]byte        // datagrams under way to us
	err  error

	unblocked int
}

// pipe is one direction of a stream: octets that were sent and not consumed yet.
type pipe struct {
	buf    []byte
	seen   int // octets that have arrived
	fin    bool
	reset  bool
	code   ErrorCode
	over   bool // nothing more is of interest
	paused bool // blocked: wait for Unblocked
	stop   bool // STOP_SENDING is under way to the sender
	stopC  ErrorCode
}

func newPair(t *testing.T, client, server *Profile) (k, s *end) {
	k = &end{t: t, name: "client", out: map[uint64]*pipe{}, uni: 2, open: map[uint64]bool{}}
	s = &end{t: t, name: "server", out: map[uint64]*pipe{}, uni: 3, open: map[uint64]bool{}}
	k.peer, s.peer = s, k
	k.c.Init(Client, client)
	s.c.Init(Server, server)
	for _, e := range []*end{k, s} {
		e.c.Advance(1)
		e.openUnis()
	}
	return k, s
}

func (e *end) openUnis() {
	for e.c.WantsUni() > 0 {
		if err := e.c.OpenUni(e.uni); err != nil {
			e.t.Fatal(err)
		}
		e.out[e.uni] = &pipe{}
		e.uni += 4
	}
}

// send appends to a stream of this end.
func (e *end) send(id uint64, p []byte, fin bool) {
	o := e.out[id]
	if o == nil {
		o = &pipe{}
		e.out[id] = o
	}
	if o.reset {
		return
	}
	o.buf = append(o.buf, p...)
	o.fin = o.fin || fin
}

// flush moves what the Conn owes to the streams and reports whether there was anything.
func (e *end) flush(limit int) (moved bool) {
	for {
		id, owes := e.c.NextOwed()
		if !owes {
			break
		}
		e.send(id, e.c.AppendOwed(nil, id, limit), false)
		moved = true
	}
	var a Abort
	for e.c.NextAbort(&a) {
		moved = true
		if a.Reset {
			o := e.out[a.Stream]
			if o == nil {
				o = &pipe{}
				e.out[a.Stream] = o
			}
			o.reset, o.code = true, a.Code
		}
		if in := e.peer.out[a.Stream]; a.Stop && in != nil {
			in.stop, in.stopC = true, a.Code
		}
	}
	return moved
}

func (e *end) note(err error) {
	if err != nil {
		e.err = err
		return
	}
	ev := &e.ev
	if ev.Kind == None {
		return
	}
	line := fmt.Sprintf("%s %d", ev.Kind, ev.Stream)
	switch ev.Kind {
	case SettingsReceived:
		line = "SettingsReceived"
	case GoAwayReceived:
		line = fmt.Sprintf("GoAwayReceived %d", ev.LastStream)
	case Request:
		line += fmt.Sprintf(" %s %s", ev.Method, ev.Path)
	case Response, Informational:
		line += fmt.Sprintf(" %d", ev.Status)
	case StreamError:
		line += " " + ev.Reason
	case StreamReset, SendStopped:
		line += fmt.Sprintf(" %s %v", ev.Code.String(), ev.Retry)
	case Data:
		line = ""
	case Unblocked:
		e.peer.out[ev.Stream].paused = false
		e.unblocked++
		line = ""
	}
	if line != "" {
		e.log = append(e.log, line)
	}
	if e.on != nil {
		e.on(e, ev)
	}
	if ev.EndStream {
		e.log = append(e.log, fmt.Sprintf("end %d", ev.Stream))
	}
}

// arrive lets n further octets of a stream arrive at e; n < 0 is all.
func (e *end) arrive(id uint64, n int) {
	in := e.peer.out[id]
	if in.over || e.err != nil {
		return
	}
	own := id&1 == uint64(e.c.Role())^1
	if !own && !e.open[id] {
		e.open[id] = true
		if err := e.c.Open(id); err != nil {
			e.err = err
			return
		}
	}
	if in.reset {
		in.over = true
		e.note(e.c.ResetReceived(id, in.code, &e.ev))
		return
	}
	if in.seen += n; n < 0 || in.seen > len(in.buf) {
		in.seen = len(in.buf)
	}
	for e.err == nil && !in.paused {
		fin := in.fin && in.seen == len(in.buf)
		n, err := e.c.Next(id, in.buf[:in.seen], fin, &e.ev)
		in.buf = in.buf[n:]
		in.seen -= n
		e.note(err)
		if e.ev.Kind == None {
			in.paused = e.c.Waits(id) == WaitTable
			in.over = fin && len(in.buf) == 0 && !in.paused
			return
		}
	}
}

// exchange runs the conversation until nothing moves: pieces of random streams in random order.
func exchange(r *rand.Rand, a, b *end) {
	for {
		moved := false
		for _, e := range []*end{a, b} {
			moved = e.flush(1+r.IntN(64)) || moved
			for e.c.Pending() {
				e.note(e.c.Poll(&e.ev))
			}
			var ids []uint64
			for _, id := range slices.Sorted(maps.Keys(e.peer.out)) {
				o := e.peer.out[id]
				if o.stop && !o.over {
					o.stop = false
					moved = true
					e.peer.note(e.peer.c.StopReceived(id, o.stopC, &e.peer.ev))
				}
				if !o.over && !o.paused && (o.seen < len(o.buf) || o.fin || o.reset || !e.open[id] && len(o.buf) > 0) {
					ids = append(ids, id)
				}
			}
			for _, d := range e.dgs {
				moved = true
				e.note(e.c.Datagram(d, &e.ev))
			}
			e.dgs = e.dgs[:0]
			if len(ids) > 0 && e.err == nil {
				moved = true
				e.arrive(ids[r.IntN(len(ids))], 1+r.IntN(40))
			}
		}
		if !moved {
			return
		}
	}
}

func f(name, value string) codec.Field { return codec.Field{Name: []byte(name), Value: []byte(value)} }

func get(path string) *RequestHead {
	return &RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte(path)}
}

func (e *end) request(h *RequestHead, list []codec.Field, body []byte, fin bool) uint64 {
	id := e.bidi
	out, err := e.c.AppendRequest(nil, id, h, list, fin && len(body) == 0)
	if err != nil {
		e.t.Fatal(err)
	}
	e.bidi += 4
	if len(body) > 0 {
		if out, err = e.c.AppendData(out, id, body, fin); err != nil {
			e.t.Fatal(err)
		}
	}
	e.send(id, out, fin)
	return id
}

// TestExchange: requests with content and trailers, answered, over links that cut and reorder at random, with a dynamic table and
// without.
func TestExchange(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		cfg := Config{}
		if seed%3 == 0 {
			cfg = Config{Table: -1, BlockedStreams: -1}
		}
		k, s := newPair(t, cfg.Profile(), cfg.Profile())
		bodies := map[uint64][]byte{}
		s.on = func(e *end, ev *Event) {
			if ev.Kind == Data {
				bodies[ev.Stream] = append(bodies[ev.Stream], ev.Data...)
			}
			if !ev.EndStream {
				return
			}
			id := ev.Stream
			out, err := e.c.AppendInformational(nil, id, 103, []codec.Field{f("link", "</x>")})
			if err == nil {
				out, err = e.c.AppendResponse(out, id, 200, []codec.Field{f("server", "pure"), f("x-id", fmt.Sprint(id))}, false)
			}
			if err == nil {
				out, err = e.c.AppendData(out, id, bodies[id], false)
			}
			if err == nil {
				out, err = e.c.AppendTrailers(out, id, []codec.Field{f("checksum", "1")})
			}
			if err != nil {
				t.Fatal(err)
			}
			e.send(id, out, true)
		}
		got := map[uint64][]byte{}
		statuses := map[uint64]int{}
		ended := map[uint64]bool{}
		k.on = func(e *end, ev *Event) {
			switch ev.Kind {
			case Data:
				got[ev.Stream] = append(got[ev.Stream], ev.Data...)
			case Response:
				statuses[ev.Stream] = ev.Status
				if string(ev.Fields[1].Value) != fmt.Sprint(ev.Stream) {
					t.Errorf("stream %d has the response of %s", ev.Stream, ev.Fields[1].Value)
				}
			}
			ended[ev.Stream] = ended[ev.Stream] || ev.EndStream
		}
		want := map[uint64][]byte{}
		for round := range 6 {
			for i := range 4 {
				body := bytes.Repeat([]byte{byte('a' + i)}, r.IntN(300))
				id := k.request(get("/"+fmt.Sprint(i)), []codec.Field{f("user-agent", "test agent of some length"), f("x-round", fmt.Sprint(round))}, body, true)
				want[id] = body
			}
			if round%2 == 0 {
				exchange(r, k, s)
			}
		}
		exchange(r, k, s)
		if k.err != nil || s.err != nil {
			t.Fatal(seed, k.err, s.err, k.log, s.log)
		}
		for id, body := range want {
			if statuses[id] != 200 || !ended[id] || !bytes.Equal(got[id], body) {
				t.Errorf("seed %d stream %d: %d, end %v, %d octets of %d", seed, id, statuses[id], ended[id], len(got[id]), len(body))
			}
		}
		if k.c.Streams() != 0 || s.c.Streams() != 0 || !k.c.Idle() || !s.c.Idle() {
			t.Errorf("seed %d: %d and %d streams are left", seed, k.c.Streams(), s.c.Streams())
		}
		if used := k.c.enc.InsertCount() > 0; used == (seed%3 == 0) {
			t.Errorf("seed %d: %d insertions", seed, k.c.enc.InsertCount())
		}
	}
}
