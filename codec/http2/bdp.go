package http2

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// bdp estimates the bandwidth-delay product of a connection, so that receive windows grow to what the path can carry and
// no further. A PING is sent when data arrives; what arrives until its answer is what was under way in one round trip. If
// that comes near to the window, the window is what holds the peer back, and it is doubled.
//
//	if b.received(n, now) { send PING }
//	when its answer arrives: if size := b.answered(now); size > 0 { grow the windows to size }
type bdp struct {
	size, max uint32     // current and largest window
	sample    int64      // octets received since the PING was sent
	sent      codec.Time // when the PING was sent; Never: none under way
	next      codec.Time // no PING before that
	rtt       time.Duration
	rate      int64 // largest seen, octets per second
}

// bdpInterval is the shortest time between two PINGs.
const bdpInterval = 10 * time.Millisecond

// init starts with windows of size octets that may grow to limit. If limit is not larger, no PING is ever asked for.
func (b *bdp) init(size, limit uint32) {
	*b = bdp{size: size, max: min(limit, MaxWindow)}
}

// received counts n octets of DATA and reports whether a PING should be sent now.
func (b *bdp) received(n uint32, now codec.Time) bool {
	if b.size >= b.max || n == 0 {
		return false
	}
	if b.sent != codec.Never {
		b.sample += int64(n)
		return false
	}
	if b.next != codec.Never && !b.next.Reached(now) {
		return false
	}
	b.sent, b.sample = now, int64(n)
	return now != codec.Never
}

// answered takes the answer to the PING. It returns the size that windows should grow to, 0 if they should stay.
func (b *bdp) answered(now codec.Time) (size uint32) {
	if b.sent == codec.Never {
		return 0
	}
	rtt := max(now.Sub(b.sent), time.Microsecond)
	b.sent = codec.Never
	if b.rtt == 0 {
		b.rtt = rtt
	} else {
		b.rtt += (rtt - b.rtt) / 8
	}
	b.next = now.Add(max(bdpInterval, b.rtt))
	rate := int64(float64(b.sample) / b.rtt.Seconds())
	full := b.sample >= int64(b.size)*2/3
	if rate > b.rate {
		b.rate = rate
	} else if full {
		// The window was used up and did not bring more: the path is full.
		return 0
	}
	if !full {
		return 0
	}
	b.size = uint32(min(2*b.sample, int64(b.max)))
	return b.size
}
