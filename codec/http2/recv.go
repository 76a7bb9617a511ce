package http2

// Next reads one event from src: bytes that were not consumed before, and whatever has come behind them. It consumes n
// of them. With ev.Kind None it needs more input; with an error the connection is over (see AppendOwed for what to send).
//
// Next takes no clock: Advance tells the time, at the beginning of every turn. Some events need no input (see Pending); src may
// be empty.
func (c *Conn) Next(src []byte, ev *Event) (n int, err error) {
	ev.Kind = None
	if c.failed() {
		return 0, &c.err
	}
	if c.pending != 0 && c.nextPending(ev) {
		return 0, nil
	}
	if len(src) > 0 {
		c.in.tail = false
	}
	for {
		c.steps++
		k, more := c.step(src[n:], ev)
		n += k
		c.off += int64(k)
		if c.failed() {
			ev.Kind = None
			return n, &c.err
		}
		if ev.Kind != None || !more {
			c.in.tail = c.in.tail || ev.Kind == None && n < len(src)
			return n, nil
		}
	}
}

// step consumes a frame without event, or a piece of one, or finds an event. more is false if it waits for input.
func (c *Conn) step(src []byte, ev *Event) (n int, more bool) {
	switch {
	case c.in.data > 0:
		return c.dataPiece(src, ev)
	case c.in.skip > 0:
		n = min(len(src), int(c.in.skip))
		c.in.skip -= uint32(n)
		if c.in.skip > 0 {
			return n, false
		}
		if c.in.end {
			c.dataEnd(ev)
		}
		return n, true
	case c.phase == wantPreface:
		return c.preface(src)
	}
	var h FrameHeader
	if ParseFrameHeader(src, &h) == 0 {
		return 0, false
	}
	if c.in.scan == 0 {
		f := h.Check(c.local().MaxFrameSize)
		switch {
		case c.phase == wantSettings && (h.Type != FrameSettings || h.Flags.Has(FlagAck)):
			// RFC 9113 section 3.4: the server connection preface consists of a SETTINGS frame that MUST be the first frame
			// the server sends; the client's is a SETTINGS frame behind its 24 octets. Clients and servers MUST treat an
			// invalid connection preface as a connection error of type PROTOCOL_ERROR.
			f = fFirstFrame
		case f.Scope() == onStream: // PRIORITY of a wrong size
			return c.badPriority(&h, src, f, ev)
		}
		if f != ok {
			c.fail(f, h.Stream)
			return 0, false
		}
	}
	switch h.Type {
	case FrameData:
		return c.dataFrame(&h, src, ev)
	case FrameHeaders:
		return c.headersFrame(&h, src, ev)
	case FrameContinuation:
		// RFC 9113 section 6.10: a CONTINUATION frame MUST be preceded by a HEADERS, PUSH_PROMISE or CONTINUATION frame
		// without the END_HEADERS flag set. A recipient that observes violation of this rule MUST respond with a
		// connection error of type PROTOCOL_ERROR.
		c.fail(fContinuationAlone, h.Stream)
		return 0, false
	case FramePushPromise:
		// RFC 9113 section 8.4: a client cannot push; servers MUST treat the receipt of a PUSH_PROMISE frame as a connection
		// error of type PROTOCOL_ERROR. Section 6.6: PUSH_PROMISE MUST NOT be sent if SETTINGS_ENABLE_PUSH is 0; a client that has
		// set it and received acknowledgment MUST treat the receipt as a connection error of type PROTOCOL_ERROR. It is one
		// before the acknowledgment too: the setting is in our first frame, and no request goes out before it.
		f := fPushToServer
		if c.role == Client {
			f = fPushDisabled
		}
		c.fail(f, h.Stream)
		return 0, false
	case FramePriority, FrameRSTStream, FrameSettings, FramePing, FrameGoAway, FrameWindowUpdate, FramePriorityUpdate:
	default:
		// RFC 9113 section 5.5: implementations MUST discard frames that have unknown or unsupported types. ALTSVC and ORIGIN are
		// among them here.
		c.spend(1, h.Stream)
		c.in.skip = h.Length
		return FrameHeaderLen, true
	}
	n = FrameHeaderLen + int(h.Length)
	if len(src) < n {
		return 0, false
	}
	c.control(&h, src[FrameHeaderLen:n], ev)
	if c.failed() {
		return 0, false
	}
	return n, true
}

