package python

import (
	"errors"
	"fmt"
	"slices"

	"github.com/purewire/purewire/codec/http2"
	core "github.com/purewire/purewire/corpus/verdict"
)

// h2stream is what has come on a stream.
type h2stream struct {
	m           core.Message
	body        []byte
	whole, gone bool
}

// http2Messages reads a connection of HTTP/2 as core.Ours does, with interim responses, resets and GOAWAY of the peer, the PINGs that are answered, and what has
// come of messages that are not whole where the input ends. Messages are in order of stream, the rest behind them in its own order.
func http2Messages(in *core.Input) (v Verdict) {
	var c http2.Conn
	role := http2.Server
	if in.Role == core.Client {
		role = http2.Client
	}
	c.Init(role, http2.Config{}.Profile())
	if role == http2.Client {
		head := http2.RequestHead{Method: []byte(in.Method), Scheme: []byte("http"), Authority: []byte("a.test"), Path: []byte("/")}
		if _, _, err := c.AppendRequest(nil, &head, nil, true); err != nil {
			return Verdict{Verdict: core.Verdict{Reason: err.Error(), Left: -1}}
		}
	}
	streams := map[uint32]*h2stream{}
	var rest []core.Message
	add := func(m core.Message) {
		m.Content(nil)
		rest = append(rest, m)
	}
	note := func(format string, args ...any) { add(core.Message{Head: fmt.Sprintf(format, args...)}) }
	answered := func() {
		for _, p := range pongs(c.AppendOwed(nil, 1<<16)) {
			note("ping %x", p)
		}
	}
	fault := func(id uint32, code, reason string) {
		if v.Outcome != core.Reject {
			v.Outcome, v.Code, v.Reason = core.Reject, code, fmt.Sprintf("stream %d %s %s", id, code, reason)
		}
		if s := streams[id]; s != nil {
			s.gone = true
		}
	}
	var ev http2.Event
	src, waits := in.Bytes, false
	v.Left = -1
	c.Advance(1)
	for {
		answered()
		n, err := c.Next(src, &ev)
		src = src[n:]
		if err != nil {
			var e *http2.Error
			errors.As(err, &e)
			return Verdict{Verdict: core.Verdict{Outcome: core.Reject, Left: -1, Reason: fmt.Sprintf("connection %s %s", e.Code.String(), e.Reason)}, Code: e.Code.String(), Connection: true}
		}
		id := ev.Stream
		s := streams[id]
		switch ev.Kind {
		case http2.None:
			answered()
			waits = len(src) > 0
			if err := c.Finish(); err != nil {
				waits = true // the preface or SETTINGS have not come
			}
			return v.http2(streams, rest, waits || role == http2.Client && len(streams) == 0 && !c.Idle())
		case http2.Request:
			s = &h2stream{m: core.Message{Head: fmt.Sprintf("%d %s %s", id, ev.Method, ev.Path), Authority: string(ev.Authority), Fields: fieldsOf(ev.Fields)}}
			streams[id] = s
		case http2.Response:
			s = &h2stream{m: core.Message{Head: fmt.Sprintf("%d %d", id, ev.Status), Fields: fieldsOf(ev.Fields)}}
			streams[id] = s
		case http2.Informational:
			add(core.Message{Head: fmt.Sprintf("%d interim %d", id, ev.Status), Fields: fieldsOf(ev.Fields)})
		case http2.TooLarge:
			fault(id, "431", "the field section is too large")
			c.Reset(id, http2.NoError)
			c.Release(id)
			continue
		case http2.Data:
			if s != nil {
				s.body = append(s.body, ev.Data...)
			}
			c.Consumed(id, len(ev.Data))
		case http2.Trailers:
			if s != nil {
				s.m.Trailers = fieldsOf(ev.Fields)
			}
			ev.EndStream = true
		case http2.StreamReset:
			if s != nil {
				s.gone = true
			}
			note("reset %d %s", id, codeName(ev.Code))
			c.Release(id)
			continue
		case http2.StreamError:
			fault(id, ev.Code.String(), ev.Reason)
			c.Release(id)
			continue
		case http2.GoAwayReceived:
			note("goaway %d %s", ev.LastStream, codeName(ev.Code))
			continue
		default:
			continue
		}
		if ev.EndStream && s != nil {
			s.whole = true
		}
	}
}

// http2 is the verdict on what came.
func (v *Verdict) http2(streams map[uint32]*h2stream, rest []core.Message, waits bool) Verdict {
	var ids []uint32
	for id := range streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := streams[id]
		if s.gone {
			continue
		}
		if !s.whole {
			waits = true
			s.m.Head = "open " + s.m.Head
		}
		s.m.Content(s.body)
		v.Messages = append(v.Messages, s.m)
	}
	v.Messages = append(v.Messages, rest...)
	switch {
	case v.Outcome == core.Reject:
	case waits:
		v.Outcome = core.More
	default:
		v.Outcome = core.Accept
	}
	return *v
}

// codeName is the name of an error code, or its number.
func codeName(c http2.ErrorCode) string {
	if c > http2.HTTP11Required {
		return fmt.Sprintf("0x%x", uint32(c))
	}
	return c.String()
}

// pongs are the payloads of the PING acknowledgments in what a connection owes.
func pongs(out []byte) (all [][]byte) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	if len(out) >= len(preface) && string(out[:len(preface)]) == preface {
		out = out[len(preface):]
	}
	var h http2.FrameHeader
	for http2.ParseFrameHeader(out, &h) > 0 {
		out = out[http2.FrameHeaderLen:]
		if h.Type == http2.FramePing && h.Flags&1 != 0 {
			all = append(all, out[:h.Length])
		}
		out = out[h.Length:]
	}
	return all
}
