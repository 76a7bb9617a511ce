package verdict

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/h3"
)

// h3Profile: extended CONNECT is on, as in other servers; there is no dynamic table, as in other implementations.
var h3Profile = h3.Config{ExtendedConnect: true, Table: -1, BlockedStreams: -1}.Profile()

// h3Server reads a connection as a server that answers nothing before it has read everything.
func h3Server(in *Input) Verdict { return h3Read(in, newH3(h3.Server)) }

// h3Client reads a connection as a client that has sent in.Method on stream 0.
func h3Client(in *Input) Verdict {
	e := newH3(h3.Client)
	head := h3.RequestHead{Method: []byte(in.Method), Scheme: []byte("https"), Authority: []byte("a.test"), Path: []byte("/")}
	if _, err := e.c.AppendRequest(nil, 0, &head, nil, true); err != nil {
		return Verdict{Reason: err.Error(), Left: -1}
	}
	v := h3Read(in, e)
	if v.Outcome == Accept && len(v.Messages) == 0 && e.c.Streams() > 0 {
		v.Outcome = More // no answer at all
	}
	return v
}

// h3End is a Conn with a transport that keeps what it does not consume.
type h3End struct {
	c    h3.Conn
	role h3.Role
	ev   h3.Event
	kept map[uint64]*h3Kept
	s    streams
}

type h3Kept struct {
	buf []byte
	fin bool
	// over: the Conn has ended it, or wants no more of it.
	over bool
}

func newH3(role h3.Role) *h3End {
	e := &h3End{role: role, kept: map[uint64]*h3Kept{}}
	e.c.Init(role, h3Profile)
	e.c.Advance(1)
	for i := range uint64(3) {
		_ = e.c.OpenUni(3 - uint64(role) + 4*i) // a server's are 3, 7 and 11
	}
	e.turn()
	return e
}

// turn takes all that the Conn wants done.
func (e *h3End) turn() {
	var a h3.Abort
	for e.c.NextAbort(&a) {
		if k := e.kept[a.Stream]; k != nil && a.Stop {
			k.over = true
		}
	}
	for id, owes := e.c.NextOwed(); owes; id, owes = e.c.NextOwed() {
		e.c.AppendOwed(nil, id, 1<<16)
	}
}

func h3Read(in *Input, e *h3End) Verdict {
	steps, err := Steps(in.Bytes)
	if err != nil {
		return Verdict{Reason: err.Error(), Left: -1}
	}
	now := codec.Time(1)
	for i := range steps {
		now += 1e6
		e.c.Advance(now)
		if err := e.step(&steps[i]); err != nil {
			var f *h3.Error
			errors.As(err, &f)
			if f.Scope == codec.ScopeMisuse {
				return Verdict{Reason: f.Reason, Left: -1}
			}
			v := Verdict{}
			return v.refuse(fmt.Sprintf("connection %s %s", f.Code.String(), f.Reason), -1)
		}
		e.turn()
	}
	v := e.s.verdict()
	for id, k := range e.kept {
		// A frame that is not whole, or a request stream without a message and without an end.
		waits := len(k.buf) > 0 || id&3 == 0 && !k.fin && e.s.open[id] == nil
		if waits && !k.over && v.Outcome == Accept {
			v.Outcome = More
		}
	}
	return v
}

func (e *h3End) step(s *Step) error {
	own := uint64(e.role) ^ 1 // the lowest bit of streams that this end opens
	k := e.kept[s.Stream]
	if k == nil {
		k = &h3Kept{}
		e.kept[s.Stream] = k
		if s.Stream&1 != own {
			if err := e.c.Open(s.Stream); err != nil {
				return err
			}
		}
	}
	switch s.Kind {
	case StepReset:
		k.over = true
		return e.told(e.c.ResetReceived(s.Stream, h3.ErrorCode(s.Code), &e.ev))
	case StepStop:
		return e.told(e.c.StopReceived(s.Stream, h3.ErrorCode(s.Code), &e.ev))
	}
	k.buf, k.fin = append(k.buf, s.Bytes...), k.fin || s.Fin
	for {
		n, err := e.c.Next(s.Stream, k.buf, k.fin, &e.ev)
		if err != nil {
			return err
		}
		over := e.ev.Kind == h3.None || e.ev.EndStream
		e.event()
		k.buf = k.buf[n:]
		if over {
			return nil
		}
	}
}

// told takes what a call has left in the event.
func (e *h3End) told(err error) error {
	if err == nil {
		e.event()
	}
	return err
}

func (e *h3End) event() {
	ev := &e.ev
	id := ev.Stream
	switch ev.Kind {
	case h3.Request:
		head := fmt.Sprintf("%d %s %s", id, ev.Method, ev.Path)
		if ev.Protocol != nil {
			head += fmt.Sprintf(" with %s", ev.Protocol)
		}
		e.s.add(id, Message{Head: head, Authority: string(ev.Authority), Fields: fieldsOf(ev.Fields)})
	case h3.Response:
		e.s.add(id, Message{Head: fmt.Sprintf("%d %d", id, ev.Status), Fields: fieldsOf(ev.Fields)})
	case h3.TooLarge:
		e.s.faults = append(e.s.faults, fmt.Sprintf("stream %d 431 the field section is too large", id))
		_ = e.c.Reset(id, h3.NoError)
		return
	case h3.Data:
		e.s.data(id, ev.Data)
	case h3.Trailers:
		if st := e.s.open[id]; st != nil {
			st.m.Trailers = fieldsOf(ev.Fields)
		}
	case h3.StreamReset:
		e.s.reset(id)
		return
	case h3.StreamError:
		e.s.faults = append(e.s.faults, fmt.Sprintf("stream %d %s %s", id, ev.Code.String(), ev.Reason))
		e.s.reset(id)
		return
	default:
		return
	}
	if ev.EndStream {
		e.s.end(id)
	}
}
