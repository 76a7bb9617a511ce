package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/ranges"
)

// Receiver knows which packets were received, and when an acknowledgment of them is owed (RFC 9000 section 13.2). Init it before
// use. It is not safe for concurrent use.
type Receiver struct {
	spaces   [Spaces]recvSpace
	maxDelay time.Duration // one's own max_ack_delay
	exponent uint8         // one's own ack_delay_exponent
}

// recvSpace is what was received in one packet number space.
type recvSpace struct {
	replay    replay
	acks      ranges.Set // what an ACK frame would say
	pruned    int64      // numbers below were in an ACK frame that the peer has received
	largest   int64      // largest received, -1 for none
	largestAt codec.Time // when it was received
	eliciting int64      // largest received that elicits an acknowledgment, -1 for none
	ect0      uint64
	ect1      uint64
	ce        uint64
	pending   int        // packets received that elicit an acknowledgment, since the last ACK frame
	lowest    int64      // the lowest of these
	at        codec.Time // when an ACK frame is owed, if pending and not at once
	now       bool       // an ACK frame is owed at once
	sentAcks  int        // ACK frames in packets that do not elicit acknowledgments, since the peer acknowledged one
	discarded bool
}

// ReceiverConfig is what a Receiver is made with.
type ReceiverConfig struct {
	// MaxAckDelay is the max_ack_delay that was told to the peer, less what timers and scheduling add to it. Zero is 25 ms less 1 ms, negative is none:
	// every packet is acknowledged at once.
	MaxAckDelay time.Duration
	// AckDelayExponent is the ack_delay_exponent that was told to the peer, at most 20. It is 3 if the peer was told none.
	AckDelayExponent uint8
	// Ranges is how many ranges an ACK frame has at most, the newest: at most 64. Zero and negative are 32.
	Ranges int
}

const (
	// DefaultRanges and MaxRanges bound the ranges of ACK frames.
	DefaultRanges = 32
	MaxRanges     = 64

	ackEvery  = 2  // packets that elicit an acknowledgment
	pingEvery = 20 // ACK frames without an answer
)

// Init begins a connection. The error, misuse, is for an exponent above 20.
func (r *Receiver) Init(c ReceiverConfig) error {
	if c.AckDelayExponent > 20 {
		return errParams
	}
	if c.MaxAckDelay == 0 {
		c.MaxAckDelay = DefaultMaxAckDelay - Granularity
	}
	if c.Ranges <= 0 {
		c.Ranges = DefaultRanges
	}
	*r = Receiver{maxDelay: max(c.MaxAckDelay, 0), exponent: c.AckDelayExponent}
	for i := range r.spaces {
		r.spaces[i].acks.SetLimit(min(c.Ranges, MaxRanges))
		r.spaces[i].largest, r.spaces[i].eliciting = quic.NoPacket, quic.NoPacket
	}
	return nil
}

// Largest returns the largest packet number received, quic.NoPacket for none: what quic.Unmask wants.
func (r *Receiver) Largest(space Space) int64 {
	if space >= Spaces {
		return quic.NoPacket
	}
	return r.spaces[space].largest
}

// Seen tells whether packet n was received before, or is so far below the largest one, 1024 or more, that this is no longer known: it is to be dropped then
// (RFC 9000 section 12.3). It costs the same for every n.
//
// 9000-12.3-11: "Duplicate suppression MUST happen after removing packet protection": ask when the packet was authenticated, before its
// frames are looked at. Earlier answers would tell an observer the packet number by the time they take (RFC 9001 section 9.5).
func (r *Receiver) Seen(space Space, n int64) bool {
	return space >= Spaces || n < 0 || r.spaces[space].discarded || r.spaces[space].replay.seen(n)
}

// Received notes that packet n was authenticated and its frames were processed. at is when its datagram arrived; eliciting says that a
// frame of it elicits an acknowledgment; mark is the ECN codepoint of its datagram, NotECT if that is not known. The error, misuse,
// is for a packet that Seen is true of; nothing has changed then.
func (r *Receiver) Received(at codec.Time, space Space, n int64, eliciting bool, mark Mark) error {
	// 9000-12.3-11: "A receiver MUST discard a newly unprotected packet unless it is certain that it has not processed another packet with the
	// same packet number from the same packet number space."
	if r.Seen(space, n) || n > quic.MaxPacketNumber {
		return errReceived
	}
	sp := &r.spaces[space]
	sp.replay.add(n)
	missing := n > sp.eliciting+1 && !sp.acks.ContainsRange(uint64(max(sp.eliciting+1, sp.pruned)), uint64(n))
	reordered := n < sp.eliciting
	sp.acks.Add(uint64(n))
	if n > sp.largest {
		sp.largest, sp.largestAt = n, at
	}
	switch mark {
	case ECT0:
		sp.ect0++
	case ECT1:
		sp.ect1++
	case CE:
		sp.ce++
	}
	if !eliciting {
		// 9000-13.2.1-4: "An endpoint MUST NOT send a non-ack-eliciting packet in response to a non-ack-eliciting packet, even if there are
		// packet gaps that precede the received packet."
		return nil
	}
	sp.eliciting = max(sp.eliciting, n)
	if sp.pending++; sp.pending == 1 || n < sp.lowest {
		sp.lowest = n
	}
	switch {
	case space != Application, // 9000-13.2.1-2: "An endpoint MUST acknowledge all ack-eliciting Initial and Handshake packets immediately"
		sp.pending >= ackEvery, // 9000-13.2.2-4: "A receiver SHOULD send an ACK frame after receiving at least two ack-eliciting packets."
		reordered, missing,     // 9000-13.2.1-8
		mark == CE,               // 9000-13.2.1-9: "SHOULD be acknowledged immediately"
		r.maxDelay < Granularity: // no timer is that short
		sp.now = true
	case sp.pending == 1:
		// 9000-13.2.1-2: "and all ack-eliciting 0-RTT and 1-RTT packets within its advertised max_ack_delay"
		sp.at = at.Add(r.maxDelay)
	}
	return nil
}

