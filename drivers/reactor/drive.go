//go:build linux || darwin || freebsd

package reactor

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// errAborted is what Closed gets after Status had Abort.
var errAborted = fmt.Errorf("purewire: aborted by the machine: %w", drivers.ErrClosed)

const (
	// payloadChunk is the most payload that is sent with one system call.
	payloadChunk = 1 << 20
	// largePayload is the length from which on a payload gets a head start: the output in front of it goes out with only headStart
	// bytes of it. The peer wakes up at these, and reads while the rest is still being copied into the kernel, instead of being
	// woken again for each segment of one large write. On loopback that halves the cost of 1 MiB.
	largePayload = 64 << 10
	headStart    = 4 << 10
)

// drive lets the machine do all it wishes, sends what it made, and takes note of what to wait for. in is its unread input: the
// connection's own tail (owned) or bytes in the loop's buffer. feed says that Receive may be called although it consumed
// nothing of in before.
func (lp *loop) drive(c *conn, in []byte, owned, feed bool) {
	if c.flags&fDead != 0 {
		return
	}
	if c.flags&fLinger != 0 {
		lp.settle(c, nil, owned)
		return
	}
	var (
		out    = lp.obuf[:0]
		t      = &lp.turn
		m      = c.m
		budget = lp.cfg.TurnBytes
		again  = false // stopped by the budget only
		fed    = false // Receive was called: output alone must not use up every turn
		st     drivers.Status
	)
	feed = feed || c.flags&fFeed != 0
	c.flags &^= fFeed
	for {
		idle := false // Transmit was asked and made nothing
		st = m.Status()
		if st&drivers.Abort != 0 {
			lp.obuf = out[:0]
			lp.end(c, errAborted)
			return
		}
		if st&(drivers.WantInput|drivers.Closing) == 0 {
			feed = true // what the driver holds is presented once input is wanted again
		}
		unsent := len(c.pending())
		hungry := st&(drivers.WantInput|drivers.Switch|drivers.Closing) == drivers.WantInput && len(in) > 0 && feed
		if again = budget <= 0; again && (fed || !hungry) {
			break
		}
		if again { // Receive, once
		} else if st&drivers.HasPayload != 0 {
			n, ok := lp.sendPayload(c, &out)
			if !ok {
				return
			}
			budget -= n
			if n > 0 {
				continue
			}
		} else if st&drivers.WantOutput != 0 {
			if room := lp.cfg.HighWater - unsent - len(out); room > 0 {
				k := len(out)
				t.Max = min(room, budget)
				out = m.Transmit(t, out)
				budget -= len(out) - k
				if len(out) > k || m.Status() != st {
					continue
				}
				idle = true
			}
		}
		busy := st&drivers.HasPayload != 0 || st&drivers.WantOutput != 0 && !idle
		if st&drivers.Switch != 0 && !busy {
			m = m.(drivers.Successor).Successor(t)
			c.m = m
			if len(in) > 0 {
				c.flags |= fFresh
			}
			feed = true
			if c.flags&fTold != 0 {
				c.flags &^= fTold // told again, once the new machine has seen the tail
			}
			continue
		}
		if st&drivers.Closing != 0 {
			in = nil
			c.flags |= fClosing
			if !busy {
				c.flags |= fDone
			}
		} else if hungry {
			k := len(out)
			t.Max = max(0, lp.cfg.HighWater-unsent-k)
			var n int
			n, out = m.Receive(t, in, out)
			in = in[n:]
			c.flags &^= fFresh | fMore
			if fed = true; n == 0 {
				c.flags |= fMore
			}
			budget -= len(out) - k
			feed = n > 0
			continue
		} else if c.flags&(fEOF|fTold) == fEOF && (len(in) == 0 || c.flags&fFresh == 0 && st&drivers.WantInput != 0) {
			// Nothing is left, or the machine wants more than what is left: a tail that waits for a machine without WantInput comes first.
			c.flags |= fTold
			m.PeerClosed(t)
			continue
		}
		if len(out) == 0 {
			break
		}
		if !lp.send(c, out) {
			return
		}
		out = out[:0]
		if c.flags&fBlocked != 0 {
			break
		}
		feed = true // output drained
	}
	if len(out) > 0 {
		if !lp.send(c, out) {
			return
		}
		feed = true
	}
	if cap(out) > keepOut {
		out = nil
	}
	lp.obuf = out[:0]
	if again {
		if feed {
			c.flags |= fFeed
		}
		if c.flags&fReady == 0 {
			c.flags |= fReady
			lp.ready = append(lp.ready, c)
		}
	}
	// Only what a machine that wants input was given and does not take is its fault: how much one read brings is not, nor what waits for the
	// next turn.
	if len(in) > lp.cfg.MaxTail && c.flags&fMore != 0 && m.Status()&drivers.WantInput != 0 {
		lp.end(c, drivers.ErrTail)
		return
	}
	lp.settle(c, in, owned)
}

