package http2

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec"
)

// conversation is two Conns that talk through a link that cuts what it carries anywhere, while both applications do
// what comes into their heads.
type conversation struct {
	t   *testing.T
	rng *rand.Rand
	e   [2]*talker // by role
	now codec.Time
}

// talker is one end with its application.
type talker struct {
	*end
	seen  []byte // what the link has delivered and Next has not consumed
	work  map[uint32]*talk
	ev    Event
	total int // messages that came whole
	lost  int // streams that ended otherwise
	pings int
	acks  int
}

// talk is what an application knows of a stream.
type talk struct {
	send, sent int // octets of content
	trailers   bool
	headed     bool // our head was sent
	done       bool // we have ended our side
	over       bool // the peer has
	got        int
	unread     int
}

// octet is the content of a stream at a position, the same for both ends.
func octet(id uint32, at int) byte { return byte(uint32(at)*2654435761>>24) ^ byte(id) }

func newConversation(t *testing.T, seed uint64) *conversation {
	rng := rand.New(rand.NewPCG(seed, 7))
	v := &conversation{t: t, rng: rng, now: 1}
	pick := func(n ...int) int { return n[rng.IntN(len(n))] }
	for role := range v.e {
		p := Config{
			Limits:      Limits{Streams: pick(1, 3, 100), Requests: pick(2, 50), FrameSize: pick(0, 20000), EarlyPriorities: pick(-1, 0)},
			Window:      WindowPolicy{Stream: uint32(pick(1, 100, 70000, 0)), Conn: uint32(pick(65535, 100000, 0)), Max: uint32(pick(0, 0, 1<<20))},
			HeaderTable: pick(-1, 100, 0, 10000), EncoderTable: pick(-1, 0, 200), NoHuffman: rng.IntN(2) == 0,
		}.Profile()
		v.e[role] = &talker{end: &end{Conn: new(Conn)}, work: map[uint32]*talk{}}
		v.e[role].Init(Role(role), p)
	}
	return v
}

// fieldsOf is a field section of a stream, the same for both ends.
func (v *conversation) fieldsOf(id uint32, kind Kind, from Role) []codec.Field {
	rng := rand.New(rand.NewPCG(uint64(id)<<8|uint64(kind), uint64(from)))
	var list []codec.Field
	for range rng.IntN(4) {
		f := field(fmt.Sprintf("x-%d", rng.IntN(20)), fmt.Sprintf("value %d", rng.IntN(1000)))
		if rng.IntN(30) == 0 {
			f.Value = bytes.Repeat([]byte{'a' + byte(rng.IntN(26))}, rng.IntN(20000))
		}
		f.Sensitive = rng.IntN(10) == 0
		list = append(list, f)
	}
	return list
}

// compare holds what has arrived to what was sent.
func (v *conversation) compare(k *talker, ev *Event) {
	want := v.fieldsOf(ev.Stream, ev.Kind, 1-k.Role())
	for i, f := range ev.Fields {
		if i >= len(want) || !bytes.Equal(f.Name, want[i].Name) || !bytes.Equal(f.Value, want[i].Value) || f.Sensitive != want[i].Sensitive {
			v.t.Fatalf("%v %d: field %d is %q: %.40q", ev.Kind, ev.Stream, i, f.Name, f.Value)
		}
	}
	if len(ev.Fields) != len(want) {
		v.t.Fatalf("%v %d: %d fields of %d", ev.Kind, ev.Stream, len(ev.Fields), len(want))
	}
}

