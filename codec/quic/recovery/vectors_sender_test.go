package recovery

import (
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/congestion"
)

// vectorSender is a Sender beside the reference of appendix A, and a congestion controller that is told what the Sender finds out.
type vectorSender struct {
	t     *testing.T
	p     *pair
	now   codec.Time
	reno  congestion.Controller // nil if the script wants none
	steps uint64
	alone bool // the reference does not know what the script does
}

// state is what every call of a Sender returns: the timer, the octets in flight, and what is not as it is most of the time.
func (v *vectorSender) state() string {
	s := &v.p.s
	out := fmt.Sprintf("timer %s, flight %d", vectorWhen(s.Deadline()), s.InFlight())
	if s.Backoff() > 0 {
		out += fmt.Sprintf(", backoff %d", s.Backoff())
	}
	for space := Initial; space < Spaces; space++ {
		if n := s.Probes(space); n > 0 {
			out += fmt.Sprintf(", %d probes %v", n, space)
		}
	}
	if v.reno != nil {
		out += fmt.Sprintf(", window %d", v.reno.Window())
		if v.reno.InFlight() != s.InFlight() {
			out += fmt.Sprintf(", which differs from the controller's %d in flight", v.reno.InFlight())
		}
	}
	if v.p.diff != "" && !v.alone {
		out += ", differs from appendix A: " + v.p.diff
	}
	return out
}

// batch writes what a call has found out, and tells the controller.
func (v *vectorSender) batch() string {
	b := &v.p.b
	var lines []string
	for i := 0; i < len(b.Outcomes); {
		o, octets := b.Outcomes[i], int64(0)
		line := fmt.Sprintf("%v %v", o.Fate, o.Space)
		for i < len(b.Outcomes) && b.Outcomes[i].Fate == o.Fate && b.Outcomes[i].Space == o.Space {
			first := b.Outcomes[i].Number
			last, step := first, int64(0)
			for octets += b.Outcomes[i].Octets; i+1 < len(b.Outcomes); i++ {
				n := &b.Outcomes[i+1]
				d := n.Number - last
				if n.Fate != o.Fate || n.Space != o.Space || d != 1 && d != -1 || step != 0 && d != step {
					break
				}
				last, step, octets = n.Number, d, octets+n.Octets
			}
			i++
			line += " " + strings.TrimSuffix(fmt.Sprintf("%d-%d", first, last), fmt.Sprintf("-%d", first))
		}
		lines = append(lines, line+fmt.Sprintf(", %d octets", octets))
	}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if b.Sampled {
		add("sample %s: %s", vectorPrint(b.Sample), vectorRTT(v.p.s.RTT()))
	}
	if b.LostOctets > 0 || b.LostSentAt != codec.Never {
		add("congestion: %d octets lost, the newest sent at %s", b.LostOctets, vectorWhen(b.LostSentAt))
	}
	if b.Persistent {
		add("persistent congestion")
	}
	if b.CE > 0 {
		add("CE %d more, sent at %s", b.CE, vectorWhen(b.CESentAt))
	}
	if b.DiscardedOctets > 0 {
		add("out of flight without meaning: %d octets", b.DiscardedOctets)
	}
	if b.AckedAck != quic.NoPacket {
		add("the peer has the ACK of %d", b.AckedAck)
	}
	if b.Probe {
		add("probe timeout")
	}
	v.tell()
	return strings.Join(append(lines, v.state()), "\n")
}

// tell gives a batch to the congestion controller.
func (v *vectorSender) tell() {
	if v.reno == nil {
		return
	}
	s, b := &v.p.s, &v.p.b
	rtt := congestion.RTT{Smoothed: s.RTT().Smoothed(), Min: s.RTT().Min(), Latest: b.Sample}
	if b.CE > 0 {
		v.reno.OnCongestion(v.now, b.CESentAt, congestion.CE)
	}
	if b.LostOctets > 0 {
		v.reno.OnLost(v.now, congestion.Loss{Octets: b.LostOctets, SentAt: b.LostSentAt, Persistent: b.Persistent})
	}
	for _, o := range b.Outcomes {
		switch o.Fate {
		case Acked:
			v.reno.OnAcked(v.now, congestion.Ack{Octets: o.Octets, SentAt: o.SentAt, RTT: rtt})
			rtt.Latest = 0 // one sample
		case LateAcked:
			v.reno.OnSpurious(v.now, o.SentAt, int(o.Octets))
		}
	}
	v.reno.OnDiscarded(v.now, b.DiscardedOctets)
}

