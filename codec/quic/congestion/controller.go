package congestion

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Controller decides how many octets may be in flight on one path. It is driven by loss detection and reads no clock. Times are those of
// the calls and must not run backwards. It is not safe for concurrent use.
//
// Only packets in flight are told to it (RFC 9002 section 2): those that elicit an acknowledgment or contain PADDING. Sizes are of
// the whole packet, without UDP and IP headers.
type Controller interface {
	// Window returns the congestion window in octets.
	Window() int64
	// InFlight returns the octets that are neither acknowledged nor lost.
	InFlight() int64
	// Available returns how many octets may be sent now, 0 if none. Once after a congestion event it is at least a
	// datagram, whatever the window says (RFC 9002 section 7.3.2). Probes need not ask (section 7.5).
	Available() int64
	// SlowStart tells whether the window is below the slow start threshold; the pacer then sends faster.
	SlowStart() bool

	// OnSent counts a packet of size octets as in flight. Probes count too, even beyond the window.
	OnSent(now codec.Time, size int)
	// OnAcked counts packets as acknowledged; the window grows if it may.
	OnAcked(now codec.Time, a Ack)
	// OnLost counts packets as lost. It is a congestion event unless the newest of them was sent before the last one began.
	OnLost(now codec.Time, l Loss)
	// OnCongestion is a congestion event without lost packets: the peer's count of CE marks grew. sentAt is when the largest
	// packet was sent that the reporting frame newly acknowledged (RFC 9002 section B.7).
	OnCongestion(now, sentAt codec.Time, cause Cause)
	// OnPersistentCongestion collapses the window to its minimum and begins with slow start anew (RFC 9002 section 7.6). It comes after
	// the OnLost that established it; Loss.Persistent says the same in one call.
	OnPersistentCongestion(now codec.Time)
	// OnSpurious tells that size octets that were sent at sentAt and declared lost have been acknowledged after all. When that is true of
	// everything the last congestion event was about, it is undone (RFC 9438 section 4.9.2).
	OnSpurious(now, sentAt codec.Time, size int)
	// OnDiscarded removes octets that are neither acknowledged nor lost: those of a packet number space whose keys are gone
	// (RFC 9002 section 6.4), of 0-RTT that was refused, of an abandoned path.
	OnDiscarded(now codec.Time, octets int64)

	// SetDatagramSize changes the largest datagram payload, in octets; below 1200 counts as 1200. While the window is still the
	// initial one, it becomes that of the new size; so it does, whatever it was, if handshake is true: the size was decreased in order to complete
	// the handshake (RFC 9002 section 7.2). Otherwise the window stays, but for the new minimum.
	SetDatagramSize(now codec.Time, size int, handshake bool)
	// ReadState fills s, for logs and tests.
	ReadState(s *State)
}

// Ack says what was acknowledged: one packet, or several that shall count as sent at the same time. An acknowledgment frame
// for many packets can be told packet by packet (exact) or in runs.
type Ack struct {
	// Octets are the sizes of the newly acknowledged packets that were in flight. Above InFlight they count as InFlight.
	Octets int64
	// SentAt is when the newest of them was sent. Packets sent before the last congestion event do not open the window.
	SentAt codec.Time
	// AppLimited tells that the window was not fully used: the sender last stopped because it had nothing to send or no
	// flow control credit, not because of the window or the pacer. The window then does not grow (RFC 9002 section 7.8).
	AppLimited bool
	// RTT are the estimates after this frame. RTT.Latest is zero if this call brings no new sample; a frame that is told packet by
	// packet gives its sample with one of them.
	RTT RTT
}

// RTT are round-trip time estimates (RFC 9002 section 5).
type RTT struct {
	Latest   time.Duration // the sample, not adjusted for the acknowledgment delay; 0 is no sample
	Smoothed time.Duration // 0 is not known
	Min      time.Duration // 0 is not known
}

// Loss says what was declared lost at once.
type Loss struct {
	// Octets are the sizes of the lost packets that were in flight.
	Octets int64
	// SentAt is when the newest of them was sent. If it is zero, the octets are removed and no congestion event happens: losses that are to be
	// ignored (RFC 9002 section 7.4), lost probes of the path's MTU.
	SentAt codec.Time
	// Persistent tells that these losses establish persistent congestion (RFC 9002 section 7.6).
	Persistent bool
}

// Cause is why a congestion event happened.
type Cause uint8

const (
	// Lost is a packet that was declared lost.
	Lost Cause = iota + 1
	// CE is a growing count of packets marked "congestion experienced" (RFC 9002 section 7.1). It cannot be undone.
	CE
)

// Phase is the state of a controller. String returns the name in qlog's congestion_state_updated.
type Phase uint8

const (
	// SlowStart doubles the window every round trip.
	SlowStart Phase = iota
	// ConservativeSlowStart grows by a quarter of that, after HyStart++ saw the delay increase (RFC 9406).
	ConservativeSlowStart
	// Recovery lasts from a congestion event until a packet is acknowledged that was sent after it.
	Recovery
	// CongestionAvoidance probes for more.
	CongestionAvoidance
)

// String returns "slow_start", "conservative_slow_start", "recovery" or "congestion_avoidance".
func (p Phase) String() string {
	switch p {
	case SlowStart:
		return "slow_start"
	case ConservativeSlowStart:
		return "conservative_slow_start"
	case Recovery:
		return "recovery"
	}
	return "congestion_avoidance"
}

// NoThreshold is State.Threshold before the first congestion event: infinite.
const NoThreshold int64 = 1<<63 - 1

// State is a snapshot of a controller. Octets, times and counts; what an algorithm does not have is zero.
type State struct {
	Algorithm Algorithm
	Phase     Phase
	// Window, InFlight and Threshold (of slow start) are in octets.
	Window, InFlight, Threshold int64
	// DatagramSize is the largest datagram payload in octets.
	DatagramSize int64
	// RecoveryStart is when the last congestion event happened, zero for none or after persistent congestion.
	RecoveryStart codec.Time
	// Prior is the window just before the last congestion event (cwnd_prior), in octets.
	Prior int64
	// WMax, WEst (octets) and K are CUBIC's variables; Epoch is when the congestion avoidance stage began, less periods without growth.
	WMax, WEst int64
	K          time.Duration
	Epoch      codec.Time
	// RenoFriendly tells that CUBIC last followed its estimate of Reno's window.
	RenoFriendly bool
	// Events counts congestion events, CEEvents those of them by CE marks, Undone those undone, Persistent how often congestion was persistent.
	Events, CEEvents, Undone, Persistent uint64
	// DelayExits counts how often HyStart++ entered conservative slow start, DelayResumed how often it went back.
	DelayExits, DelayResumed uint64
}
