package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http2"
)

// http2Conversation is two Conns that talk through links that cut what they carry anywhere, while both applications do what the program
// says.
type http2Conversation struct {
	p    *Program
	now  codec.Time
	end  [2]*http2End // by role
	most int          // content of a message: little where windows are small
}

// http2End is one end with its application.
type http2End struct {
	*http2.Conn
	in, out *link
	ev      http2.Event
	order   []uint32 // streams at work, in the order of their opening
	work    map[uint32]*http2Stream
	pings   int
	acks    int
	shut    bool
	last    uint32 // client: the stream opened last
}

// http2Stream is what an application knows of a stream.
type http2Stream struct {
	send, sent int // octets of content
	trailers   bool
	headed     bool // our head was sent
	done       bool // we have ended our side
	over       bool // the peer has
	hints      int  // 103 sent
	got        int
	unread     int
}

func http2Pair(p *Program) {
	v := &http2Conversation{p: p, now: 1, most: 1 << 16}
	up, down := new(link), new(link)
	for role := range v.end {
		cfg := http2.Config{
			Limits: http2.Limits{Streams: Pick(p, 100, 1, 3), Requests: Pick(p, 50, 2), FrameSize: Pick(p, 0, 20000), EarlyPriorities: Pick(p, 0, -1),
				Resets: -1, Fruitless: -1, Pings: -1, SettingsTimeout: -1, StallTimeout: -1},
			Window:      http2.WindowPolicy{Stream: uint32(Pick(p, 0, 1, 100, 70000)), Conn: uint32(Pick(p, 0, 65535, 100000)), Max: uint32(Pick(p, 0, 1<<20))},
			HeaderTable: Pick(p, 0, -1, 100, 10000), EncoderTable: Pick(p, 0, -1, 200), NoHuffman: p.Bool(),
		}
		if cfg.Window.Stream > 0 && cfg.Window.Stream <= 100 {
			v.most = 300
		}
		k := &http2End{Conn: new(http2.Conn), work: map[uint32]*http2Stream{}, in: up, out: down}
		if http2.Role(role) == http2.Client {
			k.in, k.out = down, up
		}
		k.Init(http2.Role(role), cfg.Profile())
		v.end[role] = k
	}
	for p.More() {
		v.now += 1e6
		k := v.end[p.N(2)]
		k.Advance(v.now)
		v.step(k)
	}
	v.settle()
}

// fieldsOf is a field section of a stream, the same for both ends.
func fieldsOf(id uint32, kind http2.Kind, from http2.Role) []codec.Field {
	rng := rand.New(rand.NewPCG(uint64(id)<<8|uint64(kind), uint64(from)))
	var list []codec.Field
	for range rng.IntN(4) {
		f := codec.Field{Name: fmt.Appendf(nil, "x-%d", rng.IntN(20)), Value: fmt.Appendf(nil, "value %d", rng.IntN(1000))}
		if rng.IntN(30) == 0 {
			f.Value = bytes.Repeat([]byte{'a' + byte(rng.IntN(26))}, rng.IntN(20000))
		}
		f.Sensitive = rng.IntN(10) == 0
		list = append(list, f)
	}
	return list
}

