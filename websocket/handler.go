package websocket

import "github.com/purewire/purewire/codec/ws"

// The types of messages, as in package ws.
const (
	Text   = ws.Text
	Binary = ws.Binary
)

// Opcode is the type of a message: Text or Binary.
type Opcode = ws.Opcode

// Handler is what happens on a connection, as callbacks. Any of them may be nil. They run on the connection's owner, one at
// a time: on the reactor that is the loop, so they must not block (no Send, no Read: TrySend). One Handler may serve any
// number of connections. A panic drops the connection.
type Handler struct {
	// OnOpen is the first call.
	OnOpen func(c *Conn)
	// OnMessage gets a whole message. p is lent for the call and may be written to. A message that arrives in one read, in one
	// frame, is not copied.
	OnMessage func(c *Conn, op Opcode, p []byte)
	// OnFragment, if not nil, gets messages piece by piece as they arrive, instead of OnMessage; last says that the message is
	// complete. Pieces are cut anywhere, also inside a character; p may be empty if last is true.
	OnFragment func(c *Conn, op Opcode, p []byte, last bool)
	// OnPing and OnPong get the payload of a control frame, at most 125 bytes, lent. The answer to a Ping goes out by itself.
	OnPing func(c *Conn, p []byte)
	OnPong func(c *Conn, p []byte)
	// OnDrain tells that the output queue has fallen to Options.LowWater after TrySend returned ErrFull.
	OnDrain func(c *Conn)
	// OnClose is the last call, once: no message comes and nothing can be sent any more. err tells why: the peer's Close
	// frame, a violation of the protocol, or the end of the transport.
	OnClose func(c *Conn, err *CloseError)
}

// message delivers a piece of a message. mu is held, and released during callbacks.
func (c *Conn) message(ev *ws.Event) {
	h := c.h
	switch {
	case h == nil:
		c.in.put(ev)
		c.changed()
	case h.OnFragment != nil:
		c.away()
		h.OnFragment(c, ev.Opcode, ev.Payload, ev.Last)
		c.back()
	case ev.First && ev.Last:
		if h.OnMessage != nil {
			c.away()
			h.OnMessage(c, ev.Opcode, ev.Payload)
			c.back()
		}
	default:
		c.join(ev)
	}
}

// join collects a message that comes in pieces.
func (c *Conn) join(ev *ws.Event) {
	if c.part == nil {
		c.part = getBuffer(2 * len(ev.Payload))
	}
	b := c.part
	b.b = append(b.b, ev.Payload...)
	if !ev.Last {
		return
	}
	c.part = nil
	if h := c.h; h.OnMessage != nil {
		c.away()
		h.OnMessage(c, ev.Opcode, b.b)
		c.back()
	}
	putBuffer(b)
}

// control acts on a control frame; what it asks for is owed by the codec. mu is held, and released during callbacks.
func (c *Conn) control(ev *ws.Event) {
	var f func(*Conn, []byte)
	switch ev.Opcode {
	case ws.Close:
		c.ending(&CloseError{Code: ev.Code, Reason: string(ev.Reason), Remote: true})
		return
	case ws.Ping:
		if c.q == nil {
			c.pay() // at once, and every one, as long as the peer reads
		}
		if c.h != nil {
			f = c.h.OnPing
		}
	case ws.Pong:
		if c.h != nil {
			f = c.h.OnPong
		}
		c.changed()
	}
	if f != nil {
		c.away()
		f(c, ev.Payload)
		c.back()
	}
}

// ending notes why the connection ends and tells the handler, once. mu is held, and released during the callback.
func (c *Conn) ending(err *CloseError) {
	if c.err != nil {
		return
	}
	c.err = err
	c.changed()
	if c.h != nil && c.h.OnClose != nil && c.flags&fOpened != 0 {
		c.away()
		c.h.OnClose(c, err)
		c.back()
	}
}

// away lets go of mu for a callback, and back takes it again.
func (c *Conn) away() {
	c.outside = true
	c.mu.Unlock()
}

func (c *Conn) back() {
	c.mu.Lock()
	c.outside = false
}
