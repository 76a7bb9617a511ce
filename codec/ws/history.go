package ws

// history is the last bytes of a direction that keeps its window from message to message, in a ring.
type history struct {
	ring []byte // as long as the window
	head int    // where the next byte goes
	n    int    // how many are there
}

func (h *history) len() int {
	if h == nil {
		return 0
	}
	return h.n
}

// copy copies from what lies back bytes before the end, up to the end, and returns how much.
func (h *history) copy(dst []byte, back int) int {
	from := h.head - back
	if from < 0 {
		from += len(h.ring)
	}
	return copy(dst, h.ring[from:min(from+back, len(h.ring))])
}

// add puts p behind what is there.
func (h *history) add(p []byte) {
	if len(p) >= len(h.ring) {
		copy(h.ring, p[len(p)-len(h.ring):])
		h.head, h.n = 0, len(h.ring)
		return
	}
	k := copy(h.ring[h.head:], p)
	copy(h.ring, p[k:])
	h.head = (h.head + len(p)) & (len(h.ring) - 1)
	h.n = min(h.n+len(p), len(h.ring))
}
