package http2

import "github.com/purewire/purewire/codec"

// stall watches for peers that keep their windows shut.
type stall struct {
	conn     codec.Time // when the connection's window must have let stallBytes out
	progress uint32     // octets sent since conn was set
	next     codec.Time // no stream's deadline is before that
	direct   bool       // a stream that is not Ready waits for the connection's window
}

// Advance tells the time. It is the first call of every turn: budgets refill and deadlines are counted by it. Time that goes
// backwards is ignored. What is due becomes an event or an error of the next Next, which needs no input for it.
func (c *Conn) Advance(now codec.Time) {
	if now <= c.now {
		return
	}
	c.now = now
	if c.failed() {
		return
	}
	c.flood.refill(c.p, now)
	switch {
	// RFC 9113 section 6.5.3: if the sender of a SETTINGS frame does not receive an acknowledgment within a reasonable amount of
	// time, it MAY issue a connection error of type SETTINGS_TIMEOUT.
	case c.owed.deadline.Reached(now):
		c.late(fSettingsTimeout)
		return
	case c.stall.conn.Reached(now):
		c.stall.conn = codec.Never
		if c.sendWin <= 0 && (c.sched.Len() > 0 || c.stall.direct) {
			c.late(fConnStalled)
			return
		}
	}
	if c.stall.next.Reached(now) {
		c.stalled()
	}
	if c.away.due.Reached(now) {
		c.away.due = codec.Never
		c.closeFinally()
	}
}

// late ends the connection for something that did not come: no input is at fault.
func (c *Conn) late(f Fault) {
	c.fail(f, 0)
	c.err.Off = -1
}

// Deadline returns when Advance wants to be called, codec.Never for not at all.
func (c *Conn) Deadline() codec.Time {
	if c.failed() {
		return codec.Never
	}
	t := codec.Earliest(c.owed.deadline, c.stall.conn)
	return codec.Earliest(t, codec.Earliest(c.stall.next, c.away.due))
}

// blocked notes that the stream has data to send and the windows do not let it out.
func (c *Conn) blocked(slot int32) {
	s := &c.tab.slots[slot]
	if s.send > 0 {
		c.stall.direct = c.stall.direct || !s.has(sReady)
		if c.stall.conn == codec.Never && c.p.stall > 0 {
			c.stall.conn, c.stall.progress = c.now.Add(c.p.stall), 0
		}
		return
	}
	if s.has(sReady) && !s.has(sStalled) {
		s.flags |= sStalled
		c.sched.Remove(slot)
	}
	if s.stallAt == codec.Never && c.p.stall > 0 {
		s.stallAt, s.progress = c.now.Add(c.p.stall), 0
		c.stall.next = codec.Earliest(c.stall.next, s.stallAt)
	}
}

// satisfied notes that all of what the application had for the stream at hand went out. One that is Ready says by Ready
// whether there is more.
func (c *Conn) satisfied(slot int32) {
	if s := &c.tab.slots[slot]; !s.has(sReady) {
		s.stallAt, c.stall.direct = codec.Never, false
	}
}

// unstall puts a stream whose window has opened back into the scheduler. The deadline stays until enough was sent.
func (c *Conn) unstall(slot int32) {
	s := &c.tab.slots[slot]
	if s.has(sStalled) && s.send > 0 {
		s.flags &^= sStalled
		c.sched.Push(slot, s.id, s.priority)
	}
}

// progress counts octets that were sent. Windows that open by an octet now and then are as good as shut, so deadlines go only
// when stallBytes were sent.
func (c *Conn) progress(s *stream, n uint32) {
	if s.stallAt != codec.Never {
		if s.progress += n; int64(s.progress) >= int64(c.p.stallBytes) {
			s.stallAt = codec.Never
		}
	}
	if c.stall.conn != codec.Never {
		if c.stall.progress += n; int64(c.stall.progress) >= int64(c.p.stallBytes) {
			c.stall.conn = codec.Never
		}
	}
}

// stalled ends the streams whose deadline is reached and finds the next deadline.
func (c *Conn) stalled() {
	c.stall.next = codec.Never
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		if s.id == 0 || s.stallAt == codec.Never {
			continue
		}
		if !s.stallAt.Reached(c.now) {
			c.stall.next = codec.Earliest(c.stall.next, s.stallAt)
			continue
		}
		if s.send > 0 {
			s.stallAt = codec.Never // open again; who has data sends it
			continue
		}
		c.owed.reset(s.id, fStalled.Code())
		c.close(int32(i), reset)
		s.flags |= sTimedOut | sHeld
		c.pending |= pendStalled
	}
}
