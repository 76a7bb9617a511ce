package verdict

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// leniency makes the profile in which the named members of http1.Leniency are set. No names: nil, the strict default.
func leniency(names []string) (*http1.Profile, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var o http1.Options
	set := reflect.ValueOf(&o.Leniency).Elem()
	for _, name := range names {
		f := set.FieldByName(name)
		if !f.IsValid() {
			return nil, fmt.Errorf("there is no leniency %q", name)
		}
		f.SetBool(true)
	}
	return o.Profile(), nil
}

// lenient is the verdict of ours with in.Lenient.
func lenient(in *Input) Verdict {
	p, err := leniency(in.Lenient)
	switch {
	case err != nil:
		return Verdict{Reason: err.Error(), Left: -1}
	case in.Wire == HTTP1 && in.Role == Server:
		return http1Requests(in, p)
	case in.Wire == HTTP1:
		return http1Responses(in, p)
	}
	return Verdict{Reason: fmt.Sprintf("there is no leniency in %s", in.Wire), Left: -1}
}

// fieldsOf are the canonical fields of a list of ours.
func fieldsOf(list []codec.Field) []Field {
	out := make([]Field, len(list))
	for i, f := range list {
		out[i] = Field{string(f.Name), string(f.Value)}
	}
	return Canonical(out)
}

// http1Requests reads a connection as a server that answers everything and obeys Connection: close.
func http1Requests(in *Input, p *http1.Profile) Verdict {
	var d http1.Decoder
	d.InitRequest(p)
	return http1Read(in, &d, func() bool { d.Resume(); return true })
}

// http1Responses reads a connection as a client that has sent in.Method again and again.
func http1Responses(in *Input, p *http1.Profile) Verdict {
	var d http1.Decoder
	d.InitResponse(p)
	m := http1.LookupMethod([]byte(in.Method))
	return http1Read(in, &d, func() bool { d.Expect(m, false); return true })
}

func http1Read(in *Input, d *http1.Decoder, next func() bool) (v Verdict) {
	src := append([]byte(nil), in.Bytes...) // a leniency may write to it
	var ev http1.Event
	var m Message
	var body []byte
	at, whole, keep, tunnel := 0, 0, true, false
	done := func() {
		m.Content(body)
		m.Trailers = fieldsOf(ev.Fields)
		v.Messages = append(v.Messages, m)
		whole = at
	}
	for {
		if d.Paused() {
			if !keep || tunnel || at == len(src) {
				break
			}
			next()
		}
		n, err := d.Next(src[at:], &ev)
		at += n
		if err != nil {
			return v.refuse(http1Reason(err), len(src)-whole)
		}
		switch ev.Kind {
		case http1.None:
			if err := d.Finish(&ev); err != nil {
				v.Outcome, v.Left = More, int64(len(src)-whole)
				return v
			}
			if ev.Kind == http1.End {
				done()
			}
			if v.Outcome = Accept; at < len(src) { // a CR, perhaps of an empty line
				v.Outcome, v.Left = More, int64(len(src)-at)
			}
			return v
		case http1.Request:
			m = Message{Head: string(ev.Method) + " " + string(ev.Target), Authority: string(ev.Authority), Fields: fieldsOf(ev.Fields)}
			body, keep, tunnel = nil, ev.KeepAlive, ev.MethodID == http1.MethodConnect
		case http1.Response:
			m = Message{Head: fmt.Sprint(ev.Status), Fields: fieldsOf(ev.Fields)}
			body, keep, tunnel = nil, ev.KeepAlive, ev.Framing == http1.Tunnel
		case http1.Body:
			body = append(body, ev.Data...)
		case http1.End:
			done()
		}
	}
	v.Outcome, v.Left = Accept, int64(len(src)-at)
	return v
}

// refuse makes v a rejection.
func (v *Verdict) refuse(reason string, left int) Verdict {
	v.Outcome, v.Reason, v.Left = Reject, reason, int64(left)
	return *v
}

func http1Reason(err error) string {
	var e *http1.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s", int(e.Code), e.Reason)
	}
	return err.Error()
}