// Deadline returns when an ACK frame is owed that is not owed at once, Never if there is none.
func (r *Receiver) Deadline() codec.Time {
	if sp := &r.spaces[Application]; sp.pending > 0 && !sp.now {
		return sp.at
	}
	return codec.Never
}

// Owed tells whether an ACK frame for the space is to be sent now, in a packet of its own if need be.
func (r *Receiver) Owed(now codec.Time, space Space) bool {
	if space >= Spaces {
		return false
	}
	sp := &r.spaces[space]
	return sp.now || sp.pending > 0 && sp.at.Reached(now)
}

// Worth tells whether a packet that is sent anyway should have an ACK frame: something that elicits an acknowledgment was received since
// the last one.
func (r *Receiver) Worth(space Space) bool { return space < Spaces && r.spaces[space].pending > 0 }

// AppendAck appends an ACK frame of the space, of at most size bytes: the newest ranges, the delay since the largest packet was received, and
// the ECN counts if there are any. largest is for Packet.Ack and AckSent. If nothing was received, or not even one range fits, dst is returned as it was, with
// the error, misuse. Nothing is changed: call AckSent when the packet is sent.
func (r *Receiver) AppendAck(dst []byte, now codec.Time, space Space, size int) (out []byte, largest int64, err error) {
	if space >= Spaces {
		return dst, quic.NoPacket, errSpace
	}
	sp := &r.spaces[space]
	if sp.acks.Empty() {
		return dst, quic.NoPacket, errNoAck
	}
	var buf [MaxRanges]quic.Range
	list := buf[:0]
	for rg := range sp.acks.Descending() {
		list = append(list, quic.Range{Smallest: rg.Start, Largest: rg.End - 1})
	}
	exponent := r.exponent
	if space != Application {
		exponent = DefaultAckDelayExponent
	}
	// 9000-13.2.5-1: "An endpoint measures the delays intentionally introduced between the time the packet with the largest packet number is
	// received and the time an acknowledgment is sent."
	delay := EncodeAckDelay(now.Sub(sp.largestAt), exponent)
	var ecn *quic.AckInfo
	if sp.ect0|sp.ect1|sp.ce != 0 {
		ecn = &quic.AckInfo{ECT0: sp.ect0, ECT1: sp.ect1, CE: sp.ce}
	}
	out, n, err := quic.AppendAck(dst, delay, list, ecn, size)
	if err != nil || n == 0 {
		return dst, quic.NoPacket, errAckSize
	}
	return out, int64(list[0].Largest), nil
}

// AckSent notes that what AppendAck appended was sent, in a packet that elicits an acknowledgment or does not: nothing is owed any more.
//
// 9000-13.2.1-3: "an endpoint MUST NOT send more than one such packet in response to receiving an ack-eliciting packet."
func (r *Receiver) AckSent(space Space, eliciting bool) {
	if space >= Spaces {
		return
	}
	sp := &r.spaces[space]
	sp.pending, sp.now, sp.at = 0, false, codec.Never
	if eliciting {
		sp.sentAcks = 0
	} else {
		sp.sentAcks++
	}
}

// WantsPing tells whether PING should be added to the next packet with an ACK frame, because 20 of them got no acknowledgment themselves, and what
// they say grows: without it, an endpoint that only receives never learns that its acknowledgments arrived (RFC 9000 section 13.2.4).
func (r *Receiver) WantsPing(space Space) bool {
	return space < Spaces && r.spaces[space].sentAcks >= pingEvery && r.spaces[space].acks.Len() > 1
}

// AckAcked notes that the peer has received an ACK frame whose largest acknowledged packet is largest (Batch.AckedAck; quic.NoPacket does nothing). Packets up to
// there are not acknowledged again (RFC 9000 section 13.2.4), but for the largest one received, and for those since the lowest one that no ACK frame was sent for yet: it came
// late. What was received is known as long as before.
func (r *Receiver) AckAcked(space Space, largest int64) {
	if space >= Spaces || largest < 0 {
		return
	}
	sp := &r.spaces[space]
	sp.sentAcks = 0
	// 9000-13.2.3-7: "A receiver SHOULD include an ACK Range containing the largest received packet number in every ACK frame."
	below := min(largest+1, sp.largest)
	if sp.pending > 0 {
		// 9000-13.2.1-1: "ack-eliciting packets MUST be acknowledged at least once within the maximum delay".
		below = min(below, sp.lowest)
	}
	if below > sp.pruned {
		sp.pruned = below
		sp.acks.RemoveBelow(uint64(below))
	}
}

// Discard ends a space because its keys were discarded: nothing is owed there any more, and everything was seen.
func (r *Receiver) Discard(space Space) {
	if space < Spaces {
		r.spaces[space] = recvSpace{discarded: true, largest: r.spaces[space].largest}
	}
}