// at takes the time of a call. One that runs backwards goes to the Sender alone: appendix A knows none.
func (v *vectorSender) at(a *codectest.Args) codec.Time {
	v.now = max(v.now, vectorTime(a))
	return v.now
}

func (v *vectorSender) init(a *codectest.Args) string {
	c := Config{Role: map[string]quic.Role{"client": quic.Client, "server": quic.Server}[a.Word()], NoECN: a.Flag("no-ecn"), NoSkip: true}
	c.Limits = Limits{Packets: int(a.NamedInt("packets")), HandshakePackets: int(a.NamedInt("handshake-packets")), Backoff: int(a.NamedInt("backoff"))}
	c.InitialRTT = vectorNamed(a, "initial-rtt")
	if a.Has("rand") { // always the same number
		rand := a.NamedUint("rand")
		c.NoSkip, c.Rand = false, func() uint64 { return rand }
	} else if a.Flag("no-rand") {
		c.NoSkip = false
	}
	v.now, v.reno, v.steps, v.alone = 0, nil, 0, a.Flag("alone")
	if a.Flag("reno") {
		v.reno, _ = congestion.New(congestion.Reno, congestion.Config{})
	}
	v.p = newPair(c, nil)
	if err := v.p.s.Init(c); err != nil {
		return vectorError(err)
	}
	return v.state()
}

// send sends packets, one after the other.
func (v *vectorSender) send(a *codectest.Args) string {
	now, space := v.at(a), vectorSpace(a)
	s := &v.p.s
	k := Packet{Octets: 1200, Padded: a.Flag("padded"), Marked: a.Flag("marked"), MTUProbe: a.Flag("mtu-probe"), Eliciting: true}
	if a.Has("octets") {
		k.Octets = int(a.NamedInt("octets"))
	}
	if a.Flag("plain") || k.Padded {
		k.Eliciting = false
	}
	if k.HasAck = a.Has("ack"); k.HasAck {
		k.Ack = a.NamedInt("ack")
	}
	count := 1
	if a.Has("n") {
		count = int(a.NamedInt("n"))
	}
	every, shift := vectorNamed(a, "every"), a.NamedInt("off")
	first, last := int64(quic.NoPacket), int64(0)
	for i := range count {
		if i > 0 {
			now = now.Add(every)
		}
		k.Number = s.Next(space) + shift
		k.Token = uint64(k.Number)
		if err := v.p.Sent(now, space, k); err != nil {
			return fmt.Sprintf("%d: %s", k.Number, vectorError(err))
		}
		if v.reno != nil && (k.Eliciting || k.Padded) {
			v.reno.OnSent(now, k.Octets)
		}
		if last = k.Number; first < 0 {
			first = last
		}
	}
	v.now = now
	return strings.TrimSuffix(fmt.Sprintf("%d-%d", first, last), fmt.Sprintf("-%d", first)) + ": " + v.state()
}

// probe sends the probes that are owed.
func (v *vectorSender) probe(space Space) {
	for v.p.s.Probes(space) > 0 {
		n := v.p.s.Next(space)
		if err := v.p.Sent(v.now, space, Packet{Number: n, Token: uint64(n), Octets: 1200, Eliciting: true}); err != nil {
			v.p.failf("no room for a probe: %v", err)
			return
		}
		if v.reno != nil {
			v.reno.OnSent(v.now, 1200)
		}
	}
}

