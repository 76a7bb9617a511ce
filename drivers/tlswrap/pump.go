package tlswrap

import (
	"io"

	"github.com/purewire/purewire/drivers"
)

// flow is one call of an open connection: what goes in and out of it.
type flow struct {
	c     *conn
	l     *local
	t     *drivers.Turn // the inner machine's
	src   []byte        // records that were not read yet
	base  int           // len(dst) at the start
	limit int           // how much may be appended to it
}

// overhead bounds what encryption adds: a header, a tag, an explicit nonce or a MAC with padding for each record, and records may be
// as short as one packet (see tls.Config.DynamicRecordSizingDisabled).
func overhead(n int) int { return n/16 + 64 }

// least is how much plaintext is asked for where anything may be made at all: shorter records would be mostly overhead.
const least = 512

// room returns how many bytes of plaintext may still be made.
func (f *flow) room() int {
	n := f.limit - (len(f.l.dst) - f.base) - len(f.l.pout)
	if n -= overhead(n + len(f.l.pout)); n >= least {
		return n
	}
	if f.limit > 0 && len(f.l.dst) == f.base && len(f.l.pout) == 0 {
		return least
	}
	return 0
}

// pump lets the inner machine do all it wishes: feeds it from src, and seals what it makes behind dst.
func (c *conn) pump(t *drivers.Turn, src, dst []byte) (int, []byte) {
	l := t.Local.(*local)
	f := flow{c: c, l: l, t: l.enter(t), src: src, base: len(dst), limit: t.Max}
	l.max = max(l.max, t.Max)
	l.dst, l.pout, l.rec = dst, l.pout[:0], nil
	c.w = l
	if len(c.early) > 0 {
		l.dst = append(l.dst, c.early...)
		c.early = nil
	}
	if c.has(fRefused) {
		f.close(drivers.Complete)
	} else {
		f.run()
		if c.state == stOpen {
			f.seal()
		}
	}
	n := len(src) - len(f.src)
	if c.state != stOpen {
		n = len(src)
	} else if src != nil {
		c.flags &^= fPartial
		if record(f.src) == nil {
			c.flags |= fPartial
		}
	}
	if c.state == stOpen {
		c.truncated()
	}
	dst = l.dst
	l.dst, l.rec, c.w = nil, nil, nil
	if cap(l.pout) > keepOut {
		l.pout = nil
	}
	return n, dst
}

// run returns when there is nothing more to do without more input, more room or another call.
func (f *flow) run() {
	c, l := f.c, f.l
	for c.state == stOpen {
		idle := false // the machine was asked for output and made none
		st := c.inner.Status()
		if st&drivers.Abort != 0 {
			return
		}
		room := f.room()
		if st&drivers.HasPayload != 0 {
			if room > 0 && f.payload(room) {
				continue
			}
		} else if st&drivers.WantOutput != 0 && room > 0 {
			k := len(l.pout)
			f.t.Max = room
			l.pout = c.inner.Transmit(f.t, l.pout)
			if made := len(l.pout) > k; made || c.inner.Status() != st {
				c.flags |= fFeed
				if made && len(l.pout) >= maxPlain {
					f.seal()
				}
				continue
			}
			idle = true
		}
		busy := st&drivers.HasPayload != 0 || st&drivers.WantOutput != 0 && !idle
		switch {
		case st&drivers.Switch != 0 && !busy:
			c.inner = c.inner.(drivers.Successor).Successor(f.t)
			c.flags |= fFeed
			if len(c.tail) > 0 {
				c.flags |= fFresh
			}
			c.flags &^= fTold // told again, once the new machine has seen the tail
			if c.has(fDrain) {
				if d, ok := c.inner.(drivers.Drainer); ok {
					d.Drain(f.t)
				}
			}
		case st&drivers.Closing != 0:
			c.tail, c.rest, f.src = nil, nil, f.src[len(f.src):]
			if busy {
				return
			}
			f.close(st & drivers.Complete)
		case st&drivers.WantInput != 0 && st&drivers.Switch == 0 && f.feed(room):
		case c.untold(st):
			c.flags |= fTold | fFeed
			c.inner.PeerClosed(f.t)
		default:
			return
		}
	}
}

// payload seals a piece of what the machine sends by reference.
func (f *flow) payload(room int) bool {
	c := f.c
	m := c.inner.(drivers.Payloader)
	p := m.Payload()
	if len(p) == 0 { // let the machine move on
		m.PayloadSent(f.t, 0)
		return c.inner.Status()&drivers.HasPayload == 0 || len(m.Payload()) > 0
	}
	f.seal()
	n := min(len(p), room)
	if !f.write(p[:n]) {
		return true
	}
	c.flags |= fFeed
	m.PayloadSent(f.t, n)
	return true
}