// keepOut is the largest output buffer that a loop keeps.
const keepOut = 1 << 20

// send writes out, or queues what the kernel does not take. It reports whether the connection lives.
func (lp *loop) send(c *conn, out []byte) bool {
	if c.flags&fBlocked == 0 && len(c.pending()) == 0 {
		n, errno := sysWrite(int(c.fd), out)
		lp.stats.Writes++
		lp.stats.BytesOut += uint64(n)
		if errno != 0 && errno != unix.EAGAIN {
			lp.end(c, errno)
			return false
		}
		if n == len(out) {
			return true
		}
		out = out[n:]
		c.flags |= fBlocked
	}
	return lp.hold(c, out)
}

// hold appends output to the connection's own buffer.
func (lp *loop) hold(c *conn, out []byte) bool {
	if len(out) == 0 {
		return true
	}
	s := c.stash()
	n := len(s.out) - s.outAt + len(out)
	if n > lp.cfg.KillWater {
		lp.end(c, drivers.ErrKillWater)
		return false
	}
	if len(s.out)+len(out) > cap(s.out) {
		b := lp.pool.get(n)
		b = append(b, s.out[s.outAt:]...)
		if s.out != nil {
			lp.pool.put(s.out)
		}
		s.out, s.outAt = b, 0
	}
	s.out = append(s.out, out...)
	c.unsent.Store(int64(n))
	return true
}

// sent takes n bytes off the connection's own output buffer.
func (lp *loop) sent(c *conn, n int) {
	s := c.bufs
	s.outAt += n
	if s.outAt == len(s.out) {
		lp.pool.put(s.out)
		s.out, s.outAt = nil, 0
	}
	c.unsent.Store(int64(len(s.out) - s.outAt))
}

// sendPayload sends what is pending, *out and the machine's payload with one system call. It returns how many bytes of the payload
// were sent, and whether the connection lives. *out is empty after it.
func (lp *loop) sendPayload(c *conn, out *[]byte) (int, bool) {
	if c.flags&fBlocked != 0 {
		ok := lp.hold(c, *out)
		*out = (*out)[:0]
		return 0, ok
	}
	m := c.m.(drivers.Payloader)
	p := m.Payload()
	if len(p) > largePayload && len(c.pending())+len(*out) > 0 {
		p = p[:headStart]
	} else if len(p) > payloadChunk {
		p = p[:payloadChunk]
	}
	iov := lp.iov[:0]
	total := 0
	for _, b := range [...][]byte{c.pending(), *out, p} {
		if len(b) > 0 {
			v := unix.Iovec{Base: &b[0]}
			v.SetLen(len(b))
			iov = append(iov, v)
			total += len(b)
		}
	}
	if total == 0 { // an empty payload: let the machine move on
		m.PayloadSent(&lp.turn, 0)
		if c.m.Status()&drivers.HasPayload != 0 && len(m.Payload()) == 0 {
			panic("reactor: Status has HasPayload, but Payload returns nothing")
		}
		return 1, true
	}
	n, errno := sysWritev(int(c.fd), iov)
	clear(iov)
	lp.stats.Writes++
	lp.stats.BytesOut += uint64(n)
	if errno != 0 && errno != unix.EAGAIN {
		lp.end(c, errno)
		return 0, false
	}
	if n < total {
		c.flags |= fBlocked
	}
	if n > 0 && c.bufs != nil && c.bufs.due != codec.Never {
		lp.stallFrom(c)
	}
	left := n
	if k := len(c.pending()); k > 0 {
		k = min(k, left)
		lp.sent(c, k)
		left -= k
	}
	k := min(len(*out), left)
	left -= k
	ok := lp.hold(c, (*out)[k:])
	*out = (*out)[:0]
	if !ok {
		return 0, false
	}
	if left > 0 {
		m.PayloadSent(&lp.turn, left)
	}
	return left, true
}

// stallFrom starts the write stall's time: the peer has just taken something, or has now something to take.
func (lp *loop) stallFrom(c *conn) {
	if lp.cfg.WriteStall > 0 {
		c.bufs.moved = lp.turn.Now
		c.bufs.queued, _ = sysUnsent(int(c.fd))
		c.bufs.due = lp.turn.Now.Add(lp.look())
	}
}

// look is how often a connection with waiting output is looked at. What a peer took is seen so late at most, and so much
// longer than WriteStall may a stall last.
func (lp *loop) look() time.Duration { return max(lp.cfg.WriteStall/4, time.Millisecond) }

