package fuzz

import (
	"bytes"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
)

// h3Ops calls a connection in any order, whatever makes sense or not. What is refused is misuse, appends nothing, and changes nothing that can be
// asked for; all that is sent and owed is legal for a peer Conn to read, and reads as messages in their order.
func h3Ops(p *Program) {
	role := h3.Role(p.N(2))
	cfg := h3.Config{Table: Pick(p, 0, -1, 100), EncoderTable: Pick(p, 0, -1, 100), NoHuffman: p.Bool(), ExtendedConnect: true, Datagrams: p.Bool(),
		Limits: h3.Limits{Resets: -1, Fruitless: -1, BlockTimeout: -1}}
	v := &h3Conversation{p: p, now: 1, told: map[uint64]*h3Story{}}
	for i := range v.end {
		e := &h3End{Conn: new(h3.Conn), v: v, out: map[uint64]*h3Pipe{}, uni: uint64(2 | i ^ 1)}
		e.Init(h3.Role(i), cfg.Profile())
		e.Advance(v.now)
		v.end[i] = e
	}
	o := &h3Caller{p: p, e: v.end[role], peer: v.end[1-role], hints: map[uint64]int{}}
	for p.More() {
		v.now += 1e6
		o.e.Advance(v.now)
		o.step()
		if p.N(4) == 3 {
			o.exchange()
		}
	}
	for range 4 {
		o.exchange()
	}
	if _, owes := o.e.NextOwed(); owes {
		p.Fail("what is owed never ends")
	}
}

// h3Caller is an application that has lost count, with a peer that reads what comes.
type h3Caller struct {
	p       *Program
	e, peer *h3End
	hints   map[uint64]int // 1xx sent on a stream
}

func (o *h3Caller) id() uint64 { return uint64(Pick(o.p, 0, 4, 8, 12, 0, 4, 16, 2, 3, 1)) }

func (o *h3Caller) fields() []codec.Field {
	list := headerFields(o.p, 3)
	for i := range list {
		if o.p.N(4) > 0 {
			list[i].Name = []byte("x-n")
		}
	}
	return list
}

// state is all that can be asked of a Conn.
type h3State struct {
	streams, can        int
	owes, pending, idle bool
	sending             int64
	blocked             h3.Block
	waits               h3.Wait
}

func (o *h3Caller) state(id uint64) h3State {
	c := o.e.Conn
	_, owes := c.NextOwed()
	return h3State{c.Streams(), c.CanOpen(), owes, c.Pending(), c.Idle(), c.Sending(id), c.Blocked(id), c.Waits(id)}
}

// step makes one call.
func (o *h3Caller) step() {
	p, c := o.p, o.e.Conn
	id := o.id()
	was := o.state(id)
	var out []byte
	var err error
	fin := false
	switch p.N(14) {
	case 0, 1:
		fin = p.Bool()
		out, err = c.AppendResponse(nil, id, Pick(p, 200, 204, 304, 99, 1000, 101), o.fields(), fin)
	case 2:
		status, f := Pick(p, 103, 100, 101, 200), o.fields()
		if o.hints[id] == h3.DefaultInformational {
			return // the peer need not take more
		}
		if out, err = c.AppendInformational(nil, id, status, f); err == nil {
			o.hints[id]++
		}
	case 3:
		fin = true
		out, err = c.AppendTrailers(nil, id, o.fields())
	case 4, 5:
		fin = p.Bool()
		out, err = c.AppendData(nil, id, p.Bytes(200), fin)
	case 6, 7:
		if _, open := c.User(id); !open && o.e.out[id] != nil {
			return // no transport opens a stream twice
		}
		fin = p.Bool()
		h := h3.RequestHead{Method: Pick(p, []byte("GET"), []byte("POST"), p.Bytes(4)), Scheme: []byte("https"), Authority: []byte("a.test"), Path: Pick(p, []byte("/"), p.Bytes(9))}
		if p.N(8) == 7 {
			h.Protocol = p.Bytes(8)
		}
		out, err = c.AppendRequest(nil, id, &h, o.fields(), fin)
	case 8:
		err = c.Reset(id, h3.RequestCancelled)
	case 9:
		err = c.StopReading(id, h3.NoError)
	case 10:
		err = c.SetPriority(id, h3.Priority{Urgency: p.Byte(), Incremental: p.Bool()})
	case 11:
		err = c.Ready(id, p.Bool())
	case 12:
		if o.e.Role() == h3.Server { // the peer is a client that asks for something
			head := h3.RequestHead{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")}
			if b, err := o.peer.AppendRequest(nil, o.peer.bidi, &head, nil, true); err == nil {
				o.peer.write(o.peer.bidi, b, true)
				o.peer.bidi += 4
			}
		}
	case 13:
		if p.N(16) == 15 {
			c.Shutdown()
		}
	}
	if err != nil {
		if now := o.state(id); len(out) > 0 || now != was || c.Err() != nil {
			p.Fail("%v: %d octets, before %+v, now %+v", err, len(out), was, now)
		}
		return
	}
	if len(out) > 0 || fin {
		o.e.write(id, bytes.Clone(out), fin)
	}
}

// exchange lets all that is under way arrive. The peer, a Conn, finds nothing to blame.
func (o *h3Caller) exchange() {
	for range 1 << 10 {
		moved := false
		for _, e := range []*h3End{o.e, o.peer} {
			moved = e.flush(1<<16) || moved
			for _, id := range e.order {
				if w := e.out[id]; w.interesting() {
					moved = true
					o.arrive(e.peer(), e, id, w)
				}
			}
			for e.Pending() {
				o.p.must(e.Poll(&e.ev), "role %d: poll", e.Role())
				o.event(e)
				moved = true
			}
		}
		if !moved {
			return
		}
	}
	o.p.Fail("it never ends")
}

func (o *h3Caller) arrive(e, from *h3End, id uint64, w *h3Pipe) {
	p := o.p
	if w.stop {
		w.stop = false
		from.know(id)
		p.must(from.StopReceived(id, w.stopCode, &from.ev), "role %d: STOP_SENDING of %d", from.Role(), id)
	}
	e.know(id)
	if w.reset {
		w.over = true
		p.must(e.ResetReceived(id, w.code, &e.ev), "role %d: reset of %d", e.Role(), id)
		return
	}
	for w.carry(-1); ; {
		n, err := e.Next(id, w.in, w.fin, &e.ev)
		p.must(err, "role %d: stream %d", e.Role(), id)
		o.event(e)
		w.consume(n)
		if e.ev.Kind == h3.None {
			w.waits, w.again = e.Waits(id) == h3.WaitTable, false
			w.over = w.fin && !w.waits
			return
		}
	}
}

// event judges an event: nothing that came from the caller is malformed.
func (o *h3Caller) event(e *h3End) {
	switch e.ev.Kind {
	case h3.StreamError:
		o.p.Fail("role %d: stream %d: %s", e.Role(), e.ev.Stream, e.ev.Reason)
	case h3.Unblocked:
		w := e.peer().out[e.ev.Stream]
		w.waits, w.again = false, true
	}
}
