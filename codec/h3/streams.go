package h3

// Abort is something that the transport must do with a stream.
type Abort struct {
	// Stream is the stream, Code the error code to send.
	Stream uint64
	Code   ErrorCode
	// Reset: end our sending part with RESET_STREAM. Stop: ask for an end of the peer's with STOP_SENDING. A part that has ended already is
	// left alone, as RFC 9000 section 3 has it.
	Reset, Stop bool
}

// NextAbort takes the next stream that the transport must reset, stop, or both; false if there is none. Ask until then in every turn: it
// needs nothing of the peer. Behind a failure of the connection there are none.
func (c *Conn) NextAbort(a *Abort) bool {
	if c.abort == len(c.aborts) {
		c.aborts, c.abort = c.aborts[:0], 0
		return false
	}
	*a = c.aborts[c.abort]
	c.abort++
	return true
}

// abortStream owes an abort of the parts of a stream that are open, and closes it. Nothing more of it is read.
func (c *Conn) abortStream(slot int32, code ErrorCode) {
	s := &c.tab.slots[slot]
	id, reset, stop := s.id, !s.has(sEnded), s.phase != readDone
	if stop {
		c.dec.Cancel(s.id)
	}
	if reset || stop {
		c.aborts = append(c.aborts, Abort{Stream: s.id, Code: code, Reset: reset, Stop: stop})
	}
	c.drop(slot)
	c.boundAnswers(id)
}

// boundAnswers ends the connection if the peer leaves too many answers of QPACK: it is called behind whatever owes a Stream Cancellation.
//
// RFC 9204 section 7.3: what waits for the decoder stream, whose credit the peer gives, has to be limited.
func (c *Conn) boundAnswers(id uint64) {
	if c.dec.Owed() > c.p.answers {
		c.fail(fAnswers, id, c.offset(id))
	}
}

// drop takes a request stream out of the table.
func (c *Conn) drop(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sOwn) {
		c.owns--
	} else {
		c.peers--
	}
	c.unblock(slot)
	c.unready(slot)
	c.untell(slot)
	c.tab.del(slot)
}

// unblock forgets that a field section waits.
func (c *Conn) unblock(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sBlocked) {
		c.waiting--
	}
	s.flags &^= sBlocked
	s.due = 0
}

// untell forgets a PRIORITY_UPDATE that is owed.
func (c *Conn) untell(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sTold) {
		s.flags &^= sTold
		c.updates--
	}
}

// endRemote: the peer's end of the stream was reported.
func (c *Conn) endRemote(slot int32) {
	s := &c.tab.slots[slot]
	s.phase = readDone
	c.finish(slot)
}

// endLocal: our side is finished.
func (c *Conn) endLocal(slot int32) {
	s := &c.tab.slots[slot]
	s.flags |= sEnded
	c.unready(slot)
	c.finish(slot)
}

// finish frees a stream that has ended normally in both directions.
func (c *Conn) finish(slot int32) {
	s := &c.tab.slots[slot]
	if s.phase == readDone && s.has(sEnded) {
		c.flood.completed(c.p)
		c.drop(slot)
	}
}

// streamFault ends a request stream because the peer broke a rule: the abort is owed, the event tells it.
//
// RFC 9114 section 4.1.2-4: malformed requests or responses that are detected MUST be treated as a stream error of type
// H3_MESSAGE_ERROR.
func (c *Conn) streamFault(f Fault, slot int32, ev *Event) {
	s := &c.tab.slots[slot]
	id, user := s.id, s.user
	if !c.spendReset(fProvoked, id) {
		return
	}
	ev.Kind, ev.Stream, ev.User, ev.Code, ev.Reason, ev.Retry, ev.EndStream = StreamError, id, user, f.Code(), f.Reason(), false, false
	if c.abortStream(slot, f.Code()); c.failed() {
		ev.Kind = None
	}
}

// Reset ends a request stream in both directions, with RequestCancelled, or RequestRejected if a server has not processed it at all
// (RFC 9114 section 4.1.1), or another code. Nothing more of it is reported. An error is a misuse, or has ended the connection: the peer leaves too many
// answers of QPACK (Limits.Answers).
func (c *Conn) Reset(id uint64, code ErrorCode) error {
	slot := c.request(id)
	switch {
	case c.failed():
		return c.misused(fOver, id)
	case slot < 0:
		return c.misused(fNoStream, id)
	}
	c.abortStream(slot, code)
	return c.Err()
}

