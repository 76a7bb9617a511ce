package h3

// Next reads one event from what has come on a stream: the octets that were not consumed before, in order, and whatever has come behind
// them. fin says that nothing follows src. It consumes n of them. With ev.Kind None it needs more input, or for a
// blocked field section an Unblocked event; with an error the connection is over: close it with the error's code.
//
// After fin call it until ev.EndStream or None comes. Octets of a stream that is over here are consumed and dropped. An event may concern another
// stream than the one presented, see Poll; src is not looked at then.
func (c *Conn) Next(id uint64, src []byte, fin bool, ev *Event) (n int, err error) {
	ev.Kind, ev.EndStream = None, false
	if c.failed() {
		return 0, &c.err
	}
	if c.pending != 0 && c.nextPending(ev) {
		return 0, c.Err()
	}
	slot := c.tab.find(id)
	if slot < 0 {
		c.steps++
		return len(src), nil
	}
	for {
		c.steps++
		before := c.tab.slots[slot].off
		more := c.step(slot, src[n:], ev)
		s := &c.tab.slots[slot]
		over := s.id != id
		if !over {
			n += int(s.off - before)
		}
		switch {
		case c.failed():
			ev.Kind = None
			return n, &c.err
		case over:
			if ev.Kind == None {
				n = len(src)
			}
			return n, nil
		case ev.Kind != None:
			if fin && n == len(src) {
				c.endWith(slot, ev)
			}
			return n, nil
		case c.pending != 0 && c.nextPending(ev):
			return n, c.Err()
		case more:
			continue
		}
		if fin && !s.has(sBlocked) {
			c.end(slot, len(src)-n, ev)
			if c.failed() {
				ev.Kind = None
				return n, &c.err
			}
		}
		return n, nil
	}
}

// Poll reports an event that needs no input, if there is one: streams that the peer's GOAWAY ended, that were blocked for too long, that
// are unblocked. Pending tells whether there is. Next does the same first.
func (c *Conn) Poll(ev *Event) error {
	ev.Kind, ev.EndStream = None, false
	if c.failed() {
		return &c.err
	}
	if c.pending != 0 {
		c.nextPending(ev)
	}
	return c.Err()
}

// step consumes what stands at the front of a stream, if it can, and counts it in the stream's off; more is false if it waits for
// input.
func (c *Conn) step(slot int32, src []byte, ev *Event) (more bool) {
	switch s := &c.tab.slots[slot]; s.kind {
	case kUntyped:
		return c.streamType(slot, src)
	case kControl:
		return c.controlStep(slot, src, ev)
	case kEncoder:
		return c.encoderStep(s, src)
	case kDecoder:
		if len(src) == 0 {
			return false
		}
		base := s.off
		s.off += int64(len(src))
		if err := c.enc.ReadDecoderStream(src); err != nil {
			s.off = base
			c.failTable(err, s.id, c.typeLen(s))
		}
		return false
	}
	return c.requestStep(slot, src, ev)
}

// typeLen returns the offset at which a stream of QPACK begins behind its type. The stream keeps it in content.
func (c *Conn) typeLen(s *stream) int64 { return s.content }

// encoderStep feeds the encoder stream. While a field section waits for it, instructions are taken octet by octet, so that what an insertion
// releases comes before what follows it can fail.
func (c *Conn) encoderStep(s *stream, src []byte) (more bool) {
	if len(src) == 0 {
		return false
	}
	if c.waiting > 0 {
		src = src[:1]
		more = true
	}
	if err := c.dec.ReadEncoderStream(src); err != nil {
		c.failTable(err, s.id, c.typeLen(s))
		return false
	}
	s.off += int64(len(src))
	if c.waiting > 0 {
		c.ids = c.dec.AppendUnblocked(c.ids[:0])
		for _, id := range c.ids {
			if slot := c.request(id); slot >= 0 {
				c.unblock(slot)
				c.tab.slots[slot].flags |= sResume
				c.pending |= pendResume
			}
		}
	}
	return more
}