// seal encrypts what the machine appended.
func (f *flow) seal() {
	if p := f.l.pout; len(p) > 0 {
		f.l.pout = p[:0]
		f.write(p)
	}
}

func (f *flow) write(p []byte) bool {
	if _, err := f.c.tls.Write(p); err != nil {
		f.c.refuse(err)
		return false
	}
	return true
}

// close sends close_notify.
//
// RFC 8446 section 6.1: "Each party MUST send a "close_notify" alert before closing its write side of the connection, unless it has
// already sent some error alert."
func (f *flow) close(complete drivers.Status) {
	c := f.c
	f.seal()
	if c.state != stOpen {
		return
	}
	_ = c.tls.CloseWrite() // fails only if an alert was sent already
	c.state = stDone
	// A peer that has sent its own close_notify is through: there is nothing to linger for.
	if complete != 0 || c.has(fEOF) {
		c.flags |= fComplete
	}
}

// feed presents the tail, or the next record. It reports whether the machine was called or a record was read.
func (f *flow) feed(room int) bool {
	c := f.c
	if len(c.tail) > 0 && (c.has(fFeed) || c.has(fCramped) && room > c.lastMax) {
		n := f.receive(c.tail, room)
		f.keep(c.tail[n:], true)
		return true
	}
	switch {
	case c.has(fEOF):
		// RFC 8446 section 6.1: "Any data received after a closure alert has been received MUST be ignored."
		c.rest, f.src = nil, f.src[len(f.src):]
		return false
	case len(c.rest) > 0:
		r := record(c.rest)
		if r == nil {
			r = c.rest
		}
		if c.rest = c.rest[len(r):]; len(c.rest) == 0 {
			c.rest = nil
		}
		f.open(r, room)
		return true
	}
	r := record(f.src)
	if r == nil {
		return false
	}
	f.src = f.src[len(r):]
	f.open(r, room)
	return true
}

// open decrypts a record and presents what was in it.
func (f *flow) open(r []byte, room int) {
	c, l := f.c, f.l
	l.rec = r
	tail := len(c.tail)
	var buf []byte
	if tail == 0 {
		if l.plain == nil {
			l.plain = make([]byte, maxPlain)
		}
		buf = l.plain
	} else {
		c.grow(len(r)) // a record holds less than its own length
		buf = c.tail[tail:cap(c.tail)]
	}
	n, err := c.tls.Read(buf)
	if n > 0 {
		c.flags |= fFeed | fFresh
		if tail == 0 {
			k := f.receive(buf[:n], room)
			f.keep(buf[k:n], false)
		} else {
			c.tail = c.tail[:tail+n]
			k := f.receive(c.tail, room)
			f.keep(c.tail[k:], true)
		}
	}
	switch {
	case err == nil || err == errWait || c.state != stOpen:
	case err == io.EOF:
		c.flags |= fEOF
	default: // crypto/tls has written the alert that belongs to it
		l.pout = l.pout[:0] // it is the last record
		c.refuse(err)
	}
}

// receive calls the machine.
func (f *flow) receive(p []byte, room int) int {
	c, l := f.c, f.l
	f.t.Max = room
	n, out := c.inner.Receive(f.t, p, l.pout)
	l.pout = out
	c.lastMax = f.t.Max
	c.flags &^= fFeed | fFresh | fCramped
	switch {
	case n > 0:
		c.flags |= fFeed
	case room < l.max-overhead(l.max):
		c.flags |= fCramped
	}
	if len(l.pout) >= maxPlain {
		f.seal()
	}
	return n
}

// keep makes p the tail. own says that it lies in it already.
func (f *flow) keep(p []byte, own bool) {
	c := f.c
	switch {
	case len(p) == 0:
		c.tail = nil
	case len(p) > c.svc.opt.MaxTail && !c.has(fFeed) && c.inner.Status()&drivers.WantInput != 0:
		c.giveUp(drivers.ErrTail)
	case own:
		c.tail = p
	default:
		c.tail = append([]byte(nil), p...)
	}
}

// grow makes room for n bytes behind the tail. It doubles at least, so that input that comes in small pieces costs linear work.
func (c *conn) grow(n int) {
	if cap(c.tail)-len(c.tail) >= n {
		return
	}
	b := make([]byte, len(c.tail), max(2*len(c.tail), len(c.tail)+n, 1024))
	copy(b, c.tail)
	c.tail = b
}
