package recovery

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// RTT estimates the round-trip time of a path (RFC 9002 section 5). Init it before use.
type RTT struct {
	latest, smoothed, variance, min time.Duration
	first                           codec.Time // of the first sample, Never before
}

// longestRTT bounds samples, 9 years, so that no multiple of them overflows.
const longestRTT time.Duration = 1 << 58

// Init begins anew: a new path. initial is what is assumed until the first sample; zero and less is InitialRTT.
func (r *RTT) Init(initial time.Duration) {
	if initial <= 0 {
		initial = InitialRTT
	}
	initial = min(initial, longestRTT)
	*r = RTT{smoothed: initial, variance: initial / 2}
}

// Latest returns the newest sample, not adjusted, 0 before the first.
func (r *RTT) Latest() time.Duration { return r.latest }

// Smoothed returns the moving average, before the first sample what Init was given.
func (r *RTT) Smoothed() time.Duration { return r.smoothed }

// Variance returns the mean deviation (rttvar).
func (r *RTT) Variance() time.Duration { return r.variance }

// Min returns the least sample since Init or Restart, 0 before the first.
func (r *RTT) Min() time.Duration { return r.min }

// First returns when the first sample was taken, Never before.
func (r *RTT) First() codec.Time { return r.first }

// Update takes a sample: latest is the time from sending the largest newly acknowledged packet until now. delay is the acknowledgment delay
// that the peer told, already limited to its max_ack_delay if the handshake is confirmed. Negative durations count as 0.
func (r *RTT) Update(now codec.Time, latest, delay time.Duration) {
	latest, delay = min(max(latest, 0), longestRTT), max(delay, 0)
	r.latest = latest
	if r.first == codec.Never {
		// 9002-5.2-2: "min_rtt MUST be set to the latest_rtt on the first RTT sample."
		r.first, r.min, r.smoothed, r.variance = now, latest, latest, latest/2
		return
	}
	// 9002-5.2-2: "min_rtt MUST be set to the lesser of min_rtt and latest_rtt [...] on all other samples."
	r.min = min(r.min, latest)
	adjusted := latest
	// 9002-5.3-7.4: "MUST NOT subtract the acknowledgment delay from the RTT sample if the resulting value is smaller than the min_rtt."
	if latest-r.min >= delay {
		adjusted = latest - delay
	}
	r.variance = (3*r.variance + (r.smoothed - adjusted).Abs()) / 4
	r.smoothed = (7*r.smoothed + adjusted) / 8
}

// Restart sets the least sample to the newest one, as persistent congestion asks for (RFC 9002 section 5.2).
func (r *RTT) Restart() { r.min = r.latest }

// Timeout returns the probe timeout without backoff and acknowledgment delay: the average and four times the deviation, the latter at
// least Granularity (RFC 9002 section 6.2.1).
func (r *RTT) Timeout() time.Duration { return r.smoothed + max(4*r.variance, Granularity) }

// LossDelay returns how long after sending a packet is lost if a later one is acknowledged: 9/8 of the average or of the newest sample
// (RFC 9002 section 6.1.2).
func (r *RTT) LossDelay() time.Duration {
	d := max(r.latest, r.smoothed)
	// 9002-6.1.2-1: "this time threshold MUST be set to at least the local timer granularity"
	return max(d+d/8, Granularity)
}

// DecodeAckDelay returns the acknowledgment delay for the field of an ACK frame and the ack_delay_exponent of its sender, at most an hour.
func DecodeAckDelay(field uint64, exponent uint8) time.Duration {
	const most = uint64(time.Hour / time.Microsecond)
	if exponent > 20 || field > most>>exponent {
		return time.Hour
	}
	return time.Duration(field<<exponent) * time.Microsecond
}

// EncodeAckDelay returns the field of an ACK frame for a delay, rounded down, with one's own ack_delay_exponent. Negative delays are 0.
func EncodeAckDelay(d time.Duration, exponent uint8) uint64 {
	return uint64(max(d, 0)/time.Microsecond) >> exponent
}
