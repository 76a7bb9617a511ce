package recovery

// replayWindow is how many packet numbers below the largest received one are told apart. Packets below the window count as received before.
const replayWindow = 1024

// replay knows which of the newest packet numbers were received: a window over the packet numbers, in a ring of bits.
type replay struct {
	bits [replayWindow / 64]uint64
	end  int64 // the number behind the largest received one
}

// seen tells whether n was received, or is too old to tell.
func (r *replay) seen(n int64) bool {
	switch {
	case n >= r.end:
		return false
	case n < r.end-replayWindow:
		return true
	}
	return r.bits[uint64(n)%replayWindow/64]>>(uint64(n)%64)&1 == 1
}

// add notes that n was received.
func (r *replay) add(n int64) {
	if n >= r.end {
		r.advance(n + 1)
	}
	r.bits[uint64(n)%replayWindow/64] |= 1 << (uint64(n) % 64)
}

// advance moves the window up to end. The numbers that come into it were not received.
func (r *replay) advance(end int64) {
	if end-r.end >= replayWindow {
		r.bits = [replayWindow / 64]uint64{}
		r.end = end
		return
	}
	for n := uint64(r.end); n < uint64(end); {
		step := min(64-n%64, uint64(end)-n)
		r.bits[n%replayWindow/64] &^= (1<<step - 1) << (n % 64)
		n += step
	}
	r.end = end
}