// StopReading says that the rest of what the peer sends on a request stream is not wanted; our own side goes on. A server that has answered
// and wants no more of the content says it with NoError (RFC 9114 section 4.1-15). The error is misuse, or that of the connection if this
// is a cancellation too many (Limits.Answers).
func (c *Conn) StopReading(id uint64, code ErrorCode) error {
	slot := c.request(id)
	switch {
	case c.failed():
		return c.misused(fOver, id)
	case slot < 0:
		return c.misused(fNoStream, id)
	}
	c.stopReading(slot, code)
	return c.Err()
}

func (c *Conn) stopReading(slot int32, code ErrorCode) {
	s := &c.tab.slots[slot]
	if s.phase == readDone {
		return
	}
	// RFC 9204 section 2.2.2.2: when an endpoint abandons reading of a stream, it generates a Stream Cancellation instruction.
	id := s.id
	c.dec.Cancel(id)
	c.aborts = append(c.aborts, Abort{Stream: s.id, Code: code, Stop: true})
	c.unblock(slot)
	c.endRemote(slot)
	c.boundAnswers(id)
}

// ResetReceived tells that the peer has ended its side of a stream with RESET_STREAM. ev tells what follows from it, if anything.
// Of a stream that is over here it is ignored.
func (c *Conn) ResetReceived(id uint64, code ErrorCode, ev *Event) error {
	ev.Kind, ev.EndStream = None, false
	if c.failed() {
		return &c.err
	}
	c.steps++
	slot := c.tab.find(id)
	if slot < 0 {
		return nil
	}
	s := &c.tab.slots[slot]
	switch s.kind {
	case kUntyped:
		// RFC 9114 section 6.2-10: a receiver MUST tolerate unidirectional streams being closed or reset prior to the reception of the
		// unidirectional stream header.
		c.untyped--
		c.tab.del(slot)
		return c.spentError(c.spend(1, id))
	case kRequest:
	default:
		c.failAt(fControlClosed+Fault(s.kind-kControl), slot)
		return &c.err
	}
	if s.phase == readDone {
		return nil
	}
	// A request of ours that the peer refuses costs nobody anything; one of the peer's that it takes back does.
	if !s.has(sOwn) && !c.spendReset(fResets, id) {
		return &c.err
	}
	// RFC 9204 section 2.2.2.2: when an endpoint receives a stream reset before the end of a stream, it generates a Stream Cancellation
	// instruction.
	c.dec.Cancel(id)
	if s.has(sShown) {
		// RFC 9114 section 4.1.1-3: the client can treat requests rejected by the server as though they had never been sent at all.
		ev.Kind, ev.Stream, ev.User, ev.Code, ev.EndStream = StreamReset, id, s.user, code, false
		ev.Retry = s.has(sOwn) && code == RequestRejected && s.phase == wantHead
	}
	if !s.has(sEnded) {
		c.aborts = append(c.aborts, Abort{Stream: id, Code: RequestCancelled, Reset: true})
	}
	c.drop(slot)
	return c.bounded(id, ev)
}

// bounded is boundAnswers behind an event, which is taken back if the connection ends.
func (c *Conn) bounded(id uint64, ev *Event) error {
	if c.boundAnswers(id); c.failed() {
		ev.Kind = None
	}
	return c.Err()
}

// StopReceived tells that the peer has asked with STOP_SENDING for an end of our side of a stream. ev tells what follows from
// it, if anything. Of a stream that is over here it is ignored.
func (c *Conn) StopReceived(id uint64, code ErrorCode, ev *Event) error {
	ev.Kind, ev.EndStream = None, false
	if c.failed() {
		return &c.err
	}
	c.steps++
	for i := range c.ours {
		if c.ours[i].id == id {
			// RFC 9114 section 6.2.1-2: the sender MUST NOT close the control stream, and the receiver MUST NOT request that the sender close the
			// control stream. RFC 9204 section 4.2 says the same of the streams of QPACK.
			c.fail(fControlStopped+Fault(i), id, -1)
			return &c.err
		}
	}
	slot := c.request(id)
	if slot < 0 {
		return nil
	}
	s := &c.tab.slots[slot]
	if s.has(sEnded) {
		return nil
	}
	if s.has(sOwn) {
		// RFC 9114 section 4.1-15: clients MUST NOT discard complete responses as a result of having their request terminated abruptly.
		ev.Kind, ev.Stream, ev.User, ev.Code, ev.EndStream = SendStopped, id, s.user, code, false
		c.aborts = append(c.aborts, Abort{Stream: id, Code: code, Reset: true})
		c.endLocal(slot)
		return nil
	}
	// The client does not want the response: the request is cancelled.
	if !c.spendReset(fResets, id) {
		return &c.err
	}
	if s.has(sShown) {
		ev.Kind, ev.Stream, ev.User, ev.Code, ev.Retry, ev.EndStream = StreamReset, id, s.user, code, false, false
	}
	c.abortStream(slot, RequestCancelled)
	return c.bounded(id, ev)
}
