package http2

// dataFrame takes the header of a DATA frame and its pad length; the content is lent as it comes.
func (c *Conn) dataFrame(h *FrameHeader, src []byte, ev *Event) (n int, more bool) {
	n = FrameHeaderLen + min(h.PrefixLen(), int(h.Length))
	if len(src) < n {
		return 0, false
	}
	var pre Prefix
	if f := h.ParsePrefix(src[FrameHeaderLen:n], &pre); f != ok {
		c.fail(f, h.Stream)
		return 0, false
	}
	slot, st := c.lookup(h.Stream)
	v := verdicts[st][inData]
	if v.fault != ok && v.fault.Scope() == onConn {
		c.fail(v.fault, h.Stream)
		return 0, false
	}
	// RFC 9113 section 6.9.1: a receiver MUST NOT be sent more than the window allows. Section 6.9: a receiver that receives a
	// flow-controlled frame MUST always account for its contribution against the connection flow-control window.
	if !c.recvWin.received(h.Length) {
		c.fail(fConnWindow, h.Stream)
		return 0, false
	}
	f := v.fault
	if f == ok && !v.drop {
		f = c.admitData(&c.tab.slots[slot], h, pre.Body)
	}
	if f != ok || v.drop {
		// RFC 9113 section 5.1: the content of DATA frames that are discarded counts toward the connection flow-control window;
		// it is given back.
		c.refund(h.Length)
		c.in.skip = h.Length - uint32(n-FrameHeaderLen)
		if v.drop {
			if c.spend(1, h.Stream) && pre.Body == 0 {
				c.spendEmpty(h.Stream)
			}
		} else {
			c.streamFault(f, h.Stream, ev)
		}
		if c.failed() {
			c.in.skip = 0
			return 0, false
		}
		return n, true
	}
	s := &c.tab.slots[slot]
	end := h.Flags.Has(FlagEndStream)
	if pre.Body > 0 {
		c.flood.work(c.p)
		c.flood.empty = min(c.flood.empty+1, c.p.fruitless/100)
		c.measure(pre.Body)
	} else if !end && !c.spendEmpty(h.Stream) {
		return 0, false
	}
	if overhead := h.Length - pre.Body; overhead > 0 {
		s.recv.released(overhead)
		c.refund(overhead)
		c.queue(slot)
	}
	c.in.data, c.in.skip, c.in.stream, c.in.end = pre.Body, pre.Pad, h.Stream, end
	if pre.Body == 0 && pre.Pad == 0 && end {
		c.dataEnd(ev)
	}
	return n, true
}

// admitData decides whether a stream may take body octets of content, and counts them.
func (c *Conn) admitData(s *stream, h *FrameHeader, body uint32) Fault {
	// RFC 9113 section 8.1: an HTTP message consists of one HEADERS frame, then DATA. On a server the head opens the stream.
	if !s.has(sGot) {
		return fDataBeforeHead
	}
	// RFC 9113 section 6.9: a receiver that receives more than the window allows MUST respond with a stream error of type
	// FLOW_CONTROL_ERROR.
	if int64(h.Length) > s.recv.open {
		return fStreamWindow
	}
	// RFC 9113 section 8.1.1: a request or response that is defined as not having content is malformed if it has; and one that
	// includes content is malformed if the value of Content-Length does not equal the sum of the DATA frame payload
	// lengths. Malformed messages MUST be treated as a stream error of type PROTOCOL_ERROR.
	if body > 0 && s.has(sNoContent) {
		return fContentForbidden
	}
	if s.left >= 0 {
		if int64(body) > s.left {
			return fContentLong
		}
		s.left -= int64(body)
		if s.left > 0 && h.Flags.Has(FlagEndStream) {
			return fContentShort
		}
	}
	s.recv.received(h.Length)
	if c.bdp.size > c.p.window.Stream && !h.Flags.Has(FlagEndStream) {
		s.recv.grow(c.bdp.size) // the path carries more than was announced
	}
	return ok
}

