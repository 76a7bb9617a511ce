package fuzz

import (
	"bytes"
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
	"github.com/purewire/purewire/codec/http2"
)

// h3Conversation is two Conns over a transport that carries the streams in pieces of any size and in any order among them, and may break, while
// both applications do what the program says.
type h3Conversation struct {
	p      *Program
	now    codec.Time
	end    [2]*h3End // by role
	told   map[uint64]*h3Story
	broken bool
}

// h3Story is what a request should come to, and what has come of it.
type h3Story struct {
	send, sent, got       [2]int // octets of content, by the role that sends them
	trailers, done, ended [2]bool
	headed                [2]bool // a head was sent
	seen                  [2]bool // it has arrived
	hints, hinted         int     // 103: sent, arrived
	cut                   bool    // reset, or refused, by somebody
	unread                bool    // the server does not want the rest of the content
	retry                 bool
}

// h3Pipe is one direction of a stream.
type h3Pipe struct {
	link
	fin, reset   bool
	code         h3.ErrorCode
	stop         bool // STOP_SENDING is under way to the sender
	stopCode     h3.ErrorCode
	opened, over bool // the reader knows it; nothing more of it is of interest
	waits        bool // for the dynamic table
	again        bool // it is to be shown again
}

// h3End is one end with what its transport and its application know.
type h3End struct {
	*h3.Conn
	v         *h3Conversation
	ev        h3.Event
	out       map[uint64]*h3Pipe // what it sends
	order     []uint64           // streams of out, in the order of their opening
	uni, bidi uint64             // the next ones
	datagrams [][]byte           // under way from here
	shut      bool
}

func h3Pair(p *Program) {
	v := &h3Conversation{p: p, now: 1, told: map[uint64]*h3Story{}}
	for role := range v.end {
		cfg := h3.Config{
			Table: Pick(p, 0, -1, 100, 10000), BlockedStreams: Pick(p, 0, -1, 1, 100), EncoderTable: Pick(p, 0, -1, 200), EncoderBlocked: Pick(p, 0, -1, 1),
			NoHuffman: p.Bool(), NoGrease: p.Bool(), Seed: uint64(p.Byte()), ExtendedConnect: true, Datagrams: p.Bool(),
			Limits: h3.Limits{Streams: Pick(p, 100, 1, 3), Instructions: Pick(p, 0, 1, 100), EarlyPriorities: Pick(p, 0, -1), Resets: -1, Fruitless: -1, BlockTimeout: -1},
		}
		e := &h3End{Conn: new(h3.Conn), v: v, out: map[uint64]*h3Pipe{}, uni: uint64(2 | role ^ 1)}
		e.Init(h3.Role(role), cfg.Profile())
		e.Advance(v.now)
		v.end[role] = e
	}
	for p.More() && !v.broken {
		v.now += 1e6
		e := v.end[p.N(2)]
		e.Advance(v.now)
		e.step()
	}
	v.settle()
}

// h3Fields is a field section of a stream, the same for both ends.
func h3Fields(id uint64, kind h3.Kind) []codec.Field {
	return fieldsOf(uint32(id), http2.Kind(kind), 0)
}

// pipe is a stream that this end sends on.
func (e *h3End) pipe(id uint64) *h3Pipe {
	o := e.out[id]
	if o == nil {
		o = &h3Pipe{}
		e.out[id] = o
		e.order = append(e.order, id)
	}
	return o
}

// write puts octets on a stream.
func (e *h3End) write(id uint64, b []byte, fin bool) {
	if o := e.pipe(id); !o.reset {
		o.link.out = append(o.link.out, b...)
		o.fin = o.fin || fin
	}
}

// peer is the other end.
func (e *h3End) peer() *h3End { return e.v.end[1-e.Role()] }

// story takes one of the requests that are open for this end.
func (e *h3End) story() (uint64, *h3Story) {
	last := e.v.end[h3.Client].bidi
	if last == 0 {
		return 0, nil
	}
	id := 4 * (uint64(e.v.p.Byte()) % (last / 4))
	return id, e.v.told[id]
}

