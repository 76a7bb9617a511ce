package recovery

import "github.com/purewire/purewire/codec/quic"

// Skipped packet numbers find out a peer that acknowledges what it has not received (RFC 9000 section 21.4, optimistic ACK attack): it
// cannot tell which numbers those are. The distance from one to the next is drawn anew each time, from W to 2W-1 packets, where W is the
// largest number of packets that were in flight since the last one: such a peer is found out within two windows, and a window's
// acknowledgments have less than one more range.

// leastSkip is the least W: a flight of the initial window.
const leastSkip = 10

// keptSkips is how many of the newest skipped numbers are known: so many windows at least.
const keptSkips = 16

type skipper struct {
	rand func() uint64
	left int64 // packets until the next skipped number
	peak int   // packets in flight at most since then
	last [keptSkips]int64
	n    int // how often a number was skipped
}

func (k *skipper) init(rand func() uint64) {
	*k = skipper{rand: rand}
	k.draw()
}

func (k *skipper) draw() {
	if k.rand != nil {
		w := int64(max(k.peak, leastSkip))
		k.left = w + int64(k.rand()%uint64(w))
	}
	k.peak = 0
}

// due tells whether the next number is to be skipped.
func (k *skipper) due() bool { return k.rand != nil && k.left <= 0 }

// sent counts a packet; waiting are now in flight.
func (k *skipper) sent(waiting int) {
	k.left--
	k.peak = max(k.peak, waiting)
}

// skip notes that number n was skipped.
func (k *skipper) skip(n int64) {
	k.last[k.n%keptSkips] = n
	k.n++
	k.draw()
}

// covered tells whether one of the ranges has a skipped number. Its cost is that of the ranges, and keptSkips.
func (k *skipper) covered(a *quic.AckInfo) bool {
	i := k.n - 1
	oldest := max(k.n-keptSkips, 0)
	it := a.Ranges()
	for i >= oldest {
		r, ok := it.Next()
		if !ok {
			return false
		}
		for i >= oldest && uint64(k.last[i%keptSkips]) > r.Largest {
			i--
		}
		if i >= oldest && uint64(k.last[i%keptSkips]) >= r.Smallest {
			return true
		}
	}
	return false
}
