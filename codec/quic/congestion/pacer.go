package congestion

import (
	"math/bits"
	"time"

	"github.com/purewire/purewire/codec"
)

// DefaultGranularity is what a zero PacerConfig.Granularity means.
const DefaultGranularity = time.Millisecond

// maxRate bounds the rate in octets per second, 8.8 Tbit/s.
const maxRate int64 = 1 << 40

// octet is the unit of the bucket: 10^-9 octets, so that octets per second times nanoseconds needs no division.
const octet int64 = 1e9

// PacerConfig is what a Pacer can be told. The zero value is what RFC 9002 recommends.
type PacerConfig struct {
	// DatagramSize is the largest datagram payload in octets: 0 is MinDatagramSize, the most is 65527.
	DatagramSize int
	// Burst is how much may be sent at once after a pause, in octets: 0 is InitialWindow(DatagramSize).
	Burst int64
	// MaxRate is a rate that is never exceeded, in octets per second: 0 is none.
	MaxRate int64
	// Granularity is how finely the caller's timers and its loop can be expected to work: 0 is DefaultGranularity, negative is
	// perfectly. Next does not ask to be called sooner than this after the last packet, and the burst is at least what the rate gives in
	// twice this time, so that a late timer loses nothing.
	Granularity time.Duration
}

// Pacer is a token bucket that spreads packets over the round trip (RFC 9002 section 7.7). It fills at 1.25 times the congestion window
// per smoothed RTT, in slow start at twice that window. The zero value is unlimited; Init makes it pace.
//
// Packets with nothing but ACK frames should not be held back, nor counted (RFC 9002 section 7.7); probes are not held back, but counted.
type Pacer struct {
	tokens      int64 // in units of 1/octet; negative after packets that were not held back
	burst       int64 // least depth of the bucket, octets
	datagram    int64
	depth       int64 // depth of the bucket, octets
	rate        int64 // octets per second, 0 is unlimited
	maxRate     int64 // 0 is none
	granularity time.Duration
	filled      codec.Time // when tokens was computed; Never before the first packet
	sent        codec.Time // when a packet was last sent
	fixedBurst  bool       // the burst does not depend on the datagram size
}

// Init makes a full bucket. It fails if the configuration is out of range, and then changes nothing.
func (p *Pacer) Init(cfg PacerConfig) error {
	if cfg.DatagramSize == 0 {
		cfg.DatagramSize = MinDatagramSize
	}
	if cfg.Granularity == 0 {
		cfg.Granularity = DefaultGranularity
	}
	fixed := cfg.Burst != 0
	if !fixed {
		// 9002-7.7-2: "Senders SHOULD limit bursts to the initial congestion window; see Section 7.2."
		cfg.Burst = InitialWindow(cfg.DatagramSize)
	}
	switch {
	case cfg.DatagramSize < MinDatagramSize || cfg.DatagramSize > maxDatagramSize:
		return failure(rPacketSize)
	case cfg.Burst < int64(cfg.DatagramSize) || cfg.Burst > MaxWindow:
		return failure(rBurst)
	case cfg.MaxRate < 0:
		return failure(rMaxRate)
	case cfg.Granularity > time.Second:
		return failure(rGranularity)
	}
	*p = Pacer{burst: cfg.Burst, datagram: int64(cfg.DatagramSize), maxRate: min(cfg.MaxRate, maxRate), granularity: max(cfg.Granularity, 0), fixedBurst: fixed}
	p.setRate(p.maxRate)
	p.tokens = p.depth * octet
	return nil
}