// step lets the application of one end do something, or moves bytes.
func (v *http2Conversation) step(k *http2End) {
	p := v.p
	switch p.N(16) {
	case 0, 1:
		if k.Role() == http2.Client {
			v.open(k)
		} else {
			v.respond(k, p.N(256))
		}
	case 2, 3:
		v.data(k, 1+p.Size(), p.Bool())
	case 4:
		v.consume(k, p.N(256), p.Size())
	case 5:
		if id, w := k.pick(p.N(256)); w != nil && p.N(16) == 15 {
			p.must(k.Reset(id, http2.Cancel), "reset of %d", id)
			k.forget(id)
		}
	case 6:
		if k.Ping([8]byte{byte(k.pings)}) == nil {
			k.pings++
		}
	case 7:
		v.priority(k)
	case 8:
		if id, w := k.pick(p.N(256)); w != nil && k.Role() == http2.Server && !w.headed && w.hints < http2.DefaultInformational {
			w.hints++
			var err error
			k.out.out, err = k.AppendInformational(k.out.out, id, 103, fieldsOf(id, http2.Informational, http2.Server))
			p.must(err, "103 on %d", id)
		}
	case 9, 10, 11, 12:
		v.carry(k, p.Size())
	case 13:
		k.out.out = k.AppendOwed(k.out.out, 1+p.N(200))
	case 14:
		if p.N(32) == 31 {
			k.Shutdown()
			k.shut = true
		}
	case 15:
		if p.N(128) == 127 {
			k.out.broken = true
		}
	}
}

// pick returns one of the streams at work.
func (k *http2End) pick(n int) (uint32, *http2Stream) {
	if len(k.order) == 0 {
		return 0, nil
	}
	id := k.order[n%len(k.order)]
	return id, k.work[id]
}

func (k *http2End) add(id uint32, w *http2Stream) {
	k.order, k.work[id] = append(k.order, id), w
}

func (k *http2End) forget(id uint32) {
	k.order = slices.DeleteFunc(k.order, func(x uint32) bool { return x == id })
	delete(k.work, id)
}

// open opens a request.
func (v *http2Conversation) open(k *http2End) {
	if k.OpenBlocked() != http2.NotBlocked || k.last > 400 {
		return
	}
	p := v.p
	w := &http2Stream{headed: true, trailers: p.N(4) == 3}
	if p.Bool() {
		w.send = min(p.Size(), v.most)
	}
	w.done = w.send == 0 && !w.trailers
	head := http2Request([]byte("PUT"))
	next := (k.last + 1) | 1
	var id uint32
	var err error
	k.out.out, id, err = k.AppendRequest(k.out.out, &head, fieldsOf(next, http2.Request, http2.Client), w.done)
	p.must(err, "request %d", next)
	k.last = id
	k.add(id, w)
	p.must(k.SetUser(id, id*3), "user of %d", id)
	v.begin(k, id, w)
}

// respond answers a request that has no answer.
func (v *http2Conversation) respond(k *http2End, n int) {
	id, w := k.pick(n)
	if w == nil || w.headed {
		return
	}
	p := v.p
	w.headed = true
	if p.N(3) > 0 {
		w.send = min(p.Size(), v.most)
	}
	w.trailers = p.N(4) == 3
	w.done = w.send == 0 && !w.trailers
	var err error
	k.out.out, err = k.AppendResponse(k.out.out, id, 200, fieldsOf(id, http2.Response, http2.Server), w.done)
	p.must(err, "response on %d", id)
	v.begin(k, id, w)
}

// begin goes on behind a head.
func (v *http2Conversation) begin(k *http2End, id uint32, w *http2Stream) {
	switch {
	case w.done:
		v.leave(k, id, w)
	case w.send > 0:
		v.p.must(k.Ready(id, true), "ready on %d", id)
	default:
		v.finish(k, id, w)
	}
}

// finish sends the trailers.
func (v *http2Conversation) finish(k *http2End, id uint32, w *http2Stream) {
	var err error
	k.out.out, err = k.AppendTrailers(k.out.out, id, fieldsOf(id, http2.Trailers, k.Role()))
	v.p.must(err, "trailers on %d", id)
	w.done = true
	v.leave(k, id, w)
}

// leave forgets a stream that is done on both sides.
func (v *http2Conversation) leave(k *http2End, id uint32, w *http2Stream) {
	if w.done && w.over && w.unread == 0 {
		k.forget(id)
		if _, there := k.User(id); there {
			v.p.Fail("role %d: stream %d is done and still in the table", k.Role(), id)
		}
	}
}

