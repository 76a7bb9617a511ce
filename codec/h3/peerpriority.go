package h3

// earlyPriority is a PRIORITY_UPDATE for a stream that is not open yet.
type earlyPriority struct {
	stream   uint64
	priority Priority
}

// priorityFrame: PRIORITY_UPDATE (RFC 9218 section 7.2). Only servers receive it.
func (c *Conn) priorityFrame(t FrameType, p []byte, ev *Event) Fault {
	id, value, f := ParsePriorityUpdate(p)
	switch {
	case f != ok:
		return f
	// RFC 9218 section 7.2-7: If a server receives a PRIORITY_UPDATE (type=0xF0701) with a push ID that is greater than the maximum push ID or that
	// has not yet been promised, this MUST be treated as a connection error of type H3_ID_ERROR.
	case t == FramePriorityUpdatePush:
		return fUpdatePush
	// RFC 9218 section 7.2-6: If a server receives a PRIORITY_UPDATE (type=0xF0700) for a stream ID that is not a request stream, this MUST be
	// treated as a connection error of type H3_ID_ERROR. The stream ID MUST be within the client-initiated bidirectional stream limit. If a server
	// receives a PRIORITY_UPDATE (type=0xF0700) with a stream ID that is beyond the stream limits, this SHOULD be treated as a connection error of
	// type H3_ID_ERROR.
	case id%4 != 0:
		return fUpdateStream
	case c.granted > 0 && id/4 >= c.granted:
		return fUpdateLimit
	}
	c.steps += uint64(len(p))
	if !c.spend(10, c.theirs[0]) {
		return ok
	}
	priority, _ := ParsePriorityField(value)
	slot := c.request(id)
	if slot < 0 {
		c.keepEarly(id, priority)
		return ok
	}
	c.setPriority(slot, priority)
	s := &c.tab.slots[slot]
	if !s.has(sShown) {
		s.flags |= sEarly
		return ok
	}
	ev.Kind, ev.Stream, ev.User, ev.Priority = PriorityUpdate, id, s.user, priority
	return ok
}

// keepEarly remembers the priority of a stream that is not open: not yet, or not any more. Where there is no room, that of the
// lowest stream gives way.
//
// RFC 9218 section 7-4: Servers SHOULD buffer the most recently received PRIORITY_UPDATE frame and apply it once the referenced stream is
// opened. Holding PRIORITY_UPDATE frames for each stream requires server resources, which can be bounded by local implementation policy.
func (c *Conn) keepEarly(id uint64, p Priority) {
	lowest := -1
	for i := range c.early {
		c.steps++
		if c.early[i].stream == id {
			c.early[i].priority = p
			return
		}
		if lowest < 0 || c.early[i].stream < c.early[lowest].stream {
			lowest = i
		}
	}
	switch {
	case len(c.early) < c.p.early:
		c.early = append(c.early, earlyPriority{id, p})
	case lowest >= 0 && c.early[lowest].stream < id:
		c.early[lowest] = earlyPriority{id, p}
	}
}

// takeEarly returns what was remembered for the stream that opens.
func (c *Conn) takeEarly(id uint64) (p Priority, found bool) {
	for i := range c.early {
		if c.early[i].stream == id {
			p = c.early[i].priority
			last := len(c.early) - 1
			c.early[i] = c.early[last]
			c.early = c.early[:last]
			return p, true
		}
	}
	return p, false
}

// SetPriority changes the priority of a stream, as a server may do for reasons of its own (RFC 9218 section 8). A client's server is told of it
// with a PRIORITY_UPDATE frame, which is owed on the control stream.
func (c *Conn) SetPriority(id uint64, p Priority) error {
	slot := c.request(id)
	switch {
	case c.failed():
		return c.misused(fOver, id)
	case slot < 0:
		return c.misused(fNoStream, id)
	}
	c.setPriority(slot, p)
	if s := &c.tab.slots[slot]; c.role == Client && !s.has(sTold) {
		s.flags |= sTold
		c.updates++
	}
	return nil
}

func (c *Conn) setPriority(slot int32, p Priority) {
	p.Urgency = min(p.Urgency, 7)
	c.tab.slots[slot].priority = p
	c.sched.Reprioritize(slot, p)
}