// dataPiece lends what has come of a DATA frame.
func (c *Conn) dataPiece(src []byte, ev *Event) (n int, more bool) {
	n = min(len(src), int(c.in.data))
	if n == 0 {
		return 0, false
	}
	c.in.data -= uint32(n)
	slot, st := c.lookup(c.in.stream)
	if slot < 0 || st.closed() {
		// Ended in the meantime, by the application or for stalling.
		c.refund(uint32(n))
		if slot >= 0 {
			c.tab.slots[slot].recv.released(uint32(n))
		}
		c.in.end = false
		return n, true
	}
	s := &c.tab.slots[slot]
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Data = Data, s.id, s.user, false, src[:n:n]
	if c.in.end && c.in.data == 0 && c.in.skip == 0 {
		c.in.end = false
		ev.EndStream = true
		c.endRemote(slot)
	}
	return n, true
}

// dataEnd reports an END_STREAM that no data carries: of an empty frame, or behind padding.
func (c *Conn) dataEnd(ev *Event) {
	c.in.end = false
	slot, st := c.lookup(c.in.stream)
	if slot < 0 || st.closed() {
		return // ended in the meantime
	}
	s := &c.tab.slots[slot]
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Data = Data, s.id, s.user, true, nil
	c.endRemote(slot)
}

// refund gives octets back to the connection's window.
func (c *Conn) refund(n uint32) { c.recvWin.released(n) }

// Consumed tells that the application is done with n octets of the stream's Data: the peer may send as much again. It is how an application
// puts the brakes on: what it does not give back, it does not get again. Data of a stream that was reset or released is given
// back by the Conn, and Consumed is a misuse then.
func (c *Conn) Consumed(id uint32, n int) error {
	slot := c.tab.find(id)
	if slot < 0 {
		return c.misused(fNoStreamConsumed, id)
	}
	s := &c.tab.slots[slot]
	if n < 0 || int64(n) > s.recv.held-c.undelivered(id) {
		return c.misused(fConsumedTooMuch, id)
	}
	s.recv.released(uint32(n))
	c.refund(uint32(n))
	if s.state == open || s.state == halfLocal {
		c.queue(slot)
	} else if s.state == ended && s.recv.held == 0 && !s.has(sHeld) {
		c.free(slot)
	}
	return nil
}

// undelivered returns how many octets of the stream are counted as received and were not lent yet: the rest of the frame in
// progress.
func (c *Conn) undelivered(id uint32) int64 {
	if c.in.stream == id {
		return int64(c.in.data)
	}
	return 0
}

// queue puts the stream into the list of those that owe a WINDOW_UPDATE if it does. A connection that has failed owes none.
func (c *Conn) queue(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sQueued) || s.recv.due() == 0 || c.failed() {
		return
	}
	s.flags |= sQueued
	c.owed.windows = append(c.owed.windows, slot)
}

// unqueue takes the stream out of that list: the peer sends nothing more on it.
func (c *Conn) unqueue(slot int32) {
	s := &c.tab.slots[slot]
	if !s.has(sQueued) {
		return
	}
	s.flags &^= sQueued
	w := c.owed.windows
	for i, x := range w {
		if x == slot {
			w[i] = w[len(w)-1]
			c.owed.windows = w[:len(w)-1]
			return
		}
	}
}

// windowFrame: WINDOW_UPDATE.
func (c *Conn) windowFrame(h *FrameHeader, p []byte, ev *Event) {
	inc, f := ParseWindowUpdate(h, p)
	if h.Stream == 0 {
		switch {
		case f != ok:
			c.fail(f, 0)
		case !c.sendWin.grow(inc):
			// RFC 9113 section 6.9.1: if a sender receives a WINDOW_UPDATE that causes a flow-control window to exceed this maximum,
			// it MUST terminate either the stream or the connection, with an error code of FLOW_CONTROL_ERROR.
			c.fail(fConnOverflow, 0)
		default:
			c.spend(1, 0)
		}
		return
	}
	slot, st := c.lookup(h.Stream)
	v := verdicts[st][inWindow]
	switch {
	case v.fault != ok:
		c.fail(v.fault, h.Stream)
		return
	case v.drop:
		c.spend(1, h.Stream)
		return
	case f != ok:
		c.streamFault(f, h.Stream, ev)
		return
	}
	s := &c.tab.slots[slot]
	if !s.send.grow(inc) {
		c.streamFault(fStreamOverflow, h.Stream, ev)
		return
	}
	if c.spend(1, h.Stream) {
		c.unstall(slot)
	}
}
