package http2

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// bdp estimates the bandwidth-delay product of a connection, so that receive windows grow to what the path can carry and
// not much further. A PING is sent when data arrives; what arrives until its answer is what was under way in one round trip. If
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
	rate      float64 // largest seen, octets per second
	vain      uint8   // PINGs in a row that changed nothing
}

const (
	// bdpInterval is the shortest time between two PINGs; it is doubled for each PING in a row that changes nothing.
	bdpInterval = 10 * time.Millisecond
	// bdpVain is how often the interval is doubled at most: 10 ms become 1.28 s.
	bdpVain = 7
	// bdpGain is by how much the rate must rise to show that a larger window was worth it.
	bdpGain = 1.125
)

// init starts with windows of size octets that may grow to limit. If limit is not larger, no PING is ever asked for.
func (b *bdp) init(size, limit uint32) {
	*b = bdp{size: size, max: min(limit, MaxWindow)}
}

// received counts n octets of DATA and reports whether a PING should be sent now.
func (b *bdp) received(n uint32, now codec.Time) bool {
	if b.size >= b.max || n == 0 || now == codec.Never {
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
	return true
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
	rate := float64(b.sample) / b.rtt.Seconds()
	// A window of which less than half was used in a round trip held nobody back (half, because that is what a peer may have to wait
	// for: see recvWindow.due). One that was used, and brought no more than a smaller window did, was not what held the peer back: the
	// path was.
	if b.sample*2 >= int64(b.size) && rate >= b.rate*bdpGain {
		b.rate, b.vain = rate, 0
		size = uint32(min(2*int64(b.size), int64(b.max)))
		b.size = size
	}
	b.next = now.Add(max(bdpInterval<<b.vain, b.rtt))
	if size == 0 {
		b.vain = min(b.vain+1, bdpVain)
	}
	return size
}