// data sends up to n octets of the stream that the Conn says is next.
func (v *http2Conversation) data(k *http2End, n int, byReference bool) (sent bool) {
	p := v.p
	id, user, room := k.NextWritable()
	if room == 0 {
		return false
	}
	w := k.work[id]
	if w == nil || k.Role() == http2.Client && user != id*3 {
		p.Fail("NextWritable is %d, user %d", id, user)
	}
	b := content(id, w.sent, min(room, w.send-w.sent, n))
	last := w.sent+len(b) == w.send && !w.trailers
	var err error
	var took int
	if byReference {
		if k.out.out, took, err = k.AppendDataHeader(k.out.out, id, len(b), last); err == nil {
			k.out.out = append(k.out.out, b[:took]...)
		}
	} else {
		k.out.out, took, err = k.AppendData(k.out.out, id, b, last)
	}
	p.must(err, "data on %d", id)
	if took == 0 && len(b) > 0 {
		p.Fail("NextWritable said that %d octets of stream %d can be sent", room, id)
	}
	if w.sent += took; w.sent < w.send {
		return true
	}
	if w.trailers {
		v.finish(k, id, w)
	} else {
		w.done = true
		v.leave(k, id, w)
	}
	return true
}

// consume gives back credit for content.
func (v *http2Conversation) consume(k *http2End, which, n int) {
	id, w := k.pick(which)
	if w == nil {
		return
	}
	if n = min(n, w.unread); n == 0 {
		return
	}
	w.unread -= n
	v.p.must(k.Consumed(id, n), "%d octets of %d consumed", n, id)
	v.leave(k, id, w)
}

func (v *http2Conversation) priority(k *http2End) {
	id, w := k.pick(v.p.N(256))
	if w == nil {
		return
	}
	c := v.p.Byte()
	pr := http2.Priority{Urgency: c & 7, Incremental: c&8 != 0}
	if w.done {
		return
	}
	if k.Role() == http2.Server {
		v.p.must(k.SetPriority(id, pr), "priority of %d", id)
	} else if out, err := k.AppendPriorityUpdate(k.out.out, id, pr); err == nil {
		k.out.out = out
	}
}

// carry moves up to n octets to the other end, which reads them.
func (v *http2Conversation) carry(k *http2End, n int) {
	k.out.carry(n)
	v.receive(v.end[1-k.Role()])
}

func (v *http2Conversation) receive(k *http2End) {
	for {
		n, err := k.Next(k.in.in, &k.ev)
		if err != nil {
			v.p.Fail("role %d: %v", k.Role(), err)
		}
		v.event(k)
		k.in.consume(n)
		if k.ev.Kind == http2.None {
			return
		}
	}
}

func (v *http2Conversation) event(k *http2End) {
	p, ev := v.p, &k.ev
	w := k.work[ev.Stream]
	switch ev.Kind {
	case http2.None, http2.SettingsReceived, http2.SettingsAcked, http2.PriorityUpdate, http2.GoAwayReceived:
		return
	case http2.PingAck:
		if k.acks++; k.acks > k.pings {
			p.Fail("role %d: an answer to no ping", k.Role())
		}
		return
	case http2.Request:
		w = &http2Stream{}
		k.add(ev.Stream, w)
	case http2.StreamReset, http2.StreamError:
		broken := v.end[0].out.broken || v.end[1].out.broken
		if ev.Kind == http2.StreamError && ev.Code != http2.RefusedStream && !broken {
			p.Fail("role %d: stream %d: %s", k.Role(), ev.Stream, ev.Reason)
		}
		if w != nil {
			p.must(k.Release(ev.Stream), "release of %d", ev.Stream)
			k.forget(ev.Stream)
		}
		return
	}
	if w == nil {
		p.Fail("role %d: %v on stream %d that nobody knows", k.Role(), ev.Kind, ev.Stream)
	}
	if w.over {
		p.Fail("role %d: %v behind the end of stream %d", k.Role(), ev.Kind, ev.Stream)
	}
	if ev.Kind == http2.Data {
		if !bytes.Equal(ev.Data, content(ev.Stream, w.got, len(ev.Data))) {
			p.Fail("content of stream %d differs behind %d", ev.Stream, w.got)
		}
		w.got += len(ev.Data)
		w.unread += len(ev.Data)
	} else {
		sameFields(p, fmt.Sprintf("%v on stream %d", ev.Kind, ev.Stream), fieldsOf(ev.Stream, ev.Kind, 1-k.Role()), ev.Fields)
	}
	if ev.EndStream && ev.Kind != http2.Informational {
		w.over = true
		if from := v.end[1-k.Role()].work[ev.Stream]; from != nil && w.got != from.send {
			p.Fail("stream %d: %d octets of %d", ev.Stream, w.got, from.send)
		}
		v.leave(k, ev.Stream, w)
	}
}

