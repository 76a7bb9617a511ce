package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Sender tracks the packets that were sent and finds out which of them arrived and which were lost (RFC 9002 sections 5 and 6).
// Init it before use. It is not safe for concurrent use.
//
// Time must not run backwards: a now before the latest one counts as the latest one.
type Sender struct {
	rtt    RTT
	ecn    ECN
	skips  skipper
	spaces [Spaces]sendSpace

	now      codec.Time
	deadline codec.Time
	flight   int64 // octets in flight
	backoff  int   // pto_count
	steps    uint64

	maxAckDelay time.Duration // the peer's
	exponent    uint8         // the peer's ack_delay_exponent
	role        quic.Role
	noECN       bool
	confirmed   bool // the handshake is
	keys        bool // a client has Handshake keys
	validated   bool // PeerCompletedAddressValidation
	limited     bool // a server must not send until it has received more
	limits      Limits
}

// sendSpace is what is known of one packet number space.
type sendSpace struct {
	log
	limit     int        // records
	largest   int64      // largest acknowledged, -1 for none
	eliciting int        // packets in flight that elicit an acknowledgment
	last      codec.Time // when the last of those was sent
	lossTime  codec.Time // when the next packet is lost
	overtaken int64      // no packet below is waiting
	path      int64      // packets below were sent on an earlier path
	run       lossRun
	newest    codec.Time // when the newest acknowledged packet was sent
	popped    codec.Time // the same of those that are no longer in log
	probes    int
	discarded bool
}

// Packet is what a Sender is told of a packet that was sent.
type Packet struct {
	// Number is the packet number: what Next returned.
	Number int64
	// Token is the caller's, for Outcome.Token: what it was that the packet carried. It is not looked at.
	Token uint64
	// Octets is the size of the packet, without UDP and IP headers. It must be positive.
	Octets int
	// Eliciting says that the packet elicits an acknowledgment (quic.Kind.AckEliciting of any frame).
	Eliciting bool
	// Padded says that it has PADDING. A packet that is neither eliciting nor padded does not count as in flight, and gets no Outcome.
	Padded bool
	// Marked says that its datagram was sent with ECT(0): if Marking was true.
	Marked bool
	// HasAck says that it has an ACK frame, with Ack as the largest acknowledged packet number.
	HasAck bool
	Ack    int64
	// MTUProbe says that it is a probe for the path's MTU: its loss tells of no congestion (RFC 9000 section 14.4). When it is lost, its octets are in
	// Batch.DiscardedOctets and not in LostOctets, and it counts for no persistent congestion.
	MTUProbe bool
}

// Init begins a connection. The error, misuse, is for a configuration without role or source of random numbers.
func (s *Sender) Init(c Config) error {
	if c.Role != quic.Client && c.Role != quic.Server {
		return errRole
	}
	if c.Rand == nil && !c.NoSkip {
		return errRand
	}
	if c.NoSkip {
		c.Rand = nil
	}
	c.Limits.fill()
	*s = Sender{
		maxAckDelay: DefaultMaxAckDelay, exponent: DefaultAckDelayExponent,
		role: c.Role, noECN: c.NoECN, validated: c.Role == quic.Server, limits: c.Limits,
	}
	s.rtt.Init(c.InitialRTT)
	s.skips.init(c.Rand)
	for i := range s.spaces {
		s.spaces[i].largest = quic.NoPacket
		s.spaces[i].limit = c.Limits.HandshakePackets
	}
	s.spaces[Application].limit = c.Limits.Packets
	return nil
}

// SetPeer sets the peer's transport parameters max_ack_delay and ack_delay_exponent. The error, misuse, is for values out of range.
func (s *Sender) SetPeer(maxAckDelay time.Duration, ackDelayExponent uint8) error {
	if maxAckDelay < 0 || maxAckDelay >= 1<<14*time.Millisecond || ackDelayExponent > 20 {
		return errParams
	}
	s.maxAckDelay, s.exponent = maxAckDelay, ackDelayExponent
	return nil
}

// RTT returns the estimates of the round-trip time. They are the Sender's own.
func (s *Sender) RTT() *RTT { return &s.rtt }

// ECN returns the state of ECN validation. It is the Sender's own.
func (s *Sender) ECN() *ECN { return &s.ecn }

// Marking tells whether the next datagram is to be sent with ECT(0).
func (s *Sender) Marking() bool { return !s.noECN && s.ecn.Marking() }

// InFlight returns the octets in flight: of packets that elicit an acknowledgment or have padding, are neither acknowledged nor lost, and were
// sent on the current path.
func (s *Sender) InFlight() int64 { return s.flight }

// Eliciting returns how many packets of the space are in flight that elicit an acknowledgment.
func (s *Sender) Eliciting(space Space) int {
	if space >= Spaces {
		return 0
	}
	return s.spaces[space].eliciting
}

// LargestAcked returns the largest packet number that the peer has acknowledged, quic.NoPacket for none. It is what quic.PacketNumberLen wants, and tells
// when keys may be updated again: when it has reached the first packet sent with the present ones (RFC 9001 section 6.1).
func (s *Sender) LargestAcked(space Space) int64 {
	if space >= Spaces {
		return quic.NoPacket
	}
	return s.spaces[space].largest
}