// ack takes an ACK frame as it comes from the wire: ranges downwards, delay= in milliseconds, counts of ECN.
func (v *vectorSender) ack(a *codectest.Args) string {
	now, space := v.at(a), vectorSpace(a)
	exponent := uint8(DefaultAckDelayExponent)
	if space == Application {
		exponent = v.p.s.exponent
	}
	delay := EncodeAckDelay(vectorNamed(a, "delay"), exponent)
	var ecn *quic.AckInfo
	if a.Has("ect0") || a.Has("ect1") || a.Has("ce") {
		ecn = &quic.AckInfo{ECN: true, ECT0: a.NamedUint("ect0"), ECT1: a.NamedUint("ect1"), CE: a.NamedUint("ce")}
	}
	list := vectorNumbers(a)
	wire, n, err := quic.AppendAck(nil, delay, list, ecn, 1<<20)
	if err != nil || n != len(list) {
		return fmt.Sprintf("no frame: %d of %d ranges, %v", n, len(list), err)
	}
	f := decodeAck(v.t, wire)
	if space >= Spaces { // the reference has no such space
		return vectorError(v.p.s.Ack(now, space, f, &v.p.b))
	}
	if err := v.p.Ack(now, space, f); err != nil {
		return vectorError(err)
	}
	return v.batch()
}

// calls has the calls that change a Sender.
func (v *vectorSender) calls(ops map[string]codectest.VectorOp) {
	ops["sender"], ops["send"], ops["ack"] = v.init, v.send, v.ack
	ops["peer"] = func(a *codectest.Args) string {
		delay, exponent := vectorMS(a.Word()), uint8(a.Uint())
		if err := v.p.s.SetPeer(delay, exponent); err != nil {
			return vectorError(err)
		}
		v.p.r.max_ack_delay, v.p.r.exponent = delay, exponent
		return ""
	}
	ops["advance"] = func(a *codectest.Args) string { v.p.Advance(v.at(a)); return v.batch() }
	// What advances to every deadline in turn until nothing is left to be waited for, or as often as it says; "probing" sends what is owed then.
	ops["timers"] = func(a *codectest.Args) string {
		var at []string
		probing := a.Flag("probing")
		for n := a.Int(); n > 0 && v.p.s.Deadline() != codec.Never; n-- {
			v.now = max(v.now, v.p.s.Deadline())
			at = append(at, vectorWhen(v.now))
			v.p.Advance(v.now)
			v.tell()
			for space := Initial; probing && space < Spaces; space++ {
				v.probe(space)
			}
		}
		return strings.Join(append(at, v.state()), " ")
	}
	// Packets of which each is acknowledged before the next one is sent.
	ops["exchange"] = func(a *codectest.Args) string {
		now, space, n, rtt := v.at(a), vectorSpace(a), a.NamedInt("n"), vectorNamed(a, "rtt")
		first := v.p.s.Next(space)
		for ; n > 0; n-- {
			k := Packet{Number: v.p.s.Next(space), Octets: 1200, Eliciting: true}
			k.Token = uint64(k.Number)
			if err := v.p.Sent(now, space, k); err != nil {
				return vectorError(err)
			}
			now = now.Add(rtt)
			if err := v.p.Ack(now, space, &quic.AckInfo{Largest: uint64(k.Number)}); err != nil {
				return vectorError(err)
			}
		}
		v.now = now
		return fmt.Sprintf("%d-%d until %s: %s", first, v.p.s.LargestAcked(space), vectorWhen(now), v.state())
	}
	ops["back"] = func(a *codectest.Args) string { // a clock that runs backwards
		at := vectorTime(a)
		v.p.s.Advance(at, &v.p.b)
		return v.batch()
	}
	ops["discard"] = func(a *codectest.Args) string {
		now, space := v.at(a), vectorSpace(a)
		if space >= Application {
			return vectorError(v.p.s.Discard(now, space, &v.p.b))
		}
		v.p.Discard(now, space)
		return v.batch()
	}
	ops["reject-0rtt"] = func(a *codectest.Args) string { v.p.RejectZeroRTT(v.at(a)); return v.batch() }
	ops["retry"] = func(a *codectest.Args) string {
		now, sample := v.at(a), vectorNamed(a, "sample")
		v.p.s.Retry(now, sample, &v.p.b)
		v.p.r.now = now
		v.p.r.drop(Initial)
		v.p.r.drop(Application)
		if v.p.r.pto_count = 0; sample > 0 {
			v.p.r.smoothed_rtt, v.p.r.rttvar = sample, sample/2
		}
		v.p.r.SetLossDetectionTimer()
		v.p.finish("retry", &refResult{})
		return v.batch()
	}
	ops["new-path"] = func(a *codectest.Args) string { v.p.NewPath(v.at(a)); return v.batch() }
	ops["limited"] = func(a *codectest.Args) string { v.p.SetLimited(v.at(a), a.Word() == "true"); return v.state() }
	ops["handshake-keys"] = func(a *codectest.Args) string { v.p.Keys(v.at(a)); return v.state() }
	ops["confirmed"] = func(a *codectest.Args) string { v.p.Confirm(v.at(a)); return v.state() }
	ops["compact"] = func(*codectest.Args) string { v.p.s.Compact(); return v.state() }
	// The estimates are as a case of the RFC assumes them.
	ops["assume"] = func(a *codectest.Args) string {
		s, r := &v.p.s, v.p.r
		s.rtt.smoothed, s.rtt.variance, s.rtt.min = vectorNamed(a, "smoothed"), vectorNamed(a, "variance"), vectorNamed(a, "min")
		s.rtt.first, s.rtt.latest = codec.Time(vectorNamed(a, "first")), s.rtt.smoothed
		r.smoothed_rtt, r.rttvar, r.min_rtt, r.first_rtt_sample, r.latest_rtt = s.rtt.smoothed, s.rtt.variance, s.rtt.min, s.rtt.first, s.rtt.latest
		return fmt.Sprintf("probe timeout %s", vectorPrint(s.ProbeTimeout()))
	}
	// The next packet number of the space, without all the packets before it.
	ops["jump"] = func(a *codectest.Args) string {
		sp := &v.p.s.spaces[vectorSpace(a)]
		sp.base, sp.next = a.Int(), 0
		sp.next = sp.base
		return ""
	}
}

