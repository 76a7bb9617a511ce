package path

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// The small machines of a connection's end and its paths, as scripts: corpus/quic/vectors/path. Times are milliseconds, a word pto= is the probe
// timeout, 100 if it is not there.
func TestVectors(t *testing.T) {
	codectest.RunVectors(t, "../../../corpus/quic/vectors/path", func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		endVectors(ops)
		mtuVectors(ops)
		localVectors(ops)
		remoteVectors(ops)
		return ops
	})
}

const vectorMS = codec.Time(time.Millisecond)

func vectorTime(a *codectest.Args) codec.Time { return codec.Time(a.Int()) * vectorMS }

func vectorPTO(a *codectest.Args) time.Duration {
	if a.Has("pto") {
		return time.Duration(a.NamedInt("pto")) * time.Millisecond
	}
	return 100 * time.Millisecond
}

func vectorDeadline(d codec.Time) string {
	if d == codec.Never {
		return "never"
	}
	return fmt.Sprint(int64(d / vectorMS))
}

func vectorError(err error) string {
	var e *quic.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return "an unknown error " + err.Error()
	case e.Scope == codec.ScopeMisuse:
		return "misuse " + e.Reason
	case e.Scope == 0:
		return "drop " + e.Reason
	}
	return fmt.Sprintf("%v in frame %02x %s", e.Code, e.Frame, e.Reason)
}

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

// endVectors has the anti-amplification limit, the idle timeout and closing.
func endVectors(ops map[string]codectest.VectorOp) {
	var amp Amplification
	ops["amp-received"] = func(a *codectest.Args) string { amp.Received(int(a.Int())); return "" }
	ops["amp-allows"] = func(a *codectest.Args) string {
		return fmt.Sprintf("%d validated %v", amp.Allows(int(a.Int())), amp.Validated())
	}
	ops["amp-sent"] = func(a *codectest.Args) string { return vectorError(amp.Sent(int(a.Int()))) }
	ops["amp-validate"] = func(*codectest.Args) string { amp.Validate(); return "" }

	var c Closer
	closing := func() string {
		return fmt.Sprintf("%v due %v until %s", c.State(), c.Due(), vectorDeadline(c.Deadline()))
	}
	ops["close"] = func(a *codectest.Args) string { pto := vectorPTO(a); c.Close(vectorTime(a), pto); return closing() }
	ops["peer-closed"] = func(a *codectest.Args) string {
		pto := vectorPTO(a)
		c.PeerClosed(vectorTime(a), pto)
		return closing()
	}
	ops["close-reset"] = func(a *codectest.Args) string { pto := vectorPTO(a); c.Reset(vectorTime(a), pto); return closing() }
	ops["close-abort"] = func(*codectest.Args) string { c.Abort(); return closing() }
	ops["close-received"] = func(*codectest.Args) string { c.Received(); return closing() }
	ops["close-sent"] = func(*codectest.Args) string { c.Sent(); return closing() }
	ops["close-advance"] = func(a *codectest.Args) string { return fmt.Sprintf("%v, %s", c.Advance(vectorTime(a)), closing()) }
	ops["close-state"] = func(a *codectest.Args) string { return CloseState(a.Int()).String() }

	var i Idle
	idle := func() string {
		return fmt.Sprintf("timeout %d at %s, ping at %s", i.Timeout().Milliseconds(), vectorDeadline(i.Deadline(100*time.Millisecond)), vectorDeadline(i.KeepAlive()))
	}
	ops["idle"] = func(a *codectest.Args) string {
		d := func(name string) time.Duration { return time.Duration(a.NamedInt(name)) * time.Millisecond }
		i.Start(vectorTime(a), d("local"), d("remote"), d("keep"))
		return idle()
	}
	ops["idle-remote"] = func(a *codectest.Args) string { i.SetRemote(time.Duration(a.Int()) * time.Millisecond); return idle() }
	ops["idle-received"] = func(a *codectest.Args) string { i.Received(vectorTime(a)); return idle() }
	ops["idle-sent"] = func(a *codectest.Args) string { i.Sent(vectorTime(a)); return idle() }
	ops["idle-expired"] = func(a *codectest.Args) string { pto := vectorPTO(a); return fmt.Sprint(i.Expired(vectorTime(a), pto)) }
}

// mtuVectors has the search for the largest datagram.
func mtuVectors(ops map[string]codectest.VectorOp) {
	var m MTU
	show := func() string { return fmt.Sprintf("%d, next search at %s", m.Size(), vectorDeadline(m.Deadline())) }
	ops["mtu"] = func(a *codectest.Args) string { m.Start(int(a.Int())); return show() }
	ops["mtu-size"] = func(*codectest.Args) string { return show() }
	// A probe is sent if one is due. What is acknowledged or lost is the last one, or has the size that is said.
	last := 0
	ops["mtu-probe"] = func(a *codectest.Args) string {
		n := m.Probe(vectorTime(a))
		if n > 0 {
			m.Sent(n)
			last = n
		}
		return fmt.Sprint(n)
	}
	size := func(a *codectest.Args) int {
		if a.More() {
			return int(a.Int())
		}
		return last
	}
	ops["mtu-acked"] = func(a *codectest.Args) string { now := vectorTime(a); m.Acked(now, size(a)); return show() }
	ops["mtu-lost"] = func(a *codectest.Args) string { now := vectorTime(a); m.Lost(now, size(a)); return show() }
	ops["mtu-packet-acked"] = func(a *codectest.Args) string { number := a.Int(); m.PacketAcked(number, int(a.Int())); return "" }
	ops["mtu-packet-lost"] = func(a *codectest.Args) string {
		now, number := vectorTime(a), a.Int()
		return fmt.Sprintf("shrunk %v: %s", m.PacketLost(now, number, int(a.Int())), show())
	}
	ops["mtu-too-big"] = func(a *codectest.Args) string { now := vectorTime(a); m.TooBig(now, int(a.Int())); return show() }
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
func remoteVectors(ops map[string]codectest.VectorOp) {
	var r RemoteIDs
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
