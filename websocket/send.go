package websocket

import (
	"context"
	"net"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
)

// headroom is the most that a frame is longer than its payload.
const headroom = 14

// mayQueue says why nothing may be sent now. mu is held.
func (c *Conn) mayQueue() error {
	switch {
	case c.err != nil:
		return c.err
	case c.ws.CloseSent():
		return net.ErrClosed
	case c.has(fOpen):
		return ErrOpen
	case c.waiting() >= c.o.high:
		c.flags |= fRefused
		return ErrFull
	}
	return nil
}

// unlock lets go of mu and has the driver look, if somebody else than the owner has added output.
func (c *Conn) unlock() {
	l := c.link
	switch {
	case !c.needWake():
		c.mu.Unlock()
	case c.in == nil || c.w == nil || c.w.pumping || c.w.alone || c.waiting() == 0:
		c.flags |= fWoken
		c.mu.Unlock()
		l.Wake()
	default:
		// We may be in an http.Handler on the goroutine that moves the connection's bytes: then move these.
		c.status.Or(uint32(drivers.WantOutput))
		if !c.pump() {
			c.flags |= fWoken
			c.mu.Unlock()
			l.Wake()
			return
		}
		c.mu.Unlock()
	}
}

// needWake reports whether the driver must be told: nobody is in a call of the machine, which ends with a look at what was
// sent meanwhile, and no Wake is outstanding. One serves whatever is sent until the driver comes. mu is held.
func (c *Conn) needWake() bool {
	return c.link != nil && !c.outside && c.flags&(fServed|fWoken|fGone) == 0
}

// TrySend sends p as one message, or returns ErrFull: then Handler.OnDrain tells when there is room. It never waits and
// copies p, so it is for callbacks. An answer to every message is always taken: reading stops before the queue is full. It
// fails with a *CloseError if the connection has ended, net.ErrClosed after Close, ErrOpen while a message is sent in
// fragments, and with a *ws.Error if text is not UTF-8.
func (c *Conn) TrySend(op Opcode, p []byte) error {
	c.mu.Lock()
	err := c.mayQueue()
	if err == nil {
		dst, b := c.room(len(p) + headroom)
		dst, err = c.ws.AppendMessage(dst, op, p)
		c.keep(dst, b)
	}
	c.unlock()
	return err
}

// Send is TrySend that waits for room, until ctx is done. It must not be called from callbacks.
func (c *Conn) Send(ctx context.Context, op Opcode, p []byte) error {
	return c.patiently(ctx, func() error { return c.TrySend(op, p) })
}

// TrySendRef is TrySend without a copy, for large payloads of a server's connection that does not compress: p goes to the
// kernel from where it is. It must not change until release is called, which happens once, on the connection's owner or
// before TrySendRef returns; but not if an error is returned. release may be nil. Whether text is UTF-8 is not checked.
// Where a copy is needed (a client masks, permessage-deflate) it is made.
func (c *Conn) TrySendRef(op Opcode, p []byte, release func()) error {
	c.mu.Lock()
	err := c.mayQueue()
	lent := false
	if err == nil {
		lent = len(p) >= refMin && !c.has(fDeflate) && c.ws.Role() == ws.Server
		if lent {
			dst, b := c.room(headroom)
			dst, err = c.ws.AppendMessageHeader(dst, op, int64(len(p)))
			c.keep(dst, b)
			if err == nil {
				c.lend(p, release)
			}
		} else {
			dst, b := c.room(len(p) + headroom)
			dst, err = c.ws.AppendMessage(dst, op, p)
			c.keep(dst, b)
		}
	}
	c.unlock()
	if err == nil && !lent && release != nil {
		release()
	}
	return err
}

// TrySendFragment sends p as the next piece of a message, in a frame of its own; the first call begins it, the one with last
// set ends it. Only one goroutine may send fragments at a time; meanwhile other messages get ErrOpen, or wait if sent with
// Send. Errors are those of TrySend.
func (c *Conn) TrySendFragment(op Opcode, p []byte, last bool) error {
	c.mu.Lock()
	open := c.flags & fOpen
	c.flags &^= fOpen
	err := c.mayQueue()
	c.flags |= open
	if err == nil {
		dst, b := c.room(len(p) + headroom)
		dst, err = c.ws.AppendFragment(dst, op, p, last)
		c.keep(dst, b)
		switch {
		case err != nil:
		case last:
			c.flags &^= fOpen
			c.changed()
		default:
			c.flags |= fOpen
		}
	}
	c.unlock()
	return err
}

