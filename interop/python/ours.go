package python

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec/ws"
	core "github.com/purewire/purewire/corpus/verdict"
)

// Verdict is a verdict with what is compared beside it.
type Verdict struct {
	core.Verdict
	// Code is, of Reject, the status (HTTP/1, a server), the error code (HTTP/2) or the close code (WebSocket).
	Code string
	// Connection: what was refused has ended the connection, not one stream of it (HTTP/2).
	Connection bool
}

// Ours is the verdict of our codec on an input.
func Ours(in *core.Input) Verdict {
	switch in.Wire {
	case core.HTTP1:
		return http1Messages(in)
	case core.HTTP2:
		return http2Messages(in)
	case core.WS:
		return frames(in)
	}
	return Verdict{Verdict: core.Verdict{Reason: "nobody reads " + string(in.Wire), Left: -1}}
}

// frames reads a connection of WebSocket behind its opening handshake, as core.Ours does, with pings and pongs.
func frames(in *core.Input) (v Verdict) {
	var c ws.Conn
	role := ws.Server
	if in.Role == core.Client {
		role = ws.Client
	}
	c.Init(role, &ws.Config{Rand: func() uint32 { return 0 }})
	if in.Deflate {
		c.SetDeflate(ws.Deflate{ServerNoTakeover: true, ClientNoTakeover: true, ServerBits: 15, ClientBits: 15})
	}
	defer c.Release()
	src := append([]byte(nil), in.Bytes...) // it is unmasked in place
	var ev ws.Event
	var body, out []byte
	message := func(head string, content []byte) {
		m := core.Message{Head: head}
		m.Content(content)
		v.Messages = append(v.Messages, m)
	}
	for {
		n, err := c.Next(src, &ev)
		src = src[n:]
		if err != nil {
			var e *ws.Error
			errors.As(err, &e)
			v.Outcome, v.Code = core.Reject, fmt.Sprint(int(e.Code))
			v.Reason = v.Code + " " + e.Reason
			return v
		}
		out = c.AppendOwed(out[:0], 1<<16)
		switch {
		case ev.Kind == ws.None:
			v.Outcome = core.Accept
			if !c.CloseReceived() && (len(src) > 0 || !c.Idle()) {
				v.Outcome = core.More
			}
			return v
		case ev.Kind == ws.Data:
			if ev.First {
				body = body[:0]
			}
			if body = append(body, ev.Payload...); ev.Last {
				message(ev.Opcode.String(), body)
			}
		case ev.Opcode == ws.Close:
			message(fmt.Sprintf("close %d", int(ev.Code)), ev.Reason)
		default:
			message(ev.Opcode.String(), ev.Payload)
		}
	}
}

// Compare tells how the verdict of a library differs from ours, "" if it does not: a class of core.Compare, or "code" where both
// refuse for different reasons.
func Compare(in *core.Input, ours, theirs *Verdict) string {
	// RFC 9113 section 5.4.1-4: an endpoint MAY choose to treat a stream error as a connection error. Then no message counts.
	wider := Wider(ours, theirs)
	if !wider {
		if theirs.Outcome == core.None {
			return "no verdict"
		}
		if c := core.Compare(&ours.Verdict, &theirs.Verdict); c != core.Agree {
			return c.String()
		}
	}
	if ours.Outcome == core.Reject && ours.Code != theirs.Code && !(in.Wire == core.HTTP1 && in.Role == core.Client) {
		return "code" // a client of HTTP/1 tells nobody
	}
	return ""
}

// Wider tells whether both refuse, ours a stream and the other the whole connection.
func Wider(ours, theirs *Verdict) bool {
	return ours.Outcome == core.Reject && theirs.Outcome == core.Reject && theirs.Connection && !ours.Connection
}

// Short is a verdict in three words: "reject 400", "accept 2", "more 0".
func (v *Verdict) Short() string {
	switch v.Outcome {
	case core.Reject:
		if len(v.Messages) > 0 {
			return fmt.Sprintf("reject %s after %d", v.Code, len(v.Messages))
		}
		return "reject " + v.Code
	case core.None:
		return v.Reason
	}
	return fmt.Sprintf("%s %d", v.Outcome, len(v.Messages))
}
