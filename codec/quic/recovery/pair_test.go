package recovery

import (
	"fmt"
	"slices"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// pair runs a Sender and the reference side by side. The first difference stays in diff; so do broken promises about outcomes.
type pair struct {
	s    Sender
	r    *reference
	b    Batch
	diff string

	open     map[[2]int64]Fate // in flight (0) or Lost, by space and number
	inFlight int64             // by Outcomes
	fault    *fault
	counts   [Discarded + 1]int
	ends     int // persistent congestion
	inexact  int
	ce       uint64
	probes   int
	samples  int
	forced   int
}

// fault breaks a Sender from outside, as an error in its source would.
type fault struct {
	name   string
	config func(c *Config)
	before func(s *Sender)
	sent   func(s *Sender)
	after  func(s *Sender, b *Batch)
}

func newPair(c Config, f *fault) *pair {
	p := &pair{r: newReference(c), open: map[[2]int64]Fate{}, fault: f}
	if f != nil && f.config != nil {
		f.config(&c)
	}
	if err := p.s.Init(c); err != nil {
		p.diff = err.Error()
	}
	return p
}

func (p *pair) failf(format string, args ...any) {
	if p.diff == "" {
		p.diff = fmt.Sprintf(format, args...)
	}
}

func (p *pair) before() {
	if p.fault != nil && p.fault.before != nil {
		p.fault.before(&p.s)
	}
}

func (p *pair) Sent(now codec.Time, space Space, k Packet) error {
	p.before()
	err := p.s.Sent(now, space, k)
	if err != nil {
		return err
	}
	if p.fault != nil && p.fault.sent != nil {
		p.fault.sent(&p.s)
	}
	p.forgotten() // before it is sent
	p.r.OnPacketSent(now, space, k)
	if k.Eliciting || k.Padded {
		p.open[[2]int64{int64(space), k.Number}] = 0
		p.inFlight += int64(k.Octets)
	}
	p.compare("sent")
	return nil
}

// Ack returns the error of the Sender.
func (p *pair) Ack(now codec.Time, space Space, a *quic.AckInfo) error {
	p.before()
	err := p.s.Ack(now, space, a, &p.b)
	res := p.r.OnAckReceived(now, space, a, a.Delay)
	if (err != nil) != (res.err != "") {
		p.failf("ack: %v, want %q", err, res.err)
	}
	if err != nil {
		return err
	}
	p.finish("ack", &res)
	return nil
}

func (p *pair) Advance(now codec.Time) {
	p.before()
	due := p.s.deadline.Reached(now)
	p.s.Advance(now, &p.b)
	var res refResult
	if due {
		res = p.r.OnLossDetectionTimeout(now)
	}
	if p.b.Probe { // what is lost then was lost for want of room: that is not in the RFC's pseudocode
		for _, o := range p.b.Outcomes {
			if o.Fate == Lost {
				p.forced++
				p.r.giveUp(o)
				res.lost = append(res.lost, o.Number)
			}
		}
	}
	p.finish("advance", &res)
	for s := range Spaces {
		if owed := p.s.Probes(Space(s)) > 0; res.probe[s] && !owed {
			p.failf("no probe in %v", Space(s))
		}
		if res.probe[s] {
			p.probes++
		}
	}
}

func (p *pair) Discard(now codec.Time, space Space) {
	p.before()
	if err := p.s.Discard(now, space, &p.b); err != nil {
		p.failf("discard: %v", err)
	}
	p.r.OnPacketNumberSpaceDiscarded(now, space)
	p.finish("discard", &refResult{})
}

func (p *pair) SetLimited(now codec.Time, limited bool) {
	p.before()
	p.s.SetLimited(now, limited)
	if p.r.at_limit != limited && p.r.is_server {
		p.r.at_limit, p.r.now = limited, now
		p.r.SetLossDetectionTimer()
	}
	p.compare("limited")
}

func (p *pair) Confirm(now codec.Time) {
	p.before()
	p.s.HandshakeConfirmed(now)
	if !p.r.confirmed {
		p.r.confirmed, p.r.now = true, now
		p.r.SetLossDetectionTimer()
	}
	p.compare("confirmed")
}

func (p *pair) Keys(now codec.Time) {
	p.s.HandshakeKeys(now)
	p.r.has_handshake_keys, p.r.now = true, now
}

func (p *pair) NewPath(now codec.Time) {
	p.before()
	p.s.NewPath(now, 0, &p.b)
	r := p.r
	r.now, r.bytes_in_flight, r.pto_count = now, 0, 0
	for _, q := range r.history {
		q.old, q.counts = true, false
	}
	r.latest_rtt, r.min_rtt, r.first_rtt_sample = 0, 0, 0
	r.smoothed_rtt, r.rttvar = InitialRTT, InitialRTT/2
	r.ecn.tested, r.ecn.lost, r.ecn.timeouts, r.ecn.unknown, r.ecn.capable, r.ecn.bad = 0, 0, 0, false, false, false
	r.SetLossDetectionTimer()
	p.inFlight -= p.b.DiscardedOctets
	p.finish("new path", &refResult{})
}

func (p *pair) RejectZeroRTT(now codec.Time) {
	p.before()
	p.s.RejectZeroRTT(now, &p.b)
	p.r.now = now
	p.r.drop(Application)
	p.r.SetLossDetectionTimer()
	p.finish("0-RTT", &refResult{})
}

// finish compares a batch with what the reference found.
func (p *pair) finish(what string, res *refResult) {
	if p.fault != nil && p.fault.after != nil {
		p.fault.after(&p.s, &p.b)
	}
	var ackedNow, late, lostNow []int64
	var acked, lostOctets, spurious, discarded int64
	var lostAt, ackedAt codec.Time
	for _, o := range p.b.Outcomes {
		p.counts[o.Fate]++
		key := [2]int64{int64(o.Space), o.Number}
		was, known := p.open[key]
		ref := p.r.sent[o.Space][o.Number]
		if ref == nil || o.Token != uint64(o.Number) || o.SentAt != ref.time_sent || o.Octets != 0 && o.Octets != ref.sent_bytes || !known {
			p.failf("%s: outcome %+v of %+v", what, o, ref)
			return
		}
		switch o.Fate {
		case Acked, Lost, Discarded:
			if was != 0 {
				p.failf("%s: %v after %v: %d", what, o.Fate, was, o.Number)
			}
			p.inFlight -= o.Octets
		default:
			if was != Lost {
				p.failf("%s: %v after %v: %d", what, o.Fate, was, o.Number)
			}
		}
		if delete(p.open, key); o.Fate == Lost {
			p.open[key] = Lost
		}
		switch o.Fate {
		case Acked:
			ackedNow, acked = append(ackedNow, o.Number), acked+o.Octets
			if o.Octets > 0 {
				ackedAt = max(ackedAt, o.SentAt)
			}
		case LateAcked:
			late, spurious = append(late, o.Number), spurious+o.Octets
			if ref.mtu_probe && o.Octets > 0 {
				p.failf("%s: a probe of the MTU counts", what)
			}
		case Lost:
			lostNow = append(lostNow, o.Number)
			if ref.mtu_probe {
				discarded += o.Octets
				break
			}
			lostOctets += o.Octets
			if o.Octets > 0 {
				lostAt = max(lostAt, o.SentAt)
			}
		case Discarded:
			discarded += o.Octets
		case Forgotten:
			if ref.status == refLost {
				ref.status = refForgotten
			}
		}
	}
	for _, list := range [][]int64{ackedNow, late, lostNow, res.acked, res.late, res.lost} {
		slices.Sort(list)
	}
	if !slices.Equal(ackedNow, res.acked) || !slices.Equal(late, res.late) || !slices.Equal(lostNow, res.lost) {
		p.failf("%s: acked %v late %v lost %v, want %v %v %v", what, ackedNow, late, lostNow, res.acked, res.late, res.lost)
	}
	b := &p.b
	if b.AckedOctets != acked || b.LostOctets != lostOctets || b.SpuriousOctets != spurious || b.LostSentAt != lostAt || b.AckedSentAt != ackedAt ||
		what != "new path" && b.DiscardedOctets != discarded {
		p.failf("%s: sums of %+v", what, b)
	}
	if b.Persistent && !res.persistent || res.exact && b.Persistent != res.persistent {
		p.failf("%s: persistent congestion %v, want %v (exact: %v)", what, b.Persistent, res.persistent, res.exact)
	}
	if b.Persistent != res.persistent {
		p.inexact++
		p.r.min_rtt = p.s.rtt.min
	}
	if b.Persistent {
		p.ends++
	}
	if b.Sampled != res.sampled || b.CE != res.ce {
		p.failf("%s: sampled %v, CE %d, want %v, %d", what, b.Sampled, b.CE, res.sampled, res.ce)
	}
	if b.Sampled {
		p.samples++
	}
	p.ce += b.CE
	p.compare(what)
}

// forgotten tells the reference which packets that are not in flight the Sender does not remember any more.
func (p *pair) forgotten() {
	s, r := &p.s, p.r
	for i := range s.spaces {
		for n, q := range r.sent_packets[i] {
			if !q.in_flight && (n < s.spaces[i].base || s.spaces[i].at(n).state == gone) {
				if q.marked && !q.old {
					r.ecn.onDiscarded()
				}
				delete(r.sent_packets[i], n)
			}
		}
	}
}

// compare compares the states.
func (p *pair) compare(what string) {
	s, r := &p.s, p.r
	p.forgotten()
	if s.deadline != r.loss_detection_timer {
		p.failf("%s: timer %d, want %d", what, s.deadline, r.loss_detection_timer)
	}
	if s.rtt.latest != r.latest_rtt || s.rtt.smoothed != r.smoothed_rtt || s.rtt.variance != r.rttvar || s.rtt.min != r.min_rtt || s.rtt.first != r.first_rtt_sample {
		p.failf("%s: RTT %+v, want %v %v %v %v %v", what, s.rtt, r.latest_rtt, r.smoothed_rtt, r.rttvar, r.min_rtt, r.first_rtt_sample)
	}
	if s.flight != r.bytes_in_flight || s.flight != p.inFlight || s.backoff != r.pto_count {
		p.failf("%s: in flight %d, by outcomes %d, backoff %d, want %d, %d", what, s.flight, p.inFlight, s.backoff, r.bytes_in_flight, r.pto_count)
	}
	if e := &r.ecn; s.ecn.Failed() != e.bad || s.ecn.Capable() != (e.capable && !e.bad) || s.ecn.Marking() != (!e.bad && (e.capable || !e.unknown)) {
		p.failf("%s: ECN %+v, want %+v", what, s.ecn, *e)
	}
	for i := range s.spaces {
		sp := &s.spaces[i]
		n := 0
		for _, q := range r.sent_packets[i] {
			if q.ack_eliciting {
				n++
			}
		}
		if sp.eliciting != n || sp.largest != r.largest_acked_packet[i] && !sp.discarded || sp.len() > sp.limit || cap(sp.ring) > 2*sp.limit {
			p.failf("%s: %v: eliciting %d, largest %d, want %d, %d; %d records in %d", what, Space(i), sp.eliciting, sp.largest, n, r.largest_acked_packet[i], sp.len(), cap(sp.ring))
		}
	}
}