// act lets the application of one end do something.
func (v *conversation) act(k *talker, open bool) {
	r := v.rng
	must := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	if open && k.Role() == Client && k.OpenBlocked() == NotBlocked && r.IntN(3) == 0 {
		w := &talk{headed: true, trailers: r.IntN(4) == 0}
		if r.IntN(2) == 0 {
			w.send = r.IntN(1 << r.IntN(19))
		}
		end := w.send == 0 && !w.trailers
		var id uint32
		var err error
		next := (k.mem.last + 1) | 1
		k.out, id, err = k.AppendRequest(k.out, &RequestHead{Method: []byte("PUT"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/b")}, v.fieldsOf(next, Request, Client), end)
		must(err)
		w.done = end
		k.work[id] = w
		must(k.SetUser(id, id*3))
		if w.send > 0 {
			must(k.Ready(id, true))
		} else if !end {
			v.finish(k, id, w)
		}
		if r.IntN(5) == 0 {
			if out, err := k.AppendPriorityUpdate(k.out, id, Priority{Urgency: uint8(r.IntN(8)), Incremental: r.IntN(2) == 0}); err == nil {
				k.out = out
			}
		}
	}
	for id, w := range k.work {
		switch n := r.IntN(40); {
		case k.Role() == Server && !w.headed && n < 15:
			if n == 0 {
				var err error
				k.out, err = k.AppendInformational(k.out, id, 103, v.fieldsOf(id, Informational, Server))
				must(err)
			}
			w.headed = true
			if r.IntN(3) > 0 {
				w.send = r.IntN(1 << r.IntN(19))
			}
			w.trailers = r.IntN(4) == 0
			w.done = w.send == 0 && !w.trailers
			var err error
			k.out, err = k.AppendResponse(k.out, id, 200, v.fieldsOf(id, Response, Server), w.done)
			must(err)
			switch {
			case w.done:
				v.leave(k, id, w)
			case w.send > 0:
				must(k.Ready(id, true))
			default:
				v.finish(k, id, w)
			}
		case n == 20 && r.IntN(20) == 0:
			must(k.Reset(id, Cancel))
			delete(k.work, id)
			k.lost++
		case w.unread > 0 && n < 30:
			some := 1 + r.IntN(w.unread)
			w.unread -= some
			must(k.Consumed(id, some))
			v.leave(k, id, w)
		}
	}
	if r.IntN(50) == 0 && k.Ping([8]byte{byte(k.pings)}) == nil {
		k.pings++
	}
	for range r.IntN(10) {
		id, user, n := k.NextWritable()
		if n == 0 {
			break
		}
		w := k.work[id]
		if w == nil || k.Role() == Client && user != id*3 {
			v.t.Fatalf("NextWritable is %d, user %d", id, user)
		}
		p := make([]byte, min(n+r.IntN(3), w.send-w.sent, 1+r.IntN(5000)))
		for i := range p {
			p[i] = octet(id, w.sent+i)
		}
		last := w.sent+len(p) == w.send && !w.trailers
		out, n, err := k.AppendData(k.out, id, p, last)
		must(err)
		k.out = out
		if n != len(p) && n == 0 {
			v.t.Fatalf("NextWritable said it can send")
		}
		w.sent += n
		if w.sent == w.send {
			if w.trailers {
				v.finish(k, id, w)
			} else {
				w.done = true
				v.leave(k, id, w)
			}
		}
	}
}

// finish sends the trailers.
func (v *conversation) finish(k *talker, id uint32, w *talk) {
	out, err := k.AppendTrailers(k.out, id, v.fieldsOf(id, Trailers, k.Role()))
	if err != nil {
		v.t.Fatal(err)
	}
	k.out = out
	w.done = true
	v.leave(k, id, w)
}

// leave forgets a stream that is done on both sides.
func (v *conversation) leave(k *talker, id uint32, w *talk) {
	if w.done && w.over && w.unread == 0 {
		delete(k.work, id)
		if _, there := k.User(id); there {
			v.t.Fatalf("role %d: stream %d is done and still in the table", k.Role(), id)
		}
	}
}

// carry moves up to n octets from one end to the other.
func (v *conversation) carry(from, to *talker, n int) {
	if from.Owes() {
		from.out = from.AppendOwed(from.out, 1+v.rng.IntN(200))
	}
	n = min(n, len(from.out))
	to.seen = append(to.seen, from.out[:n]...)
	from.out = append(from.out[:0], from.out[n:]...)
	v.receive(to)
}

func (v *conversation) receive(k *talker) {
	at := 0
	for {
		n, err := k.Next(k.seen[at:], &k.ev)
		at += n
		if err != nil {
			v.t.Fatalf("role %d: %v", k.Role(), err)
		}
		if k.ev.Kind == None {
			break
		}
		v.event(k)
	}
	k.seen = append(k.seen[:0], k.seen[at:]...)
}

func (v *conversation) event(k *talker) {
	ev := &k.ev
	w := k.work[ev.Stream]
	switch ev.Kind {
	case SettingsReceived, SettingsAcked, PriorityUpdate, GoAwayReceived:
		return
	case PingAck:
		k.acks++
		return
	case Request:
		w = &talk{}
		k.work[ev.Stream] = w
	case StreamReset, StreamError:
		if ev.Kind == StreamError && ev.Code != RefusedStream {
			v.t.Fatalf("role %d: %s", k.Role(), ev.Reason)
		}
		k.lost++
		if w != nil {
			if err := k.Release(ev.Stream); err != nil {
				v.t.Fatal(err)
			}
			delete(k.work, ev.Stream)
		}
		return
	}
	if w == nil {
		v.t.Fatalf("role %d: %v on stream %d that nobody knows", k.Role(), ev.Kind, ev.Stream)
	}
	switch ev.Kind {
	case Request, Informational, Response, Trailers:
		v.compare(k, ev)
	}
	for i, b := range ev.Data[:len(ev.Data)*int(bit(ev.Kind == Data))] {
		if b != octet(ev.Stream, w.got+i) {
			v.t.Fatalf("stream %d: wrong octet at %d", ev.Stream, w.got+i)
		}
	}
	if ev.Kind == Data {
		w.got += len(ev.Data)
		w.unread += len(ev.Data)
	}
	if ev.EndStream && ev.Kind != Informational {
		w.over = true
		k.total++
		v.leave(k, ev.Stream, w)
	}
}

// check holds both ends to what must be true whenever nothing is under way between them.
func (v *conversation) check() {
	for _, k := range v.e {
		peer := v.e[1-k.Role()]
		if r := &k.recvWin; r.open+r.held+r.owed != r.size || r.open < 0 {
			v.t.Fatalf("connection window: %+v", *r)
		}
		if int64(k.sendWin) != peer.recvWin.open {
			v.t.Fatalf("role %d may send %d, the peer takes %d", k.Role(), k.sendWin, peer.recvWin.open)
		}
		var held int64
		for i := range k.tab.slots {
			s := &k.tab.slots[i]
			if s.id == 0 {
				continue
			}
			held += s.recv.held
			if r := &s.recv; r.open+r.held+r.owed != r.size {
				v.t.Fatalf("stream %d: %+v", s.id, *r)
			}
			at := peer.tab.find(s.id)
			if at < 0 || s.state != open && s.state != halfRemote {
				continue
			}
			if p := &peer.tab.slots[at]; (p.state == open || p.state == halfLocal) && int64(s.send) != p.recv.open {
				v.t.Fatalf("stream %d: role %d may send %d, the peer takes %d", s.id, k.Role(), s.send, p.recv.open)
			}
		}
		if held != k.recvWin.held {
			v.t.Fatalf("role %d: streams hold %d, the connection %d", k.Role(), held, k.recvWin.held)
		}
		if open := k.peers + k.owns; open > k.tab.n {
			v.t.Fatalf("%d open of %d", open, k.tab.n)
		}
	}
}

// quiet moves all that is under way.
func (v *conversation) quiet() {
	for v.e[0].Owes() || v.e[1].Owes() || len(v.e[0].out)+len(v.e[1].out) > 0 {
		v.carry(v.e[0], v.e[1], 1<<20)
		v.carry(v.e[1], v.e[0], 1<<20)
	}
}

// TestConversations: whatever both ends do and however the link cuts, everything arrives, every window adds up, and in
// the end nothing is left.
func TestConversations(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 40
	}
	total, lost := 0, 0
	for seed := range uint64(n) {
		a, b := converse(t, seed)
		total, lost = total+a, lost+b
	}
	if total < 20*n || lost < n/10 {
		t.Errorf("only %d messages, %d lost", total, lost)
	}
	t.Logf("%d messages, %d streams lost", total, lost)
}

// FuzzConversation looks for a seed that goes wrong.
func FuzzConversation(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { converse(t, seed) })
}

// converse has one conversation and returns how many messages have come whole and how many streams have not.
func converse(t *testing.T, seed uint64) (total, lost int) {
	v := newConversation(t, seed)
	for turn := range 600 {
		v.now += 1e6
		for _, k := range v.e {
			k.Advance(v.now)
			v.act(k, turn < 300)
		}
		from := v.rng.IntN(2)
		v.carry(v.e[from], v.e[1-from], 1+v.rng.IntN(1<<v.rng.IntN(16)))
		if turn%50 == 49 {
			v.quiet()
			v.check()
		}
		if turn == 400 {
			v.e[v.rng.IntN(2)].Shutdown()
		}
	}
	for turn := 0; len(v.e[0].work)+len(v.e[1].work) > 0 || len(v.e[0].out)+len(v.e[1].out) > 0; turn++ {
		if turn > 200000 {
			for _, k := range v.e {
				for id, w := range k.work {
					t.Logf("role %d stream %d: %+v, blocked %v", k.Role(), id, *w, k.Blocked(id))
				}
			}
			t.Fatalf("seed %d: stuck", seed)
		}
		v.now += 1e6
		for _, k := range v.e {
			k.Advance(v.now)
			v.act(k, false)
		}
		v.quiet()
		v.check()
	}
	v.now += 2e9
	for _, k := range v.e {
		k.Advance(v.now)
		v.receive(k)
	}
	v.quiet()
	for _, k := range v.e {
		if k.Streams() != 0 || !k.Idle() || k.recvWin.held != 0 {
			t.Fatalf("seed %d: role %d is not idle: %d streams", seed, k.Role(), k.Streams())
		}
		if k.pings-k.acks > 1 {
			t.Fatalf("seed %d: %d pings, %d answers", seed, k.pings, k.acks)
		}
		total += k.total
		lost += k.lost
	}
	if !v.e[0].Done() && !v.e[1].Done() {
		t.Fatalf("seed %d: neither end is done", seed)
	}
	return total, lost
}
