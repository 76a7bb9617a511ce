package server

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// Status returns the machine's wishes.
func (c *conn) Status() drivers.Status {
	if c.st == stHead && c.has(fFull) && c.link.Unsent() < maxUnsent/2 {
		if c.queued < c.srv.maxPipelined || c.link.Unsent() == 0 {
			return c.status | drivers.WantInput
		}
	}
	return c.status
}

// settle computes status and deadline after a call.
func (c *conn) settle(t *drivers.Turn) {
	var s drivers.Status
	switch c.st {
	case stHead:
		if !c.has(fFull) {
			s = drivers.WantInput
		} else {
			c.deadline = codec.Never // the peer has to read; the driver's WriteStall sees to that
		}
	case stDrain:
		s = drivers.WantInput
		c.deadline = c.bodyDeadline()
	case stHandler:
		s = c.settleHandler(t)
	case stNative:
		s = c.settleNative(t)
	case stSwitch:
		s = drivers.Switch
	case stClosing:
		s = drivers.Closing
		// RFC 9112 section 9.6-5: a client that sends the "close" connection option MUST NOT send further requests on that
		// connection. If it kept that, a reset cannot hit our answer, and there is nothing to linger for.
		if c.has(fLast) && !c.has(fBodyOpen) && !c.has(fBroken) && c.tail == 0 {
			s |= drivers.Complete
		}
		c.deadline = codec.Never
	case stAbort:
		s = drivers.Abort
		c.deadline = codec.Never
	}
	if c.st != stAbort {
		c.deadline = codec.Earliest(c.deadline, c.writeBy)
	}
	c.status = s
}

// bodyDeadline is when the request body must have made progress.
func (c *conn) bodyDeadline() codec.Time {
	if !c.has(fBodyOpen) || c.has(fPaused) {
		return codec.Never
	}
	d := &c.srv.d
	by := codec.Never
	if d.BodyIdle > 0 {
		by = c.last.Add(d.BodyIdle)
	}
	if d.BodyMinRate > 0 {
		due := d.BodyGrace + time.Duration(float64(c.got)/float64(d.BodyMinRate)*float64(time.Second))
		by = codec.Earliest(by, c.mark.Add(due))
	}
	return by
}

// pauseBody and resumeBody stop and restart the body's clocks while its reader, not its sender, is the slow one.
func (c *conn) pauseBody(t *drivers.Turn) {
	if !c.has(fPaused) {
		c.flags |= fPaused
		c.mark -= t.Now // negative: the running time so far
	}
}

func (c *conn) resumeBody(t *drivers.Turn) {
	if c.has(fPaused) {
		c.flags &^= fPaused
		c.mark += t.Now
		c.last = t.Now
	}
}