// stalled looks at a connection with waiting output and reports whether its peer has taken nothing for WriteStall.
func (lp *loop) stalled(c *conn) bool {
	// The poller reports room only when a good part of the kernel's buffer is free. A peer that reads slowly, but reads, has
	// taken something out of it.
	s, now := c.bufs, lp.turn.Now
	if left, ok := sysUnsent(int(c.fd)); ok && left < s.queued {
		s.queued, s.moved = left, now
	}
	end := s.moved.Add(lp.cfg.WriteStall)
	s.due = codec.Earliest(end, now.Add(lp.look()))
	return end.Reached(now)
}

// writable continues sending after the poller reported room.
func (lp *loop) writable(c *conn) {
	c.flags &^= fBlocked
	if p := c.pending(); len(p) > 0 && c.m.Status()&drivers.HasPayload == 0 {
		n, errno := sysWrite(int(c.fd), p)
		lp.stats.Writes++
		lp.stats.BytesOut += uint64(n)
		if errno != 0 && errno != unix.EAGAIN {
			lp.end(c, errno)
			return
		}
		if n > 0 {
			lp.sent(c, n)
			lp.stallFrom(c)
		}
		if n < len(p) {
			c.flags |= fBlocked
		}
	}
	lp.drive(c, c.tail(), true, true)
}

// readable reads and presents, after the poller reported input or its end.
func (lp *loop) readable(c *conn, ev uint32) {
	if c.flags&(fClosing|fLinger) != 0 {
		lp.discard(c)
		return
	}
	if c.flags&fEOF != 0 || c.m.Status()&drivers.WantInput == 0 {
		lp.unwanted(c, ev)
		return
	}
	for reads := 0; reads < lp.cfg.TurnReads; reads++ {
		buf, owned := lp.rbuf, false
		if tail := c.tail(); len(tail) > 0 {
			if c.flags&fMore == 0 { // the machine has not got to all of it: no reading ahead
				if c.flags&fReady == 0 {
					lp.drive(c, tail, true, true)
				}
				return
			}
			buf, owned = lp.behind(c), true
		}
		n, errno := sysRead(int(c.fd), buf)
		lp.stats.Reads++
		if errno != 0 {
			if errno != unix.EAGAIN {
				lp.end(c, errno)
			}
			return
		}
		if n == 0 {
			c.flags |= fEOF
			lp.drive(c, c.tail(), true, false)
			return
		}
		lp.stats.BytesIn += uint64(n)
		c.active = lp.recent
		if owned {
			s := c.bufs
			s.in = s.in[:len(s.in)+n]
			lp.drive(c, s.in[s.inAt:], true, true)
		} else {
			lp.drive(c, buf[:n], false, true)
		}
		if n < len(buf) || c.flags&(fDead|fClosing|fLinger|fReady) != 0 || c.m.Status()&drivers.WantInput == 0 {
			return
		}
	}
}

// behind returns room behind the connection's tail. Growing doubles at least and moving happens only when as much was consumed, so
// that input that comes byte by byte costs linear work.
func (lp *loop) behind(c *conn) []byte {
	s := c.bufs
	if cap(s.in)-len(s.in) < 256 {
		tail := s.in[s.inAt:]
		if s.inAt >= len(tail) && cap(s.in)-len(tail) >= 256 {
			s.in = s.in[:copy(s.in, tail)]
		} else {
			b := append(lp.pool.get(2*len(tail)+256), tail...)
			lp.pool.put(s.in)
			s.in = b
		}
		s.inAt = 0
	}
	return s.in[len(s.in):cap(s.in)]
}

// unwanted handles input events while the machine does not want input: back-pressure. Reading stops, but the end of input is
// still told if no bytes come before it.
func (lp *loop) unwanted(c *conn, ev uint32) {
	keep := c.interest &^ evIn
	if ev&(evRdh|evHup) != 0 {
		keep &^= evRdh
		if c.flags&fEOF == 0 && sysPeekEOF(int(c.fd)) {
			c.flags |= fEOF
		}
		if ev&evHup != 0 && c.flags&fOff == 0 { // level-triggered and not maskable
			lp.poll.del(int(c.fd))
			c.flags |= fOff
			c.interest = 0
			keep = 0
		}
	}
	lp.watch(c, keep)
	if c.flags&(fEOF|fTold) == fEOF {
		lp.drive(c, c.tail(), true, false)
	}
}

