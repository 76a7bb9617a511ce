package python

import (
	"errors"
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
	core "github.com/purewire/purewire/corpus/verdict"
)

// http1Messages reads a connection of HTTP/1.1 as core.Ours does, with the interim responses, and with what has come of a message that is not
// whole where the input ends.
func http1Messages(in *core.Input) (v Verdict) {
	var d http1.Decoder
	server := in.Role == core.Server
	if server {
		d.InitRequest(nil)
	} else {
		d.InitResponse(nil)
	}
	src := append([]byte(nil), in.Bytes...)
	var ev http1.Event
	var m *core.Message // the one that is open
	var body []byte
	begin := func(head string, authority []byte) {
		m, body = &core.Message{Head: head, Authority: string(authority), Fields: fieldsOf(ev.Fields)}, nil
	}
	end := func() {
		m.Content(body)
		v.Messages = append(v.Messages, *m)
		m = nil
	}
	keep, tunnel := true, false
	v.Left = -1
	for {
		if d.Paused() {
			if !keep || tunnel || len(src) == 0 {
				v.Outcome = core.Accept
				return v
			}
			if server {
				d.Resume()
			} else {
				d.Expect(http1.LookupMethod([]byte(in.Method)), false)
			}
		}
		n, err := d.Next(src, &ev)
		src = src[n:]
		if err != nil {
			var e *http1.Error
			errors.As(err, &e)
			v.Outcome, v.Code = core.Reject, fmt.Sprint(int(e.Code))
			v.Reason = v.Code + " " + e.Reason
			return v
		}
		switch ev.Kind {
		case http1.None:
			if err := d.Finish(&ev); err != nil {
				v.Outcome = core.More
				if m != nil {
					m.Head = "open " + m.Head
					end()
				}
				return v
			}
			if ev.Kind == http1.End {
				m.Trailers = fieldsOf(ev.Fields)
				end()
			}
			if v.Outcome = core.Accept; len(src) > 0 { // a CR, perhaps of an empty line
				v.Outcome = core.More
			}
			return v
		case http1.Request:
			begin(string(ev.Method)+" "+string(ev.Target), ev.Authority)
			keep, tunnel = ev.KeepAlive, ev.MethodID == http1.MethodConnect
		case http1.Response:
			begin(fmt.Sprint(ev.Status), nil)
			keep, tunnel = ev.KeepAlive, ev.Framing == http1.Tunnel
		case http1.Informational:
			begin(fmt.Sprintf("interim %d", ev.Status), nil)
			end()
		case http1.Body:
			body = append(body, ev.Data...)
		case http1.End:
			m.Trailers = fieldsOf(ev.Fields)
			end()
		}
	}
}

// fieldsOf are the canonical fields of a list of ours.
func fieldsOf(list []codec.Field) []core.Field {
	out := make([]core.Field, len(list))
	for i, f := range list {
		out[i] = core.Field{Name: string(f.Name), Value: string(f.Value)}
	}
	return core.Canonical(out)
}
