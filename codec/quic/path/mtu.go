package path

import (
	"time"

	"github.com/purewire/purewire/codec"
)

const (
	// mtuProbes is how often a size is tried before it counts as too large (MAX_PROBES of RFC 8899 section 5.1.2).
	mtuProbes = 3
	// mtuStep is how exact the search is, in bytes.
	mtuStep = 20
	// mtuRaise is after how long a finished search begins anew, to find that the path carries more (PMTU_RAISE_TIMER of RFC 8899 section 5.1.1).
	mtuRaise = 600 * time.Second
	// mtuBlackhole is how many packets, larger than MinDatagram, must be lost without one sent later that arrives, until the path is taken to carry no more than
	// MinDatagram.
	mtuBlackhole = 6
)

// MTU finds the largest datagram that a path carries (RFC 8899, RFC 9000 section 14.3). It begins with MinDatagram, which is validated, and
// searches by halving what is between the largest that has arrived and the smallest that has not. There is one for each path that is used: Start it when the
// handshake is complete, and for a new path when that is validated. The zero value stays at MinDatagram.
type MTU struct {
	size    int // arrives
	high    int // sizes above do not
	max     int
	probe   int // in flight, 0: none
	losses  int // of probes of the size next
	started bool
	raise   codec.Time
	black   int
	arrived int64 // the highest number of a packet larger than MinDatagram that has arrived, and one
}

// Start begins to search, when the handshake is complete (9000-14.3.1-1). most is the largest size in bytes of a UDP payload that we would send and that the peer
// takes, its max_udp_payload_size. Below MinDatagram it is taken as that.
func (m *MTU) Start(most int) {
	most = max(most, MinDatagram)
	*m = MTU{size: MinDatagram, high: most, max: most, started: true}
}

// Size returns how large datagrams may be, in bytes of UDP payload. Those on a probe timeout should have MinDatagram at most: a path that carries no larger ones any
// more is known by what is lost, and that by what is acknowledged.
func (m *MTU) Size() int { return max(m.size, MinDatagram) }

// Probe returns the size of a datagram that should be sent now to search, padded, with a PING, counted in flight by congestion control but
// its loss not taken for congestion (9000-14.4-2; recovery.Packet.MTUProbe). It is 0 if none is due.
func (m *MTU) Probe(now codec.Time) (size int) {
	if !m.started || m.probe > 0 {
		return 0
	}
	if m.done() {
		if !m.raise.Reached(now) {
			return 0
		}
		m.high, m.losses, m.raise = m.max, 0, codec.Never
	}
	return m.next()
}

// next is the size to try: the largest first, since that is right on most paths, then the middle.
func (m *MTU) next() int {
	if m.high == m.max && m.losses == 0 {
		return m.max
	}
	return m.size + (m.high-m.size+1)/2
}

func (m *MTU) done() bool { return m.high-m.size < mtuStep && m.size < m.max || m.size >= m.max }

// Sent says that the probe of this size is sent.
func (m *MTU) Sent(size int) { m.probe = size }

// Acked says that a probe of this size was acknowledged, late or not: datagrams may be that large.
func (m *MTU) Acked(now codec.Time, size int) {
	if size == m.probe {
		m.probe = 0
	}
	if !m.started || size > m.max {
		return
	}
	if size > m.size {
		m.size, m.losses, m.black = size, 0, 0
		m.high = max(m.high, size)
		if m.size >= m.max {
			m.raise = codec.Never // nothing is left to find
		}
	}
	m.finish(now)
}

// Lost says that the probe of this size was lost. A size is tried three times.
func (m *MTU) Lost(now codec.Time, size int) {
	if size != m.probe || m.probe == 0 {
		return
	}
	m.probe = 0
	if m.losses++; m.losses < mtuProbes && size != m.max {
		return
	}
	// The largest size is tried once only: it is a guess.
	m.high, m.losses = max(size-1, m.size), 0
	m.finish(now)
}

func (m *MTU) finish(now codec.Time) {
	if m.done() && m.raise == codec.Never && m.size < m.max {
		m.raise = now.Add(mtuRaise)
	}
}

// Deadline returns when a finished search begins anew, Never if not.
func (m *MTU) Deadline() codec.Time {
	if m.probe > 0 || !m.done() {
		return codec.Never
	}
	return m.raise
}

// PacketAcked and PacketLost tell of 1-RTT packets on the path other than probes, by their number, with the size of their datagram. If many that are larger than
// MinDatagram are lost, and none arrives that was sent after them, the path is taken to carry no more than MinDatagram, and the search begins anew: shrunk is true.
// Everything in flight that is larger is lost as well then. A burst of losses that later packets of that size have passed is congestion.
func (m *MTU) PacketAcked(number int64, size int) {
	if size > MinDatagram && number >= m.arrived {
		m.arrived, m.black = number+1, 0
	}
}

// PacketLost is described at PacketAcked.
func (m *MTU) PacketLost(now codec.Time, number int64, size int) (shrunk bool) {
	if size <= MinDatagram || !m.started || m.size == MinDatagram || number < m.arrived {
		return false
	}
	if m.black++; m.black < mtuBlackhole {
		return false
	}
	m.black, m.losses = 0, 0
	m.high, m.size, m.raise = max(m.size-1, MinDatagram), MinDatagram, codec.Never
	m.finish(now)
	return true
}

// TooBig takes an ICMP message Packet Too Big, or its like, that says that size bytes of UDP payload are the most, and that the caller has validated (9000-14.2.1-4). It is used only to search
// no further than that.
func (m *MTU) TooBig(now codec.Time, size int) {
	// 9000-14.2.1-2: "An endpoint MUST ignore an ICMP message that claims the PMTU has decreased below QUIC's smallest allowed maximum datagram
	// size." 14.2.1-5: "An endpoint MUST NOT increase the PMTU based on ICMP messages". What has arrived is not doubted for it: loss will tell.
	if size < MinDatagram || size >= m.high || size < m.size {
		return
	}
	m.high, m.losses = size, 0
	if m.probe > size {
		m.probe = 0
	}
	m.finish(now)
}
