package congestion

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// Both controllers, HyStart++ and the pacer, as scripts: corpus/quic/vectors/congestion, whose folder's README tells the operations. Every reason of
// the package must be among the results.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, "../../../corpus/quic/vectors/congestion", func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		functionVectors(ops)
		v := &vectorPath{}
		v.calls(ops)
		v.patterns(ops)
		pacerVectors(ops)
		return ops
	})
	for _, r := range reasons {
		if !sum.Has("misuse " + r) {
			t.Errorf("no vector has %q", r)
		}
	}
}

// vectorTime takes milliseconds, with up to six decimals.
func vectorTime(t string) (codec.Time, error) {
	whole, part, _ := strings.Cut(t, ".")
	if len(part) > 6 {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	return codec.Time(n), err
}

// vectorMillis is how vectorTime writes a time.
func vectorMillis(t int64) string {
	sign := ""
	if t < 0 {
		t, sign = -t, "-"
	}
	s := fmt.Sprintf("%s%d.%06d", sign, t/1e6, t%1e6)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// vectorClock takes the time of a call, which must have one.
func vectorClock(a *codectest.Args) codec.Time {
	t, err := vectorTime(a.Word())
	if err != nil {
		panic(err)
	}
	return t
}

// vectorNamed takes a named time, 0 if there is none.
func vectorNamed(a *codectest.Args, name string) codec.Time {
	if !a.Has(name) {
		return 0
	}
	t, err := vectorTime(a.Named(name))
	if err != nil {
		panic(err)
	}
	return t
}

func vectorError(err error) string {
	var e *Error
	if !errors.As(err, &e) || e.Scope != codec.ScopeMisuse {
		return fmt.Sprintf("an unknown error %v", err)
	}
	return "misuse " + strings.TrimPrefix(err.Error(), "quic/congestion: ")
}

// functionVectors has what keeps no state.
func functionVectors(ops map[string]codectest.VectorOp) {
	ops["windows-for"] = func(a *codectest.Args) string {
		n := int(a.Int())
		return fmt.Sprintf("initial %d, minimum %d", InitialWindow(n), MinWindow(n))
	}
	ops["w-cubic"] = func(a *codectest.Args) string {
		t, k := vectorNamed(a, "t"), vectorNamed(a, "k")
		return fmt.Sprint(wCubic(a.NamedInt("wmax"), time.Duration(t), time.Duration(k), a.NamedInt("segment")))
	}
	ops["k"] = func(a *codectest.Args) string {
		return vectorMillis(int64(root(a.NamedInt("wmax")-a.NamedInt("epoch"), a.NamedInt("segment"))))
	}
}

// vectorPath is the controller of one path.
type vectorPath struct{ c Controller }

func (v *vectorPath) show() string {
	s := state(v.c)
	threshold := "infinite"
	if s.Threshold != NoThreshold {
		threshold = fmt.Sprint(s.Threshold)
	}
	if s.Window != v.c.Window() || s.InFlight != v.c.InFlight() {
		return "the state is not the controller's"
	}
	out := fmt.Sprintf("window %d, ssthresh %s, %v", s.Window, threshold, s.Phase)
	if s.InFlight != 0 {
		out += fmt.Sprintf(", %d in flight", s.InFlight)
	}
	return out + fmt.Sprintf(", %d may go", v.c.Available())
}

func (v *vectorPath) ack(a *codectest.Args) Ack {
	return Ack{AppLimited: a.Flag("limited"), RTT: RTT{Latest: time.Duration(vectorNamed(a, "rtt")), Smoothed: time.Duration(vectorNamed(a, "smoothed"))}}
}

func (v *vectorPath) calls(ops map[string]codectest.VectorOp) {
	ops["new"] = func(a *codectest.Args) string {
		alg := CUBIC
		switch {
		case a.Flag("reno"):
			alg = Reno
		case a.Flag("bbr"):
			alg = Reno + 1
		case !a.Flag("cubic"):
			return "which one?"
		}
		var err error
		v.c, err = New(alg, Config{DatagramSize: int(a.NamedInt("datagram")), InitialWindow: a.NamedInt("initial"), MaxWindow: a.NamedInt("max"),
			NoHyStart: a.Flag("no-hystart"), Unpaced: a.Flag("unpaced"), NoFastConvergence: a.Flag("no-fast-convergence")})
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("%v, %s", state(v.c).Algorithm, v.show())
	}
	ops["sent"] = func(a *codectest.Args) string {
		now, size := vectorClock(a), int(a.Int())
		v.c.OnSent(now, size)
		for n := a.NamedInt("times"); n > 1; n-- {
			v.c.OnSent(now, size)
		}
		return v.show()
	}
	ops["acked"] = func(a *codectest.Args) string {
		now := vectorClock(a)
		ack := v.ack(a)
		ack.Octets, ack.SentAt = a.Int(), vectorNamed(a, "sent")
		n := max(a.NamedInt("times"), 1)
		for range n {
			v.c.OnAcked(now, ack)
		}
		return v.show()
	}
	ops["lost"] = func(a *codectest.Args) string {
		now, persistent := vectorClock(a), a.Flag("persistent")
		v.c.OnLost(now, Loss{Octets: a.Int(), SentAt: vectorNamed(a, "sent"), Persistent: persistent})
		return v.show()
	}
	ops["ce"] = func(a *codectest.Args) string {
		v.c.OnCongestion(vectorClock(a), vectorNamed(a, "sent"), CE)
		return v.show()
	}
	ops["persistent"] = func(a *codectest.Args) string { v.c.OnPersistentCongestion(vectorClock(a)); return v.show() }
	ops["spurious"] = func(a *codectest.Args) string {
		now := vectorClock(a)
		v.c.OnSpurious(now, vectorNamed(a, "sent"), int(a.Int()))
		return v.show()
	}
	ops["discarded"] = func(a *codectest.Args) string { now := vectorClock(a); v.c.OnDiscarded(now, a.Int()); return v.show() }
	ops["datagram"] = func(a *codectest.Args) string {
		now, handshake := vectorClock(a), a.Flag("handshake")
		v.c.SetDatagramSize(now, int(a.Int()), handshake)
		return fmt.Sprintf("of %d, %s", state(v.c).DatagramSize, v.show())
	}
	ops["curve"] = func(*codectest.Args) string {
		s := state(v.c)
		region := "cubic"
		if s.RenoFriendly {
			region = "Reno-friendly"
		}
		return fmt.Sprintf("W_max %d, W_est %d, K %s, since %s, %s, cwnd_prior %d", s.WMax, s.WEst, vectorMillis(int64(s.K)), vectorMillis(int64(s.Epoch)), region, s.Prior)
	}
	ops["counts"] = func(*codectest.Args) string {
		s := state(v.c)
		return fmt.Sprintf("%d events, %d by CE, %d undone, %d persistent; %d delay exits, %d resumed; recovery since %s",
			s.Events, s.CEEvents, s.Undone, s.Persistent, s.DelayExits, s.DelayResumed, vectorMillis(int64(s.RecoveryStart)))
	}
}

// patterns has what many calls make.
func (v *vectorPath) patterns(ops map[string]codectest.VectorOp) {
	// flight: n datagrams leave at one time and are acknowledged one by one a round trip later, each with its sample.
	ops["flight"] = func(a *codectest.Args) string {
		now := vectorClock(a)
		ack := v.ack(a)
		before, n := v.c.Window(), a.Int()
		ack.SentAt, ack.Octets = now, state(v.c).DatagramSize
		for range n {
			v.c.OnSent(now, int(ack.Octets))
		}
		for range n {
			v.c.OnAcked(now.Add(ack.RTT.Latest), ack)
		}
		return fmt.Sprintf("grew by %d: %s", v.c.Window()-before, v.show())
	}
	// round-trips: n times the whole window leaves, in datagrams and a rest, and is acknowledged a round trip later.
	ops["round-trips"] = func(a *codectest.Args) string {
		now := vectorClock(a)
		ack := v.ack(a)
		for range a.Int() {
			ack.SentAt = now
			now = now.Add(ack.RTT.Smoothed)
			window, datagram := v.c.Window(), state(v.c).DatagramSize
			v.c.OnSent(ack.SentAt, int(window))
			for ; window > 0; window -= ack.Octets {
				ack.Octets = min(window, datagram)
				v.c.OnAcked(now, ack)
			}
		}
		return fmt.Sprintf("at %s: %s", vectorMillis(int64(now)), v.show())
	}
}

// pacerVectors has the pacer, which is the zero one before the first "pacer".
func pacerVectors(ops map[string]codectest.VectorOp) {
	var p Pacer
	budget := func(now codec.Time) string { return fmt.Sprintf("rate %d, budget %d", p.Rate(), p.Budget(now)) }
	ops["pacer"] = func(a *codectest.Args) string {
		err := p.Init(PacerConfig{DatagramSize: int(a.NamedInt("datagram")), Burst: a.NamedInt("burst"), MaxRate: a.NamedInt("max-rate"),
			Granularity: time.Duration(vectorNamed(a, "granularity"))})
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("rate %d", p.Rate())
	}
	ops["rate"] = func(a *codectest.Args) string {
		now, slow := vectorClock(a), a.Flag("slow-start")
		p.SetRate(now, a.NamedInt("window"), time.Duration(vectorNamed(a, "smoothed")), slow)
		return budget(now)
	}
	ops["budget"] = func(a *codectest.Args) string { return budget(vectorClock(a)) }
	ops["paced"] = func(a *codectest.Args) string {
		now, size := vectorClock(a), int(a.Int())
		n := max(a.NamedInt("times"), 1)
		for range n {
			p.OnSent(now, size)
		}
		return budget(now)
	}
	// burst: as many packets as are ready at one time are sent.
	ops["burst"] = func(a *codectest.Args) string {
		now, size, n := vectorClock(a), int(a.Int()), 0
		for ; n < 1000 && p.Ready(now, size); n++ {
			p.OnSent(now, size)
		}
		return fmt.Sprintf("%d of them, then %s", n, budget(now))
	}
	ops["next"] = func(a *codectest.Args) string {
		now, size := vectorClock(a), int(a.Int())
		ready, next := p.Ready(now, size), p.Next(now, size)
		if next == codec.Never {
			return fmt.Sprintf("ready %v, never", ready)
		}
		return fmt.Sprintf("ready %v, at %s", ready, vectorMillis(int64(next)))
	}
	ops["pacer-datagram"] = func(a *codectest.Args) string {
		now := vectorClock(a)
		p.SetDatagramSize(now, int(a.Int()))
		return budget(now)
	}
}