// step lets the application of one end do something, or moves octets.
func (e *h3End) step() {
	p := e.v.p
	switch p.N(16) {
	case 0, 1:
		if e.Role() == h3.Client {
			e.open()
		} else if id, s := e.story(); s != nil {
			e.respond(id, s, p.Bool(), p.Bool())
		}
	case 2, 3:
		if id, s := e.story(); s != nil {
			e.content(id, s, 1+p.Size(), p.Bool())
		}
	case 4:
		if id, s := e.story(); s != nil && p.N(8) == 7 && e.Reset(id, h3.RequestCancelled) == nil {
			s.cut = true
		}
	case 5:
		if id, s := e.story(); s != nil && p.N(8) == 7 && s.seen[1-e.Role()] && e.StopReading(id, h3.NoError) == nil {
			if e.Role() == h3.Server { // it may answer all the same
				s.unread = true
			} else { // it has nothing more to say either
				s.cut = true
				_ = e.Reset(id, h3.RequestCancelled) // refused if the stream is over with that
			}
		}
	case 6:
		if id, s := e.story(); s != nil {
			c := p.Byte()
			_ = e.SetPriority(id, h3.Priority{Urgency: c & 7, Incremental: c&8 != 0}) // refused if it is over
		}
	case 7:
		if id, s := e.story(); s != nil && e.Role() == h3.Server && s.seen[h3.Client] && !s.headed[h3.Server] && !s.cut && s.hints < h3.DefaultInformational {
			s.hints++
			out, err := e.AppendInformational(nil, id, 103, h3Fields(id, h3.Informational))
			p.must(err, "103 on %d", id)
			e.write(id, out, false)
		}
	case 8:
		e.flush(1 + p.N(200))
	case 9, 10, 11, 12:
		e.carry(p.N(256), 1+p.Size())
	case 13:
		if p.N(32) == 31 {
			e.Shutdown()
			e.shut = true
		} else if p.N(32) == 31 {
			e.GoAway()
			e.shut = true
		}
	case 14:
		if id, s := e.story(); s != nil && e.DatagramsEnabled() && s.headed[e.Role()] && !s.done[e.Role()] {
			if e.AllowDatagrams(id) == nil && e.peer().AllowDatagrams(id) == nil {
				out, err := e.AppendDatagram(nil, id)
				p.must(err, "datagram of %d", id)
				e.datagrams = append(e.datagrams, append(out, content(uint32(id), 0, 10)...))
			}
		}
	case 15:
		if p.N(128) == 127 {
			e.v.broken = true
		}
	}
}

