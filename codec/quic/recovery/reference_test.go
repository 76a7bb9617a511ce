package recovery

import (
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// reference is the pseudocode of RFC 9002 appendix A, and of appendix B what is not the window, written down as naively as it stands there: maps, and
// every packet looked at every time. Names are the RFC's. Where the text of the RFC says something else than the pseudocode, or the
// pseudocode leaves something open, a comment says what is done.
type reference struct {
	latest_rtt, smoothed_rtt, rttvar, min_rtt time.Duration
	first_rtt_sample                          codec.Time
	max_ack_delay                             time.Duration
	exponent                                  uint8
	most_backoff                              int

	loss_detection_timer              codec.Time
	pto_count                         int
	time_of_last_ack_eliciting_packet [Spaces]codec.Time
	largest_acked_packet              [Spaces]int64
	loss_time                         [Spaces]codec.Time
	sent_packets                      [Spaces]map[int64]*refPacket
	bytes_in_flight                   int64

	is_server, confirmed, has_handshake_keys, handshake_ack, at_limit bool
	now                                                               codec.Time

	history []*refPacket // all that was ever sent, in the order of sending
	sent    [Spaces]map[int64]*refPacket
	numbers [Spaces][]int64 // ascending
	ecn     refECN
}

type refStatus uint8

const (
	refWaiting refStatus = iota
	refAcked
	refLost
	refForgotten // lost, and not known any more
	refDiscarded
)

type refPacket struct {
	packet_number                    int64
	space                            Space
	time_sent                        codec.Time
	ack_eliciting, in_flight, marked bool
	sent_bytes                       int64
	status                           refStatus
	counts                           bool // for persistent congestion, while it is lost
	unsure                           bool // it counts, and the Sender may have forgotten that
	old                              bool // sent on an earlier path
	mtu_probe                        bool
}

// refResult is what one call finds out.
type refResult struct {
	acked, late, lost []int64
	space             Space // of these
	persistent        bool
	exact             bool // persistent is what the Sender must say; else it may say no
	sampled           bool
	ce                uint64
	probe             [Spaces]bool
	err               string
}

func newReference(c Config) *reference {
	r := &reference{
		is_server: c.Role == quic.Server, max_ack_delay: DefaultMaxAckDelay, exponent: DefaultAckDelayExponent,
		smoothed_rtt: InitialRTT, rttvar: InitialRTT / 2,
	}
	c.Limits.fill()
	r.most_backoff = c.Limits.Backoff
	if c.InitialRTT > 0 {
		r.smoothed_rtt, r.rttvar = c.InitialRTT, c.InitialRTT/2
	}
	for s := range r.sent_packets {
		r.sent_packets[s] = map[int64]*refPacket{}
		r.sent[s] = map[int64]*refPacket{}
		r.largest_acked_packet[s] = -1
	}
	return r
}

func (r *reference) OnPacketSent(now codec.Time, space Space, p Packet) {
	r.now = now
	q := &refPacket{packet_number: p.Number, space: space, time_sent: now, ack_eliciting: p.Eliciting, in_flight: p.Eliciting || p.Padded,
		sent_bytes: int64(p.Octets), marked: p.Marked, mtu_probe: p.MTUProbe}
	r.sent_packets[space][p.Number] = q
	r.sent[space][p.Number] = q
	r.numbers[space] = append(r.numbers[space], p.Number)
	r.history = append(r.history, q)
	if q.marked {
		r.ecn.onSent(space)
	}
	if q.in_flight {
		if q.ack_eliciting {
			r.time_of_last_ack_eliciting_packet[space] = now
		}
		r.bytes_in_flight += q.sent_bytes
		r.SetLossDetectionTimer()
	}
}

func (r *reference) OnAckReceived(now codec.Time, space Space, ack *quic.AckInfo, delayField uint64) (res refResult) {
	r.now = now
	res.space = space
	var list []int64
	it := ack.Ranges()
	for rg, ok := it.Next(); ok; rg, ok = it.Next() {
		for n := int64(rg.Largest); n >= int64(rg.Smallest); n-- {
			list = append(list, n)
			if r.sent[space][n] == nil {
				res.err = "never sent" // RFC 9000 section 13.1
				return res
			}
		}
	}
	increased := int64(ack.Largest) > r.largest_acked_packet[space]
	r.largest_acked_packet[space] = max(r.largest_acked_packet[space], int64(ack.Largest))

	// DetectAndRemoveAckedPackets
	var newly_acked_packets []*refPacket
	includesEliciting, marked := false, uint64(0)
	for _, n := range list {
		p, ok := r.sent_packets[space][n]
		if !ok {
			if q := r.sent[space][n]; q.status == refLost {
				r.disqualify(q)
				q.status = refAcked
				res.late = append(res.late, n)
				if q.marked && !q.old {
					marked++
				}
			}
			continue
		}
		delete(r.sent_packets[space], n)
		p.status = refAcked
		newly_acked_packets = append(newly_acked_packets, p)
		includesEliciting = includesEliciting || p.ack_eliciting
		if p.marked && !p.old {
			marked++
		}
		if p.in_flight {
			res.acked = append(res.acked, n)
		}
	}
	if len(newly_acked_packets) == 0 {
		// Late packets count for ECN, RFC 9000 section 13.4.2.1: they are newly acknowledged.
		if increased {
			res.ce = r.ecn.onAck(space, ack, marked)
		}
		return res
	}
	if space == Handshake {
		r.handshake_ack = true
	}
	largest := slices.MaxFunc(newly_acked_packets, func(a, b *refPacket) int { return int(a.packet_number - b.packet_number) })
	if largest.packet_number == int64(ack.Largest) && includesEliciting && !largest.old {
		r.latest_rtt = now.Sub(largest.time_sent)
		exponent := r.exponent
		if space != Application {
			exponent = DefaultAckDelayExponent
		}
		ack_delay := time.Duration(delayField<<exponent) * time.Microsecond
		if space == Initial {
			ack_delay = 0 // section 5.3: MAY ignore
		}
		r.UpdateRtt(ack_delay)
		res.sampled = true
	}
	if increased {
		res.ce = r.ecn.onAck(space, ack, marked)
	}
	lost_packets := r.DetectAndRemoveLostPackets(space)
	if len(lost_packets) > 0 {
		r.OnPacketsLost(lost_packets, &res)
	}
	for _, p := range newly_acked_packets {
		if p.in_flight && !p.old {
			r.bytes_in_flight -= p.sent_bytes
		}
	}
	if r.PeerCompletedAddressValidation() {
		r.pto_count = 0
	}
	r.SetLossDetectionTimer()
	return res
}

func (r *reference) UpdateRtt(ack_delay time.Duration) {
	if r.first_rtt_sample == 0 {
		r.min_rtt = r.latest_rtt
		r.smoothed_rtt = r.latest_rtt
		r.rttvar = r.latest_rtt / 2
		r.first_rtt_sample = r.now
		return
	}
	r.min_rtt = min(r.min_rtt, r.latest_rtt)
	if r.confirmed {
		ack_delay = min(ack_delay, r.max_ack_delay)
	}
	adjusted_rtt := r.latest_rtt
	if r.latest_rtt >= r.min_rtt+ack_delay {
		adjusted_rtt = r.latest_rtt - ack_delay
	}
	deviation := r.smoothed_rtt - adjusted_rtt
	if deviation < 0 {
		deviation = -deviation
	}
	r.rttvar = (3*r.rttvar + deviation) / 4
	r.smoothed_rtt = (7*r.smoothed_rtt + adjusted_rtt) / 8
}

func (r *reference) GetLossTimeAndSpace() (codec.Time, Space) {
	t, space := r.loss_time[Initial], Initial
	for _, s := range []Space{Handshake, Application} {
		if r.loss_time[s] != 0 && (t == 0 || r.loss_time[s] < t) {
			t, space = r.loss_time[s], s
		}
	}
	return t, space
}

func (r *reference) eliciting(space Space) bool {
	for _, p := range r.sent_packets[space] {
		if p.ack_eliciting {
			return true
		}
	}
	return false
}

const refInfinite = codec.Time(1<<63 - 1)

func (r *reference) GetPtoTimeAndSpace() (t codec.Time, space Space, alone bool) {
	pow := time.Duration(1)
	for range min(r.pto_count, r.most_backoff) { // the cap is ours
		pow *= 2
	}
	duration := (r.smoothed_rtt + max(4*r.rttvar, time.Millisecond)) * pow
	pto_timeout, pto_space := refInfinite, Initial
	for _, s := range []Space{Initial, Handshake, Application} {
		if !r.eliciting(s) {
			continue
		}
		if s == Application {
			if !r.confirmed {
				break
			}
			duration += r.max_ack_delay * pow
		}
		if t := r.time_of_last_ack_eliciting_packet[s].Add(duration); t < pto_timeout {
			pto_timeout, pto_space = t, s
		}
	}
	// The pseudocode asks whether anything ack-eliciting is in flight, and has no timer then if that is 0-RTT alone. Section 6.2.2.1 wants
	// the timer all the same.
	if pto_timeout == refInfinite && !r.PeerCompletedAddressValidation() {
		if r.has_handshake_keys {
			return r.now.Add(duration), Handshake, true
		}
		return r.now.Add(duration), Initial, true
	}
	return pto_timeout, pto_space, false
}

func (r *reference) PeerCompletedAddressValidation() bool {
	return r.is_server || r.handshake_ack || r.confirmed
}

func (r *reference) SetLossDetectionTimer() {
	if earliest, _ := r.GetLossTimeAndSpace(); earliest != 0 {
		r.loss_detection_timer = earliest
		return
	}
	if r.at_limit {
		r.loss_detection_timer = 0
		return
	}
	if !r.eliciting(Initial) && !r.eliciting(Handshake) && !r.eliciting(Application) && r.PeerCompletedAddressValidation() {
		r.loss_detection_timer = 0
		return
	}
	r.loss_detection_timer, _, _ = r.GetPtoTimeAndSpace()
	if r.loss_detection_timer == refInfinite {
		r.loss_detection_timer = 0
	}
}

func (r *reference) OnLossDetectionTimeout(now codec.Time) (res refResult) {
	r.now = now
	if earliest, space := r.GetLossTimeAndSpace(); earliest != 0 {
		res.space = space
		lost_packets := r.DetectAndRemoveLostPackets(space)
		// The pseudocode asserts that lost_packets is not empty. It may be: samples in another space, and a new path, change loss_delay.
		r.OnPacketsLost(lost_packets, &res)
		r.SetLossDetectionTimer()
		return res
	}
	_, space, alone := r.GetPtoTimeAndSpace()
	res.probe[space] = true
	if !alone {
		for _, s := range []Space{Initial, Handshake, Application} {
			res.probe[s] = res.probe[s] || r.eliciting(s)
		}
	}
	r.pto_count++
	r.ecn.onTimeout()
	r.SetLossDetectionTimer()
	return res
}

func (r *reference) DetectAndRemoveLostPackets(space Space) (lost_packets []*refPacket) {
	r.loss_time[space] = 0
	loss_delay := max(max(r.latest_rtt, r.smoothed_rtt)*9/8, time.Millisecond)
	lost_send_time := r.now - codec.Time(loss_delay)
	for _, n := range r.numbers[space] {
		unacked, ok := r.sent_packets[space][n]
		if !ok || n > r.largest_acked_packet[space] {
			continue
		}
		// "The use of kPacketThreshold here assumes that there were no sender-induced gaps": so packets are counted here, not numbers.
		later := 0
		for _, m := range r.numbers[space] {
			if m > n && m <= r.largest_acked_packet[space] {
				later++
			}
		}
		switch {
		case unacked.time_sent <= lost_send_time || later >= 3:
			delete(r.sent_packets[space], n)
			if unacked.marked && !unacked.old {
				r.ecn.onLost()
			}
			if unacked.in_flight { // section 6.1: "in flight"; others are removed only
				lost_packets = append(lost_packets, unacked)
			}
		case !unacked.in_flight:
		case r.loss_time[space] == 0:
			r.loss_time[space] = unacked.time_sent.Add(loss_delay)
		default:
			r.loss_time[space] = min(r.loss_time[space], unacked.time_sent.Add(loss_delay))
		}
	}
	return lost_packets
}

func (r *reference) OnPacketsLost(lost_packets []*refPacket, res *refResult) {
	res.exact = true
	for _, p := range lost_packets {
		p.status = refLost
		res.lost = append(res.lost, p.packet_number)
		if !p.old {
			r.bytes_in_flight -= p.sent_bytes
		}
	}
	for _, p := range lost_packets {
		p.counts = p.ack_eliciting && !p.old && !p.mtu_probe && r.first_rtt_sample != 0 && p.time_sent > r.first_rtt_sample
		if !p.counts {
			continue
		}
		persistent, perhaps, exact := r.InPersistentCongestion(p)
		res.exact = res.exact && exact && (persistent || !perhaps)
		if perhaps && !persistent {
			res.persistent = true
			r.min_rtt = r.latest_rtt
			for _, q := range r.history {
				q.unsure = q.unsure || q.space == p.space && q.counts
			}
		}
		if persistent {
			res.persistent = true
			r.min_rtt = r.latest_rtt // section 5.2
			// A later one begins anew.
			for _, q := range r.history {
				if q.space == p.space && q != p {
					q.counts = false
				}
			}
		}
	}
}

// InPersistentCongestion looks for another packet that was sent long enough before p and lost, with nothing acknowledged between them. exact is false if another
// packet number space has had acknowledgments since the first such packet was sent: the Sender remembers less then. perhaps says that there is one which the Sender
// may have forgotten.
func (r *reference) InPersistentCongestion(p *refPacket) (persistent, perhaps, exact bool) {
	duration := (r.smoothed_rtt + max(4*r.rttvar, time.Millisecond) + r.max_ack_delay) * 3
	exact = true
	at := slices.Index(r.history, p)
	first := p
	ended, endedHere := false, false
	for i := at - 1; i >= 0; i-- {
		q := r.history[i]
		ended = ended || q.status == refAcked
		endedHere = endedHere || q.status == refAcked && q.space == p.space
		if q.space == p.space && q.counts && (q.status == refLost || q.status == refForgotten) {
			if !ended && p.time_sent.Sub(q.time_sent) > duration {
				persistent, perhaps = persistent || !q.unsure, true
			}
			if !endedHere {
				first = q
			}
		}
	}
	for _, q := range r.history {
		if q.space != p.space && q.status == refAcked && q.time_sent >= first.time_sent {
			exact = false
		}
	}
	return persistent, perhaps, exact
}

// disqualify ends the period that a late acknowledgment falls into: packets lost so far need not begin another one.
func (r *reference) disqualify(late *refPacket) {
	var first *refPacket
	for i := len(r.history) - 1; i >= 0; i-- {
		q := r.history[i]
		if q.space != late.space {
			continue
		}
		if q.status == refAcked && first != nil {
			break
		}
		if q.counts {
			first = q
		}
	}
	if first == nil || late.time_sent < first.time_sent {
		return
	}
	for _, q := range r.history {
		q.unsure = q.unsure || q.space == late.space && q.counts
	}
	late.counts = false
}

// giveUp takes a packet as lost that the Sender has no room for.
func (r *reference) giveUp(o Outcome) {
	q := r.sent_packets[o.Space][o.Number]
	if q == nil {
		return
	}
	delete(r.sent_packets[o.Space], o.Number)
	q.status = refLost
	if !q.old {
		r.bytes_in_flight -= q.sent_bytes
		if q.marked {
			r.ecn.onLost()
		}
	}
	r.SetLossDetectionTimer()
}

func (r *reference) OnPacketNumberSpaceDiscarded(now codec.Time, space Space) {
	r.now = now
	r.drop(space)
	r.pto_count = 0
	r.SetLossDetectionTimer()
}

func (r *reference) drop(space Space) {
	for _, p := range r.sent_packets[space] {
		if p.in_flight && !p.old {
			r.bytes_in_flight -= p.sent_bytes
		}
		if p.marked && !p.old {
			r.ecn.onDiscarded()
		}
		p.status = refDiscarded
	}
	clear(r.sent_packets[space])
	for _, p := range r.history {
		if p.space == space {
			p.counts = false
			if p.status == refLost {
				p.status = refForgotten
			}
		}
	}
	r.time_of_last_ack_eliciting_packet[space] = 0
	r.loss_time[space] = 0
}

// refECN is RFC 9000 section 13.4.2 and appendix A.4.
type refECN struct {
	tested, lost, timeouts int
	unknown, capable, bad  bool
	counts                 [Spaces][3]int64 // ECT(0), ECT(1), CE
	unreported             [Spaces]int64    // marked packets that no count has covered
}

func (e *refECN) onSent(space Space) {
	e.unreported[space]++
	if !e.unknown && !e.capable && !e.bad {
		e.tested++
		e.unknown = e.tested == 10
	}
}

func (e *refECN) onTimeout() {
	if !e.unknown && !e.capable && !e.bad {
		e.timeouts++
		e.unknown = e.timeouts == 3
		e.all()
	}
}

func (e *refECN) onLost() { e.lost++; e.all() }

func (e *refECN) onDiscarded() { e.tested--; e.all() }

func (e *refECN) all() {
	if e.unknown && !e.capable && e.lost > 0 && e.lost >= e.tested {
		e.bad = true
	}
}

func (e *refECN) onAck(space Space, a *quic.AckInfo, newly uint64) uint64 {
	old := e.counts[space]
	if !a.ECN {
		e.bad = e.bad || newly > 0
		return 0
	}
	e.counts[space] = [3]int64{int64(a.ECT0), int64(a.ECT1), int64(a.CE)}
	d0, d1, dc := int64(a.ECT0)-old[0], int64(a.ECT1)-old[1], int64(a.CE)-old[2]
	bad := e.bad
	switch {
	case d0 < 0 || d1 < 0 || dc < 0:
		e.bad = true
	default:
		e.bad = e.bad || d0+dc < int64(newly) || d1 != 0 || d0+dc > e.unreported[space]
		e.unreported[space] = max(e.unreported[space]-d0-dc, 0)
	}
	if bad || e.bad {
		return 0
	}
	e.capable = e.capable || newly > 0
	return uint64(dc)
}
