package recovery

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// Loss recovery as scripts: corpus/quic/vectors/recovery. Times and durations are milliseconds. Every call of a Sender goes to the reference of
// appendix A, too: a result with "differs from appendix A" is a mistake whatever the file says.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, "../../../corpus/quic/vectors/recovery", func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		v := &vectorSender{t: t}
		v.calls(ops)
		v.questions(ops)
		rttVectors(ops)
		receiverVectors(t, ops)
		return ops
	})
	for _, reason := range []string{reasonUnsent, reasonSkipped, reasonRole, reasonRand, reasonSpace, reasonGone, reasonNumber, reasonEnd, reasonSize, reasonFull,
		reasonParams, reasonNoAck, reasonAckSize, reasonReceived} {
		if !sum.Has(reason) {
			t.Errorf("no vector has %q", reason)
		}
	}
	if sum.Has("differs from") {
		t.Error("a Sender differs from appendix A, or a controller from it")
	}
}

// vectorMS takes a time or a duration: milliseconds with decimals.
func vectorMS(word string) time.Duration {
	d, err := time.ParseDuration(word + "ms")
	if err != nil {
		panic(fmt.Sprintf("%q is no time in milliseconds", word))
	}
	return d
}

func vectorTime(a *codectest.Args) codec.Time { return codec.Time(vectorMS(a.Word())) }

func vectorNamed(a *codectest.Args, name string) time.Duration {
	if !a.Has(name) {
		return 0
	}
	return vectorMS(a.Named(name))
}

// vectorPrint writes milliseconds, to the nanosecond.
func vectorPrint(d time.Duration) string {
	s := fmt.Sprintf("%d.%06d", d/time.Millisecond, (d % time.Millisecond).Abs())
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

func vectorWhen(at codec.Time) string {
	if at == codec.Never {
		return "never"
	}
	return vectorPrint(time.Duration(at))
}

// vectorSpace takes a space: its name, or "unknown" for one that is none.
func vectorSpace(a *codectest.Args) Space {
	word := a.Word()
	for s := Initial; s < Spaces; s++ {
		if s.String() == word {
			return s
		}
	}
	return Spaces
}

// vectorNumbers takes numbers as 3 or 3-7, as many as are left.
func vectorNumbers(a *codectest.Args) (list []quic.Range) {
	for a.More() {
		low, high, two := strings.Cut(a.Word(), "-")
		if !two {
			high = low
		}
		from, err := strconv.ParseUint(low, 0, 64)
		to, err2 := strconv.ParseUint(high, 0, 64)
		if errors.Join(err, err2) != nil || from > to {
			panic(fmt.Sprintf("%s-%s is no range", low, high))
		}
		list = append(list, quic.Range{Smallest: from, Largest: to})
	}
	return list
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
	}
	return fmt.Sprintf("%v in frame %02x %s", e.Code, e.Frame, e.Reason)
}

// rttVectors has the estimates of the round-trip time, and the field of ACK frames with the delay.
func rttVectors(ops map[string]codectest.VectorOp) {
	var r RTT
	ops["rtt-init"] = func(a *codectest.Args) string { r.Init(vectorMS(a.Word())); return vectorRTT(&r) }
	ops["rtt-sample"] = func(a *codectest.Args) string {
		now := vectorTime(a)
		latest := vectorMS(a.Word())
		r.Update(now, latest, vectorNamed(a, "delay"))
		return vectorRTT(&r)
	}
	ops["rtt-restart"] = func(*codectest.Args) string { r.Restart(); return vectorRTT(&r) }
	ops["rtt-timeouts"] = func(*codectest.Args) string {
		return fmt.Sprintf("probe timeout %s, loss delay %s", vectorPrint(r.Timeout()), vectorPrint(r.LossDelay()))
	}
	ops["delay-decode"] = func(a *codectest.Args) string {
		field := a.Uint()
		return vectorPrint(DecodeAckDelay(field, uint8(a.Uint())))
	}
	ops["delay-encode"] = func(a *codectest.Args) string {
		d := vectorMS(a.Word())
		return fmt.Sprint(EncodeAckDelay(d, uint8(a.Uint())))
	}
	ops["space-of"] = func(a *codectest.Args) string {
		typ := quic.PacketType(a.Uint())
		if s, ok := SpaceOf(typ); ok {
			return fmt.Sprintf("%v: %v", typ, s)
		}
		return fmt.Sprintf("%v: none", typ)
	}
	ops["space"] = func(a *codectest.Args) string { return Space(a.Uint()).String() }
	ops["fate"] = func(a *codectest.Args) string { return Fate(a.Uint()).String() }
}

func vectorRTT(r *RTT) string {
	return fmt.Sprintf("smoothed %s, variance %s, latest %s, min %s, first at %s", vectorPrint(r.Smoothed()), vectorPrint(r.Variance()), vectorPrint(r.Latest()),
		vectorPrint(r.Min()), vectorWhen(r.First()))
}

