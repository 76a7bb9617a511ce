package path

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec/codectest"
)

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
