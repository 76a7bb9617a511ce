package path

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// validationVectors has one validation of a path, and the answers that are owed. The data of a challenge is its name.
func validationVectors(ops map[string]codectest.VectorOp) {
	var v Validation
	show := func() string {
		return fmt.Sprintf("%s, 1200 bytes %v, next at %s", validationNames[v.State()], v.MTU(), vectorDeadline(v.Deadline()))
	}
	data := func(a *codectest.Args) (c Challenge) {
		copy(c[:], a.Word())
		return c
	}
	ops["validation"] = func(a *codectest.Args) string { pto := vectorPTO(a); v.Start(vectorTime(a), pto); return show() }
	ops["validation-due"] = func(a *codectest.Args) string { return fmt.Sprint(v.Due(vectorTime(a))) }
	ops["validation-sent"] = func(a *codectest.Args) string {
		now, c := vectorTime(a), data(a)
		v.Sent(now, c, int(a.Int()))
		return show()
	}
	ops["validation-answer"] = func(a *codectest.Args) string { return fmt.Sprintf("%v: %s", v.Response(data(a)), show()) }
	ops["validation-advance"] = func(a *codectest.Args) string { return fmt.Sprintf("failed %v: %s", v.Advance(vectorTime(a)), show()) }
	ops["validation-abandon"] = func(*codectest.Args) string { v.Abandon(); return show() }

	var r Responder
	ops["challenged"] = func(a *codectest.Args) string { r.Challenged(data(a)); return fmt.Sprintf("%d owed", r.Pending()) }
	ops["respond"] = func(*codectest.Args) string {
		c, found := r.Next()
		if !found {
			return "none"
		}
		return fmt.Sprintf("%s, %d owed", codectest.Quote(c[:]), r.Pending())
	}
}

var validationNames = [...]string{Unvalidated: "unvalidated", Validating: "validating", Validated: "validated", Failed: "failed"}

// vectorPaths are the paths of one end.
type vectorPaths struct {
	p Paths
}

// tuple takes "3:1000", the peer's address; at= is ours, else it is 1:443.
func (v *vectorPaths) tuple(a *codectest.Args) Tuple {
	t := Tuple{addr(1, 443), vectorAddr(a.Word())}
	if a.Has("at") {
		t.Local = vectorAddr(a.Named("at"))
	}
	return t
}

// show has a line with all paths, the active one with a star.
func (v *vectorPaths) show() string {
	var all []string
	for i := range MaxPaths {
		e := v.p.At(i)
		if e == nil {
			continue
		}
		s := vectorAddrText(e.Tuple.Remote)
		if e.Tuple.Local != addr(1, 443) {
			s += " at " + vectorAddrText(e.Tuple.Local)
		}
		if e == v.p.Active() {
			s = "*" + s
		}
		s += " " + validationNames[e.Validation.State()]
		if !e.Limit.Validated() {
			s += fmt.Sprintf(" %d left", e.Limit.Allows(1<<30))
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

// pathVectors has paths and migration. ids are those of the operations "remote".
func pathVectors(ops map[string]codectest.VectorOp, ids *RemoteIDs) {
	v := &vectorPaths{}
	p := &v.p
	ops["paths"] = func(a *codectest.Args) string {
		role := quic.Server
		if a.Word() == "client" {
			role = quic.Client
		}
		p.Init(role, v.tuple(a), ids)
		return v.show()
	}
	ops["path-handshake"] = func(*codectest.Args) string { p.HandshakeValidated(); return v.show() }
	ops["path-confirmed"] = func(a *codectest.Args) string { p.Confirm(a.Flag("fixed")); return v.show() }
	ops["path-datagram"] = func(a *codectest.Args) string {
		t := v.tuple(a)
		return fmt.Sprintf("known %v; %s", p.Datagram(t, int(a.Int())) != nil, v.show())
	}
	// A datagram with one authentic packet.
	ops["path-packet"] = func(a *codectest.Args) string {
		probing, old, pto, now := a.Flag("probing"), a.Flag("old"), vectorPTO(a), vectorTime(a)
		t, size := v.tuple(a), int(a.Int())
		path := p.Datagram(t, size)
		if path == nil {
			if path = p.Open(t, size); path == nil {
				return "dropped; " + v.show()
			}
		}
		migrated, reset := p.Packet(now, path, probing, !old, pto)
		return fmt.Sprintf("migrated %v, reset %v; %s", migrated, reset, v.show())
	}
	ops["path-id"] = func(a *codectest.Args) string {
		path := p.Find(v.tuple(a))
		if path == nil {
			return "no path"
		}
		seq, found := p.Sequence(path)
		return fmt.Sprintf("%d %v", seq, found)
	}
	ops["path-sent"] = func(a *codectest.Args) string {
		path := p.Find(v.tuple(a))
		if err := path.Limit.Sent(int(a.Int())); err != nil {
			return vectorError(err)
		}
		return v.show()
	}
	// PATH_CHALLENGE is sent, if one is due and may be, in a datagram of 1200 bytes or what is allowed. Its data is the name.
	ops["path-challenge"] = func(a *codectest.Args) string {
		now := vectorTime(a)
		path, name := p.Find(v.tuple(a)), a.Word()
		if path == nil || !path.Validation.Due(now) {
			return "not due"
		}
		seq, found := p.Sequence(path)
		if !found {
			return "no connection ID"
		}
		size := path.Limit.Allows(MinDatagram)
		if size < 38 {
			return "no room"
		}
		var c Challenge
		copy(c[:], name)
		if err := path.Limit.Sent(size); err != nil {
			return vectorError(err)
		}
		path.Validation.Sent(now, c, size)
		return fmt.Sprintf("%d bytes with connection ID %d", size, seq)
	}
	ops["path-response"] = func(a *codectest.Args) string {
		pto, now := vectorPTO(a), vectorTime(a)
		var c Challenge
		copy(c[:], a.Word())
		o := p.Response(now, c, pto)
		if o.Path == nil {
			return "answers nothing; " + v.show()
		}
		return fmt.Sprintf("answers for %s, migrated %v, reset %v; %s", vectorAddrText(o.Path.Tuple.Remote), o.Migrated, o.Reset, v.show())
	}
	ops["path-probe"] = func(a *codectest.Args) string {
		pto, now := vectorPTO(a), vectorTime(a)
		if p.Probe(now, v.tuple(a), pto) == nil {
			return "not allowed; " + v.show()
		}
		return v.show()
	}
	ops["path-migrate"] = func(a *codectest.Args) string {
		if err := p.Migrate(p.Find(v.tuple(a))); err != nil {
			return vectorError(err)
		}
		return v.show()
	}
	ops["path-abandon"] = func(a *codectest.Args) string { p.Find(v.tuple(a)).Validation.Abandon(); return v.show() }
	ops["path-advance"] = func(a *codectest.Args) string {
		reverted, reset, lost := p.Advance(vectorTime(a))
		return fmt.Sprintf("reverted %v, reset %v, lost %v; %s", reverted, reset, lost, v.show())
	}
	ops["path-deadline"] = func(*codectest.Args) string { return vectorDeadline(p.Deadline()) }
}
