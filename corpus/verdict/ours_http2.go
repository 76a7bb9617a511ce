package verdict

import (
	"errors"
	"fmt"
	"slices"

	"github.com/purewire/purewire/codec/http2"
)

// streams collects what comes on the streams of a connection.
type streams struct {
	order []uint64
	open  map[uint64]*received
	// faults are stream errors, in order.
	faults []string
}

type received struct {
	m    Message
	body []byte
	// whole: the message has ended. gone: either end has reset the stream, whatever had come of it.
	whole, gone bool
}

func (s *streams) add(id uint64, m Message) {
	if s.open == nil {
		s.open = map[uint64]*received{}
	}
	s.order = append(s.order, id)
	s.open[id] = &received{m: m}
}

func (s *streams) data(id uint64, p []byte) {
	if st := s.open[id]; st != nil {
		st.body = append(st.body, p...)
	}
}

func (s *streams) end(id uint64) {
	if st := s.open[id]; st != nil {
		st.whole = true
		st.m.Content(st.body)
	}
}

func (s *streams) reset(id uint64) {
	if st := s.open[id]; st != nil {
		st.gone = true
	}
}

// verdict is that on the whole connection. Messages are in order of stream. Those of streams that either end has reset are not
// among them, and none is after a connection error, for how far they had come is a matter of time.
func (s *streams) verdict() (v Verdict) {
	v.Outcome, v.Left = Accept, -1
	slices.Sort(s.order)
	for _, id := range s.order {
		switch st := s.open[id]; {
		case st.gone:
		case st.whole:
			v.Messages = append(v.Messages, st.m)
		default:
			v.Outcome = More
		}
	}
	if len(s.faults) > 0 {
		v.Outcome, v.Reason = Reject, s.faults[0]
	}
	return v
}

// http2Server reads a connection as a server that answers nothing before it has read everything.
func http2Server(in *Input) Verdict {
	var c http2.Conn
	c.Init(http2.Server, http2.Config{}.Profile())
	return http2Read(in, &c)
}

// http2Client reads a connection as a client that has sent in.Method on stream 1.
func http2Client(in *Input) Verdict {
	var c http2.Conn
	c.Init(http2.Client, http2.Config{}.Profile())
	head := http2.RequestHead{Method: []byte(in.Method), Scheme: []byte("http"), Authority: []byte("a.test"), Path: []byte("/")}
	if _, _, err := c.AppendRequest(nil, &head, nil, true); err != nil {
		return Verdict{Reason: err.Error(), Left: -1}
	}
	v := http2Read(in, &c)
	if v.Outcome == Accept && len(v.Messages) == 0 && !c.Idle() {
		v.Outcome = More // no answer at all
	}
	return v
}

func http2Read(in *Input, c *http2.Conn) Verdict {
	var s streams
	var ev http2.Event
	var out []byte
	src := in.Bytes
	c.Advance(1)
	for {
		out = c.AppendOwed(out[:0], 1<<16)
		n, err := c.Next(src, &ev)
		src = src[n:]
		if err != nil {
			v := s.verdict()
			var e *http2.Error
			errors.As(err, &e)
			v.Messages = nil
			return v.refuse(fmt.Sprintf("connection %s %s", e.Code.String(), e.Reason), -1)
		}
		id := uint64(ev.Stream)
		switch ev.Kind {
		case http2.None:
			v := s.verdict()
			if len(src) > 0 && v.Outcome == Accept {
				v.Outcome = More
			}
			if err := c.Finish(); err != nil && v.Outcome == Accept {
				var e *http2.Error // the preface or SETTINGS have not come
				if errors.As(err, &e) {
					v.Outcome = More
				}
			}
			return v
		case http2.Request:
			s.add(id, Message{Head: fmt.Sprintf("%d %s %s", id, ev.Method, ev.Path), Authority: string(ev.Authority), Fields: fieldsOf(ev.Fields)})
		case http2.Response:
			s.add(id, Message{Head: fmt.Sprintf("%d %d", id, ev.Status), Fields: fieldsOf(ev.Fields)})
		case http2.TooLarge:
			s.faults = append(s.faults, fmt.Sprintf("stream %d 431 the field section is too large", id))
			c.Reset(ev.Stream, http2.NoError)
			c.Release(ev.Stream)
			continue
		case http2.Data:
			s.data(id, ev.Data)
			c.Consumed(ev.Stream, len(ev.Data))
		case http2.Trailers:
			if st := s.open[id]; st != nil {
				st.m.Trailers = fieldsOf(ev.Fields)
			}
			ev.EndStream = true
		case http2.StreamReset:
			s.reset(id)
			c.Release(ev.Stream)
			continue
		case http2.StreamError:
			s.faults = append(s.faults, fmt.Sprintf("stream %d %s %s", id, ev.Code.String(), ev.Reason))
			s.reset(id)
			c.Release(ev.Stream)
			continue
		default:
			continue
		}
		if ev.EndStream {
			s.end(id)
		}
	}
}