// SendFragment is TrySendFragment that waits for room, until ctx is done. It must not be called from callbacks.
func (c *Conn) SendFragment(ctx context.Context, op Opcode, p []byte, last bool) error {
	return c.patiently(ctx, func() error { return c.TrySendFragment(op, p, last) })
}

// NewPrepared encodes a message once, plain and deflated, for any number of connections: see TrySendPrepared and
// Group.Broadcast. p is copied. The error is a *ws.Error if text is not UTF-8.
func NewPrepared(op Opcode, p []byte) (*ws.Prepared, error) {
	return ws.NewPrepared(op, p, &deflatePool)
}

// TrySendPrepared sends a message that was encoded before. A large one is shared by reference, on a server's connection.
// Errors are those of TrySend.
func (c *Conn) TrySendPrepared(m *ws.Prepared) error {
	c.mu.Lock()
	err := c.mayQueue()
	if err == nil {
		var frame []byte
		if c.ws.Role() == ws.Server {
			frame, err = c.ws.PreparedFrame(m)
		}
		switch {
		case err != nil:
		case len(frame) >= refMin:
			c.lend(frame, nil)
		case frame != nil:
			dst, b := c.room(len(frame))
			c.keep(append(dst, frame...), b)
		default:
			dst, b := c.room(headroom)
			dst, err = c.ws.AppendPrepared(dst, m)
			c.keep(dst, b)
		}
	}
	c.unlock()
	return err
}

// TryPing sends a Ping with at most 125 bytes of payload. It is taken while a message is open, and however much waits.
func (c *Conn) TryPing(p []byte) error { return c.beat((*ws.Conn).AppendPing, p) }

// TryPong sends a Pong that nobody asked for (RFC 6455 section 5.5.3-5): a heartbeat. Pings are answered without it.
func (c *Conn) TryPong(p []byte) error { return c.beat((*ws.Conn).AppendPong, p) }

func (c *Conn) beat(f func(*ws.Conn, []byte, []byte) ([]byte, error), p []byte) error {
	c.mu.Lock()
	var err error
	switch {
	case c.err != nil:
		err = c.err
	case c.ws.CloseSent():
		err = net.ErrClosed
	case c.waiting() >= 2*c.o.high && c.o.high < unlimited/2: // somebody pings in a loop
		err = ErrFull
	default:
		dst, b := c.room(len(p) + headroom)
		dst, err = f(&c.ws, dst, p)
		c.keep(dst, b)
	}
	c.unlock()
	return err
}

// Close sends what waits and then a Close frame with code (0: none) and a reason of at most 123 bytes, and does not wait: the
// peer's answer, or Options.CloseTimeout, ends the connection. Until then messages still arrive. A second Close does nothing.
// The error is a *ws.Error if code or reason may not be sent: then nothing was.
func (c *Conn) Close(code ws.CloseCode, reason string) error {
	c.mu.Lock()
	err := c.closeLocked(code, reason)
	l := c.link
	c.unlock()
	if l != nil && c.in != nil {
		l.Watch() // in an http.Handler that does not read any more somebody has to see the peer's answer
	}
	return err
}

func (c *Conn) closeLocked(code ws.CloseCode, reason string) error {
	if c.err != nil || c.ws.CloseSent() {
		return nil
	}
	dst, b := c.room(ws.MaxControl + headroom)
	dst, err := c.ws.AppendClose(dst, code, []byte(reason))
	c.keep(dst, b)
	if err == nil {
		c.flags &^= fOpen
		c.changed()
	}
	return err
}

// Abort drops the connection at once, unsent output and all. OnClose follows.
func (c *Conn) Abort() {
	c.mu.Lock()
	c.flags |= fAbort
	c.unlock()
}