// streamType reads the type of a unidirectional stream.
func (c *Conn) streamType(slot int32, src []byte) (more bool) {
	t, n := ParseStreamType(src)
	if n == 0 {
		return false
	}
	s := &c.tab.slots[slot]
	var f Fault
	switch t {
	case StreamControl:
		f = c.adopt(slot, kControl, fControlTwice)
	case StreamEncoder:
		f = c.adopt(slot, kEncoder, fEncoderTwice)
	case StreamDecoder:
		f = c.adopt(slot, kDecoder, fDecoderTwice)
	case StreamPush:
		// RFC 9114 section 6.2.2-3: Only servers can push; if a server receives a client-initiated push stream, this MUST be treated as a
		// connection error of type H3_STREAM_CREATION_ERROR. Section 4.6-3: A client MUST treat receipt of a push stream as a connection error
		// of type H3_ID_ERROR when no MAX_PUSH_ID frame has been sent; this end never sends one.
		if f = fPushServer; c.role == Client {
			f = fPushClient
		}
	default:
		// RFC 9114 section 6.2-7: Recipients of unknown stream types MUST either abort reading of the stream or discard incoming data without
		// further processing. If reading is aborted, the recipient SHOULD use the H3_STREAM_CREATION_ERROR error code. The recipient MUST NOT
		// consider unknown stream types to be a connection error of any kind.
		if c.spend(1, s.id) {
			c.aborts = append(c.aborts, Abort{Stream: s.id, Code: StreamCreationError, Stop: true})
			c.untyped--
			c.tab.del(slot)
		}
		return false
	}
	if f != ok {
		c.failAt(f, slot)
		return false
	}
	c.untyped--
	s.off += int64(n)
	s.content = int64(n)
	return true
}

// adopt makes a stream one of the three that the connection needs.
//
// RFC 9114 section 6.2.1-2: Only one control stream per peer is permitted; receipt of a second stream claiming to be a control stream MUST
// be treated as a connection error of type H3_STREAM_CREATION_ERROR. RFC 9204 section 4.2 says the same of the streams of QPACK.
func (c *Conn) adopt(slot int32, k kind, twice Fault) Fault {
	s := &c.tab.slots[slot]
	at := &c.theirs[k-kControl]
	if *at != NoStream {
		return twice
	}
	*at, s.kind = s.id, k
	return ok
}

// end takes the end of a stream, of which tail octets were not consumed.
func (c *Conn) end(slot int32, tail int, ev *Event) {
	s := &c.tab.slots[slot]
	switch s.kind {
	case kUntyped:
		// RFC 9114 section 6.2-10: a receiver MUST tolerate unidirectional streams being closed or reset prior to the reception of the
		// unidirectional stream header.
		if c.spend(1, s.id) {
			c.untyped--
			c.tab.del(slot)
		}
		return
	case kRequest:
	default:
		// RFC 9114 section 6.2.1-2: If either control stream is closed at any point, this MUST be treated as a connection error of type
		// H3_CLOSED_CRITICAL_STREAM. RFC 9204 section 4.2 says the same of the streams of QPACK.
		c.failAt(fControlClosed+Fault(s.kind-kControl), slot)
		return
	}
	f := ok
	switch {
	case s.phase == readDone:
		return
	// RFC 9114 section 7.1-6: When a stream terminates cleanly, if the last frame on the stream was truncated, this MUST be treated as
	// a connection error of type H3_FRAME_ERROR.
	case s.left > 0 || tail > 0:
		c.failAt(fTruncated, slot)
		return
	// RFC 9114 section 4.1-14: If a client-initiated stream terminates without enough of the HTTP message to provide a complete response,
	// the server SHOULD abort its response stream with the error code H3_REQUEST_INCOMPLETE.
	case s.phase == wantHead && c.role == Server:
		f = fRequestIncomplete
	case s.phase == wantHead || s.phase == wantFinal:
		f = fResponseIncomplete
	// RFC 9114 section 4.1.2-3: a request or response that is defined as having content when it contains a Content-Length header field is
	// malformed if the value of the Content-Length header field does not equal the sum of the DATA frame lengths received.
	case s.content > 0:
		f = fContentShort
	}
	if f != ok {
		c.streamFault(f, slot, ev)
		return
	}
	ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Data = Data, s.id, s.user, true, nil
	c.endRemote(slot)
}

