package h3

// controlStep takes frames of the peer's control stream. They wait until they are whole; none is long.
func (c *Conn) controlStep(slot int32, src []byte, ev *Event) (more bool) {
	s := &c.tab.slots[slot]
	if s.left > 0 {
		return c.piece(slot, src, ev)
	}
	var h FrameHeader
	n := ParseFrameHeader(src, &h)
	if n == 0 {
		return false
	}
	f := ok
	switch {
	// RFC 9114 section 6.2.1-2: If the first frame of the control stream is any other frame type, this MUST be treated as a connection error
	// of type H3_MISSING_SETTINGS.
	case !c.told && h.Type != FrameSettings:
		f = fFirstFrame
	// RFC 9114 section 7.2.4-2: If an endpoint receives a second SETTINGS frame on the control stream, the endpoint MUST respond with a
	// connection error of type H3_FRAME_UNEXPECTED.
	case c.told && h.Type == FrameSettings:
		f = fSettingsAgain
	case h.Type == FrameSettings && h.Length > c.p.control:
		f = fSettingsLong
	default:
		f = h.Check(c.role, OnControl)
	}
	if f == ok && h.Length > c.p.control && (h.Type == FramePriorityUpdate || h.Type == FramePriorityUpdatePush) {
		f = fUpdateLong
	}
	switch {
	case f != ok:
	case !h.Type.Known():
		return c.skipFrame(slot, h, n)
	case uint64(len(src)-n) < h.Length:
		return false
	default:
		f = c.control(h, src[n:n+int(h.Length)], ev)
	}
	if f != ok {
		c.failAt(f, slot)
	}
	if c.failed() {
		return false
	}
	s.off += int64(n) + int64(h.Length)
	return true
}

// control takes a whole frame.
func (c *Conn) control(h FrameHeader, p []byte, ev *Event) Fault {
	switch h.Type {
	case FrameSettings:
		return c.settingsFrame(p, ev)
	case FrameGoAway:
		return c.goAwayFrame(p, ev)
	case FrameCancelPush:
		if _, f := ParseCancelPush(p); f != ok {
			return f
		}
		// RFC 9114 section 7.2.3-7: If a CANCEL_PUSH frame is received that references a push ID greater than currently allowed on the
		// connection, this MUST be treated as a connection error of type H3_ID_ERROR. A client of ours allows none.
		if c.role == Client {
			return fCancelClient
		}
		// RFC 9114 section 7.2.3-8: If a server receives a CANCEL_PUSH frame for a push ID that has not yet been mentioned by a PUSH_PROMISE
		// frame, this MUST be treated as a connection error of type H3_ID_ERROR. A server of ours promises none.
		return fCancelServer
	case FrameMaxPushID:
		push, f := ParseMaxPushID(p)
		switch {
		case f != ok:
			return f
		// RFC 9114 section 7.2.7-6: A MAX_PUSH_ID frame cannot reduce the maximum push ID; receipt of a MAX_PUSH_ID frame that contains a
		// smaller value than previously received MUST be treated as a connection error of type H3_ID_ERROR.
		case push+1 < c.push:
			return fMaxPushLowered
		}
		c.push = push + 1
		c.spend(10, c.theirs[0])
	default:
		return c.priorityFrame(h.Type, p, ev)
	}
	return ok
}

// settingsFrame: SETTINGS, the first frame.
func (c *Conn) settingsFrame(p []byte, ev *Event) Fault {
	next := DefaultSettings()
	c.steps += uint64(len(p))
	if f := next.Parse(p); f != ok {
		return f
	}
	if c.resuming {
		if f := next.Resumes(&c.peer); f != ok {
			return f
		}
	}
	c.peer, c.told, c.resuming = next, true, false
	c.setPeerTable()
	ev.Kind = SettingsReceived
	return ok
}
