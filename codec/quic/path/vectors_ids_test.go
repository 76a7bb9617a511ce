package path

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

func vectorFrame(f *quic.Frame, found bool) string {
	if !found {
		return "none"
	}
	if f.Kind == quic.RetireConnectionID {
		return fmt.Sprintf("%v %d", f.Kind, f.Sequence)
	}
	return fmt.Sprintf("%v %d retire %d %x token %x", f.Kind, f.Sequence, f.Value, f.Data, f.Token[:2])
}

// vectorID takes an ID in hexadecimal digits; its token is its first octet sixteen times.
func vectorID(a *codectest.Args) (id quic.ConnectionID, token quic.ResetToken) {
	b := a.Hex()
	id, _ = quic.MakeConnectionID(b)
	if a.Has("token") {
		b = a.NamedHex("token")
	}
	for i := range token {
		if len(b) > 0 {
			token[i] = b[0]
		}
	}
	return id, token
}

// localVectors has the connection IDs that this end issues.
func localVectors(ops map[string]codectest.VectorOp) {
	var l LocalIDs
	show := func() string {
		var ids []string
		l.Each(func(id quic.ConnectionID) { ids = append(ids, fmt.Sprintf("%x", id.Bytes())) })
		return fmt.Sprintf("%d active, %d wanted: %s", l.Active(), l.Wanted(), strings.Join(ids, " "))
	}
	ops["local"] = func(a *codectest.Args) string {
		var first quic.ConnectionID
		if a.More() {
			first, _ = vectorID(a)
		}
		l.Init(first)
		return show()
	}
	ops["local-limit"] = func(a *codectest.Args) string { l.SetLimit(a.Uint()); return show() }
	ops["local-issue"] = func(a *codectest.Args) string {
		seq, err := l.Issue(vectorID(a))
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%d; %s", seq, show())
	}
	ops["local-preferred"] = func(a *codectest.Args) string {
		if err := l.Preferred(vectorID(a)); err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["local-sequence"] = func(a *codectest.Args) string {
		seq, found := l.Sequence(a.Hex())
		return fmt.Sprintf("%d %v", seq, found)
	}
	ops["local-retire-all"] = func(*codectest.Args) string { l.RetireAll(); return show() }
	ops["local-replace"] = func(a *codectest.Args) string {
		seq, err := l.Replace(vectorID(a))
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%d; %s", seq, show())
	}
	ops["local-frame"] = func(*codectest.Args) string { var f quic.Frame; return vectorFrame(&f, l.NextFrame(&f)) }
	ops["local-acked"] = func(a *codectest.Args) string { l.Acked(a.Uint()); return "" }
	ops["local-lost"] = func(a *codectest.Args) string { l.Lost(a.Uint()); return "" }
	ops["local-retire"] = func(a *codectest.Args) string {
		seq, dst, in := a.Uint(), uint64(0), a.Has("in")
		if in {
			dst = a.NamedUint("in")
		}
		id, retired, err := l.Retire(seq, dst, in)
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%v %x; %s", retired, id.Bytes(), show())
	}
}

// remoteVectors has the connection IDs that the peer issues.
func remoteVectors(ops map[string]codectest.VectorOp, r *RemoteIDs) {
	show := func() string {
		return fmt.Sprintf("%d of %d active, %d unused, %d retiring", r.Active(), r.Limit(), r.Unused(), r.Retiring())
	}
	done := func(err error) string {
		if err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["remote"] = func(a *codectest.Args) string {
		limit := int(a.NamedInt("limit"))
		var first quic.ConnectionID
		if a.More() {
			first, _ = vectorID(a)
		}
		r.Init(first, limit)
		return show()
	}
	ops["remote-token"] = func(a *codectest.Args) string { _, token := vectorID(a); r.SetToken(token); return show() }
	ops["remote-preferred"] = func(a *codectest.Args) string {
		id, token := vectorID(a)
		return done(r.Preferred(&quic.PreferredAddress{ID: id, ResetToken: token}))
	}
	ops["remote-new"] = func(a *codectest.Args) string {
		seq, prior := a.Uint(), a.NamedUint("prior")
		id, token := vectorID(a)
		return done(r.New(&quic.Frame{Kind: quic.NewConnectionID, Sequence: seq, Value: prior, Data: id.Bytes(), Token: token}))
	}
	ops["remote-get"] = func(a *codectest.Args) string {
		id, found := r.Get(a.Uint())
		return fmt.Sprintf("%x %v", id.Bytes(), found)
	}
	ops["remote-use"] = func(*codectest.Args) string {
		seq, id, err := r.Use()
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%d %x; %s", seq, id.Bytes(), show())
	}
	ops["remote-retire"] = func(a *codectest.Args) string { return done(r.Retire(a.Uint())) }
	ops["remote-frame"] = func(*codectest.Args) string { var f quic.Frame; return vectorFrame(&f, r.NextFrame(&f)) }
	ops["remote-acked"] = func(a *codectest.Args) string { r.Acked(a.Uint()); return show() }
	ops["remote-lost"] = func(a *codectest.Args) string { r.Lost(a.Uint()); return show() }
	ops["remote-reset"] = func(a *codectest.Args) string { return fmt.Sprint(r.IsReset(a.Hex())) }
}
