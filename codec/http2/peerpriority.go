package http2

// earlyPriority is a PRIORITY_UPDATE for a stream that is not open yet.
type earlyPriority struct {
	stream   uint32
	priority Priority
}

// priorityFrame: PRIORITY_UPDATE (RFC 9218 section 7.1).
func (c *Conn) priorityFrame(p []byte, ev *Event) {
	// RFC 9218 section 7.1-9: Servers MUST NOT send PRIORITY_UPDATE frames. If a client receives a PRIORITY_UPDATE frame, it MUST respond with a
	// connection error of type PROTOCOL_ERROR.
	if c.role == Client {
		c.fail(fUpdateToClient, 0)
		return
	}
	id, value, f := ParsePriorityUpdate(p)
	if f != ok {
		c.fail(f, 0)
		return
	}
	if !c.spend(10, id) {
		return
	}
	priority, _ := ParsePriorityField(value)
	slot, st := c.lookup(id)
	switch {
	case id&1 == 0:
		// RFC 9218 section 7.1-7: Servers that receive a PRIORITY_UPDATE for a push stream in the "idle" state MUST respond with a connection error of
		// type PROTOCOL_ERROR.
		c.fail(fUpdatePush, id)
	case st == idle:
		c.keepEarly(id, priority)
	case slot >= 0 && !st.closed():
		c.setPriority(slot, priority)
		ev.Kind, ev.Stream, ev.User, ev.Priority = PriorityUpdate, id, c.tab.slots[slot].user, priority
	}
}

// keepEarly remembers the priority of a stream that is not open yet.
//
// RFC 9218 section 7-4: Servers SHOULD buffer the most recently received PRIORITY_UPDATE frame and apply it once the referenced stream is
// opened. Holding PRIORITY_UPDATE frames for each stream requires server resources, which can be bounded by local implementation policy.
func (c *Conn) keepEarly(id uint32, p Priority) {
	for i := range c.early {
		if c.early[i].stream == id {
			c.early[i].priority = p
			return
		}
	}
	// RFC 9218 section 7.1-6: "The number of streams that have been prioritized but remain in the "idle" state plus the number of active streams [...]
	// MUST NOT exceed the value of the SETTINGS_MAX_CONCURRENT_STREAMS parameter. Servers that receive such a PRIORITY_UPDATE MUST respond with a
	// connection error of type PROTOCOL_ERROR." Before the peer acknowledges the value it need not know it; what was forgotten does not count.
	if c.owed.acked && len(c.early)+c.peers >= c.p.streams {
		c.fail(fUpdateTooMany, id)
		return
	}
	if len(c.early) < c.p.early {
		c.early = append(c.early, earlyPriority{id, p})
	}
}

// takeEarly returns what was remembered for the stream that opens. Those of streams below will never open.
func (c *Conn) takeEarly(id uint32) (p Priority, found bool) {
	if len(c.early) == 0 {
		return p, false
	}
	kept := c.early[:0]
	for _, e := range c.early {
		switch {
		case e.stream == id:
			p, found = e.priority, true
		case e.stream > id:
			kept = append(kept, e)
		}
	}
	c.early = kept
	return p, found
}

// SetPriority changes the priority of a stream, as a server may do for reasons of its own (RFC 9218 section 8).
func (c *Conn) SetPriority(id uint32, p Priority) error {
	slot, f := c.sendable(id)
	if f != ok {
		return c.misused(f, id)
	}
	c.setPriority(slot, p)
	return nil
}

func (c *Conn) setPriority(slot int32, p Priority) {
	c.tab.slots[slot].priority = p
	c.sched.Reprioritize(slot, p)
}

// AppendPriorityUpdate appends a PRIORITY_UPDATE frame that tells the server the priority of a stream that AppendRequest has
// opened. On error nothing changes.
func (c *Conn) AppendPriorityUpdate(dst []byte, id uint32, p Priority) ([]byte, error) {
	slot := c.tab.find(id)
	switch {
	case c.failed():
		return dst, c.misused(fSendOver, id)
	// RFC 9218 section 7.1-9: Servers MUST NOT send PRIORITY_UPDATE frames.
	case c.role != Client:
		return dst, c.misused(fUpdateRole, id)
	case slot < 0 || c.tab.slots[slot].state.closed():
		return dst, c.misused(fUpdateStreamGone, id)
	}
	c.setPriority(slot, p)
	var value [8]byte
	return AppendPriorityUpdate(c.first(dst), id, AppendPriorityField(value[:0], p)), nil
}