// questions has what changes nothing.
func (v *vectorSender) questions(ops map[string]codectest.VectorOp) {
	ops["next"] = func(a *codectest.Args) string { return fmt.Sprint(v.p.s.Next(vectorSpace(a))) }
	ops["room"] = func(a *codectest.Args) string { return fmt.Sprint(v.p.s.Room(vectorSpace(a))) }
	ops["rtt"] = func(*codectest.Args) string { return vectorRTT(v.p.s.RTT()) }
	ops["probe-timeout"] = func(*codectest.Args) string { return vectorPrint(v.p.s.ProbeTimeout()) }
	ops["space-state"] = func(a *codectest.Args) string {
		s, space := &v.p.s, vectorSpace(a)
		return fmt.Sprintf("%d eliciting, largest acknowledged %d, %d probes", s.Eliciting(space), s.LargestAcked(space), s.Probes(space))
	}
	ops["oldest"] = func(a *codectest.Args) string {
		space := vectorSpace(a)
		var list []string
		for _, o := range v.p.s.Oldest(nil, space, int(a.Int())) {
			list = append(list, fmt.Sprintf("%d %s %d octets sent at %s", o.Number, o.Fate, o.Octets, vectorWhen(o.SentAt)))
		}
		if list == nil {
			return "nothing"
		}
		return strings.Join(list, "\n")
	}
	ops["ecn"] = func(*codectest.Args) string {
		s := &v.p.s
		state := "undecided"
		if s.ECN().Capable() {
			state = "capable"
		} else if s.ECN().Failed() {
			state = "failed"
		}
		return fmt.Sprintf("%s, marking %v", state, s.Marking())
	}
	// The work since the question before, if it is more than is said.
	ops["steps"] = func(a *codectest.Args) string {
		n := v.p.s.Steps() - v.steps
		v.steps = v.p.s.Steps()
		if most := a.NamedUint("most"); n > most {
			return fmt.Sprintf("%d", n)
		}
		return "no more"
	}
}
