package tlswrap

import (
	"crypto/tls"
	"sync/atomic"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// state is where a connection stands in its life.
type state uint8

const (
	stHello     state = iota // collecting the ClientHello
	stQueued                 // waiting for a slot
	stHandshake              // crypto/tls runs on a goroutine
	stOpen                   // plaintext flows
	stFlush                  // the handshake failed, its alert waits
	stDone                   // all output was given: the driver may flush and close
	stAbort                  // the driver shall close at once
)

type flag uint16

const (
	fFeed     flag = 1 << iota // Receive may be called although the machine consumed nothing of the tail before
	fFresh                     // the tail was not presented yet
	fCramped                   // the machine consumed nothing while there was little room for output
	fEOF                       // close_notify was read
	fTold                      // the machine knows
	fFIN                       // the driver saw the end of input
	fDrain                     // the driver drains
	fRefused                   // the inner service wants no machine
	fComplete                  // the machine closed with drivers.Complete
	fPartial                   // the last Receive left an incomplete record, or nothing
)

// conn is one connection: a machine for the driver, the net.Conn of crypto/tls (type shim), the Link of the inner machine (type
// link). It must stay small: most connections wait.
type conn struct {
	svc      *Service
	outer    drivers.Link
	tls      *tls.Conn
	inner    drivers.Machine
	hs       *handshake // until the handshake is over
	w        *local     // whose buffers crypto/tls uses during a call
	tail     []byte     // plaintext that the inner machine left
	rest     []byte     // whole records that came during the handshake
	early    []byte     // output of the handshake that was not fetched during it
	err      error      // why the connection ends, if the driver does not know
	shared   atomic.Pointer[tls.ConnectionState]
	deadline codec.Time // of the handshake
	secure   atomic.Bool
	woken    atomic.Bool // the inner machine asked for Advance
	state    state
	flags    flag
	lastMax  int // Turn.Max of the inner machine's last Receive
}

var (
	_ drivers.Machine = (*conn)(nil)
	_ drivers.Drainer = (*conn)(nil)
)

func (c *conn) has(f flag) bool { return c.flags&f != 0 }

// Receive takes whole records.
func (c *conn) Receive(t *drivers.Turn, src, dst []byte) (int, []byte) {
	switch c.state {
	case stHello:
		return c.hello(t, src, dst)
	case stHandshake:
		return c.hs.receive(src), dst
	case stOpen:
		return c.pump(t, src, dst)
	}
	return len(src), dst
}

// Transmit appends records.
func (c *conn) Transmit(t *drivers.Turn, dst []byte) []byte {
	switch c.state {
	case stHandshake:
		return c.hs.transmit(t.Max, dst)
	case stFlush:
		dst = append(dst, c.early...)
		c.early = nil
		c.state = stDone
	case stOpen:
		_, dst = c.pump(t, nil, dst)
	}
	return dst
}

// Status translates the inner machine's wishes.
func (c *conn) Status() (s drivers.Status) {
	switch c.state {
	case stHello:
		return drivers.WantInput
	case stQueued:
		return 0
	case stHandshake:
		return c.hs.status()
	case stFlush:
		return drivers.WantOutput
	case stDone:
		if c.has(fComplete) {
			return drivers.Closing | drivers.Complete
		}
		return drivers.Closing
	case stAbort:
		return drivers.Abort
	}
	if c.has(fRefused) {
		return drivers.WantOutput
	}
	if len(c.early) > 0 {
		s = drivers.WantOutput
	}
	in := c.inner.Status()
	switch {
	case in&drivers.Abort != 0:
		return drivers.Abort
	case in&drivers.Closing != 0:
		// Input is thrown away by pump until close_notify is out; from then on by the driver.
		return drivers.WantInput | drivers.WantOutput
	case in&drivers.WantInput != 0:
		// What is here comes first: asked for more, a driver would read ahead without end.
		if len(c.tail) > 0 && c.has(fFeed) || len(c.rest) > 0 {
			s |= drivers.WantOutput
			break
		}
		s |= drivers.WantInput
		if len(c.tail) > 0 && c.has(fCramped) {
			s |= drivers.WantOutput
		}
	}
	if in&(drivers.WantOutput|drivers.HasPayload|drivers.Switch) != 0 || c.untold(in) {
		s |= drivers.WantOutput
	}
	return s
}

// untold reports whether the inner machine is to be told now that the peer has finished: after all bytes were presented.
func (c *conn) untold(in drivers.Status) bool {
	return c.flags&(fEOF|fTold) == fEOF &&
		(len(c.tail) == 0 || c.flags&(fFresh|fFeed) == 0 && in&drivers.WantInput != 0)
}

// PeerClosed is about the FIN of the transport.
func (c *conn) PeerClosed(t *drivers.Turn) {
	c.flags |= fFIN
	switch c.state {
	case stHello:
		c.giveUp(ErrTruncated)
	case stHandshake:
		c.hs.eof()
	case stOpen:
		c.truncated()
	}
}

// truncated ends a connection whose input is over without close_notify.
func (c *conn) truncated() {
	if c.state != stOpen || c.flags&(fFIN|fEOF) != fFIN || !c.has(fPartial) || len(c.rest) > 0 || c.has(fRefused) {
		return
	}
	if c.inner.Status()&drivers.Closing != 0 {
		return // nothing that came after this would have been read
	}
	// RFC 8446 section 6.1: "Both parties need to use this mechanism" (close_notify) "to ensure that the connection has not been truncated".
	c.giveUp(ErrTruncated)
}

// giveUp closes without another byte.
func (c *conn) giveUp(err error) {
	c.err = err
	c.state = stAbort
	c.deadline = codec.Never
}

// Advance looks at the handshake, or passes the call on.
func (c *conn) Advance(t *drivers.Turn) {
	switch c.state {
	case stQueued:
		if c.svc.slots.take(c.hs) {
			c.begin()
		}
	case stHandshake:
		if over, err := c.hs.result(); over {
			c.finished(t, err)
		}
	case stOpen:
		// The last wake of the handshake may come after its result was seen. It is not the inner machine's.
		if c.inner != nil && (c.woken.Swap(false) || c.inner.Deadline().Reached(t.Now)) {
			c.flags |= fFeed
			c.inner.Advance(t.Local.(*local).enter(t))
		}
		return
	}
	if c.state < stOpen && c.deadline.Reached(t.Now) {
		c.giveUp(ErrHandshakeTimeout)
	}
}

// Deadline is the handshake's, then the inner machine's.
func (c *conn) Deadline() codec.Time {
	if c.state == stOpen && c.inner != nil {
		return c.inner.Deadline()
	}
	return c.deadline
}

// Closed ends the handshake, or the inner machine.
func (c *conn) Closed(err error) {
	if c.err != nil {
		err = c.err
	}
	if c.hs != nil {
		if c.state == stQueued {
			c.svc.slots.leave(c.hs)
		}
		c.hs.abandon() // but it stays: its goroutine may be on its way to it
		if err == nil {
			err = drivers.ErrClosed
		}
		c.report(err)
	}
	c.state = stAbort
	c.tail, c.rest = nil, nil
	if m := c.inner; m != nil {
		c.inner = nil
		m.Closed(err)
	}
}

// report tells once how the handshake ended.
func (c *conn) report(err error) {
	if f := c.svc.opt.OnHandshake; f != nil {
		f((*link)(c), err)
	}
}

// Drain lets the inner machine finish; a connection that has none yet gets one first, if its handshake has begun.
func (c *conn) Drain(t *drivers.Turn) {
	c.flags |= fDrain
	switch c.state {
	case stHello:
		c.state = stDone
		c.deadline = codec.Never
	case stOpen:
		c.drain(t)
	}
}

func (c *conn) drain(t *drivers.Turn) {
	if d, ok := c.inner.(drivers.Drainer); ok {
		c.flags |= fFeed
		d.Drain(t.Local.(*local).enter(t))
	}
}

// InFlight passes the question on. No handshake carries work that could be lost.
func (c *conn) InFlight() bool {
	d, ok := c.inner.(drivers.Drainer)
	return ok && d.InFlight()
}