// local returns the settings of our role.
func (c *Conn) local() *Settings {
	if c.role == Server {
		return &c.p.server
	}
	return &c.p.client
}

// preface checks the client's 24 octets as they come and consumes them as a whole.
func (c *Conn) preface(src []byte) (n int, more bool) {
	// RFC 9113 section 3.4: clients and servers MUST treat an invalid connection preface as a connection error of type
	// PROTOCOL_ERROR.
	switch Preface(src) {
	case HTTP1:
		c.fail(fPreface, 0)
		return 0, false
	case NeedMore:
		return 0, false
	}
	c.phase = wantSettings
	return len(ClientPreface), true
}

// control takes a whole frame of a type that is neither data nor a field block.
func (c *Conn) control(h *FrameHeader, p []byte, ev *Event) {
	switch h.Type {
	case FramePriority:
		// RFC 9113 section 5.3.2: the signal is deprecated; it is checked and ignored.
		_, f := ParsePriority(h, p)
		if f != ok {
			c.streamFault(f, h.Stream, ev)
			return
		}
		c.spend(1, h.Stream)
	case FrameRSTStream:
		c.resetFrame(h.Stream, ParseRSTStream(p), ev)
	case FrameSettings:
		c.settingsFrame(h, p, ev)
	case FramePing:
		c.pingFrame(h, p, ev)
	case FrameGoAway:
		c.goAwayFrame(p, ev)
	case FrameWindowUpdate:
		c.windowFrame(h, p, ev)
	case FramePriorityUpdate:
		c.priorityFrame(p, ev)
	}
}

// badPriority is a PRIORITY frame of a wrong size: the stream is at fault, the payload is thrown away.
func (c *Conn) badPriority(h *FrameHeader, src []byte, f Fault, ev *Event) (n int, more bool) {
	c.streamFault(f, h.Stream, ev)
	if c.failed() {
		return 0, false
	}
	c.in.skip = h.Length
	return FrameHeaderLen, true
}

// resetFrame: RST_STREAM.
func (c *Conn) resetFrame(id uint32, code ErrorCode, ev *Event) {
	slot, st := c.lookup(id)
	v := verdicts[st][inReset]
	if v.fault != ok {
		c.fail(v.fault, id)
		return
	}
	if v.drop {
		c.spend(1, id)
		return
	}
	s := &c.tab.slots[slot]
	// A request of ours that the peer refuses costs nobody anything; one of the peer's that it takes back does.
	if !s.has(sOwn) && !c.spendReset(fResets, id) {
		return
	}
	// RFC 9113 section 8.7: REFUSED_STREAM indicates that the stream is being closed prior to any processing having
	// occurred; any request that was sent on the reset stream can be safely retried.
	ev.Kind, ev.Stream, ev.User, ev.Code = StreamReset, id, s.user, code
	ev.Retry = s.has(sOwn) && code == RefusedStream && !s.has(sGot)
	c.close(slot, aborted)
	c.hold(slot)
}

// streamFault ends the stream because the peer broke a rule: the RST_STREAM is owed, the event tells it.
//
// RFC 9113 section 5.4.2: an endpoint that detects a stream error sends a RST_STREAM frame with the stream identifier of the stream
// where the error occurred. A RST_STREAM MUST NOT be sent for a stream in the idle state (section 6.4); the error is one of the
// connection then, as section 5.4 allows.
func (c *Conn) streamFault(f Fault, id uint32, ev *Event) {
	slot, st := c.lookup(id)
	if st == idle || f.Scope() == onConn {
		c.fail(f, id)
		return
	}
	if !c.spendReset(fProvoked, id) {
		return
	}
	ev.Kind, ev.Stream, ev.User, ev.Code, ev.Reason, ev.Retry = StreamError, id, 0, f.Code(), f.Reason(), false
	c.owed.reset(id, f.Code())
	if slot < 0 {
		c.mem.close(id, reset)
		return
	}
	s := &c.tab.slots[slot]
	ev.User = s.user
	if st.closed() {
		s.state = reset // held: what comes from now on is dropped
		c.mem.close(id, reset)
		return
	}
	c.close(slot, reset)
	c.hold(slot)
}
