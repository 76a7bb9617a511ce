package recovery

import (
	"time"

	"github.com/purewire/purewire/codec/quic"
)

// Space is a packet number space (RFC 9000 section 12.3).
type Space uint8

// The packet number spaces. 0-RTT and 1-RTT packets share Application.
const (
	Initial Space = iota
	Handshake
	Application
	// Spaces is how many there are.
	Spaces = 3
)

// String returns "initial", "handshake", "application" or "unknown".
func (s Space) String() string {
	switch s {
	case Initial:
		return "initial"
	case Handshake:
		return "handshake"
	case Application:
		return "application"
	}
	return "unknown"
}

// SpaceOf returns the space of packets of type t. ok is false for types without packet numbers.
func SpaceOf(t quic.PacketType) (s Space, ok bool) {
	switch t {
	case quic.Initial:
		return Initial, true
	case quic.Handshake:
		return Handshake, true
	case quic.ZeroRTT, quic.OneRTT:
		return Application, true
	}
	return 0, false
}

// Mark is the ECN codepoint of an IP packet, its two bits as they are in the header (RFC 3168 section 5).
type Mark uint8

// The codepoints.
const (
	NotECT Mark = 0
	ECT1   Mark = 1
	ECT0   Mark = 2
	CE     Mark = 3
)

// The constants of RFC 9002 appendix A.2 and section 7.6.1.
const (
	// PacketThreshold is how many packets later one must be acknowledged for a packet to be lost.
	PacketThreshold = 3
	// Granularity is the least time of all timers.
	Granularity = time.Millisecond
	// InitialRTT is the round-trip time that is assumed before a sample.
	InitialRTT = 333 * time.Millisecond
	// PersistentThreshold is how many probe timeouts persistent congestion lasts at least.
	PersistentThreshold = 3
)

// DefaultMaxAckDelay is a peer's max_ack_delay if it does not tell (RFC 9000 section 18.2).
const DefaultMaxAckDelay = 25 * time.Millisecond

// DefaultAckDelayExponent is an endpoint's ack_delay_exponent if it does not tell (RFC 9000 section 18.2). It is always that of Initial
// and Handshake packets, whose receiver may not know the transport parameters yet.
const DefaultAckDelayExponent = 3