// SetRate tells the window in octets and the smoothed RTT, after every change of them. While the RTT is not known (zero), only the fixed maximum
// rate applies.
//
// 9002-7.7-6: "rate = N * congestion_window / smoothed_rtt", with N = 1.25, and 2 in slow start, where the window doubles within a round trip.
func (p *Pacer) SetRate(now codec.Time, window int64, smoothed time.Duration, slowStart bool) {
	p.fill(now)
	rate := p.maxRate
	if smoothed > 0 && window > 0 && p.burst > 0 {
		num, den := uint64(5), uint64(4)
		if slowStart {
			num, den = 2, 1
		}
		rate = min(muldiv(num*uint64(min(window, MaxWindow)), uint64(time.Second), den*uint64(min(smoothed, time.Hour))), maxRate)
		rate = max(rate, 1)
		if p.maxRate > 0 {
			rate = min(rate, p.maxRate)
		}
	}
	p.setRate(rate)
}

// SetDatagramSize changes the largest datagram payload, in octets, as Controller.SetDatagramSize does: when the path's MTU was found. The burst
// becomes that of the new size, unless Init was given one.
func (p *Pacer) SetDatagramSize(now codec.Time, size int) {
	if p.burst == 0 {
		return // it does not pace
	}
	p.fill(now)
	p.datagram = int64(min(max(size, MinDatagramSize), maxDatagramSize))
	if !p.fixedBurst {
		p.burst = InitialWindow(int(p.datagram))
	}
	p.burst = max(p.burst, p.datagram)
	p.setRate(p.rate)
}

func (p *Pacer) setRate(rate int64) {
	p.rate = rate
	late := min(muldiv(uint64(rate), 2*uint64(p.granularity), uint64(time.Second)), MaxWindow)
	if late > 0 {
		late += p.datagram // what is too little for a packet stays in the bucket
	}
	p.depth = min(max(p.burst, late), MaxWindow)
	p.tokens = min(p.tokens, p.depth*octet)
}

// muldiv returns a*b/c, at most 2^62. The quotient of the first two by 2^64 must be below c or it counts as too large.
func muldiv(a, b, c uint64) int64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 1 << 62
	}
	q, _ := bits.Div64(hi, lo, c)
	return int64(min(q, 1<<62))
}

// Rate returns the present rate in octets per second, 0 for unlimited.
func (p *Pacer) Rate() int64 { return p.rate }

// fill puts in what has come since the last time.
func (p *Pacer) fill(now codec.Time) {
	if p.filled == codec.Never || now <= p.filled {
		p.filled = max(p.filled, now)
		return
	}
	full := p.depth * octet
	room := uint64(full - p.tokens)
	if hi, lo := bits.Mul64(uint64(p.rate), uint64(now.Sub(p.filled))); hi != 0 || lo >= room {
		p.tokens = full
	} else {
		p.tokens += int64(lo)
	}
	p.filled = now
}

// Budget returns how many octets may be sent at now; MaxWindow if the rate is unlimited.
func (p *Pacer) Budget(now codec.Time) int64 {
	if p.rate == 0 {
		return MaxWindow
	}
	p.fill(now)
	return max(p.tokens, 0) / octet
}

// Ready tells whether a packet of size octets may be sent at now. One that is larger than the bucket may be when the bucket is full.
func (p *Pacer) Ready(now codec.Time, size int) bool {
	return p.rate == 0 || p.Budget(now) >= min(int64(size), p.depth)
}

// OnSent takes a packet of size octets out of the bucket. More than is in it is owed, at most one bucket.
func (p *Pacer) OnSent(now codec.Time, size int) {
	p.fill(now)
	p.sent = now
	full := p.depth * octet
	p.tokens = max(p.tokens-min(int64(max(size, 0)), p.depth)*octet, -full)
}

// Next returns when a packet of size octets may be sent, for the caller's deadline. It is Never if the pacer does not hold it back: Ready is
// true. The packet may be sent sooner, whenever Ready says so.
func (p *Pacer) Next(now codec.Time, size int) codec.Time {
	if p.Ready(now, size) {
		return codec.Never
	}
	lack := min(int64(size), p.depth)*octet - p.tokens
	wait := (lack + p.rate - 1) / p.rate
	return max(now.Add(time.Duration(wait)), p.sent.Add(p.granularity))
}