// Backoff returns how many probe timeouts have expired in a row (pto_count).
func (s *Sender) Backoff() int { return s.backoff }

// Steps returns the work done since Init: ranges and records looked at.
func (s *Sender) Steps() uint64 { return s.steps }

// Next returns the packet number that the next packet of the space must have. It is the same until Sent. In Application, it now and then leaves
// one out.
func (s *Sender) Next(space Space) int64 {
	if space >= Spaces {
		return quic.NoPacket
	}
	n := s.spaces[space].next
	if space == Application && s.skips.due() {
		n++
	}
	return n
}

// Room returns how many more packets can be sent in the space before the peer acknowledges some.
func (s *Sender) Room(space Space) int {
	if space >= Spaces || s.spaces[space].discarded {
		return 0
	}
	sp := &s.spaces[space]
	s.relieve(sp)
	n := sp.limit - sp.len()
	if space == Application && s.skips.rand != nil {
		n -= 1 + n/leastSkip // numbers that may be skipped
	}
	return max(n, 0)
}

// ackOnlyKept is how many records are kept of packets that are not in flight, when there is nothing in front of them; at most a quarter of
// the limit, or they would leave no room, and nothing would ever acknowledge them.
const ackOnlyKept = 64

// relieve forgets the records at the low end that no acknowledgment is waited for: what was behind a packet in flight may be all there is when
// that is acknowledged.
func (s *Sender) relieve(sp *sendSpace) {
	sp.shrink()
	for keep := min(ackOnlyKept, sp.limit/4); sp.len() > keep; {
		head := sp.at(sp.base)
		if head.is(inFlight) || head.state != waiting {
			break
		}
		if head.is(marked) && sp.base >= sp.path {
			s.ecn.onDiscarded()
		}
		sp.pop()
		sp.shrink()
	}
}

// Sent records a packet that was sent now. The error, misuse, is for another number than Next, a packet without a size, a space whose keys
// were discarded, and more packets than the limit: nothing has changed then.
func (s *Sender) Sent(now codec.Time, space Space, p Packet) error {
	switch {
	case space >= Spaces:
		return errSpace
	case s.spaces[space].discarded:
		return errGone
	case p.Octets <= 0 || p.Octets > 1<<16:
		return errSize
	case p.Number != s.Next(space):
		return errNumber
	case p.Number > quic.MaxPacketNumber:
		// 9000-12.3-10: "If the packet number for sending reaches 2^62-1, the sender MUST close the connection without sending a
		// CONNECTION_CLOSE frame or any further packets"
		return errEnd
	}
	sp := &s.spaces[space]
	s.relieve(sp)
	skip := p.Number - sp.next
	if sp.len()+int(skip) >= sp.limit {
		return errFull
	}
	s.tick(now)
	if skip > 0 {
		number := sp.next
		*sp.push() = sent{at: s.now, aux: number, state: skipped}
		s.skips.skip(p.Number - 1)
	}
	rec := sp.push()
	*rec = sent{at: s.now, token: p.Token, octets: uint32(p.Octets)}
	if p.HasAck {
		rec.aux = p.Ack + 1
	}
	if p.Marked {
		rec.flags |= marked
		s.ecn.onSent(space)
	}
	if p.MTUProbe {
		rec.flags |= mtuProbe
	}
	if p.Eliciting || p.Padded {
		rec.flags |= inFlight
		s.flight += int64(p.Octets)
	}
	if p.Eliciting {
		rec.flags |= eliciting
		sp.eliciting++
		sp.last = s.now
		sp.probes = max(sp.probes-1, 0)
	}
	if space == Application {
		s.skips.sent(sp.eliciting)
	}
	if rec.is(inFlight) {
		s.setTimer()
	}
	return nil
}

// tick is given the time of a call.
func (s *Sender) tick(now codec.Time) { s.now = max(s.now, now) }

// counted returns the octets of a record as far as they count as in flight.
func (sp *sendSpace) counted(p *sent, n int64) int64 {
	if !p.is(inFlight) || n < sp.path {
		return 0
	}
	return int64(p.octets)
}

// suspect returns the octets of a lost record as far as they were taken for a sign of congestion.
func (sp *sendSpace) suspect(p *sent, n int64) int64 {
	if p.is(mtuProbe) {
		return 0
	}
	return sp.counted(p, n)
}

// leave takes the waiting record p of number n out of flight and returns the octets that counted.
func (s *Sender) leave(sp *sendSpace, p *sent, n int64) int64 {
	octets := sp.counted(p, n)
	s.flight -= octets
	if p.is(eliciting) {
		sp.eliciting--
	}
	return octets
}

// shrink forgets the records at the low end of which nothing remains to be reported.
func (sp *sendSpace) shrink() {
	for sp.base < sp.next {
		p := sp.at(sp.base)
		switch p.state {
		case waiting, lost:
			return
		case acked:
			sp.popped = max(sp.popped, p.at)
		}
		sp.pop()
	}
}