// settle lets both ends do what is left, until nothing is: a lost octet of credit would leave them stuck.
func (v *http2Conversation) settle() {
	p := v.p
	for turn := 0; ; turn++ {
		moved := 0
		v.now += 1e6
		for _, k := range v.end {
			k.Advance(v.now)
			for i := range slices.Clone(k.order) {
				if k.Role() == http2.Server {
					v.respond(k, i)
				}
			}
			for i := len(k.order) - 1; i >= 0; i-- {
				v.consume(k, i, 1<<30)
			}
			for v.data(k, 1<<30, false) {
			}
			for k.Owes() {
				k.out.out = k.AppendOwed(k.out.out, 1<<16)
			}
			moved += len(k.out.out)
			v.carry(k, -1)
		}
		if v.end[0].out.broken || v.end[1].out.broken {
			v.broken()
			return
		}
		if len(v.end[0].order)+len(v.end[1].order) == 0 && moved == 0 {
			break
		}
		// A window of one octet makes the longest conversation: a few turns for each octet.
		if turn > 1<<16 {
			v.stuck()
		}
		if moved == 0 {
			v.now += 1e9
		}
	}
	for range 3 { // a shutdown takes a second
		v.now += 2e9
		for _, k := range v.end {
			k.Advance(v.now)
			v.receive(k)
			k.out.out = k.AppendOwed(k.out.out, 1<<20)
			v.carry(k, -1)
		}
	}
	for _, k := range v.end {
		if k.Streams() != 0 || !k.Idle() {
			p.Fail("role %d is not idle: %d streams", k.Role(), k.Streams())
		}
		if k.acks != k.pings {
			p.Fail("role %d: %d pings, %d answers", k.Role(), k.pings, k.acks)
		}
		if k.shut && !k.Done() {
			p.Fail("role %d: shut down, and not done", k.Role())
		}
	}
}

// stuck tells what both ends know of the stream that does not get on.
func (v *http2Conversation) stuck() {
	for _, k := range v.end {
		if id, w := k.pick(0); w != nil {
			v.p.Fail("role %d is stuck at stream %d: %+v, writable %d, blocked %v; the peer has %+v, writable %d, blocked %v", k.Role(), id, *w, k.Writable(id), k.Blocked(id), v.end[1-k.Role()].work[id], v.end[1-k.Role()].Writable(id), v.end[1-k.Role()].Blocked(id))
		}
	}
	v.p.Fail("what is owed never ends")
}

// broken tells both ends that the connection broke: what was not whole is over, and nobody is blamed for it.
func (v *http2Conversation) broken() {
	for _, k := range v.end {
		if err := k.Finish(); err != nil {
			var e *http2.Error
			if !errors.As(err, &e) || e.Scope != codec.ScopeConn {
				v.p.Fail("role %d: Finish: %v", k.Role(), err)
			}
			continue
		}
		v.receive(k)
		for _, id := range k.order {
			if w := k.work[id]; !w.over {
				v.p.Fail("role %d: nobody told that stream %d is over", k.Role(), id)
			}
		}
	}
}