// receiverVectors has the Receiver. The results of calls tell what is owed in every space.
func receiverVectors(t *testing.T, ops map[string]codectest.VectorOp) {
	var r Receiver
	now := codec.Time(1)
	state := func() string {
		var owed, worth, ping []string
		for s := Initial; s < Spaces; s++ {
			if r.Owed(now, s) {
				owed = append(owed, s.String())
			} else if r.Worth(s) {
				worth = append(worth, s.String())
			}
			if r.WantsPing(s) {
				ping = append(ping, s.String())
			}
		}
		list := "nothing owed"
		if owed != nil {
			list = "owed " + strings.Join(owed, " ")
		}
		if worth != nil {
			list += ", worth " + strings.Join(worth, " ")
		}
		if ping != nil {
			list += ", wants ping " + strings.Join(ping, " ")
		}
		return list + ", deadline " + vectorWhen(r.Deadline())
	}
	ops["receiver"] = func(a *codectest.Args) string {
		c := ReceiverConfig{MaxAckDelay: vectorNamed(a, "max-delay"), AckDelayExponent: DefaultAckDelayExponent, Ranges: int(a.NamedInt("ranges"))}
		if a.Has("exponent") {
			c.AckDelayExponent = uint8(a.NamedInt("exponent"))
		}
		if err := r.Init(c); err != nil {
			return vectorError(err)
		}
		return state()
	}
	marks := map[string]Mark{"": NotECT, "ect0": ECT0, "ect1": ECT1, "ce": CE}
	ops["received"] = func(a *codectest.Args) string {
		now = vectorTime(a)
		space, eliciting, mark := vectorSpace(a), !a.Flag("plain"), marks[a.Named("mark")]
		for _, rg := range vectorNumbers(a) {
			for n := rg.Smallest; n <= rg.Largest; n++ {
				if err := r.Received(now, space, int64(n), eliciting, mark); err != nil {
					return fmt.Sprintf("%d: %s", n, vectorError(err))
				}
			}
		}
		return state()
	}
	ops["received-below"] = func(a *codectest.Args) string {
		now = vectorTime(a)
		return vectorError(r.Received(now, vectorSpace(a), a.Int(), true, NotECT))
	}
	ops["seen"] = func(a *codectest.Args) string {
		space := vectorSpace(a)
		var list []string
		for a.More() {
			list = append(list, fmt.Sprint(r.Seen(space, a.Int())))
		}
		return strings.Join(list, " ")
	}
	ops["largest"] = func(a *codectest.Args) string { return fmt.Sprint(r.Largest(vectorSpace(a))) }
	ops["owed"] = func(a *codectest.Args) string { now = vectorTime(a); return state() }
	ops["owed-in"] = func(a *codectest.Args) string {
		space := vectorSpace(a)
		return fmt.Sprintf("owed %v, worth %v, wants ping %v", r.Owed(now, space), r.Worth(space), r.WantsPing(space))
	}
	ops["ack-frame"] = func(a *codectest.Args) string {
		now = vectorTime(a)
		space, size := vectorSpace(a), 1200
		if a.Has("size") {
			size = int(a.NamedInt("size"))
		}
		out, largest, err := r.AppendAck([]byte("before"), now, space, size)
		if frame, found := strings.CutPrefix(string(out), "before"); err != nil && frame == "" && found {
			return vectorError(err)
		} else if err != nil || !found || len(frame) > size {
			return fmt.Sprintf("%q, %d, %v", out, largest, err)
		}
		return vectorFrame(decodeAck(t, out[len("before"):]), largest, len(out)-len("before"))
	}
	ops["ack-sent"] = func(a *codectest.Args) string {
		n, eliciting := 1, a.Flag("eliciting")
		if a.Has("n") {
			n = int(a.NamedInt("n"))
		}
		for space := vectorSpace(a); n > 0; n-- {
			r.AckSent(space, eliciting)
		}
		return state()
	}
	ops["ack-acked"] = func(a *codectest.Args) string { r.AckAcked(vectorSpace(a), a.Int()); return state() }
	ops["receiver-discard"] = func(a *codectest.Args) string { r.Discard(vectorSpace(a)); return state() }
}

// vectorFrame writes an ACK frame that is size octets long and was said to have that largest number.
func vectorFrame(a *quic.AckInfo, largest int64, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d octets:", size)
	it := a.Ranges()
	for rg, ok := it.Next(); ok; rg, ok = it.Next() {
		if rg.Smallest == rg.Largest {
			fmt.Fprintf(&b, " %d", rg.Largest)
		} else {
			fmt.Fprintf(&b, " %d-%d", rg.Smallest, rg.Largest)
		}
	}
	fmt.Fprintf(&b, ", delay field %d", a.Delay)
	if a.ECN {
		fmt.Fprintf(&b, ", ect0 %d, ect1 %d, ce %d", a.ECT0, a.ECT1, a.CE)
	}
	if a.Largest != uint64(largest) {
		fmt.Fprintf(&b, ", but largest %d", largest)
	}
	return b.String()
}
