package http2

// window is what may still be sent on a stream or on the connection, in octets. A change of the peer's
// SETTINGS_INITIAL_WINDOW_SIZE can make it negative (RFC 9113 section 6.9.2-4); then nothing may be sent until WINDOW_UPDATE
// frames have made it positive again.
type window int32

// grow adds the increment of a WINDOW_UPDATE frame. It reports false, and changes nothing, if the window would exceed MaxWindow.
//
// RFC 9113 section 6.9.1: a sender MUST NOT allow a flow-control window to exceed 2^31-1 octets. If a sender receives a
// WINDOW_UPDATE that causes a flow-control window to exceed this maximum, it MUST terminate either the stream or the
// connection, as appropriate.
func (w *window) grow(increment uint32) bool { return w.shift(int64(increment)) }

// shift adds the difference between a new and the old SETTINGS_INITIAL_WINDOW_SIZE. It reports false, and changes nothing, if the
// window would exceed MaxWindow.
//
// RFC 9113 section 6.9.2: an endpoint MUST treat a change to SETTINGS_INITIAL_WINDOW_SIZE that causes any flow-control window
// to exceed the maximum size as a connection error of type FLOW_CONTROL_ERROR.
func (w *window) shift(delta int64) bool {
	sum := int64(*w) + delta
	if sum > MaxWindow {
		return false
	}
	*w = window(max(sum, -MaxWindow))
	return true
}

// avail returns how many octets may be sent.
func (w window) avail() uint32 { return uint32(max(w, 0)) }

// take counts n octets that are sent, at most avail.
func (w *window) take(n uint32) { *w -= window(min(n, w.avail())) }

// recvWindow is the window that we give the peer, for a stream or the connection. Every octet of the window is in one of
// three states, and their sum is the size of the window: the peer may send it (open), it has arrived and the application has
// not released it (held), it was released and the peer was not told (owed).
type recvWindow struct {
	size int64 // the window in octets: open+held+owed
	open int64 // what the peer may send; negative after the window was made smaller
	held int64 // received, not released
	owed int64 // released, not returned to the peer
	soon bool  // the window has grown: tell the peer at once
}

// init makes a window of size octets, of which the peer knows.
func (r *recvWindow) init(size uint32) { *r = recvWindow{size: int64(size), open: int64(size)} }

// received counts n octets of flow-controlled payload: data, padding and the pad length octet (RFC 9113 section 6.1-3). It reports false, and
// changes nothing, if the peer may not send that much.
//
// RFC 9113 section 6.9: a receiver that receives more than the window allows MUST respond with a stream error or a
// connection error of type FLOW_CONTROL_ERROR.
func (r *recvWindow) received(n uint32) bool {
	if int64(n) > r.open {
		return false
	}
	r.open -= int64(n)
	r.held += int64(n)
	return true
}

// released counts n octets that the application has taken, or that were thrown away: padding, data of a reset stream. What is
// not held cannot be released.
func (r *recvWindow) released(n uint32) {
	d := min(int64(n), r.held)
	r.held -= d
	r.owed += d
}

// due returns the increment to send now, 0 for none. It is due when it is half of the window: seldom, and early
// enough that a peer behind a path that half a window fills never stops. What a larger window adds is due at once.
func (r *recvWindow) due() uint32 {
	if r.owed <= 0 || r.owed < r.size/2 && !r.soon {
		return 0
	}
	return uint32(r.owed)
}

// emit returns what is owed and counts it as told to the peer, due or not.
func (r *recvWindow) emit() uint32 {
	n := max(r.owed, 0)
	r.owed -= n
	r.open += n
	r.soon = false
	return uint32(n)
}

// grow makes the window larger: the difference is owed to the peer. A smaller size changes nothing.
func (r *recvWindow) grow(size uint32) {
	if d := min(int64(size), MaxWindow) - r.size; d > 0 {
		r.size += d
		r.owed += d
		r.soon = true
	}
}

// shift applies a change of our SETTINGS_INITIAL_WINDOW_SIZE, which the peer applies to its side by itself: the window changes
// and nothing is owed.
func (r *recvWindow) shift(delta int64) {
	r.size += delta
	r.open += delta
}