// open opens a request.
func (e *h3End) open() {
	p := e.v.p
	if e.OpenBlocked() != h3.NotBlocked || e.bidi > 400 {
		return
	}
	s := &h3Story{}
	s.plan(p, h3.Client)
	id := e.bidi
	head := &h3.RequestHead{Method: []byte("PUT"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")}
	end := s.send[h3.Client] == 0 && !s.trailers[h3.Client]
	out, err := e.AppendRequest(nil, id, head, h3Fields(id, h3.Request), end)
	p.must(err, "request %d", id)
	e.v.told[id] = s
	e.bidi += 4
	e.begun(id, s, out, end)
}

// plan decides what a message has.
func (s *h3Story) plan(p *Program, role h3.Role) {
	if p.Bool() {
		s.send[role] = min(p.Size(), 1<<14)
	}
	s.trailers[role] = p.N(4) == 3
}

// respond answers a request that has no answer.
func (e *h3End) respond(id uint64, s *h3Story, body, trailers bool) {
	if !s.seen[h3.Client] || s.headed[h3.Server] || s.cut {
		return
	}
	p := e.v.p
	s.plan(p, h3.Server)
	if !body {
		s.send[h3.Server] = 0
	}
	s.trailers[h3.Server] = trailers
	end := s.send[h3.Server] == 0 && !trailers
	out, err := e.AppendResponse(nil, id, 200, h3Fields(id, h3.Response), end)
	p.must(err, "response on %d", id)
	e.begun(id, s, out, end)
}

func (e *h3End) begun(id uint64, s *h3Story, out []byte, end bool) {
	role := e.Role()
	s.headed[role], s.done[role] = true, end
	e.write(id, out, end)
	if s.send[role] > 0 {
		e.v.p.must(e.Ready(id, true), "ready on %d", id)
	} else if !end {
		e.finish(id, s)
	}
}

// content sends at most n octets of content.
func (e *h3End) content(id uint64, s *h3Story, n int, byReference bool) {
	role := e.Role()
	if !s.headed[role] || s.done[role] || s.cut {
		return
	}
	p := e.v.p
	b := content(uint32(id)+uint32(role), s.sent[role], min(n, s.send[role]-s.sent[role]))
	s.sent[role] += len(b)
	end := s.sent[role] == s.send[role] && !s.trailers[role]
	var out []byte
	var err error
	if byReference {
		if out, err = e.AppendDataHeader(nil, id, len(b), end); err == nil {
			out = append(out, b...)
		}
	} else {
		out, err = e.AppendData(nil, id, b, end)
	}
	p.must(err, "content of %d", id)
	s.done[role] = end
	e.write(id, out, end)
	if !end && s.sent[role] == s.send[role] {
		e.finish(id, s)
	}
}

// finish sends the trailers.
func (e *h3End) finish(id uint64, s *h3Story) {
	out, err := e.AppendTrailers(nil, id, h3Fields(id, h3.Trailers))
	e.v.p.must(err, "trailers on %d", id)
	s.done[e.Role()] = true
	e.write(id, out, true)
}

// flush moves what the Conn owes to the streams, and reports whether there was anything.
func (e *h3End) flush(limit int) (moved bool) {
	for e.WantsUni() > 0 {
		e.v.p.must(e.OpenUni(e.uni), "stream %d", e.uni)
		e.pipe(e.uni)
		e.uni += 4
	}
	for range 1 << 16 {
		id, owes := e.NextOwed()
		if !owes {
			break
		}
		out := e.AppendOwed(nil, id, limit)
		if len(out) == 0 {
			e.v.p.Fail("role %d owes nothing on stream %d", e.Role(), id)
		}
		e.write(id, out, false)
		moved = true
	}
	var a h3.Abort
	for e.NextAbort(&a) {
		moved = true
		if a.Reset {
			o := e.pipe(a.Stream)
			o.reset, o.code = true, a.Code
		}
		if a.Stop {
			o := e.peer().pipe(a.Stream)
			o.stop, o.stopCode = true, a.Code
		}
	}
	return moved
}

// interesting tells whether the peer can be shown anything of a stream.
func (o *h3Pipe) interesting() bool {
	return !o.over && (len(o.link.out) > 0 || o.stop || o.reset || o.again || !o.waits && o.fin)
}

// carry moves up to n octets of one of the streams of this end to the other one, and says what else is known of it; below 0 means all.
func (e *h3End) carry(which, n int) (moved bool) {
	var ids []uint64
	for _, id := range e.order {
		if e.out[id].interesting() {
			ids = append(ids, id)
		}
	}
	if len(e.datagrams) > 0 {
		d := e.datagrams[0]
		e.datagrams = e.datagrams[1:]
		r := e.peer()
		e.v.p.must(r.Conn.Datagram(d, &r.ev), "role %d: datagram", r.Role())
		r.event()
		return true
	}
	if len(ids) == 0 {
		return false
	}
	e.peer().arrive(ids[which%len(ids)], n)
	return true
}

// arrive lets up to n octets of a stream of the peer arrive here.
func (e *h3End) arrive(id uint64, n int) {
	p, from := e.v.p, e.peer()
	o := from.out[id]
	if o.stop {
		o.stop = false
		from.know(id) // STOP_SENDING opens a stream as any other frame does
		p.must(from.StopReceived(id, o.stopCode, &from.ev), "role %d: STOP_SENDING of %d", from.Role(), id)
		from.event()
	}
	e.know(id)
	if o.reset {
		o.over = true
		p.must(e.ResetReceived(id, o.code, &e.ev), "role %d: reset of %d", e.Role(), id)
		e.event()
		return
	}
	o.carry(n)
	e.read(id, o)
}

// know tells the Conn of a stream that the peer has opened, once.
func (e *h3End) know(id uint64) {
	if own := id&1 == uint64(e.Role())^1; own || id&2 != 0 && e.peer().out[id] == nil {
		return
	}
	if o := e.peer().pipe(id); !o.opened {
		o.opened = true
		e.v.p.must(e.Open(id), "role %d: open of %d", e.Role(), id)
	}
}

// read shows what has come on a stream.
func (e *h3End) read(id uint64, o *h3Pipe) {
	fin := o.fin && len(o.link.out) == 0
	for {
		n, err := e.Next(id, o.in, fin, &e.ev)
		e.v.p.must(err, "role %d: stream %d", e.Role(), id)
		e.event() // what it lends points into what is consumed
		o.consume(n)
		if e.ev.Kind == h3.None {
			o.again = false
			o.waits = e.Waits(id) == h3.WaitTable
			o.over = fin && !o.waits
			if o.over && len(o.in) > 0 {
				e.v.p.Fail("role %d: %d octets of stream %d are left behind its end", e.Role(), len(o.in), id)
			}
			return
		}
	}
}

// poll takes the events that need no input, and shows again what is unblocked.
func (e *h3End) poll() (moved bool) {
	for e.Pending() {
		e.v.p.must(e.Poll(&e.ev), "role %d: poll", e.Role())
		moved = true
		e.event()
	}
	return moved
}

func (e *h3End) event() {
	p, ev := e.v.p, &e.ev
	from := 1 - e.Role()
	s := e.v.told[ev.Stream]
	switch ev.Kind {
	case h3.None, h3.SettingsReceived, h3.GoAwayReceived, h3.PriorityUpdate:
		return
	case h3.Unblocked:
		o := e.peer().out[ev.Stream]
		o.waits, o.again = false, true
		return
	case h3.Datagram:
		if !bytes.Equal(ev.Data, content(uint32(ev.Stream), 0, 10)) {
			p.Fail("datagram of stream %d differs", ev.Stream)
		}
		return
	}
	if s == nil {
		p.Fail("role %d: %v on stream %d that nobody knows", e.Role(), ev.Kind, ev.Stream)
	}
	switch ev.Kind {
	case h3.StreamError:
		p.Fail("role %d: stream %d: %s", e.Role(), ev.Stream, ev.Reason)
	case h3.SendStopped:
		if s.done[h3.Client] = true; !s.cut && !s.unread && ev.Code != h3.RequestRejected {
			p.Fail("stream %d is stopped by nobody", ev.Stream)
		}
		return
	case h3.StreamReset:
		if !s.cut && !ev.Retry {
			p.Fail("role %d: stream %d is reset by nobody", e.Role(), ev.Stream)
		}
		s.cut, s.retry = true, s.retry || ev.Retry
		return
	}
	if s.ended[from] {
		p.Fail("role %d: %v behind the end of stream %d", e.Role(), ev.Kind, ev.Stream)
	}
	switch ev.Kind {
	case h3.Data:
		if !bytes.Equal(ev.Data, content(uint32(ev.Stream)+uint32(from), s.got[from], len(ev.Data))) {
			p.Fail("content of stream %d differs behind %d", ev.Stream, s.got[from])
		}
		s.got[from] += len(ev.Data)
	case h3.Informational:
		s.hinted++
		fallthrough
	default:
		sameFields(p, fmt.Sprintf("%v on stream %d", ev.Kind, ev.Stream), h3Fields(ev.Stream, ev.Kind), ev.Fields)
		if again := s.seen[from]; again && (ev.Kind == h3.Request || ev.Kind == h3.Response) {
			p.Fail("role %d: stream %d has two heads", e.Role(), ev.Stream)
		}
		s.seen[from] = s.seen[from] || ev.Kind != h3.Informational
		if ev.Kind == h3.Trailers && s.got[from] != s.send[from] {
			p.Fail("stream %d: trailers behind octet %d of %d", ev.Stream, s.got[from], s.send[from])
		}
	}
	if ev.EndStream {
		s.ended[from] = true
		if s.got[from] != s.send[from] {
			p.Fail("stream %d: it ends at octet %d of %d", ev.Stream, s.got[from], s.send[from])
		}
	}
}

// settle lets both ends do what is left, until nothing is.
func (v *h3Conversation) settle() {
	p := v.p
	if v.broken { // the transport closes both, and neither has anything to say any more
		return
	}
	for turn := 0; ; turn++ {
		moved := false
		v.now += 1e6
		for _, e := range v.end {
			e.Advance(v.now)
			for id := uint64(0); id < v.end[h3.Client].bidi; id += 4 {
				s := v.told[id]
				if e.Role() == h3.Server && s.seen[h3.Client] && !s.headed[h3.Server] && !s.cut {
					e.respond(id, s, false, false)
					moved = true
				}
				if s.headed[e.Role()] && !s.done[e.Role()] && !s.cut {
					e.content(id, s, 1<<30, false)
					moved = true
				}
			}
			moved = e.flush(1<<16) || moved
			for e.carry(0, -1) {
				moved = true
			}
			moved = e.poll() || moved
		}
		if !moved {
			break
		}
		if turn > 1<<10 {
			p.Fail("it never ends")
		}
	}
	for id := uint64(0); id < v.end[h3.Client].bidi; id += 4 {
		s := v.told[id]
		if s.cut {
			if s.retry && s.seen[h3.Client] {
				p.Fail("stream %d may be sent again, and was read", id)
			}
			continue
		}
		if !s.ended[h3.Server] || !s.ended[h3.Client] && !s.unread || s.hints != s.hinted {
			p.Fail("both wait for ever: stream %d: %+v; server %v, client %v", id, *s, v.end[h3.Server].Waits(id), v.end[h3.Client].Waits(id))
		}
	}
	for _, e := range v.end {
		if e.Streams() != 0 || !e.Idle() {
			for id := uint64(0); id < v.end[h3.Client].bidi; id += 4 {
				if _, open := e.User(id); open {
					p.Fail("role %d: stream %d is still open: %+v", e.Role(), id, *v.told[id])
				}
			}
			p.Fail("role %d is not idle: %d streams", e.Role(), e.Streams())
		}
	}
	v.goodbye()
}

// goodbye ends the connection in order: both ends are done then.
func (v *h3Conversation) goodbye() {
	for _, e := range v.end {
		e.Shutdown()
	}
	for range 4 {
		v.now = v.now.Add(2 * time.Second)
		for _, e := range v.end {
			e.Advance(v.now)
			e.poll()
			e.flush(1 << 16)
			for e.carry(0, -1) {
			}
		}
	}
	for _, e := range v.end {
		if !e.Done() {
			v.p.Fail("role %d: shut down, and not done", e.Role())
		}
	}
}
