package tlswrap

import "sync"

// slots counts handshakes under way, and keeps those that wait in order.
type slots struct {
	mu          sync.Mutex
	free        int
	queued      int
	first, last *handshake
}

// acquire takes a slot for h, or queues it.
func (s *slots) acquire(h *handshake) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		return true
	}
	h.prev = s.last
	if s.last != nil {
		s.last.next = h
	} else {
		s.first = h
	}
	s.last = h
	h.queued = true
	s.queued++
	return false
}

// release gives a slot to the next in line, which is woken to take it.
func (s *slots) release() {
	s.mu.Lock()
	h := s.first
	if h == nil {
		s.free++
		s.mu.Unlock()
		return
	}
	s.unlink(h)
	h.granted = true
	s.mu.Unlock()
	h.c.outer.Wake()
}

// take reports whether h was given a slot while it was queued. It does so once.
func (s *slots) take(h *handshake) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := h.granted
	h.granted = false
	return ok
}

// leave takes h, which never began, out of the queue.
func (s *slots) leave(h *handshake) {
	s.mu.Lock()
	queued, granted := h.queued, h.granted
	if queued {
		s.unlink(h)
	}
	s.mu.Unlock()
	if granted {
		s.release()
	}
}

func (s *slots) unlink(h *handshake) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		s.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	} else {
		s.last = h.prev
	}
	h.next, h.prev, h.queued = nil, nil, false
	s.queued--
}
