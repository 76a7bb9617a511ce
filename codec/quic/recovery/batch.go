package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Fate is what became of a packet.
type Fate uint8

// The fates. A packet in flight gets exactly one of Acked, Lost and Discarded; after Lost exactly one of LateAcked and Forgotten.
const (
	// Acked: the peer has it. What it carried need not be sent again.
	Acked Fate = iota + 1
	// Lost: declared lost. What it carried is to be sent again, if it still matters.
	Lost
	// LateAcked: it was declared lost, and the peer has it after all. What was not sent again yet need not be.
	LateAcked
	// Forgotten: it was declared lost, and will not be reported again whatever the peer says.
	Forgotten
	// Discarded: the keys of its packet number space are gone or it was refused: it counts neither as acknowledged nor as lost.
	Discarded
)

// String returns "acked", "lost", "late acked", "forgotten", "discarded" or "none".
func (f Fate) String() string {
	switch f {
	case Acked:
		return "acked"
	case Lost:
		return "lost"
	case LateAcked:
		return "late acked"
	case Forgotten:
		return "forgotten"
	case Discarded:
		return "discarded"
	}
	return "none"
}

// Outcome is what became of one packet that was in flight.
type Outcome struct {
	// Token is the caller's, from Packet.
	Token uint64
	// Number is the packet number.
	Number int64
	// SentAt is when it was sent.
	SentAt codec.Time
	// Octets is its size as far as it counted as in flight until now: 0 for packets of an earlier path, and with LateAcked and Forgotten
	// what it counted when it was lost: 0 for a probe of the MTU.
	Octets int64
	// Fate is what became of it.
	Fate Fate
	// Space is its packet number space.
	Space Space
}

// Batch is what one call found out. It belongs to the worker: each call that is given one overwrites it, and keeps the memory of Outcomes.
type Batch struct {
	// Outcomes are the packets: those acknowledged first, by number downwards within each range, then those lost by number upwards,
	// then those forgotten.
	Outcomes []Outcome

	// AckedOctets is the sum of the Octets that are Acked, AckedSentAt when the newest of these packets was sent.
	AckedOctets int64
	AckedSentAt codec.Time
	// LostOctets is the sum of the Octets that are Lost, probes of the MTU excepted, LostSentAt when the newest of these packets was sent: Never if none counts
	// (RFC 9002 section B.8). Persistent says that with them persistent congestion is established (section 7.6).
	LostOctets int64
	LostSentAt codec.Time
	Persistent bool
	// SpuriousOctets is the sum of the Octets that are LateAcked.
	SpuriousOctets int64
	// DiscardedOctets is the sum of the Octets that are Discarded, of packets that an earlier path had in flight, and of probes of the MTU that are Lost:
	// what is out of flight and means nothing.
	DiscardedOctets int64
	// CE is by how much the peer's count of packets with "congestion experienced" has grown, 0 if it is not to be believed. CESentAt is when the largest
	// acknowledged packet was sent, Never if that is not remembered: it was given up as lost before, or had only ACK frames. Then it begins no recovery period.
	CE       uint64
	CESentAt codec.Time
	// Sample is the sample of the round-trip time that was taken. Sampled says that there is one.
	Sample  time.Duration
	Sampled bool
	// AckedAck is the largest packet number that an ACK frame in an acknowledged packet acknowledged, quic.NoPacket for none:
	// for Receiver.AckAcked.
	AckedAck int64
	// Probe says that the probe timeout has expired: see Sender.Probes.
	Probe bool
}

func (b *Batch) reset() {
	*b = Batch{Outcomes: b.Outcomes[:0], AckedAck: -1}
}

func (b *Batch) add(p *sent, number int64, space Space, octets int64, fate Fate) {
	b.Outcomes = append(b.Outcomes, Outcome{Token: p.token, Number: number, SentAt: p.at, Octets: octets, Fate: fate, Space: space})
	switch fate {
	case Acked:
		b.AckedOctets += octets
		if octets > 0 {
			b.AckedSentAt = max(b.AckedSentAt, p.at)
		}
	case Lost:
		if p.is(mtuProbe) {
			// 9000-14.4-2: "Loss of a QUIC packet that is carried in a PMTU probe is therefore not a reliable indication of congestion and SHOULD NOT
			// trigger a congestion control reaction".
			b.DiscardedOctets += octets
			return
		}
		b.LostOctets += octets
		if octets > 0 {
			b.LostSentAt = max(b.LostSentAt, p.at)
		}
	case LateAcked:
		b.SpuriousOctets += octets
	case Discarded:
		b.DiscardedOctets += octets
	}
}
