package stdnet

// AllIdle reports whether every connection is idle as EvictIdle understands it: the goroutine of one that has been answered may not have
// come that far yet.
func (s *Server) AllIdle() bool {
	s.mu.Lock()
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.mu.Lock()
		idle := c.idle()
		c.mu.Unlock()
		if !idle {
			return false
		}
	}
	return true
}