// endWith reports the end of a stream with the event in front of it, if nothing is wrong with it. Otherwise the next call finds it.
func (c *Conn) endWith(slot int32, ev *Event) {
	s := &c.tab.slots[slot]
	switch ev.Kind {
	case Request, Response, Data, Trailers:
		if ev.Stream == s.id && s.left == 0 && s.content <= 0 && s.phase >= wantBody && s.phase != readDone {
			ev.EndStream = true
			c.endRemote(slot)
		}
	}
}

// requestStep takes frames of a request stream.
func (c *Conn) requestStep(slot int32, src []byte, ev *Event) (more bool) {
	s := &c.tab.slots[slot]
	if s.phase == readDone {
		s.off += int64(len(src))
		return false
	}
	if s.left > 0 {
		return c.piece(slot, src, ev)
	}
	var h FrameHeader
	n := ParseFrameHeader(src, &h)
	if n == 0 {
		return false
	}
	if f := h.Check(c.role, OnRequest); f != ok {
		c.failAt(f, slot)
		return false
	}
	switch h.Type {
	case FrameData:
		return c.dataFrame(slot, h, n, ev)
	case FrameHeaders:
		return c.headersFrame(slot, h, n, src, ev)
	case FramePushPromise:
		// RFC 9114 section 7.2.5-5: A client MUST treat receipt of a PUSH_PROMISE frame that contains a larger push ID than the client has
		// advertised as a connection error of H3_ID_ERROR. This end advertises none.
		c.failAt(fPromise, slot)
		return false
	}
	return c.skipFrame(slot, h, n)
}

// skipFrame begins to skip a frame that nobody knows.
//
// RFC 9114 section 9-4: Implementations MUST ignore unknown or unsupported values in all extensible protocol elements.
func (c *Conn) skipFrame(slot int32, h FrameHeader, n int) (more bool) {
	s := &c.tab.slots[slot]
	if !c.spend(1, s.id) {
		return false
	}
	s.off += int64(n)
	s.left = h.Length
	s.flags |= sSkip
	return true
}

// piece takes what has come of the payload of a frame in progress.
func (c *Conn) piece(slot int32, src []byte, ev *Event) (more bool) {
	s := &c.tab.slots[slot]
	n := min(uint64(len(src)), s.left)
	if n == 0 {
		return false
	}
	if !s.has(sSkip) {
		s.left -= n
		s.off += int64(n)
		ev.Kind, ev.Stream, ev.User, ev.EndStream, ev.Data = Data, s.id, s.user, false, src[:n:n]
		return true
	}
	n = min(n, chunk(s.left))
	s.left -= n
	s.off += int64(n)
	return s.left == 0 || s.left%skipUnit != 0 || c.spend(1, s.id)
}

// dataFrame takes the header of a DATA frame; the content is lent as it comes.
func (c *Conn) dataFrame(slot int32, h FrameHeader, n int, ev *Event) (more bool) {
	s := &c.tab.slots[slot]
	// RFC 9114 section 4.1-7: Receipt of an invalid sequence of frames MUST be treated as a connection error of type
	// H3_FRAME_UNEXPECTED. In particular, a DATA frame before any HEADERS frame, or a HEADERS or DATA frame after the trailing
	// HEADERS frame, is considered invalid.
	switch s.phase {
	case wantHead:
		c.failAt(fDataFirst, slot)
		return false
	case wantFinal:
		c.failAt(fDataInterim, slot)
		return false
	case wantEnd:
		c.failAt(fDataTrailers, slot)
		return false
	}
	// RFC 9114 section 4.1.2-3, see end. A frame that would make the message malformed is refused as it begins.
	switch {
	case h.Length > 0 && s.has(sNoContent):
		c.streamFault(fContentForbidden, slot, ev)
		return false
	case s.content >= 0 && h.Length > uint64(s.content):
		c.streamFault(fContentLong, slot, ev)
		return false
	case h.Length == 0:
		if !c.spendEmpty(s.id) {
			return false
		}
	default:
		c.flood.work(c.p)
		c.flood.empty = min(c.flood.empty+1, c.p.fruitless/100)
	}
	if s.content >= 0 {
		s.content -= int64(h.Length)
	}
	s.off += int64(n)
	s.left = h.Length
	s.flags &^= sSkip
	return true
}
