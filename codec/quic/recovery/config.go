package recovery

import (
	"time"

	"github.com/purewire/purewire/codec/quic"
)

// Config is what a Sender is made with. It is copied.
type Config struct {
	// Role is the own role. It must be set.
	Role quic.Role
	// Rand returns 64 bits that the peer cannot predict. It chooses the packet numbers that are skipped (RFC 9000 section 21.4). It must be
	// set unless NoSkip is.
	Rand func() uint64
	// NoSkip uses all packet numbers. A peer that acknowledges packets before it has received them is then not found out, and can make
	// this endpoint send without congestion control.
	NoSkip bool
	// InitialRTT is assumed until the first sample: of an earlier connection on the same network. Zero and less is 333 ms.
	InitialRTT time.Duration
	// NoECN never marks packets.
	NoECN bool
	// Limits bound memory and waiting.
	Limits Limits
}

// Limits are the limits of a Sender. Zero is the default, negative is none.
type Limits struct {
	// Packets is how many packet numbers of Application are tracked at once, from the oldest that may still be acknowledged on: 32 bytes
	// each. Default 8192; less than 4 is 4, or a probe timeout would find no room for probes.
	Packets int
	// HandshakePackets is the same of Initial and of Handshake. Default 256.
	HandshakePackets int
	// Backoff is how often the probe timeout is doubled at most. Default 6. None is 32.
	Backoff int
}

// The defaults of Limits.
const (
	DefaultPackets          = 8192
	DefaultHandshakePackets = 256
	DefaultBackoff          = 6
)

const (
	noLimit    = 1 << 30
	maxBackoff = 32
)

func (l *Limits) fill() {
	set := func(v *int, def, none int) {
		switch {
		case *v == 0:
			*v = def
		case *v < 0:
			*v = none
		}
	}
	set(&l.Packets, DefaultPackets, noLimit)
	set(&l.HandshakePackets, DefaultHandshakePackets, noLimit)
	set(&l.Backoff, DefaultBackoff, maxBackoff)
	l.Packets, l.HandshakePackets = max(l.Packets, probeRoom), max(l.HandshakePackets, probeRoom)
	l.Backoff = min(l.Backoff, maxBackoff)
}
