package verdict

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec/ws"
)

// wsFrames reads a connection behind its opening handshake, in either role.
func wsFrames(in *Input) (v Verdict) {
	var c ws.Conn
	cfg := ws.Config{Rand: func() uint32 { return 0 }}
	role := ws.Server
	if in.Role == Client {
		role = ws.Client
	}
	c.Init(role, &cfg)
	if in.Deflate {
		c.SetDeflate(ws.Deflate{ServerNoTakeover: true, ClientNoTakeover: true, ServerBits: 15, ClientBits: 15})
	}
	defer c.Release()
	src := append([]byte(nil), in.Bytes...) // it is unmasked in place
	var ev ws.Event
	var m Message
	var body, out []byte
	at, whole := 0, 0
	for {
		n, err := c.Next(src[at:], &ev)
		at += n
		if err != nil {
			var e *ws.Error
			errors.As(err, &e)
			return v.refuse(fmt.Sprintf("%d %s", int(e.Code), e.Reason), len(src)-whole)
		}
		out = c.AppendOwed(out[:0], 1<<16)
		switch {
		case ev.Kind == ws.None:
			v.Outcome = Accept
			if !c.CloseReceived() && (at < len(src) || !c.Idle()) {
				v.Outcome = More
			}
			v.Left = int64(len(src) - whole)
			return v
		case ev.Kind == ws.Data:
			if ev.First {
				m, body = Message{Head: ev.Opcode.String()}, body[:0]
			}
			body = append(body, ev.Payload...)
			if !ev.Last {
				continue
			}
			m.Content(body)
			v.Messages = append(v.Messages, m)
		case ev.Opcode == ws.Close:
			m := Message{Head: fmt.Sprintf("close %d", int(ev.Code))}
			m.Content(ev.Reason)
			v.Messages = append(v.Messages, m)
		}
		whole = at
	}
}
