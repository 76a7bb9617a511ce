package congestion

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// The constants of RFC 9406 section 4.3.
const (
	minRTTThresh     = 4 * time.Millisecond
	maxRTTThresh     = 16 * time.Millisecond
	minRTTDivisor    = 8
	rttSamples       = 8 // N_RTT_SAMPLE
	cssGrowthDivisor = 4
	cssRounds        = 5
	unpacedLimit     = 8 // L without pacing; with pacing there is none
)

const infinite time.Duration = 1<<63 - 1

// hystart is HyStart++ (RFC 9406). It is in charge during the first slow start only, as section 4.3 recommends: while the threshold is
// infinite.
//
// Rounds are measured in sending times instead of sequence numbers, since the packet number spaces of QUIC have no common order: a
// round ends when a packet is acknowledged that was sent since the round began.
type hystart struct {
	on, unpaced bool
	css         bool // conservative slow start
	done        bool // it has run its rounds
	rounds      uint8
	samples     uint8
	carry       uint8         // octets times 4 that conservative growth left over
	windowEnd   codec.Time    // when the round began
	current     time.Duration // currentRoundMinRTT
	last        time.Duration // lastRoundMinRTT
	baseline    time.Duration // cssBaselineMinRtt

	exits, resumed uint64
}

func (h *hystart) init(on, unpaced bool) {
	*h = hystart{on: on, unpaced: unpaced, current: infinite, last: infinite, baseline: infinite}
}

func (h *hystart) conservative() bool { return h.css && !h.done }

// ended tells that conservative slow start has run its rounds.
func (h *hystart) ended() bool { return h.done }

// growth returns by how much the acknowledged octets open the window.
func (h *hystart) growth(octets, datagram int64) int64 {
	if !h.on {
		return octets
	}
	if h.unpaced {
		octets = min(octets, unpacedLimit*datagram) // cwnd = cwnd + min(N, L * SMSS)
	}
	if h.css {
		octets += int64(h.carry)
		h.carry = uint8(octets % cssGrowthDivisor)
		octets /= cssGrowthDivisor
	}
	return octets
}

// onAck takes an acknowledgment and its RTT sample.
func (h *hystart) onAck(now codec.Time, a *Ack) {
	if !h.on || h.done {
		return
	}
	if a.SentAt >= h.windowEnd {
		h.round(now)
		if h.done {
			return
		}
	}
	if a.RTT.Latest <= 0 {
		return
	}
	h.current = min(h.current, a.RTT.Latest)
	h.samples = min(h.samples+1, rttSamples)
	if h.samples < rttSamples {
		return
	}
	switch {
	case h.css:
		// 9406-4.2: the minimum fell below the baseline: "slow start exit was spurious".
		if h.current < h.baseline {
			h.css, h.baseline, h.rounds = false, infinite, 0
			h.resumed++
		}
	case h.last != infinite:
		thresh := max(minRTTThresh, min(h.last/minRTTDivisor, maxRTTThresh))
		if h.current >= h.last+thresh {
			h.css, h.baseline = true, h.current
			h.exits++
		}
	}
}

// round ends a round and begins the next.
func (h *hystart) round(now codec.Time) {
	h.windowEnd = now
	h.last, h.current, h.samples = h.current, infinite, 0
	if h.css {
		// 9406-4.2: "CSS lasts at most CSS_ROUNDS rounds. If the transition into CSS happens in the middle of a round, that
		// partial round counts towards the limit."
		h.rounds++
		h.done = h.rounds >= cssRounds
	}
}