// discard throws input away.
func (lp *loop) discard(c *conn) {
	n, errno := sysRead(int(c.fd), lp.rbuf)
	lp.stats.Reads++
	switch {
	case errno == unix.EAGAIN:
		return
	case errno != 0 && c.flags&fLinger != 0:
		lp.end(c, nil) // the machine's close is done; how the peer leaves is its own affair
		return
	case errno != 0:
		lp.end(c, errno)
		return
	case n == 0:
		c.flags |= fEOF
		lp.settle(c, nil, true)
		return
	}
	s := c.stash()
	s.lingered += n
	if s.lingered > lp.cfg.LingerBytes && c.flags&fLinger != 0 {
		lp.end(c, nil)
	}
}

// settle ends a call on the connection: keeps the tail, closes if it is time, and arms what to wait for.
func (lp *loop) settle(c *conn, in []byte, owned bool) {
	if s := c.bufs; len(in) > 0 {
		if owned {
			s.inAt = len(s.in) - len(in)
		} else {
			s = c.stash()
			s.in, s.inAt = append(lp.pool.get(len(in)+256), in...), 0
		}
	} else if owned && s != nil && s.in != nil {
		lp.pool.put(s.in)
		s.in, s.inAt = nil, 0
	}
	if c.flags&fBlocked != 0 {
		if c.stash().due == codec.Never {
			lp.stallFrom(c)
		}
	} else if s := c.bufs; s != nil && c.flags&fLinger == 0 {
		s.due = codec.Never
	}
	if c.flags&fDone != 0 && c.flags&fBlocked == 0 && len(c.pending()) == 0 && c.flags&fReady == 0 {
		// RFC 9112 section 9.6: "To avoid the TCP reset problem, servers typically close a connection in stages. First, the server performs a
		// half-close by closing only the write side of the read/write connection. The server then continues to read from
		// the connection until it receives a corresponding close by the client".
		if c.flags&fEOF != 0 || lp.cfg.LingerTime < 0 || c.m.Status()&drivers.Complete != 0 {
			lp.end(c, nil)
			return
		}
		if c.flags&fLinger == 0 {
			sysShutdownWrite(int(c.fd))
			c.flags |= fLinger
			c.stash().due = lp.turn.Now.Add(lp.cfg.LingerTime)
		}
	}
	if s := c.bufs; s != nil && s.in == nil && s.out == nil && s.due == codec.Never && s.lingered == 0 {
		lp.pool.unstash(s)
		c.bufs = nil
	}
	// What to wait for. Input that is not wanted any more stays registered until an event proves that it matters.
	want := c.interest &^ evOut
	if c.flags&fBlocked != 0 {
		want |= evOut
	}
	if c.flags&fEOF != 0 {
		want &^= evIn | evRdh
	} else if c.flags&fClosing != 0 || want&evIn == 0 && c.m.Status()&drivers.WantInput != 0 {
		want |= evIn | evRdh
	}
	lp.watch(c, want)
	lp.arm(c)
}

// watch tells the poller what to wait for.
func (lp *loop) watch(c *conn, want uint32) {
	if want == c.interest || c.flags&fDead != 0 {
		return
	}
	var err error
	if c.flags&fOff != 0 {
		err = lp.poll.add(int(c.fd), c.token(), want)
		c.flags &^= fOff
	} else {
		err = lp.poll.mod(int(c.fd), c.token(), c.interest, want)
	}
	c.interest = want
	if err != nil {
		lp.end(c, err)
	}
}

// arm schedules the timer, unless it fires early enough already: deadlines that moved back are found when it does.
func (lp *loop) arm(c *conn) {
	if c.flags&fDead != 0 {
		return
	}
	d := codec.Never
	if c.flags&fLinger == 0 && c.m != nil {
		d = c.m.Deadline()
	}
	if c.bufs != nil {
		d = codec.Earliest(d, c.bufs.due)
	}
	if d == codec.Never {
		return
	}
	tick := max(int64(d)>>tickShift+1, lp.wheel.cur+1)
	if !c.timer.scheduled() || tick < c.timer.when {
		lp.wheel.schedule(&c.timer, tick)
	}
}

// expired is called by the wheel.
func (lp *loop) expired(c *conn) {
	if c.flags&fDead != 0 {
		return
	}
	lp.cur = c
	now := lp.turn.Now
	if s := c.bufs; s != nil && s.due.Reached(now) {
		if c.flags&fLinger != 0 {
			lp.end(c, nil)
			return
		}
		if lp.stalled(c) {
			lp.end(c, drivers.ErrWriteStall)
			return
		}
	}
	if c.m != nil && c.flags&fLinger == 0 && c.m.Deadline().Reached(now) {
		lp.stats.Timers++
		c.m.Advance(&lp.turn)
		lp.drive(c, c.tail(), true, true)
		return
	}
	lp.arm(c)
}

// sockError returns the reason of an error event.
func sockError(fd int) error {
	if v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && v != 0 {
		return syscall.Errno(v)
	}
	return unix.ECONNRESET
}
